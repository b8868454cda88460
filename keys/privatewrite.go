package keys

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
)

var errOpaque = errors.New("keys: the signer does not give its private key away")

// MarshalPEM writes the private key as PKCS#8 PEM; MarshalJWK as a private JWK. Both fail for a signer that does not
// give its key away. PEM has no place for the id and the algorithm: whoever reads it gets the thumbprint and the usual
// algorithm.
func (k *Private) MarshalPEM() ([]byte, error) {
	switch k.Signer.(type) {
	case *rsa.PrivateKey, *ecdsa.PrivateKey, ed25519.PrivateKey:
	default:
		return nil, errOpaque
	}
	der, err := x509.MarshalPKCS8PrivateKey(k.Signer)
	if err != nil {
		return nil, fmt.Errorf("keys: writing a private key: %w", err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), nil
}

// MarshalJWK writes a private JWK with kid, alg and "use": "sig".
func (k *Private) MarshalJWK() ([]byte, error) {
	public := k.Public()
	dst, err := appendJWK(make([]byte, 0, 2048), &public)
	if err != nil {
		return nil, err
	}
	dst = append(dst[:len(dst)-1], ',') // in place of the brace
	switch key := k.Signer.(type) {
	case *rsa.PrivateKey:
		if len(key.Primes) != 2 || key.Validate() != nil {
			return nil, errors.New("keys: an RSA key that is faulty or has more than two primes")
		}
		key.Precompute()
		dst = appendMember(dst, "d", key.D.Bytes())
		dst = appendMember(append(dst, ','), "p", key.Primes[0].Bytes())
		dst = appendMember(append(dst, ','), "q", key.Primes[1].Bytes())
		dst = appendMember(append(dst, ','), "dp", key.Precomputed.Dp.Bytes())
		dst = appendMember(append(dst, ','), "dq", key.Precomputed.Dq.Bytes())
		dst = appendMember(append(dst, ','), "qi", key.Precomputed.Qinv.Bytes())
	case *ecdsa.PrivateKey:
		d, err := key.Bytes()
		if err != nil {
			return nil, fmt.Errorf("keys: writing a private key: %w", err)
		}
		dst = appendMember(dst, "d", d)
	case ed25519.PrivateKey:
		dst = appendMember(dst, "d", key.Seed())
	default:
		return nil, errOpaque
	}
	return append(dst, '}'), nil
}
