package trust

import (
	"strconv"
	"strings"

	"github.com/avouch-oauth/avouch/assertion"
)

// Match finds the one rule for an assertion of this issuer. Where none matches, or several do and the query does not
// say which, it returns an *assertion.Error: NoRule, ClientMismatch or AmbiguousRule.
func (i *Issuer) Match(q *Query) (*Rule, error) {
	var (
		found   *Rule
		several []*Rule
		failed  = 0 // the latest condition at which a rule has failed
	)
	i.candidates(q.Assertion.Subject, func(r *Rule) {
		switch k := i.failing(r, q); {
		case k < len(conditions):
			failed = max(failed, k)
		case found == nil:
			found = r
		default:
			several = append(several, r)
		}
	})
	switch {
	case found == nil:
		return nil, i.noRule(q, conditions[failed].reason)
	case several != nil:
		return nil, i.ambiguous(append([]*Rule{found}, several...))
	}
	return found, nil
}

// failing is the first condition that does not hold, len(conditions) where all do.
func (i *Issuer) failing(r *Rule, q *Query) int {
	for k := range conditions {
		if !conditions[k].holds(i, r, q) {
			return k
		}
	}
	return len(conditions)
}

func (i *Issuer) noRule(q *Query, reason assertion.Reason) error {
	e := &assertion.Error{
		Reason: reason,
		Check:  "rule",
		Seen:   "sub " + quote(q.Assertion.Subject),
		Want:   "one of the " + strconv.Itoa(len(i.Rules)) + " rules of issuer " + quote(i.Issuer),
		Hint:   "explain shows each rule with the condition that failed",
	}
	if reason == assertion.ClientMismatch {
		e.Seen += ", client " + quote(q.Client)
		e.Hint = "a rule matches but for its client; " + e.Hint
	}
	return e
}

// ambiguous tells the operator which rules match; the caller does not learn of them.
func (i *Issuer) ambiguous(rules []*Rule) error {
	const most = 8
	var names []string
	for k, r := range rules {
		if k == most {
			names = append(names, "and "+strconv.Itoa(len(rules)-most)+" more")
			break
		}
		names = append(names, i.title(r))
	}
	return &assertion.Error{
		Reason: assertion.AmbiguousRule,
		Check:  "rule",
		Seen:   strings.Join(names, ", "),
		Want:   "one rule",
		Hint:   "let the caller name the rule or the client, or make their conditions exclude each other",
	}
}

// title is what reports call a rule: its name, else its place.
func (i *Issuer) title(r *Rule) string {
	if r.Name != "" {
		return "rule " + quote(r.Name)
	}
	for k := range i.Rules {
		if &i.Rules[k] == r {
			return "rule " + strconv.Itoa(k+1)
		}
	}
	return "rule"
}
