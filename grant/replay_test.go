package grant_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/avouch-oauth/avouch"
	"github.com/avouch-oauth/avouch/assertion"
	"github.com/avouch-oauth/avouch/replay"
	"github.com/avouch-oauth/avouch/trust"
)

func withClient(id string) []string { return []string{"client_id", id, "client_secret", secretOf} }

func TestReplay(t *testing.T) {
	two := clients(confidential("one"), confidential("two"))
	noID := claims("jti", nil)
	type send struct {
		form []string
		code string // "" for accepted
	}
	tests := []struct {
		name   string
		change func(s *site)
		sign   func(t *testing.T) string
		sends  []send // of the same assertion
	}{
		{"once", nil, nil, []send{{}, {code: "invalid_grant"}, {code: "invalid_grant"}}},
		{"once, without jti", nil, noID, []send{{}, {code: "invalid_grant"}}},
		{"once, by another client too", two, nil, []send{{form: withClient("one")}, {form: withClient("two"), code: "invalid_grant"}}},
		{"same client", all(two, issuer(func(i *trust.Issuer) { i.Replay, i.RequireClient = assertion.SameClientUntilExpiry, true })), nil,
			[]send{{form: withClient("one")}, {form: withClient("one")}, {form: withClient("two"), code: "invalid_grant"}, {form: withClient("one")}, {code: "invalid_grant"}}},
		{"same client, without jti", all(two, issuer(func(i *trust.Issuer) { i.Replay, i.RequireClient = assertion.SameClientUntilExpiry, true })), noID,
			[]send{{form: withClient("one")}, {form: withClient("one")}, {form: withClient("two"), code: "invalid_grant"}}},
		{"until expiry", issuer(func(i *trust.Issuer) { i.Replay = assertion.ReuseUntilExpiry }), nil, []send{{}, {}, {}}},
		{"without sub and jti", issuer(func(i *trust.Issuer) {
			i.SubjectOptional, i.Rules = true, []trust.Rule{{Nobody: true}}
		}), func(t *testing.T) string { return craft(t, idpKey(), nil, map[string]any{"sub": nil, "jti": nil}) }, []send{{}, {}}},
		{"without sub, with jti", issuer(func(i *trust.Issuer) {
			i.SubjectOptional, i.Rules = true, []trust.Rule{{Nobody: true}}
		}), claims("sub", nil), []send{{}, {code: "invalid_grant"}}},
		{"not by a refused scope", nil, nil, []send{{form: []string{"scope", "admin"}, code: "invalid_scope"}, {}, {code: "invalid_grant"}}},
		{"not by a refused resource", nil, nil, []send{{form: []string{"resource", "https://evil.example"}, code: "invalid_target"}, {}, {code: "invalid_grant"}}},
		{"not by another client", all(two, rule(func(r *trust.Rule) { r.ClientID = "one" })), nil,
			[]send{{form: withClient("two"), code: "invalid_grant"}, {form: withClient("one")}, {form: withClient("one"), code: "invalid_grant"}}},
		{"not by a wrong secret", two, nil,
			[]send{{form: []string{"client_id", "one", "client_secret", "wrong"}, code: "invalid_client"}, {form: withClient("one")}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := partner()
			if tt.change != nil {
				tt.change(s)
			}
			s.start(t)
			token := ""
			if tt.sign != nil {
				token = tt.sign(t)
			} else {
				token = sign(t)
			}
			for k, send := range tt.sends {
				if a := s.post(t, token, send.form...); a.Error != send.code {
					t.Fatalf("sent %d times: %q, want %q; %v", k+1, a.Error, send.code, s.last().Err)
				}
			}
		})
	}
}

