package client

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"time"

	"github.com/avouch-oauth/avouch/assertion"
)

const (
	assertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer" // RFC 7523 §2.2
	authType      = "client-authentication+jwt"                              // RFC 10070 §4
)

// ClientAuth is how a client authenticates beside a grant: a [PrivateKeyJWT], [SecretJWT] or [WorkloadIdentity] of
// which only the client's id, its credential, and what shapes the assertion are set.
type ClientAuth interface {
	// authenticate adds the client's authentication to a token request.
	authenticate(ctx context.Context, to endpoint, form url.Values) error
	// checkCredential reports what is missing for that at this server.
	checkCredential(s *server) error
	// checkOnlyCredential refuses what would have no effect beside a grant.
	checkOnlyCredential() error
}

// credentials is the request of a client that gets tokens for itself (RFC 6749 §4.4).
func credentials(auth ClientAuth) func(ctx context.Context, to endpoint, form url.Values) error {
	return func(ctx context.Context, to endpoint, form url.Values) error {
		form.Set("grant_type", "client_credentials")
		return auth.authenticate(ctx, to, form)
	}
}

// present puts a client assertion into a token request (RFC 7521 §4.2).
func present(form url.Values, clientID, signed string) {
	if clientID != "" {
		form.Set("client_id", clientID)
	}
	form.Set("client_assertion_type", assertionType)
	form.Set("client_assertion", signed)
}

// clientClaims are what a client says about itself to this server.
func clientClaims(clientID string, audience Audience, lifetime time.Duration, to endpoint) (assertion.Claims, error) {
	c, err := claims(audience, lifetime, to)
	c.Issuer, c.Subject, c.Type = clientID, clientID, authType
	return c, err
}

// backdate is how long before now an assertion says it was made: servers that allow no clock skew at all would refuse
// it from a machine whose clock is a little ahead. It is part of the lifetime, not beside it.
const backdate = 5 * time.Second

// defaultLifetime and minLifetime bound what is told as exp − iat.
const (
	defaultLifetime = 60 * time.Second
	minLifetime     = 10 * time.Second
)

// claims are what every assertion has that we sign.
func claims(audience Audience, lifetime time.Duration, to endpoint) (assertion.Claims, error) {
	aud := audience.value(to)
	if aud == "" {
		return assertion.Claims{}, errors.New("nothing to put into aud")
	}
	if lifetime == 0 {
		lifetime = defaultLifetime
	}
	return assertion.Claims{
		Audience: aud,
		IssuedAt: time.Now().Add(-backdate).Truncate(time.Second),
		Lifetime: lifetime,
	}, nil
}

func checkLifetime(d time.Duration) error {
	if d != 0 && d < minLifetime {
		return fmt.Errorf("a Lifetime of %v: an assertion needs at least %v to arrive, clocks being what they are", d, minLifetime)
	}
	return nil
}

// checkAudience makes sure that an assertion we sign can name its server.
func checkAudience(a Audience, s *server) error {
	if a == AudienceIssuer && s.issuer == "" {
		return errors.New("no Issuer: an assertion must say which server it is for; set it, or Audience where the server wants another value")
	}
	return nil
}

// checkUnused refuses, in a client that authenticates beside a grant, what would have no effect there.
func checkUnused(issuer, tokenURL string, scopes, resources []string, params url.Values) error {
	if issuer == "" && tokenURL == "" && scopes == nil && resources == nil && params == nil {
		return nil
	}
	return errors.New("the fields Issuer, TokenURL, Scopes, Resources and Params belong to the grant, not to the ClientAuth beside it")
}
