// An OpenID provider as it comes (oidc-provider, with its development pages to sign in at), which knows one client. It
// prints its issuer, and ends with its standard input.
import http from 'node:http'
import Provider from 'oidc-provider'

const server = http.createServer()
await new Promise(resolve => server.listen(0, '127.0.0.1', resolve))
const issuer = `http://127.0.0.1:${server.address().port}`
const client = { client_id: 'avouch-here', redirect_uris: [process.env.REDIRECT_URI], token_endpoint_auth_method: process.env.METHOD }
if (process.env.JWKS) Object.assign(client, { jwks: JSON.parse(process.env.JWKS), token_endpoint_auth_signing_alg: 'ES256' })
else client.client_secret = process.env.SECRET
const provider = new Provider(issuer, {
  clients: [client],
  pkce: { required: () => true },
  claims: { openid: ['sub', 'auth_time'], profile: ['name'] },
  conformIdTokenClaims: false,
  findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id, name: `${id} of the provider` }) }),
})
server.on('request', provider.callback())
console.log(issuer)
process.stdin.on('end', () => process.exit(0)).resume()
