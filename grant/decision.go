package grant

import (
	"context"

	"github.com/avouch-oauth/avouch"
	"github.com/avouch-oauth/avouch/assertion"
	"github.com/avouch-oauth/avouch/trust"
)

// decision is the assertion.Case of one request. Each check reads what earlier ones have left, and the last one leaves
// the authorization complete.
type decision struct {
	grant *JWTBearer
	req   *avouch.Request
	own   [2]string // the aud values that name this server

	issuer *trust.Issuer   // nil for a party that the Party hook has found
	party  assertion.Party // what the checker gets
	query  trust.Query
	rule   *trust.Rule // nil if the issuer has none

	matched bool          // rule says what the assertion is worth, even if it is nil
	decided bool          // authorization.Subject is decided, even if it is ""
	lapse   *avouch.Lapse // of the user; nil if the user may get tokens

	authorization avouch.Authorization
}

func newDecision(g *JWTBearer, req *avouch.Request) *decision {
	return &decision{grant: g, req: req, own: [2]string{req.Issuer, req.TokenURL}}
}

// authenticated reports whether a client has proved its identity. A public client only names itself, as anyone can
// (RFC 6749 §2.1).
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

// checker judges the assertions of every JWTBearer: what a grant knows is in its decisions.
var checker = assertion.Checker{Purpose: assertion.Grant}

// Party implements assertion.Case: it finds an issuer of Trust, else what the Party hook knows. This server is not its
// own issuer, even if Trust lists it: what it signs is never a grant to itself.
func (d *decision) Party(ctx context.Context, u assertion.Unverified) (*assertion.Party, error) {
	if u.Issuer == d.req.Issuer {
		return nil, nil
	}
	if d.grant.Trust != nil {
		i, err := d.grant.Trust.Issuer(ctx, u.Issuer)
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
	p, err := d.grant.Party(ctx, u)
	if err != nil || p == nil {
		return nil, err
	}
	d.party = *p
	if d.party.Policy.Audience.Accept == nil {
		d.party.Policy.Audience.Accept = d.own[:]
	}
	return &d.party, nil
}
