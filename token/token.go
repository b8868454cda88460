// Package token mints and verifies JWT access tokens (RFC 9068).
package token

import (
	"context"
	"time"

	"github.com/avouch-oauth/avouch/keys"
)

// Claims are the claims of an access token (RFC 9068 §2.2).
type Claims struct {
	Issuer   string    // iss
	Subject  string    // sub; the client id where nobody is meant
	Audience []string  // aud; one or more resources
	ClientID string    // client_id
	Scopes   []string  // scope, joined by spaces on the wire; left out where empty
	ID       string    // jti
	IssuedAt time.Time // iat
	Expires  time.Time // exp

	// More are further claims. A name of the fields above is refused.
	More map[string]any
}

// Signer gives the keys access tokens are signed with. *keys.Private is one that never changes; a ring rotates.
type Signer interface {
	// SigningKey returns the key that signs at now.
	SigningKey(now time.Time) (*keys.Private, error)
	// PublicKeys returns every key that should be published at now: those that sign, will sign, or have signed tokens
	// that may still be alive.
	PublicKeys(now time.Time) *keys.Set
}

// Minter signs access tokens.
type Minter struct {
	Key Signer
}

// Mint signs an access token with header typ "at+jwt". It refuses claims that RFC 9068 §2.2 requires and c lacks.
func (m *Minter) Mint(ctx context.Context, c *Claims) (string, error) { panic("not built") }

// PublicKeys is the JWK set to publish at now.
func (m *Minter) PublicKeys(now time.Time) *keys.Set { return m.Key.PublicKeys(now) }

// Verifier verifies access tokens of one issuer for one audience (RFC 9068 §4).
type Verifier struct {
	Issuer     string
	Audience   string // the resource this API is; must be one of aud
	Keys       keys.Source
	Algorithms []keys.Algorithm // nil means keys.DefaultAlgorithms
	Skew       time.Duration    // zero means 10 s; more than 60 s is cut to 60 s
}

// Verify returns the claims of a good token, or an error that says to the operator what was wrong.
func (v *Verifier) Verify(ctx context.Context, now time.Time, raw string) (*Claims, error) {
	panic("not built")
}
