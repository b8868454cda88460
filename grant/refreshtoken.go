package grant

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/avouch-oauth/avouch"
	"github.com/avouch-oauth/avouch/handle"
	"github.com/avouch-oauth/avouch/replay"
)

// RefreshToken is the refresh token grant (RFC 6749 §6), and what issues refresh tokens for other grants: see [Offer].
// It is safe for concurrent use and must not be changed once it is in use.
//
// A refresh token is a handle. It never gives more scopes or resources than the consent it was issued on. One of a public
// client is good once, and comes back as a new one; where one comes a second time, somebody else has it, and everything
// that was issued on the consent is revoked (RFC 9700 §4.14.2). One of a client that authenticates is bound to that
// client already and stays as it is (FAPI 2.0 §5.3.2.1).
//
// [Offer]: #RefreshToken.Offer
type RefreshToken struct {
	// Store keeps them. Required.
	Store handle.Store

	// Lifetime is how long a refresh token is good without being used. Zero means 30 days.
	Lifetime time.Duration

	// MaxLifetime is how long a consent can be refreshed, however often it is; at most 365 days. Zero means 90 days.
	// A token that does not rotate is good until then.
	MaxLifetime time.Duration
}

// RefreshTokenType is the grant type (RFC 6749 §6).
const RefreshTokenType = "refresh_token"

const (
	kindRefreshToken    = "refresh_token"
	defaultRefresh      = 30 * 24 * time.Hour
	defaultRefreshLimit = 90 * 24 * time.Hour
	maxRefreshLimit     = 365 * 24 * time.Hour

	// remember is how much longer than it is good the use of a handle is remembered, whatever clocks do.
	remember = 2 * time.Minute
)

// refreshRecord is what is kept of a refresh token.
type refreshRecord struct {
	consented
	Issued time.Time `json:"issued"`
}

// Type returns [RefreshTokenType].
func (g *RefreshToken) Type() string { return RefreshTokenType }

// Validate tells what is wrong with the grant; avouch.New calls it.
func (g *RefreshToken) Validate() error {
	switch {
	case g == nil || g.Store == nil:
		return errors.New("Store is required: it keeps the refresh tokens")
	case g.Lifetime < 0 || g.MaxLifetime < 0:
		return errors.New("Lifetime and MaxLifetime must not be negative")
	case g.MaxLifetime > maxRefreshLimit:
		return fmt.Errorf("MaxLifetime %v is more than 365 days", g.MaxLifetime)
	}
	return nil
}

// Authorize implements avouch.Grant.
func (g *RefreshToken) Authorize(ctx context.Context, req *avouch.Request) (*avouch.Authorization, error) {
	if err := g.Validate(); err != nil {
		return nil, err
	}
	text := req.Param("refresh_token")
	switch {
	case text == "":
		return nil, &avouch.Error{Code: avouch.InvalidRequest, Description: "the parameter refresh_token is missing"}
	case req.Client == nil:
		return nil, &avouch.Error{Code: avouch.InvalidClient, Description: "client authentication failed", Err: errors.New("a refresh token is bound to a client, and none is known")}
	}
	digest := handle.Digest(text)
	record, err := g.Store.Handle(ctx, req.Now, kindRefreshToken, digest)
	if err != nil {
		return nil, cannotTell(err)
	}
	if record == nil {
		return nil, notAccepted("refresh token", "it is unknown or has expired")
	}
	var r refreshRecord
	if err := json.Unmarshal(record.Data, &r); err != nil {
		return nil, fmt.Errorf("the record of a refresh token: %w", err)
	}
	if r.Client != req.Client.ID {
		return nil, notAccepted("refresh token", "it was issued to another client")
	}
	ended, err := g.Store.Revoked(ctx, req.Now, handle.FamilyID(r.Family))
	if err != nil {
		return nil, cannotTell(err)
	}
	if ended {
		return nil, notAccepted("refresh token", "what was issued on its consent has been revoked")
	}
	authz := r.authorization()
	if req.Client.AuthMethod == "none" {
		authz.Uses = []replay.Use{{
			Purpose: kindRefreshToken, Party: r.Client, ID: base64.RawURLEncoding.EncodeToString(digest[:]),
			Until: record.Expires.Add(remember), Issued: r.Issued,
		}}
		authz.Replayed = func(ctx context.Context) error { return endFamily(ctx, g.Store, req.Now, r.Family) }
		authz.Record = func(ctx context.Context, issued *avouch.Issued) error { return g.issue(ctx, req, &r.consented, issued) }
	}
	return authz, nil
}

// Offer has a refresh token issued beside the access token of authz, where the client may use this grant and the
// authorization has a Family. It is for grants in which a user consents: what authz allows, its Scopes, Audiences and
// Claims, is what the refresh token will allow. Call it when authz is complete; a nil grant offers nothing.
func (g *RefreshToken) Offer(req *avouch.Request, authz *avouch.Authorization) error {
	if g == nil || req.Client == nil || authz.Family == "" || !slices.Contains(req.Client.Grants, RefreshTokenType) {
		return nil
	}
	c := consented{
		Client: req.Client.ID, Subject: authz.Subject, Scopes: authz.Scopes, Resources: authz.Audiences,
		Family: authz.Family, At: req.Now,
	}
	for name, value := range authz.Claims {
		raw, err := json.Marshal(value)
		if err != nil {
			return fmt.Errorf("the claim %q: %w", name, err)
		}
		if c.Claims == nil {
			c.Claims = make(map[string]json.RawMessage, len(authz.Claims))
		}
		c.Claims[name] = raw
	}
	before := authz.Record
	authz.Record = func(ctx context.Context, issued *avouch.Issued) error {
		if before != nil {
			if err := before(ctx, issued); err != nil {
				return err
			}
		}
		return g.issue(ctx, req, &c, issued)
	}
	return nil
}

// issue makes a refresh token and puts it into the answer.
func (g *RefreshToken) issue(ctx context.Context, req *avouch.Request, c *consented, issued *avouch.Issued) error {
	if err := g.Validate(); err != nil {
		return err
	}
	expires := c.At.Add(orDefault(g.MaxLifetime, defaultRefreshLimit))
	if req.Client.AuthMethod == "none" {
		if idle := req.Now.Add(orDefault(g.Lifetime, defaultRefresh)); idle.Before(expires) {
			expires = idle
		}
	}
	if !expires.After(req.Now) {
		return nil // the consent is over: this access token is its last
	}
	data, err := json.Marshal(refreshRecord{consented: *c, Issued: req.Now})
	if err != nil {
		return err
	}
	text, digest := handle.New()
	if err := g.Store.PutHandle(ctx, req.Now, &handle.Record{Kind: kindRefreshToken, Digest: digest, Data: data, Expires: expires}); err != nil {
		return cannotTell(err)
	}
	issued.Answer["refresh_token"] = text
	return nil
}

// orDefault is d, or another duration where d is zero.
func orDefault(d, other time.Duration) time.Duration {
	if d == 0 {
		return other
	}
	return d
}
