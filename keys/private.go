package keys

import (
	"crypto"
	"log/slog"
	"time"
)

// Private is a key we sign with: any [crypto.Signer] (in memory, in an HSM), the id it is published under, and its
// one algorithm. It implements token.Signer, so a single key stands wherever a rotating ring may.
type Private struct {
	ID        string // kid; the RFC 7638 thumbprint unless the caller chose another
	Algorithm Algorithm
	Signer    crypto.Signer
}

// Generate makes a key pair: RS256, PS256 and their longer forms make RSA-2048.
func Generate(alg Algorithm) (*Private, error) { panic("not built") }

// GeneratePairs makes n key pairs for a client: the private halves, to be handed over once and kept by no server, and
// the public set to register.
func GeneratePairs(n int, alg Algorithm) (private []*Private, public *Set, err error) {
	panic("not built")
}

// NewPrivate wraps a signer. An empty alg is ES256/384/512 by curve, EdDSA, or RS256.
func NewPrivate(signer crypto.Signer, alg Algorithm) (*Private, error) { panic("not built") }

// ParsePrivate reads one private key: PEM (PKCS#8, PKCS#1, SEC 1), JWK, or a Google-style key file.
func ParsePrivate(data []byte) (*Private, error) { panic("not built") }

// Public returns the public half.
func (k *Private) Public() Public { panic("not built") }

// MarshalPEM writes the private key as PKCS#8 PEM; MarshalJWK as a private JWK. Both fail for a signer that does not
// give its key away.
func (k *Private) MarshalPEM() ([]byte, error) { panic("not built") }
func (k *Private) MarshalJWK() ([]byte, error) { panic("not built") }

// SigningKey returns k: a single key is a ring of one.
func (k *Private) SigningKey(now time.Time) (*Private, error) { return k, nil }

// PublicKeys returns the set of k's public half.
func (k *Private) PublicKeys(now time.Time) *Set { panic("not built") }

// LogValue keeps the key out of logs.
func (k *Private) LogValue() slog.Value { return slog.StringValue("key " + k.ID) }
