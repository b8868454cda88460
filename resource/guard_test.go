package resource_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/avouch-oauth/avouch/assertion"
	"github.com/avouch-oauth/avouch/internal/jose"
	"github.com/avouch-oauth/avouch/keys"
	"github.com/avouch-oauth/avouch/resource"
	"github.com/avouch-oauth/avouch/token"
)

// TestChallenges reads what refused callers get (RFC 6750 §3, RFC 9728 §5.1), byte by byte.
func TestChallenges(t *testing.T) {
	key := generate(t)
	good := mint(t, key, nil)
	reader := mint(t, key, func(c *token.Claims) { c.Scopes = []string{"orders:read"} })
	guard := newGuard(t, resource.Config{Keys: key.PublicKeys(time.Now())})
	var reached atomic.Int64
	at := serve(t, guard.Require("orders:write")(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached.Add(1) })))

	const (
		scope     = `scope="orders:write"`
		noToken   = `Bearer ` + scope + `, ` + metadata
		malformed = `Bearer error="invalid_token", error_description="the access token is malformed, expired, or not meant for this API; get a new one", ` + scope + `, ` + metadata
	)
	bad := func(description string) string {
		return `Bearer error="invalid_request", error_description="` + description + `", ` + scope + `, ` + metadata
	}
	for _, c := range []struct {
		name      string
		header    []string // values of Authorization
		query     string
		form      string
		status    int
		challenge string
	}{
		{"good", []string{"Bearer " + good}, "", "", 200, ""},
		{"scheme in any case", []string{"bEARER " + good}, "", "", 200, ""},
		{"more spaces", []string{"Bearer   " + good}, "", "", 200, ""},
		{"a form of its own", []string{"Bearer " + good}, "x=access_token", "item=access_token&n=1", 200, ""},
		{"no token", nil, "", "", 401, noToken},
		{"empty header", []string{""}, "", "", 401, noToken},
		{"another scheme", []string{"Basic dTpw"}, "", "", 401, noToken},
		{"scheme runs into token", []string{"Bearer" + good}, "", "", 401, noToken},
		{"tab for a space", []string{"Bearer\t" + good}, "", "", 401, noToken},
		{"token only in a form", nil, "", "access_token=" + good, 401, noToken},
		{"scheme alone", []string{"Bearer"}, "", "", 400, bad("the Authorization header has no token after Bearer")},
		{"two tokens in a header", []string{"Bearer " + good + " " + good}, "", "", 400, bad("the Authorization header holds more than one token")},
		{"two credentials in a header", []string{"Bearer " + good + ", Bearer " + good}, "", "", 400, bad("the Authorization header holds more than one token")},
		{"two headers", []string{"Bearer " + good, "Bearer " + good}, "", "", 400, bad("the request has more than one Authorization header")},
		{"two headers, first is not ours", []string{"Basic dTpw", "Bearer " + good}, "", "", 400, bad("the request has more than one Authorization header")},
		{"token only in the query", nil, "access_token=" + good, "", 400, bad("the access token is in the URL; send it in the Authorization header")},
		{"token in the query too", []string{"Bearer " + good}, "access_token=" + good, "", 400, bad("the request has a token in its URL beside the one in the Authorization header")},
		{"name of the parameter escaped", []string{"Bearer " + good}, "a=%zz&%61ccess_token=x", "", 400, bad("the request has a token in its URL beside the one in the Authorization header")},
		{"token in a form too", []string{"Bearer " + good}, "", "a=1&access_token=" + good, 400, bad("the request has a token in its form beside the one in the Authorization header")},
		{"no JWT", []string{"Bearer opaque"}, "", "", 401, malformed},
		{"quotes", []string{`Bearer "` + good + `"`}, "", "", 401, malformed},
		{"oversized", []string{"Bearer " + strings.Repeat("a", 17<<10)}, "", "", 401, malformed},
		{"scope lacking", []string{"Bearer " + reader}, "", "", 403,
			`Bearer error="insufficient_scope", error_description="the access token lacks a scope that this request needs", ` + scope + `, ` + metadata},
	} {
		t.Run(c.name, func(t *testing.T) {
			before := reached.Load()
			var body io.Reader
			if c.form != "" {
				body = strings.NewReader(c.form)
			}
			req, err := http.NewRequest(http.MethodPost, at+"/orders?"+c.query, body)
			if err != nil {
				t.Fatal(err)
			}
			if c.form != "" {
				req.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=UTF-8")
			}
			req.Header["Authorization"] = c.header
			resp, err := http.DefaultClient.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			text, _ := io.ReadAll(resp.Body)
			if resp.StatusCode != c.status {
				t.Fatalf("status %d, want %d; body %s", resp.StatusCode, c.status, text)
			}
			if got := strings.Join(resp.Header.Values("WWW-Authenticate"), "|"); got != c.challenge {
				t.Errorf("challenge\n got %s\nwant %s", got, c.challenge)
			}
			if passed := reached.Load() - before; passed == 1 != (c.status == 200) {
				t.Errorf("the handler ran %d times", passed)
			}
			if c.status != 200 && resp.Header.Get("Cache-Control") != "no-store" {
				t.Error("a refusal may be cached")
			}
			if bytes.Contains(text, []byte(good[:40])) {
				t.Error("the answer repeats the token")
			}
		})
	}
}

