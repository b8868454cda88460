package assertion

import (
	"encoding/json"
	"log/slog"
	"time"

	"github.com/avouch-oauth/avouch/internal/strictjson"
	"github.com/avouch-oauth/avouch/keys"
)

// Assertion is a JWT assertion that has passed every check. Only a [Checker] makes one, so code that gets an *Assertion
// need not ask whether it was verified.
type Assertion struct {
	Party *Party // who vouches: what the Party method of the [Case] returned

	Issuer   string   // iss; "" only where the party's policy lets it be absent
	Subject  string   // sub; "" only where the party's policy lets it be absent
	Audience []string // aud, as a list of one
	ID       string   // jti; "" where it has none

	Expires   time.Time // exp
	IssuedAt  time.Time // iat; zero where it has none
	NotBefore time.Time // nbf; zero where it has none

	Type      string         // typ of the header, as sent
	KeyID     string         // id of the key that verified it; "" where a shared secret did
	Algorithm keys.Algorithm // the algorithm it was verified with

	// LegacyAudience is true where its audience is acceptable only by a relaxation (see [Audience]).
	LegacyAudience bool

	claims strictjson.Object
}

// Claim returns a string claim by its exact name; ok is false where it is absent or not a string.
func (a *Assertion) Claim(name string) (value string, ok bool) { return a.claims.Get(name).Text() }

// DecodeClaim decodes any claim into v as encoding/json would; found is false where it is absent. No name occurs twice
// in it; but names that differ only in case match the fields of a struct, so decode into a map where that matters.
func (a *Assertion) DecodeClaim(name string, v any) (found bool, err error) {
	claim := a.claims.Get(name)
	if claim.Kind() == strictjson.Absent {
		return false, nil
	}
	return true, json.Unmarshal(claim.Raw(), v)
}

// LogValue writes what an audit needs to know, and no more.
func (a *Assertion) LogValue() slog.Value {
	return slog.GroupValue(
		slog.String("iss", clean(a.Issuer)),
		slog.String("sub", clean(a.Subject)),
		slog.String("jti", cleanTo(a.ID, maxShownID)),
		slog.Time("exp", a.Expires),
		slog.String("kid", clean(a.KeyID)),
		slog.String("alg", string(a.Algorithm)),
	)
}
