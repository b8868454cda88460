package client

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"time"

	"golang.org/x/oauth2"

	"github.com/avouch-oauth/avouch/assertion"
	"github.com/avouch-oauth/avouch/keys"
)

// SecretJWT is a client that gets tokens for itself and authenticates by an assertion it signs with a shared secret,
// which does not travel (client_secret_jwt: OpenID Connect Core §9). Issuer, ClientID and Secret are required. Prefer
// [PrivateKeyJWT]: what a server does not have cannot be stolen from it.
type SecretJWT struct {
	Issuer   string // as in [PrivateKeyJWT]
	TokenURL string // as in [PrivateKeyJWT]
	ClientID string // the client's id: iss and sub of the assertion

	// Secret is the client secret: at least as many bytes as the hash has (RFC 7518 §3.2), 32 for HS256.
	Secret []byte

	// Algorithm is HS256, HS384 or HS512. "" means HS256.
	Algorithm keys.Algorithm

	Scopes    []string      // as in [PrivateKeyJWT]
	Resources []string      // as in [PrivateKeyJWT]
	Audience  Audience      // as in [PrivateKeyJWT]
	Lifetime  time.Duration // as in [PrivateKeyJWT]
	Params    url.Values    // as in [PrivateKeyJWT]
}

// Token gets a new token; see [PrivateKeyJWT.Token].
func (c SecretJWT) Token(ctx context.Context) (*oauth2.Token, error) { return c.plan().token(ctx) }

// TokenSource returns a source that keeps a token and replaces it in time; see [PrivateKeyJWT.TokenSource].
func (c SecretJWT) TokenSource(ctx context.Context) oauth2.TokenSource {
	return c.plan().newSource(ctx)
}

// Client returns an HTTP client that sends such tokens as bearer tokens.
func (c SecretJWT) Client(ctx context.Context) *http.Client {
	return newClient(ctx, c.plan().newSource(ctx))
}

// LogValue keeps the secret out of logs.
func (c SecretJWT) LogValue() slog.Value { return slog.StringValue(c.String()) }

// GoString keeps the secret out of what fmt prints for %#v.
func (c SecretJWT) GoString() string { return c.String() }

// String names the client, and keeps the secret out of what fmt prints.
func (c SecretJWT) String() string { return "client " + c.ClientID + " with a secret" }

func (c SecretJWT) plan() *plan {
	s := newServer(c.Issuer, c.TokenURL)
	c.Secret = slices.Clone(c.Secret)
	return &plan{
		server:    s,
		scopes:    slices.Clone(c.Scopes),
		resources: slices.Clone(c.Resources),
		params:    cloneParams(c.Params),
		fault:     errors.Join(s.check(), c.checkCredential(s)),
		fill:      credentials(c),
	}
}

func (c SecretJWT) algorithm() keys.Algorithm {
	if c.Algorithm == "" {
		return keys.HS256
	}
	return c.Algorithm
}

func (c SecretJWT) checkCredential(s *server) error {
	var noID, weak error
	if c.ClientID == "" {
		noID = errors.New("no ClientID")
	}
	size, known := map[keys.Algorithm]int{keys.HS256: 32, keys.HS384: 48, keys.HS512: 64}[c.algorithm()]
	switch {
	case !known:
		weak = fmt.Errorf("an Algorithm of %q is none that a shared secret signs with: HS256, HS384, HS512", c.Algorithm)
	case len(c.Secret) < size:
		weak = fmt.Errorf("a Secret of %d bytes: %s needs at least %d (RFC 7518 §3.2)", len(c.Secret), c.algorithm(), size)
	}
	return errors.Join(noID, weak, checkAudience(c.Audience, s), checkLifetime(c.Lifetime))
}

func (c SecretJWT) checkOnlyCredential() error {
	return checkUnused(c.Issuer, c.TokenURL, c.Scopes, c.Resources, c.Params)
}

func (c SecretJWT) authenticate(_ context.Context, to endpoint, form url.Values) error {
	claims, err := clientClaims(c.ClientID, c.Audience, c.Lifetime, to)
	if err != nil {
		return err
	}
	signed, err := assertion.SignMAC(claims, c.algorithm(), c.Secret)
	if err != nil {
		return err
	}
	present(form, c.ClientID, signed)
	return nil
}
