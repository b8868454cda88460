package trust

import (
	"strconv"

	"github.com/avouch-oauth/avouch/assertion"
)

// maxExplained is how many rules are explained one by one.
const maxExplained = 64

// Explain tells, for what [Issuer.Match] would say to the same query, each condition with its finding: of the rule
// that matches, else of every rule, those whose subject is near first. Of many rules it tells 64, and how many it left
// out.
func (i *Issuer) Explain(q *Query) []assertion.Finding {
	if matched, err := i.Match(q); err == nil {
		return i.findings(nil, matched, q)
	}
	var findings []assertion.Finding
	told := 0
	for _, near := range [...]bool{true, false} {
		for k := range i.Rules {
			r := &i.Rules[k]
			if i.near(r, q) != near {
				continue
			}
			if told++; told <= maxExplained {
				findings = i.findings(findings, r, q)
			}
		}
	}
	if told > maxExplained {
		findings = append(findings, assertion.Finding{
			Check:   "rules",
			Outcome: assertion.Skipped,
			Seen:    strconv.Itoa(told-maxExplained) + " more rules, whose subjects are not near",
		})
	}
	return findings
}

// near reports whether a rule is, or was probably meant to be, for the subject of the query, or for the one it names.
func (i *Issuer) near(r *Rule, q *Query) bool {
	return i.takes(r, q.Assertion.Subject) || miss(q.Assertion.Subject, r.Subject) != "" || q.Rule != "" && r.Name == q.Rule
}

// findings appends the finding of each condition of a rule. All are told, not only the first that fails.
func (i *Issuer) findings(to []assertion.Finding, r *Rule, q *Query) []assertion.Finding {
	title := i.title(r)
	for k := range conditions {
		c := &conditions[k]
		f := assertion.Finding{Check: title + ": " + c.name, Outcome: assertion.Passed}
		if !c.holds(i, r, q) {
			f.Outcome, f.Reason = assertion.Failed, c.reason
			f.Seen, f.Want, f.Hint = c.told(i, r, q)
		}
		to = append(to, f)
	}
	return to
}
