package admin

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"time"

	"github.com/avouch-oauth/avouch/storage"
)

// page is how many records are read at once where all are.
const page = 500

// Document is state as text: what [Admin.Plan] compares the store with, and what [Admin.Export] writes.
type Document struct {
	Clients []ClientDocument `json:"clients,omitempty"`
	Issuers []IssuerDocument `json:"issuers,omitempty"`
	Rules   []RuleDocument   `json:"rules,omitempty"`
}

// ClientDocument is a client in a document. Where jwks, keys and jwks_uri are all absent, the keys that the store has
// are left alone; likewise secrets. Where disabled is absent, a client that somebody has switched off stays off.
type ClientDocument struct {
	ID string `json:"client_id"`
	ClientMetadata
	Disabled *bool            `json:"disabled,omitempty"`
	JWKS     json.RawMessage  `json:"jwks,omitempty"`    // its active public keys, all of them (RFC 7591 §2); or
	Keys     []KeyDocument    `json:"keys,omitempty"`    // its keys with their life cycle
	Secrets  []SecretDocument `json:"secrets,omitempty"` // all of its secrets

	// RegistrationSHA256 is of the token by which a client that registered itself goes on to manage its registration, in
	// hex, as exported. Where it is absent, what the store has is left alone.
	RegistrationSHA256 string `json:"registration_sha256,omitempty"`
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
	File    string    `json:"file,omitempty"`   // a line end after the secret is not part of it
	SHA256  string    `json:"sha256,omitempty"` // hex, as exported
	Sealed  string    `json:"sealed,omitempty"` // base64, as exported; good only for this client id and this seal key
	ID      string    `json:"id,omitempty"`     // as exported; belongs to Sealed
	Label   string    `json:"label,omitempty"`
	Expires time.Time `json:"expires,omitzero"`
}

// String hides the secret, so that a document that is printed tells none. Its JSON does.
func (s SecretDocument) String() string { return "secret " + s.ID + " " + s.Label }

// GoString is String, for %#v.
func (s SecretDocument) GoString() string { return s.String() }

// IssuerDocument is an issuer in a document. Where disabled is absent, one that is switched off stays off.
type IssuerDocument struct {
	IssuerMetadata
	Disabled *bool `json:"disabled,omitempty"`
}

// RuleDocument is a rule in a document. Where disabled is absent, one that is switched off stays off.
type RuleDocument struct {
	RuleMetadata
	Disabled *bool `json:"disabled,omitempty"`
}

// ParseDocument reads a document from JSON. A member that is unknown, written in another case, given twice or of the
// wrong type is refused; all faults are told at once, as an [Error] of code [Invalid].
func ParseDocument(data []byte) (*Document, error) {
	var d Document
	if err := decode(data, &d).err("document", ""); err != nil {
		return nil, err
	}
	return &d, nil
}

// Export returns the whole state as a document: applied to the store it came from it changes nothing. Secrets are in
// it as hashes or sealed. The server's own signing keys are not.
func (a *Admin) Export(ctx context.Context) (*Document, error) {
	if err := a.may("document.export"); err != nil {
		return nil, err
	}
	var d Document
	err := a.store.View(ctx, func(ctx context.Context, r storage.Reader) error {
		d = Document{}
		if err := eachClient(ctx, r, func(c *storage.Client) { d.Clients = append(d.Clients, exportClient(c)) }); err != nil {
			return err
		}
		issuers, err := r.Issuers(ctx)
		if err != nil {
			return err
		}
		for _, i := range issuers {
			d.Issuers = append(d.Issuers, IssuerDocument{issuerMetadata(i), ifTrue(i.Disabled)})
		}
		rules, err := r.Rules(ctx)
		if err != nil {
			return err
		}
		for _, rule := range rules {
			d.Rules = append(d.Rules, RuleDocument{ruleMetadata(rule), ifTrue(rule.Disabled)})
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &d, nil
}

// eachClient calls f with every client, by id.
func eachClient(ctx context.Context, r storage.Reader, f func(*storage.Client)) error {
	for after := ""; ; {
		clients, err := r.Clients(ctx, after, page)
		if err != nil || len(clients) == 0 {
			return err
		}
		for _, c := range clients {
			f(c)
		}
		after = clients[len(clients)-1].ID
	}
}

func exportClient(c *storage.Client) ClientDocument {
	d := ClientDocument{ID: c.ID, ClientMetadata: metadataOf(c), Disabled: ifTrue(c.Disabled), RegistrationSHA256: hex.EncodeToString(c.RegistrationSHA256)}
	for _, k := range c.Keys {
		d.Keys = append(d.Keys, KeyDocument{JWK: k.JWK, Label: k.Label, State: k.State, NotBefore: k.NotBefore, Expires: k.Expires})
	}
	for _, s := range c.Secrets {
		out := SecretDocument{Label: s.Label, Expires: s.Expires}
		if len(s.Sealed) > 0 {
			out.ID, out.Sealed = s.ID, base64.StdEncoding.EncodeToString(s.Sealed)
		} else {
			out.SHA256 = hex.EncodeToString(s.SHA256)
		}
		d.Secrets = append(d.Secrets, out)
	}
	return d
}

func ifTrue(b bool) *bool {
	if !b {
		return nil
	}
	return &b
}
