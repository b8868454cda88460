package admin

import (
	"context"
	"encoding/json"
	"time"
)

// IssuerMetadata is somebody whose assertions are believed as far as rules say. Its keys come from exactly one of
// discovery, jwks_uri, jwks and spiffe_bundle_uri.
type IssuerMetadata struct {
	Name     string `json:"name"`   // short, unique: stands before its subjects as NAME/SUB
	URL      string `json:"issuer"` // the iss value, exactly
	Disabled bool   `json:"disabled,omitempty"`

	Discovery             bool            `json:"discovery,omitempty"`         // from its RFC 8414 or OpenID metadata
	JWKSURL               string          `json:"jwks_uri,omitempty"`          // from a URL
	JWKS                  json.RawMessage `json:"jwks,omitempty"`              // given here
	SPIFFEBundleURL       string          `json:"spiffe_bundle_uri,omitempty"` // from the bundle endpoint of a SPIFFE trust domain
	AllowPrivateAddresses bool            `json:"allow_private_addresses,omitempty"`

	Assertions AssertionPolicy `json:"assertions,omitzero"`
}

// Issuer is a trusted issuer as it is shown.
type Issuer struct {
	IssuerMetadata
	JWKSUpdated time.Time `json:"jwks_updated,omitzero"` // when the keys given here were last changed
	Created     time.Time `json:"created"`
	Updated     time.Time `json:"updated"`
	Revision    int64     `json:"revision"`
}

// AddIssuer registers a trusted issuer. Nothing of it is believed before a rule says what.
func (a *Admin) AddIssuer(ctx context.Context, m IssuerMetadata) (*Issuer, error) {
	panic("not built")
}

// Issuers lists all issuers, sorted by name.
func (a *Admin) Issuers(ctx context.Context) ([]Issuer, error) { panic("not built") }

// Issuer shows one issuer.
func (a *Admin) Issuer(ctx context.Context, name string) (*Issuer, error) { panic("not built") }

// UpdateIssuer replaces what is said of an issuer; m.Name says which. Where revision is not zero and the issuer has
// another one by now, it fails with [Conflict].
func (a *Admin) UpdateIssuer(ctx context.Context, revision int64, m IssuerMetadata) (*Issuer, error) {
	panic("not built")
}

// DisableIssuer refuses all assertions of an issuer, here before it returns and in other processes within a second.
// Its keys are no longer fetched.
func (a *Admin) DisableIssuer(ctx context.Context, name string) (*Issuer, error) { panic("not built") }

// EnableIssuer takes back DisableIssuer.
func (a *Admin) EnableIssuer(ctx context.Context, name string) (*Issuer, error) { panic("not built") }

// RemoveIssuer removes an issuer. While rules name it, it fails with [Conflict] and lists them.
func (a *Admin) RemoveIssuer(ctx context.Context, name string) error { panic("not built") }

// IssuerKeys is what a trial fetch of an issuer's keys found.
type IssuerKeys struct {
	Keys    []PublicKey `json:"keys"`
	Skipped []string    `json:"skipped,omitempty"` // members of its set that are of no use, and why
}

// PublicKey is one key that somebody publishes.
type PublicKey struct {
	ID        string `json:"kid,omitempty"`
	Algorithm string `json:"alg,omitempty"`
	Type      string `json:"type"`
}

// FetchIssuerKeys gets an issuer's keys once, as the server would, and says what it found. It is how somebody tries
// out what he has registered; it changes nothing.
func (a *Admin) FetchIssuerKeys(ctx context.Context, name string) (*IssuerKeys, error) {
	panic("not built")
}