// TestReplayOfAChangedSignature: whoever has an ECDSA signature can make another one of it (RFC 6979 aside, s and n-s
// both verify), so what was used must not be known by the bytes of the token.
func TestReplayOfAChangedSignature(t *testing.T) {
	for name, change := range map[string]map[string]any{"with jti": nil, "without jti": {"jti": nil}} {
		t.Run(name, func(t *testing.T) {
			s := partner().start(t)
			token := craft(t, idpKey(), nil, change)
			if a := s.post(t, token); a.Status != 200 {
				t.Fatalf("first: %+v", a)
			}
			other := negateS(t, token)
			if other == token {
				t.Fatal("the signature was not changed")
			}
			if a := s.post(t, other); a.Error != "invalid_grant" {
				t.Errorf("second: %+v", a)
			}
			if _, ok := errors.AsType[*replay.ReplayedError](s.last().Err); !ok {
				t.Errorf("refused for another reason: %v", s.last().Err)
			}
		})
	}
}

// Many send one assertion at the same moment: one gets a token.
func TestReplayAtOnce(t *testing.T) {
	s := partner().start(t)
	for range 5 {
		token := sign(t)
		var accepted atomic.Int32
		var senders sync.WaitGroup
		begin := make(chan struct{})
		for range 64 {
			senders.Go(func() {
				<-begin
				switch a := s.post(t, token); {
				case a.Status == 200:
					accepted.Add(1)
				case a.Error != "invalid_grant":
					t.Errorf("%d %s", a.Status, a.Error)
				}
			})
		}
		close(begin)
		senders.Wait()
		if n := accepted.Load(); n != 1 {
			t.Fatalf("%d of 64 got a token", n)
		}
	}
}

// One jti of two issuers is two things.
func TestReplayKeepsIssuersApart(t *testing.T) {
	s := partner()
	s.list = append(s.list, trust.Issuer{Issuer: "https://other.example", Name: "other", Keys: published(otherKey()), Rules: s.list[0].Rules})
	s.start(t)
	id := func(c *assertion.Claims) { c.ID = "one-jti" }
	if a := s.post(t, sign(t, id)); a.Status != 200 {
		t.Errorf("%+v", a)
	}
	c := assertion.Claims{Issuer: "https://other.example", Subject: "alice", Audience: own, ID: "one-jti"}
	if a := s.post(t, signed(t, c, otherKey())); a.Status != 200 {
		t.Errorf("the jti of another issuer: %+v", a)
	}
	if a := s.post(t, sign(t, id)); a.Error != "invalid_grant" {
		t.Errorf("again: %+v", a)
	}
}

// Junk with somebody's jti does not use it up.
func TestReplayIsNotSpentBeforeTheSignature(t *testing.T) {
	s := partner().start(t)
	token := sign(t)
	if a := s.post(t, flip(token)); a.Error != "invalid_grant" {
		t.Errorf("%+v", a)
	}
	if a := s.post(t, token); a.Status != 200 {
		t.Errorf("%+v", a)
	}
}

// A guard that cannot tell is an outage, and never a yes.
func TestReplayGuardDown(t *testing.T) {
	s := partner()
	s.replay = guard(func() error { return errors.New("disk I/O error on /var/lib") })
	s.start(t)
	a := s.post(t, sign(t))
	if a.Status != 503 || a.Error != "temporarily_unavailable" || a.Header.Get("Retry-After") == "" || strings.Contains(a.Description, "disk") {
		t.Errorf("%+v", a)
	}
}

type guard func() error

func (g guard) FirstUse(context.Context, time.Time, ...replay.Use) error { return g() }

