package admin

import (
	"context"
	"crypto/rand"
	"strings"
	"time"

	"github.com/avouch-oauth/avouch/storage"
)

// ClientMetadata is what a client is, by the member names of RFC 7591 §2 and, below, some of our own.
type ClientMetadata struct {
	Name          string   `json:"client_name,omitempty"`
	AuthMethod    string   `json:"token_endpoint_auth_method,omitempty"`      // "" means private_key_jwt
	AuthAlgorithm string   `json:"token_endpoint_auth_signing_alg,omitempty"` // "" means any that the server allows
	GrantTypes    []string `json:"grant_types,omitempty"`                     // none: it can get no token by itself
	Scope         string   `json:"scope,omitempty"`                           // the ceiling, separated by spaces
	JWKSURL       string   `json:"jwks_uri,omitempty"`                        // where its keys are, in place of registered ones

	RedirectURIs  []string `json:"redirect_uris,omitempty"`                         // where a browser may be sent back to
	ResponseTypes []string `json:"response_types,omitempty"`                        // checked, not kept: code is there exactly where grant_types has authorization_code
	RequirePushed bool     `json:"require_pushed_authorization_requests,omitempty"` // RFC 9126 §6

	ClientURL       string   `json:"client_uri,omitempty"`
	LogoURL         string   `json:"logo_uri,omitempty"`
	TermsURL        string   `json:"tos_uri,omitempty"`
	PolicyURL       string   `json:"policy_uri,omitempty"`
	Contacts        []string `json:"contacts,omitempty"`
	SoftwareID      string   `json:"software_id,omitempty"`
	SoftwareVersion string   `json:"software_version,omitempty"`

	// Our own members.

	// Introspects are the resources that it is: it may introspect access tokens for them, besides its own.
	Introspects []string `json:"introspects,omitempty"`

	DefaultScope          string          `json:"default_scope,omitempty"`           // given where none is asked for
	Audiences             []string        `json:"audiences,omitempty"`               // resources it may ask for; the first is its default; none: the server's audience only
	AnyAudience           bool            `json:"any_audience,omitempty"`            // in place of audiences: those of each rule are the limit
	TokenLifetime         Duration        `json:"token_lifetime,omitempty"`          // zero means the server's
	AllowPrivateAddresses bool            `json:"allow_private_addresses,omitempty"` // jwks_uri may point into a private network
	Assertions            AssertionPolicy `json:"assertions,omitzero"`
}

// AssertionPolicy is what is asked of a party's assertions. The zero value is the strict default; every member that
// is set either narrows it or is a relaxation with a name.
type AssertionPolicy struct {
	AudienceMode    string   `json:"audience_mode,omitempty"`    // clients: strict (default), fapi2, legacy
	Audiences       []string `json:"audiences,omitempty"`        // issuers, and clients for the grants they sign: exact values accepted instead of ours
	Algorithms      []string `json:"algorithms,omitempty"`       // none: RS256 PS256 ES256 EdDSA
	Types           []string `json:"types,omitempty"`            // header types; none: the default ones
	Skew            Duration `json:"skew,omitempty"`             // zero: 10 s; at most 60 s
	MaxLifetime     Duration `json:"max_lifetime,omitempty"`     // zero: 1 h
	Replay          string   `json:"replay,omitempty"`           // once (default), same_client_until_exp, off
	SubjectOptional bool     `json:"subject_optional,omitempty"` // sub may be missing: nobody is meant
	ScopeClaim      bool     `json:"scope_claim,omitempty"`      // a scope claim asks for scopes
}

// Client is a registered client as it is shown: never with a secret.
type Client struct {
	ID string `json:"client_id"`
	ClientMetadata
	Disabled bool           `json:"disabled"`
	Itself   bool           `json:"registered_itself,omitempty"` // it registered itself, see [Admin.Registrar]
	Keys     []ClientKey    `json:"keys,omitempty"`
	Secrets  []ClientSecret `json:"secrets,omitempty"`
	Created  time.Time      `json:"created"`
	Updated  time.Time      `json:"updated"`
	Revision int64          `json:"revision"`
}

// AddClientInput is a client to register. Keys and jwks_uri exclude each other (RFC 7591 §2).
type AddClientInput struct {
	ID string // chosen by the caller; "" means that one is made
	ClientMetadata
	Keys           []byte        // public keys: JWK, JWK set, PEM public keys or certificates; private ones are refused
	KeyLabel       string        // label of those keys
	Secret         *SecretInput  // a secret of the caller's; or
	GenerateSecret bool          // one that the server makes
	SecretLifetime time.Duration // of either; zero: it does not expire
}

// AddClientResult is the registered client, and its secret where one was made: shown here and never again.
type AddClientResult struct {
	Client
	Secret string `json:"client_secret,omitempty"`
}

// AddClient registers a client.
func (a *Admin) AddClient(ctx context.Context, in AddClientInput) (*AddClientResult, error) {
	if err := a.may("client.add"); err != nil {
		return nil, err
	}
	id := in.ID
	if id == "" {
		id = strings.ToLower(rand.Text())
	}
	generated, secret := "", in.Secret
	if in.GenerateSecret {
		if secret != nil {
			return nil, faults{{"secret", "give a secret or let one be made, not both"}}.err("client", id)
		}
		generated = generateSecret()
		secret = &SecretInput{Value: []byte(generated)}
	}
	var record *storage.Client
	err := a.write(ctx, func(ctx context.Context, t *tx) error {
		record = &storage.Client{ID: id, Created: t.now}
		var found faults
		f := field{&found, ""}
		in.record(f, record)
		if err := t.clientID(ctx, f.in("client_id"), id); err != nil {
			return err
		}
		if len(in.Keys) > 0 {
			t.addKeys(f.in("jwks"), record, AddKeysInput{Keys: in.Keys, Label: in.KeyLabel})
		}
		if secret != nil {
			expires := time.Time{}
			if in.SecretLifetime != 0 {
				expires = t.now.Add(in.SecretLifetime)
			}
			if err := t.addSecret(ctx, f.in("secret"), record, *secret, "", expires); err != nil {
				return err
			}
		}
		return t.createClient(ctx, f, "client.add", record)
	})
	if err != nil {
		return nil, err
	}
	return &AddClientResult{Client: *clientView(record, now()), Secret: generated}, nil
}

