package admin

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/avouch-oauth/avouch"
	"github.com/avouch-oauth/avouch/assertion"
	"github.com/avouch-oauth/avouch/clientauth"
	"github.com/avouch-oauth/avouch/grant"
	"github.com/avouch-oauth/avouch/keys"
	"github.com/avouch-oauth/avouch/token"
)

// serve wires a server to a view, as a program would.
func serve(t *testing.T, live *Live) *avouch.Server {
	t.Helper()
	s, err := avouch.New(avouch.Config{
		Issuer:     "https://as.example.com",
		Minter:     &token.Minter{Key: live},
		Grants:     []avouch.Grant{avouch.ClientOptional(&grant.JWTBearer{Trust: live}), &grant.ClientCredentials{}},
		ClientAuth: []avouch.ClientAuth{&clientauth.PrivateKeyJWT{Policy: live.ClientPolicy}},
		Clients:    live,
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// post sends a token request and returns the status, the error code and the access token.
func post(t *testing.T, s *avouch.Server, form url.Values) (status int, code, token string) {
	t.Helper()
	r := httptest.NewRequest(http.MethodPost, "https://as.example.com/oauth/token", strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	w := httptest.NewRecorder()
	s.TokenEndpoint().ServeHTTP(w, r)
	var body struct {
		Error string `json:"error"`
		Token string `json:"access_token"`
	}
	if err := json.Unmarshal(w.Body.Bytes(), &body); err != nil {
		t.Fatalf("%d %s: %v", w.Code, w.Body, err)
	}
	return w.Code, body.Error, body.Token
}

func clientCredentials(t *testing.T, key *keys.Private) url.Values {
	t.Helper()
	signed, err := assertion.Sign(assertion.Claims{Issuer: "c", Subject: "c", Audience: "https://as.example.com"}, key)
	if err != nil {
		t.Fatal(err)
	}
	return url.Values{
		"grant_type":            {grantClientCredentials},
		"client_assertion_type": {"urn:ietf:params:oauth:client-assertion-type:jwt-bearer"},
		"client_assertion":      {signed},
	}
}

func bearer(t *testing.T, key *keys.Private, issuer, subject string) url.Values {
	t.Helper()
	signed, err := assertion.Sign(assertion.Claims{Issuer: issuer, Subject: subject, Audience: "https://as.example.com"}, key)
	if err != nil {
		t.Fatal(err)
	}
	return url.Values{"grant_type": {grantJWTBearer}, "assertion": {signed}}
}

// TestServerOnTheView goes the whole way, with the store up, down, and up again.
func TestServerOnTheView(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		store := &memStore{}
		a := newAdmin(store, newTestSealer(t), Options{Issuer: "https://as.example.com"})
		live, err := a.Live(ctx, LiveOptions{})
		if err != nil {
			t.Fatal(err)
		}
		done := make(chan error)
		go func() { done <- live.Run(ctx) }()
		server := serve(t, live)

		clientKey, clientPublic := pair(t)
		issuerKey, issuerPublic := pair(t)
		add(t, a, AddClientInput{ID: "c", Keys: clientPublic, ClientMetadata: ClientMetadata{Scope: "read"}})
		if _, err := a.AddIssuer(ctx, IssuerMetadata{Name: "idp", URL: "https://idp.example.com", JWKS: issuerPublic}); err != nil {
			t.Fatal(err)
		}
		for _, m := range []RuleMetadata{
			{Name: "alice", Issuer: "idp", Subject: "alice", AsClient: "c"},
			{Name: "bob", Client: "c", Subject: "bob", AsSubject: "="},
			{Name: "watched", Issuer: "idp", Subject: "carol", AsClient: "c", Mode: modeAudit},
		} {
			if _, err := a.AddRule(ctx, m); err != nil {
				t.Fatal(err)
			}
		}
		requests := map[string]func() url.Values{
			"client credentials": func() url.Values { return clientCredentials(t, clientKey) },
			"issuer":             func() url.Values { return bearer(t, issuerKey, "https://idp.example.com", "alice") },
			"signs for itself":   func() url.Values { return bearer(t, clientKey, "c", "bob") },
		}
		all := func(when string, wantStatus int, wantCode string) {
			t.Helper()
			for name, form := range requests {
				if status, code, _ := post(t, server, form()); status != wantStatus || code != wantCode {
					t.Errorf("%s, %s: %d %s, want %d %s", when, name, status, code, wantStatus, wantCode)
				}
			}
		}
		all("up", http.StatusOK, "")
		if status, code, _ := post(t, server, bearer(t, issuerKey, "https://idp.example.com", "carol")); code != "invalid_grant" {
			t.Errorf("a rule that is only watched gives a token: %d %s", status, code)
		}
		_, _, raw := post(t, server, requests["signs for itself"]())
		verifier := token.Verifier{Issuer: "https://as.example.com", Audience: "https://as.example.com", Keys: live.PublicKeys(time.Now())}
		if claims, err := verifier.Verify(ctx, time.Now(), raw); err != nil || claims.Subject != "bob" || claims.ClientID != "c" {
			t.Errorf("%+v, %v", claims, err)
		}

		store.break_(errors.New("gone"))
		time.Sleep(staleAfter + pollEvery)
		synctest.Wait()
		all("down", http.StatusServiceUnavailable, "temporarily_unavailable")
		store.break_(nil)
		time.Sleep(pollEvery + time.Millisecond)
		synctest.Wait()
		all("up again", http.StatusOK, "")

		if _, err := a.DisableClient(ctx, "c"); err != nil {
			t.Fatal(err)
		}
		for name, form := range requests {
			if status, code, _ := post(t, server, form()); status == http.StatusOK {
				t.Errorf("%s: the client is switched off: %d %s", name, status, code)
			}
		}
		cancel()
		<-done
	})
}
