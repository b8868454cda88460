package admin

import (
	"context"
	"encoding/json"
	"time"

	"github.com/avouch-oauth/avouch/storage"
)

// IssuerMetadata is somebody whose assertions are believed as far as rules say. Its keys come from exactly one of
// discovery, jwks_uri, jwks and spiffe_bundle_uri.
type IssuerMetadata struct {
	Name string `json:"name"`   // short, unique: stands before its subjects as NAME/SUB
	URL  string `json:"issuer"` // the iss value, exactly

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
	Disabled    bool      `json:"disabled"`
	JWKSUpdated time.Time `json:"jwks_updated,omitzero"` // when the keys given here were last changed
	Created     time.Time `json:"created"`
	Updated     time.Time `json:"updated"`
	Revision    int64     `json:"revision"`
}

// The values of storage.Issuer.KeySource.
const (
	sourceInline    = "jwks"
	sourceURL       = "jwks_url"
	sourceDiscovery = "discovery"
	sourceSPIFFE    = "spiffe"
)

// AddIssuer registers a trusted issuer. Nothing of it is believed before a rule says what.
func (a *Admin) AddIssuer(ctx context.Context, m IssuerMetadata) (*Issuer, error) {
	if err := a.may("issuer.add"); err != nil {
		return nil, err
	}
	var record *storage.Issuer
	err := a.write(ctx, func(ctx context.Context, t *tx) error {
		record = &storage.Issuer{Name: m.Name, Created: t.now}
		var found faults
		f := field{&found, ""}
		m.record(f, record, t.now)
		return t.createIssuer(ctx, f, record)
	})
	if err != nil {
		return nil, err
	}
	return issuerView(record), nil
}

func (t *tx) createIssuer(ctx context.Context, f field, i *storage.Issuer) error {
	if err := t.checkIssuer(ctx, f, i); err != nil {
		return err
	}
	if err := f.faults.err("issuer", i.Name); err != nil {
		return err
	}
	return t.putIssuer(ctx, "issuer.add", i)
}

// Issuers lists all issuers, sorted by name.
func (a *Admin) Issuers(ctx context.Context) ([]Issuer, error) {
	if err := a.may("issuer.list"); err != nil {
		return nil, err
	}
	records, err := a.store.Issuers(ctx)
	if err != nil {
		return nil, err
	}
	views := make([]Issuer, 0, len(records))
	for _, i := range records {
		views = append(views, *issuerView(i))
	}
	return views, nil
}

// Issuer shows one issuer.
func (a *Admin) Issuer(ctx context.Context, name string) (*Issuer, error) {
	if err := a.may("issuer.show"); err != nil {
		return nil, err
	}
	i, err := a.store.Issuer(ctx, name)
	if err != nil {
		return nil, said(err, "issuer", name)
	}
	return issuerView(i), nil
}

// UpdateIssuer replaces what is said of an issuer; m.Name says which. It stays enabled or disabled. If revision is not
// zero and the issuer has another one by now, it fails with [Conflict].
func (a *Admin) UpdateIssuer(ctx context.Context, revision int64, m IssuerMetadata) (*Issuer, error) {
	return a.updateIssuer(ctx, m.Name, "issuer.update", func(f field, i *storage.Issuer, at time.Time) error {
		if revision != 0 && i.Revision != revision {
			return errChanged("issuer", m.Name, nil)
		}
		m.record(f, i, at)
		return nil
	})
}

// DisableIssuer refuses all assertions of an issuer, here before it returns and in other processes within a second.
// Its keys are no longer fetched.
func (a *Admin) DisableIssuer(ctx context.Context, name string) (*Issuer, error) {
	return a.updateIssuer(ctx, name, "issuer.disable", func(_ field, i *storage.Issuer, _ time.Time) error { i.Disabled = true; return nil })
}

// EnableIssuer takes back DisableIssuer.
func (a *Admin) EnableIssuer(ctx context.Context, name string) (*Issuer, error) {
	return a.updateIssuer(ctx, name, "issuer.enable", func(_ field, i *storage.Issuer, _ time.Time) error { i.Disabled = false; return nil })
}

