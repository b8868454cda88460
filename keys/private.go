package keys

import (
	"crypto"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"
)

// Private is a key we sign with: any [crypto.Signer] (in memory, in an HSM), the id it is published under, and its
// one algorithm. It implements token.Signer, so a single key stands wherever a rotating ring may. Make one with
// Generate, ParsePrivate or NewPrivate. It hides its key from logs, from fmt and from encoding/json.
type Private struct {
	ID        string        // kid; the RFC 7638 thumbprint unless the caller chose another
	Algorithm Algorithm     // the one it signs by
	Signer    crypto.Signer // the key, in memory or elsewhere
}

// NewPrivate wraps a signer. An empty alg is ES256/384/512 by curve, EdDSA, or RS256.
func NewPrivate(signer crypto.Signer, alg Algorithm) (*Private, error) {
	if signer == nil {
		return nil, errors.New("keys: no signer")
	}
	public := signer.Public()
	if err := checkKey(public); err != nil {
		return nil, fmt.Errorf("keys: %w", err)
	}
	if alg == "" {
		alg = usual(public)
	}
	if !alg.signsWith(public) {
		return nil, fmt.Errorf("keys: %s cannot sign with %+.32q", describe(public), alg)
	}
	p := Public{Key: public}
	return &Private{ID: p.Thumbprint(), Algorithm: alg.canonical(), Signer: signer}, nil
}

// Public returns the public half, to be published: its id, its one algorithm, and "use": "sig". Key is nil where k has
// no signer.
func (k *Private) Public() Public {
	p := Public{ID: k.ID, Algorithm: k.Algorithm, Use: "sig"}
	if k.Signer != nil {
		p.Key = k.Signer.Public()
	}
	return p
}

// SigningKey returns k: a single key is a ring of one.
func (k *Private) SigningKey(now time.Time) (*Private, error) { return k, nil }

// PublicKeys returns the set of k's public half; an empty one where k has no signer.
func (k *Private) PublicKeys(now time.Time) *Set {
	if k.Signer == nil {
		return &Set{}
	}
	return newSet([]Public{k.Public()}, nil)
}

// LogValue keeps the key out of logs.
func (k Private) LogValue() slog.Value { return slog.StringValue("key " + k.ID) }

// Format keeps the key out of what fmt prints, whatever the verb.
func (k Private) Format(f fmt.State, verb rune) { _, _ = io.WriteString(f, "key "+k.ID) }

// MarshalJSON fails: a private key is written on purpose, by MarshalJWK, or not at all.
func (k Private) MarshalJSON() ([]byte, error) {
	return nil, errors.New("keys: a private key is not written with what holds it; MarshalJWK writes one")
}
