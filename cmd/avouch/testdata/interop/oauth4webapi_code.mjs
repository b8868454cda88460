// oauth4webapi: the authorization code grant with every check that it makes of a server, then refresh, introspection and
// revocation. Lines as those of openid_client_code.mjs.
import { createInterface } from 'node:readline/promises';
import * as oauth from 'oauth4webapi';

const env = process.env;
const insecure = { [oauth.allowInsecureRequests]: true };
const say = (word, value) => console.log(`${word} ${value}`);
const issuer = new URL(env.ISSUER);
const as = await oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, { algorithm: 'oauth2', ...insecure }));
const client = { client_id: env.CLIENT_ID };
const how = oauth.ClientSecretPost(env.CLIENT_SECRET);

const verifier = oauth.generateRandomCodeVerifier();
const state = oauth.generateRandomState();
const parameters = new URLSearchParams({
  client_id: env.CLIENT_ID, redirect_uri: env.REDIRECT_URI, response_type: 'code', scope: env.SCOPE, state,
  code_challenge: await oauth.calculatePKCECodeChallenge(verifier), code_challenge_method: 'S256',
});
const url = new URL(as.authorization_endpoint);
const pushed = await oauth.processPushedAuthorizationResponse(
  as, client, await oauth.pushedAuthorizationRequest(as, client, how, parameters, insecure));
url.searchParams.set('client_id', env.CLIENT_ID);
url.searchParams.set('request_uri', pushed.request_uri);
say('browser', url.href);

const lines = createInterface({ input: process.stdin });
const back = new URL((await lines[Symbol.asyncIterator]().next()).value);
lines.close();
const checked = oauth.validateAuthResponse(as, client, back, state);
const tokens = await oauth.processAuthorizationCodeResponse(
  as, client, await oauth.authorizationCodeGrantRequest(as, client, how, checked, env.REDIRECT_URI, verifier, insecure));
say('token', tokens.access_token);
const again = await oauth.processRefreshTokenResponse(
  as, client, await oauth.refreshTokenGrantRequest(as, client, how, tokens.refresh_token, insecure));
say('token', again.access_token);
const introspect = async () => (await oauth.processIntrospectionResponse(
  as, client, await oauth.introspectionRequest(as, client, how, again.access_token, insecure))).active;
say('active', await introspect());
await oauth.processRevocationResponse(await oauth.revocationRequest(as, client, how, tokens.refresh_token, insecure));
say('active', await introspect());
