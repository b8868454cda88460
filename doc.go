// Package avouch is an OAuth 2.0 authorization server whose grants and client authentication methods are values that
// you register: JWT bearer (RFC 7523) among them, and your own beside it.
//
// # A server in your program
//
// [New] makes a [Server] of a [Config]; its handlers go into your mux where the configuration says they are:
//
//	key, err := keys.Generate(keys.ES256) // or keys.ParsePrivate, from where you keep it
//	server, err := avouch.New(avouch.Config{
//		Issuer:     "https://as.example.com",
//		Minter:     &token.Minter{Key: key},
//		Grants:     []avouch.Grant{grant.ClientCredentials{}},
//		ClientAuth: []avouch.ClientAuth{&clientauth.PrivateKeyJWT{}},
//		Clients:    avouch.ClientList{{ID: "billing", Keys: billingKeys, Grants: []string{"client_credentials"}}},
//	})
//	mux.Handle("POST /oauth/token", server.TokenEndpoint())
//	mux.Handle("GET /oauth/jwks", server.JWKS())
//	mux.Handle("GET /.well-known/oauth-authorization-server", server.Metadata())
//
// [Server.Handler] is all of it as one handler, and [Server.Mount] puts it into a mux. Package grant has the grants, package
// clientauth the client authentication methods, package endpoint the endpoints beside the token endpoint (introspection,
// revocation, registration), package token the access tokens; they are values of Grants, ClientAuth, Endpoints and Minter.
// Package handle keeps codes and refresh tokens (Config.Handles). Package explain says why a request is refused.
// What keeps clients is behind [Clients]; [ClientList] is a fixed list. Serve it with timeouts (http.Server.ReadTimeout
// and its siblings): how long a request may take to arrive is the business of the http.Server.
//
// # What a request goes through
//
// The server owns every step that grants have in common, so that none of them can forget one: the form is read
// strictly; the client authenticates; the [Grant] decides who the token is for and what it may do, as an
// [Authorization]; scopes and resources are held against what client and grant allow; whatever the request may use only
// once — a client assertion, an authorization grant, a code — is spent in one step; the token is made; what the grant keeps
// is recorded; a refresh token is made; the [Event] is told; the answer is written. A request refused before that step has
// spent nothing. Everything up to it is a [Decision], which [Server.Decide] makes for anyone who wants to know what would
// become of a request.
//
// What a token rests on — client, subject, consent, and by Config.Lapsed the issuer, key and rule — must stand when it is
// made, and introspection asks the same question ([Server.Lapsed]). If a code or refresh token is used twice, the server
// ends its consent.
//
// # Grants and client authentication methods of your own
//
// A grant is two methods, a client authentication method is three. Both stand in the same slice as the built-in ones,
// which use no more than you can. They change nothing that lasts: what is used once, kept or counted is returned to the
// server, so that a dry run can call them. A grant needs an authenticated client unless [ClientOptional] says otherwise. See
// the examples for a grant and a method, each in fewer than 40 lines. An [Endpoint] of your own belongs beside those of
// package endpoint in the same way.
//
// # Errors
//
// A refusal is an [*Error]: Code and Description go to the caller, Err is for the operator and never leaves the server.
// Any other error that a grant, a method or a store returns is a failure, which the caller learns as server_error
// without detail. Every refusal has an id, in the answer (member refusal_id), in the log and in the [Event].
//
// # Relaxations
//
// Zero values are the strict ones. What relaxes a rule is a word that can be searched for: [ClientOptional] here,
// clientauth.AudienceLegacy and its like elsewhere.
package avouch