// createClient puts a new client, when everything about it has been checked. It tells the faults found before as well.
func (t *tx) createClient(ctx context.Context, f field, action string, c *storage.Client) error {
	t.checkClient(f, c)
	if usesSecret(authMethod(c)) && len(c.Secrets) == 0 {
		f.in("secret").fault("%s needs a secret: give one, or let one be made", authMethod(c))
	}
	if err := f.faults.err("client", c.ID); err != nil {
		return err
	}
	return t.putClient(ctx, action, "", c)
}

// ClientPage is one page of clients, sorted by id.
type ClientPage struct {
	Clients []Client `json:"clients"`
	Next    string   `json:"next,omitempty"` // pass as after for the next page; "" on the last
}

// Clients lists clients with an id greater than after, at most limit of them (zero: 100; never more than 1000).
func (a *Admin) Clients(ctx context.Context, after string, limit int) (*ClientPage, error) {
	if err := a.may("client.list"); err != nil {
		return nil, err
	}
	if limit <= 0 {
		limit = 100
	}
	limit = min(limit, 1000)
	records, err := a.store.Clients(ctx, after, limit+1)
	if err != nil {
		return nil, err
	}
	page := &ClientPage{Clients: []Client{}}
	if len(records) > limit {
		records = records[:limit]
		page.Next = records[limit-1].ID
	}
	at := now()
	for _, c := range records {
		page.Clients = append(page.Clients, *clientView(c, at))
	}
	return page, nil
}

// Client shows one client.
func (a *Admin) Client(ctx context.Context, id string) (*Client, error) {
	if err := a.may("client.show"); err != nil {
		return nil, err
	}
	c, err := a.store.Client(ctx, id)
	if err != nil {
		return nil, said(err, "client", id)
	}
	return clientView(c, now()), nil
}

// UpdateClient replaces the metadata of a client; keys and secrets stay, and so does whether it is disabled. If revision
// is not zero and the client has another one by now, it fails with [Conflict].
func (a *Admin) UpdateClient(ctx context.Context, id string, revision int64, m ClientMetadata) (*Client, error) {
	return a.updateClient(ctx, id, "client.update", func(f field, c *storage.Client) error {
		if revision != 0 && c.Revision != revision {
			return errChanged("client", id, nil)
		}
		m.record(f, c)
		return nil
	})
}

// DisableClient switches a client off: every request of it is refused, here before DisableClient returns and in other
// processes within a second. EnableClient takes it back.
func (a *Admin) DisableClient(ctx context.Context, id string) (*Client, error) {
	return a.updateClient(ctx, id, "client.disable", func(_ field, c *storage.Client) error { c.Disabled = true; return nil })
}

// EnableClient takes back DisableClient.
func (a *Admin) EnableClient(ctx context.Context, id string) (*Client, error) {
	return a.updateClient(ctx, id, "client.enable", func(_ field, c *storage.Client) error { c.Disabled = false; return nil })
}

// updateClient changes one client and checks it as a whole. What is asked for is recorded although nothing is different.
func (a *Admin) updateClient(ctx context.Context, id, action string, change func(f field, c *storage.Client) error) (*Client, error) {
	if err := a.may(action); err != nil {
		return nil, err
	}
	var record *storage.Client
	err := a.write(ctx, func(ctx context.Context, t *tx) error {
		c, err := t.client(ctx, id)
		if err != nil {
			return err
		}
		record = c
		var found faults
		f := field{&found, ""}
		if err := change(f, c); err != nil {
			return err
		}
		return t.saveClient(ctx, f, action, c)
	})
	if err != nil {
		return nil, err
	}
	return clientView(record, now()), nil
}

// saveClient puts a changed client.
func (t *tx) saveClient(ctx context.Context, f field, action string, c *storage.Client) error {
	if action != "client.disable" { // switching off must never fail for a fault that was there before
		t.checkClient(f, c)
		if err := t.checkSelfSigned(ctx, f, c); err != nil {
			return err
		}
	}
	if err := f.faults.err("client", c.ID); err != nil {
		return err
	}
	return t.putClient(ctx, action, "", c)
}

// RemoveClient removes a client with its keys and secrets. While rules name it, it fails with [Conflict] and lists them.
func (a *Admin) RemoveClient(ctx context.Context, id string) error {
	if err := a.may("client.remove"); err != nil {
		return err
	}
	return a.write(ctx, func(ctx context.Context, t *tx) error { return t.removeClient(ctx, id) })
}

func (t *tx) removeClient(ctx context.Context, id string) error {
	if err := t.load(ctx); err != nil {
		return err
	}
	if len(t.clients[id]) > 0 {
		return &Error{Code: Conflict, Kind: "client", ID: id, Reason: "rules name it: " + names(t.clients[id]) + "; remove or change them first, or disable the client"}
	}
	return said(t.record.deleteClient(ctx, "client.remove", id), "client", id)
}
