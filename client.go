package avouch

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/avouch-oauth/avouch/keys"
)

// Client is a registered client (RFC 6749 §2, RFC 7591 §2). The server reads it and never changes it.
type Client struct {
	ID       string // client_id, compared byte by byte; required
	Name     string // for people (client_name); "" where it has none
	Disabled bool   // every request of it is refused

	// Created is when it was registered. What was issued to a client of the same id before then was another client's, which
	// has been deleted since, and does not come to life with this one. Zero: there was none before.
	Created time.Time

	// AuthMethod is the one method it authenticates with (token_endpoint_auth_method). "" means private_key_jwt.
	AuthMethod string
	// AuthAlgorithm, where set, is the one algorithm of its assertions (token_endpoint_auth_signing_alg).
	AuthAlgorithm keys.Algorithm

	Keys    keys.Source // its public keys (jwks, jwks_uri)
	Secrets []Secret    // its shared secrets, any of which will do

	Grants        []string      // grant types it may use; none means none
	Scopes        []string      // the ceiling of what it may ask for; none means none
	DefaultScopes []string      // what it gets when it asks for none
	Audiences     []string      // resources it may ask for; the first is its default. None: the server's audience only
	TokenLifetime time.Duration // zero means the server's

	// AnyAudience takes away the limit of a client without Audiences: a grant that has a list of its own, such as a rule
	// of package trust, then decides alone which resources the client may ask for. A grant without a list still gives the
	// server's audience only. It is for clients that get tokens by rules and are to be limited by nothing else; it has no
	// effect beside Audiences. False: the client is limited to its Audiences, else to the server's audience, for every
	// grant.
	AnyAudience bool

	RedirectURIs  []string // where a browser may be sent back to (redirect_uris); none means nowhere
	RequirePushed bool     // its authorization requests must be pushed (require_pushed_authorization_requests, RFC 9126 §6)

	// Introspects are the resources that it is: it may introspect access tokens whose aud has one of them, besides its
	// own. None means its own only.
	Introspects []string

	// Data is what the program keeps with the client for its own hooks, such as clientauth.PrivateKeyJWT.Policy. The server
	// passes it on with the client and never looks at it. Like all of the client, it must not change later. Nil means that
	// the program keeps nothing.
	Data any
}

// Secret is one shared secret of a client. Exactly one of SHA256 and Value is set. It hides both from logs, from fmt and
// from encoding/json.
type Secret struct {
	SHA256  [32]byte  `json:"-"` // of the secret's octets: for client_secret_basic and client_secret_post
	Value   []byte    `json:"-"` // the secret itself: for client_secret_jwt, which cannot do with a hash (OIDC Core §16.19)
	Expires time.Time // zero: never
}

// Format keeps the secret out of what fmt prints, whatever the verb.
func (s Secret) Format(f fmt.State, verb rune) { _, _ = io.WriteString(f, "(hidden)") }

// Clients finds clients. Implementations are safe for concurrent use; the client they return must not change later.
type Clients interface {
	// Client returns the client of this id, or nil, nil where there is none. Ids are compared byte by byte. An error
	// means that it could not tell, and the request is refused as temporarily unavailable.
	Client(ctx context.Context, id string) (*Client, error)
}

// ClientList is a fixed list of clients, for tests and small programs.
type ClientList []*Client

// Client implements [Clients].
func (l ClientList) Client(ctx context.Context, id string) (*Client, error) {
	for _, c := range l {
		if c.ID == id {
			return c, nil
		}
	}
	return nil, nil
}

// method is the registered authentication method, its default put in.
func (c *Client) method() string {
	if c.AuthMethod == "" {
		return "private_key_jwt"
	}
	return c.AuthMethod
}
