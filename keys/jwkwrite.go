package keys

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"encoding/base64"
	"errors"
	"math/big"

	"github.com/avouch-oauth/avouch/internal/jsonwrite"
)

// appendKey appends the required members of a public JWK in the order of RFC 7638 §3.2, without the closing brace. It
// returns nil for a key of no known type.
func appendKey(dst []byte, key crypto.PublicKey) []byte {
	switch key := key.(type) {
	case *rsa.PublicKey:
		if key == nil || key.N == nil {
			return nil
		}
		dst = appendMember(append(dst, '{'), "e", big.NewInt(int64(key.E)).Bytes())
		dst = append(dst, `,"kty":"RSA",`...)
		return appendMember(dst, "n", key.N.Bytes())
	case *ecdsa.PublicKey:
		if key == nil || usual(key) == "" {
			return nil
		}
		point, err := key.Bytes()
		if err != nil {
			return nil
		}
		size := len(point) / 2
		dst = append(dst, `{"crv":"`...)
		dst = append(dst, key.Params().Name...)
		dst = append(dst, `","kty":"EC",`...)
		dst = appendMember(dst, "x", point[1:1+size])
		return appendMember(append(dst, ','), "y", point[1+size:])
	case ed25519.PublicKey:
		dst = append(dst, `{"crv":"Ed25519","kty":"OKP",`...)
		return appendMember(dst, "x", key)
	}
	return nil
}

// appendMember appends a member whose value is base64url of b.
func appendMember(dst []byte, name string, b []byte) []byte {
	dst = append(append(append(dst, '"'), name...), `":"`...)
	return append(base64.RawURLEncoding.AppendEncode(dst, b), '"')
}

// appendText appends a comma and a member that is a string. One that is empty is left out.
func appendText(dst []byte, name, value string) []byte {
	if value == "" {
		return dst
	}
	dst = append(append(append(dst, `,"`...), name...), `":`...)
	return jsonwrite.String(dst, value)
}

// appendJWK appends a public JWK.
func appendJWK(dst []byte, p *Public) ([]byte, error) {
	if dst = appendKey(dst, p.Key); dst == nil {
		return nil, errors.New("keys: " + describe(p.Key) + " cannot be written as a JWK")
	}
	dst = appendText(dst, "kid", p.ID)
	dst = appendText(dst, "alg", string(p.Algorithm))
	dst = appendText(dst, "use", p.Use)
	if len(p.Operations) > 0 {
		dst = jsonwrite.Strings(append(dst, `,"key_ops":`...), p.Operations)
	}
	dst = appendText(dst, "x5t", p.X5T)
	dst = appendText(dst, "x5t#S256", p.X5TS256)
	return append(dst, '}'), nil
}

// MarshalJSON writes p as a public JWK. NotBefore and NotAfter have no place in one and are left out.
func (p Public) MarshalJSON() ([]byte, error) { return appendJWK(nil, &p) }

// MarshalJSON writes the set as a JWK set with public members only.
func (s *Set) MarshalJSON() ([]byte, error) {
	dst := []byte(`{"keys":[`)
	if s != nil {
		for i, p := range s.keys {
			if i > 0 {
				dst = append(dst, ',')
			}
			var err error
			if dst, err = appendJWK(dst, p); err != nil {
				return nil, err
			}
		}
	}
	return append(dst, `]}`...), nil
}
