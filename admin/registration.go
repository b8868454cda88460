package admin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/avouch-oauth/avouch"
	"github.com/avouch-oauth/avouch/endpoint"
	"github.com/avouch-oauth/avouch/keys"
	"github.com/avouch-oauth/avouch/storage"
)

// Registrar is where endpoint.Registration keeps the clients that register themselves: among all others, by the same
// rules. A Live finds them. What an operator has set of such a client beyond its registration stays when it changes that.
//
//	registration := &endpoint.Registration{Registrar: operations.Registrar(), …}
//
// Changes name as their caller the client itself or, for its registration, the id of the initial access token that was
// sent; the host and the permissions are those of the caller of a.
func (a *Admin) Registrar() endpoint.Registrar { return registrar{a} }

type registrar struct{ admin *Admin }

// as returns the operations for the party that registers a client or manages it.
func (r registrar) as(name, via string) *Admin {
	c := r.admin.caller
	c.Name, c.Via = name, via
	return r.admin.As(c)
}

// InitialToken implements endpoint.Registrar.
func (r registrar) InitialToken(ctx context.Context, now time.Time, digest [32]byte) (bool, error) {
	if err := r.admin.may("client.register"); err != nil {
		return false, err
	}
	token, err := usableInitialToken(ctx, r.admin.store, now, digest)
	return token != nil, err
}

// RegisterClient implements endpoint.Registrar.
func (r registrar) RegisterClient(ctx context.Context, now time.Time, c *endpoint.RegisteredClient, initial *[32]byte) error {
	by := ""
	if initial != nil {
		by = initialTokenID(*initial)
	}
	a := r.as(by, viaRegistration)
	if err := a.may("client.register"); err != nil {
		return err
	}
	return refused(a.write(ctx, func(ctx context.Context, t *tx) error {
		if initial != nil {
			if err := t.useInitialToken(ctx, now, *initial); err != nil {
				return err
			}
		}
		if _, err := t.Client(ctx, c.ID); !errors.Is(err, storage.ErrNotFound) {
			if err == nil {
				err = endpoint.ErrClientExists
			}
			return err
		}
		var found faults
		f := field{&found, ""}
		if err := t.clientID(ctx, f, c.ID); err != nil {
			return err
		}
		if len(found) > 0 {
			return fmt.Errorf("%w: %s", endpoint.ErrClientExists, found[0].Problem)
		}
		record := &storage.Client{ID: c.ID, Created: c.Issued.UTC(), RegistrationSHA256: c.Token[:]}
		if err := t.registered(ctx, f, c, record); err != nil {
			return err
		}
		return t.createClient(ctx, f, "client.register", record)
	}))
}

