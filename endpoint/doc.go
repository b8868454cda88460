// Package endpoint has the endpoints that stand beside the token endpoint. They are values of avouch.Config.Endpoints,
// beside endpoints of your own:
//
//	server, err := avouch.New(avouch.Config{
//		Issuer:    "https://as.example.com",
//		Minter:    &token.Minter{Key: key},
//		Grants:    []avouch.Grant{code},
//		Refresh:   &grant.RefreshToken{},
//		Handles:   store, // one of package storage, say
//		Endpoints: []avouch.Endpoint{endpoint.Introspection(), endpoint.Revocation()},
//		...
//	})
//	mux.Handle("/", server.Handler())
//
// The metadata of the server then says where they are (RFC 8414 §2). Clients authenticate at them as they do at the token
// endpoint, by every method that is offered and under the same rules.
//
// # Introspection
//
// An access token is a JWT that an API can verify by itself. What the API cannot see is that something has happened since:
// the client was disabled, or its key withdrawn, the user was switched off, the token revoked. [Introspection] sees it
// (RFC 7662), from the next request on. It asks, in this order:
//
//   - Is it an access token of this server, by its type, issuer, signature and times?
//   - May the caller know? It may where the token was issued to it, or where it is one of the resources that the token is
//     for, by Introspects of its registration. A refresh token is only its own client's to ask about.
//   - Does everything that it rests on still stand ([avouch.Server.Lapsed])? The client must exist, enabled; the subject must
//     be enabled; neither the token nor its consent may have been revoked; and avouch.Config.Lapsed must know nothing
//     against it. The token endpoint asks the same question about every token that it makes.
//
// If any answer is no, the endpoint says {"active":false}, with status 200 and without a word more. So a caller learns
// nothing of a token that is not for it: not even that there is one. If an answer cannot be had, the endpoint says 503, and
// never yes and never no.
//
// # Revocation
//
// [Revocation] is for clients that have no more use for a token: somebody has signed out (RFC 7009). With a refresh token
// everything ends that was issued on the same consent, access tokens included; with an access token only this one does.
// The answer is 200 with an empty body, and it is the same for a token that is unknown or another client's, which is left
// alone.
//
// # Hints
//
// token_type_hint is for servers that would have to search. What kind a token is shows in its shape here, and the parameter
// is not looked at: a wrong one does no harm (RFC 7662 §2.1, RFC 7009 §2.1).
//
// # What sees a revocation
//
// The token endpoint and introspection, from the next request on. An API that verifies tokens by itself does not: there a
// token lives until its exp. See resource.Config.Introspect for APIs that want to know at once.
package endpoint
