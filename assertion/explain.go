package assertion

import (
	"context"
	"errors"
	"time"
)

// Explain runs every check that can still be run, spends nothing, and reports all findings with near-miss hints. It runs
// the same checks as Check in the same order, so its verdict is that of Check. It does not know what was already used,
// because a guard has no question that does not spend.
//
// A shared secret is not compared: the report says that the signature was not tried, is not Verified, and goes on as if
// it were valid. Otherwise each report would be an answer to a guess, which nothing counts.
//
// After a wrong signature, or none that could be checked, the claims are still checked, but the report is not Verified:
// anyone may have written them. The checks of the case are then skipped. If no party is known by the issuer, times are
// judged by the strict policy.
func (c *Checker) Explain(ctx context.Context, now time.Time, token, holder string, caller Case) *Report {
	j, err := c.begin(now, token, holder, caller)
	if err != nil {
		return &Report{Time: now.UTC(), Purpose: c.Purpose,
			Findings: []Finding{{Check: "checker", Outcome: Undecided, Cause: clean(err.Error())}}}
	}
	j.explaining = true
	j.policy = Policy{}.effective(c.Purpose) // until the party is known
	findings := make([]Finding, j.total())
	accepted := true
	for i := range findings {
		findings[i] = j.explain(ctx, i)
		accepted = accepted && findings[i].Outcome == Passed
	}
	r := j.report()
	r.Accepted, r.Untried = accepted, j.untried
	r.Findings = findings
	return r
}

func (j *judgement) explain(ctx context.Context, i int) Finding {
	if !j.ready(i) {
		return Finding{Check: j.name(i), Outcome: Skipped}
	}
	if j.triesSecret(i) {
		j.untried = true
		return Finding{Check: j.name(i), Outcome: NotTried, Seen: "a MAC, which only the party's secret could prove"}
	}
	err := j.run(ctx, i)
	if err == nil {
		f := Finding{Check: j.name(i), Outcome: Passed}
		f.Seen, f.Want = j.show(i)
		return f
	}
	err = j.refused(i, err)
	e, ok := errors.AsType[*Error](err)
	switch {
	case !ok && errors.Is(err, ErrSkipped):
		return Finding{Check: j.name(i), Outcome: Skipped}
	case !ok:
		return Finding{Check: j.name(i), Outcome: Undecided, Cause: clean(err.Error())}
	}
	j.unreadable = j.unreadable || e.Reason == BadClaim
	return e.finding()
}
