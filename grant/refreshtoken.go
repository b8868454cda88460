package grant

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/avouch-oauth/avouch"
	"github.com/avouch-oauth/avouch/handle"
	"github.com/avouch-oauth/avouch/replay"
	"github.com/avouch-oauth/avouch/token"
)

// RefreshToken is the refresh token grant (RFC 6749 §6), and what makes refresh tokens for all grants: it belongs in
// avouch.Config.Refresh, and they are kept in avouch.Config.Handles. The zero value is ready to use. It is safe for
// concurrent use and must not be changed once it is in use.
//
// A refresh token is a handle. It never gives more scopes or resources than the consent it was issued on. One of a public
// client is valid once, and comes back as a new one; if one comes a second time, another party has it, and the server
// revokes everything that was issued on the consent (RFC 9700 §4.14.2). One of a client that authenticates is bound to
// that client already and stays as it is (FAPI 2.0 §5.3.2.1).
type RefreshToken struct {
	// Lifetime is how long a refresh token is valid without being used. Zero means 30 days.
	Lifetime time.Duration

	// MaxLifetime is how long a consent can be refreshed, however often it is; at most 365 days. Zero means 90 days.
	// A token that does not rotate is valid until then.
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
	// Once says that the token is good once. It was issued to a public client, and stays so when the client is given
	// credentials: or one that was used up, and stolen, would be good again.
	Once bool `json:"once,omitempty"`

	// What else the grant has said of its access tokens, which is true of the later ones too. Defaults are the scopes of a
	// request that asks for none, nil for those of the client.
	Defaults []string      `json:"defaults,omitempty"`
	Lifetime time.Duration `json:"lifetime,omitempty"`
	Issuer   string        `json:"iss,omitempty"`
	Rule     string        `json:"rule,omitempty"`
	KeyID    string        `json:"kid,omitempty"`
}

// Type returns [RefreshTokenType].
func (g *RefreshToken) Type() string { return RefreshTokenType }

// Validate tells what is wrong with the grant; avouch.New calls it.
func (g *RefreshToken) Validate() error {
	switch {
	case g == nil:
		return errors.New("a nil *grant.RefreshToken; leave Refresh unset for no refresh tokens")
	case g.Lifetime < 0 || g.MaxLifetime < 0:
		return errors.New("a negative Lifetime or MaxLifetime")
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
	r, expires, reason, err := g.find(ctx, req.Server().Handles(), req.Now, digest)
	switch {
	case err != nil:
		return nil, err
	case reason != "":
		return nil, notAccepted("refresh token", reason)
	case r.Client != req.Client.ID:
		return nil, notAccepted("refresh token", "it was issued to another client")
	}
	authz := r.authorization()
	authz.DefaultScopes, authz.Lifetime, authz.Issuer, authz.Rule, authz.KeyID = r.Defaults, r.Lifetime, r.Issuer, r.Rule, r.KeyID
	if r.Once || req.Client.AuthMethod == "none" {
		authz.Refresh = true
		authz.Uses = []replay.Use{{
			Purpose: kindRefreshToken, Party: r.Client, ID: base64.RawURLEncoding.EncodeToString(digest[:]),
			Until: expires.Add(remember), Issued: r.Issued,
		}}
	}
	return authz, nil
}

// find returns what is kept of a refresh token, and until when it is valid; reason says to the operator why there is none.
func (g *RefreshToken) find(ctx context.Context, store handle.Store, now time.Time, digest [32]byte) (r *refreshRecord, expires time.Time, reason string, err error) {
	record, err := store.Handle(ctx, now, kindRefreshToken, digest)
	if err != nil {
		return nil, time.Time{}, "", cannotTell(err)
	}
	if record == nil {
		return nil, time.Time{}, "it is unknown or has expired", nil
	}
	r = new(refreshRecord)
	if err := json.Unmarshal(record.Data, r); err != nil || !r.complete() {
		// One of another format, or broken: the user signs in again, which no retry could spare them.
		return nil, time.Time{}, "its record cannot be read: it may be of another version", nil
	}
	if expires = record.Expires; g.limit(r.At).Before(expires) { // a limit that was lowered holds for what is out already
		expires = g.limit(r.At)
	}
	if !expires.After(now) {
		return nil, time.Time{}, "its consent is older than MaxLifetime", nil
	}
	return r, expires, "", nil
}

// complete reports whether everything is there that the refusal of a token could rest on.
func (r *refreshRecord) complete() bool {
	return r.Client != "" && r.Subject != "" && r.Family != "" && !r.At.IsZero() && !r.Issued.IsZero() && r.Lifetime >= 0
}

// limit is the end of what a consent can be refreshed.
func (g *RefreshToken) limit(consent time.Time) time.Time {
	return consent.Add(orDefault(g.MaxLifetime, defaultRefreshLimit))
}

// claims tell what a refresh token is good for, as those of an access token would. Issuer and ID are not set.
func (r *refreshRecord) claims(expires time.Time) *token.Claims {
	c := &token.Claims{
		Subject: r.Subject, ClientID: r.Client, Scopes: r.Scopes, Audience: r.Resources, IssuedAt: r.Issued, Expires: expires,
		Origin: token.Origin{Issuer: r.Issuer, Rule: r.Rule, Family: r.Family},
	}
	if r.KeyID != "" {
		c.Origin.KeyIDs = []string{r.KeyID}
	}
	return c
}

// Lookup implements avouch.RefreshGrant. It returns what a refresh token was issued for to any client, used up and revoked
// ones included: it is for the server and its operator, never for the answer to a client.
func (g *RefreshToken) Lookup(ctx context.Context, store handle.Store, now time.Time, text string) (c *token.Claims, once bool, err error) {
	if err := g.Validate(); err != nil {
		return nil, false, err
	}
	r, expires, reason, err := g.find(ctx, store, now, handle.Digest(text))
	if err != nil || reason != "" {
		return nil, false, err
	}
	return r.claims(expires), r.Once, nil
}

// Issue implements avouch.RefreshGrant.
func (g *RefreshToken) Issue(ctx context.Context, store handle.Store, now time.Time, client *avouch.Client, kept *avouch.Authorization) (string, error) {
	if err := g.Validate(); err != nil {
		return "", err
	}
	r := refreshRecord{
		consented: consented{
			Client: client.ID, Subject: kept.Subject, Scopes: kept.Scopes, Resources: kept.Audiences,
			Family: kept.Family, At: kept.Since,
		},
		Issued: now, Once: client.AuthMethod == "none",
		Defaults: kept.DefaultScopes, Lifetime: kept.Lifetime, Issuer: kept.Issuer, Rule: kept.Rule, KeyID: kept.KeyID,
	}
	var err error
	if r.Claims, err = marshalClaims(kept.Claims); err != nil {
		return "", err
	}
	expires := g.limit(r.At)
	if r.Once {
		if idle := now.Add(orDefault(g.Lifetime, defaultRefresh)); idle.Before(expires) {
			expires = idle
		}
	}
	if !expires.After(now) {
		return "", nil // the consent is over: the access token beside it is its last
	}
	data, err := json.Marshal(r)
	if err != nil {
		return "", err
	}
	text, digest := handle.New()
	if err := store.PutHandle(ctx, now, &handle.Record{Kind: kindRefreshToken, Digest: digest, Data: data, Expires: expires}); err != nil {
		return "", cannotTell(err)
	}
	return text, nil
}

// orDefault is d, or another duration where d is zero.
func orDefault(d, other time.Duration) time.Duration {
	if d == 0 {
		return other
	}
	return d
}
