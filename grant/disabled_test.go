package grant_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/avouch-oauth/avouch"
	"github.com/avouch-oauth/avouch/assertion"
	"github.com/avouch-oauth/avouch/grant"
	"github.com/avouch-oauth/avouch/token"
	"github.com/avouch-oauth/avouch/trust"
)

// switchedOff is the subjects that are disabled, or an error.
type switchedOff struct {
	subject atomic.Pointer[string]
	fault   atomic.Pointer[error]
}

func (s *switchedOff) SubjectDisabled(_ context.Context, subject string) (bool, error) {
	if fault := s.fault.Load(); fault != nil {
		return false, *fault
	}
	off := s.subject.Load()
	return off != nil && *off == subject, nil
}

// TestDisabledSubject: the caller learns no more than of any other policy, the operator reads who it is, and Explain shows
// the check.
func TestDisabledSubject(t *testing.T) {
	s := partner()
	s.start(t)
	subjects := new(switchedOff)
	server, err := avouch.New(avouch.Config{
		Issuer: own, Minter: &token.Minter{Key: ownKey()}, Subjects: subjects, Grants: []avouch.Grant{avouch.ClientOptional(&s.grant)},
		Observe: func(_ context.Context, e avouch.Event) {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.events = append(s.events, e)
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle("POST /oauth/token", server.TokenEndpoint())
	h := httptest.NewServer(mux)
	defer h.Close()
	s.url, s.server = h.URL+"/oauth/token", server

	finding := func(r *assertion.Report) assertion.Finding {
		for _, f := range r.Findings {
			if f.Check == "user is enabled" {
				return f
			}
		}
		t.Fatalf("%+v", r.Findings)
		return assertion.Finding{}
	}
	text := sign(t)
	if f := finding(s.explain(t, s.form(text), nil)); f.Outcome != assertion.Passed {
		t.Errorf("enabled: %+v", f)
	}
	other := "alice" // as another issuer might call somebody
	subjects.subject.Store(&other)
	if r := s.explain(t, s.form(text), nil); !r.Accepted {
		t.Errorf("another subject is disabled: %+v", r)
	}

	mapped := "partner/alice"
	subjects.subject.Store(&mapped)
	r := s.explain(t, s.form(text), nil)
	f := finding(r)
	if r.Accepted || f.Outcome != assertion.Failed || f.Reason != assertion.SubjectDisabled || !strings.Contains(f.Seen, mapped) {
		t.Errorf("disabled: accepted %v, %+v", r.Accepted, f)
	}
	a := s.post(t, text)
	if a.Status != 400 || a.Error != "invalid_grant" || a.Description != notAccepted {
		t.Errorf("%+v", a)
	}
	if s.reason() != assertion.SubjectDisabled {
		t.Errorf("the operator is told %v", s.last().Err)
	}

	fault := errors.New("the table is on fire")
	subjects.fault.Store(&fault)
	if a := s.post(t, text); a.Status != 503 || a.Error != "temporarily_unavailable" || strings.Contains(a.Description, "fire") {
		t.Errorf("%+v", a)
	}
	if r := s.explain(t, s.form(text), nil); r.Accepted {
		t.Errorf("nobody can tell: %+v", r)
	}

	// None of it has used the assertion up.
	subjects.fault.Store(nil)
	subjects.subject.Store(nil)
	if a := s.post(t, text); a.Status != 200 {
		t.Errorf("enabled again: %+v", a)
	}
}

// TestDisabledNobody: where nobody is meant, nobody can be disabled.
func TestDisabledNobody(t *testing.T) {
	subjects := new(switchedOff)
	empty := ""
	subjects.subject.Store(&empty)
	g := &grant.JWTBearer{Trust: trust.List{{
		Issuer: idp, Name: "partner", Keys: published(idpKey()), Rules: []trust.Rule{{Name: "batch", Subject: "alice", Nobody: true}},
	}}}
	server, err := avouch.New(avouch.Config{
		Issuer: own, Minter: &token.Minter{Key: ownKey()}, Subjects: subjects, Grants: []avouch.Grant{avouch.ClientOptional(g)},
	})
	if err != nil {
		t.Fatal(err)
	}
	h := httptest.NewServer(server.Handler())
	defer h.Close()
	s := &site{url: h.URL + "/oauth/token"}
	if a := s.post(t, sign(t)); a.Status != 200 {
		t.Errorf("%+v", a)
	}
}
