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
	"github.com/avouch-oauth/avouch/token"
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

	// Stands says whether what a refresh token rests on still stands, besides its client, its subject and its family,
	// which the server looks at: the issuer or the key of the grant that it came with, above all. It is told the client,
	// subject, scopes, resources and origin, and changes nothing. An error says that it could not tell. Nil means that
	// nothing else is asked. See endpoint.Introspection.Stands: the same function serves both.
	Stands func(ctx context.Context, c *token.Claims) (bool, error)
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
	KeyID    string        `json:"kid,omitempty"`
}

// Type returns [RefreshTokenType].
func (g *RefreshToken) Type() string { return RefreshTokenType }

// Validate tells what is wrong with the grant; avouch.New calls it.
func (g *RefreshToken) Validate() error {
	switch {
	case g == nil || g.Store == nil:
		return errors.New("a Store is required: it keeps the refresh tokens")
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
	r, expires, reason, err := g.find(ctx, req.Now, digest)
	switch {
	case err != nil:
		return nil, err
	case reason != "":
		return nil, notAccepted("refresh token", reason)
	case r.Client != req.Client.ID:
		return nil, notAccepted("refresh token", "it was issued to another client")
	}
	ended, err := g.ended(ctx, req.Now, r)
	if err != nil {
		return nil, err
	}
	if ended {
		return nil, notAccepted("refresh token", "what was issued on its consent has been revoked")
	}
	if g.Stands != nil {
		stands, err := g.Stands(ctx, r.claims(expires))
		if err != nil {
			return nil, cannotTell(err)
		}
		if !stands {
			return nil, notAccepted("refresh token", "what it rests on does not stand any more")
		}
	}
	authz := r.authorization()
	authz.DefaultScopes, authz.Lifetime, authz.Issuer, authz.KeyID = r.Defaults, r.Lifetime, r.Issuer, r.KeyID
	if r.Once || req.Client.AuthMethod == "none" {
		authz.Uses = []replay.Use{{
			Purpose: kindRefreshToken, Party: r.Client, ID: base64.RawURLEncoding.EncodeToString(digest[:]),
			Until: expires.Add(remember), Issued: r.Issued,
		}}
		authz.Replayed = func(ctx context.Context) error { return finish(ctx, g.end(req.Now, r)) }
		authz.Record = func(ctx context.Context, issued *avouch.Issued) error { return g.issue(ctx, req, *r, issued) }
	}
	return authz, nil
}

// find returns what is kept of a refresh token, and until when it is good; reason says to the operator why there is none.
func (g *RefreshToken) find(ctx context.Context, now time.Time, digest [32]byte) (r *refreshRecord, expires time.Time, reason string, err error) {
	record, err := g.Store.Handle(ctx, now, kindRefreshToken, digest)
	if err != nil {
		return nil, time.Time{}, "", cannotTell(err)
	}
	if record == nil {
		return nil, time.Time{}, "it is unknown or has expired", nil
	}
	r = new(refreshRecord)
	if err := json.Unmarshal(record.Data, r); err != nil || !r.complete() {
		// One of another format, or broken: the user signs in again, which no retry could spare him.
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

func (g *RefreshToken) ended(ctx context.Context, now time.Time, r *refreshRecord) (bool, error) {
	ended, err := g.Store.Revoked(ctx, now, handle.FamilyID(r.Family))
	if err != nil {
		return true, cannotTell(err)
	}
	return ended, nil
}

// end ends the family of a refresh token.
func (g *RefreshToken) end(now time.Time, r *refreshRecord) func(context.Context) error {
	return func(ctx context.Context) error { return handle.EndFamily(ctx, g.Store, now, r.Family) }
}

// finish does what must not be left undone because the caller has gone away: a thief could hang up in time.
func finish(ctx context.Context, f func(context.Context) error) error {
	const most = 5 * time.Second
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), most)
	defer cancel()
	return f(ctx)
}

// claims tell what a refresh token is good for, as those of an access token would. Issuer and ID are not set.
func (r *refreshRecord) claims(expires time.Time) *token.Claims {
	c := &token.Claims{
		Subject: r.Subject, ClientID: r.Client, Scopes: r.Scopes, Audience: r.Resources, IssuedAt: r.Issued, Expires: expires,
		Origin: token.Origin{Issuer: r.Issuer, Family: r.Family},
	}
	if r.KeyID != "" {
		c.Origin.KeyIDs = []string{r.KeyID}
	}
	return c
}

// Introspect tells what a refresh token is good for at now, nil, nil where it is none that is good: unknown, expired, of a
// consent that was revoked. Of one that is good once nobody can tell but by using it, so it counts as none. Client,
// subject and Stands are the caller's to ask. The claims have no Issuer and no ID. An error is an [*avouch.Error] that is
// fit to be passed on.
func (g *RefreshToken) Introspect(ctx context.Context, now time.Time, text string) (*token.Claims, error) {
	if err := g.Validate(); err != nil {
		return nil, err
	}
	r, expires, reason, err := g.find(ctx, now, handle.Digest(text))
	if err != nil || reason != "" || r.Once {
		return nil, err
	}
	if ended, err := g.ended(ctx, now, r); err != nil || ended {
		return nil, err
	}
	return r.claims(expires), nil
}

// Lookup tells what a refresh token was issued for, whoever's it is, used up and revoked ones included; nil, nil where it is
// unknown or has expired. It is for the operator, who may end what Claims.Origin.Family names ([handle.EndFamily]), and
// never for the answer to a client. The claims have no Issuer and no ID.
func (g *RefreshToken) Lookup(ctx context.Context, now time.Time, text string) (*token.Claims, error) {
	if err := g.Validate(); err != nil {
		return nil, err
	}
	r, expires, reason, err := g.find(ctx, now, handle.Digest(text))
	if err != nil || reason != "" {
		return nil, err
	}
	return r.claims(expires), nil
}

// Revoke ends everything that was issued on the consent of a refresh token, access tokens included (RFC 7009 §2.1). A
// token that is unknown, or another client's, is left alone without an error. An error is an [*avouch.Error] that is fit
// to be passed on, and then nothing is certain.
func (g *RefreshToken) Revoke(ctx context.Context, now time.Time, client, text string) error {
	if err := g.Validate(); err != nil {
		return err
	}
	r, _, reason, err := g.find(ctx, now, handle.Digest(text))
	if err != nil || reason != "" || r.Client != client {
		return err
	}
	if err := finish(ctx, g.end(now, r)); err != nil {
		return cannotTell(err)
	}
	return nil
}

// Offer has a refresh token issued beside the access token of authz, where the client may use this grant and authz has a
// Subject and a Family. It is for grants in which a user consents: what authz allows, its Scopes, Audiences and Claims, is
// what the refresh token will allow. Where it names no Scopes, or Asserted ones, those of this first token count; where it
// names no Audiences, those that the client has at this moment: what a client is given later it cannot get on an old consent. Call
// it when authz is complete; a nil grant offers nothing.
func (g *RefreshToken) Offer(req *avouch.Request, authz *avouch.Authorization) error {
	if g == nil || req.Client == nil || authz.Subject == "" || authz.Family == "" || !slices.Contains(req.Client.Grants, RefreshTokenType) {
		return nil
	}
	r := refreshRecord{
		consented: consented{
			Client: req.Client.ID, Subject: authz.Subject, Scopes: authz.Scopes, Resources: authz.Audiences,
			Family: authz.Family, At: req.Now,
		},
		Defaults: authz.DefaultScopes, Lifetime: authz.Lifetime, Issuer: authz.Issuer, KeyID: authz.KeyID,
	}
	for name, value := range authz.Claims {
		raw, err := json.Marshal(value)
		if err != nil {
			return fmt.Errorf("the claim %q: %w", name, err)
		}
		if r.Claims == nil {
			r.Claims = make(map[string]json.RawMessage, len(authz.Claims))
		}
		r.Claims[name] = raw
	}
	before := authz.Record
	authz.Record = func(ctx context.Context, issued *avouch.Issued) error {
		if before != nil {
			if err := before(ctx, issued); err != nil {
				return err
			}
		}
		r := r
		if r.Scopes == nil || authz.Asserted != nil {
			r.Scopes, r.Defaults = issued.Claims.Scopes, issued.Claims.Scopes
		}
		if r.Resources == nil {
			r.Resources = req.Client.Audiences
		}
		if len(r.Resources) == 0 {
			r.Resources = issued.Claims.Audience
		}
		return g.issue(ctx, req, r, issued)
	}
	return nil
}

// issue makes a refresh token and puts it into the answer.
func (g *RefreshToken) issue(ctx context.Context, req *avouch.Request, r refreshRecord, issued *avouch.Issued) error {
	if err := g.Validate(); err != nil {
		return err
	}
	r.Issued, r.Once = req.Now, req.Client.AuthMethod == "none"
	expires := g.limit(r.At)
	if r.Once {
		if idle := req.Now.Add(orDefault(g.Lifetime, defaultRefresh)); idle.Before(expires) {
			expires = idle
		}
	}
	if !expires.After(req.Now) {
		return nil // the consent is over: this access token is its last
	}
	data, err := json.Marshal(r)
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
