package resource_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/avouch-oauth/avouch"
	"github.com/avouch-oauth/avouch/clientauth"
	"github.com/avouch-oauth/avouch/endpoint"
	"github.com/avouch-oauth/avouch/grant"
	"github.com/avouch-oauth/avouch/handle"
	"github.com/avouch-oauth/avouch/keys"
	"github.com/avouch-oauth/avouch/resource"
	"github.com/avouch-oauth/avouch/token"
)

const apiSecret = "correct horse: battery+staple %20 &c" // which the header must carry unharmed

// authority is a real authorization server, with what it is asked at introspection counted.
type authority struct {
	issuer string
	key    *keys.Private
	store  handle.Store
	asked  atomic.Int64
	found  atomic.Int64 // requests for metadata
	down   atomic.Bool
	off    atomic.Bool // the client of the tokens is disabled
}

func (a *authority) Client(_ context.Context, id string) (*avouch.Client, error) {
	switch id {
	case "shop":
		return &avouch.Client{ID: id, Disabled: a.off.Load()}, nil
	case "orders-api":
		return &avouch.Client{ID: id, Keys: a.key.PublicKeys(time.Now()), Introspects: []string{audience}}, nil
	case "orders api:2":
		return &avouch.Client{
			ID: id, AuthMethod: "client_secret_basic", Introspects: []string{audience},
			Secrets: []avouch.Secret{{SHA256: sha256.Sum256([]byte(apiSecret))}},
		}, nil
	case "billing-api":
		return &avouch.Client{ID: id, Keys: a.key.PublicKeys(time.Now()), Introspects: []string{"https://billing.example.com"}}, nil
	}
	return nil, nil
}

func newAuthority(t testing.TB) *authority {
	t.Helper()
	a := &authority{key: generate(t), store: handle.NewMemory(0)}
	h := httptest.NewUnstartedServer(nil)
	a.issuer = "http://" + h.Listener.Addr().String()
	minter := &token.Minter{Key: a.key}
	server, err := avouch.New(avouch.Config{
		Issuer: a.issuer, Minter: minter, Handles: a.store, Clients: a, Grants: []avouch.Grant{grant.ClientCredentials{}},
		ClientAuth: []avouch.ClientAuth{&clientauth.PrivateKeyJWT{}, &clientauth.SecretBasic{}},
		Endpoints:  []avouch.Endpoint{endpoint.Introspection()},
	})
	if err != nil {
		t.Fatal(err)
	}
	all := server.Handler()
	h.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path == "/oauth/introspect":
			a.asked.Add(1)
		case strings.HasPrefix(r.URL.Path, "/.well-known/"):
			a.found.Add(1)
		}
		if a.down.Load() {
			http.Error(w, "gone fishing", http.StatusBadGateway)
			return
		}
		all.ServeHTTP(w, r)
	})
	h.Start()
	t.Cleanup(h.Close)
	return a
}

func (a *authority) mint(t testing.TB, id string) string {
	return mint(t, a.key, func(c *token.Claims) { c.Issuer, c.ID = a.issuer, id })
}

// api is an API behind a guard that asks.
func (a *authority) api(t testing.TB, ask resource.Introspection) string {
	t.Helper()
	if ask.ClientID == "" {
		ask.ClientID, ask.Key = "orders-api", a.key
	}
	return serve(t, newGuard(t, resource.Config{Issuer: a.issuer, Keys: a.key.PublicKeys(time.Now()), Introspect: &ask}).WhoAmI())
}

func (a *authority) revoke(t testing.TB, id string) {
	t.Helper()
	if err := a.store.Revoke(t.Context(), time.Now(), time.Now().Add(time.Hour), handle.TokenID(id)); err != nil {
		t.Fatal(err)
	}
}

