// Package token mints and verifies JWT access tokens (RFC 9068).
//
// A [Minter] signs [Claims] with the key that its [Signer] gives: one key that never changes (*keys.Private) or a ring
// that rotates. A [Verifier] is what an API uses to check them; package resource puts one in front of an http.Handler.
package token

import (
	"time"

	"github.com/avouch-oauth/avouch/internal/strictjson"
)

// Claims are the claims of an access token (RFC 9068 §2.2).
type Claims struct {
	Issuer    string    // iss
	Subject   string    // sub; the client id where nobody is meant
	Audience  []string  // aud; one or more resources
	ClientID  string    // client_id
	Scopes    []string  // scope, joined by spaces on the wire; left out where empty
	ID        string    // jti
	IssuedAt  time.Time // iat, in whole seconds on the wire
	Expires   time.Time // exp, likewise
	NotBefore time.Time // nbf; left out where zero

	// Origin is what the token rests on; left out where zero. On the wire it is the claim "avouch_origin", an object.
	Origin Origin

	// More are further claims to be minted. A name of the fields above is refused. It is not set by Verify: see
	// [Claims.Decode].
	More map[string]any

	read strictjson.Object // what Verify read
}

// typ is the media type of an access token as it stands in the header (RFC 9068 §2.1).
const typ = "at+jwt"

// named are the claims that have a field.
func named(claim string) bool {
	switch claim {
	case "iss", "sub", "aud", "client_id", "scope", "jti", "iat", "exp", "nbf", originClaim:
		return true
	}
	return false
}
