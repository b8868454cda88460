// google-auth-library: a token from a Google-style key file. The library asks Google's endpoint whatever the file
// says, so two settings are needed: the audience as a claim, and a transporter that goes where token_uri points.
import { readFileSync } from 'node:fs';
import { JWT } from 'google-auth-library';

const file = JSON.parse(readFileSync(process.env.KEY_FILE, 'utf8'));
const client = new JWT({
  email: file.client_email,
  key: file.private_key,
  keyId: file.private_key_id,
  scopes: process.env.SCOPE.split(' '),
  additionalClaims: { aud: file.token_uri },
});
client.transporter.interceptors.request.add({
  resolved: async (request) => ({ ...request, url: new URL(file.token_uri) }),
});
const { token } = await client.getAccessToken();
console.log(token);
