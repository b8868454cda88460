package resource_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/avouch-oauth/avouch/keys"
	"github.com/avouch-oauth/avouch/resource"
	"github.com/avouch-oauth/avouch/token"
)

const (
	issuer   = "https://as.example.com"
	audience = "https://orders.example.com"
	metadata = `resource_metadata="https://orders.example.com/.well-known/oauth-protected-resource"`
)

func generate(t testing.TB) *keys.Private {
	t.Helper()
	key, err := keys.Generate(keys.ES256)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// mint makes a good token, changed by change.
func mint(t testing.TB, key *keys.Private, change func(*token.Claims)) string {
	t.Helper()
	now := time.Now()
	c := &token.Claims{
		Issuer: issuer, Subject: "alice", ClientID: "shop", Audience: []string{audience}, ID: "t-1",
		Scopes: []string{"orders:read", "orders:write"}, IssuedAt: now, Expires: now.Add(5 * time.Minute),
	}
	if change != nil {
		change(c)
	}
	minter := token.Minter{Key: key}
	raw, err := minter.Mint(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func newGuard(t testing.TB, c resource.Config) *resource.Guard {
	t.Helper()
	if c.Issuer == "" {
		c.Issuer = issuer
	}
	if c.Audience == "" {
		c.Audience = audience
	}
	guard, err := resource.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return guard
}

// serve runs a handler on a real server and returns its address.
func serve(t testing.TB, h http.Handler) string {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s.URL
}

// sourceFunc is a key source made of a function.
type sourceFunc func(keys.Hint) ([]*keys.Public, error)

func (f sourceFunc) Find(_ context.Context, h keys.Hint, _ time.Time) ([]*keys.Public, error) {
	return f(h)
}
