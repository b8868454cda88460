package grant

import (
	"context"

	"github.com/avouch-oauth/avouch"
	"github.com/avouch-oauth/avouch/assertion"
)

// Explain runs every check on the assertion of a request that can be run, the same that Authorize runs, and reports;
// avouch.Server.Request makes a request for it. It spends nothing, so that it cannot know what was used before. Hooks
// are called. After the checks stand the findings of the trust rules, condition by condition: those of the rule that
// matches, else those of all.
//
// Set Client of the request to explain what would become of it with a client that has authenticated.
func (g *JWTBearer) Explain(ctx context.Context, req *avouch.Request) *assertion.Report {
	token, missing := assertionOf(req)
	if missing != nil {
		return &assertion.Report{Time: req.Now.UTC(), Purpose: assertion.Grant, Findings: []assertion.Finding{{
			Check: "parameter", Outcome: assertion.Failed, Seen: "no parameter assertion", Hint: missing.Description,
		}}}
	}
	d := newDecision(g, req)
	c := checker
	if k, ok := g.Trust.(interface{ Known() []string }); ok {
		c.Known = func(context.Context) []string { return k.Known() }
	}
	r := c.Explain(ctx, req.Now, token, d.holder(), d)
	if d.issuer != nil && d.query.Assertion != nil {
		r.Findings = append(r.Findings, d.issuer.Explain(&d.query)...)
	}
	return r
}
