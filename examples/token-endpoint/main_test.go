package main

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/avouch-oauth/avouch/client"
	"github.com/avouch-oauth/avouch/keys"
	"github.com/avouch-oauth/avouch/resource"
)

func Test(t *testing.T) {
	partner, public, err := keys.GeneratePairs(1, keys.ES256)
	if err != nil {
		t.Fatal(err)
	}
	var mux *http.ServeMux
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { mux.ServeHTTP(w, r) }))
	defer s.Close()
	if mux, err = newMux(s.URL, public, userTable{{"https://idp.partner.example", "4711"}: "alice"}); err != nil {
		t.Fatal(err)
	}
	ask := func(subject string) (string, error) {
		token, err := client.JWTBearer{
			Issuer: s.URL, Key: partner[0], AssertionIssuer: "https://idp.partner.example", Subject: subject, Scopes: []string{"orders:read"},
		}.Token(t.Context())
		if err != nil {
			return "", err
		}
		return token.AccessToken, nil
	}
	got, err := ask("4711")
	if err != nil {
		t.Fatal(err)
	}
	guard, err := resource.New(resource.Config{Issuer: s.URL, Audience: s.URL})
	if err != nil {
		t.Fatal(err)
	}
	caller, err := guard.Verify(t.Context(), got)
	if err != nil || caller.Subject != "alice" || !caller.Has("orders:read") {
		t.Errorf("got %+v, %v; want a token for alice with orders:read", caller, err)
	}
	if _, err := ask("nobody we know"); err == nil {
		t.Error("a subject that nobody knows got a token")
	}
}
