package signin

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
)

func TestSignInAndAllow(t *testing.T) {
	f := newFixture(t, nil)
	b := f.browser()
	p := b.get(somePage+"&login_hint=alice").is(200, "Sign in to go on")
	if strings.Contains(p.body, "<form") || !strings.Contains(p.body, "Orders App") || !strings.Contains(p.body, f.SignIn.upstream.host) {
		t.Errorf("the page says who asks and where one signs in:\n%s", p.body)
	}
	p = b.get(p.link("Sign in at")).is(200, "Allow access?")
	if p.url.RequestURI() != strings.Replace(somePage, "&scope", "&login_hint=alice&scope", 1) {
		t.Errorf("it leads back to %s", p.url)
	}
	for _, want := range []string{"Orders App", "orders-app", "See your orders", "orders:write", "app.example", "Alice Example (acme/alice)", "Not you?"} {
		if !strings.Contains(p.body, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	asked := f.upstream.asked
	for name, want := range map[string]string{
		"response_type": "code", "client_id": "avouch-here", "redirect_uri": f.server.URL + callbackPath, "scope": "openid profile",
		"code_challenge_method": "S256", "login_hint": "alice", "prompt": "",
	} {
		if asked.Get(name) != want {
			t.Errorf("the upstream is asked with %s=%q, want %q", name, asked.Get(name), want)
		}
	}
	if asked.Get("nonce") == "" || asked.Get("state") == "" || asked.Get("nonce") == asked.Get("state") {
		t.Errorf("state %q and nonce %q", asked.Get("state"), asked.Get("nonce"))
	}
	b.post(p.url.RequestURI(), p.form("decision", "allow")).leads("sub=acme%2Falice")

	// Who is signed in is asked all the same, the next time, and can say no.
	p = b.get(somePage).is(200, "Allow access?")
	b.post(p.url.RequestURI(), p.form("decision", "deny")).leads("error=access_denied")

	for _, c := range b.jar.Cookies(&url.URL{Scheme: "https", Host: p.url.Host, Path: "/"}) {
		if strings.Contains(f.handles.kept.String(), c.Value) {
			t.Errorf("the store was given the cookie %s itself", c.Name)
		}
		if strings.Contains(f.log.String(), c.Value) {
			t.Errorf("the log has the cookie %s", c.Name)
		}
	}
	for _, secret := range []string{asked.Get("state"), asked.Get("nonce"), "sesame", "alice@example.com"} {
		if strings.Contains(f.log.String()+f.handles.kept.String(), secret) {
			t.Errorf("%q is in the log or in the store", secret)
		}
	}
	if !strings.Contains(f.log.String(), "sub=acme/alice") {
		t.Errorf("the log does not say who signed in: %s", f.log)
	}
}

func TestCookies(t *testing.T) {
	f := newFixture(t, nil)
	b := f.browser()
	at := b.without(b.get(somePage).link("Sign in at"))
	b.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	p := b.get(at)
	var session *http.Cookie
	for _, line := range p.header.Values("Set-Cookie") {
		c, err := http.ParseSetCookie(line)
		if err != nil {
			t.Fatal(err)
		}
		session = c
	}
	if session == nil || session.Name != "__Host-avouch" || !session.Secure || !session.HttpOnly || session.SameSite != http.SameSiteLaxMode ||
		session.Path != "/" || session.Domain != "" || session.MaxAge != 12*60*60 || len(session.Value) != secretLength {
		t.Errorf("got %+v", session)
	}
	if p.header.Get("Cache-Control") != "no-store" {
		t.Error("a proxy may keep the cookie")
	}
}

// TestAnotherSessionForEachSignIn: a session that was there before is never raised to somebody else's, whoever set its
// cookie, and the old text is of no use afterwards.
func TestAnotherSessionForEachSignIn(t *testing.T) {
	f := newFixture(t, nil)
	attacker := f.browser()
	attacker.signIn(somePage)
	here := &url.URL{Scheme: "https", Host: f.issuer.Host, Path: "/"}
	cookie := func(b *browser) *http.Cookie {
		for _, c := range b.jar.Cookies(here) {
			if c.Name == "__Host-avouch" {
				return c
			}
		}
		t.Fatal("no session")
		return nil
	}
	known := cookie(attacker)

	f.upstream.set(func() { f.upstream.user = "victim" })
	victim := f.browser()
	victim.jar.SetCookies(here, []*http.Cookie{{Name: known.Name, Value: known.Value, Secure: true, Path: "/"}})
	p := victim.get(victim.get(somePage).is(200, "Allow access?").link("Not you?")).is(200, "Allow access?")
	if !strings.Contains(p.body, "acme/victim") || cookie(victim).Value == known.Value {
		t.Errorf("the session is the attacker's still")
	}
	attacker.get(somePage).is(200, "Sign in to go on")

	made := f.browser()
	made.jar.SetCookies(here, []*http.Cookie{{Name: known.Name, Value: strings.Repeat("A", secretLength), Secure: true, Path: "/"}})
	made.signIn(somePage)
	if cookie(made).Value == strings.Repeat("A", secretLength) {
		t.Error("a text that was made up became a session")
	}
}

func TestSignOut(t *testing.T) {
	f := newFixture(t, nil)
	b := f.browser()
	b.get("/signin").is(200, "You are not signed in")
	b.signIn(somePage)
	copied := f.browser()
	here := &url.URL{Scheme: "https", Host: f.issuer.Host, Path: "/"}
	copied.jar.SetCookies(here, b.jar.Cookies(here))

	out := b.get(b.get("/signin").is(200, "You are signed in").link("Sign out")).is(200, "Sign out?")
	b.post(outPath, url.Values{"step": {"out"}}).is(400, "You are still signed in")
	b.post(outPath, out.form(), "Sec-Fetch-Site", "cross-site").is(403, "This did not come from our page")
	b.get(somePage).is(200, "Allow access?")
	b.post(outPath, out.form()).is(200, "You are signed out")
	b.get(somePage).is(200, "Sign in to go on")
	copied.get(somePage).is(200, "Sign in to go on")
	b.post(outPath, out.form()).is(200, "You are signed out")
}

func TestWithoutSignIn(t *testing.T) {
	f := newFixture(t, func(c *Config) { c.Upstream = nil })
	b := f.browser()
	for _, path := range []string{somePage, "/signin?return_to=/device", callbackPath + "?code=x&state=y"} {
		p := b.get(path).is(http.StatusNotImplemented, "Nobody can sign in here yet")
		if !strings.Contains(p.body, "signin.issuer") {
			t.Error("the operator is not told what to do")
		}
	}
	b.get(somePage + "&prompt=none").leads("error=interaction_required")
	b.post("/signin?return_to=/device", url.Values{"name": {"alice"}}).is(403, "There are no test users here")
}

func TestDisabledSubjects(t *testing.T) {
	f := newFixture(t, nil)
	b := f.browser()
	p := b.signIn(somePage)
	f.subjects.off = "acme/alice"
	b.get(somePage).is(403, "This account is switched off")
	b.post(somePage, p.form("decision", "allow")).is(403, "This account is switched off")
	b.get(somePage + "&prompt=none").leads("error=interaction_required")
	other := f.browser()
	other.get(other.get(somePage).link("Sign in at")).is(403, "This account is switched off")
	other.get("/signin").is(200, "You are not signed in")

	f.subjects.off, f.subjects.err = "", http.ErrServerClosed
	b.get(somePage).leads("error=temporarily_unavailable")
	third := f.browser()
	third.get(third.get(somePage).link("Sign in at")).is(503, "This does not work at the moment")
	f.subjects.err = nil
	b.get(somePage).is(200, "Allow access?")
}

func TestStoreIsDown(t *testing.T) {
	f := newFixture(t, nil)
	b := f.browser()
	way := b.get(somePage).link("Sign in at")
	at := b.without(way)
	f.handles.err = http.ErrServerClosed
	b.get(way).is(503, "This does not work at the moment")
	b.get(at).is(503, "This does not work at the moment")
	f.handles.err = nil
	b.get(at).is(200, "Allow access?") // nothing was used up
	f.handles.err = http.ErrServerClosed
	b.get(somePage).leads("error=temporarily_unavailable")
	b.get("/signin").is(503, "This does not work at the moment")
	b.get(outPath).is(503, "This does not work at the moment")
}

func TestPromptAndMaxAge(t *testing.T) {
	f := newFixture(t, nil)
	b := f.browser()
	b.get(somePage + "&prompt=none").leads("error=login_required")
	b.signIn(somePage)
	b.get(somePage + "&prompt=none").leads("error=consent_required")
	b.get(somePage+"&prompt=consent").is(200, "Allow access?")
	b.get(somePage+"&max_age=3600").is(200, "Allow access?")
	b.get(somePage + "&prompt=none+login").leads("error=invalid_request")
	for _, age := range []string{"-1", "x", "1.5", "99999999999999999999"} {
		b.get(somePage + "&max_age=" + age).leads("error=invalid_request")
	}
	for _, anew := range []string{"&prompt=login", "&prompt=select_account", "&prompt=login+consent", "&max_age=0"} {
		path := somePage + anew
		p := b.get(b.get(path).is(200, "Sign in to go on").link("Sign in at")).is(200, "Allow access?")
		if got := f.upstream.asked.Get("prompt"); got != "login" {
			t.Errorf("%s: the upstream is asked with prompt %q", anew, got)
		}
		b.get(somePage+"&prompt=login&x=other").is(200, "Sign in to go on") // it counts for this page only
		b.post(path, p.form("decision", "allow")).leads("sub=acme%2Falice")
		b.get(path).is(200, "Sign in to go on") // and once
	}
	b.get(somePage + "&max_age=0&prompt=none").leads("error=login_required")
}

func TestUpstreamThatDidNotAskAnew(t *testing.T) {
	f := newFixture(t, nil)
	b := f.browser()
	f.upstream.set(func() {
		f.upstream.change = func(c map[string]any) { c["auth_time"] = c["iat"].(int64) - 600 }
	})
	b.signIn(somePage)
	b.get(b.get(somePage+"&prompt=login").link("Sign in at")).is(502, "You are not signed in")
}
