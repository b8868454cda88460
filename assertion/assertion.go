package assertion

import (
	"time"

	"github.com/avouch-oauth/avouch/internal/strictjson"
	"github.com/avouch-oauth/avouch/keys"
)

// Assertion is a JWT assertion that has passed every check. Only a [Checker] makes one, so whoever holds an
// *Assertion need not ask whether it was verified.
type Assertion struct {
	Party *Party // who vouches: what the Party hook returned

	Issuer   string   // iss
	Subject  string   // sub; "" only where the party's policy lets it be absent
	Audience []string // aud, as a list
	ID       string   // jti; "" where it has none

	Expires   time.Time // exp
	IssuedAt  time.Time // iat; zero where it has none
	NotBefore time.Time // nbf; zero where it has none

	Type      string         // typ of the header, as sent
	KeyID     string         // id of the key that verified it
	Algorithm keys.Algorithm // the algorithm it was verified with

	// LegacyAudience is true where its audience is acceptable only by a relaxation (see [Audience]).
	LegacyAudience bool

	claims strictjson.Object
}

// Claim returns a string claim by its exact name; ok is false where it is absent or not a string.
func (a *Assertion) Claim(name string) (value string, ok bool) { panic("not built") }

// DecodeClaim decodes any claim into v as encoding/json would; found is false where it is absent.
func (a *Assertion) DecodeClaim(name string, v any) (found bool, err error) { panic("not built") }

// Unverified is what a token says of itself before its signature has been checked: to be used for finding the party
// it claims to come from, and for nothing else.
type Unverified struct {
	Issuer    string // iss; "" where it has none (SPIFFE)
	Subject   string // sub
	Type      string // typ of the header
	KeyID     string // kid of the header
	Algorithm keys.Algorithm
}
