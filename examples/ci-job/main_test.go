package main

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/avouch-oauth/avouch"
	"github.com/avouch-oauth/avouch/assertion"
	"github.com/avouch-oauth/avouch/client"
	"github.com/avouch-oauth/avouch/grant"
	"github.com/avouch-oauth/avouch/keys"
	"github.com/avouch-oauth/avouch/resource"
	"github.com/avouch-oauth/avouch/token"
	"github.com/avouch-oauth/avouch/trust"
)

const (
	ci      = "https://token.actions.example.com"
	subject = "repo:acme/shop:environment:production"
)

// newSite is an authorization server that trusts the CI system for one subject, and an API that it gives tokens for.
func newSite(t *testing.T, ciKeys keys.Source) (issuer string) {
	t.Helper()
	mux := http.NewServeMux()
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	signing, err := keys.Generate(keys.ES256)
	if err != nil {
		t.Fatal(err)
	}
	server, err := avouch.New(avouch.Config{
		Issuer: s.URL,
		Minter: &token.Minter{Key: signing},
		Grants: []avouch.Grant{avouch.ClientOptional(&grant.JWTBearer{
			Trust: trust.List{{
				Issuer: ci, Name: "ci", Keys: ciKeys,
				Rules: []trust.Rule{{Subject: subject, ClientID: "deployer", Scopes: []string{"deploy:run"}}},
			}},
		})},
		Clients: avouch.ClientList{{
			ID: "deployer", AuthMethod: "none", Grants: []string{grant.JWTBearerType}, Scopes: []string{"deploy:run"},
		}},
	})
	if err != nil {
		t.Fatal(err)
	}
	server.Mount(mux)
	guard, err := resource.New(resource.Config{Issuer: s.URL, Audience: s.URL})
	if err != nil {
		t.Fatal(err)
	}
	mux.Handle("POST /run", guard.Require("deploy:run")(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		caller, _ := resource.FromContext(r.Context())
		w.Write([]byte("deployed by " + caller.Subject))
	})))
	return s.URL
}

// sign makes what the CI system gives a job.
func sign(t *testing.T, key *keys.Private, subject, audience string) string {
	t.Helper()
	raw, err := assertion.Sign(assertion.Claims{Issuer: ci, Subject: subject, Audience: audience}, key)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// TestGitHubActions is a job on a runner: it gives an ID token to whoever has the job's request token.
func TestGitHubActions(t *testing.T) {
	private, public, err := keys.GeneratePairs(1, keys.RS256)
	if err != nil {
		t.Fatal(err)
	}
	issuer := newSite(t, public)
	jobSubject := subject
	runner := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer request-token" && r.Header.Get("Authorization") != "bearer request-token" {
			http.Error(w, "who are you?", http.StatusUnauthorized)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		err := json.NewEncoder(w).Encode(map[string]any{"count": 1, "value": sign(t, private[0], jobSubject, r.FormValue("audience"))})
		if err != nil {
			t.Error(err)
		}
	}))
	defer runner.Close()
	t.Setenv("ACTIONS_ID_TOKEN_REQUEST_URL", runner.URL+"/token?api-version=2.0")
	t.Setenv("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "request-token")

	var out bytes.Buffer
	if err := run(t.Context(), &out, issuer, "", issuer+"/run"); err != nil {
		t.Fatal(err)
	}
	if got := out.String(); got != "200 OK deployed by ci/"+subject+"\n" {
		t.Errorf("%q", got)
	}

	jobSubject = "repo:acme/shop:pull_request" // whoever opens one
	out.Reset()
	err = run(t.Context(), &out, issuer, "", issuer+"/run")
	if err == nil || !strings.Contains(err.Error(), "invalid_grant") || client.RefusalID(err) == "" {
		t.Errorf("a job with another subject: %v %s", err, out.String())
	}
}

// TestTokenFile is a job that finds its token in a file.
func TestTokenFile(t *testing.T) {
	private, public, err := keys.GeneratePairs(1, keys.ES256)
	if err != nil {
		t.Fatal(err)
	}
	issuer := newSite(t, public)
	file := filepath.Join(t.TempDir(), "id-token")
	for _, try := range []struct {
		name, audience, want string
	}{
		{"for this server", issuer, "200 OK deployed by ci/" + subject + "\n"},
		{"for somebody else", "https://other.example.com", ""},
	} {
		if err := os.WriteFile(file, []byte(sign(t, private[0], subject, try.audience)+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		err := run(t.Context(), &out, issuer, file, issuer+"/run")
		if out.String() != try.want || (err == nil) != (try.want != "") {
			t.Errorf("a token %s: %q, %v", try.name, out.String(), err)
		}
	}
}
