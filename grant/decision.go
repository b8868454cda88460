package grant

import (
	"context"

	"github.com/avouch-oauth/avouch"
	"github.com/avouch-oauth/avouch/assertion"
	"github.com/avouch-oauth/avouch/trust"
)

// decision is one request on its way through the checks. Each check reads what earlier ones have left, and the last
// one leaves the authorization complete.
//
// It travels to them as the context, so that the checks are one list, made once, and not a dozen closures for each
// request. Hooks get the context of the request, not this one.
type decision struct {
	context.Context

	grant *JWTBearer
	req   *avouch.Request
	own   [2]string // the aud values that name this server

	issuer *trust.Issuer   // nil for a party that the Party hook has found
	party  assertion.Party // what the checker gets
	query  trust.Query
	rule   *trust.Rule // nil where the issuer has none

	matched bool // rule is what the assertion is worth, nil included
	decided bool // authorization.Subject says who is meant, nobody included

	authorization avouch.Authorization
}

type decisionKey struct{}

func newDecision(ctx context.Context, g *JWTBearer, req *avouch.Request) *decision {
	return &decision{Context: ctx, grant: g, req: req, own: [2]string{req.Issuer, req.TokenURL}}
}

// Value implements context.Context.
func (d *decision) Value(key any) any {
	if key == (decisionKey{}) {
		return d
	}
	return d.Context.Value(key)
}

func decisionOf(ctx context.Context) *decision { return ctx.Value(decisionKey{}).(*decision) }

// authenticated reports whether a client has proved who it is. A public one only says so, as anybody can (RFC 6749 §2.1).
func (d *decision) authenticated() bool {
	return d.req.Client != nil && d.req.Client.AuthMethod != "none"
}

// holder is the client to which the use of an assertion can be bound.
func (d *decision) holder() string {
	if !d.authenticated() {
		return ""
	}
	return d.req.Client.ID
}

// checker knows the grant by the decision that travels with the request.
var checker = assertion.Checker{Purpose: assertion.Grant, Party: findParty}

// findParty finds who an assertion claims to come from: an issuer of Trust, else what the Party hook knows. This
// server is not its own issuer, whatever stands in the list: what it signs is never a grant to itself.
func findParty(ctx context.Context, u assertion.Unverified) (*assertion.Party, error) {
	d := decisionOf(ctx)
	if u.Issuer == d.req.Issuer {
		return nil, nil
	}
	if d.grant.Trust != nil {
		i, err := d.grant.Trust.Issuer(d.Context, u.Issuer)
		if err != nil {
			return nil, err
		}
		// A source that folds case or trims would let one issuer pass for another.
		if i != nil && i.Issuer == u.Issuer {
			d.issuer = i
			d.party = i.Party(d.own[:])
			return &d.party, nil
		}
	}
	if d.grant.Party == nil {
		return nil, nil
	}
	p, err := d.grant.Party(d.Context, u)
	if err != nil || p == nil {
		return nil, err
	}
	d.party = *p
	if d.party.Policy.Audience.Accept == nil {
		d.party.Policy.Audience.Accept = d.own[:]
	}
	return &d.party, nil
}
