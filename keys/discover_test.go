package keys_test

import (
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/avouch-oauth/avouch/internal/safehttp"
	"github.com/avouch-oauth/avouch/keys"
)

// site answers by path, as one real server does for metadata and keys. All its documents have the same ETag.
func (p *publisher) site(documents map[string]string) {
	p.set(func(req *http.Request) (*http.Response, error) {
		text, ok := documents[req.URL.Path]
		if !ok {
			return answer(404, "")(req)
		}
		if req.Header.Get("If-None-Match") == `"1"` {
			return answer(304, "")(req)
		}
		return answer(200, text, "ETag", `"1"`)(req)
	})
}

const issuer = "https://idp.example.com/tenant"

func TestDiscover(t *testing.T) {
	const (
		oauth  = "/.well-known/oauth-authorization-server/tenant"
		openID = "/tenant/.well-known/openid-configuration"
	)
	for name, c := range map[string]struct {
		documents map[string]string
		fault     string
	}{
		"RFC 8414":       {map[string]string{oauth: `{"issuer":"` + issuer + `","jwks_uri":"https://keys.example.com/k"}`, "/k": jwks("a")}, ""},
		"OpenID":         {map[string]string{openID: `{"issuer":"` + issuer + `","jwks_uri":"https://keys.example.com/k"}`, "/k": jwks("a")}, ""},
		"none":           {nil, "404"},
		"another issuer": {map[string]string{oauth: `{"issuer":"https://idp.example.com","jwks_uri":"https://keys.example.com/k"}`, "/k": jwks("a")}, "another issuer"},
		"a slash more":   {map[string]string{oauth: `{"issuer":"` + issuer + `/","jwks_uri":"https://keys.example.com/k"}`, "/k": jwks("a")}, "another issuer"},
		"no keys":        {map[string]string{oauth: `{"issuer":"` + issuer + `"}`}, "jwks_uri"},
		"keys by http":   {map[string]string{oauth: `{"issuer":"` + issuer + `","jwks_uri":"http://keys.example.com/k"}`, "/k": jwks("a")}, "https"},
		"downgraded":     {map[string]string{oauth: `{"issuer":"` + issuer + `","jwks_uri":"http://localhost/k"}`, "/k": jwks("a")}, "https"},
		"private keys":   {map[string]string{oauth: `{"issuer":"` + issuer + `","jwks_uri":"https://10.0.0.1/k"}`, "/k": jwks("a")}, "private"},
		"cloud metadata": {map[string]string{oauth: `{"issuer":"` + issuer + `","jwks_uri":"https://169.254.169.254/k"}`, "/k": jwks("a")}, "link-local"},
		"keys missing":   {map[string]string{oauth: `{"issuer":"` + issuer + `","jwks_uri":"https://keys.example.com/k"}`}, "404"},
	} {
		t.Run(name, func(t *testing.T) {
			p := &publisher{}
			p.site(c.documents)
			r, err := keys.Discover(issuer, keys.FetchOptions{UnguardedTransport: p})
			if err != nil {
				t.Fatal(err)
			}
			if c.fault == "" {
				want(t, "found", find(r, "a"), nil)
				if s := r.Status(); s.Source != issuer || s.From != "https://keys.example.com/k" {
					t.Errorf("status: %+v", s)
				}
				return
			}
			err = find(r, "a")
			want(t, "not found", err, keys.ErrUnavailable)
			if err == nil || !strings.Contains(err.Error(), c.fault) {
				t.Errorf("%v; should speak of %q", err, c.fault)
			}
			for _, path := range p.paths {
				if path == "/k" && name != "keys missing" {
					t.Error("keys were fetched that nobody may believe")
				}
			}
		})
	}
	p := &publisher{} // where private addresses are allowed, an https issuer still has its keys at https
	p.site(map[string]string{oauth: `{"issuer":"` + issuer + `","jwks_uri":"http://localhost/k"}`, "/k": jwks("a")})
	r, err := keys.Discover(issuer, keys.FetchOptions{UnguardedTransport: p, AllowPrivateAddresses: true})
	if err != nil {
		t.Fatal(err)
	}
	want(t, "downgraded", find(r, "a"), keys.ErrUnavailable)
	for _, issuer := range []string{"", "idp", "https://idp.example.com?x", "https://idp.example.com#x", "http://idp.example.com", "http://localhost"} {
		if _, err := keys.Discover(issuer, keys.FetchOptions{}); err == nil {
			t.Errorf("%q was taken for an issuer", issuer)
		}
	}
}

// TestMoved: the metadata is read anew with the keys, so they may move; metadata of another issuer leaves the keys that
// there are until they are too old.
func TestMoved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const where = "/.well-known/oauth-authorization-server/tenant"
		p := &publisher{}
		p.site(map[string]string{where: `{"issuer":"` + issuer + `","jwks_uri":"https://idp.example.com/old"}`, "/old": jwks("a")})
		r, err := keys.Discover(issuer, keys.FetchOptions{UnguardedTransport: p})
		if err != nil {
			t.Fatal(err)
		}
		want(t, "old", find(r, "a"), nil)
		p.site(map[string]string{where: `{"issuer":"` + issuer + `","jwks_uri":"https://idp.example.com/new"}`, "/old": jwks("a"), "/new": jwks("b")})
		time.Sleep(time.Hour)
		want(t, "new", find(r, "b"), nil)
		want(t, "the key that stayed behind", find(r, "a"), keys.ErrNoKey)
		p.site(map[string]string{where: `{"issuer":"https://evil.example","jwks_uri":"https://evil.example/k"}`, "/k": jwks("c")})
		time.Sleep(time.Hour)
		want(t, "taken over", find(r, "b"), nil)
		want(t, "its key", find(r, "c"), keys.ErrUnavailable)
		time.Sleep(24 * time.Hour)
		want(t, "a day later", find(r, "b"), keys.ErrUnavailable)
		if s := r.Status(); s.Err == nil || !strings.Contains(s.Err.Error(), "another issuer") {
			t.Errorf("status: %v", s.Err)
		}
	})
}

