package endpoint

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/avouch-oauth/avouch"
	"github.com/avouch-oauth/avouch/token"
)

// Introspection is the introspection endpoint (RFC 7662): it says whether a token is valid now. Its name is
// "introspection", its path /oauth/introspect; change Path of the result to have it elsewhere. Keys, revocations, refresh
// tokens and what else a token rests on are those of the server it belongs to.
func Introspection() avouch.Endpoint {
	return avouch.Endpoint{
		Name: "introspection", Path: "/oauth/introspect", Member: "introspection_endpoint", Answer: introspect,
	}
}

// inactive is all that is said of a token that is not valid, or not the caller's to know (RFC 7662 §2.2).
type inactive struct {
	Active bool `json:"active"`
}

// active is what is said of a valid one.
type active struct {
	Active    bool   `json:"active"`
	Scope     string `json:"scope,omitempty"`
	ClientID  string `json:"client_id"`
	TokenType string `json:"token_type,omitempty"` // none for a refresh token: RFC 6749 §5.1 has types of access tokens only
	Expires   int64  `json:"exp"`
	IssuedAt  int64  `json:"iat"`
	NotBefore int64  `json:"nbf,omitempty"`
	Subject   string `json:"sub"`
	Audience  any    `json:"aud,omitempty"` // a string, or an array of several, as in the token
	Issuer    string `json:"iss"`
	ID        string `json:"jti,omitempty"`
}

func introspect(ctx context.Context, req *avouch.Request) (*avouch.Answer, error) {
	if req.Client == nil || req.Client.AuthMethod == "none" {
		// Anyone can claim to be a public client: tokens could be tried out here (RFC 7662 §2.1, §4).
		return nil, &avouch.Error{Code: avouch.InvalidClient, Description: "introspection needs a client with credentials"}
	}
	text, err := tokenOf(req)
	if err != nil {
		return nil, err
	}
	kind, find := "", refreshToken
	if isJWT(text) {
		kind, find = "Bearer", accessToken
	}
	c, err := find(ctx, req, text)
	if err != nil {
		return nil, err
	}
	if c == nil {
		return &avouch.Answer{Body: inactive{}}, nil
	}
	lapse, err := req.Server().Lapsed(ctx, req.Now, c)
	if err != nil {
		return nil, err
	}
	if lapse != nil {
		return &avouch.Answer{Body: inactive{}}, nil
	}
	return &avouch.Answer{Body: activeResponse(req, c, kind)}, nil
}

// accessToken returns the claims of an access token, nil if it is not valid or not the caller's to know.
func accessToken(ctx context.Context, req *avouch.Request, text string) (*token.Claims, error) {
	c, err := ours(ctx, req, text)
	if err != nil || c == nil || !entitled(req.Client, c) {
		return nil, err
	}
	return c, nil
}

// refreshToken returns the same of a refresh token, which its own client alone may ask about. Whether one that is valid
// once has been used is unknown without using it, so it counts as inactive.
func refreshToken(ctx context.Context, req *avouch.Request, text string) (*token.Claims, error) {
	s := req.Server()
	refresh := s.Refresh()
	if refresh == nil {
		return nil, nil
	}
	c, once, err := refresh.Lookup(ctx, s.Handles(), req.Now, text)
	if err != nil {
		return nil, cannotTell(err)
	}
	if c == nil || once || c.ClientID != req.Client.ID || !slices.Contains(req.Client.Grants, refresh.Type()) {
		return nil, nil
	}
	return c, nil
}

// entitled reports whether a caller may know of an access token (RFC 7662 §2.1, §4): its client, and the resources that it
// is for.
func entitled(caller *avouch.Client, c *token.Claims) bool {
	if c.ClientID == caller.ID {
		return true
	}
	for _, aud := range c.Audience {
		if slices.Contains(caller.Introspects, aud) {
			return true
		}
	}
	return false
}

// activeResponse is what is said of a valid token.
func activeResponse(req *avouch.Request, c *token.Claims, kind string) *active {
	a := &active{
		Active: true, Scope: strings.Join(c.Scopes, " "), ClientID: c.ClientID, TokenType: kind,
		Expires: c.Expires.Unix(), IssuedAt: c.IssuedAt.Unix(), NotBefore: unix(c.NotBefore),
		Subject: c.Subject, Issuer: req.Issuer, ID: c.ID,
	}
	switch len(c.Audience) {
	case 0:
	case 1:
		a.Audience = c.Audience[0]
	default:
		a.Audience = c.Audience
	}
	return a
}

// unix is zero for no time.
func unix(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.Unix()
}
