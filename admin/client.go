package admin

import (
	"context"
	"time"
)

// ClientMetadata is what a client is, by the member names of RFC 7591 §2 and, below, some of our own.
type ClientMetadata struct {
	Name          string   `json:"client_name,omitempty"`
	AuthMethod    string   `json:"token_endpoint_auth_method,omitempty"`      // "" means private_key_jwt
	AuthAlgorithm string   `json:"token_endpoint_auth_signing_alg,omitempty"` // "" means any that the server allows
	GrantTypes    []string `json:"grant_types,omitempty"`                     // none: it can get no token by itself
	Scope         string   `json:"scope,omitempty"`                           // the ceiling, separated by spaces
	JWKSURL       string   `json:"jwks_uri,omitempty"`                        // where its keys are, in place of registered ones

	ClientURL       string   `json:"client_uri,omitempty"`
	LogoURL         string   `json:"logo_uri,omitempty"`
	TermsURL        string   `json:"tos_uri,omitempty"`
	PolicyURL       string   `json:"policy_uri,omitempty"`
	Contacts        []string `json:"contacts,omitempty"`
	SoftwareID      string   `json:"software_id,omitempty"`
	SoftwareVersion string   `json:"software_version,omitempty"`

	// Our own members.

	Disabled              bool            `json:"disabled,omitempty"`
	DefaultScope          string          `json:"default_scope,omitempty"`           // given where none is asked for
	Audiences             []string        `json:"audiences,omitempty"`               // resources it may ask for; the first is its default
	TokenLifetime         Duration        `json:"token_lifetime,omitempty"`          // zero means the server's
	AllowPrivateAddresses bool            `json:"allow_private_addresses,omitempty"` // jwks_uri may point into a private network
	Assertions            AssertionPolicy `json:"assertions,omitzero"`
}

// AssertionPolicy is what is asked of a party's assertions. The zero value is the strict default; every member that
// is set either narrows it or is a relaxation with a name.
type AssertionPolicy struct {
	AudienceMode    string   `json:"audience_mode,omitempty"`    // clients: strict (default), fapi2, legacy
	Audiences       []string `json:"audiences,omitempty"`        // issuers: exact values accepted instead of ours
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
	Keys     []ClientKey    `json:"keys,omitempty"`
	Secrets  []ClientSecret `json:"secrets,omitempty"`
	Created  time.Time      `json:"created"`
	Updated  time.Time      `json:"updated"`
	Revision int64          `json:"revision"`
}

// AddClientInput is a client to register. jwks and jwks_uri exclude each other (RFC 7591 §2).
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
	panic("not built")
}

// ClientPage is one page of clients, sorted by id.
type ClientPage struct {
	Clients []Client `json:"clients"`
	Next    string   `json:"next,omitempty"` // pass as after for the next page; "" on the last
}

// Clients lists clients with an id greater than after, at most limit of them (zero: 100; never more than 1000).
func (a *Admin) Clients(ctx context.Context, after string, limit int) (*ClientPage, error) {
	panic("not built")
}

// Client shows one client.
func (a *Admin) Client(ctx context.Context, id string) (*Client, error) { panic("not built") }

// UpdateClient replaces the metadata of a client; keys and secrets stay. Where revision is not zero and the client has
// another one by now, it fails with [Conflict].
func (a *Admin) UpdateClient(ctx context.Context, id string, revision int64, m ClientMetadata) (*Client, error) {
	panic("not built")
}

// DisableClient switches a client off: every request of it is refused, here before DisableClient returns and in other
// processes within a second. EnableClient takes it back.
func (a *Admin) DisableClient(ctx context.Context, id string) (*Client, error) { panic("not built") }

// EnableClient takes back DisableClient.
func (a *Admin) EnableClient(ctx context.Context, id string) (*Client, error) { panic("not built") }

// RemoveClient removes a client with its keys and secrets. While rules name it, it fails with [Conflict] and lists them.
func (a *Admin) RemoveClient(ctx context.Context, id string) error { panic("not built") }
