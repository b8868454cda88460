package admin

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/avouch-oauth/avouch/keys"
	"github.com/avouch-oauth/avouch/storage"
)

// parseKeys reads public keys, and says it in words where one is private.
func parseKeys(content []byte) ([]keys.Public, error) {
	parsed, err := keys.ParsePublic(content)
	if errors.Is(err, keys.ErrPrivate) {
		return nil, fmt.Errorf("this is a private key, or holds one (%w). Nothing of it was kept; but a private key that was handed on is better replaced by a new pair", err)
	}
	return parsed, err
}

// newClientKey is the record of a public key, with the bounds that its certificate gave it.
func newClientKey(p *keys.Public) (*storage.ClientKey, error) {
	jwk, err := marshalJWK(p)
	if err != nil {
		return nil, err
	}
	id := p.ID
	if id == "" {
		id = p.Thumbprint()
	}
	return &storage.ClientKey{ID: id, JWK: jwk, NotBefore: p.NotBefore, Expires: p.NotAfter}, nil
}

func keyType(p *keys.Public) string {
	switch key := p.Key.(type) {
	case *rsa.PublicKey:
		return fmt.Sprintf("RSA %d", key.N.BitLen())
	case *ecdsa.PublicKey:
		return "EC " + key.Curve.Params().Name
	case ed25519.PublicKey:
		return "Ed25519"
	}
	return "unknown"
}

// parseJWK reads one public JWK that this package has written.
func parseJWK(jwk json.RawMessage) (*keys.Public, error) {
	parsed, err := keys.ParsePublic(jwk)
	if err != nil {
		return nil, err
	}
	if len(parsed) != 1 {
		return nil, fmt.Errorf("there are %d keys where one was kept", len(parsed))
	}
	return &parsed[0], nil
}

// marshalJWK writes one public key as a JWK.
func marshalJWK(p *keys.Public) (json.RawMessage, error) {
	set, err := keys.NewSet(*p)
	if err != nil {
		return nil, err
	}
	text, err := set.MarshalJSON()
	if err != nil {
		return nil, err
	}
	var members struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if err := json.Unmarshal(text, &members); err != nil {
		return nil, err
	}
	return canonical(members.Keys[0]), nil
}

func thumbprint(jwk json.RawMessage) string {
	p, err := parseJWK(jwk)
	if err != nil {
		return "" // kept by somebody else's hand; it verifies nothing and equals nothing
	}
	return p.Thumbprint()
}
