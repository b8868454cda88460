package main

import (
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"github.com/avouch-oauth/avouch"
	"github.com/avouch-oauth/avouch/clientauth"
	"github.com/avouch-oauth/avouch/grant"
	"github.com/avouch-oauth/avouch/keys"
	"github.com/avouch-oauth/avouch/resource"
	"github.com/avouch-oauth/avouch/token"
)

func Test(t *testing.T) {
	private, public, err := keys.GeneratePairs(1, keys.EdDSA)
	if err != nil {
		t.Fatal(err)
	}
	text, err := private[0].MarshalPEM()
	if err != nil {
		t.Fatal(err)
	}
	keyFile := filepath.Join(t.TempDir(), "key.pem")
	if err := os.WriteFile(keyFile, text, 0o600); err != nil {
		t.Fatal(err)
	}
	signing, err := keys.Generate(keys.ES256)
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	s := httptest.NewServer(mux)
	defer s.Close()
	server, err := avouch.New(avouch.Config{
		Issuer:     s.URL,
		Minter:     &token.Minter{Key: signing},
		Grants:     []avouch.Grant{&grant.ClientCredentials{}},
		ClientAuth: []avouch.ClientAuth{&clientauth.PrivateKeyJWT{}},
		Clients:    avouch.ClientList{{ID: "billing-batch", Keys: public, Grants: []string{"client_credentials"}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	guard, err := resource.New(resource.Config{Issuer: s.URL, Audience: s.URL})
	if err != nil {
		t.Fatal(err)
	}
	called := ""
	mux.Handle("/oauth/token", server.TokenEndpoint())
	mux.Handle("/oauth/jwks", server.JWKS())
	mux.Handle("/.well-known/oauth-authorization-server", server.Metadata())
	mux.Handle("POST /run", guard.Require()(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		caller, _ := resource.FromContext(r.Context())
		called = caller.ClientID
	})))
	if err := run(context.Background(), s.URL, "billing-batch", keyFile, s.URL+"/run"); err != nil {
		t.Fatal(err)
	}
	if called != "billing-batch" {
		t.Errorf("the API was called by %q", called)
	}
}
