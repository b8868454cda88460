package avouch

import (
	"context"
	"errors"
	"log/slog"
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

// reused ends the consent of a grant that was used before: a code or a refresh token that comes twice has been stolen
// (RFC 6749 §4.1.2, RFC 9700 §4.14.2). refusal is what spend has returned; reused returns what the request is refused
// with.
func (s *Server) reused(ctx context.Context, now time.Time, ev *Event, d *Decision, refusal error) error {
	e := asRefusal(refusal)
	replayed, ok := errors.AsType[*replay.ReplayedError](e.Err)
	// One that was only issued before the guard began to remember has perhaps never been used: no user is to suffer.
	if !ok || e.Code != InvalidGrant || d.Authorization.Family == "" || replayed.BeforeStart {
		return refusal
	}
	if err := s.EndConsent(ctx, now, d.Authorization.Family); err != nil {
		return unavailable("the grant was used before, and what was issued on it cannot be revoked at the moment", errors.Join(replayed, err))
	}
	ev.Reused = true
	return refuse(e.Code, e.Description, &twice{replayed})
}

// twice is the second use of a grant.
type twice struct{ *replay.ReplayedError }

func (t *twice) Unwrap() error { return t.ReplayedError }

// LogValue tells the operator what it means: unlike an assertion that is sent again, it is no mistake of a client's.
func (t *twice) LogValue() slog.Value {
	return slog.GroupValue(slog.String("reason", "replayed"), slog.String("purpose", clip(t.Use.Purpose, 64)),
		slog.String("party", clip(t.Use.Party, 256)),
		slog.String("hint", "two have used it, and one of them may have stolen it: the user has to sign in again; the log tells under "+
			"the same consent who the other one was"))
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
