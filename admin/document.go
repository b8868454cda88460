package admin

import (
	"context"
	"encoding/json"
	"time"
)

// Document is state as text: what [Admin.Plan] compares the store with, and what [Admin.Export] writes.
type Document struct {
	Clients []ClientDocument `json:"clients,omitempty"`
	Issuers []IssuerMetadata `json:"issuers,omitempty"`
	Rules   []RuleMetadata   `json:"rules,omitempty"`
}

// ClientDocument is a client in a document. Where jwks, keys and jwks_uri are all absent, the keys that the store has
// are left alone; likewise secrets.
type ClientDocument struct {
	ID string `json:"client_id"`
	ClientMetadata
	JWKS    json.RawMessage  `json:"jwks,omitempty"`    // its active public keys, all of them (RFC 7591 §2); or
	Keys    []KeyDocument    `json:"keys,omitempty"`    // its keys with their life cycle
	Secrets []SecretDocument `json:"secrets,omitempty"` // all of its secrets
}

// KeyDocument is one public key of a client: exactly one of JWK, PEM and File.
type KeyDocument struct {
	JWK       json.RawMessage `json:"jwk,omitempty"`
	PEM       string          `json:"pem,omitempty"`
	File      string          `json:"file,omitempty"` // JWK or PEM
	Label     string          `json:"label,omitempty"`
	State     string          `json:"state,omitempty"` // "" means active
	NotBefore time.Time       `json:"not_before,omitzero"`
	Expires   time.Time       `json:"expires,omitzero"`
}

// SecretDocument is one secret of a client: exactly one of Value, File, SHA256 and Sealed.
type SecretDocument struct {
	Value   string    `json:"value,omitempty"`
	File    string    `json:"file,omitempty"`   // a trailing line end is not part of the secret
	SHA256  string    `json:"sha256,omitempty"` // hex, as exported
	Sealed  string    `json:"sealed,omitempty"` // base64, as exported; good only for this client id and this seal key
	ID      string    `json:"id,omitempty"`     // as exported; belongs to Sealed
	Label   string    `json:"label,omitempty"`
	Expires time.Time `json:"expires,omitzero"`
}

// ParseDocument reads a document from JSON. A member that is unknown, written in another case, given twice or of the
// wrong type is refused; all faults are told at once, as an [Error] of code [Invalid].
func ParseDocument(data []byte) (*Document, error) { panic("not built") }

// Export returns the whole state as a document: applied to the store it came from it changes nothing. Secrets are in
// it as hashes or sealed.
func (a *Admin) Export(ctx context.Context) (*Document, error) { panic("not built") }
