package admin

import (
	"context"
	"crypto/x509"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/avouch-oauth/avouch/keys"
)

// publisher serves a JWK set, and counts how often it is asked.
type publisher struct {
	*httptest.Server
	asked atomic.Int64
	mu    sync.Mutex
	set   []byte
}

func newPublisher(t *testing.T, set []byte) *publisher {
	p := &publisher{set: set}
	p.Server = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.mu.Lock()
		defer p.mu.Unlock()
		if p.set == nil {
			http.Error(w, "down", http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		if strings.HasPrefix(r.URL.Path, "/.well-known/") {
			_, _ = w.Write([]byte(`{"issuer":"` + p.URL + `","jwks_uri":"` + p.URL + `/jwks"}`))
			return
		}
		p.asked.Add(1)
		_, _ = w.Write(p.set)
	}))
	t.Cleanup(p.Close)
	return p
}

func (p *publisher) roots() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(p.Certificate())
	return pool
}

// TestFetchedKeysSurviveOtherChanges changes other records again and again: nothing is fetched for that.
func TestFetchedKeysSurviveOtherChanges(t *testing.T) {
	ctx := t.Context()
	_, public := pair(t)
	p := newPublisher(t, public)
	a := newAdmin(openStore(t), newTestSealer(t), Options{RootCAs: p.roots()})
	live, err := a.Live(ctx, LiveOptions{})
	if err != nil {
		t.Fatal(err)
	}
	meta := IssuerMetadata{Name: "idp", URL: p.URL, Discovery: true, AllowPrivateAddresses: true}
	if _, err := a.AddIssuer(ctx, meta); err != nil {
		t.Fatal(err)
	}
	add(t, a, AddClientInput{ID: "app", ClientMetadata: ClientMetadata{JWKSURL: p.URL + "/app", AllowPrivateAddresses: true}})
	if n := p.asked.Load(); n != 0 {
		t.Errorf("asked %d times before anybody wanted a key", n)
	}
	kid := mustParse(t, public)[0].ID
	find := func(source keys.Source) {
		t.Helper()
		if found, err := source.Find(ctx, keys.Hint{ID: kid, Algorithm: keys.ES256}, time.Now()); err != nil || len(found) != 1 {
			t.Fatalf("found %v, %v", found, err)
		}
	}
	both := func() {
		t.Helper()
		i, err := live.Issuer(ctx, p.URL)
		if err != nil || i == nil {
			t.Fatalf("%v, %v", i, err)
		}
		find(i.Keys)
		c, err := live.Client(ctx, "app")
		if err != nil || c == nil {
			t.Fatalf("%v, %v", c, err)
		}
		find(c.Keys)
	}
	both()
	for range 10 {
		if _, err := a.AddClient(ctx, AddClientInput{Keys: publicJWK(t)}); err != nil {
			t.Fatal(err)
		}
		if _, err := a.DisableIssuer(ctx, "idp"); err != nil {
			t.Fatal(err)
		}
		if _, err := a.EnableIssuer(ctx, "idp"); err != nil {
			t.Fatal(err)
		}
		both()
	}
	if n := p.asked.Load(); n != 2 { // once for each party: they share nothing
		t.Errorf("asked %d times", n)
	}
	status := live.KeySources()
	if len(status) != 1 || status[0].Issuer != "idp" || status[0].Keys != 1 || status[0].Fetched.IsZero() || status[0].Error != "" {
		t.Errorf("%+v", status)
	}

	// another address is another source
	meta.Discovery, meta.JWKSURL = false, p.URL+"/other"
	if _, err := a.UpdateIssuer(ctx, 0, meta); err != nil {
		t.Fatal(err)
	}
	both()
	if n := p.asked.Load(); n != 3 {
		t.Errorf("asked %d times after the address has changed", n)
	}
	if _, err := a.AddIssuer(ctx, IssuerMetadata{Name: "inline", URL: "https://idp.example.com", JWKS: public}); err != nil {
		t.Fatal(err)
	}
	if status := live.KeySources(); len(status) != 2 || status[1].Source != p.URL+"/other" && status[0].Source != p.URL+"/other" {
		t.Errorf("%+v", status)
	}
	if err := a.RemoveIssuer(ctx, "idp"); err != nil {
		t.Fatal(err)
	}
	live.sources.mu.Lock()
	left := len(live.sources.source)
	live.sources.mu.Unlock()
	if left != 1 {
		t.Errorf("%d sources are kept for one client", left)
	}
}

func mustParse(t *testing.T, public []byte) []keys.Public {
	t.Helper()
	parsed, err := keys.ParsePublic(public)
	if err != nil {
		t.Fatal(err)
	}
	return parsed
}

func TestFetchIssuerKeys(t *testing.T) {
	ctx := t.Context()
	public := publicJWK(t)
	p := newPublisher(t, public)
	a := newAdmin(openStore(t), nil, Options{RootCAs: p.roots()})
	for name, m := range map[string]IssuerMetadata{
		"good":   {URL: p.URL, Discovery: true, AllowPrivateAddresses: true},
		"inline": {URL: "https://inline.example.com", JWKS: public},
		"wrong":  {URL: p.URL + "/other", Discovery: true, AllowPrivateAddresses: true},
	} {
		m.Name = name
		if _, err := a.AddIssuer(ctx, m); err != nil {
			t.Fatal(err)
		}
	}
	for name, wrong := range map[string]bool{"good": false, "inline": false, "wrong": true} {
		got, err := a.FetchIssuerKeys(ctx, name)
		if err != nil {
			t.Fatal(err)
		}
		if wrong != (got.Error != "") || wrong != (got.Keys == 0) || got.Issuer != name {
			t.Errorf("%s: %+v", name, got)
		}
	}
	if _, err := a.FetchIssuerKeys(ctx, "nobody"); code(err) != NotFound {
		t.Error(err)
	}
	if _, err := a.FetchIssuerKeys(context.Background(), "good"); err != nil {
		t.Error(err)
	}
}
