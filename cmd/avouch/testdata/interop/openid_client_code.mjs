// openid-client: a whole life with a user in it. It prints the URL for the browser and reads back where the browser was
// sent; then it prints what it got, a word and a value a line.
import { createInterface } from 'node:readline/promises';
import * as client from 'openid-client';

const env = process.env;
const options = { execute: [client.allowInsecureRequests], algorithm: 'oauth2' };
const lines = createInterface({ input: process.stdin });
const say = (word, value) => console.log(`${word} ${value}`);

async function configuration() {
  if (env.REGISTER) {
    const registered = await client.dynamicClientRegistration(
      new URL(env.ISSUER),
      {
        client_name: 'registered by openid-client', redirect_uris: [env.REDIRECT_URI],
        grant_types: ['authorization_code', 'refresh_token'], response_types: ['code'],
        token_endpoint_auth_method: 'client_secret_post', scope: env.SCOPE,
      },
      undefined, // client_secret_post, its default
      { ...options, initialAccessToken: env.REGISTER },
    );
    say('registered', registered.clientMetadata().client_id);
    return registered;
  }
  const how = env.CLIENT_SECRET ? client.ClientSecretBasic(env.CLIENT_SECRET) : client.None();
  return client.discovery(new URL(env.ISSUER), env.CLIENT_ID, undefined, how, options);
}

const config = await configuration();
let tokens;
if (env.DEVICE) {
  const device = await client.initiateDeviceAuthorization(config, { scope: env.SCOPE });
  say('browser', device.verification_uri_complete);
  tokens = await client.pollDeviceAuthorizationGrant(config, device);
} else {
  const pkceCodeVerifier = client.randomPKCECodeVerifier();
  const expectedState = client.randomState();
  const parameters = {
    redirect_uri: env.REDIRECT_URI, scope: env.SCOPE, state: expectedState,
    code_challenge: await client.calculatePKCECodeChallenge(pkceCodeVerifier), code_challenge_method: 'S256',
  };
  const url = env.PUSH
    ? await client.buildAuthorizationUrlWithPAR(config, parameters)
    : client.buildAuthorizationUrl(config, parameters);
  say('browser', url.href);
  const back = (await lines[Symbol.asyncIterator]().next()).value;
  tokens = await client.authorizationCodeGrant(config, new URL(back), { pkceCodeVerifier, expectedState });
}
lines.close();
say('token', tokens.access_token);
say('scope', tokens.scope);
const again = await client.refreshTokenGrant(config, tokens.refresh_token);
say('token', again.access_token);
const refresh = again.refresh_token ?? tokens.refresh_token;
say('rotated', again.refresh_token !== undefined && again.refresh_token !== tokens.refresh_token);
if (!env.PUBLIC) {
  say('active', (await client.tokenIntrospection(config, again.access_token)).active);
}
await client.tokenRevocation(config, refresh);
if (!env.PUBLIC) {
  say('active', (await client.tokenIntrospection(config, again.access_token)).active);
}
try {
  await client.refreshTokenGrant(config, refresh);
  say('refused', 'no');
} catch (error) {
  say('refused', error.error);
}
