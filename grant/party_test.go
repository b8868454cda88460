package grant_test

import (
	"context"
	"errors"
	"testing"

	"github.com/avouch-oauth/avouch"
	"github.com/avouch-oauth/avouch/assertion"
)

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
