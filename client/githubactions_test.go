package client_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/avouch-oauth/avouch/client"
)

func TestGitHubActions(t *testing.T) {
	s := newAuthServer(t)
	status, answer := 200, `{"count":1,"value":"aaa.bbb.ccc"}`
	runner := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer runner-secret" || r.URL.Query().Get("audience") != s.issuer || r.URL.Query().Get("api-version") != "2.0" {
			t.Errorf("asked %s with %q", r.URL, r.Header.Get("Authorization"))
		}
		w.WriteHeader(status)
		fmt.Fprint(w, answer)
	}))
	defer runner.Close()
	job := client.JWTBearer{Issuer: s.issuer, Assertion: client.GitHubActions(s.issuer)}

	t.Setenv("ACTIONS_ID_TOKEN_REQUEST_URL", "")
	t.Setenv("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "runner-secret")
	if _, err := job.Token(t.Context()); err == nil || !strings.Contains(err.Error(), "id-token: write") {
		t.Errorf("outside of a job: %v", err)
	}
	t.Setenv("ACTIONS_ID_TOKEN_REQUEST_URL", runner.URL+"/idtoken?api-version=2.0")
	if _, err := job.Token(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := s.last().form.Get("assertion"); got != "aaa.bbb.ccc" {
		t.Errorf("sent %q", got)
	}
	for _, c := range []struct {
		status int
		answer string
	}{{500, `{"value":"aaa.bbb.ccc"}`}, {200, `{}`}, {200, `no JSON`}, {200, `{"value":"no JWT"}`}, {200, `{"value":"` + strings.Repeat("a", 1<<20) + `"}`}} {
		status, answer = c.status, c.answer
		if _, err := job.Token(t.Context()); err == nil {
			t.Errorf("%d %.40s was taken", c.status, c.answer)
		} else if strings.Contains(err.Error(), "runner-secret") {
			t.Errorf("the error shows the secret: %v", err)
		}
	}
	if s.count() != 1 {
		t.Errorf("%d requests, want 1", s.count())
	}
	t.Setenv("ACTIONS_ID_TOKEN_REQUEST_URL", "http://runner.example.com/idtoken")
	if _, err := job.Token(t.Context()); err == nil || !strings.Contains(err.Error(), "https") {
		t.Errorf("over plain http: %v", err)
	}
}