// TestIntrospect asks a real authorization server, by both ways of authentication: what it has revoked is refused.
func TestIntrospect(t *testing.T) {
	a := newAuthority(t)
	for name, ask := range map[string]resource.Introspection{
		"private_key_jwt":     {ClientID: "orders-api", Key: a.key, MaxAge: -1},
		"client_secret_basic": {ClientID: "orders api:2", Secret: apiSecret, MaxAge: -1},
		"with a URL":          {ClientID: "orders-api", Key: a.key, MaxAge: -1, URL: a.issuer + "/oauth/introspect"},
	} {
		t.Run(name, func(t *testing.T) {
			api, good, found := a.api(t, ask), a.mint(t, name), a.found.Load()
			for range 3 {
				if got := status(t, api, good); got != 200 {
					t.Fatalf("a good token: %d", got)
				}
			}
			if got, want := a.found.Load()-found, map[bool]int64{true: 0, false: 1}[ask.URL != ""]; got != want {
				t.Errorf("the metadata was fetched %d times, want %d", got, want)
			}
			a.off.Store(true)
			if got := status(t, api, good); got != 401 {
				t.Errorf("its client is disabled: %d, want 401 at once", got)
			}
			a.off.Store(false)
			if got := status(t, api, good); got != 200 {
				t.Errorf("its client is enabled again: %d", got)
			}
			a.revoke(t, name)
			if got := status(t, api, good); got != 401 {
				t.Errorf("revoked: %d, want 401 at once", got)
			}
			if got := status(t, api, a.mint(t, name+" next")); got != 200 {
				t.Errorf("another token: %d", got)
			}
		})
	}
	// One that is no client there, one with wrong credentials, and one that is another resource: nobody gets in.
	for name, c := range map[string]struct {
		ask  resource.Introspection
		want int
	}{
		"unknown client":   {resource.Introspection{ClientID: "nobody", Key: a.key}, 503},
		"another key":      {resource.Introspection{ClientID: "orders-api", Key: generate(t)}, 503},
		"wrong secret":     {resource.Introspection{ClientID: "orders api:2", Secret: "guess"}, 503},
		"another resource": {resource.Introspection{ClientID: "billing-api", Key: a.key}, 401},
	} {
		if got := status(t, a.api(t, c.ask), a.mint(t, "t")); got != c.want {
			t.Errorf("%s: %d, want %d", name, got, c.want)
		}
	}
}

// TestIntrospectJunk: what is no token of the issuer's for this API never reaches the introspection endpoint.
func TestIntrospectJunk(t *testing.T) {
	a := newAuthority(t)
	api := a.api(t, resource.Introspection{MaxAge: -1})
	good := a.mint(t, "t")
	for name, raw := range map[string]string{
		"junk": "junk", "dots": "a.b.c", "truncated": good[:len(good)-2], "by another key": mint(t, generate(t), func(c *token.Claims) { c.Issuer = a.issuer }),
		"another issuer": mint(t, a.key, nil),
		"another API":    mint(t, a.key, func(c *token.Claims) { c.Issuer, c.Audience = a.issuer, []string{"https://other.example"} }),
		"expired":        mint(t, a.key, func(c *token.Claims) { c.Issuer, c.IssuedAt, c.Expires = a.issuer, time.Unix(1, 0), time.Unix(2, 0) }),
		"bound": mint(t, a.key, func(c *token.Claims) {
			c.Issuer, c.More = a.issuer, map[string]any{"cnf": map[string]string{"jkt": "x"}}
		}),
	} {
		if got := status(t, api, raw); got != 401 {
			t.Errorf("%s: %d", name, got)
		}
	}
	if got := a.asked.Load(); got != 0 {
		t.Errorf("the issuer was asked %d times", got)
	}
	if got := status(t, api, good); got != 200 || a.asked.Load() != 1 {
		t.Errorf("a good one: %d, asked %d times", got, a.asked.Load())
	}
}

// TestIntrospectDown: while the issuer cannot be asked nobody gets in, and is told so; what was answered before counts as
// long as it is kept.
func TestIntrospectDown(t *testing.T) {
	a := newAuthority(t)
	var log bytes.Buffer
	guard := newGuard(t, resource.Config{
		Issuer: a.issuer, Keys: a.key.PublicKeys(time.Now()), Log: slog.New(slog.NewTextHandler(&log, nil)),
		Introspect: &resource.Introspection{ClientID: "orders-api", Key: a.key},
	})
	api := serve(t, guard.WhoAmI())
	known, unknown := a.mint(t, "known"), a.mint(t, "unknown")
	if got := status(t, api, known); got != 200 {
		t.Fatal(got)
	}
	a.down.Store(true)
	if got := status(t, api, known); got != 200 {
		t.Errorf("answered a moment ago: %d", got)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, api, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+unknown)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, _ := io.ReadAll(resp.Body)
	if resp.StatusCode != 503 || resp.Header.Get("Retry-After") == "" || !strings.Contains(string(body), "temporarily_unavailable") {
		t.Errorf("%d %v %s", resp.StatusCode, resp.Header, body)
	}
	if text := log.String(); !strings.Contains(text, "502") || strings.Contains(text, unknown) || !strings.Contains(text, "level=ERROR") {
		t.Errorf("the log says %q", text)
	}
	a.down.Store(false)
	if got := status(t, api, unknown); got != 200 {
		t.Errorf("it is back: %d", got)
	}

	// No server at all, and no metadata.
	gone := httptest.NewServer(nil)
	at := gone.URL
	gone.Close()
	if got := status(t, a.api(t, resource.Introspection{ClientID: "orders-api", Key: a.key, URL: at}), known); got != 503 {
		t.Errorf("nobody listens: %d", got)
	}
	lost := mint(t, a.key, func(c *token.Claims) { c.Issuer = at })
	api = serve(t, newGuard(t, resource.Config{Issuer: at, Keys: a.key.PublicKeys(time.Now()), Introspect: &resource.Introspection{ClientID: "orders-api", Key: a.key}}).WhoAmI())
	if got := status(t, api, lost); got != 503 {
		t.Errorf("no metadata: %d", got)
	}
}

