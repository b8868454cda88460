package avouch_test

import (
	"context"
	"crypto/rand"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/avouch-oauth/avouch"
	"github.com/avouch-oauth/avouch/assertion"
	"github.com/avouch-oauth/avouch/grant"
	"github.com/avouch-oauth/avouch/handle"
	"github.com/avouch-oauth/avouch/keys"
	"github.com/avouch-oauth/avouch/replay"
	"github.com/avouch-oauth/avouch/token"
	"github.com/avouch-oauth/avouch/trust"
)

// hooks writes down which hook is called, one after the other.
type hooks struct {
	called  []string
	clients avouch.ClientList
	trusted trust.List
	minter  *token.Minter
	guard   replay.Guard
}

func (h *hooks) note(name string) {
	if n := len(h.called); n == 0 || h.called[n-1] != name {
		h.called = append(h.called, name)
	}
}

func (h *hooks) Client(ctx context.Context, id string) (*avouch.Client, error) {
	h.note("Clients.Client")
	return h.clients.Client(ctx, id)
}

func (h *hooks) SubjectDisabled(context.Context, string) (bool, error) {
	h.note("Subjects.SubjectDisabled")
	return false, nil
}

func (h *hooks) FirstUse(ctx context.Context, now time.Time, uses ...replay.Use) error {
	h.note("Config.Replay")
	return h.guard.FirstUse(ctx, now, uses...)
}

func (h *hooks) Mint(ctx context.Context, c *token.Claims) (string, error) {
	h.note("Minter.Mint")
	return h.minter.Mint(ctx, c)
}

func (h *hooks) PublicKeys(now time.Time) *keys.Set { return h.minter.PublicKeys(now) }

// trustHook is the Trust of the grant.
type trustHook struct{ *hooks }

func (h trustHook) Issuer(ctx context.Context, issuer string) (*trust.Issuer, error) {
	h.note("JWTBearer.Trust")
	return h.trusted.Issuer(ctx, issuer)
}

// nameHook authenticates a client by its name, for a test of the order.
type nameHook struct{ *hooks }

func (nameHook) Method() string { return "name" }

func (h nameHook) Presented(req *avouch.Request) bool {
	h.note("ClientAuth.Presented")
	return req.Param("name") != ""
}

func (h nameHook) Authenticate(ctx context.Context, req *avouch.Request) (*avouch.Authentication, error) {
	h.note("ClientAuth.Authenticate")
	c, err := req.FindClient(ctx, req.Param("name"))
	return &avouch.Authentication{Client: c}, err
}

// grantHook is the JWT bearer grant with a Record.
type grantHook struct {
	*grant.JWTBearer
	*hooks
}

func (g grantHook) Authorize(ctx context.Context, req *avouch.Request) (*avouch.Authorization, error) {
	g.note("Grant.Authorize")
	authz, err := g.JWTBearer.Authorize(ctx, req)
	if authz != nil {
		authz.Record = func(context.Context, *avouch.Issued) error { g.note("Authorization.Record"); return nil }
		authz.Family, authz.Refresh = rand.Text(), true // one that no second request of this test ends
	}
	return authz, err
}

// storeHook is a store that notes its calls.
type storeHook struct {
	handle.Store
	*hooks
}

func (s storeHook) Revoked(ctx context.Context, now time.Time, ids ...string) (bool, error) {
	s.note("Config.Handles")
	return s.Store.Revoked(ctx, now, ids...)
}

// refreshHook is the refresh token grant, noting what is made.
type refreshHook struct {
	*grant.RefreshToken
	*hooks
}

func (r refreshHook) Issue(ctx context.Context, store handle.Store, now time.Time, client *avouch.Client, kept *avouch.Authorization) (string, error) {
	r.note("Config.Refresh")
	return r.RefreshToken.Issue(ctx, store, now, client, kept)
}

