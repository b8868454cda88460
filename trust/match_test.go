package trust_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/avouch-oauth/avouch/assertion"
	"github.com/avouch-oauth/avouch/keys"
	"github.com/avouch-oauth/avouch/trust"
)

const (
	idp = "https://idp.example"
	own = "https://as.example"
)

// verified makes assertions as the grant gets them: a MAC is enough here, where nothing depends on the key.
func verified(t testing.TB, c assertion.Claims, policy assertion.Policy) *assertion.Assertion {
	t.Helper()
	secret := []byte("0123456789abcdef0123456789abcdef")
	c.Audience = own
	token, err := assertion.SignMAC(c, keys.HS256, secret)
	if err != nil {
		t.Fatal(err)
	}
	policy.Audience = assertion.Audience{Accept: []string{own}}
	checker := assertion.Checker{Purpose: assertion.Grant}
	party := func(context.Context, assertion.Unverified) (*assertion.Party, error) {
		return &assertion.Party{Name: c.Issuer, Secret: secret, Policy: policy}, nil
	}
	a, _, err := checker.Check(context.Background(), time.Now(), token, "", assertion.PartyFunc(party))
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func sub(s string) *assertion.Assertion {
	return &assertion.Assertion{Issuer: idp, Subject: s, Audience: []string{own}}
}

func reasonOf(err error) assertion.Reason {
	if e, ok := errors.AsType[*assertion.Error](err); ok {
		return e.Reason
	}
	if err != nil {
		return "not an assertion error: " + assertion.Reason(err.Error())
	}
	return ""
}

// anyKeys is a key source that is never asked.
var anyKeys = new(keys.Set)

func TestMatch(t *testing.T) {
	withClaims := verified(t, assertion.Claims{Issuer: idp, Subject: "repo:acme/app:ref:refs/heads/main",
		More: map[string]any{"ref": "refs/heads/main", "actor_id": 7}}, assertion.Policy{})

	tests := []struct {
		name   string
		issuer trust.Issuer
		query  trust.Query
		want   string           // name of the rule
		reason assertion.Reason // or why none
		seen   string           // what the operator reads
	}{
		{"exact subject", trust.Issuer{Rules: []trust.Rule{{Name: "a", Subject: "alice"}, {Name: "b", Subject: "bob"}}},
			trust.Query{Assertion: sub("bob")}, "b", "", ""},
		{"case differs", trust.Issuer{Rules: []trust.Rule{{Name: "a", Subject: "alice"}}},
			trust.Query{Assertion: sub("Alice")}, "", assertion.NoRule, `sub "Alice"`},
		{"prefix", trust.Issuer{Rules: []trust.Rule{{Name: "a", Subject: "repo:acme/app"}}},
			trust.Query{Assertion: sub("repo:acme/app:pull_request")}, "", assertion.NoRule, ""},
		{"a star is a star", trust.Issuer{Rules: []trust.Rule{{Name: "a", Subject: "repo:acme/*"}}},
			trust.Query{Assertion: sub("repo:acme/app")}, "", assertion.NoRule, ""},
		{"a newline more", trust.Issuer{Rules: []trust.Rule{{Name: "a", Subject: "alice"}}},
			trust.Query{Assertion: sub("alice\n")}, "", assertion.NoRule, ""},
		{"no rules", trust.Issuer{}, trust.Query{Assertion: sub("alice")}, "", assertion.NoRule, ""},
		{"disabled rule", trust.Issuer{Rules: []trust.Rule{{Name: "a", Subject: "alice", Disabled: true}}},
			trust.Query{Assertion: sub("alice")}, "", assertion.NoRule, ""},
		{"audit rule", trust.Issuer{Rules: []trust.Rule{{Name: "a", Subject: "alice", Audit: true}}},
			trust.Query{Assertion: sub("alice")}, "", assertion.NoRule, ""},

		{"ambiguous", trust.Issuer{Rules: []trust.Rule{{Name: "a", Subject: "alice"}, {Name: "b", Subject: "alice"}}},
			trust.Query{Assertion: sub("alice")}, "", assertion.AmbiguousRule, `rule "a", rule "b"`},
		{"named rule", trust.Issuer{Rules: []trust.Rule{{Name: "a", Subject: "alice"}, {Name: "b", Subject: "alice"}}},
			trust.Query{Assertion: sub("alice"), Rule: "b"}, "b", "", ""},
		{"named rule for another subject", trust.Issuer{Rules: []trust.Rule{{Name: "a", Subject: "alice"}, {Name: "b", Subject: "bob"}}},
			trust.Query{Assertion: sub("alice"), Rule: "b"}, "", assertion.NoRule, ""},
		{"named rule that is not there", trust.Issuer{Rules: []trust.Rule{{Name: "a", Subject: "alice"}}},
			trust.Query{Assertion: sub("alice"), Rule: "x"}, "", assertion.NoRule, ""},
		{"named rule that is disabled", trust.Issuer{Rules: []trust.Rule{{Name: "a", Subject: "alice", Disabled: true}, {Name: "b", Subject: "alice"}}},
			trust.Query{Assertion: sub("alice"), Rule: "a"}, "", assertion.NoRule, ""},

		{"client chooses", trust.Issuer{Rules: []trust.Rule{{Name: "a", Subject: "alice", ClientID: "x"}, {Name: "b", Subject: "alice", ClientID: "y"}}},
			trust.Query{Assertion: sub("alice"), Client: "y"}, "b", "", ""},
		{"no client chooses", trust.Issuer{Rules: []trust.Rule{{Name: "a", Subject: "alice", ClientID: "x"}, {Name: "b", Subject: "alice", ClientID: "y"}}},
			trust.Query{Assertion: sub("alice")}, "", assertion.AmbiguousRule, ""},
		{"another client", trust.Issuer{Rules: []trust.Rule{{Name: "a", Subject: "alice", ClientID: "x"}}},
			trust.Query{Assertion: sub("alice"), Client: "y", Authenticated: true}, "", assertion.ClientMismatch, `client "y"`},
		{"any client", trust.Issuer{Rules: []trust.Rule{{Name: "a", Subject: "alice"}}},
			trust.Query{Assertion: sub("alice"), Client: "y", Authenticated: true}, "a", "", ""},
		{"another client for one that signs for itself", trust.Issuer{SelfIssued: true, Rules: []trust.Rule{{Name: "a", Subject: "alice"}}},
			trust.Query{Assertion: sub("alice"), Client: "y", Authenticated: true}, "", assertion.ClientMismatch, ""},
		{"client must authenticate", trust.Issuer{Rules: []trust.Rule{{Name: "a", Subject: "alice", ClientID: "x", RequireClient: true}}},
			trust.Query{Assertion: sub("alice"), Client: "x"}, "", assertion.ClientMismatch, ""},
		{"client has authenticated", trust.Issuer{Rules: []trust.Rule{{Name: "a", Subject: "alice", ClientID: "x", RequireClient: true}}},
			trust.Query{Assertion: sub("alice"), Client: "x", Authenticated: true}, "a", "", ""},
		{"issuer wants a client", trust.Issuer{RequireClient: true, Rules: []trust.Rule{{Name: "a", Subject: "alice"}}},
			trust.Query{Assertion: sub("alice")}, "", assertion.ClientMismatch, ""},

		{"audience of the rule", trust.Issuer{Rules: []trust.Rule{{Name: "a", Subject: "alice", Audience: []string{"urn:other"}}}},
			trust.Query{Assertion: sub("alice")}, "", assertion.NoRule, ""},
		{"audience of the issuer replaces the server's", trust.Issuer{Audience: []string{"urn:other"}, Rules: []trust.Rule{{Name: "a", Subject: "alice"}}},
			trust.Query{Assertion: sub("alice")}, "", assertion.NoRule, ""},
		{"two audiences", trust.Issuer{Rules: []trust.Rule{{Name: "a", Subject: "alice"}}},
			trust.Query{Assertion: &assertion.Assertion{Subject: "alice", Audience: []string{own, "https://evil.example"}}}, "", assertion.NoRule, ""},

		{"claim", trust.Issuer{Rules: []trust.Rule{{Name: "a", Subject: withClaims.Subject, Claims: map[string]string{"ref": "refs/heads/main"}}}},
			trust.Query{Assertion: withClaims}, "a", "", ""},
		{"claim of another value", trust.Issuer{Rules: []trust.Rule{{Name: "a", Subject: withClaims.Subject, Claims: map[string]string{"ref": "refs/heads/dev"}}}},
			trust.Query{Assertion: withClaims}, "", assertion.NoRule, ""},
		{"claim that is a number", trust.Issuer{Rules: []trust.Rule{{Name: "a", Subject: withClaims.Subject, Claims: map[string]string{"actor_id": "7"}}}},
			trust.Query{Assertion: withClaims}, "", assertion.NoRule, ""},
		{"absent claim is not the empty one", trust.Issuer{Rules: []trust.Rule{{Name: "a", Subject: withClaims.Subject, Claims: map[string]string{"environment": ""}}}},
			trust.Query{Assertion: withClaims}, "", assertion.NoRule, ""},

		{"absent sub", trust.Issuer{SubjectOptional: true, Rules: []trust.Rule{{Name: "a", Nobody: true}}},
			trust.Query{Assertion: sub("")}, "a", "", ""},
		{"absent sub rule is not for a sub", trust.Issuer{SubjectOptional: true, Rules: []trust.Rule{{Name: "a", Nobody: true}}},
			trust.Query{Assertion: sub("alice")}, "", assertion.NoRule, ""},
		{"any subject", trust.Issuer{Rules: []trust.Rule{{Name: "a", AnySubject: true}}},
			trust.Query{Assertion: sub("whoever")}, "a", "", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.issuer.Issuer, tt.issuer.Keys = idp, anyKeys
			tt.query.Audience = []string{own, own + "/oauth/token"}
			for kind, source := range sources(t, tt.issuer) {
				i, err := source.Issuer(t.Context(), idp)
				if err != nil || i == nil {
					t.Fatalf("%s: Issuer = %v, %v", kind, i, err)
				}
				rule, err := i.Match(&tt.query)
				if got := reasonOf(err); got != tt.reason {
					t.Errorf("%s: reason %q, want %q", kind, got, tt.reason)
				}
				if err != nil && !strings.Contains(err.Error(), tt.seen) {
					t.Errorf("%s: %v, want it to tell %s", kind, err, tt.seen)
				}
				if err == nil && rule.Name != tt.want {
					t.Errorf("%s: rule %q, want %q", kind, rule.Name, tt.want)
				}
				agree(t, i, &tt.query, rule, err)
			}
		})
	}
}