// RegisteredClient implements endpoint.Registrar.
func (r registrar) RegisteredClient(ctx context.Context, id string) (*endpoint.RegisteredClient, error) {
	if err := r.admin.may("client.show"); err != nil {
		return nil, err
	}
	if len(id) > maxClientID {
		return nil, nil
	}
	record, err := r.admin.store.Client(ctx, id)
	if errors.Is(err, storage.ErrNotFound) || err == nil && record.RegistrationSHA256 == nil {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return r.admin.registration(record)
}

// ReplaceClient implements endpoint.Registrar.
func (r registrar) ReplaceClient(ctx context.Context, _ time.Time, c *endpoint.RegisteredClient) error {
	a := r.as(c.ID, viaManagement)
	if err := a.may("client.update"); err != nil {
		return err
	}
	return refused(a.write(ctx, func(ctx context.Context, t *tx) error {
		record, err := t.registration(ctx, c.ID, c.Revision)
		if err == nil && record == nil {
			err = endpoint.ErrClientChanged
		}
		if err != nil {
			return err
		}
		var found faults
		f := field{&found, ""}
		if err := t.registered(ctx, f, c, record); err != nil {
			return err
		}
		return t.saveClient(ctx, f, "client.update", record)
	}))
}

// UnregisterClient implements endpoint.Registrar.
func (r registrar) UnregisterClient(ctx context.Context, _ time.Time, id string, revision int64) error {
	a := r.as(id, viaManagement)
	if err := a.may("client.remove"); err != nil {
		return err
	}
	err := a.write(ctx, func(ctx context.Context, t *tx) error {
		record, err := t.registration(ctx, id, revision)
		if err != nil || record == nil {
			return err
		}
		return t.removeClient(ctx, id)
	})
	if e, ok := isError(err); ok && e.Code == Conflict && !errors.Is(err, storage.ErrConflict) {
		return &avouch.Error{Code: avouch.InvalidRequest, Description: "an administrator of this server has made rules for the client; they have to be removed first", Err: err}
	}
	return refused(err)
}

// registration returns a client that registered itself and is still of a revision, nil where there is none.
func (t *tx) registration(ctx context.Context, id string, revision int64) (*storage.Client, error) {
	record, err := t.Client(ctx, id)
	switch {
	case errors.Is(err, storage.ErrNotFound):
		return nil, nil
	case err != nil:
		return nil, err
	case record.RegistrationSHA256 == nil:
		return nil, nil
	case record.Revision != revision, record.Disabled:
		return nil, endpoint.ErrClientChanged
	}
	return record, nil
}

// refused says an error as endpoint.Registration wants it.
func refused(err error) error {
	e, ok := isError(err)
	switch {
	case !ok:
		return err
	case errors.Is(err, storage.ErrConflict):
		return endpoint.ErrClientChanged
	case e.Code == Exists:
		return endpoint.ErrClientExists
	case e.Code != Invalid:
		return err
	}
	refusal := &avouch.Error{Code: avouch.InvalidClientMetadata, Err: err}
	for i, f := range e.Faults {
		if i == 0 {
			refusal.Description = f.Field + ": " + f.Problem
		}
		if strings.HasPrefix(f.Field, "redirect_uris") {
			refusal.Code = avouch.InvalidRedirectURI
		}
	}
	return refusal
}

// registered puts what a client says of itself into its record. What is the operator's stays.
func (t *tx) registered(ctx context.Context, f field, c *endpoint.RegisteredClient, record *storage.Client) error {
	m := &c.Metadata
	own := metadataOf(record) // what is the operator's
	own.Name, own.AuthMethod, own.AuthAlgorithm = m.Name, m.AuthMethod, string(m.AuthAlgorithm)
	own.GrantTypes, own.ResponseTypes = m.GrantTypes, m.ResponseTypes
	own.Scope, own.DefaultScope = strings.Join(m.Scopes, " "), strings.Join(m.DefaultScopes, " ")
	own.RedirectURIs, own.RequirePushed = m.RedirectURIs, m.RequirePushed
	if own.JWKSURL != m.KeysURL { // what an operator allowed, he allowed for that address
		own.JWKSURL, own.AllowPrivateAddresses = m.KeysURL, false
	}
	record.Extra = nil
	own.record(f, record)
	record.Extra = nil
	text := func(member string, value any) error {
		raw, err := json.Marshal(value)
		if err != nil {
			return err
		}
		if record.Extra == nil {
			record.Extra = map[string]json.RawMessage{}
		}
		record.Extra[member] = raw
		return nil
	}
	if len(m.Contacts) > 0 {
		if err := text("contacts", m.Contacts); err != nil {
			return err
		}
	}
	for member, value := range m.Texts {
		if err := text(member, value); err != nil {
			return err
		}
	}
	d := &resolvedClient{ClientDocument: &ClientDocument{ClientMetadata: ClientMetadata{JWKSURL: m.KeysURL}, Secrets: []SecretDocument{}}}
	switch {
	case len(m.Keys) > 0:
		set, err := keys.NewSet(m.Keys...)
		if err != nil {
			return err
		}
		if d.JWKS, err = set.MarshalJSON(); err != nil {
			return err
		}
	case m.KeysURL == "":
		d.Keys = []KeyDocument{} // none
	}
	d.reconcileKeys(t, f, record)
	for _, s := range c.Secrets {
		kept := resolvedSecret{SecretDocument: SecretDocument{Expires: s.Expires}, value: s.Value}
		if s.Value == nil {
			kept.hash = s.SHA256[:]
		}
		d.Secrets, d.secrets = append(d.Secrets, kept.SecretDocument), append(d.secrets, kept)
	}
	_, err := d.reconcileSecrets(ctx, t, f, record)
	return err
}

// registration is a client as endpoint.Registration sees it.
func (a *Admin) registration(record *storage.Client) (*endpoint.RegisteredClient, error) {
	c := &endpoint.RegisteredClient{
		ID: record.ID, Issued: record.Created.Truncate(time.Second), Disabled: record.Disabled, Revision: record.Revision,
		Metadata: endpoint.Metadata{
			RedirectURIs: record.RedirectURIs, GrantTypes: record.Grants, Scopes: record.Scopes, DefaultScopes: record.DefaultScopes,
			AuthMethod: authMethod(record), AuthAlgorithm: algorithm(record.AuthAlgorithm), KeysURL: record.JWKSURL,
			RequirePushed: record.RequirePushed, Name: record.Name,
		},
	}
	copy(c.Token[:], record.RegistrationSHA256)
	m := &c.Metadata
	if slices.Contains(record.Grants, grantAuthorizationCode) {
		m.ResponseTypes = []string{responseCode}
	}
	for member, raw := range record.Extra {
		var text string
		switch {
		case member == "contacts":
			if err := json.Unmarshal(raw, &m.Contacts); err != nil {
				return nil, err
			}
		case json.Unmarshal(raw, &text) == nil:
			if m.Texts == nil {
				m.Texts = map[string]string{}
			}
			m.Texts[member] = text
		}
	}
	for i := range record.Keys {
		k := &record.Keys[i]
		if record.JWKSURL != "" || !mayVerify(k) {
			continue
		}
		p, err := parseJWK(k.JWK)
		if err != nil {
			return nil, fmt.Errorf("key %q: %w", k.ID, err)
		}
		p.ID = k.ID
		m.Keys = append(m.Keys, *p)
	}
	for i := range record.Secrets {
		s := &record.Secrets[i]
		secret := avouch.Secret{Expires: s.Expires}
		if len(s.Sealed) > 0 {
			var err error
			if secret.Value, _, err = a.sealer.open(place{tableClientSecret, record.ID, s.ID}, s.Sealed); err != nil {
				return nil, err
			}
		} else {
			copy(secret.SHA256[:], s.SHA256)
		}
		c.Secrets = append(c.Secrets, secret)
	}
	return c, nil
}
