package signin

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"github.com/avouch-oauth/avouch/assertion"
	"github.com/avouch-oauth/avouch/internal/safehttp"
	"github.com/avouch-oauth/avouch/keys"
)

// Upstream is the OpenID provider where people sign in. Issuer, ClientID, and one of Secret and Key are required.
type Upstream struct {
	Issuer   string        // the URL by which it knows itself
	Name     string        // stands before the subjects of its users, as NAME/SUB; "" means Issuer
	ClientID string        // this server, as a client there
	Secret   string        // authenticates it (client_secret_basic or client_secret_post, as the provider wants)
	Key      *keys.Private // authenticates it instead (private_key_jwt)
	Scopes   []string      // to ask for; openid is always among them

	AllowPrivate bool           // it may be at a private or loopback address
	RootCAs      *x509.CertPool // whose certificates are believed; nil means those of the system
}

const (
	// providerMaxAge is how long the metadata and the keys of the upstream are kept. A key that it has taken back is
	// believed no longer than that.
	providerMaxAge = time.Hour
	// retryAfter is how long an upstream that was down is not asked again.
	retryAfter = 3 * time.Second
)

// upstream is an Upstream as it is used. Its metadata is fetched when somebody wants to sign in.
type upstream struct {
	Upstream
	host     string // for people
	redirect string
	client   *http.Client

	busy   chan struct{} // holds one while the fields below are looked at
	got    *provider
	at     time.Time // of got
	failed time.Time
	err    error
}

// provider is what the upstream says of itself.
type provider struct {
	oauth    oauth2.Config
	verifier *oidc.IDTokenVerifier
	saysIss  bool // it names itself in its answers (RFC 9207)
}

func newUpstream(u Upstream, redirect string) (*upstream, error) {
	o := safehttp.Options{AllowPrivate: u.AllowPrivate, RootCAs: u.RootCAs, Forms: true}
	var faults []error
	if err := o.Check(u.Issuer); err != nil {
		faults = append(faults, fmt.Errorf("signin.issuer %.200q: %w", u.Issuer, err))
	}
	if u.ClientID == "" || (u.Secret == "") == (u.Key == nil) {
		faults = append(faults, errors.New("signin: the upstream needs a client id, and exactly one of a secret and a key"))
	}
	issuer, err := url.Parse(u.Issuer)
	if err != nil {
		return nil, errors.Join(append(faults, err)...)
	}
	if u.Name == "" {
		u.Name = u.Issuer
	}
	if !slices.Contains(u.Scopes, oidc.ScopeOpenID) {
		u.Scopes = append([]string{oidc.ScopeOpenID}, u.Scopes...)
	}
	return &upstream{Upstream: u, host: issuer.Host, redirect: redirect, client: safehttp.Client(o), busy: make(chan struct{}, 1)}, errors.Join(faults...)
}

// provider returns what is known of the upstream. One request at a time asks it; what is known is used on while it is
// down.
func (u *upstream) provider(ctx context.Context) (*provider, error) {
	select {
	case u.busy <- struct{}{}:
		defer func() { <-u.busy }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	now := time.Now()
	switch {
	case u.got != nil && now.Sub(u.at) < providerMaxAge:
		return u.got, nil
	case u.err != nil && now.Sub(u.failed) < retryAfter:
		if u.got != nil {
			return u.got, nil
		}
		return nil, u.err
	}
	// Whoever asked first may go away: the others wait for the same answer.
	got, err := u.discover(context.WithoutCancel(ctx))
	if err == nil {
		u.got, u.at, u.err = got, now, nil
		return got, nil
	}
	u.err, u.failed = err, time.Now()
	if u.got != nil {
		return u.got, nil
	}
	return nil, err
}

func (u *upstream) discover(ctx context.Context) (*provider, error) {
	ctx, cancel := context.WithTimeout(ctx, safehttp.Timeout)
	defer cancel()
	found, err := oidc.NewProvider(oidc.ClientContext(ctx, u.client), u.Issuer)
	if err != nil {
		return nil, fmt.Errorf("the upstream %s: %w", u.Issuer, err)
	}
	var more struct {
		JWKS    string   `json:"jwks_uri"`
		Methods []string `json:"token_endpoint_auth_methods_supported"`
		SaysIss bool     `json:"authorization_response_iss_parameter_supported"`
	}
	if err := found.Claims(&more); err != nil {
		return nil, fmt.Errorf("the metadata of the upstream %s: %w", u.Issuer, err)
	}
	endpoint := found.Endpoint()
	for name, address := range map[string]string{"authorization_endpoint": endpoint.AuthURL, "token_endpoint": endpoint.TokenURL, "jwks_uri": more.JWKS} {
		to, err := url.Parse(address)
		if err != nil || to.Host == "" || to.Scheme != "https" && (to.Scheme != "http" || !strings.HasPrefix(u.Issuer, "http:")) {
			return nil, fmt.Errorf("the metadata of the upstream %s has the %s %.200q, which must be https", u.Issuer, name, address)
		}
	}
	endpoint.AuthStyle = u.style(more.Methods)
	return &provider{
		oauth: oauth2.Config{ClientID: u.ClientID, ClientSecret: u.Secret, Endpoint: endpoint, RedirectURL: u.redirect, Scopes: u.Scopes},
		verifier: found.Verifier(&oidc.Config{
			ClientID: u.ClientID,
			Now:      func() time.Time { return time.Now().Add(-skew) },
		}),
		saysIss: more.SaysIss,
	}, nil
}

// style is how the secret is sent. OpenID Connect Discovery §3 says that nothing said means Basic. Where both ways are
// offered, the one that this client is registered for is found by trying, and remembered.
func (u *upstream) style(methods []string) oauth2.AuthStyle {
	basic, post := slices.Contains(methods, "client_secret_basic"), slices.Contains(methods, "client_secret_post")
	switch {
	case u.Key != nil, post && !basic:
		return oauth2.AuthStyleInParams
	case post && basic:
		return oauth2.AuthStyleAutoDetect
	}
	return oauth2.AuthStyleInHeader
}

// exchange gets the ID token for a code.
func (u *upstream) exchange(ctx context.Context, p *provider, code, verifier string) (string, error) {
	options := []oauth2.AuthCodeOption{oauth2.VerifierOption(verifier)}
	if u.Key != nil {
		signed, err := assertion.Sign(assertion.Claims{
			Issuer: u.ClientID, Subject: u.ClientID, Audience: u.Issuer, Type: "client-authentication+jwt", IssuedAt: time.Now().Add(-5 * time.Second),
		}, u.Key)
		if err != nil {
			return "", err
		}
		options = append(options, oauth2.SetAuthURLParam("client_assertion", signed),
			oauth2.SetAuthURLParam("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"))
	}
	token, err := p.oauth.Exchange(oidc.ClientContext(ctx, u.client), code, options...)
	if err != nil {
		return "", err
	}
	raw, ok := token.Extra("id_token").(string)
	if !ok || raw == "" {
		return "", errors.New("its answer has no id_token: is openid among the scopes it allows?")
	}
	return raw, nil
}