// sources are the same issuer in a list, and in a compiled one.
func sources(t testing.TB, i trust.Issuer) map[string]trust.Source {
	t.Helper()
	s, err := trust.Compile(trust.List{i, {Issuer: "https://other.example", Keys: anyKeys, Rules: []trust.Rule{{Subject: "alice"}}}})
	if err != nil {
		t.Fatal(err)
	}
	return map[string]trust.Source{"list": trust.List{i}, "set": s}
}

// agree holds what Explain tells against what Match says.
func agree(t testing.TB, i *trust.Issuer, q *trust.Query, matched *trust.Rule, err error) {
	t.Helper()
	failed := map[string]bool{}
	for _, f := range i.Explain(q) {
		title, _, _ := strings.Cut(f.Check, ": ")
		failed[title] = failed[title] || f.Outcome == assertion.Failed
		if f.Outcome == assertion.Failed && f.Reason == "" {
			t.Errorf("%s failed without a reason", f.Check)
		}
	}
	passing := 0
	for _, f := range failed {
		if !f {
			passing++
		}
	}
	switch {
	case err == nil && (passing != 1 || len(failed) != 1):
		t.Errorf("a rule matches, and Explain tells of %v", failed)
	case reasonOf(err) == assertion.AmbiguousRule && passing < 2:
		t.Errorf("several rules match, and Explain tells of %v", failed)
	case err != nil && reasonOf(err) != assertion.AmbiguousRule && passing != 0:
		t.Errorf("no rule matches, and Explain tells of %v", failed)
	}
}

