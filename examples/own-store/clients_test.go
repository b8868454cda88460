package main

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/avouch-oauth/avouch/client"
	"github.com/avouch-oauth/avouch/keys"
)

func TestClients(t *testing.T) {
	store, err := open(t.Context(), place(t))
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	private, public, err := keys.GeneratePairs(1, keys.ES256)
	if err != nil {
		t.Fatal(err)
	}
	jwks, err := public.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := store.db.ExecContext(t.Context(), `INSERT INTO clients VALUES ('billing', 0, ?, 'client_credentials', 'invoices:read')`, jwks); err != nil {
		t.Fatal(err)
	}
	for id, known := range map[string]bool{"billing": true, "Billing": false, "billing ": false, "": false} {
		if c, err := store.Client(t.Context(), id); err != nil || (c != nil) != known {
			t.Errorf("client %q: %v, %v", id, c, err)
		}
	}

	var server http.Handler
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { server.ServeHTTP(w, r) }))
	defer s.Close()
	made, err := newServer(s.URL, store)
	if err != nil {
		t.Fatal(err)
	}
	server = made.Handler()
	me := client.PrivateKeyJWT{Issuer: s.URL, ClientID: "billing", Key: private[0], Scopes: []string{"invoices:read"}}
	if _, err := me.Token(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := store.db.ExecContext(t.Context(), `UPDATE clients SET disabled = 1`); err != nil {
		t.Fatal(err)
	}
	if _, err := me.Token(t.Context()); err == nil {
		t.Error("a client that was disabled got a token")
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	if c, err := store.Client(t.Context(), "billing"); err == nil {
		t.Errorf("a store that is closed says %v: that must be an error, and never \"there is none\"", c)
	}
}
