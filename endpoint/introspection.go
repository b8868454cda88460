package endpoint

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/avouch-oauth/avouch"
	"github.com/avouch-oauth/avouch/grant"
	"github.com/avouch-oauth/avouch/handle"
	"github.com/avouch-oauth/avouch/token"
)

// Introspection is the introspection endpoint (RFC 7662): it says whether a token is good now. Minter and Store are
// required. It is safe for concurrent use and must not be changed once it is in use.
type Introspection struct {
	// Minter is that of avouch.Config. Its public keys verify the tokens: what was signed by a key that has been withdrawn
	// is inactive.
	Minter avouch.Minter

	// Store knows what was revoked: the one of [Revocation], and of the grants.
	Store handle.Store

	// Refresh knows the refresh tokens. Nil means that none is known, and all are inactive.
	Refresh *grant.RefreshToken

	// Stands says whether what a token rests on still stands, besides what the server knows by itself: the keys in
	// Origin.KeyIDs, the issuer in Origin.Issuer, a subject of your own tables. It is asked last, about tokens that are
	// active by all else; the claims of a refresh token have no Issuer and no ID. A client that is not registered is an
	// issuer under its own name, and is in Origin.Issuer too. An error says that it could not tell: the caller is told to
	// come again. Nil means that what the server knows is all.
	Stands func(ctx context.Context, c *token.Claims) (bool, error)
}

// Endpoint is the value for avouch.Config.Endpoints: "introspection" at /oauth/introspect. Change Path of it to have it
// elsewhere.
func (i *Introspection) Endpoint() avouch.Endpoint {
	return avouch.Endpoint{
		Name: "introspection", Path: "/oauth/introspect", Member: "introspection_endpoint",
		Answer: i.answer, Validate: i.validate,
	}
}

func (i *Introspection) validate() error { return validate(i.Minter, i.Store, i.Refresh) }

// inactive is all that is said of a token that is not good, or not the caller's to know (RFC 7662 §2.2).
type inactive struct {
	Active bool `json:"active"`
}

// active is what is said of a good one.
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

func (i *Introspection) answer(ctx context.Context, req *avouch.Request) (*avouch.Answer, error) {
	if err := i.validate(); err != nil {
		return nil, err
	}
	if req.Client == nil || req.Client.AuthMethod == "none" {
		// Everybody can say that he is a public client: tokens could be tried out here (RFC 7662 §2.1, §4).
		return nil, &avouch.Error{Code: avouch.InvalidClient, Description: "introspection needs a client with credentials"}
	}
	text, err := tokenOf(req)
	if err != nil {
		return nil, err
	}
	found := i.refreshToken
	if isJWT(text) {
		found = i.accessToken
	}
	said, err := found(ctx, req, text)
	if err != nil {
		return nil, err
	}
	if said == nil {
		return &avouch.Answer{Body: inactive{}}, nil
	}
	return &avouch.Answer{Body: said}, nil
}

// accessToken is what is said of an access token, nil where it is not good, or not the caller's to know.
func (i *Introspection) accessToken(ctx context.Context, req *avouch.Request, text string) (*active, error) {
	c, err := ours(ctx, req, i.Minter, text)
	if err != nil || c == nil || !entitled(req.Client, c) {
		return nil, err
	}
	if stands, err := i.clientStands(ctx, req, c); err != nil || !stands {
		return nil, err
	}
	ids := []string{handle.TokenID(c.ID)}
	if c.Origin.Family != "" {
		ids = append(ids, handle.FamilyID(c.Origin.Family))
	}
	revoked, err := i.Store.Revoked(ctx, req.Now, ids...)
	if err != nil {
		return nil, cannotTell(err)
	}
	if revoked {
		return nil, nil
	}
	if stands, err := i.restStands(ctx, req, c); err != nil || !stands {
		return nil, err
	}
	said := say(req, c)
	said.TokenType = "Bearer"
	return said, nil
}

// refreshToken is the same of a refresh token, which its own client alone may ask about.
func (i *Introspection) refreshToken(ctx context.Context, req *avouch.Request, text string) (*active, error) {
	if i.Refresh == nil {
		return nil, nil
	}
	c, err := i.Refresh.Introspect(ctx, req.Now, text)
	if err != nil || c == nil || c.ClientID != req.Client.ID || older(c, req.Client) || !slices.Contains(req.Client.Grants, grant.RefreshTokenType) {
		return nil, err
	}
	if stands, err := i.restStands(ctx, req, c); err != nil || !stands {
		return nil, err
	}
	return say(req, c), nil
}

// entitled reports whether a caller may know of an access token (RFC 7662 §2.1, §4): its client, and the resources that it
// is for.
func entitled(caller *avouch.Client, c *token.Claims) bool {
	return c.ClientID == caller.ID ||
		slices.ContainsFunc(c.Audience, func(aud string) bool { return slices.Contains(caller.Introspects, aud) })
}

// clientStands reports whether the client of a token is still there. One that is not registered is an issuer under its own
// name, or has been deleted: the token says which.
func (i *Introspection) clientStands(ctx context.Context, req *avouch.Request, c *token.Claims) (bool, error) {
	client, err := req.FindClient(ctx, c.ClientID)
	switch {
	case err != nil:
		return false, cannotTell(err)
	case client == nil:
		return c.Origin.Issuer == c.ClientID, nil
	}
	return !client.Disabled && !older(c, client), nil
}

// older reports whether a token is older than its client, so that it was another client's of the same id. A token says
// the second in which it was issued.
func older(c *token.Claims, client *avouch.Client) bool {
	return c.IssuedAt.Before(client.Created.Truncate(time.Second))
}

// restStands reports whether the subject of a token, and what else it rests on, still stand.
func (i *Introspection) restStands(ctx context.Context, req *avouch.Request, c *token.Claims) (bool, error) {
	if c.Subject != c.ClientID { // where they are equal nobody is meant
		if disabled, err := req.SubjectDisabled(ctx, c.Subject); err != nil || disabled {
			return false, err
		}
	}
	if i.Stands == nil {
		return true, nil
	}
	stands, err := i.Stands(ctx, c)
	if err != nil {
		return false, cannotTell(err)
	}
	return stands, nil
}

func say(req *avouch.Request, c *token.Claims) *active {
	said := &active{
		Active: true, Scope: strings.Join(c.Scopes, " "), ClientID: c.ClientID, Expires: c.Expires.Unix(), IssuedAt: c.IssuedAt.Unix(),
		NotBefore: unix(c.NotBefore), Subject: c.Subject, Issuer: req.Issuer, ID: c.ID,
	}
	switch len(c.Audience) {
	case 0:
	case 1:
		said.Audience = c.Audience[0]
	default:
		said.Audience = c.Audience
	}
	return said
}

// unix is zero for no time.
func unix(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.Unix()
}