// TestOtherTokens presents what the same key signs for other purposes, and tokens of others (RFC 9068 §4).
func TestOtherTokens(t *testing.T) {
	key, stranger := generate(t), generate(t)
	guard := newGuard(t, resource.Config{Keys: key.PublicKeys(time.Now())})
	at := serve(t, guard.WhoAmI())

	good := mint(t, key, nil)
	parts := strings.Split(good, ".")
	typed := func(typ string) string {
		raw, err := assertion.Sign(assertion.Claims{
			Issuer: issuer, Subject: "alice", Audience: audience, Type: typ, More: map[string]any{"client_id": "shop"},
		}, key)
		if err != nil {
			t.Fatal(err)
		}
		return raw
	}
	headed := func(typ string) string {
		header := fmt.Sprintf(`{"alg":"ES256","kid":%q%s}`, key.ID, typ)
		payload, err := base64.RawURLEncoding.DecodeString(parts[1])
		if err != nil {
			t.Fatal(err)
		}
		raw, err := jose.AppendSigned(nil, []byte(header), payload, "ES256", key.Signer)
		if err != nil {
			t.Fatal(err)
		}
		return string(raw)
	}
	unsigned := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none","typ":"at+jwt"}`)) + "." + parts[1] + "."

	for _, c := range []struct {
		name, raw string
		status    int
	}{
		{"good", good, 200},
		{"access token by its media type", typed("application/at+jwt"), 200},
		{"access token in another case", typed("AT+JWT"), 200},
		{"without a type", headed(``), 401},
		{"type by hand", headed(`,"typ":"at+jwt"`), 200},
		{"type twice", headed(`,"typ":"at+jwt","typ":"at+jwt"`), 401},
		{"type of another type", headed(`,"typ":["at+jwt"]`), 401},
		{"type a number", headed(`,"typ":7`), 401},
		{"type with more behind it", headed(`,"typ":"at+jwt;x=y"`), 401},
		{"endless type", headed(`,"typ":"` + strings.Repeat("at+jwt", 2000) + `"`), 401},
		{"critical extension", headed(`,"typ":"at+jwt","crit":["x"],"x":1`), 401},
		{"ID token", typed("JWT"), 401},
		{"client assertion", typed("client-authentication+jwt"), 401},
		{"DPoP proof", typed("dpop+jwt"), 401},
		{"logout token", typed("logout+jwt"), 401},
		{"of another issuer", mint(t, key, func(c *token.Claims) { c.Issuer = "https://as.example.com/" }), 401},
		{"for another API", mint(t, key, func(c *token.Claims) { c.Audience = []string{"https://orders.example.com/"} }), 401},
		{"for several, us among them", mint(t, key, func(c *token.Claims) { c.Audience = []string{"https://x.example", audience} }), 200},
		{"expired", mint(t, key, func(c *token.Claims) {
			c.IssuedAt = c.IssuedAt.Add(-time.Hour)
			c.Expires = c.IssuedAt.Add(time.Minute)
		}), 401},
		{"of a stranger's key", mint(t, stranger, nil), 401},
		{"unsigned", unsigned, 401},
		{"without its signature", parts[0] + "." + parts[1] + ".", 401},
		{"with the signature of another", parts[0] + "." + parts[1] + "." + strings.Split(mint(t, key, func(c *token.Claims) { c.Subject = "bob" }), ".")[2], 401},
		{"bound to a key", mint(t, key, func(c *token.Claims) { c.More = map[string]any{"cnf": map[string]any{"jkt": "x"}} }), 401},
		{"bound to nothing, it says", mint(t, key, func(c *token.Claims) { c.More = map[string]any{"cnf": nil} }), 401},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := status(t, at, c.raw); got != c.status {
				t.Errorf("status %d, want %d", got, c.status)
			}
		})
	}
}

