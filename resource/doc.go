// Package resource is the API half of Avouch: a [Guard] that stands in front of an [net/http.Handler] and lets through
// only who brings a good access token of one authorization server (RFC 6750, RFC 9068). It pulls in no server and no
// database.
//
//	guard, err := resource.New(resource.Config{
//		Issuer:   "https://as.example.com",     // whose tokens count
//		Audience: "https://orders.example.com", // this API, as tokens name it in aud
//	})
//	if err != nil {
//		log.Fatal(err)
//	}
//	mux.Handle("POST /orders", guard.Require("orders:write")(http.HandlerFunc(createOrder)))
//	mux.Handle("GET "+guard.MetadataPath(), guard.Metadata())
//	mux.Handle("GET /whoami", guard.WhoAmI())
//
// The handler asks who is calling:
//
//	func createOrder(w http.ResponseWriter, r *http.Request) {
//		caller, _ := resource.FromContext(r.Context())
//		orders.Create(r.Context(), caller.Subject, ...)
//	}
//
// # What is checked
//
// A token must be a JWT with the type at+jwt, signed by a key of the issuer with an allowed algorithm, with this API
// among its audiences, and within its time. ID tokens, assertions, DPoP proofs and anything else that is signed by the
// same keys are refused for their type. A token that is bound to a key (cnf) is refused too, because a guard cannot
// check the proof. Nothing is remembered about a token: it is verified on every request, and lives until its exp, even
// if the authorization server disables its client meanwhile. Keep token lifetimes short, or have the server asked.
//
// The token is taken from the Authorization header and nowhere else, and the handler gets the request without that
// header.
//
// # Keys
//
// Without Config.Keys the guard finds the issuer's keys by its metadata (RFC 8414) when the first token comes, and
// follows their rotation. While it has none, or only such as are too old to be relied on, the answer is 503: neither
// does anybody get in, nor is a good token called bad.
//
// # Revocation at once
//
// With Config.Introspect the guard asks the issuer about each token that has passed all of the above (RFC 7662):
//
//	Introspect: &resource.Introspection{ClientID: "orders-api", Key: key},
//
// Then a token that was revoked, or whose client or user was disabled, is refused as soon as the issuer's last answer about
// it is older than 10 seconds, or at once where no answer is kept. The price is a request to the issuer every 10 seconds for
// each token that is in use, and that the API is away when the issuer is: nobody is let in on no answer.
//
// # Outside net/http
//
// [Guard.Verify] judges a token that came another way: in gRPC metadata, or by the middleware of another framework.
// [Caller] has the expiry that such frameworks ask for.
package resource