// says is a transport that answers by itself.
type says func(*http.Request) (*http.Response, error)

func (f says) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func answers(status int, kind, body string) (*http.Response, error) {
	return &http.Response{
		StatusCode: status, Header: http.Header{"Content-Type": {kind}}, Body: io.NopCloser(strings.NewReader(body)),
	}, nil
}

// TestIntrospectAnswers: what an endpoint may say, and what is made of it. ok is nil for a good token.
func TestIntrospectAnswers(t *testing.T) {
	key := generate(t)
	raw := mint(t, key, nil)
	const kind = "application/json"
	exp := func(d time.Duration) string { return fmt.Sprintf(`{"active":true,"exp":%d}`, time.Now().Add(d).Unix()) }
	var hostile atomic.Int64
	elsewhere := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		hostile.Add(1)
		w.Header().Set("Content-Type", kind)
		fmt.Fprint(w, `{"active":true}`)
	}))
	defer elsewhere.Close()
	for _, c := range []struct {
		name   string
		status int
		kind   string
		body   string
		want   error
	}{
		{"active", 200, kind, `{"active":true}`, nil},
		{"active, with a charset", 200, kind + ";charset=UTF-8", `{"active":true}`, nil},
		{"all of it", 200, kind, `{"active":true,"iss":"` + issuer + `","aud":"` + audience + `","sub":"alice","client_id":"shop","jti":"t-1","scope":"x","more":[]}`, nil},
		{"several audiences", 200, kind, `{"active":true,"aud":["x","` + audience + `"]}`, nil},
		{"exp ahead", 200, kind, exp(time.Minute), nil},
		{"inactive", 200, kind, `{"active":false}`, resource.ErrInvalidToken},
		{"inactive, with more", 200, kind, `{"active":false,"iss":"x","exp":"y"}`, resource.ErrInvalidToken},
		{"exp over", 200, kind, exp(-time.Minute), resource.ErrInvalidToken},
		{"bound", 200, kind, `{"active":true,"cnf":{"jkt":"x"}}`, resource.ErrInvalidToken},
		{"active as a string", 200, kind, `{"active":"true"}`, resource.ErrUnavailable},
		{"active as a number", 200, kind, `{"active":1}`, resource.ErrUnavailable},
		{"active is null", 200, kind, `{"active":null}`, resource.ErrUnavailable},
		{"no active", 200, kind, `{"sub":"alice"}`, resource.ErrUnavailable},
		{"Active", 200, kind, `{"Active":true}`, resource.ErrUnavailable},
		{"active twice", 200, kind, `{"active":false,"active":true}`, resource.ErrUnavailable},
		{"another issuer", 200, kind, `{"active":true,"iss":"https://other.example"}`, resource.ErrUnavailable},
		{"another audience", 200, kind, `{"active":true,"aud":"https://other.example"}`, resource.ErrUnavailable},
		{"no audience", 200, kind, `{"active":true,"aud":[]}`, resource.ErrUnavailable},
		{"another subject", 200, kind, `{"active":true,"sub":"bob"}`, resource.ErrUnavailable},
		{"another client", 200, kind, `{"active":true,"client_id":"other"}`, resource.ErrUnavailable},
		{"another token", 200, kind, `{"active":true,"jti":"t-2"}`, resource.ErrUnavailable},
		{"exp is text", 200, kind, `{"active":true,"exp":"tomorrow"}`, resource.ErrUnavailable},
		{"HTML", 200, "text/html", `{"active":true}`, resource.ErrUnavailable},
		{"no type", 200, "", `{"active":true}`, resource.ErrUnavailable},
		{"JWT", 200, "application/token-introspection+jwt", raw, resource.ErrUnavailable},
		{"array", 200, kind, `[{"active":true}]`, resource.ErrUnavailable},
		{"two values", 200, kind, `{"active":true}{"active":true}`, resource.ErrUnavailable},
		{"nothing", 200, kind, ``, resource.ErrUnavailable},
		{"broken", 200, kind, `{"active":true`, resource.ErrUnavailable},
		{"huge", 200, kind, `{"active":true,"x":"` + strings.Repeat("x", 1<<20) + `"}`, resource.ErrUnavailable},
		{"huge, of blanks", 200, kind, `{"active":true}` + strings.Repeat(" ", 1<<20), resource.ErrUnavailable},
		{"deep", 200, kind, `{"active":true,"x":` + strings.Repeat("[", 1000) + strings.Repeat("]", 1000) + `}`, resource.ErrUnavailable},
		{"created", 201, kind, `{"active":true}`, resource.ErrUnavailable},
		{"refused", 401, kind, `{"error":"invalid_client"}`, resource.ErrUnavailable},
		{"bad request", 400, kind, `{"active":true}`, resource.ErrUnavailable},
		{"in trouble", 500, kind, `{"active":true}`, resource.ErrUnavailable},
		{"redirect", 307, kind, `{"active":true}`, resource.ErrUnavailable},
		{"redirect by GET", 302, kind, `{"active":true}`, resource.ErrUnavailable},
	} {
		t.Run(c.name, func(t *testing.T) {
			at := serve(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header()["Content-Type"] = []string{c.kind}
				w.Header().Set("Location", elsewhere.URL)
				w.WriteHeader(c.status)
				fmt.Fprint(w, c.body)
			}))
			guard := newGuard(t, resource.Config{Keys: key.PublicKeys(time.Now()), Introspect: &resource.Introspection{ClientID: "api", Secret: "s", Transport: to(at), URL: "https://as.example.com/in"}})
			for range 2 {
				caller, err := guard.Verify(t.Context(), raw)
				if c.want == nil && (err != nil || caller.Subject != "alice") || c.want != nil && (!errors.Is(err, c.want) || caller != nil) {
					t.Errorf("%v, want %v", err, c.want)
				}
				if err != nil && strings.Contains(err.Error(), raw) {
					t.Errorf("the token is in %q", err)
				}
			}
		})
	}
	if hostile.Load() != 0 {
		t.Errorf("a redirect was followed %d times", hostile.Load())
	}
}