// TestHooksPage holds the order that docs/guide/hooks.md tells, and which hooks it says that Explain calls, to what
// happens.
func TestHooksPage(t *testing.T) {
	page := readFile(t, "docs/guide/hooks.md")
	signing, err := keys.Generate(keys.ES256)
	if err != nil {
		t.Fatal(err)
	}
	private, public, err := keys.GeneratePairs(1, keys.ES256)
	if err != nil {
		t.Fatal(err)
	}
	h := &hooks{
		clients: avouch.ClientList{{ID: "shop", AuthMethod: "name", Grants: []string{grant.JWTBearerType, grant.RefreshTokenType}, Scopes: []string{"read"}}},
		trusted: trust.List{{Issuer: "https://idp.example", Keys: public}},
		minter:  &token.Minter{Key: signing},
		guard:   replay.NewMemory(replay.MemoryConfig{}),
	}
	bearer := &grant.JWTBearer{
		Trust: trustHook{h},
		Client: func(context.Context, *assertion.Assertion) (string, error) {
			h.note("JWTBearer.Client")
			return "shop", nil
		},
		Subject: func(context.Context, *assertion.Assertion) (string, error) {
			h.note("JWTBearer.Subject")
			return "alice", nil
		},
		Permit: func(context.Context, string, string, *assertion.Assertion) error {
			h.note("JWTBearer.Permit")
			return nil
		},
		Scopes: func(context.Context, string, string, *assertion.Assertion) ([]string, error) {
			h.note("JWTBearer.Scopes")
			return []string{"read"}, nil
		},
	}
	server, err := avouch.New(avouch.Config{
		Issuer: "https://as.example", Minter: h, Grants: []avouch.Grant{grantHook{bearer, h}}, ClientAuth: []avouch.ClientAuth{nameHook{h}},
		Clients: h, Subjects: h, Replay: h, Handles: storeHook{handle.NewMemory(0), h}, Refresh: refreshHook{&grant.RefreshToken{}, h},
		Lapsed:  func(context.Context, *token.Claims) (*avouch.Lapse, error) { h.note("Config.Lapsed"); return nil, nil },
		Reserve: func(context.Context) error { h.note("Config.Reserve"); return nil },
		Observe: func(context.Context, avouch.Event) { h.note("Config.Observe") },
	})
	if err != nil {
		t.Fatal(err)
	}
	raw, err := assertion.Sign(assertion.Claims{Issuer: "https://idp.example", Subject: "4711", Audience: "https://as.example"}, private[0])
	if err != nil {
		t.Fatal(err)
	}
	form := url.Values{"grant_type": {grant.JWTBearerType}, "assertion": {raw}, "name": {"shop"}}
	post := func(want int) []string {
		h.called = nil
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/oauth/token", strings.NewReader(form.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		w := httptest.NewRecorder()
		server.TokenEndpoint().ServeHTTP(w, r)
		if w.Code != want {
			t.Fatalf("%d %s", w.Code, w.Body)
		}
		return h.called
	}

	// The rows of the table at the token endpoint, by their numbers, and the hooks that each names.
	section, _, _ := strings.Cut(page[strings.Index(page, "## At the token endpoint"):], "## At the browser")
	var rows [][]string
	for _, row := range regexp.MustCompile(`(?m)^\| \d+[a-g]? \| ([^|]+) \|`).FindAllStringSubmatch(section, -1) {
		var names []string
		for _, name := range regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(row[1], -1) {
			names = append(names, name[1])
		}
		rows = append(rows, names)
	}
	if len(rows) < 15 {
		t.Fatalf("the table has %d rows: something of it is not read", len(rows))
	}
	// inOrder walks down the table with the calls. Looking up clients and subjects is allowed in between: several steps do.
	inOrder := func(calls []string) {
		t.Helper()
		at := 0
		for _, call := range calls {
			next := slices.IndexFunc(rows[at:], func(names []string) bool { return slices.Contains(names, call) })
			switch {
			case call == "Clients.Client", call == "Subjects.SubjectDisabled":
			case next >= 0:
				at += next
			default:
				t.Errorf("%s is called, and has no row from row %d of the table on; the calls are %q", call, at+1, calls)
			}
		}
	}
	calls := post(200)
	inOrder(calls)
	for _, hook := range []string{
		"ClientAuth.Presented", "Clients.Client", "ClientAuth.Authenticate", "Grant.Authorize", "JWTBearer.Trust", "JWTBearer.Client",
		"JWTBearer.Subject", "JWTBearer.Permit", "JWTBearer.Scopes", "Subjects.SubjectDisabled", "Config.Handles", "Config.Lapsed",
		"Config.Reserve", "Config.Replay", "Minter.Mint", "Authorization.Record", "Config.Refresh", "Config.Observe",
	} {
		if !slices.Contains(calls, hook) {
			t.Errorf("%s was not called", hook)
		}
	}
	again := post(400)
	inOrder(again)
	if slices.Contains(again, "Minter.Mint") || slices.Contains(again, "Authorization.Record") {
		t.Errorf("at a second use %q were called", again)
	}

	// Explain.
	h.called = nil
	req, err := server.Request(form, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	req.Client = h.clients[0]
	if report := bearer.Explain(t.Context(), req); !report.Accepted {
		t.Errorf("explained as %+v", report)
	}
	list, _, _ := strings.Cut(page[strings.Index(page, "## Which are called by Explain"):], "and nothing else")
	for _, call := range h.called {
		if !strings.Contains(list, "`"+strings.TrimPrefix(call, "JWTBearer.")+"`") {
			t.Errorf("Explain calls %s, and the page does not say so", call)
		}
	}
	if len(h.called) < 6 {
		t.Errorf("Explain has called %q only", h.called)
	}

	// Decide: everything above Reserve, but for the authentication by a method that cannot suppose.
	h.called = nil
	form.Set("client_id", "shop")
	if req, err = server.Request(form, time.Now()); err != nil {
		t.Fatal(err)
	}
	if d, err := server.Decide(t.Context(), req); err != nil || d.Claims.Subject != "alice" {
		t.Fatalf("%+v, %v", d, err)
	}
	inOrder(h.called)
	above := slices.IndexFunc(rows, func(names []string) bool { return slices.Contains(names, "Config.Reserve") })
	for _, call := range h.called {
		if call == "ClientAuth.Authenticate" || !slices.ContainsFunc(rows[:above], func(names []string) bool { return slices.Contains(names, call) }) {
			t.Errorf("a dry run has called %s", call)
		}
	}
	if !slices.Contains(h.called, "Grant.Authorize") || !slices.Contains(h.called, "Config.Lapsed") {
		t.Errorf("a dry run has called %q only", h.called)
	}
}