// TestTruncation cuts a good token at every byte.
func TestTruncation(t *testing.T) {
	key := generate(t)
	guard := newGuard(t, resource.Config{Keys: key.PublicKeys(time.Now())})
	good := mint(t, key, nil)
	if _, err := guard.Verify(t.Context(), good); err != nil {
		t.Fatal(err)
	}
	for n := range good {
		if _, err := guard.Verify(t.Context(), good[:n]); !errors.Is(err, resource.ErrInvalidToken) {
			t.Fatalf("the first %d of %d bytes: %v", n, len(good), err)
		}
	}
}

// TestOutage: while the issuer's keys cannot be had nobody gets in, and no good token is called bad.
func TestOutage(t *testing.T) {
	key := generate(t)
	var fault atomic.Value
	fault.Store(fmt.Errorf("%w: connection refused", keys.ErrUnavailable))
	public := key.Public()
	var log bytes.Buffer
	guard := newGuard(t, resource.Config{
		Log: slog.New(slog.NewTextHandler(&log, nil)),
		Keys: sourceFunc(func(keys.Hint) ([]*keys.Public, error) {
			if err := fault.Load().(error); !errors.Is(err, io.EOF) {
				return nil, err
			}
			return []*keys.Public{&public}, nil
		}),
	})
	at := serve(t, guard.WhoAmI())
	good := mint(t, key, nil)
	for _, err := range []error{
		fault.Load().(error), context.DeadlineExceeded, errors.New("a source that breaks its contract"),
	} {
		fault.Store(fmt.Errorf("%w", err))
		resp := get(t, at, good)
		if resp.StatusCode != http.StatusServiceUnavailable || resp.Header.Get("Retry-After") == "" || resp.Header.Get("WWW-Authenticate") != "" {
			t.Errorf("%v: %s %v, want 503 with Retry-After and without a challenge", err, resp.Status, resp.Header)
		}
	}
	if s := log.String(); !strings.Contains(s, "level=ERROR") || !strings.Contains(s, "connection refused") {
		t.Errorf("the operator learns too little: %s", s)
	}
	fault.Store(fmt.Errorf("%w", keys.ErrNoKey))
	if got := status(t, at, good); got != 401 {
		t.Errorf("no such key: status %d, want 401", got)
	}
	fault.Store(fmt.Errorf("%w", io.EOF)) // none: an atomic.Value holds no nil
	if got := status(t, at, good); got != 200 {
		t.Errorf("after the outage: status %d, want 200", got)
	}
	if strings.Contains(log.String(), good[len(good)-40:]) {
		t.Error("the log holds the token")
	}
}