// to sends the requests to as.example.com to another place, over HTTP.
func to(at string) http.RoundTripper {
	return says(func(r *http.Request) (*http.Response, error) {
		u, err := url.Parse(at)
		if err != nil {
			return nil, err
		}
		r = r.Clone(r.Context())
		if r.URL.Host == "as.example.com" { // a redirect leads where it leads
			r.URL.Scheme, r.URL.Host = u.Scheme, u.Host
		}
		return http.DefaultTransport.RoundTrip(r)
	})
}

// TestIntrospectAges: an answer counts for MaxAge from when it was asked for, never beyond exp, and bad ones are not kept.
func TestIntrospectAges(t *testing.T) {
	key := generate(t)
	run := func(name string, ask resource.Introspection, f func(t *testing.T, verify func(raw string) error, asked func() int64, active *atomic.Bool)) {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var asked atomic.Int64
				var active atomic.Bool
				active.Store(true)
				ask.ClientID, ask.Secret, ask.URL = "api", "s", "https://as.example.com/in"
				ask.Transport = says(func(*http.Request) (*http.Response, error) {
					asked.Add(1)
					return answers(200, "application/json", fmt.Sprintf(`{"active":%v}`, active.Load()))
				})
				guard := newGuard(t, resource.Config{Keys: key.PublicKeys(time.Now()), Introspect: &ask})
				f(t, func(raw string) error { _, err := guard.Verify(t.Context(), raw); return err }, asked.Load, &active)
			})
		})
	}
	passes := func(t *testing.T, err error) {
		t.Helper()
		if err != nil {
			t.Error(err)
		}
	}
	refused := func(t *testing.T, err error) {
		t.Helper()
		if !errors.Is(err, resource.ErrInvalidToken) {
			t.Errorf("%v, want a refused token", err)
		}
	}
	times := func(t *testing.T, got, want int64) {
		t.Helper()
		if got != want {
			t.Errorf("asked %d times, want %d", got, want)
		}
	}
	run("ten seconds", resource.Introspection{}, func(t *testing.T, verify func(string) error, asked func() int64, active *atomic.Bool) {
		raw := mint(t, key, nil)
		passes(t, verify(raw))
		active.Store(false)
		time.Sleep(10*time.Second - 1)
		passes(t, verify(raw)) // which does not lengthen it
		times(t, asked(), 1)
		time.Sleep(time.Nanosecond)
		refused(t, verify(raw))
		refused(t, verify(raw)) // bad answers are not kept
		times(t, asked(), 3)
		active.Store(true)
		passes(t, verify(raw))
	})
	run("off", resource.Introspection{MaxAge: -1}, func(t *testing.T, verify func(string) error, asked func() int64, active *atomic.Bool) {
		raw := mint(t, key, nil)
		passes(t, verify(raw))
		passes(t, verify(raw))
		times(t, asked(), 2)
		active.Store(false)
		refused(t, verify(raw))
	})
	run("never beyond exp", resource.Introspection{MaxAge: time.Minute}, func(t *testing.T, verify func(string) error, asked func() int64, _ *atomic.Bool) {
		raw := mint(t, key, func(c *token.Claims) { c.Expires = time.Now().Add(5 * time.Second) })
		passes(t, verify(raw))
		time.Sleep(5 * time.Second)
		passes(t, verify(raw)) // the skew: clocks differ, and the issuer's word counts
		times(t, asked(), 2)
		passes(t, verify(raw))
		times(t, asked(), 3)
		time.Sleep(10 * time.Second)
		refused(t, verify(raw))
		times(t, asked(), 3)
	})
	run("each token for itself", resource.Introspection{}, func(t *testing.T, verify func(string) error, asked func() int64, active *atomic.Bool) {
		passes(t, verify(mint(t, key, nil)))
		active.Store(false)
		refused(t, verify(mint(t, key, func(c *token.Claims) { c.ID = "t-2" })))
		times(t, asked(), 2)
	})
	run("bounded", resource.Introspection{Max: 4, MaxAge: time.Minute}, func(t *testing.T, verify func(string) error, asked func() int64, active *atomic.Bool) {
		var all []string
		for n := range 40 {
			all = append(all, mint(t, key, func(c *token.Claims) { c.ID = fmt.Sprint("t-", n) }))
			passes(t, verify(all[n]))
		}
		active.Store(false)
		kept := 0
		for _, raw := range all {
			if verify(raw) == nil {
				kept++
			}
		}
		if kept > 4 || kept == 0 {
			t.Errorf("%d answers were kept, want at most 4 and some", kept)
		}
	})
}

