// Package client gets OAuth 2.0 access tokens for a program, by signed assertions instead of shared secrets (RFC 7523
// as updated by RFC 10070). It is the client half of Avouch and works with any server that speaks these RFCs.
//
// There are four ways, and each has the same three methods as the configurations of golang.org/x/oauth2: Token gets one
// token, TokenSource keeps one and replaces it in time, Client returns an [net/http.Client] that sends it.
//
//	the program has                            use
//	a client id and a private key              [PrivateKeyJWT]
//	a client id and a shared secret            [SecretJWT]
//	a token its platform gave it, which
//	the server takes for a client              [WorkloadIdentity]
//	an assertion to exchange: ready-made,      [JWTBearer]
//	or signed here for a user or itself
//
// A client with a key file:
//
//	key, err := keys.LoadPrivate("billing-batch.pem") // PEM, JWK, or a Google-style JSON key file
//	if err != nil {
//		log.Fatal(err)
//	}
//	me := client.PrivateKeyJWT{
//		Issuer:   "https://as.example.com",
//		ClientID: "billing-batch",
//		Key:      key,
//		Scopes:   []string{"invoices:run"},
//	}
//	resp, err := me.Client(ctx).Post("https://invoices.example.com/run", "application/json", body)
//
// A pod with a projected service account token, which Kubernetes replaces in its file:
//
//	me := client.JWTBearer{
//		Issuer:    "https://as.example.com",
//		Assertion: client.AssertionFile("/var/run/secrets/tokens/as"),
//	}
//
// # Who an assertion is for
//
// An assertion names the one server that may use it (aud). By default that is the issuer identifier, and before
// anything is signed the server's metadata (RFC 8414) must name the very same issuer: a server that poses as another
// gets nothing it could use there. [Audience] has words for servers that want something else. With TokenURL set no
// metadata is fetched, and the program vouches for the pair of Issuer and TokenURL itself.
//
// # One token for many callers
//
// A token source has one request under way at most, however many callers wait, and a caller who gives up does not stop
// it for the others. When a tenth to 15 % of a token's life is left the next caller sets off a request for its
// successor in the background; if that fails callers go on with the token they have, and it is tried again after a
// pause. Only where there is no good token left does anybody wait or see an error.
//
// # HTTP
//
// As in x/oauth2 the HTTP client is the [oauth2.HTTPClient] value of the context given to the method, else
// [net/http.DefaultClient]. Token requests follow no redirect, carry no cookie, take at most 30 s, and go over https
// (http to loopback hosts only); answers are read up to 1 MiB. The client that Client returns does not send the token
// over plain http either, nor to another host when it is redirected there; where a mesh encrypts underneath, make one
// by oauth2.NewClient(ctx, me.TokenSource(ctx)).
//
// # When the server refuses
//
// A refusal is an [*oauth2.RetrieveError], as in x/oauth2, with the code and description that the server gave;
// [RefusalID] has the id by which the operator of an Avouch server finds the reason. A request is sent once and never
// again by another method. The package logs nothing, and its errors hold no assertion, secret or token.
package client
