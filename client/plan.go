package client

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"golang.org/x/oauth2"
)

// plan is what the siblings of this package come down to: where tokens come from, and what the request says.
type plan struct {
	server    *server
	scopes    []string
	resources []string
	params    url.Values
	fault     error // what is wrong with the configuration, told when a token is wanted

	// fill adds the grant and the client's authentication to the form.
	fill func(ctx context.Context, to endpoint, form url.Values) error
}

// endpoint is where one token request goes, and who it belongs to.
type endpoint struct {
	issuer   string // "" where only a token URL was configured
	tokenURL string
}

// newSource returns the token source of a plan. The configuration is copied, so changing it later changes nothing.
func (p *plan) newSource(ctx context.Context) *source { return &source{ctx: ctx, plan: p} }

// token gets one token.
func (p *plan) token(ctx context.Context) (*oauth2.Token, error) {
	ctx, cancel := context.WithTimeout(ctx, flightTime)
	defer cancel()
	return p.fetch(ctx)
}

// fetch gets one token: find the endpoint, sign or read what is to be sent, send it once.
func (p *plan) fetch(ctx context.Context) (*oauth2.Token, error) {
	if p.fault != nil {
		return nil, fmt.Errorf("client: %w", p.fault)
	}
	to, err := p.server.endpoint(ctx)
	if err != nil {
		return nil, fmt.Errorf("client: %w", err)
	}
	form, err := p.form(ctx, to)
	if err != nil {
		return nil, fmt.Errorf("client: %w", err)
	}
	return post(ctx, to.tokenURL, form)
}

// form is the whole token request (RFC 6749 §4.4.2, RFC 7523 §2, RFC 8707 §2).
func (p *plan) form(ctx context.Context, to endpoint) (url.Values, error) {
	form := url.Values{}
	if len(p.scopes) > 0 {
		form.Set("scope", strings.Join(p.scopes, " "))
	}
	if len(p.resources) > 0 {
		form["resource"] = slices.Clone(p.resources)
	}
	if err := p.fill(ctx, to, form); err != nil {
		return nil, err
	}
	for name, values := range p.params {
		if form.Has(name) {
			return nil, fmt.Errorf("the parameter %q of Params is one that the request sets itself", name)
		}
		form[name] = values
	}
	if form.Has("client_assertion") && form.Has("client_secret") {
		return nil, errors.New("a client_secret in Params beside an assertion: a client authenticates by one method (RFC 6749 §2.3)")
	}
	return form, nil
}

// tokenClient is the client of a request for a token: the one in ctx, which follows no redirect, because the next place
// could be anybody's, and keeps no cookies.
func tokenClient(ctx context.Context) *http.Client {
	c := *contextClient(ctx)
	c.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	c.Jar = nil
	return &c
}

// cloneParams copies Params, so that a source is not changed by what happens to them later.
func cloneParams(params url.Values) url.Values {
	c := maps.Clone(params)
	for name, values := range c {
		c[name] = slices.Clone(values)
	}
	return c
}
