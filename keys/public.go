package keys

import (
	"crypto"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"slices"
	"time"
)

// Public is one public key that others sign with, and what it may be used for (RFC 7517 §4).
type Public struct {
	ID         string           // kid; "" where the set gives none
	Algorithm  Algorithm        // alg; "" means any algorithm that fits the key's type and curve
	Use        string           // use; "", "sig" and "jwt-svid" verify, all else never does
	Operations []string         // key_ops; empty, or must hold "verify"
	X5T        string           // x5t: SHA-1 of the key's certificate, base64url without padding
	X5TS256    string           // x5t#S256: SHA-256 of it
	Key        crypto.PublicKey // *rsa.PublicKey, *ecdsa.PublicKey or ed25519.PublicKey

	// NotBefore and NotAfter bound the time in which the key verifies; zero means unbounded. A JWK has no place for
	// them: they come from a certificate, or from whoever keeps the key.
	NotBefore, NotAfter time.Time
}

// Fits reports why p may not verify a signature made with alg at now: another key type or curve, another "alg", a
// "use" or "key_ops" that is not for verifying, or a time outside NotBefore and NotAfter. nil means it may.
func (p *Public) Fits(alg Algorithm, now time.Time) error {
	switch p.misfit(alg, now) {
	case fits:
		return nil
	case otherType:
		return p.refuse("is %s, which %.32s does not use", describe(p.Key), alg)
	case otherAlgorithm:
		return p.refuse("is for %.32s only, not for %.32s", p.Algorithm, alg)
	case notForUse:
		return p.refuse(`has use %+.32q, which is not for verifying ("sig" is)`, p.Use)
	case notForOperation:
		return p.refuse(`has key_ops without "verify"`)
	case tooEarly:
		return p.refuse("is not valid before %s", p.NotBefore.UTC().Format(time.RFC3339))
	default:
		return p.refuse("is not valid after %s", p.NotAfter.UTC().Format(time.RFC3339))
	}
}

func (p *Public) refuse(format string, args ...any) error {
	return fmt.Errorf("keys: the key %+.64q "+format, append([]any{p.ID}, args...)...)
}

// misfit is why a key may not verify. It is cheaper than an error where many keys are tried.
type misfit byte

const (
	fits misfit = iota
	otherType
	otherAlgorithm
	notForUse
	notForOperation
	tooEarly
	tooLate
)

func (p *Public) misfit(alg Algorithm, now time.Time) misfit {
	switch {
	case !alg.signsWith(p.Key):
		return otherType
	case p.Algorithm != "" && p.Algorithm.canonical() != alg.canonical():
		return otherAlgorithm
	}
	if m := p.purpose(); m != fits {
		return m
	}
	switch {
	case !p.NotBefore.IsZero() && now.Before(p.NotBefore):
		return tooEarly
	case !p.NotAfter.IsZero() && now.After(p.NotAfter):
		return tooLate
	}
	return fits
}

// purpose reports whether "use" and "key_ops" allow to verify at all (RFC 7517 §4.2 and §4.3).
func (p *Public) purpose() misfit {
	switch p.Use {
	case "", "sig", "jwt-svid": // the last: SPIFFE's JWT bundles
	default:
		return notForUse
	}
	if len(p.Operations) > 0 && !slices.Contains(p.Operations, "verify") {
		return notForOperation
	}
	return fits
}

// Thumbprint returns the RFC 7638 SHA-256 thumbprint, base64url without padding; "" where Key is of no known type.
func (p *Public) Thumbprint() string {
	canonical := appendKey(nil, p.Key)
	if canonical == nil {
		return ""
	}
	sum := sha256.Sum256(append(canonical, '}'))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}
