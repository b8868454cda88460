package assertion

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/avouch-oauth/avouch/keys"
)

// outcome is a report in short: each check that did not pass.
func outcome(r *Report) string {
	var words []string
	for _, f := range r.Findings {
		if f.Outcome != Passed {
			words = append(words, f.Check+" "+string(f.Outcome))
		}
	}
	return strings.Join(words, ", ")
}

// What can still be run after a failure is run; what cannot is skipped and never taken for passed.
func TestExplainGoesOn(t *testing.T) {
	own := testCheck{name: "own", run: func(*Assertion) error { return nil }}
	late := with(nil, func(c object) object { return c.with("exp", 1000).with("iat", 900).with("aud", us+"/") })
	for _, test := range []struct {
		name     string
		change   func(w *world)
		token    func(t testing.TB, w *world) string
		outcome  string
		verified bool
		party    string
	}{
		{name: "good", token: good, verified: true, party: idp},
		{name: "several faults at once", token: late, verified: true, party: idp,
			outcome: "audience failed, expiry failed"},
		{name: "wrong signature", party: idp,
			token:   func(t testing.TB, w *world) string { s := late(t, w); return s[:len(s)-4] + "AAAA" },
			outcome: "signature failed, audience failed, expiry failed, own skipped"},
		{name: "unknown key", party: idp, token: with(func(h object) object { return h.with("kid", "x") }, func(c object) object { return c.with("exp", 1) }),
			outcome: "key failed, key fits skipped, signature skipped, expiry failed, own skipped"},
		{name: "unknown issuer", token: with(nil, func(c object) object { return c.with("iss", "x").with("exp", 1) }),
			outcome: "issuer failed, enabled skipped, type skipped, algorithm allowed skipped, key skipped, key fits skipped, " +
				"signature skipped, subject skipped, audience skipped, expiry failed, id skipped, re-use skipped, own skipped"},
		{name: "disabled", party: idp, token: claim("exp", 1), change: func(w *world) {
			w.party.Disabled = true
			w.party.Keys = sourceFunc(func(keys.Hint) ([]*keys.Public, error) { panic("fetched for a disabled party") })
		}, outcome: "enabled failed, key skipped, key fits skipped, signature skipped, expiry failed, own skipped"},
		{name: "algorithm not allowed", party: idp, token: good, change: policy(func(p *Policy) { p.Algorithms = []keys.Algorithm{keys.EdDSA} }),
			outcome: "algorithm allowed failed, key skipped, key fits skipped, signature skipped, own skipped"},
		{name: "source is down", party: idp, token: good, change: func(w *world) {
			w.party.Keys = sourceFunc(func(keys.Hint) ([]*keys.Public, error) { return nil, errors.New("boom") })
		}, outcome: "key failed, key fits skipped, signature skipped, own skipped"},
		{name: "alg none", party: idp, token: with(func(h object) object { return h.with("alg", "none") }, func(c object) object { return c.with("exp", 1) }),
			outcome: "algorithm failed, critical header skipped, kind skipped, type skipped, algorithm allowed skipped, key skipped, " +
				"key fits skipped, signature skipped, expiry failed, own skipped"},
		{name: "another kind", party: idp, token: header("typ", "at+jwt"), outcome: "kind failed, type failed", verified: true},
		{name: "not readable", token: func(testing.TB, *world) string { return "junk" },
			outcome: "parts failed, encoding skipped, header skipped, algorithm skipped, critical header skipped, claims skipped, " +
				"kind skipped, issuer skipped, enabled skipped, type skipped, algorithm allowed skipped, key skipped, key fits skipped, " +
				"signature skipped, subject skipped, audience skipped, expiry skipped, not before skipped, issued at skipped, " +
				"lifetime skipped, id skipped, re-use skipped, own skipped"},
		{name: "claim of the wrong type", party: idp, token: claim("sub", 1), verified: true, outcome: "subject failed, own skipped"},
		{name: "no exp", party: idp, token: claim("exp", absent{}), verified: true, outcome: "expiry failed, lifetime skipped"},
		{name: "secret", party: idp, change: shared, outcome: "signature not tried",
			token: func(t testing.TB, w *world) string { return mac(t, goodClaims(), secret) }},
		{name: "wrong secret", party: idp, change: shared, outcome: "signature not tried",
			token: func(t testing.TB, w *world) string {
				return mac(t, goodClaims(), []byte(strings.Repeat("x", 40)))
			}},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(t)
			if test.change != nil {
				test.change(w)
			}
			token := test.token(t, w)
			_, _, err := w.Check(background, now, token, "", w.ask(own))
			report := agree(t, w.Checker, now, token, "", err, w.ask(own))
			if got := outcome(report); got != test.outcome {
				t.Errorf("got  %s\nwant %s", got, test.outcome)
			}
			if report.Verified != test.verified || report.Party != test.party {
				t.Errorf("verified = %t, party = %q", report.Verified, report.Party)
			}
		})
	}
}

func TestOrderOfChecks(t *testing.T) {
	w := newWorld(t)
	var names []string
	for _, f := range w.Explain(background, now, good(t, w), "", w.ask()).Findings {
		names = append(names, f.Check)
	}
	want := "size, alphabet, parts, encoding, header, algorithm, critical header, claims, kind, issuer, enabled, type, " +
		"algorithm allowed, key, key fits, signature, subject, audience, expiry, not before, issued at, lifetime, id, re-use"
	if got := strings.Join(names, ", "); got != want {
		t.Errorf("the order is part of the security; got\n%s", got)
	}
}

// A report says what the token says, fit to be shown, and marshals.
func TestReport(t *testing.T) {
	w := newWorld(t)
	token := with(func(h object) object { return h.with("kid", "a\x1b[31m\nb").with("typ", "t\u202e") }, func(c object) object {
		return c.with("sub", "ali\nce").with("exp", now.UnixMilli()).with("jti", "0123456789abcdef").with("groups", []string{"a"}).with("e\nvil", 1)
	})(t, w)
	report := w.Explain(background, now, token, "", w.ask())
	if s := report.Says; s.KeyID != `a\x1b[31m\nb` || s.Type != `t\u202e` || s.Subject != `ali\nce` || s.ID != "012345678..." ||
		!s.Expires.IsZero() || !s.IssuedAt.Equal(now) || strings.Join(s.Others, " ") != `e\nvil groups` {
		t.Errorf("got %+v", s)
	}
	var back Report
	if err := json.Unmarshal([]byte(toJSON(t, report)), &back); err != nil {
		t.Fatal(err)
	}
	if toJSON(t, back) != toJSON(t, report) {
		t.Error("the report does not survive JSON")
	}
	for _, f := range report.Findings {
		for _, s := range []string{f.Seen, f.Want, f.Hint, f.Cause} {
			if !plain(s) {
				t.Errorf("%s: %q", f.Check, s)
			}
		}
	}
}

// Every step says what it has seen and wants, passed or not.
func TestFindingsShow(t *testing.T) {
	w := newWorld(t)
	for _, f := range w.Explain(background, now, named(t, w), "", w.ask()).Findings {
		if f.Want == "" && f.Check != "signature" {
			t.Errorf("%s says nothing of what it wants", f.Check)
		}
	}
	far := now.Add(-3 * time.Hour)
	report := w.Explain(background, far, claim("exp", now.Unix())(t, w), "", w.ask())
	for _, f := range report.Findings {
		if f.Check == "expiry" && !strings.Contains(f.Seen, "2026-11-24T02:20:00Z, in 3h0m0s") {
			t.Errorf("expiry: seen %q", f.Seen)
		}
	}
}
