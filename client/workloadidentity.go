package client

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"

	"golang.org/x/oauth2"
)

// WorkloadIdentity is a client that gets tokens for itself and authenticates by the token that its platform has given
// it: a Kubernetes service account, a SPIFFE workload, a CI job (RFC 7521 §4.2). It holds no credential of its own. The
// server must trust the platform as an issuer and know which client its subject stands for.
//
// Where the server knows a rule for the platform's tokens but no client, use [JWTBearer] with the same source.
type WorkloadIdentity struct {
	Issuer   string // as in [PrivateKeyJWT]
	TokenURL string // as in [PrivateKeyJWT]

	// ClientID is the client the workload stands for. "" leaves it to the server, which finds it by the subject.
	ClientID string

	// Assertion gives the platform's token, as [AssertionFile] does. It must be made for the server: its audience is
	// what the platform was told. Required.
	Assertion AssertionSource

	Scopes    []string   // as in [PrivateKeyJWT]
	Resources []string   // as in [PrivateKeyJWT]
	Params    url.Values // as in [PrivateKeyJWT]
}

// Token gets a new token; see [PrivateKeyJWT.Token].
func (c WorkloadIdentity) Token(ctx context.Context) (*oauth2.Token, error) {
	return c.plan().token(ctx)
}

// TokenSource returns a source that keeps a token and replaces it in time; see [PrivateKeyJWT.TokenSource].
func (c WorkloadIdentity) TokenSource(ctx context.Context) oauth2.TokenSource {
	return c.plan().newSource(ctx)
}

// Client returns an HTTP client that sends such tokens as bearer tokens.
func (c WorkloadIdentity) Client(ctx context.Context) *http.Client {
	return newClient(ctx, c.plan().newSource(ctx))
}

func (c WorkloadIdentity) plan() *plan {
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

func (c WorkloadIdentity) checkCredential(*server) error {
	if c.Assertion == nil {
		return errors.New("no Assertion: say where the platform puts its tokens, as by AssertionFile")
	}
	return nil
}

func (c WorkloadIdentity) checkOnlyCredential() error {
	return checkUnused(c.Issuer, c.TokenURL, c.Scopes, c.Resources, c.Params)
}

func (c WorkloadIdentity) authenticate(ctx context.Context, _ endpoint, form url.Values) error {
	token, err := ready(ctx, c.Assertion)
	if err != nil {
		return err
	}
	present(form, c.ClientID, token)
	return nil
}
