package endpoint

import (
	"context"
	"errors"
	"time"

	"github.com/avouch-oauth/avouch"
	"github.com/avouch-oauth/avouch/keys"
)

// Registrar keeps the clients that registered themselves; the server's avouch.Clients finds them under the same ids from
// then on. Implementations are safe for concurrent use, and each method is atomic and durable when it returns.
// [MemoryRegistrar] is the one that comes with the package.
//
// A Registrar judges time by the now that it is given. What has been checked when it is called: the metadata, by the
// rules of RFC 7591 and by the policy of [Registration]; and, but for Disabled, who calls. It may refuse for reasons of
// its own with an [*avouch.Error], such as invalid_client_metadata for a key that was revoked; every error but those
// named here is answered with temporarily_unavailable. A call that returns an error has changed nothing.
//
// An administrator owns what is not in [RegisteredClient]: resources, lifetimes, what is asked of assertions. A new
// client has the defaults of each, and no method here changes them later.
type Registrar interface {
	// InitialToken reports whether the initial access token of this digest (handle.Digest) may be used at now. It changes
	// nothing: [Registrar.RegisterClient] does.
	InitialToken(ctx context.Context, now time.Time, digest [32]byte) (bool, error)

	// RegisterClient adds a client. In the same step it uses the initial access token of the digest once, nil where none
	// was shown because anybody may register. It returns [ErrInitialToken] where that token is unknown, has expired, or
	// was used as often as it may. c.ID is random, and made by the server; where a client, a subject or an issuer has that
	// name already it returns [ErrClientExists]. c.Revision is ignored.
	RegisterClient(ctx context.Context, now time.Time, c *RegisteredClient, initial *[32]byte) error

	// RegisteredClient returns the client of this id as it stands, the disabled one too; nil, nil where there is none, or
	// where it did not register itself. Ids are compared byte by byte. What it returns is the caller's to change.
	RegisteredClient(ctx context.Context, id string) (*RegisteredClient, error)

	// ReplaceClient makes a client what c says: Metadata and Secrets as a whole, so that what is missing is gone. ID, Token
	// and Issued stay as they are, and so does Disabled, whatever c says of it. It returns [ErrClientChanged] where the
	// client is no more of c.Revision, is gone, or was disabled.
	ReplaceClient(ctx context.Context, now time.Time, c *RegisteredClient) error

	// UnregisterClient removes the client with everything of its own, so that nobody finds it any more: neither the token
	// endpoint, whatever code or refresh token is shown there, nor introspection. It returns [ErrClientChanged] where the
	// client is no more of this revision, or was disabled. One that is gone already is no error.
	UnregisterClient(ctx context.Context, now time.Time, id string, revision int64) error
}

var (
	ErrInitialToken  = errors.New("endpoint: the initial access token is not accepted")
	ErrClientExists  = errors.New("endpoint: the client id is taken")
	ErrClientChanged = errors.New("endpoint: the client was changed by somebody else meanwhile")
)

// RegisteredClient is a client that registered itself, as a [Registrar] keeps it.
type RegisteredClient struct {
	ID     string
	Issued time.Time // client_id_issued_at, in whole seconds
	// Token is the digest of its registration access token (handle.Digest). The zero value opens nothing: there is none
	// where the server does not offer [Registration.Management].
	Token [32]byte
	// Secrets are its shared secrets, by which any of them it may authenticate: the newest is the last. There are none
	// unless its method uses one, and more than one for a while after one was renewed. Each has SHA256, or, for
	// client_secret_jwt, Value, which is to be encrypted at rest.
	Secrets  []avouch.Secret
	Metadata Metadata

	// Disabled says that an administrator has disabled the client. Only an administrator enables it again.
	Disabled bool
	// Revision differs after every change of the client, whoever makes it. The Registrar sets it.
	Revision int64
}

// Metadata is what a client says of itself, checked (RFC 7591 §2).
type Metadata struct {
	RedirectURIs  []string // redirect_uris
	GrantTypes    []string // grant_types
	ResponseTypes []string // response_types: code, or none
	Scopes        []string // scope: the ceiling of what it may ask for
	DefaultScopes []string // what it gets when it asks for none: not a member, but policy; within Scopes

	AuthMethod    string         // token_endpoint_auth_method, never ""
	AuthAlgorithm keys.Algorithm // token_endpoint_auth_signing_alg, "" for any that the server accepts
	Keys          []keys.Public  // jwks, each with an ID
	KeysURL       string         // jwks_uri, at a public address as far as the URL shows it; never together with Keys
	RequirePushed bool           // require_pushed_authorization_requests (RFC 9126 §6)

	Name     string   // client_name
	Contacts []string // contacts
	// Texts are further members whose value is a string, by their names: client_uri, logo_uri, tos_uri, policy_uri,
	// software_id, software_version, software_statement, and names in a language, such as "client_name#de". They mean
	// nothing to the server, and nothing is ever fetched from them.
	Texts map[string]string
}

// Client is the client as the server sees it. Its keys are those that it registered, or, with a jwks_uri, those found
// there; they are fetched when they are first asked for, so a caller keeps the result until the client changes.
func (c *RegisteredClient) Client(fetch keys.FetchOptions) (*avouch.Client, error) {
	m := &c.Metadata
	client := &avouch.Client{
		ID: c.ID, Name: m.Name, Disabled: c.Disabled, Created: c.Issued,
		AuthMethod: m.AuthMethod, AuthAlgorithm: m.AuthAlgorithm, Secrets: c.Secrets,
		Grants: m.GrantTypes, Scopes: m.Scopes, DefaultScopes: m.DefaultScopes,
		RedirectURIs: m.RedirectURIs, RequirePushed: m.RequirePushed,
	}
	switch {
	case m.KeysURL != "":
		source, err := keys.FromURL(m.KeysURL, fetch)
		if err != nil {
			return nil, err
		}
		client.Keys = source
	case len(m.Keys) > 0:
		set, err := keys.NewSet(m.Keys...)
		if err != nil {
			return nil, err
		}
		client.Keys = set
	}
	return client, nil
}