// TestHandlerSees what the handler gets: the caller, the body as it was sent, and no Authorization header.
func TestHandlerSees(t *testing.T) {
	key := generate(t)
	guard := newGuard(t, resource.Config{Keys: key.PublicKeys(time.Now())})
	raw := mint(t, key, func(c *token.Claims) { c.More = map[string]any{"groups": []string{"staff"}} })
	form := "item=" + strings.Repeat("x", 100<<10)

	var outer http.Header
	inner := guard.Require("orders:read", "orders:write")(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		caller, ok := resource.FromContext(r.Context())
		if !ok {
			t.Fatal("no caller")
		}
		if caller.Subject != "alice" || caller.ClientID != "shop" || caller.Issuer != issuer || caller.ID != "t-1" ||
			!caller.Has("orders:write") || caller.Has("orders") || time.Until(caller.Expires) <= 0 {
			t.Errorf("caller is %+v", caller.Claims)
		}
		var groups []string
		if found, err := caller.Decode("groups", &groups); !found || err != nil || len(groups) != 1 || groups[0] != "staff" {
			t.Errorf("groups: %v %v %v", groups, found, err)
		}
		if _, there := r.Header["Authorization"]; there {
			t.Error("the handler sees the Authorization header")
		}
		if caller.Token() != raw {
			t.Error("Token is not the token")
		}
		body, err := io.ReadAll(r.Body)
		if err != nil || string(body) != form {
			t.Errorf("body has %d bytes (%v), want %d", len(body), err, len(form))
		}
		var line bytes.Buffer
		slog.New(slog.NewJSONHandler(&line, nil)).Info("seen", "caller", caller)
		if strings.Contains(line.String(), raw[:20]) || !strings.Contains(line.String(), `"sub":"alice"`) {
			t.Errorf("log line: %s", line.String())
		}
	}))
	at := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		inner.ServeHTTP(w, r)
		outer = r.Header
	}))
	req, _ := http.NewRequest(http.MethodPost, at, strings.NewReader(form))
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Authorization", "Bearer "+raw)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Fatal(resp.Status)
	}
	if outer.Get("Authorization") == "" {
		t.Error("the guard changed the request of those before it")
	}
	if _, ok := resource.FromContext(t.Context()); ok {
		t.Error("a context without a guard has a caller")
	}
}

// TestNothingKept: a verdict about a token is not reused, so a key that is gone counts at once.
func TestNothingKept(t *testing.T) {
	key := generate(t)
	public := key.Public()
	var gone atomic.Bool
	guard := newGuard(t, resource.Config{Keys: sourceFunc(func(keys.Hint) ([]*keys.Public, error) {
		if gone.Load() {
			return nil, keys.ErrNoKey
		}
		return []*keys.Public{&public}, nil
	})})
	raw := mint(t, key, nil)
	if _, err := guard.Verify(t.Context(), raw); err != nil {
		t.Fatal(err)
	}
	gone.Store(true)
	if _, err := guard.Verify(t.Context(), raw); !errors.Is(err, resource.ErrInvalidToken) {
		t.Errorf("after its key is gone: %v", err)
	}
}

// TestTwoCallers makes sure that callers at the same time are not mixed up.
func TestTwoCallers(t *testing.T) {
	key := generate(t)
	guard := newGuard(t, resource.Config{Keys: key.PublicKeys(time.Now())})
	h := guard.WhoAmI()
	var all sync.WaitGroup
	for n := range 8 {
		name := fmt.Sprint("user-", n)
		raw := mint(t, key, func(c *token.Claims) { c.Subject = name })
		all.Go(func() {
			for range 20 {
				r := httptest.NewRequest(http.MethodGet, "/whoami", nil)
				r.Header.Set("Authorization", "Bearer "+raw)
				w := httptest.NewRecorder()
				h.ServeHTTP(w, r)
				var who struct{ Sub string }
				if json.Unmarshal(w.Body.Bytes(), &who) != nil || who.Sub != name {
					t.Errorf("%s was taken for %q", name, who.Sub)
				}
			}
		})
	}
	all.Wait()
}

// TestExpiredIsSaid: a caller whose token has merely expired learns so.
func TestExpiredIsSaid(t *testing.T) {
	key := generate(t)
	at := serve(t, newGuard(t, resource.Config{Keys: key.PublicKeys(time.Now())}).WhoAmI())
	resp := get(t, at, mint(t, key, func(c *token.Claims) {
		c.IssuedAt = c.IssuedAt.Add(-time.Hour)
		c.Expires = c.IssuedAt.Add(time.Minute)
	}))
	if got := resp.Header.Get("WWW-Authenticate"); !strings.Contains(got, `error="invalid_token", error_description="the access token has expired; get a new one"`) {
		t.Error(got)
	}
}

func TestRequireRefusesSlips(t *testing.T) {
	guard := newGuard(t, resource.Config{Keys: generate(t).PublicKeys(time.Now())})
	for _, scope := range []string{"", "a b", `a"b`, "ä", "a\n"} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("Require(%q) did not panic", scope)
				}
			}()
			guard.Require("fine", scope)
		}()
	}
}

func get(t *testing.T, at, raw string) *http.Response {
	t.Helper()
	req, err := http.NewRequest(http.MethodGet, at, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+raw)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	return resp
}

func status(t *testing.T, at, raw string) int { t.Helper(); return get(t, at, raw).StatusCode }
