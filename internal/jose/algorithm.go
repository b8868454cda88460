package jose

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"errors"
	"fmt"
)

// family is a kind of signature.
type family byte

const (
	pkcs1v15 family = iota + 1 // RFC 7518 §3.3
	pss                        // RFC 7518 §3.5
	ecdsaSig                   // RFC 7518 §3.4
	eddsa                      // RFC 8037 §3.1
	hmacSig                    // RFC 7518 §3.2
)

type algorithm struct {
	name   string
	family family
	hash   crypto.Hash // 0 for EdDSA, which hashes by itself
	bits   int         // of the curve, for ECDSA
}

// algorithms is all that exist here; it is never written to. The first are the ones most used.
var algorithms = [...]algorithm{
	{"ES256", ecdsaSig, crypto.SHA256, 256},
	{"RS256", pkcs1v15, crypto.SHA256, 0},
	{"PS256", pss, crypto.SHA256, 0},
	{"EdDSA", eddsa, 0, 0},
	{"Ed25519", eddsa, 0, 0}, // RFC 9864: EdDSA with the curve said
	{"HS256", hmacSig, crypto.SHA256, 0},
	{"RS384", pkcs1v15, crypto.SHA384, 0},
	{"RS512", pkcs1v15, crypto.SHA512, 0},
	{"PS384", pss, crypto.SHA384, 0},
	{"PS512", pss, crypto.SHA512, 0},
	{"ES384", ecdsaSig, crypto.SHA384, 384},
	{"ES512", ecdsaSig, crypto.SHA512, 521},
	{"HS384", hmacSig, crypto.SHA384, 0},
	{"HS512", hmacSig, crypto.SHA512, 0},
}

// The bounds of an RSA modulus, in bits. Below them a key can be broken; above them a signature costs us too much.
const (
	MinRSA = 2048
	MaxRSA = 4096
)

// ErrSignature means that the key fits and the signature is not one of that key over that text.
var ErrSignature = errors.New("jose: the signature does not match")

func lookUp(alg string) (*algorithm, error) {
	for i := range algorithms {
		if algorithms[i].name == alg {
			return &algorithms[i], nil
		}
	}
	return nil, fmt.Errorf("jose: no algorithm %+.32q", alg)
}

func (a *algorithm) misfit(key any) error {
	return fmt.Errorf("jose: a key of type %T cannot be used with %s", key, a.name)
}

// checkPublic reports why key cannot be used with a, which is not an HMAC.
func (a *algorithm) checkPublic(key any) error {
	switch key := key.(type) {
	case *rsa.PublicKey:
		if a.family != pkcs1v15 && a.family != pss {
			return a.misfit(key)
		}
		if key == nil || key.N == nil {
			return errors.New("jose: an RSA key without a modulus")
		}
		if n := key.N.BitLen(); n < MinRSA || n > MaxRSA {
			return fmt.Errorf("jose: an RSA key of %d bits; from %d to %d are accepted", n, MinRSA, MaxRSA)
		}
	case *ecdsa.PublicKey:
		if a.family != ecdsaSig {
			return a.misfit(key)
		}
		if key == nil || key.Curve == nil || key.Curve != curve(a.bits) {
			return fmt.Errorf("jose: %s needs a key on its own curve", a.name)
		}
	case ed25519.PublicKey:
		if a.family != eddsa {
			return a.misfit(key)
		}
		if len(key) != ed25519.PublicKeySize {
			return errors.New("jose: an Ed25519 key of a wrong length")
		}
	default:
		return a.misfit(key)
	}
	return nil
}

func (a *algorithm) checkSecret(secret []byte) error {
	if a.family != hmacSig {
		return a.misfit(secret)
	}
	if len(secret) < a.hash.Size() { // RFC 7518 §3.2
		return fmt.Errorf("jose: a secret of %d bytes; %s needs %d", len(secret), a.name, a.hash.Size())
	}
	return nil
}

func curve(bits int) elliptic.Curve {
	switch bits {
	case 256:
		return elliptic.P256()
	case 384:
		return elliptic.P384()
	case 521:
		return elliptic.P521()
	}
	return nil
}
