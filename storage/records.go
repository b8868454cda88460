package storage

import (
	"encoding/json"
	"time"
)

// Client is a registered client with its keys and secrets (RFC 7591 §2 gives the names).
type Client struct {
	ID       string
	Name     string // client_name
	Disabled bool

	AuthMethod    string // token_endpoint_auth_method
	AuthAlgorithm string // token_endpoint_auth_signing_alg; "" where any allowed one will do
	Grants        []string
	Scopes        []string // the ceiling of what it may ask for
	DefaultScopes []string // what it gets when it asks for none
	Audiences     []string // resources it may ask for; the first is its default
	AnyAudience   bool     // without Audiences: a grant's own list is the limit, else the server's audience
	TokenLifetime time.Duration

	RedirectURIs  []string // redirect_uris
	RequirePushed bool     // require_pushed_authorization_requests
	Introspects   []string // resources that it is, whose tokens it may introspect

	// RegistrationSHA256 is of the token with which the client manages its own registration (RFC 7592 §3); nil where it
	// was not registered dynamically.
	RegistrationSHA256 []byte

	JWKSURL               string // jwks_uri; "" where Keys holds its keys
	AllowPrivateAddresses bool   // JWKSURL may point into a private network
	Keys                  []ClientKey
	Secrets               []ClientSecret
	Assertions            AssertionPolicy

	Extra map[string]json.RawMessage // other RFC 7591 members, kept as they came

	Created, Updated time.Time
	Revision         int64
}

// ClientKey is the public half of one key pair of a client.
type ClientKey struct {
	ID        string // kid: RFC 7638 thumbprint, unless the client chose another
	Label     string
	State     string // next, active, retiring, revoked
	JWK       json.RawMessage
	NotBefore time.Time // zero: at once
	Expires   time.Time // zero: never
	Limit     time.Time // of a retiring key: when it expired before it was retiring; zero: never
	LastUsed  time.Time // zero: not yet
	Created   time.Time
	Revoked   time.Time // zero: not revoked
}

// ClientSecret is one shared secret of a client: a hash of it, or, for client_secret_jwt, the sealed secret itself.
type ClientSecret struct {
	ID      string
	Label   string
	SHA256  []byte // of the secret's octets; nil where Sealed is set
	Sealed  []byte // AES-256-GCM, by package admin
	Expires time.Time
	Created time.Time
}

// AssertionPolicy is what is asked of a party's assertions beyond the strict defaults. The zero value is strict.
type AssertionPolicy struct {
	AudienceMode    string        // clients: "" or "strict", "fapi2", "legacy"
	Audiences       []string      // issuers, and clients for the grants they sign: exact values accepted instead of ours
	Algorithms      []string      // nil: the default ones
	Types           []string      // nil: the default ones
	Skew            time.Duration // zero: 10 s
	MaxLifetime     time.Duration // zero: 1 h
	Replay          string        // "" or "once", "same_client_until_exp", "off"
	SubjectOptional bool
	ScopeClaim      bool // a scope claim asks for scopes as the parameter does
}

// Issuer is somebody whose assertions are believed.
type Issuer struct {
	Name     string // short name, unique: the namespace of its subjects
	URL      string // the iss value, exactly; unique
	Disabled bool

	KeySource             string // "jwks" (inline), "jwks_url", "discovery", "spiffe"
	KeysURL               string // for jwks_url and spiffe
	JWKS                  json.RawMessage
	JWKSUpdated           time.Time // when the inline set was last given
	AllowPrivateAddresses bool

	Assertions AssertionPolicy

	Created, Updated time.Time
	Revision         int64
}

// Rule says which assertions of an issuer, or of a client that signs for itself, are worth what.
type Rule struct {
	Name     string // unique
	Disabled bool
	Mode     string // "enforce" or "audit"

	// Condition.
	Issuer  string            // name of an issuer; or
	Client  string            // id of a client that signs for itself
	Subject string            // exact sub
	Claims  map[string]string // exact values of string claims

	// What it gives.
	AsClient      string // client the token is issued to; "" means the one that authenticates, or that signs for itself
	AsSubject     string // the token's sub; "" means ISSUERNAME/SUB; "=" means the sub as it is
	Nobody        bool   // the assertion speaks for nobody: the token's sub is the client's id
	RequireClient bool   // AsClient must authenticate
	Scopes        []string
	DefaultScopes []string
	Audiences     []string
	TokenLifetime time.Duration

	Created, Updated time.Time
	Revision         int64
}

// SigningKey is one of the server's own keys.
type SigningKey struct {
	ID        string // kid
	Algorithm string
	Sealed    []byte          // the private half, AES-256-GCM by package admin
	Public    json.RawMessage // JWK

	Created   time.Time
	NotBefore time.Time // signs from then on
	NotAfter  time.Time // signs until then; zero: no end yet
	Remove    time.Time // published until then; zero: no end yet

	Revision int64
}

// Subject is what is kept of somebody whom tokens are for. Only those who are disabled need a record.
type Subject struct {
	ID       string // the sub of tokens, exactly
	Disabled bool
	Note     string // why, for people

	Created, Updated time.Time
	Revision         int64
}

// InitialToken lets whoever has it register clients (RFC 7591 §3: the initial access token).
type InitialToken struct {
	ID      string
	Label   string
	SHA256  []byte    // of the token
	Expires time.Time // zero: never
	Uses    int64     // how many clients it may still register; negative: no limit
	Created time.Time

	Revision int64
}

// KeyUse says when a client's key verified an assertion.
type KeyUse struct {
	Client, Key string
	At          time.Time
}
