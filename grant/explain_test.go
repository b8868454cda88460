package grant_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/avouch-oauth/avouch/assertion"
	"github.com/avouch-oauth/avouch/trust"
)

func TestExplain(t *testing.T) {
	s := partner()
	s.list[0].Rules = append(s.list[0].Rules, trust.Rule{Name: "deploy", Subject: "repo:acme/app:ref:refs/heads/main", ClientID: "ci"})
	s.start(t)
	find := func(r *assertion.Report, check string) assertion.Finding {
		for _, f := range r.Findings {
			if f.Check == check {
				return f
			}
		}
		t.Errorf("no finding of %q in %+v", check, r.Findings)
		return assertion.Finding{}
	}

	r := s.explain(t, s.form(sign(t)), nil)
	if !r.Accepted || !r.Verified || r.Party != idp {
		t.Errorf("good one: %+v", r)
	}
	if f := find(r, `rule "alice": subject`); f.Outcome != assertion.Passed {
		t.Errorf("%+v", f)
	}
	for _, f := range r.Findings {
		if strings.HasPrefix(f.Check, `rule "deploy"`) {
			t.Errorf("told of another rule than the one that matches: %+v", f)
		}
	}
	if a := s.post(t, sign(t)); a.Status != 200 {
		t.Errorf("%+v", a)
	}

	r = s.explain(t, s.form(sign(t, func(c *assertion.Claims) { c.Subject = "repo:acme@1/app@2:ref:refs/heads/main" })), nil)
	if f := find(r, "rule"); r.Accepted || f.Reason != assertion.NoRule {
		t.Errorf("%+v", f)
	}
	if f := find(r, `rule "deploy": subject`); f.Outcome != assertion.Failed || !strings.Contains(f.Hint, "OWNER@ID") {
		t.Errorf("%+v", f)
	}
	if f := find(r, `rule "deploy": audience`); f.Outcome != assertion.Passed {
		t.Errorf("%+v", f)
	}
	for _, check := range []string{"client", "user", "user is no client", "permission", "scope"} {
		if f := find(r, check); f.Outcome != assertion.Skipped || f.Cause != "" || f.Hint != "" {
			t.Errorf("after a rule that failed: %+v", f)
		}
	}

	r = s.explain(t, s.form(sign(t, func(c *assertion.Claims) { c.Issuer = idp + "/" })), nil)
	if f, _ := r.Refusal(); f.Reason != assertion.UnknownIssuer || !strings.Contains(f.Hint, idp) || !strings.Contains(f.Hint, "slash") {
		t.Errorf("%+v", f)
	}

	// An explanation uses nothing up.
	token := sign(t)
	for range 3 {
		if r := s.explain(t, s.form(token), nil); !r.Accepted {
			t.Errorf("%+v", r)
		}
	}
	if a := s.post(t, token); a.Status != 200 {
		t.Errorf("after it was explained: %+v", a)
	}
}

// The operator reads in the event what the caller is not told.
func TestOperatorIsTold(t *testing.T) {
	s := partner()
	twoRules(s)
	s.start(t)
	if a := s.post(t, sign(t)); a.Description != notAccepted {
		t.Errorf("%+v", a)
	}
	e, ok := errors.AsType[*assertion.Error](s.last().Err)
	if !ok || !strings.Contains(e.Seen, `"alice"`) || !strings.Contains(e.Seen, `"second"`) {
		t.Errorf("%+v", s.last().Err)
	}
	r := e.Report()
	if r == nil || !r.Verified || r.Accepted {
		t.Fatalf("%+v", r)
	}
	if f := r.Findings[len(r.Findings)-1]; f.Check != "rule" || f.Reason != assertion.AmbiguousRule {
		t.Errorf("%+v", f)
	}
	if text := fmt.Sprint(s.last().Err); strings.Contains(text, "eyJ") {
		t.Errorf("the assertion is in %q", text)
	}
}