// TestMatchUnchecked gives Match entries that Validate refuses, as another Source may: they believe nobody.
func TestMatchUnchecked(t *testing.T) {
	for name, rule := range map[string]trust.Rule{
		"no condition":                    {Scopes: []string{"admin"}},
		"nobody, but sub is not optional": {Nobody: true},
		"everybody is root":               {AnySubject: true, As: "root"},
		"everybody is who he says":        {AnySubject: true, AsIs: true},
		"two subject conditions":          {AnySubject: true, Subject: "alice"},
	} {
		i := &trust.Issuer{Issuer: idp, Rules: []trust.Rule{rule}}
		for _, s := range []string{"", "alice", "root"} {
			if r, err := i.Match(&trust.Query{Assertion: sub(s), Audience: []string{own}}); err == nil {
				t.Errorf("%s: sub %q matches %+v", name, s, r)
			}
		}
	}
}

func TestExplainBounded(t *testing.T) {
	i := trust.Issuer{Issuer: idp, Keys: anyKeys}
	for k := range 1000 {
		i.Rules = append(i.Rules, trust.Rule{Subject: strings.Repeat("x", k+20)})
	}
	i.Rules = append(i.Rules, trust.Rule{Name: "near", Subject: "Alice-the-first"})
	findings := i.Explain(&trust.Query{Assertion: sub("alice-the-first"), Audience: []string{own}})
	if !strings.HasPrefix(findings[0].Check, `rule "near"`) {
		t.Errorf("first comes %q, want the rule whose subject is near", findings[0].Check)
	}
	last := findings[len(findings)-1]
	if len(findings) > 1000 || !strings.HasPrefix(last.Seen, "937 more") {
		t.Errorf("%d findings, the last %+v", len(findings), last)
	}
	var hint string
	for _, f := range findings {
		if f.Check == `rule "near": subject` {
			hint = f.Hint
		}
	}
	if !strings.Contains(hint, "upper and lower case") {
		t.Errorf("hint %q", hint)
	}
}

