package grant_test

import (
	"net/url"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/avouch-oauth/avouch"
	"github.com/avouch-oauth/avouch/assertion"
	"github.com/avouch-oauth/avouch/grant"
	"github.com/avouch-oauth/avouch/trust"
)

func TestJWTBearer(t *testing.T) {
	for _, tt := range cases {
		t.Run(tt.name, func(t *testing.T) {
			s := partner()
			if tt.change != nil {
				tt.change(s)
			}
			s.start(t)
			token := sign(t)
			if tt.sign != nil {
				token = tt.sign(t)
			}
			form := s.form(token, tt.form...)
			a := s.send(t, form)
			if tt.want.code == "" {
				s.accepted(t, a, tt.want)
			} else {
				s.refused(t, a, tt.want)
			}
			s.explained(t, form, a, tt.want)
		})
	}
}

func (s *site) accepted(t *testing.T, a answer, w want) {
	t.Helper()
	if a.Status != 200 {
		t.Fatalf("%d %s %q; %v", a.Status, a.Error, a.Description, s.last().Err)
	}
	c := a.claims(t)
	for name, wanted := range map[string]string{"sub": w.sub, "client_id": w.client, "scope": w.scope, "aud": w.aud} {
		got := c[name]
		if list, ok := got.([]any); ok && len(list) == 1 {
			got = list[0]
		}
		if wanted != "" && got != wanted {
			t.Errorf("%s of the token is %v, want %q", name, got, wanted)
		}
	}
	if w.scope != "" && a.Scope != w.scope {
		t.Errorf("scope %q, want %q", a.Scope, w.scope)
	}
	if a.TokenType != "Bearer" || a.ExpiresIn <= 0 {
		t.Errorf("token_type %q, expires_in %d", a.TokenType, a.ExpiresIn)
	}
	if _, there := a.Members["refresh_token"]; there {
		t.Error("there is a refresh token")
	}
}

func (s *site) refused(t *testing.T, a answer, w want) {
	t.Helper()
	status := w.status
	if status == 0 {
		status = 400
	}
	if a.Status != status || a.Error != w.code {
		t.Errorf("%d %q, want %d %q; %v", a.Status, a.Error, status, w.code, s.last().Err)
	}
	if got := s.reason(); got != w.reason {
		t.Errorf("reason %q, want %q; %v", got, w.reason, s.last().Err)
	}
	if w.reason != "" && a.Description != w.reason.Public() && w.reason != assertion.BadClaim {
		t.Errorf("description %q, want %q", a.Description, w.reason.Public())
	}
	if a.AccessToken != "" || a.RefusalID == "" || a.RefusalID != s.last().RefusalID {
		t.Errorf("refusal %+v", a)
	}
	for _, secret := range []string{"10.0.0.", "own words", "alice", "rule", "billing"} {
		if strings.Contains(a.Description, secret) {
			t.Errorf("description %q tells of %q", a.Description, secret)
		}
	}
	if a.Status == 503 && a.Header.Get("Retry-After") == "" {
		t.Error("503 without Retry-After")
	}
}

// explained holds what Explain says against what has become of the request.
func (s *site) explained(t *testing.T, form url.Values, a answer, w want) {
	t.Helper()
	if a.Error == "invalid_client" || a.Status == 500 {
		return // not of the assertion
	}
	var client *avouch.Client
	if form.Has("client_secret") {
		client, _ = s.clients.Client(t.Context(), form.Get("client_id"))
	}
	r := s.explain(t, form, client)
	first, isRefused := r.Refusal()
	switch {
	case w.reason != "" && (!isRefused || first.Reason != w.reason):
		t.Errorf("explained as %+v, want %s", first, w.reason)
	case w.reason == "" && a.Status == 503 && first.Outcome != assertion.Undecided:
		t.Errorf("explained as %+v, want undecided", first)
	case w.reason == "" && a.Status != 503 && (isRefused || !r.Accepted):
		t.Errorf("explained as %+v", first)
	}
}

