package client

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"golang.org/x/oauth2"

	"github.com/avouch-oauth/avouch/assertion"
	"github.com/avouch-oauth/avouch/keys"
)

const grantType = "urn:ietf:params:oauth:grant-type:jwt-bearer" // RFC 7523 §2.1

// JWTBearer exchanges an assertion for a token (the JWT bearer grant, RFC 7523 §2.1). The assertion is either signed
// here, with Key, or ready-made, from Assertion; exactly one of the two is set.
type JWTBearer struct {
	Issuer   string // as in [PrivateKeyJWT]
	TokenURL string // as in [PrivateKeyJWT]

	// Assertion gives assertions that somebody else has signed. Nil where Key is set.
	Assertion AssertionSource

	// Key signs assertions. The fields down to ScopeClaim say what is in them, and have no place beside Assertion.
	Key *keys.Private

	// AssertionIssuer is who vouches: iss of the assertion. A client that is its own issuer puts its id here, a
	// Google-style service account its e-mail address. Required beside Key.
	AssertionIssuer string

	// Subject is who the token is to speak for: sub of the assertion. "" leaves it out: nobody is meant, which the
	// server must allow.
	Subject string

	// Claims are further claims of the assertion. A claim with a field of its own is refused.
	Claims map[string]any

	// Audience is how the assertion names the server. The zero value is the issuer.
	Audience Audience

	// Lifetime of an assertion, from iat to exp. Zero means 60 s; less than 10 s is refused.
	Lifetime time.Duration

	// ScopeClaim sends the scopes as a claim of the assertion, as Google-style servers want it, instead of the scope
	// parameter.
	ScopeClaim bool

	Scopes    []string   // as in [PrivateKeyJWT]
	Resources []string   // as in [PrivateKeyJWT]
	Params    url.Values // as in [PrivateKeyJWT]

	// ClientAuth authenticates a client beside the grant. Nil sends no client authentication and no client_id.
	ClientAuth ClientAuth
}

// Token gets a new token; see [PrivateKeyJWT.Token].
func (g JWTBearer) Token(ctx context.Context) (*oauth2.Token, error) { return g.plan().token(ctx) }

// TokenSource returns a source that keeps a token and replaces it in time; see [PrivateKeyJWT.TokenSource].
func (g JWTBearer) TokenSource(ctx context.Context) oauth2.TokenSource {
	return g.plan().newSource(ctx)
}

// Client returns an HTTP client that sends such tokens as bearer tokens.
func (g JWTBearer) Client(ctx context.Context) *http.Client {
	return newClient(ctx, g.plan().newSource(ctx))
}

func (g JWTBearer) plan() *plan {
	s := newServer(g.Issuer, g.TokenURL)
	p := &plan{
		server:    s,
		scopes:    slices.Clone(g.Scopes),
		resources: slices.Clone(g.Resources),
		params:    cloneParams(g.Params),
		fault:     errors.Join(s.check(), g.check(s)),
	}
	g.Claims = maps.Clone(g.Claims)
	if g.ScopeClaim && len(p.scopes) > 0 {
		if g.Claims == nil {
			g.Claims = map[string]any{}
		}
		g.Claims["scope"] = strings.Join(p.scopes, " ")
		p.scopes = nil
	}
	p.fill = g.fill
	return p
}

func (g JWTBearer) check(s *server) error {
	var faults []error
	switch {
	case g.Assertion != nil && (g.Key != nil || g.signs()):
		faults = append(faults, errors.New("a ready-made Assertion beside Key or fields that say what to sign: set one or the other"))
	case g.Assertion == nil && (g.Key == nil || g.Key.Signer == nil):
		faults = append(faults, errors.New("neither Key nor Assertion is set: sign an assertion, or say where a ready-made one is"))
	case g.Key != nil:
		faults = append(faults, checkAudience(g.Audience, s), checkLifetime(g.Lifetime))
		if g.AssertionIssuer == "" {
			faults = append(faults, errors.New("no AssertionIssuer: an assertion must say who vouches"))
		}
		if _, twice := g.Claims["scope"]; twice && g.ScopeClaim {
			faults = append(faults, errors.New("a scope in Claims, and ScopeClaim sets it too"))
		}
	}
	if g.ClientAuth != nil {
		faults = append(faults, g.ClientAuth.checkCredential(s), g.ClientAuth.checkOnlyCredential())
	}
	return errors.Join(faults...)
}

// signs reports whether a field is set that shapes an assertion of our own.
func (g JWTBearer) signs() bool {
	return g.AssertionIssuer != "" || g.Subject != "" || g.Claims != nil || g.Audience != AudienceIssuer || g.Lifetime != 0 || g.ScopeClaim
}

func (g JWTBearer) fill(ctx context.Context, to endpoint, form url.Values) error {
	var token string
	var err error
	if g.Assertion != nil {
		token, err = ready(ctx, g.Assertion)
	} else {
		token, err = g.sign(to)
	}
	if err != nil {
		return err
	}
	form.Set("grant_type", grantType)
	form.Set("assertion", token)
	if g.ClientAuth != nil {
		return g.ClientAuth.authenticate(ctx, to, form)
	}
	return nil
}

func (g JWTBearer) sign(to endpoint) (string, error) {
	c, err := claims(g.Audience, g.Lifetime, to)
	if err != nil {
		return "", err
	}
	c.Issuer, c.Subject, c.More = g.AssertionIssuer, g.Subject, g.Claims
	return assertion.Sign(c, g.Key)
}