// TestIntrospectTogether: many requests with one token at the same time make one question, and one caller who goes away does
// not end it for the others.
func TestIntrospectTogether(t *testing.T) {
	key := generate(t)
	synctest.Test(t, func(t *testing.T) {
		var asked atomic.Int64
		guard := newGuard(t, resource.Config{Keys: key.PublicKeys(time.Now()), Introspect: &resource.Introspection{
			ClientID: "api", Secret: "s", URL: "https://as.example.com/in",
			Transport: says(func(r *http.Request) (*http.Response, error) {
				asked.Add(1)
				select {
				case <-time.After(time.Second):
					return answers(200, "application/json", `{"active":true}`)
				case <-r.Context().Done():
					return nil, r.Context().Err()
				}
			}),
		}})
		raw := mint(t, key, nil)
		hasty, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		var wg sync.WaitGroup
		wg.Go(func() {
			if _, err := guard.Verify(hasty, raw); !errors.Is(err, resource.ErrUnavailable) {
				t.Errorf("the one who went away: %v", err)
			}
		})
		synctest.Wait()
		for range 100 {
			wg.Go(func() {
				if _, err := guard.Verify(t.Context(), raw); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if asked.Load() != 1 {
			t.Errorf("asked %d times", asked.Load())
		}
	})
}

// TestIntrospectSlowAnswer: who comes when a question has been under way for longer than MaxAge asks for himself, or he would
// be let in on a judgement that is older.
func TestIntrospectSlowAnswer(t *testing.T) {
	key := generate(t)
	for _, maxAge := range []time.Duration{time.Second, -1} {
		synctest.Test(t, func(t *testing.T) {
			var revoked atomic.Bool
			guard := newGuard(t, resource.Config{Keys: key.PublicKeys(time.Now()), Introspect: &resource.Introspection{
				ClientID: "api", Secret: "s", URL: "https://as.example.com/in", MaxAge: maxAge,
				Transport: says(func(*http.Request) (*http.Response, error) {
					if revoked.Load() {
						return answers(200, "application/json", `{"active":false}`)
					}
					time.Sleep(3 * time.Second) // judged, and long on its way
					return answers(200, "application/json", `{"active":true}`)
				}),
			}})
			raw := mint(t, key, nil)
			var wg sync.WaitGroup
			wg.Go(func() {
				if _, err := guard.Verify(t.Context(), raw); err != nil {
					t.Errorf("before it was revoked: %v", err)
				}
			})
			synctest.Wait()
			revoked.Store(true)
			time.Sleep(max(maxAge, 1))
			for range 3 { // once with the first question under way, then after it has landed
				if _, err := guard.Verify(t.Context(), raw); !errors.Is(err, resource.ErrInvalidToken) {
					t.Errorf("MaxAge %v: %v", maxAge, err)
				}
				time.Sleep(2 * time.Second)
			}
			wg.Wait()
		})
	}
}

// TestIntrospectTimeout: an endpoint that does not answer in time is one that cannot be asked, and a panic of a transport
// ends no program.
func TestIntrospectTimeout(t *testing.T) {
	key := generate(t)
	for _, maxAge := range []time.Duration{0, -1} {
		synctest.Test(t, func(t *testing.T) {
			guard := newGuard(t, resource.Config{Keys: key.PublicKeys(time.Now()), Introspect: &resource.Introspection{
				ClientID: "api", Secret: "s", URL: "https://as.example.com/in", MaxAge: maxAge, Timeout: 2 * time.Second,
				Transport: says(func(r *http.Request) (*http.Response, error) {
					<-r.Context().Done()
					return nil, r.Context().Err()
				}),
			}})
			began := time.Now()
			if _, err := guard.Verify(t.Context(), mint(t, key, nil)); !errors.Is(err, resource.ErrUnavailable) {
				t.Error(err)
			}
			if took := time.Since(began); took != 2*time.Second {
				t.Errorf("took %v", took)
			}
		})
	}
	guard := newGuard(t, resource.Config{Keys: key.PublicKeys(time.Now()), Introspect: &resource.Introspection{
		ClientID: "api", Secret: "s", URL: "https://as.example.com/in",
		Transport: says(func(*http.Request) (*http.Response, error) { panic("boom") }),
	}})
	if _, err := guard.Verify(t.Context(), mint(t, key, nil)); !errors.Is(err, resource.ErrUnavailable) {
		t.Error(err)
	}
}

// TestIntrospectQuestion reads what is sent: the token in the body alone, credentials made for the issuer, each time anew.
func TestIntrospectQuestion(t *testing.T) {
	key := generate(t)
	var asserted []string
	guard := newGuard(t, resource.Config{Keys: key.PublicKeys(time.Now()), Introspect: &resource.Introspection{
		ClientID: "api", Key: key, URL: "https://as.example.com/in", MaxAge: -1,
		Transport: says(func(r *http.Request) (*http.Response, error) {
			body, _ := io.ReadAll(r.Body)
			form, err := url.ParseQuery(string(body))
			if err != nil || r.Method != http.MethodPost || r.URL.String() != "https://as.example.com/in" || r.Header.Get("Authorization") != "" {
				t.Errorf("%s %s %v", r.Method, r.URL, r.Header)
			}
			asserted = append(asserted, form.Get("client_assertion"))
			if form.Get("token") == "" || form.Get("client_id") != "api" {
				t.Errorf("the form is %v", form)
			}
			return answers(200, "application/json", `{"active":true}`)
		}),
	}})
	for range 2 {
		if _, err := guard.Verify(t.Context(), mint(t, key, nil)); err != nil {
			t.Fatal(err)
		}
	}
	if asserted[0] == asserted[1] {
		t.Error("an assertion was sent twice")
	}
}

// TestIntrospectMetadata: the endpoint is found by metadata of the issuer alone, once for all, and not where it would send
// credentials over an open network.
func TestIntrospectMetadata(t *testing.T) {
	key := generate(t)
	for _, c := range []struct {
		name, document string
		want           error
	}{
		{"good", `{"issuer":"` + issuer + `","introspection_endpoint":"https://other.example/in"}`, nil},
		{"none", `{"issuer":"` + issuer + `"}`, resource.ErrUnavailable},
		{"another issuer", `{"issuer":"https://other.example","introspection_endpoint":"https://as.example.com/in"}`, resource.ErrUnavailable},
		{"open network", `{"issuer":"` + issuer + `","introspection_endpoint":"http://as.example.com/in"}`, resource.ErrUnavailable},
		{"loopback of an issuer on https", `{"issuer":"` + issuer + `","introspection_endpoint":"http://127.0.0.1/in"}`, resource.ErrUnavailable},
		{"not a text", `{"issuer":"` + issuer + `","introspection_endpoint":["https://as.example.com/in"]}`, resource.ErrUnavailable},
	} {
		synctest.Test(t, func(t *testing.T) {
			var documents, questions atomic.Int64
			guard := newGuard(t, resource.Config{Keys: key.PublicKeys(time.Now()), Introspect: &resource.Introspection{
				ClientID: "api", Secret: "s", MaxAge: -1,
				Transport: says(func(r *http.Request) (*http.Response, error) {
					if r.Method == http.MethodGet {
						documents.Add(1)
						time.Sleep(time.Millisecond)
						return answers(200, "application/json", c.document)
					}
					questions.Add(1)
					return answers(200, "application/json", `{"active":true}`)
				}),
			}})
			raw := mint(t, key, func(c *token.Claims) { c.Expires = time.Now().Add(2 * time.Hour) })
			var wg sync.WaitGroup
			for range 20 {
				wg.Go(func() {
					if _, err := guard.Verify(t.Context(), raw); !errors.Is(err, c.want) {
						t.Errorf("%s: %v", c.name, err)
					}
				})
			}
			wg.Wait()
			if documents.Load() != 1 || c.want != nil && questions.Load() != 0 {
				t.Errorf("%s: %d documents, %d questions", c.name, documents.Load(), questions.Load())
			}
			time.Sleep(2 * time.Second)
			_, _ = guard.Verify(t.Context(), raw)
			if want := map[bool]int64{true: 1, false: 2}[c.want == nil]; documents.Load() != want {
				t.Errorf("%s: %d documents after two seconds, want %d", c.name, documents.Load(), want)
			}
		})
	}
}

// TestIntrospectConfiguration: all faults are told, and no secret is.
func TestIntrospectConfiguration(t *testing.T) {
	key := generate(t)
	const hidden = "the secret of the API"
	for fault, ask := range map[string]resource.Introspection{
		"ClientID":    {Secret: hidden},
		"exactly one": {ClientID: "api"},
		"one of Key":  {ClientID: "api", Key: key, Secret: hidden},
		"cannot sign": {ClientID: "api", Key: &keys.Private{}},
		"https":       {ClientID: "api", Secret: hidden, URL: "http://as.example.com/in"},
		"as the":      {ClientID: "api", Secret: hidden, URL: "http://127.0.0.1/in"},
		"minute":      {ClientID: "api", Secret: hidden, MaxAge: time.Hour},
		"negative":    {ClientID: "api", Secret: hidden, Max: -1},
		"Timeout":     {ClientID: "api", Secret: hidden, Timeout: time.Minute},
	} {
		_, err := resource.New(resource.Config{Issuer: issuer, Audience: audience, Introspect: &ask})
		if err == nil || !strings.Contains(err.Error(), fault) || strings.Contains(err.Error(), hidden) {
			t.Errorf("%s: %v", fault, err)
		}
		text, err := json.Marshal(ask)
		if shown := fmt.Sprintf("%v %+v %#v %s %v", ask, ask, &ask, string(text), err); strings.Contains(shown, hidden) {
			t.Errorf("%s", shown)
		}
	}
	_, err := resource.New(resource.Config{Introspect: &resource.Introspection{}})
	if err == nil || !strings.Contains(err.Error(), "Audience") || !strings.Contains(err.Error(), "ClientID") || !strings.Contains(err.Error(), "exactly one") {
		t.Errorf("%v", err)
	}
}