// A client assertion is no grant, a grant no client assertion, and each stays good for what it is for.
func TestWrongPlace(t *testing.T) {
	client := confidential("svc", func(c *avouch.Client) { c.AuthMethod, c.Keys = "private_key_jwt", published(otherKey()) })
	s := partner()
	s.clients = avouch.ClientList{client}
	s.list = append(s.list, trust.Issuer{Issuer: "svc", SelfIssued: true, Keys: client.Keys, Rules: []trust.Rule{{Subject: "alice"}}})
	s.start(t)

	asClient := func(typ string) string {
		return signed(t, assertion.Claims{Issuer: "svc", Subject: "svc", Audience: own, Type: typ}, otherKey())
	}
	authenticate := func(token string) []string {
		return []string{"client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer", "client_assertion", token}
	}
	about := func(sub string) string {
		return signed(t, assertion.Claims{Issuer: "svc", Subject: sub, Audience: own}, otherKey())
	}

	typed, untyped := asClient("client-authentication+jwt"), asClient("")
	for name, tt := range map[string]struct {
		token  string
		reason assertion.Reason
	}{"typed": {typed, assertion.WrongType}, "untyped": {untyped, assertion.NoRule}} {
		if a := s.post(t, tt.token); a.Error != "invalid_grant" || s.reason() != tt.reason {
			t.Errorf("%s client assertion as a grant: %+v, %s", name, a, s.reason())
		}
		if a := s.post(t, about("alice"), authenticate(tt.token)...); a.Status != 200 {
			t.Errorf("%s client assertion in its place, after it was a grant: %+v; %v", name, a, s.last().Err)
		}
	}
	if a := s.post(t, sign(t), authenticate(sign(t))...); a.Error != "invalid_client" {
		t.Errorf("a grant of an issuer as client assertion: %+v", a)
	}
	if a := s.post(t, sign(t), authenticate(about("alice"))...); a.Error != "invalid_client" {
		t.Errorf("a grant of the client as client assertion: %+v", a)
	}
	both := asClient("")
	if a := s.post(t, both, authenticate(both)...); a.Error != "invalid_grant" {
		t.Errorf("one assertion in both places: %+v", a)
	}
}

// TestSelfAsserted: a client gets a token for itself by a grant only where a rule says just that.
func TestSelfAsserted(t *testing.T) {
	itself := assertion.Claims{Issuer: "svc", Subject: "svc", Audience: own}
	entry := trust.Issuer{Issuer: "svc", SelfIssued: true, Keys: set(otherKey())}
	for name, tt := range map[string]struct {
		rules  []trust.Rule
		hook   bool
		reason assertion.Reason
	}{
		"hook says anybody":    {nil, true, assertion.SelfAssertedGrant},
		"rule for any subject": {[]trust.Rule{{AnySubject: true}}, true, assertion.SelfAssertedGrant},
		"rule for a user":      {[]trust.Rule{{Subject: "alice"}}, false, assertion.NoRule},
		"rule for itself":      {[]trust.Rule{{Subject: "svc", Nobody: true, Scopes: []string{"a"}}}, false, ""},
		"rule for a person":    {[]trust.Rule{{Subject: "svc", As: "service-user"}}, false, ""},
	} {
		t.Run(name, func(t *testing.T) {
			s := &site{}
			entry := entry
			entry.Rules = tt.rules
			s.list = trust.List{entry}
			if tt.hook {
				s.grant.Subject = func(_ context.Context, a *assertion.Assertion) (string, error) { return "user", nil }
			}
			s.start(t)
			a := s.post(t, signed(t, itself, otherKey()))
			if got := s.reason(); got != tt.reason || (a.Status == 200) != (tt.reason == "") {
				t.Fatalf("%d, %q; %v", a.Status, got, s.last().Err)
			}
			if tt.reason == "" {
				c := a.claims(t)
				if want := map[bool]string{true: "svc", false: "service-user"}[tt.rules[0].Nobody]; c["sub"] != want || c["client_id"] != "svc" {
					t.Errorf("sub %v, client_id %v", c["sub"], c["client_id"])
				}
			}
		})
	}
}

