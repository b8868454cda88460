package main

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/avouch-oauth/avouch/keys"
	"github.com/avouch-oauth/avouch/token"
)

func Test(t *testing.T) {
	key, err := keys.Generate(keys.ES256)
	if err != nil {
		t.Fatal(err)
	}
	as := http.NewServeMux()
	issuer := httptest.NewServer(as)
	defer issuer.Close()
	as.HandleFunc("GET /.well-known/oauth-authorization-server", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Write([]byte(`{"issuer":"` + issuer.URL + `","token_endpoint":"` + issuer.URL + `/token","jwks_uri":"` + issuer.URL + `/jwks"}`))
	})
	as.HandleFunc("GET /jwks", func(w http.ResponseWriter, _ *http.Request) {
		text, err := key.PublicKeys(time.Now()).MarshalJSON()
		if err != nil {
			t.Error(err)
		}
		w.Header().Set("Content-Type", "application/json")
		w.Write(text)
	})
	mux, err := newMux(issuer.URL, "https://orders.example.com")
	if err != nil {
		t.Fatal(err)
	}
	api := httptest.NewServer(mux)
	defer api.Close()

	order := func(scopes ...string) *http.Response {
		access, err := (&token.Minter{Key: key}).Mint(t.Context(), &token.Claims{
			Issuer: issuer.URL, Subject: "alice", Audience: []string{"https://orders.example.com"}, ClientID: "shop", Scopes: scopes,
			ID: "1", IssuedAt: time.Now(), Expires: time.Now().Add(time.Minute),
		})
		if err != nil {
			t.Fatal(err)
		}
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, api.URL+"/orders", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+access)
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		return resp
	}
	if got := order("orders:write"); got.StatusCode != http.StatusCreated {
		t.Errorf("with the scope: %s", got.Status)
	}
	got := order("orders:read")
	if got.StatusCode != http.StatusForbidden || !strings.Contains(got.Header.Get("WWW-Authenticate"), "insufficient_scope") {
		t.Errorf("without the scope: %s %q", got.Status, got.Header.Get("WWW-Authenticate"))
	}
}
