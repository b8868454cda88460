package signin

import (
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
)

// TestOperatorIsTold: who signed in and out, what he allowed or denied to whom, and what was refused, in lines with the same
// keys and in words that can be counted.
func TestOperatorIsTold(t *testing.T) {
	var mu sync.Mutex
	happened := map[string]int{}
	f := newFixture(t, func(c *Config) {
		c.Observe = func(what string) {
			mu.Lock()
			defer mu.Unlock()
			happened[what]++
		}
	})
	b := f.browser()
	p := b.signIn(somePage)
	b.post(somePage, p.form("decision", "allow")).leads("sub=acme%2Falice")
	p = b.get(devicePath+"?user_code=BCDF-GHJK").is(200, "Allow a device access?")
	b.post(p.url.RequestURI(), p.form("decision", "deny")).leads("error=access_denied")
	p = b.get(outPath).is(200, "Sign out?")
	b.post(outPath, p.form(), "Origin", "https://evil.example", "Sec-Fetch-Site", "cross-site").is(http.StatusForbidden, "This did not come from our page")
	b.post(outPath, p.form("step", "out")).is(200, "You are signed out")
	b.post(outPath, p.form("step", "out")).is(200, "You are signed out") // nobody is there: nothing has happened
	b.get(callbackPath+"?state=x&code=y").is(http.StatusBadRequest, "This sign-in is over")

	mu.Lock()
	defer mu.Unlock()
	if want := map[string]int{SignedIn: 1, Allowed: 1, Denied: 1, SignedOut: 1, SignInRefused: 2}; !maps.Equal(happened, want) {
		t.Errorf("told of %v, want %v", happened, want)
	}
	for _, want := range []string{
		`msg="signed in" sub=acme/alice remote=127.0.0.1:`,
		`msg="access allowed" sub=acme/alice remote=127.0.0.1:`,
		` client=orders-app scopes="[orders:read orders:write]" resources=[] device=false`,
		`msg="access denied" sub=acme/alice remote=127.0.0.1:`,
		` client=orders-app scopes=[orders:read] resources=[] device=true`,
		`msg="signed out" sub=acme/alice remote=127.0.0.1:`,
		`msg="sign-in refused" refusal_id=`,
	} {
		if !strings.Contains(f.log.String(), want) {
			t.Errorf("the log lacks %s:\n%s", want, f.log)
		}
	}
}

// TestAnotherUpstreamHasOtherSessions: who has signed in at a place that the operator has replaced, or as a test user, is
// not signed in at the new one.
func TestAnotherUpstreamHasOtherSessions(t *testing.T) {
	s, _, r := alone(t)
	if s.use(t, r) == nil {
		t.Fatal("no session")
	}
	at := func(issuer, name string) *SignIn {
		c := s.conf
		c.Upstream = &Upstream{Issuer: issuer, Name: name, ClientID: "x", Secret: "y"}
		other, err := New(c)
		if err != nil {
			t.Fatal(err)
		}
		return other
	}
	login := at("https://login.example", "dev")
	if login.use(t, r) != nil {
		t.Error("a test user is signed in at an upstream")
	}
	r.Header.Del("Cookie")
	w := httptest.NewRecorder()
	if err := login.open(w, r, time.Now(), "dev/alice", "", authorizePath); err != nil {
		t.Fatal(err)
	}
	for _, c := range w.Result().Cookies() {
		r.AddCookie(c)
	}
	if at("https://login.example", "dev").use(t, r) == nil {
		t.Error("the same upstream does not know its session after a restart")
	}
	for name, other := range map[string]*SignIn{"another issuer": at("https://new.example", "dev"), "another name": at("https://login.example", "acme"), "test users": s} {
		if other.use(t, r) != nil {
			t.Errorf("%s: the session lives on", name)
		}
	}
}

// TestBeginningsAreBounded: anybody can begin sign-ins, each of which is kept for a while: not without end from one place,
// and nobody elsewhere minds.
func TestBeginningsAreBounded(t *testing.T) {
	f := newFixture(t, nil)
	b := f.browser()
	way := b.get(somePage).is(200, "Sign in to go on").link("Sign in at")
	b.get(way).is(200, "Allow access?")
	for f.leaving.Take(time.Now(), "127.0.0.1", leavePerAddress) == 0 { // many others at the same address
	}
	writes := f.handles.puts
	p := b.get(way).is(http.StatusTooManyRequests, "Too many sign-ins")
	if p.header.Get("Retry-After") == "" || p.link("Try again") != way || f.handles.puts != writes {
		t.Errorf("Retry-After %q, %d records more", p.header.Get("Retry-After"), f.handles.puts-writes)
	}
	b.get(somePage).is(200, "Allow access?") // who is signed in goes on
	if f.leaving.Take(time.Now(), "192.0.2.1", leavePerAddress) != 0 {
		t.Error("an address of somebody else is stopped as well")
	}
}