func (a *Admin) updateIssuer(ctx context.Context, name, action string, change func(f field, i *storage.Issuer, at time.Time) error) (*Issuer, error) {
	if err := a.may(action); err != nil {
		return nil, err
	}
	var record *storage.Issuer
	err := a.write(ctx, func(ctx context.Context, t *tx) error {
		i, err := t.Issuer(ctx, name)
		if err != nil {
			return said(err, "issuer", name)
		}
		record = i
		var found faults
		f := field{&found, ""}
		if err := change(f, i, t.now); err != nil {
			return err
		}
		return t.saveIssuer(ctx, f, action, i)
	})
	if err != nil {
		return nil, err
	}
	return issuerView(record), nil
}

func (t *tx) saveIssuer(ctx context.Context, f field, action string, i *storage.Issuer) error {
	if action != "issuer.disable" { // switching off must never fail for a fault that was there before
		if err := t.checkIssuer(ctx, f, i); err != nil {
			return err
		}
	}
	if err := f.faults.err("issuer", i.Name); err != nil {
		return err
	}
	return t.putIssuer(ctx, action, i)
}

// RemoveIssuer removes an issuer. While rules name it, it fails with [Conflict] and lists them.
func (a *Admin) RemoveIssuer(ctx context.Context, name string) error {
	if err := a.may("issuer.remove"); err != nil {
		return err
	}
	return a.write(ctx, func(ctx context.Context, t *tx) error { return t.removeIssuer(ctx, name) })
}

func (t *tx) removeIssuer(ctx context.Context, name string) error {
	if err := t.load(ctx); err != nil {
		return err
	}
	if len(t.byIssuer[name]) > 0 {
		return &Error{Code: Conflict, Kind: "issuer", ID: name, Reason: "rules name it: " + names(t.byIssuer[name]) + "; remove them first, or disable the issuer"}
	}
	if err := said(t.record.deleteIssuer(ctx, "issuer.remove", name), "issuer", name); err != nil {
		return err
	}
	delete(t.issuers, name)
	return nil
}

// record puts what is said of an issuer into its record; name and times stay.
func (m *IssuerMetadata) record(f field, i *storage.Issuer, at time.Time) {
	i.URL = m.URL
	i.AllowPrivateAddresses = m.AllowPrivateAddresses
	i.Assertions = m.Assertions.record()

	i.KeySource, i.KeysURL = "", ""
	sources := 0
	if m.Discovery {
		i.KeySource = sourceDiscovery
		sources++
	}
	if m.JWKSURL != "" {
		i.KeySource, i.KeysURL = sourceURL, m.JWKSURL
		sources++
	}
	if m.SPIFFEBundleURL != "" {
		i.KeySource, i.KeysURL = sourceSPIFFE, m.SPIFFEBundleURL
		sources++
	}
	if len(m.JWKS) > 0 {
		i.KeySource = sourceInline
		sources++
		if !sameJSON(i.JWKS, m.JWKS) {
			i.JWKS, i.JWKSUpdated = m.JWKS, at
		}
	} else {
		i.JWKS, i.JWKSUpdated = nil, time.Time{}
	}
	if sources != 1 {
		f.in("jwks").fault("its keys come from exactly one of discovery, jwks_uri, jwks and spiffe_bundle_uri; %d are given", sources)
	}
}

func issuerMetadata(i *storage.Issuer) IssuerMetadata {
	m := IssuerMetadata{
		Name: i.Name, URL: i.URL,
		AllowPrivateAddresses: i.AllowPrivateAddresses, Assertions: policyOf(&i.Assertions),
	}
	switch i.KeySource {
	case sourceDiscovery:
		m.Discovery = true
	case sourceURL:
		m.JWKSURL = i.KeysURL
	case sourceSPIFFE:
		m.SPIFFEBundleURL = i.KeysURL
	case sourceInline:
		m.JWKS = i.JWKS
	}
	return m
}

func issuerView(i *storage.Issuer) *Issuer {
	return &Issuer{IssuerMetadata: issuerMetadata(i), Disabled: i.Disabled, JWKSUpdated: i.JWKSUpdated, Created: i.Created, Updated: i.Updated, Revision: i.Revision}
}
