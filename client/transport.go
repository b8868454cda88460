package client

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	"golang.org/x/oauth2"

	"github.com/avouch-oauth/avouch/internal/metadata"
)

// contextClient returns the HTTP client that x/oauth2 would use.
func contextClient(ctx context.Context) *http.Client {
	if c, ok := ctx.Value(oauth2.HTTPClient).(*http.Client); ok && c != nil {
		return c
	}
	return http.DefaultClient
}

// newClient returns an HTTP client that sends the source's token, and is otherwise like the one in ctx.
func newClient(ctx context.Context, s *source) *http.Client {
	base := contextClient(ctx)
	return &http.Client{
		Transport:     &transport{source: s, base: base.Transport},
		CheckRedirect: base.CheckRedirect,
		Jar:           base.Jar,
		Timeout:       base.Timeout,
	}
}

// transport adds the token to requests. Unlike oauth2.Transport it waits for a token no longer than the request may
// take, keeps the token from other hosts when a server redirects, and from the open network.
type transport struct {
	source *source
	base   http.RoundTripper
}

func (t *transport) RoundTrip(req *http.Request) (*http.Response, error) {
	base := t.base
	if base == nil {
		base = http.DefaultTransport
	}
	if !sameOrigin(req) {
		return base.RoundTrip(req)
	}
	if err := metadata.CheckConfidential(req.URL); err != nil {
		closeBody(req)
		return nil, fmt.Errorf("client: the access token is not sent: %w", err)
	}
	token, err := t.source.get(req.Context())
	if err != nil {
		closeBody(req)
		return nil, err
	}
	authorized := req.Clone(req.Context())
	token.SetAuthHeader(authorized)
	return base.RoundTrip(authorized)
}

// closeBody does what a RoundTripper owes even where it sends nothing.
func closeBody(req *http.Request) {
	if req.Body != nil {
		req.Body.Close()
	}
}

// sameOrigin reports whether a request stays with the scheme and host that the program asked for, through all
// redirects so far. net/http drops an Authorization header on the way to another host; a transport that adds it again
// would undo that.
func sameOrigin(req *http.Request) bool {
	for r := req; r.Response != nil && r.Response.Request != nil; r = r.Response.Request {
		before := r.Response.Request.URL
		if r.URL.Scheme != before.Scheme || !strings.EqualFold(r.URL.Host, before.Host) {
			return false
		}
	}
	return true
}
