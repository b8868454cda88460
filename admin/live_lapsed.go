package admin

import (
	"context"
	"time"

	"github.com/avouch-oauth/avouch"
	"github.com/avouch-oauth/avouch/storage"
	"github.com/avouch-oauth/avouch/token"
)

// Lapsed is the Lapsed of an avouch.Config: it says what a token rests on and no longer stands, of what only the store
// knows. That is the client's keys that vouched, the issuer whose assertion was accepted, and the rule that accepted it. A
// change takes effect here as soon as it does for new tokens.
func (l *Live) Lapsed(ctx context.Context, c *token.Claims) (*avouch.Lapse, error) {
	v, err := l.now()
	if err != nil {
		return nil, err
	}
	if lapse, err := l.keysLapsed(ctx, c); lapse != nil || err != nil {
		return lapse, err
	}
	if c.Origin.Issuer != "" {
		switch i, err := v.trust.Issuer(ctx, c.Origin.Issuer); {
		case err != nil:
			return nil, err
		case i == nil:
			return &avouch.Lapse{Of: avouch.BasisIssuer, Reason: "is not registered any more"}, nil
		case i.Disabled:
			return &avouch.Lapse{Of: avouch.BasisIssuer, Reason: "is disabled"}, nil
		}
	}
	if c.Origin.Rule != "" {
		return ruleLapsed(v.rules[c.Origin.Rule], c.IssuedAt), nil
	}
	return nil, nil
}

// keysLapsed judges the client's keys.
func (l *Live) keysLapsed(ctx context.Context, c *token.Claims) (*avouch.Lapse, error) {
	if len(c.Origin.KeyIDs) == 0 {
		return nil, nil
	}
	k, err := l.known(ctx, c.ClientID)
	if err != nil {
		return nil, err
	}
	if k == nil {
		return &avouch.Lapse{Of: avouch.BasisClient, Reason: "is not registered any more"}, nil
	}
	data, ok := k.client.Data.(*clientData)
	for _, kid := range c.Origin.KeyIDs {
		if !ok || !data.stands(kid) {
			return &avouch.Lapse{Of: avouch.BasisKey, Reason: "was revoked"}, nil
		}
	}
	return nil, nil
}

// ruleLapsed judges a rule, nil if there is none of its name. A rule that was made after the token is another one of the
// same name; a token says the second in which it was issued.
func ruleLapsed(r *storage.Rule, issued time.Time) *avouch.Lapse {
	var reason string
	switch {
	case r == nil:
		reason = "was removed"
	case r.Disabled:
		reason = "is disabled"
	case r.Mode != modeEnforce:
		reason = "is in mode audit, and is not applied"
	case !issued.IsZero() && issued.Before(r.Created.Truncate(time.Second)):
		reason = "is newer than the token, which another one of its name was for"
	default:
		return nil
	}
	return &avouch.Lapse{Of: avouch.BasisRule, Reason: reason}
}
