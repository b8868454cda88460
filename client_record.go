package avouch

import (
	"context"
	"time"

	"github.com/avouch-oauth/avouch/keys"
)

// Client is a registered client (RFC 6749 §2, RFC 7591 §2).
type Client struct {
	ID       string
	Disabled bool // every request of it is refused

	// AuthMethod is the one method it authenticates with (token_endpoint_auth_method). "" means private_key_jwt.
	AuthMethod string
	// AuthAlgorithm, where set, is the one algorithm of its assertions (token_endpoint_auth_signing_alg).
	AuthAlgorithm keys.Algorithm

	Keys    keys.Source // its public keys (jwks, jwks_uri)
	Secrets []Secret    // its shared secrets, any of which will do

	Grants        []string      // grant types it may use; none means none
	Scopes        []string      // the ceiling of what it may ask for
	DefaultScopes []string      // what it gets when it asks for none
	Audiences     []string      // resources it may ask for; the first is its default
	TokenLifetime time.Duration // zero means the server's
}

// Secret is one shared secret of a client. Exactly one of SHA256 and Value is set.
type Secret struct {
	SHA256  [32]byte  // of the secret's octets: for client_secret_basic and client_secret_post
	Value   []byte    // the secret itself: for client_secret_jwt, which cannot do with a hash (OIDC Core §16.19)
	Expires time.Time // zero: never
}

// ClientList is a fixed list of clients.
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
