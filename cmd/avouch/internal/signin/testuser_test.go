package signin

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

// dev makes a fixture as serve --dev does.
func dev(t *testing.T) *fixture {
	return newFixture(t, func(c *Config) { c.Upstream, c.Dev = nil, true })
}

func TestTestUser(t *testing.T) {
	f := dev(t)
	b := f.browser()
	p := b.get(b.get(somePage).is(200, "Sign in to go on").link("Sign in as a test user")).is(200, "Sign in as a test user")
	action := p.url.RequestURI()
	for _, name := range []string{"", " ", "a b", "a/b", "<b>", "a\nb", strings.Repeat("a", 65), "ali\u200bce", "álice"} {
		got := b.post(action, url.Values{"name": {name}})
		if got.status != 400 || !strings.Contains(got.body, `role="alert"`) {
			t.Errorf("%q: got %d %q", name, got.status, got.title())
		}
	}
	b.post(action, url.Values{"name": {"alice"}}, "Sec-Fetch-Site", "cross-site").is(403, "This did not come from our page")
	b.get(somePage).is(200, "Sign in to go on")
	p = b.post(action, url.Values{"name": {"alice"}}).is(200, "Allow access?")
	if !strings.Contains(p.body, "dev/alice") || p.url.RequestURI() != somePage {
		t.Errorf("at %s:\n%s", p.url, p.body)
	}
	b.post(somePage, p.form("decision", "allow")).leads("sub=dev%2Falice")
	b.post("/signin?return_to=https://evil.example", url.Values{"name": {"alice"}}).is(400, "This link does not work")
	p = b.get(p.link("Not you?"))
	p = b.post(p.url.RequestURI(), url.Values{"name": {"bob"}}).is(200, "Allow access?")
	if !strings.Contains(p.body, "dev/bob") {
		t.Error("somebody else is not signed in")
	}
	f.subjects.off = "dev/eve"
	b.post(action, url.Values{"name": {"eve"}}).is(403, "This account is switched off")
	b.get(callbackPath+"?code=x&state=y").is(501, "Nobody can sign in here yet")
}

// TestTestUsersAreForThisMachine: without a password nobody signs in from elsewhere, and where there is an upstream
// nobody signs in beside it.
func TestTestUsersAreForThisMachine(t *testing.T) {
	f := dev(t)
	for _, target := range []string{somePage, "/signin?return_to=/device"} {
		for _, method := range []string{http.MethodGet, http.MethodPost} {
			r := httptest.NewRequestWithContext(t.Context(), method, target, nil)
			r.Host = "rebound.example" // DNS rebinding: the page of another name, at our address
			w := httptest.NewRecorder()
			f.server.Config.Handler.ServeHTTP(w, r)
			if w.Code != http.StatusMisdirectedRequest {
				t.Errorf("%s %s: got %d", method, target, w.Code)
			}
		}
	}
	for name, change := range map[string]func(c *Config){
		"a public issuer": func(c *Config) { c.Upstream, c.Dev, c.Issuer = nil, true, "https://as.example.com" },
		"an upstream":     func(c *Config) { c.Dev = true },
		"without --dev":   func(c *Config) { c.Upstream = nil },
	} {
		t.Run(name, func(t *testing.T) {
			newFixture(t, change).browser().post("/signin?return_to=/device", url.Values{"name": {"alice"}}).is(403, "There are no test users here")
		})
	}
}

// TestPlainHTTP: on this machine, without TLS, cookies are without the prefix that wants it.
func TestPlainHTTP(t *testing.T) {
	s, _, r := alone(t)
	if c := r.Header.Get("Cookie"); !strings.HasPrefix(c, "avouch=") || s.use(t, r) == nil {
		t.Errorf("got %.20q", c)
	}
}

func TestBelowAPath(t *testing.T) {
	f := dev(t)
	c := f.conf
	c.Issuer = f.server.URL + "/tenant"
	s, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	s.Mount(mux)
	ask := func(method, target string, form url.Values) *http.Response {
		r := httptest.NewRequestWithContext(t.Context(), method, f.server.URL+target, strings.NewReader(form.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, r)
		return w.Result()
	}
	if resp := ask(http.MethodPost, "/tenant/signin?return_to=/device", url.Values{"name": {"alice"}}); resp.StatusCode != 400 {
		t.Errorf("a page of another tenant: got %d", resp.StatusCode)
	}
	resp := ask(http.MethodPost, "/tenant/signin?return_to=/tenant/device", url.Values{"name": {"alice"}})
	if resp.StatusCode != 303 || resp.Header.Get("Location") != "/tenant/device" {
		t.Errorf("got %d to %q", resp.StatusCode, resp.Header.Get("Location"))
	}
}