// TestDiscoverDeadline: the limit holds for a fetch as a whole, not for each of its documents.
func TestDiscoverDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &publisher{}
		p.set(slow(4*time.Second, answer(404, "")))
		r, err := keys.Discover(issuer, keys.FetchOptions{UnguardedTransport: p})
		if err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		want(t, "slow", find(r, "a"), keys.ErrUnavailable)
		if time.Since(start) != fetchLimit {
			t.Errorf("took %s", time.Since(start))
		}
	})
}

func TestSPIFFE(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		bundle := `{"keys":[` + strings.Join([]string{
			jwk(0, "kid", "a", "use", "jwt-svid"),
			jwk(1, "kid", "b", "use", "x509-svid"),
			jwk(1, "kid", "c", "use", "sig"),
			jwk(1, "kid", "d"),
			jwk(2, "use", "jwt-svid"),
		}, ",") + `],"spiffe_sequence":12,"spiffe_refresh_hint":600,"more":{}}`
		p := &publisher{answers: answer(200, bundle, "Cache-Control", "max-age=86400", "ETag", `"1"`)}
		r, err := keys.FromSPIFFE("https://spire.example.org/bundle", keys.FetchOptions{UnguardedTransport: p})
		if err != nil {
			t.Fatal(err)
		}
		now := time.Now()
		found, err := r.Find(t.Context(), keys.Hint{ID: "a", Algorithm: keys.ES256}, now)
		if err != nil || len(found) != 1 || found[0].Fits(keys.ES256, now) != nil {
			t.Fatalf("%v, %v", found, err)
		}
		for _, kid := range []string{"b", "c", "d"} {
			want(t, kid, find(r, kid), keys.ErrNoKey)
		}
		if s := r.Status(); s.Keys != 1 || len(s.Skipped) != 1 || s.NextFetch != now.Add(450*time.Second) {
			t.Errorf("status: %+v", s)
		}
		p.set(answer(304, "", "Cache-Control", "max-age=86400"))
		time.Sleep(time.Hour)
		want(t, "unchanged", find(r, "a"), nil)
		if s := r.Status(); s.NextFetch != time.Now().Add(450*time.Second) {
			t.Errorf("unchanged, and next %s", s.NextFetch)
		}
		for hint, next := range map[string]time.Duration{
			`1`: 225 * time.Second, `0`: 225 * time.Second, `-1`: 225 * time.Second, `"600"`: 225 * time.Second, `null`: 225 * time.Second,
			`1e3`: 225 * time.Second, `9223372036854775807`: 18 * time.Hour, `3600`: 45 * time.Minute,
		} {
			p.set(answer(200, `{"keys":[],"spiffe_refresh_hint":`+hint+`}`))
			if err := r.Refresh(t.Context()); err != nil {
				t.Fatal(err)
			}
			if s := r.Status(); s.NextFetch != time.Now().Add(next) {
				t.Errorf("hint %s: next in %s, want %s", hint, time.Until(s.NextFetch), next)
			}
		}
	})
}

// TestOverTLS does the whole way with a real server: strict options reach nothing, the named ones do.
func TestOverTLS(t *testing.T) {
	var connections atomic.Int32
	mux := http.NewServeMux()
	s := httptest.NewUnstartedServer(mux)
	s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			connections.Add(1)
		}
	}
	s.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	s.StartTLS()
	defer s.Close()
	mux.HandleFunc("GET /.well-known/oauth-authorization-server", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, `{"issuer":%q,"jwks_uri":%q}`, s.URL, s.URL+"/keys")
	})
	mux.HandleFunc("GET /keys", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("ETag", `"1"`)
		if r.Header.Get("If-None-Match") == `"1"` {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		fmt.Fprint(w, jwks("a"))
	})
	roots := x509.NewCertPool()
	roots.AddCert(s.Certificate())

	// A name, because an address would be refused before anything is dialled.
	_, port, _ := net.SplitHostPort(s.Listener.Addr().String())
	if _, err := keys.FromURL("https://localhost:"+port+"/keys", keys.FetchOptions{RootCAs: roots}); !errors.Is(err, safehttp.ErrBlocked) {
		t.Errorf("localhost: %v", err)
	}
	if n := connections.Load(); n != 0 {
		t.Fatalf("%d connections arrived", n)
	}

	open := keys.FetchOptions{AllowPrivateAddresses: true, RootCAs: roots}
	for name, make := range map[string]func() (*keys.Remote, error){
		"URL":       func() (*keys.Remote, error) { return keys.FromURL(s.URL+"/keys", open) },
		"discovery": func() (*keys.Remote, error) { return keys.Discover(s.URL, open) },
	} {
		r, err := make()
		if err != nil {
			t.Fatal(err)
		}
		want(t, name, find(r, "a"), nil)
		if err := r.Refresh(t.Context()); err != nil {
			t.Errorf("%s, unchanged: %v", name, err)
		}
		want(t, name+", unchanged", find(r, "a"), nil)
	}
	untrusting, err := keys.FromURL(s.URL+"/keys", keys.FetchOptions{AllowPrivateAddresses: true})
	if err != nil {
		t.Fatal(err)
	}
	err = find(untrusting, "a")
	want(t, "certificate of nobody", err, keys.ErrUnavailable)
	var unknown x509.UnknownAuthorityError
	if !errors.As(err, &unknown) {
		t.Errorf("certificate of nobody: %v", err)
	}
}
