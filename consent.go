package avouch

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"time"

	"github.com/avouch-oauth/avouch/handle"
	"github.com/avouch-oauth/avouch/replay"
	"github.com/avouch-oauth/avouch/token"
)

// RefreshGrant takes refresh tokens (RFC 6749 §6) and makes them; *grant.RefreshToken is one. The server decides when one
// is made and when one is worth nothing any more.
type RefreshGrant interface {
	Grant
	// Issue makes a refresh token that stands for kept, and keeps what it must in store. kept has a ClientID, a Subject, a
	// Family, Scopes, Audiences and Since: what Authorize returns for the token must never be more. client is the one of
	// ClientID. "" means that the consent is too old for another one.
	Issue(ctx context.Context, store handle.Store, now time.Time, client *Client, kept *Authorization) (string, error)
	// Lookup returns what a refresh token was issued for, nil if it is unknown or has expired at now. The claims have no
	// Issuer and no ID. once reports that the token is valid once, so that it may have been used up. Whether the consent
	// still stands is the server's to ask.
	Lookup(ctx context.Context, store handle.Store, now time.Time, text string) (c *token.Claims, once bool, err error)
}

// Handles is the store of codes, refresh tokens and revocations, for grants and endpoints.
func (s *Server) Handles() handle.Store { return s.handles }

// Refresh is what takes and makes refresh tokens, nil if the server has none.
func (s *Server) Refresh() RefreshGrant { return s.refresh }

// EndConsent ends a consent by its Family: everything that was issued on it and will be. It goes on for a few seconds
// even if ctx ends, because a thief must not be able to stop it by hanging up. An error is an [*Error] that the caller can
// return as is; nothing is certain then.
func (s *Server) EndConsent(ctx context.Context, now time.Time, family string) error {
	const most = 5 * time.Second
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), most)
	defer cancel()
	if err := handle.EndFamily(ctx, s.handles, now, family); err != nil {
		return asUnavailable("the consent cannot be ended at the moment", err)
	}
	return nil
}

// familyOf names a consent that a grant has not named. It is made of what may be used once, so that a second use names the
// same consent, whatever the grant remembers; if nothing is used once, no second use can be told.
func familyOf(uses []replay.Use) string {
	if len(uses) == 0 {
		return rand.Text()
	}
	h := sha256.New()
	for _, part := range [...]string{uses[0].Purpose, uses[0].Party, uses[0].ID} {
		h.Write([]byte(part))
		h.Write([]byte{0})
	}
	return base64.RawURLEncoding.EncodeToString(h.Sum(nil))
}

// reused ends the consent of a grant that was used before: a code or a refresh token that comes twice has been stolen
// (RFC 6749 §4.1.2, RFC 9700 §4.14.2). refusal is what spend has returned; reused returns what the request is refused
// with.
func (s *Server) reused(ctx context.Context, now time.Time, ev *Event, d *Decision, refusal error) error {
	family := d.Authorization.Family
	e := asRefusal(refusal)
	replayed, ok := errors.AsType[*replay.ReplayedError](e.Err)
	// One that was only issued before the guard began to remember has perhaps never been used: no user is to suffer.
	if !ok || e.Code != InvalidGrant || family == "" || replayed.BeforeStart {
		return refusal
	}
	if err := s.EndConsent(ctx, now, family); err != nil {
		return unavailable("the grant was used before, and what was issued on it cannot be revoked at the moment", errors.Join(replayed, err))
	}
	ev.Reused = true
	return refusal
}

// refreshes reports whether a refresh token is made beside the access token.
func (d *Decision) refreshes() bool {
	return d.Authorization.Refresh && d.server.refresh != nil && d.Authorization.Subject != "" &&
		d.Authentication != nil && allowed(d.Client.Grants, d.server.refresh.Type())
}

// kept is what a refresh token stands for: what the grant allows, never more than the client has at this moment. A client
// cannot get on an old consent what it is given later.
func (d *Decision) kept() *Authorization {
	k := *d.Authorization
	k.Uses, k.Record, k.Refresh = nil, nil, false
	if k.Scopes == nil || k.Asserted != nil {
		k.Scopes, k.DefaultScopes, k.Asserted = d.Claims.Scopes, d.Claims.Scopes, nil
	}
	if k.Audiences == nil {
		k.Audiences = d.Client.Audiences
	}
	if len(k.Audiences) == 0 {
		k.Audiences = d.Claims.Audience
	}
	if k.Since.IsZero() {
		k.Since = d.Claims.IssuedAt
	}
	return &k
}
