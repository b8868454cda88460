// oauth4webapi: discovery, then client credentials with private_key_jwt; the answer is checked by the library.
import { readFileSync } from 'node:fs';
import { createPrivateKey } from 'node:crypto';
import * as oauth from 'oauth4webapi';

const env = process.env;
const insecure = { [oauth.allowInsecureRequests]: true };
const issuer = new URL(env.ISSUER);
const server = await oauth.processDiscoveryResponse(
  issuer, await oauth.discoveryRequest(issuer, { algorithm: 'oauth2', ...insecure }),
);
const der = createPrivateKey(readFileSync(env.KEY_FILE)).export({ type: 'pkcs8', format: 'der' });
const algorithm = env.ALG === 'EdDSA' ? { name: 'Ed25519' } : { name: 'ECDSA', namedCurve: 'P-256' };
const key = await crypto.subtle.importKey('pkcs8', der, algorithm, false, ['sign']);
const client = { client_id: env.CLIENT_ID };
const response = await oauth.clientCredentialsGrantRequest(
  server, client, oauth.PrivateKeyJwt({ key, kid: env.KID }), new URLSearchParams({ scope: env.SCOPE }), insecure,
);
const answer = await oauth.processClientCredentialsResponse(server, client, response);
console.log(answer.access_token);
