package client

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"time"

	"golang.org/x/oauth2"

	"github.com/avouch-oauth/avouch/assertion"
	"github.com/avouch-oauth/avouch/keys"
)

// PrivateKeyJWT is a client that gets tokens for itself and authenticates by an assertion it signs with a private key
// (private_key_jwt: RFC 7523 §2.2 as updated by RFC 10070 §4). Issuer, ClientID and Key are required.
type PrivateKeyJWT struct {
	// Issuer is the issuer identifier of the authorization server. Its metadata (RFC 8414) says where the token
	// endpoint is, and must name the same issuer, or nothing is signed.
	Issuer string

	// TokenURL is the token endpoint. "" means the one in the issuer's metadata; where it is set no metadata is fetched.
	TokenURL string

	// ClientID is the client's id: iss and sub of the assertion.
	ClientID string

	// Key signs. Its ID is sent as kid.
	Key *keys.Private

	// Scopes to ask for. Nil asks for none: the server then gives its default.
	Scopes []string

	// Resources the token is for (RFC 8707). Nil leaves that to the server.
	Resources []string

	// Audience is how the assertion names the server. The zero value is the issuer.
	Audience Audience

	// Lifetime of an assertion, from iat to exp. Zero means 60 s; less than 10 s is refused.
	Lifetime time.Duration

	// Params are further parameters of the token request. One that the request sets itself is refused.
	Params url.Values
}

// Token gets a new token. ctx bounds the request; its [oauth2.HTTPClient] value, where there is one, sends it.
func (c PrivateKeyJWT) Token(ctx context.Context) (*oauth2.Token, error) { return c.plan().token(ctx) }

// TokenSource returns a source that gets a token when it is first asked and a new one before that expires. ctx governs
// all its requests, so it should live as long as the source; see [PrivateKeyJWT.Token] for its value.
func (c PrivateKeyJWT) TokenSource(ctx context.Context) oauth2.TokenSource {
	return c.plan().newSource(ctx)
}

// Client returns an HTTP client that sends such tokens as bearer tokens.
func (c PrivateKeyJWT) Client(ctx context.Context) *http.Client {
	return newClient(ctx, c.plan().newSource(ctx))
}

func (c PrivateKeyJWT) plan() *plan {
	s := newServer(c.Issuer, c.TokenURL)
	return &plan{
		server:    s,
		scopes:    slices.Clone(c.Scopes),
		resources: slices.Clone(c.Resources),
		params:    cloneParams(c.Params),
		fault:     errors.Join(s.check(), c.checkCredential(s)),
		fill:      credentials(c),
	}
}

func (c PrivateKeyJWT) checkCredential(s *server) error {
	var noID, noKey error
	if c.ClientID == "" {
		noID = errors.New("no ClientID")
	}
	if c.Key == nil || c.Key.Signer == nil {
		noKey = errors.New("no Key: keys.LoadPrivate reads one, keys.Generate makes one")
	}
	return errors.Join(noID, noKey, checkAudience(c.Audience, s), checkLifetime(c.Lifetime))
}

func (c PrivateKeyJWT) checkOnlyCredential() error {
	return checkUnused(c.Issuer, c.TokenURL, c.Scopes, c.Resources, c.Params)
}

func (c PrivateKeyJWT) authenticate(_ context.Context, to endpoint, form url.Values) error {
	claims, err := clientClaims(c.ClientID, c.Audience, c.Lifetime, to)
	if err != nil {
		return err
	}
	signed, err := assertion.Sign(claims, c.Key)
	if err != nil {
		return err
	}
	present(form, c.ClientID, signed)
	return nil
}
