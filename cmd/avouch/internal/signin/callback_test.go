package signin

import (
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// TestCallbacksThatAreNone: none of them signs anybody in, and none uses up the sign-in that is on its way.
func TestCallbacksThatAreNone(t *testing.T) {
	f := newFixture(t, nil)
	b := f.browser()
	at := b.without(b.get(somePage).link("Sign in at"))
	good, err := url.Parse(at)
	if err != nil {
		t.Fatal(err)
	}
	with := func(name, value string) string {
		q := good.Query()
		q.Set(name, value)
		if value == "" {
			q.Del(name)
		}
		return callbackPath + "?" + q.Encode()
	}
	stranger := f.browser()
	stranger.without(stranger.get(somePage).link("Sign in at")) // one that has a cookie of its own
	calls := f.upstream.calls
	const over, elsewhere = "This sign-in is over", "This sign-in was begun in another browser"
	for name, try := range map[string]struct {
		from   *browser
		path   string
		status int
		title  string
	}{
		"a state made up":       {b, with("state", strings.Repeat("A", secretLength)), 400, over},
		"no state":              {b, with("state", ""), 400, over},
		"a long state":          {b, with("state", strings.Repeat("A", 20_000)), 400, over},
		"no code":               {b, with("code", ""), 400, over},
		"a code and an error":   {b, with("error", "access_denied"), 400, over},
		"a long code":           {b, with("code", strings.Repeat("A", 10_000)), 400, over},
		"a huge query":          {b, with("x", strings.Repeat("x", 100_000)), 400, over},
		"two states":            {b, with("x", "y") + "&state=z", 400, over},
		"two codes":             {b, with("x", "y") + "&code=z", 400, over},
		"a broken query":        {b, callbackPath + "?state=%zz", 400, over},
		"nothing":               {b, callbackPath, 400, over},
		"of another issuer":     {b, with("iss", "https://evil.example"), 400, over},
		"of no issuer":          {b, with("iss", ""), 400, over},
		"a browser without any": {f.browser(), at, 403, elsewhere},
		"another browser":       {stranger, at, 403, elsewhere},
	} {
		t.Run(name, func(t *testing.T) {
			try.from.get(try.path).is(try.status, try.title)
			try.from.get(somePage).is(200, "Sign in to go on")
		})
	}
	if f.upstream.calls != calls {
		t.Error("the upstream was asked for nothing")
	}
	b.get(at).is(200, "Allow access?")

	// Again: nobody is signed in by it a second time.
	b.jar.SetCookies(good, []*http.Cookie{{Name: "__Host-avouch", MaxAge: -1, Path: "/", Secure: true}})
	b.get(at).is(400, over)
	b.get(somePage).is(200, "Sign in to go on")
}

// TestSignInsAreBounded: anybody can begin a sign-in, so what is kept of them is bounded by address.
func TestSignInsAreBounded(t *testing.T) {
	f := newFixture(t, nil)
	b := f.browser()
	way := b.get(somePage).link("Sign in at")
	soon := time.Now().Add(time.Minute) // so that a slow machine gets none back meanwhile
	for range leavePerAddress {
		f.leaving.Take(soon, "127.0.0.1", leavePerAddress)
	}
	page := b.get(way)
	page.is(429, "Too many sign-ins")
	if page.header.Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
	b.get(somePage).is(200, "Sign in to go on")
}

func TestTwoSignInsAtOnce(t *testing.T) {
	f := newFixture(t, nil)
	b := f.browser()
	first := b.without(b.get(somePage).link("Sign in at"))
	second := b.without(b.get(devicePath + "?user_code=X").link("Sign in at"))
	b.get(first).is(200, "Allow access?")
	b.get(second).is(200, "Allow a device access?")
}

func TestCodeOfAnotherSignIn(t *testing.T) {
	f := newFixture(t, nil)
	mallory, b := f.browser(), f.browser()
	theirs, err := url.Parse(mallory.without(mallory.get(somePage).link("Sign in at")))
	if err != nil {
		t.Fatal(err)
	}
	ours, err := url.Parse(b.without(b.get(somePage).link("Sign in at")))
	if err != nil {
		t.Fatal(err)
	}
	q := ours.Query()
	q.Set("code", theirs.Query().Get("code")) // code injection (RFC 9700 §4.5): PKCE stops it at the upstream
	b.get(callbackPath+"?"+q.Encode()).is(400, "You are not signed in")
	b.get(somePage).is(200, "Sign in to go on")
}

func TestIDTokens(t *testing.T) {
	f := newFixture(t, nil)
	change := func(name string, value any) func(map[string]any) {
		return func(c map[string]any) {
			if value == nil {
				delete(c, name)
			} else {
				c[name] = value
			}
		}
	}
	in := func(d time.Duration) int64 { return time.Now().Add(d).Unix() }
	both := func(fs ...func(map[string]any)) func(map[string]any) {
		return func(c map[string]any) {
			for _, f := range fs {
				f(c)
			}
		}
	}
	for name, try := range map[string]struct {
		change func(map[string]any)
		good   bool
	}{
		"as it should be":          {func(map[string]any) {}, true},
		"of another client":        {change("aud", "another"), false},
		"of no client":             {change("aud", nil), false},
		"of several, without azp":  {change("aud", []string{"avouch-here", "another"}), false},
		"of several, azp another":  {both(change("aud", []string{"avouch-here", "another"}), change("azp", "another")), false},
		"of several, azp us":       {both(change("aud", []string{"avouch-here", "another"}), change("azp", "avouch-here")), true},
		"azp another":              {change("azp", "another"), false},
		"of another issuer":        {change("iss", "https://evil.example"), false},
		"of the issuer with slash": {func(c map[string]any) { c["iss"] = c["iss"].(string) + "/" }, false},
		"of no issuer":             {change("iss", nil), false},
		"another nonce":            {change("nonce", "x"), false},
		"no nonce":                 {change("nonce", nil), false},
		"expired":                  {change("exp", in(-2*time.Minute)), false},
		"expired within the skew":  {change("exp", in(-30*time.Second)), true},
		"without an end":           {change("exp", nil), false},
		"made in the future":       {change("iat", in(2*time.Minute)), false},
		"made ahead within skew":   {change("iat", in(30*time.Second)), true},
		"not valid yet":            {change("nbf", in(10*time.Minute)), false},
		"no sub":                   {change("sub", nil), false},
		"empty sub":                {change("sub", ""), false},
		"a number as sub":          {change("sub", 7), false},
		"a long sub":               {change("sub", strings.Repeat("x", 256)), false},
		"a sub with a line":        {change("sub", "a\nb"), false},
		"a sub that looks another": {change("sub", "ali\u200bce"), false},
		"a sub with a slash":       {change("sub", "acme/x"), true},
		"a name that is no text":   {change("name", 7), false},
	} {
		t.Run(name, func(t *testing.T) {
			f.upstream.set(func() { f.upstream.change = try.change })
			b := f.browser()
			p := b.get(b.get(somePage).link("Sign in at"))
			if try.good {
				p.is(200, "Allow access?")
				return
			}
			p.is(502, "You are not signed in")
			b.get(p.link("Try again")) // comes round again
			b.get(somePage).is(200, "Sign in to go on")
		})
	}
}

func TestIDTokenSignatures(t *testing.T) {
	f := newFixture(t, nil)
	other := newAcme(t)
	none := func(claims map[string]any) string {
		text, err := json.Marshal(claims)
		if err != nil {
			t.Error(err)
		}
		return "eyJhbGciOiJub25lIn0." + base64.RawURLEncoding.EncodeToString(text) + "."
	}
	for name, sign := range map[string]func(map[string]any) string{
		"another key": other.signed,
		"none":        none,
		"the client secret": func(c map[string]any) string {
			return signWith(jose.SigningKey{Algorithm: jose.HS256, Key: []byte(strings.Repeat("sesame", 6))}, c)
		},
		"cut":    func(c map[string]any) string { return f.upstream.signed(c)[:100] },
		"empty":  func(map[string]any) string { return "" },
		"no JWT": func(map[string]any) string { return "x" },
		"huge":   func(c map[string]any) string { c["x"] = strings.Repeat("x", 70_000); return f.upstream.signed(c) },
	} {
		t.Run(name, func(t *testing.T) {
			f.upstream.set(func() { f.upstream.sign = sign })
			b := f.browser()
			if p := b.get(b.get(somePage).link("Sign in at")); p.status < 400 {
				t.Errorf("got %d %q", p.status, p.title())
			}
			b.get(somePage).is(200, "Sign in to go on")
		})
	}
}

// TestKeysThatWereTakenBack: what the upstream has stopped to publish is believed for an hour and no longer.
func TestKeysThatWereTakenBack(t *testing.T) {
	f := newFixture(t, nil)
	f.browser().signIn(somePage)
	f.upstream.set(func() { f.upstream.published = &newAcme(t).key.PublicKey })
	f.browser().signIn(somePage)
	f.SignIn.upstream.at = time.Now().Add(-providerMaxAge)
	b := f.browser()
	b.get(b.get(somePage).link("Sign in at")).is(502, "You are not signed in")
}

func TestUpstreamSaysNo(t *testing.T) {
	f := newFixture(t, nil)
	for code, status := range map[string]int{
		"access_denied": 403, "login_required": 403, "interaction_required": 403, "temporarily_unavailable": 503, "server_error": 503,
		"invalid_scope": 502, "<script>": 502, strings.Repeat("x", 5000): 502,
	} {
		f.upstream.set(func() {
			f.upstream.saysNo = url.Values{"error": {code}, "error_description": {"<b>call +1 555 0100 now</b>"}}
		})
		b := f.browser()
		at := b.without(b.get(somePage).link("Sign in at"))
		p := b.get(at).is(status, "You are not signed in")
		if strings.Contains(p.body, "555") || strings.Contains(p.body, "<script>") {
			t.Errorf("%.20s: the page says what the upstream says", code)
		}
		b.get(at).is(400, "This sign-in is over")
		f.upstream.set(func() { f.upstream.saysNo = nil })
		b.get(p.link("Try again")).is(200, "Allow access?")
	}
}

func TestUpstreamIsDown(t *testing.T) {
	f := newFixture(t, nil)
	b := f.browser()
	f.upstream.set(func() { f.upstream.down["*"] = true })
	p := b.get(somePage).is(200, "Sign in to go on")
	p = b.get(p.link("Sign in at")).is(503, "Nobody can sign in at the moment")
	if p.header.Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
	calls := f.upstream.calls
	b.get(p.link("Try again")).is(503, "Nobody can sign in at the moment")
	if f.upstream.calls != calls {
		t.Error("an upstream that was down a moment ago is asked again")
	}
	f.upstream.set(func() { f.upstream.down["*"] = false })
	f.SignIn.upstream.failed = time.Time{}
	b.get(p.link("Try again")).is(200, "Allow access?")

	for _, path := range []string{"/token", "/jwks"} { // what is known of it is used on, and what is not is missed
		other := newFixture(t, nil)
		other.upstream.set(func() { other.upstream.down[path] = true })
		b := other.browser()
		p := b.get(b.get(somePage).link("Sign in at")).is(503, "Nobody can sign in at the moment")
		other.upstream.set(func() { other.upstream.down[path] = false })
		b.get(p.link("Try again")).is(200, "Allow access?")
	}

	// Long after, with the upstream down, what is known of it will do.
	f.SignIn.upstream.at = time.Now().Add(-2 * providerMaxAge)
	f.upstream.set(func() { f.upstream.down["/.well-known/openid-configuration"] = true })
	f.browser().signIn(somePage)
}

func TestUpstreamThatIsNotWellBehaved(t *testing.T) {
	for name, answer := range map[string]func(w http.ResponseWriter) bool{
		"endless": func(w http.ResponseWriter) bool {
			w.Header().Set("Content-Type", "application/json")
			for range 30 {
				_, _ = io.WriteString(w, strings.Repeat(" ", 100_000))
			}
			return true
		},
		"a redirect": func(w http.ResponseWriter) bool {
			w.Header().Set("Location", "https://evil.example/token")
			w.WriteHeader(http.StatusTemporaryRedirect)
			return true
		},
		"no JSON": func(w http.ResponseWriter) bool { _, _ = io.WriteString(w, "<html>"); return true },
		"no token": func(w http.ResponseWriter) bool {
			_, _ = io.WriteString(w, `{"access_token":"x","token_type":"Bearer"}`)
			return true
		},
		"a refusal": func(w http.ResponseWriter) bool {
			w.WriteHeader(401)
			_, _ = io.WriteString(w, `{"error":"invalid_client"}`)
			return true
		},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t, nil)
			f.upstream.set(func() { f.upstream.answer = answer })
			b := f.browser()
			if p := b.get(b.get(somePage).link("Sign in at")); p.status < 500 || p.title() == "Allow access?" {
				t.Errorf("got %d %q", p.status, p.title())
			}
			f.upstream.set(func() { f.upstream.answer = nil })
			b.signIn(somePage)
		})
	}
}

func TestNewRefuses(t *testing.T) {
	f := newFixture(t, nil)
	for name, change := range map[string]func(c *Config){
		"no issuer":              func(c *Config) { c.Issuer = "" },
		"no pages":               func(c *Config) { c.Pages = nil },
		"a page that is no path": func(c *Config) { c.Pages = []string{"oauth"} },
		"no store":               func(c *Config) { c.Handles = nil },
		"no guard":               func(c *Config) { c.Replay = nil },
		"an upstream by http":    func(c *Config) { c.Upstream.Issuer = "http://login.example" },
		"a metadata service":     func(c *Config) { c.Upstream.Issuer = "https://169.254.169.254" },
		"a private upstream":     func(c *Config) { c.Upstream.AllowPrivate = false },
		"no client":              func(c *Config) { c.Upstream.ClientID = "" },
		"no secret":              func(c *Config) { c.Upstream.Secret = "" },
	} {
		c := f.conf
		own := *f.conf.Upstream
		c.Upstream = &own
		change(&c)
		if _, err := New(c); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}
