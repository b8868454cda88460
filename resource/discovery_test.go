package resource_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/avouch-oauth/avouch/keys"
	"github.com/avouch-oauth/avouch/resource"
	"github.com/avouch-oauth/avouch/token"
)

// TestDiscovery: the guard finds the issuer's keys by itself over real HTTP, asks for nothing before there is a token
// of that issuer, says 503 while the issuer is away or poses as another, and sees a new key.
func TestDiscovery(t *testing.T) {
	old, next := generate(t), generate(t)
	var set atomic.Pointer[keys.Set]
	set.Store(old.PublicKeys(time.Now()))
	var asked atomic.Int64
	var down, poses atomic.Bool
	var at string
	as := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		issuer := at
		if poses.Load() {
			issuer = "https://honest.example"
		}
		switch {
		case down.Load():
			w.WriteHeader(http.StatusServiceUnavailable)
		case r.URL.Path == "/jwks":
			text, _ := set.Load().MarshalJSON()
			_, _ = w.Write(text)
		case r.URL.Path == "/.well-known/oauth-authorization-server":
			fmt.Fprintf(w, `{"issuer":%q,"jwks_uri":%q}`, issuer, at+"/jwks")
		default:
			http.NotFound(w, r)
		}
	}))
	defer as.Close()
	at = as.URL
	ours := func(c *token.Claims) { c.Issuer = at }
	good := mint(t, old, ours)

	guard := newGuard(t, resource.Config{Issuer: at})
	api := serve(t, guard.WhoAmI())
	if got := status(t, api, mint(t, old, nil)); got != 401 || asked.Load() != 0 {
		t.Errorf("a token of another issuer: status %d, %d requests; want 401 and none", got, asked.Load())
	}
	if got := status(t, api, good); got != 200 || asked.Load() != 2 {
		t.Errorf("the first token: status %d, %d requests; want 200 and 2", got, asked.Load())
	}
	if got := status(t, api, good); got != 200 || asked.Load() != 2 {
		t.Errorf("the second: status %d, %d requests; want 200 and 2", got, asked.Load())
	}
	both, err := keys.NewSet(old.Public(), next.Public())
	if err != nil {
		t.Fatal(err)
	}
	set.Store(both)
	if got := status(t, api, mint(t, next, ours)); got != 200 {
		t.Errorf("a token by a new key: status %d", got)
	}

	for name, fault := range map[string]*atomic.Bool{"is down": &down, "poses as another": &poses} {
		fault.Store(true)
		api := serve(t, newGuard(t, resource.Config{Issuer: at}).WhoAmI())
		if got := status(t, api, good); got != 503 {
			t.Errorf("the issuer %s: status %d, want 503", name, got)
		}
		fault.Store(false)
	}
}
