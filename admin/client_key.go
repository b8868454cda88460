package admin

import (
	"context"
	"encoding/json"
	"time"
)

// The states of a client's key. It verifies assertions while it is active or retiring, from NotBefore until Expires; a
// next key verifies from its NotBefore on, and one without NotBefore not until it is activated; a revoked key never.
const (
	KeyNext     = "next"
	KeyActive   = "active"
	KeyRetiring = "retiring"
	KeyRevoked  = "revoked"
)

// ClientKey is one public key of a client.
type ClientKey struct {
	ID         string          `json:"kid"`
	Label      string          `json:"label,omitempty"`
	State      string          `json:"state"`
	Verifies   bool            `json:"verifies"` // an assertion signed by it is accepted now
	Type       string          `json:"type"`     // "EC P-256", "RSA 2048", "Ed25519"
	JWK        json.RawMessage `json:"jwk"`
	Thumbprint string          `json:"thumbprint"` // RFC 7638
	NotBefore  time.Time       `json:"not_before,omitzero"`
	Expires    time.Time       `json:"expires,omitzero"`
	LastUsed   time.Time       `json:"last_used,omitzero"`
	Created    time.Time       `json:"created"`
	Revoked    time.Time       `json:"revoked,omitzero"`
}

// AddKeysInput is public keys to add to a client.
type AddKeysInput struct {
	Keys      []byte // JWK, JWK set, PEM public keys or certificates; private ones are refused with an explanation
	Label     string
	State     string    // active (default) or next
	NotBefore time.Time // zero: at once, or for a next key when it is activated
	Expires   time.Time // zero: never
}

// AddClientKeys adds public keys to a client. A key that the client has already, under any id and in any state, is
// refused: a revoked key does not come back under another name.
func (a *Admin) AddClientKeys(ctx context.Context, client string, in AddKeysInput) ([]ClientKey, error) {
	panic("not built")
}

// ClientKeys lists the keys of a client, revoked ones included.
func (a *Admin) ClientKeys(ctx context.Context, client string) ([]ClientKey, error) {
	panic("not built")
}

// ActivateClientKey makes a next or retiring key active, from now on.
func (a *Admin) ActivateClientKey(ctx context.Context, client, kid string) (*ClientKey, error) {
	panic("not built")
}

// RetireClientKey lets a key verify until a time, for the overlap of a rotation. A zero time means 24 h from now.
func (a *Admin) RetireClientKey(ctx context.Context, client, kid string, until time.Time) (*ClientKey, error) {
	panic("not built")
}

// RevokeClientKey ends a key at once and for good. It stays listed.
func (a *Admin) RevokeClientKey(ctx context.Context, client, kid string) (*ClientKey, error) {
	panic("not built")
}