// TestParty: parties that the program finds by itself, as a table of clients that sign for themselves.
func TestParty(t *testing.T) {
	table := map[string]*assertion.Party{
		"svc":      {Name: "svc", Keys: set(otherKey())},
		"off":      {Name: "off", Keys: broken{errors.New("a disabled party was asked for keys")}, Disabled: true},
		"own-aud":  {Name: "own-aud", Keys: set(otherKey()), Policy: assertion.Policy{Audience: assertion.Audience{Accept: []string{"urn:us"}}}},
		"no-aud":   {Name: "no-aud", Keys: set(otherKey()), Policy: assertion.Policy{Audience: assertion.Audience{Accept: []string{}}}},
		"keyless":  {Name: "keyless"},
		"nameless": {Keys: set(otherKey())},
	}
	s := partner()
	s.clients = avouch.ClientList{confidential("other")}
	s.grant.Party = func(_ context.Context, u assertion.Unverified) (*assertion.Party, error) {
		if u.Issuer == idp {
			return nil, errors.New("Trust knows this one")
		}
		if u.Issuer == "down" {
			return nil, errors.New("no connection")
		}
		return table[u.Issuer], nil
	}
	s.grant.Subject = func(_ context.Context, a *assertion.Assertion) (string, error) {
		if a.Subject == "mallory" {
			return "", nil
		}
		return "user-" + a.Subject, nil
	}
	s.grant.ScopeClaim = true
	s.grant.Scopes = func(context.Context, string, string, *assertion.Assertion) ([]string, error) {
		return []string{"a", "b"}, nil
	}
	s.start(t)

	for name, tt := range map[string]struct {
		claims assertion.Claims
		form   []string
		want   want
	}{
		"good":                   {assertion.Claims{Issuer: "svc", Subject: "alice", Audience: own}, nil, want{sub: "user-alice", client: "svc"}},
		"scope claim":            {assertion.Claims{Issuer: "svc", Subject: "alice", Audience: own, More: map[string]any{"scope": "b c"}}, nil, want{scope: "b"}},
		"aud":                    {assertion.Claims{Issuer: "svc", Subject: "alice", Audience: "https://evil.example"}, nil, refused(assertion.WrongAudience)},
		"its own aud":            {assertion.Claims{Issuer: "own-aud", Subject: "alice", Audience: "urn:us"}, nil, want{sub: "user-alice"}},
		"its own aud, not ours":  {assertion.Claims{Issuer: "own-aud", Subject: "alice", Audience: own}, nil, refused(assertion.WrongAudience)},
		"no aud at all":          {assertion.Claims{Issuer: "no-aud", Subject: "alice", Audience: own}, nil, refused(assertion.WrongAudience)},
		"no user":                {assertion.Claims{Issuer: "svc", Subject: "mallory", Audience: own}, nil, refused(assertion.UnknownSubject)},
		"itself":                 {assertion.Claims{Issuer: "svc", Subject: "svc", Audience: own}, nil, refused(assertion.SelfAssertedGrant)},
		"disabled":               {assertion.Claims{Issuer: "off", Subject: "alice", Audience: own}, nil, refused(assertion.PartyDisabled)},
		"unknown":                {assertion.Claims{Issuer: "ghost", Subject: "alice", Audience: own}, nil, refused(assertion.UnknownIssuer)},
		"cannot be told":         {assertion.Claims{Issuer: "down", Subject: "alice", Audience: own}, nil, want{status: 503, code: "temporarily_unavailable"}},
		"without a name":         {assertion.Claims{Issuer: "nameless", Subject: "alice", Audience: own}, nil, want{status: 503, code: "temporarily_unavailable"}},
		"for another client":     {assertion.Claims{Issuer: "svc", Subject: "alice", Audience: own}, withClient("other"), refused(assertion.ClientMismatch)},
		"a rule of a party":      {assertion.Claims{Issuer: "svc", Subject: "alice", Audience: own}, []string{"avouch_rule", "x"}, refused(assertion.NoRule)},
		"an issuer beside it":    {assertion.Claims{Issuer: idp, Subject: "alice", Audience: own}, nil, refused(assertion.UnknownKey)},
		"an issuer's scope flag": {assertion.Claims{Issuer: "svc", Subject: "alice", Audience: own}, []string{"scope", "c"}, want{code: "invalid_scope"}},
	} {
		t.Run(name, func(t *testing.T) {
			a := s.post(t, signed(t, tt.claims, otherKey()), tt.form...)
			if tt.want.code == "" {
				s.accepted(t, a, tt.want)
			} else {
				s.refused(t, a, tt.want)
			}
		})
	}
	if p := table["svc"]; p.Policy.Audience.Accept != nil {
		t.Errorf("the grant has changed the program's own party: %+v", p)
	}
	a := s.post(t, signed(t, assertion.Claims{Issuer: "keyless", Subject: "alice", Audience: own}, otherKey()))
	if a.Status == 200 {
		t.Error("a party without keys is believed")
	}
}

