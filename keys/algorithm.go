package keys

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
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

// canonical gives the one name by which an algorithm goes here.
func (a Algorithm) canonical() Algorithm {
	if a == "Ed25519" {
		return EdDSA
	}
	return a
}

// signsWith reports whether the algorithm is one for keys of this type and curve. HS* is for no public key.
func (a Algorithm) signsWith(key crypto.PublicKey) bool {
	switch key := key.(type) {
	case *rsa.PublicKey:
		switch a {
		case RS256, RS384, RS512, PS256, PS384, PS512:
			return true
		}
	case *ecdsa.PublicKey:
		switch a {
		case ES256:
			return key.Curve == elliptic.P256()
		case ES384:
			return key.Curve == elliptic.P384()
		case ES512:
			return key.Curve == elliptic.P521()
		}
	case ed25519.PublicKey:
		return a.canonical() == EdDSA
	}
	return false
}

// usual is the algorithm of a key that does not name one.
func usual(key crypto.PublicKey) Algorithm {
	switch key := key.(type) {
	case *rsa.PublicKey:
		return RS256
	case *ecdsa.PublicKey:
		switch key.Curve {
		case elliptic.P256():
			return ES256
		case elliptic.P384():
			return ES384
		case elliptic.P521():
			return ES512
		}
	case ed25519.PublicKey:
		return EdDSA
	}
	return ""
}
