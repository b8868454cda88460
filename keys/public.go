package keys

import (
	"context"
	"crypto"
	"errors"
	"time"
)

// Algorithm is a JWS algorithm by its registered name (RFC 7518 §3.1, RFC 8037 §3.1). Names are compared exactly.
type Algorithm string

// The algorithms Avouch knows. "Ed25519" (RFC 9864) is read as EdDSA.
const (
	RS256 Algorithm = "RS256"
	RS384 Algorithm = "RS384"
	RS512 Algorithm = "RS512"
	PS256 Algorithm = "PS256"
	PS384 Algorithm = "PS384"
	PS512 Algorithm = "PS512"
	ES256 Algorithm = "ES256"
	ES384 Algorithm = "ES384"
	ES512 Algorithm = "ES512"
	EdDSA Algorithm = "EdDSA"
	HS256 Algorithm = "HS256"
	HS384 Algorithm = "HS384"
	HS512 Algorithm = "HS512"
)

// DefaultAlgorithms is what is accepted where no allow list is configured: RS256, PS256, ES256, EdDSA.
func DefaultAlgorithms() []Algorithm { return []Algorithm{RS256, PS256, ES256, EdDSA} }

// Public is one public key that others sign with, and what it may be used for (RFC 7517 §4).
type Public struct {
	ID         string           // kid; "" where the set gives none
	Algorithm  Algorithm        // alg; "" means any algorithm that fits the key's type and curve
	Use        string           // use; "", "sig" and "jwt-svid" verify, all else never does
	Operations []string         // key_ops; empty, or must hold "verify"
	X5T        string           // x5t
	X5TS256    string           // x5t#S256
	Key        crypto.PublicKey // *rsa.PublicKey, *ecdsa.PublicKey or ed25519.PublicKey

	// NotBefore and NotAfter bound the time in which the key verifies; zero means unbounded.
	NotBefore, NotAfter time.Time
}

// Fits reports why p may not verify a signature made with alg at now: another key type or curve, another "alg", a
// "use" or "key_ops" that is not for verifying, or a time outside NotBefore and NotAfter. nil means it may.
func (p *Public) Fits(alg Algorithm, now time.Time) error { panic("not built") }

// Thumbprint returns the RFC 7638 SHA-256 thumbprint, base64url without padding.
func (p *Public) Thumbprint() string { panic("not built") }

// Hint is what a token says of the key that signed it. Nothing in it is verified.
type Hint struct {
	ID        string // kid
	X5T       string // x5t
	X5TS256   string // x5t#S256
	Algorithm Algorithm
}

// Source finds the keys of one party. Implementations are safe for concurrent use.
type Source interface {
	// Find returns the keys that may have made a signature described by h: those of its kid, else x5t#S256, else x5t;
	// without any of them, the keys that fit the algorithm, five at the most. It returns an error that wraps
	// [ErrNoKey] where there is none, [ErrUnavailable] where the keys could not be had. The slice is not to be changed.
	Find(ctx context.Context, h Hint, now time.Time) ([]*Public, error)
}

var (
	// ErrNoKey means that the party has no key such as the token asks for.
	ErrNoKey = errors.New("keys: no such key")
	// ErrUnavailable means that the party's keys could not be fetched or are too old to be relied on.
	ErrUnavailable = errors.New("keys: source unavailable")
)

// Set is an immutable set of public keys; it implements [Source]. Make one with NewSet or ParseSet.
type Set struct {
	keys    []*Public
	byID    map[string][]*Public
	skipped []error
}

// NewSet makes a set of keys. It refuses keys that could never verify (weak RSA, unknown types).
func NewSet(keys ...Public) (*Set, error) { panic("not built") }

// ParseSet reads a JWK set (RFC 7517 §5) as others publish it. Members that are unusable — of unknown type,
// malformed, weak, symmetric, private — are skipped and told by Skipped; the rest is used. More than 100 keys or 1 MiB
// are refused.
func ParseSet(data []byte) (*Set, error) { panic("not built") }

// Skipped says of each member that ParseSet left out why.
func (s *Set) Skipped() []error { return s.skipped }

// Keys returns the keys in the order of the set. The slice is not to be changed.
func (s *Set) Keys() []*Public { return s.keys }

// Find implements [Source].
func (s *Set) Find(ctx context.Context, h Hint, now time.Time) ([]*Public, error) { panic("not built") }

// MarshalJSON writes the set as a JWK set with public members only.
func (s *Set) MarshalJSON() ([]byte, error) { panic("not built") }

// ParsePublic reads what somebody registers as his public keys: a JWK, a JWK set, PEM public keys or PEM
// certificates. It is strict: one bad member refuses the whole, and private or symmetric material is refused with an
// error that wraps [ErrPrivate]. A key without kid gets its thumbprint as one.
func ParsePublic(data []byte) ([]Public, error) { panic("not built") }

// ErrPrivate means that somebody was about to hand over a private key where a public one is wanted.
var ErrPrivate = errors.New("keys: private key material where only a public key is wanted")