// The texts of refusals say which side of the signature they are on, and no more: who cannot sign learns nothing, and
// who can learns nothing of rules, users and clients.
func TestOneText(t *testing.T) {
	for _, tt := range cases {
		if tt.want.reason == "" || tt.want.reason == assertion.BadClaim {
			continue
		}
		text := tt.want.reason.Public()
		policy := slices.Index(assertion.Reasons(), tt.want.reason) > slices.Index(assertion.Reasons(), assertion.Replayed)
		switch {
		case tt.want.reason.BeforeSignature() && text != notVerified:
			t.Errorf("%s: before the signature %q", tt.name, text)
		case policy && text != notAccepted:
			t.Errorf("%s: by policy %q", tt.name, text)
		}
	}
}

func TestAssertionMissing(t *testing.T) {
	s := partner()
	s.clients = avouch.ClientList{confidential("billing", func(c *avouch.Client) {
		c.AuthMethod, c.Keys = "private_key_jwt", published(otherKey())
	})}
	s.start(t)
	if a := s.post(t, ""); a.Status != 400 || a.Error != "invalid_request" || !strings.Contains(a.Description, "assertion is missing") {
		t.Errorf("%d %s %q", a.Status, a.Error, a.Description)
	}
	a := s.post(t, "", "client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
		"client_assertion", signed(t, assertion.Claims{Issuer: "billing", Subject: "billing", Audience: own}, otherKey()))
	if a.Status != 400 || a.Error != "invalid_request" || !strings.Contains(a.Description, "client_assertion authenticates a client") {
		t.Errorf("swapped: %d %s %q", a.Status, a.Error, a.Description)
	}
	if a := s.post(t, "", "assertion", ""); a.Error != "invalid_request" {
		t.Errorf("empty: %d %s %q", a.Status, a.Error, a.Description)
	}
	a = s.send(t, url.Values{"grant_type": {grant.JWTBearerType}, "assertion": {sign(t), sign(t)}})
	if a.Error != "invalid_request" {
		t.Errorf("twice: %d %s %q", a.Status, a.Error, a.Description)
	}
	r := s.explain(t, s.form(""), nil)
	if f, ok := r.Refusal(); !ok || r.Accepted || !strings.Contains(f.Hint, "missing") {
		t.Errorf("explained as %+v", r)
	}
}

// TestNothingIsCopied sends an assertion that is full of claims which access tokens have too.
func TestNothingIsCopied(t *testing.T) {
	s := partner()
	s.list[0].Rules[0].AsIs = true
	s.start(t)
	before := s.post(t, sign(t)).claims(t)
	a := s.post(t, craft(t, idpKey(), nil, map[string]any{
		"scope": "admin", "scp": "admin", "roles": []string{"admin"}, "groups": []string{"wheel"}, "client_id": "billing",
		"azp": "billing", "cnf": map[string]any{"jkt": "x"}, "act": map[string]any{"sub": "root"}, "may_act": map[string]any{"sub": "root"},
		"email": "root@example.com", "auth_time": 1, "acr": "high", "entitlements": "all", "prn": "root", "principal": "root",
	}))
	after := a.claims(t)
	for _, varies := range []string{"jti", "iat", "exp"} {
		delete(before, varies)
		delete(after, varies)
	}
	if !reflect.DeepEqual(before, after) {
		t.Errorf("with more claims the token is %v, without them %v", after, before)
	}
}

// TestSubjectsOfTwoIssuersNeverMeet: RFC 8725 §3.8.
func TestSubjectsOfTwoIssuersNeverMeet(t *testing.T) {
	s := partner()
	s.list = append(s.list, trust.Issuer{Issuer: "https://other.example", Keys: published(otherKey()), Rules: s.list[0].Rules})
	s.start(t)
	one := s.post(t, sign(t)).claims(t)
	two := s.post(t, signed(t, assertion.Claims{Issuer: "https://other.example", Subject: "alice", Audience: own}, otherKey())).claims(t)
	if one["sub"] != "partner/alice" || two["sub"] != "https://other.example/alice" {
		t.Errorf("subjects %v and %v", one["sub"], two["sub"])
	}
}

// A good request is answered after each bad one.
func TestGoodAfterBad(t *testing.T) {
	s := partner().start(t)
	for _, bad := range []string{"junk", sign(t, func(c *assertion.Claims) { c.Subject = "mallory" }), flip(sign(t))} {
		if a := s.post(t, bad); a.Status != 400 {
			t.Errorf("%.20s: %d", bad, a.Status)
		}
		if a := s.post(t, sign(t)); a.Status != 200 {
			t.Errorf("a good one after it: %d %s", a.Status, a.Error)
		}
	}
}
