// openid-client: discovery, then client credentials with an assertion, or the JWT bearer grant.
import { readFileSync } from 'node:fs';
import { createPrivateKey } from 'node:crypto';
import * as client from 'openid-client';

const env = process.env;
async function authentication() {
  if (env.METHOD === 'client_secret_jwt') return client.ClientSecretJwt(env.CLIENT_SECRET);
  if (env.METHOD === 'client_secret_basic') return client.ClientSecretBasic(env.CLIENT_SECRET);
  if (env.METHOD === 'client_secret_post') return client.ClientSecretPost(env.CLIENT_SECRET);
  if (env.METHOD === 'none') return client.None();
  return client.PrivateKeyJwt(await privateKey());
}
async function privateKey() {
  const algorithms = {
    ES256: { name: 'ECDSA', namedCurve: 'P-256' },
    EdDSA: { name: 'Ed25519' },
    RS256: { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' },
    PS256: { name: 'RSA-PSS', hash: 'SHA-256' },
  };
  const der = createPrivateKey(readFileSync(env.KEY_FILE)).export({ type: 'pkcs8', format: 'der' });
  const key = await crypto.subtle.importKey('pkcs8', der, algorithms[env.ALG], false, ['sign']);
  return env.KID ? { key, kid: env.KID } : key;
}
const config = await client.discovery(
  new URL(env.ISSUER), env.CLIENT_ID, undefined, await authentication(),
  { execute: [client.allowInsecureRequests], algorithm: env.WELL_KNOWN ?? 'oauth2' },
);
for (let i = 0; i < Number(env.TIMES ?? '1'); i++) {
  const answer = env.ASSERTION
    ? await client.genericGrantRequest(config, 'urn:ietf:params:oauth:grant-type:jwt-bearer', {
      assertion: env.ASSERTION, scope: env.SCOPE,
    })
    : await client.clientCredentialsGrant(config, { scope: env.SCOPE });
  console.log(answer.access_token);
}
