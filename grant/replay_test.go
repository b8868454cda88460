package grant_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

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
			token := sign(t)
			if tt.sign != nil {
				token = tt.sign(t)
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
