package trust

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/avouch-oauth/avouch/assertion"
)

// Query is what the rules of an issuer are asked.
type Query struct {
	Assertion *assertion.Assertion // a verified one
	Audience  []string             // the aud values that name this server where neither issuer nor rule says others
	Rule      string               // the rule that the caller names; "" for none
	Client    string               // the client that has authenticated, else the one the caller names; "" for none
	// Authenticated says that Client has authenticated.
	Authenticated bool
}

// condition is one thing that must hold for a rule to match. Matching and explaining use the same list.
type condition struct {
	name   string
	reason assertion.Reason // why nothing matched, where this is the condition that failed latest
	holds  func(i *Issuer, r *Rule, q *Query) bool
	told   func(i *Issuer, r *Rule, q *Query) (seen, want, hint string)
}

// conditions are in the order in which they are told: what was asked for, what the assertion says, who brings it.
var conditions = [...]condition{
	{"enabled", assertion.NoRule, enabled, tellEnabled},
	{"name", assertion.NoRule, named, tellNamed},
	{"subject", assertion.NoRule, subject, tellSubject},
	{"audience", assertion.NoRule, audience, tellAudience},
	{"claims", assertion.NoRule, claims, tellClaims},
	{"client", assertion.ClientMismatch, client, tellClient},
	{"client authentication", assertion.ClientMismatch, authenticated, tellAuthenticated},
}

func enabled(_ *Issuer, r *Rule, _ *Query) bool { return !r.Disabled && !r.Audit }

func tellEnabled(_ *Issuer, r *Rule, _ *Query) (seen, want, hint string) {
	if r.Disabled {
		return "disabled", "enabled", "enable the rule"
	}
	return "mode audit: the rule is told, never applied", "mode enforce", "set the rule to enforce"
}

func named(_ *Issuer, r *Rule, q *Query) bool { return q.Rule == "" || r.Name == q.Rule }

func tellNamed(_ *Issuer, r *Rule, q *Query) (seen, want, hint string) {
	return quote(q.Rule), quote(r.Name), "the request names another rule"
}

func subject(i *Issuer, r *Rule, q *Query) bool { return i.takes(r, q.Assertion.Subject) }

func tellSubject(_ *Issuer, r *Rule, q *Query) (seen, want, hint string) {
	switch {
	case r.AnySubject:
		return quote(q.Assertion.Subject), "", "a rule for any subject cannot say who is meant"
	case r.Subject == "":
		return quote(q.Assertion.Subject), "no sub", ""
	}
	return quote(q.Assertion.Subject), quote(r.Subject), miss(q.Assertion.Subject, r.Subject)
}

func audience(i *Issuer, r *Rule, q *Query) bool {
	return len(q.Assertion.Audience) == 1 && slices.Contains(i.audience(r, q), q.Assertion.Audience[0])
}

func tellAudience(i *Issuer, r *Rule, q *Query) (seen, want, hint string) {
	wanted := i.audience(r, q)
	for _, w := range wanted {
		for _, s := range q.Assertion.Audience {
			if hint == "" {
				hint = miss(s, w)
			}
		}
	}
	return quote(q.Assertion.Audience...), quote(wanted...), hint
}

// audience are the values of aud that name this server under a rule.
func (i *Issuer) audience(r *Rule, q *Query) []string {
	switch {
	case r.Audience != nil:
		return r.Audience
	case i.Audience != nil:
		return i.Audience
	}
	return q.Audience
}

func claims(_ *Issuer, r *Rule, q *Query) bool {
	for name, want := range r.Claims {
		if got, ok := q.Assertion.Claim(name); !ok || got != want {
			return false
		}
	}
	return true
}

func tellClaims(_ *Issuer, r *Rule, q *Query) (seen, want, hint string) {
	var s, w []string
	for _, name := range sortedNames(r.Claims) {
		wanted := r.Claims[name]
		got, ok := q.Assertion.Claim(name)
		if ok && got == wanted {
			continue
		}
		w = append(w, name+" "+quote(wanted))
		if ok {
			s = append(s, name+" "+quote(got))
		} else {
			s = append(s, name+" is absent or not a string")
		}
		if d := miss(got, wanted); ok && hint == "" && d != "" {
			hint = name + ": " + d
		}
	}
	return strings.Join(s, ", "), strings.Join(w, ", "), hint
}

func client(i *Issuer, r *Rule, q *Query) bool {
	c := i.Client(r)
	return c == "" || q.Client == "" || c == q.Client
}

func tellClient(i *Issuer, r *Rule, q *Query) (seen, want, hint string) {
	hint = "the request names another client"
	if q.Authenticated {
		hint = "another client has authenticated"
	}
	return quote(q.Client), quote(i.Client(r)), hint
}

func authenticated(i *Issuer, r *Rule, q *Query) bool {
	return q.Authenticated || !r.RequireClient && !i.RequireClient
}

func tellAuthenticated(i *Issuer, r *Rule, _ *Query) (seen, want, hint string) {
	want = "an authenticated client"
	if c := i.Client(r); c != "" {
		want = "client " + quote(c) + ", authenticated"
	}
	return "no authenticated client", want, "send the credentials of the client beside the assertion"
}

func sortedNames(claims map[string]string) []string { return slices.Sorted(maps.Keys(claims)) }

// quote writes values for an operator: escaped, and cut where they are long.
func quote(values ...string) string {
	const long = 200
	var b []byte
	for k, v := range values {
		if k > 0 {
			b = append(b, ", "...)
		}
		if len(b) > long {
			return string(append(b, "..."...))
		}
		if len(v) > long {
			v = v[:long] + "..."
		}
		b = strconv.AppendQuoteToASCII(b, v)
	}
	return string(b)
}
