package admin

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/avouch-oauth/avouch/grant"
	"github.com/avouch-oauth/avouch/keys"
	"github.com/avouch-oauth/avouch/token"
)

// RevokeResult says what was revoked, and for whom it was issued as far as that is known.
type RevokeResult struct {
	Revoked  string `json:"revoked"` // "token": an access token; "consent": everything that was issued on one consent
	ID       string `json:"id"`      // jti of the access token, or name of the consent
	ClientID string `json:"client_id,omitempty"`
	Subject  string `json:"sub,omitempty"`
	Scope    string `json:"scope,omitempty"`
}

// RevokeToken revokes an access token or a refresh token of this server, no matter who has it. If a user has consented
// to it, everything that was issued on the consent ends with it. A token that this server has not issued, or that has
// expired, is an error of code [NotFound], and nothing is revoked. An API that verifies access tokens by itself accepts
// one until it expires.
func (a *Admin) RevokeToken(ctx context.Context, text string) (*RevokeResult, error) {
	if err := a.may("token.revoke"); err != nil {
		return nil, err
	}
	at := time.Now()
	var claims *token.Claims
	var err error
	switch {
	case text == "":
		return nil, faults{{"token", "there is no token"}}.err("token", "")
	case strings.Contains(text, "."):
		claims, err = a.accessToken(ctx, at, text)
	default:
		claims, err = a.refreshToken(ctx, at, text)
	}
	if err != nil {
		return nil, err
	}
	if claims.Origin.Family != "" {
		return a.endConsent(ctx, claims.Origin.Family, claims)
	}
	result := revoked("token", claims.ID, claims)
	const remember = 2 * time.Minute // longer than the token lives: clocks of other processes may be behind
	err = a.write(ctx, func(ctx context.Context, t *tx) error {
		return t.record.revokeToken(ctx, "token.revoke", claims.ID, claims.Expires.Add(remember), tokenSnapshot(claims))
	})
	if err != nil {
		return nil, err
	}
	return result, nil
}

// RevokeConsent ends everything that was issued on a consent, and everything that would be: codes, refresh tokens, and
// access tokens for APIs that ask by introspection. The name of a consent is the family in the claim avouch_origin of
// its access tokens. No list of consents is kept, so an unknown name is no error.
func (a *Admin) RevokeConsent(ctx context.Context, name string) (*RevokeResult, error) {
	if err := a.may("consent.revoke"); err != nil {
		return nil, err
	}
	var found faults
	f := field{&found, "consent"}
	if f.visible(name, 256); name == "" {
		f.fault("give the name of a consent")
	}
	if err := found.err("consent", ""); err != nil {
		return nil, err
	}
	return a.endConsent(ctx, name, nil)
}

// endConsent revokes a consent. claims are those of a token that was issued on it, nil if none is known.
func (a *Admin) endConsent(ctx context.Context, name string, claims *token.Claims) (*RevokeResult, error) {
	result := revoked("consent", name, claims)
	err := a.write(ctx, func(ctx context.Context, t *tx) error {
		return t.record.endConsent(ctx, "consent.revoke", name, tokenSnapshot(claims))
	})
	if err != nil {
		return nil, err
	}
	return result, nil
}

func revoked(what, id string, c *token.Claims) *RevokeResult {
	r := &RevokeResult{Revoked: what, ID: id}
	if c != nil {
		r.ClientID, r.Subject, r.Scope = c.ClientID, c.Subject, strings.Join(c.Scopes, " ")
	}
	return r
}

// tokenSnapshot returns what changes record of a token: the party it was issued for, and nothing of the token itself.
func tokenSnapshot(c *token.Claims) snapshot {
	s := snapshot{}
	if c != nil {
		s.add("", struct {
			ClientID string `json:"client_id,omitempty"`
			Subject  string `json:"sub,omitempty"`
			Scope    string `json:"scope,omitempty"`
		}{c.ClientID, c.Subject, strings.Join(c.Scopes, " ")})
	}
	return s
}

// accessToken returns the claims of an access token that this server has issued.
func (a *Admin) accessToken(ctx context.Context, at time.Time, text string) (*token.Claims, error) {
	if a.options.Issuer == "" {
		return nil, &Error{Code: Invalid, Kind: "token", Reason: "the issuer of this server is not configured, so no access token can be verified; configure it"}
	}
	records, err := a.store.SigningKeys(ctx)
	if err != nil {
		return nil, err
	}
	var ring []keys.Public
	for _, k := range published(records, at) {
		p, err := parseJWK(k.Public)
		if err != nil {
			return nil, err
		}
		ring = append(ring, *p)
	}
	set, err := keys.NewSet(ring...)
	if err != nil {
		return nil, err
	}
	v := token.Verifier{Issuer: a.options.Issuer, Keys: set, Algorithms: signingAlgorithms, AnyAudience: true}
	claims, err := v.Verify(ctx, at, text)
	refused, ok := errors.AsType[*token.Error](err)
	switch {
	case ok && refused.Fault == token.Expired:
		return nil, errNotRevoked("the access token has expired; nothing was revoked: give a refresh token that was issued with it", err)
	case ok:
		return nil, errNotRevoked("this server has issued no such access token; nothing was revoked: "+refused.Error(), err)
	}
	return claims, err
}

// refreshToken returns what a refresh token was issued for, used and revoked ones included.
func (a *Admin) refreshToken(ctx context.Context, at time.Time, text string) (*token.Claims, error) {
	claims, _, err := new(grant.RefreshToken).Lookup(ctx, a.store, at, text)
	if err == nil && claims == nil {
		err = errNotRevoked("the refresh token is unknown or has expired; nothing was revoked", nil)
	}
	return claims, err
}

func errNotRevoked(reason string, cause error) error {
	return &Error{Code: NotFound, Kind: "token", Reason: reason, Err: cause}
}
