package grant_test

import (
	"context"
	"strings"
	"testing"

	"github.com/avouch-oauth/avouch/assertion"
	"github.com/avouch-oauth/avouch/trust"
)

func TestValidate(t *testing.T) {
	user := func(context.Context, *assertion.Assertion) (string, error) { return "", nil }
	party := func(context.Context, assertion.Unverified) (*assertion.Party, error) { return nil, nil }
	ruled := partner().list
	open := trust.List{{Issuer: idp, Keys: set(idpKey())}}
	for name, tt := range map[string]struct {
		site *site
		want string
	}{
		"nothing":                   {&site{}, "no Trust"},
		"empty list":                {&site{list: trust.List{}}, "is empty"},
		"party without Subject":     {func() *site { s := &site{}; s.grant.Party = party; return s }(), "no Subject hook"},
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
