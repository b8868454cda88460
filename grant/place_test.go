package grant_test

import (
	"context"
	"testing"

	"github.com/avouch-oauth/avouch"
	"github.com/avouch-oauth/avouch/assertion"
	"github.com/avouch-oauth/avouch/clientauth"
	"github.com/avouch-oauth/avouch/trust"
)

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

// TestSelfAssertedIsUsedOnce: where a rule lets a client speak for itself, its untyped assertions are good in both places,
// and each of them in one only.
func TestSelfAssertedIsUsedOnce(t *testing.T) {
	for name, again := range map[string]assertion.Replay{"once": assertion.Once, "again by the same client": assertion.SameClientUntilExpiry} {
		t.Run(name, func(t *testing.T) {
			s := &site{policy: clientauth.Policy{Policy: assertion.Policy{Replay: again}}}
			s.clients = avouch.ClientList{confidential("svc", func(c *avouch.Client) { c.AuthMethod, c.Keys = "private_key_jwt", published(otherKey()) })}
			s.list = trust.List{{
				Issuer: "svc", SelfIssued: true, Keys: published(otherKey()), Replay: again, RequireClient: again == assertion.SameClientUntilExpiry,
				Rules: []trust.Rule{{Subject: "svc", Nobody: true}},
			}}
			s.start(t)
			itself := func() string {
				return signed(t, assertion.Claims{Issuer: "svc", Subject: "svc", Audience: own}, otherKey())
			}
			with := func(token string) []string {
				return []string{"client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer", "client_assertion", token}
			}
			client, grant := itself(), itself()
			if a := s.post(t, grant, with(client)...); a.Status != 200 {
				t.Fatalf("each in its place: %+v; %v", a, s.last().Err)
			}
			if a := s.post(t, client, with(itself())...); a.Error != "invalid_grant" {
				t.Errorf("a client assertion that was used, as a grant: %d %+v", a.Status, a)
			}
			if a := s.post(t, itself(), with(grant)...); a.Error != "invalid_client" {
				t.Errorf("a grant that was used, as a client assertion: %d %+v", a.Status, a)
			}
			if both := itself(); s.post(t, both, with(both)...).Status == 200 {
				t.Error("one assertion passed in both places at once")
			}
			if a := s.post(t, grant, with(itself())...); (a.Status == 200) != (again == assertion.SameClientUntilExpiry) {
				t.Errorf("the grant again: %+v; %v", a, s.last().Err)
			}
			if again == assertion.Once {
				if alone := itself(); s.post(t, alone).Status != 200 || s.post(t, alone).Error != "invalid_grant" {
					t.Error("a grant without client authentication does not work, or works twice")
				}
			}
		})
	}
}