func TestMapped(t *testing.T) {
	i := trust.Issuer{Issuer: idp, Name: "partner"}
	tests := []struct {
		rule *trust.Rule
		want string
		ok   bool
	}{
		{nil, "", false},
		{&trust.Rule{}, "", false},
		{&trust.Rule{As: "root"}, "root", true},
		{&trust.Rule{AsIs: true}, "alice", true},
		{&trust.Rule{Nobody: true}, "", true},
	}
	for _, tt := range tests {
		if got, ok := i.Mapped(tt.rule, "alice"); got != tt.want || ok != tt.ok {
			t.Errorf("Mapped(%+v) = %q, %t", tt.rule, got, ok)
		}
	}
	if got, ok := i.Mapped(&trust.Rule{AsIs: true}, ""); ok {
		t.Errorf("an absent sub, as it is, is %q", got)
	}
}

// TestQualified: whatever ids and subjects are, those of two issuers are never the same.
func TestQualified(t *testing.T) {
	for _, tt := range []struct {
		issuer trust.Issuer
		sub    string
		want   string
	}{
		{trust.Issuer{Issuer: idp, Name: "partner"}, "alice", "partner/alice"},
		{trust.Issuer{Issuer: idp}, "alice", idp + "/alice"},
		{trust.Issuer{Issuer: "partner", SelfIssued: true}, "alice", "client:partner/alice"},
		{trust.Issuer{Issuer: "a/b", SelfIssued: true}, "c", "client:a%2Fb/c"},
		{trust.Issuer{Issuer: "a", SelfIssued: true}, "b/c", "client:a/b/c"},
		{trust.Issuer{Issuer: "a%2Fb", SelfIssued: true}, "c", "client:a%252Fb/c"},
		{trust.Issuer{Issuer: "svc@acme.example", SelfIssued: true, Name: "svc"}, "alice", "svc/alice"},
	} {
		tt.issuer.Keys = anyKeys
		for kind, source := range sources(t, tt.issuer) {
			i, err := source.Issuer(t.Context(), tt.issuer.Issuer)
			if err != nil || i == nil {
				t.Fatal(i, err)
			}
			if got := i.Qualified(tt.sub); got != tt.want {
				t.Errorf("%s: %q of %q is %q, want %q", kind, tt.sub, tt.issuer.Issuer, got, tt.want)
			}
		}
	}
}

func FuzzMatchAgreesWithExplain(f *testing.F) {
	f.Add("alice", "alice", "Alice", "x", "", byte(0))
	f.Add("", "", "a", "", "one", byte(0b1010101))
	f.Add("repo:o/r:x", "repo:o@1/r@2:x", "", "c", "two", byte(255))
	f.Fuzz(func(t *testing.T, subject, one, two, client, name string, flags byte) {
		flag := func(k int) bool { return flags>>k&1 == 1 }
		i := trust.Issuer{Issuer: idp, Keys: anyKeys, SubjectOptional: flag(0), SelfIssued: flag(1), Rules: []trust.Rule{
			{Name: "one", Subject: one, ClientID: client, Nobody: flag(2), RequireClient: flag(3)},
			{Name: "two", Subject: two, AnySubject: flag(4), AsIs: flag(5), Disabled: flag(6)},
		}}
		q := &trust.Query{Assertion: sub(subject), Audience: []string{own}, Client: client, Rule: name, Authenticated: flag(7)}
		r, err := i.Match(q)
		agree(t, &i, q, r, err)
		if s, bad := trust.Compile(trust.List{i}); bad == nil {
			indexed, _ := s.Issuer(t.Context(), idp)
			ri, erri := indexed.Match(q)
			if reasonOf(err) != reasonOf(erri) || err == nil && ri.Name != r.Name {
				t.Errorf("one by one %v, %v; indexed %v, %v", r, err, ri, erri)
			}
		}
		if err == nil && r.Subject != subject && !r.AnySubject {
			t.Errorf("rule for %q matches %q", r.Subject, subject)
		}
	})
}