func TestValidate(t *testing.T) {
	user := func(context.Context, *assertion.Assertion) (string, error) { return "", nil }
	party := func(context.Context, assertion.Unverified) (*assertion.Party, error) { return nil, nil }
	ruled := partner().list
	open := trust.List{{Issuer: idp, Keys: set(idpKey())}}
	for name, tt := range map[string]struct {
		site *site
		want string
	}{
		"nothing":                   {&site{}, "Trust is required"},
		"empty list":                {&site{list: trust.List{}}, "empty list"},
		"party without Subject":     {func() *site { s := &site{}; s.grant.Party = party; return s }(), "Party needs Subject"},
		"party":                     {func() *site { s := &site{}; s.grant.Party, s.grant.Subject = party, user; return s }(), ""},
		"rules":                     {&site{list: ruled}, ""},
		"no rules, no hook":         {&site{list: open}, "no rules"},
		"no rules, but a hook":      {func() *site { s := &site{list: open}; s.grant.Subject = user; return s }(), ""},
		"a list that is at fault":   {&site{list: trust.List{{Issuer: "http://idp.example", Rules: ruled[0].Rules}}}, "not https"},
		"a compiled list, no hook":  {func() *site { s := &site{}; s.grant.Trust = compile(t, open); return s }(), "no rules"},
		"a live source, not loaded": {func() *site { s := &site{}; s.grant.Trust = new(trust.Live); return s }(), ""},
	} {
		t.Run(name, func(t *testing.T) {
			if tt.site.list != nil {
				tt.site.grant.Trust = tt.site.list
			}
			err := tt.site.grant.Validate()
			if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%v, want %q", err, tt.want)
			}
		})
	}
}

func compile(t testing.TB, l trust.List) *trust.Set {
	s, err := trust.Compile(l)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestLiveFailsClosed: what Validate could not see at the start is refused at use.
func TestLiveFailsClosed(t *testing.T) {
	live := new(trust.Live)
	s := &site{}
	s.grant.Trust = live
	s.start(t)
	for name, rules := range map[string][]trust.Rule{"no rules": nil, "a rule for any subject": {{AnySubject: true}}} {
		live.Replace(compile(t, trust.List{{Issuer: idp, Keys: set(idpKey()), Rules: rules}}))
		if a := s.post(t, sign(t)); a.Error != "invalid_grant" || s.reason() != assertion.NoRule {
			t.Errorf("%s, and no Subject hook: %+v, %v", name, a, s.last().Err)
		}
	}
	live.Replace(compile(t, partner().list))
	if a := s.post(t, sign(t)); a.Status != 200 {
		t.Errorf("with a rule: %+v", a)
	}
	off := partner().list
	off[0].Disabled = true
	live.Replace(compile(t, off))
	if a := s.post(t, sign(t)); s.reason() != assertion.PartyDisabled {
		t.Errorf("disabled: %+v", a)
	}
}

// A source that finds more than it was asked for is not believed.
func TestSourceThatFolds(t *testing.T) {
	s := &site{}
	s.grant.Trust = folding{partner().list}
	s.start(t)
	if a := s.post(t, sign(t)); a.Status != 200 {
		t.Errorf("%+v", a)
	}
	if a := s.post(t, sign(t, func(c *assertion.Claims) { c.Issuer = "HTTPS://IDP.example" })); s.reason() != assertion.UnknownIssuer {
		t.Errorf("%+v, %v", a, s.last().Err)
	}
}

type folding struct{ trust.List }

func (f folding) Issuer(ctx context.Context, iss string) (*trust.Issuer, error) {
	return f.List.Issuer(ctx, strings.ToLower(iss))
}

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
