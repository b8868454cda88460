package endpoint

import (
	"context"
	"time"

	"github.com/avouch-oauth/avouch"
	"github.com/avouch-oauth/avouch/handle"
)

// Revocation is the revocation endpoint (RFC 7009): a client says that it has no more use for a token. Its name is
// "revocation", its path /oauth/revoke; change Path of the result to have it elsewhere.
func Revocation() avouch.Endpoint {
	return avouch.Endpoint{Name: "revocation", Path: "/oauth/revoke", Member: "revocation_endpoint", Answer: revoke}
}

// remember is how much longer than it lives a token is remembered as revoked: clocks of other processes may be behind.
const remember = 2 * time.Minute

// revoke revokes a token. The work is done in Record, when the credentials of the client have been spent.
func revoke(_ context.Context, req *avouch.Request) (*avouch.Answer, error) {
	text, err := tokenOf(req)
	if err != nil {
		return nil, err
	}
	end := endConsent
	if isJWT(text) {
		end = revokeAccessToken
	}
	return &avouch.Answer{Record: func(ctx context.Context) error { return end(ctx, req, text) }}, nil
}

// endConsent ends everything that was issued on the consent of a refresh token, access tokens included (RFC 7009 §2.1). A
// token that is unknown, or another client's, is left alone.
func endConsent(ctx context.Context, req *avouch.Request, text string) error {
	s := req.Server()
	if s.Refresh() == nil {
		return nil
	}
	c, _, err := s.Refresh().Lookup(ctx, s.Handles(), req.Now, text)
	if err != nil {
		return cannotTell(err)
	}
	if c == nil || c.ClientID != req.Client.ID {
		return nil
	}
	return s.EndConsent(ctx, req.Now, c.Origin.Family)
}

func revokeAccessToken(ctx context.Context, req *avouch.Request, text string) error {
	c, err := ours(ctx, req, text)
	if err != nil || c == nil || c.ClientID != req.Client.ID {
		return err
	}
	if err := req.Server().Handles().Revoke(ctx, req.Now, c.Expires.Add(remember), handle.TokenID(c.ID)); err != nil {
		return cannotTell(err)
	}
	return nil
}
