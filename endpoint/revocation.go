package endpoint

import (
	"context"
	"time"

	"github.com/avouch-oauth/avouch"
	"github.com/avouch-oauth/avouch/grant"
	"github.com/avouch-oauth/avouch/handle"
)

// Revocation is the revocation endpoint (RFC 7009): a client says that it has no more use for a token. Minter and Store are
// required. It is safe for concurrent use and must not be changed once it is in use.
type Revocation struct {
	// Minter is that of avouch.Config. Its public keys verify the tokens.
	Minter avouch.Minter

	// Store remembers what was revoked: the one of [Introspection], and of the grants.
	Store handle.Store

	// Refresh knows the refresh tokens. Nil means that none is known, and none can be revoked.
	Refresh *grant.RefreshToken
}

// remember is how much longer than it lives a token is remembered as revoked: clocks of other processes may be behind.
const remember = 2 * time.Minute

// Endpoint is the value for avouch.Config.Endpoints: "revocation" at /oauth/revoke. Change Path of it to have it elsewhere.
func (r *Revocation) Endpoint() avouch.Endpoint {
	return avouch.Endpoint{
		Name: "revocation", Path: "/oauth/revoke", Member: "revocation_endpoint",
		Answer: r.answer, Validate: r.validate,
	}
}

func (r *Revocation) validate() error { return validate(r.Minter, r.Store, r.Refresh) }

// answer revokes a token. The work is done in Record, when the credentials of the client have been spent.
func (r *Revocation) answer(_ context.Context, req *avouch.Request) (*avouch.Answer, error) {
	if err := r.validate(); err != nil {
		return nil, err
	}
	text, err := tokenOf(req)
	if err != nil {
		return nil, err
	}
	revoke := r.refreshToken
	if isJWT(text) {
		revoke = r.accessToken
	}
	return &avouch.Answer{Record: func(ctx context.Context) error { return revoke(ctx, req, text) }}, nil
}

func (r *Revocation) refreshToken(ctx context.Context, req *avouch.Request, text string) error {
	if r.Refresh == nil {
		return nil
	}
	return r.Refresh.Revoke(ctx, req.Now, req.Client.ID, text)
}

func (r *Revocation) accessToken(ctx context.Context, req *avouch.Request, text string) error {
	c, err := ours(ctx, req, r.Minter, text)
	if err != nil || c == nil || c.ClientID != req.Client.ID {
		return err
	}
	if err := r.Store.Revoke(ctx, req.Now, c.Expires.Add(remember), handle.TokenID(c.ID)); err != nil {
		return cannotTell(err)
	}
	return nil
}
