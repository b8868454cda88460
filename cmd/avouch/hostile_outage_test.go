package main

import (
	"database/sql"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/avouch-oauth/avouch/admin"
	"github.com/avouch-oauth/avouch/assertion"
	"github.com/avouch-oauth/avouch/cmd/avouch/internal/config"
)

// TestHostileStoreIsBusy: while another process holds the database, nobody gets a token on a memory that cannot be
// written, and nothing is lost: the same assertions are good afterwards.
func TestHostileStoreIsBusy(t *testing.T) {
	t.Parallel()
	h := newHostileTown(t, nil)
	h.outage = true
	h.alive(t)
	db, err := sql.Open("sqlite", "file:"+h.conf.Store.Path+"?_txlock=immediate")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	lock, err := db.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	client, grant := h.vouching(t, "both"), asGrant(h.assertion(t, "idp", "ann", nil))
	started := givenTime()
	var ended sync.WaitGroup
	for i, form := range []url.Values{client, grant, h.vouching(t, "other"), h.vouching(t, "rsa")} {
		ended.Go(func() {
			time.Sleep(time.Duration(i) * 300 * time.Millisecond) // not all in one portion
			got := h.attack(t, attack{form: form, want: unavailable})
			if got.header.Get("Retry-After") == "" {
				t.Error("no Retry-After")
			}
		})
	}
	ended.Wait()
	if took := givenTime() - started; took > 9*time.Second { // a writer waits for 5 s, and the later ones wait for it
		t.Errorf("the refusals took %s", took)
	}
	// What needs no memory is not held up, and what is bad is still bad.
	h.attack(t, attack{form: clientCredentials("client_id", "post", "client_secret", h.secret["post"]), want: granted})
	h.attack(t, attack{form: asClient("a.b.c"), want: invalidClient})
	if err := lock.Rollback(); err != nil {
		t.Fatal(err)
	}
	for _, form := range []url.Values{client, grant} {
		h.attack(t, attack{form: form, want: granted})
	}
	h.alive(t)
}

// TestHostileStoreIsGone: without a store nobody is let in, by what was known before either.
func TestHostileStoreIsGone(t *testing.T) {
	t.Parallel()
	for name, breakIt := range map[string]func(h *hostile) error{
		"closed":   func(h *hostile) error { return h.store.Close() },
		"moved":    func(h *hostile) error { return os.Rename(h.conf.Store.Path, h.conf.Store.Path+".away") },
		"replaced": func(h *hostile) error { return replaceFile(h.conf.Store.Path) },
	} {
		t.Run(name, func(t *testing.T) {
			h := newHostileTown(t, func(c *config.Config) { c.Log.Format = "text" })
			h.outage = true
			h.alive(t)
			used := h.vouching(t, "both")
			h.attack(t, attack{form: used, want: granted})
			if err := breakIt(h); err != nil {
				t.Fatal(err)
			}
			for _, form := range []url.Values{used, h.vouching(t, "both"), asGrant(h.assertion(t, "idp", "ann", nil)), h.vouching(t, "other")} {
				got := h.attackAny(t, attack{form: form})
				if got.status != 503 || got.body["error"] != "temporarily_unavailable" {
					t.Errorf("got %d %s\n%s", got.status, got.text, h.logged(got))
				}
			}
			h.attack(t, attack{form: asClient("a.b.c"), want: invalidClient})
			h.attack(t, attack{form: url.Values{}, want: invalidRequest})
			if got := h.fetch(t, h.url+jwksPath, nil); got.status != 200 {
				t.Errorf("our keys are not published any more: %d", got.status)
			}
		})
	}
}

func replaceFile(path string) error {
	if err := os.Rename(path, path+".away"); err != nil {
		return err
	}
	return os.WriteFile(path, nil, 0o600)
}

// TestHostileKeySource: an issuer whose keys cannot be had is an outage and no verdict, and costs the others nothing.
func TestHostileKeySource(t *testing.T) {
	t.Parallel()
	h := newHostileTown(t, nil)
	h.outage = true
	var broken atomic.Value
	broken.Store("status")
	var fetches atomic.Int64
	release := make(chan struct{})
	source := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fetches.Add(1)
		switch broken.Load() {
		case "status":
			http.Error(w, "no", http.StatusInternalServerError)
		case "html":
			io.WriteString(w, "<html>not here</html>")
		case "redirect":
			http.Redirect(w, r, "http://169.254.169.254/", http.StatusFound)
		case "endless":
			for r.Context().Err() == nil {
				if _, err := w.Write(make([]byte, 1<<16)); err != nil {
					return
				}
			}
		case "slow":
			select {
			case <-release:
			case <-r.Context().Done():
			}
		}
	}))
	defer source.Close()
	defer close(release)

	for i, kind := range []string{"status", "html", "redirect", "endless", "slow", "refused"} {
		t.Run(kind, func(t *testing.T) {
			broken.Store(kind)
			name := "down-" + kind
			m := admin.IssuerMetadata{Name: name, URL: issuerURL(name), JWKSURL: source.URL + "/" + name, AllowPrivateAddresses: true}
			if kind == "refused" {
				m.JWKSURL = "http://" + closedPort(t) + "/"
			}
			if _, err := h.admin.AddIssuer(t.Context(), m); err != nil {
				t.Fatal(err)
			}
			h.rule(admin.RuleMetadata{Name: name + "-ann", Issuer: name, Subject: "ann", AsClient: "public", Scope: "orders:read"})
			vouch := func() url.Values {
				return asGrant(h.assertion(t, "idp", "ann", func(c *assertion.Claims) { c.Issuer = issuerURL(name) }))
			}
			before, started := fetches.Load(), givenTime()
			var ended sync.WaitGroup
			for range 8 {
				ended.Go(func() {
					got := h.attack(t, attack{form: vouch(), want: unavailable})
					if got.told() != notVerified || got.header.Get("Retry-After") == "" {
						t.Errorf("the caller is told %q, Retry-After %q", got.told(), got.header.Get("Retry-After"))
					}
				})
			}
			h.alive(t) // meanwhile
			ended.Wait()
			h.attack(t, attack{form: vouch(), want: unavailable})
			if took := givenTime() - started; took > 12*time.Second {
				t.Errorf("the refusals took %s", took)
			}
			if n := fetches.Load() - before; n > 2 {
				t.Errorf("nine assertions made %d fetches", n)
			}
			if i%2 == 0 {
				h.attack(t, attack{form: asGrant(h.assertion(t, "idp", "ann", nil)), want: granted})
			}
			h.alive(t)
		})
	}
}

// closedPort is an address where nobody listens.
func closedPort(t *testing.T) string {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}
