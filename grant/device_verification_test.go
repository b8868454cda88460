package grant_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/avouch-oauth/avouch"
	"github.com/avouch-oauth/avouch/grant"
)

// TestVerificationCompares: the address with a code in it shows the code, and asks nobody anything before the user has
// said that it is the one on his device (RFC 8628 §3.3.1, §5.4).
func TestVerificationCompares(t *testing.T) {
	s := newDeviceSite()
	s.grant.Ask = func(w http.ResponseWriter, r *http.Request, q *grant.Question) (*grant.Consent, error) {
		s.asked = append(s.asked, *q)
		return &grant.Consent{Subject: "alice"}, nil // a program that trusts the client
	}
	s.start(t)
	c := s.started(t)
	for _, method := range []string{"GET", "HEAD"} {
		p := s.browse(t, method, "/device?user_code="+c.UserCode, nil)
		if p.Status != 200 || method == "GET" && (!strings.Contains(p.Body, "<dd><bdi>"+c.UserCode+"</bdi></dd>") || !strings.Contains(p.Body, `action="?"`)) {
			t.Errorf("%d %s", p.Status, p.Body)
		}
	}
	// it does not tell whether there is such a code
	unknown := s.browse(t, "GET", "/device?user_code=BCDF-BCDF", nil).plain()
	known := strings.ReplaceAll(s.browse(t, "GET", "/device?user_code="+c.UserCode, nil).plain(), c.UserCode, "BCDF-BCDF")
	if known != unknown {
		t.Errorf("%s\n%s", known, unknown)
	}
	if s.questions() != 0 || s.poll(t, c.DeviceCode).Error != "authorization_pending" {
		t.Errorf("asked %d times", s.questions())
	}
	if p := s.typeIn(t, c.UserCode); p.Status != 200 || !strings.Contains(p.Body, "go back") || !strings.Contains(p.Body, "Living room &lt;TV&gt;") {
		t.Errorf("%d %s", p.Status, p.Body)
	}
	if a := s.poll(t, c.DeviceCode); a.Status != 200 {
		t.Errorf("%+v", a)
	}
}

// TestVerificationAsksWithGET: what Ask sees first is a visit of the page with the code in its address, with nothing
// posted to it; only its own form comes as one. A program that takes every form for an answer is not misled.
func TestVerificationAsksWithGET(t *testing.T) {
	s := newDeviceSite()
	var seen []string
	s.grant.Ask = func(w http.ResponseWriter, r *http.Request, q *grant.Question) (*grant.Consent, error) {
		seen = append(seen, fmt.Sprint(r.Method, " ", r.URL.RequestURI(), " ", r.RequestURI, " ", r.PostFormValue("user_code"),
			r.PostFormValue("decision"), " ", r.Header.Get("Content-Type"), r.Header.Get("Cookie")))
		w.WriteHeader(http.StatusNoContent)
		return nil, nil
	}
	s.start(t)
	c := s.started(t)
	cookie := func(r *http.Request) { r.Header.Set("Cookie", "session=1") }
	s.browse(t, "POST", "/device?next=evil", url.Values{"user_code": {strings.ToLower(c.UserCode)}, "decision": {"allow"}}, cookie)
	s.browse(t, "POST", "/device?user_code="+c.UserCode, url.Values{"decision": {"allow"}}, cookie)
	want := "/device?user_code=" + c.UserCode
	for k, w := range []string{
		"GET " + want + " " + want + "  session=1",
		"POST " + want + " " + want + " allow application/x-www-form-urlencodedsession=1",
	} {
		if k >= len(seen) || seen[k] != w {
			t.Errorf("%d: %q\nwant %q", k, seen, w)
		}
	}
}

// TestVerificationRefuses: every code that is none has one text, and junk does no harm.
func TestVerificationRefuses(t *testing.T) {
	s := newDeviceSite().start(t)
	good, approved, denied, ofDisabled, ofOther := s.started(t), s.started(t), s.started(t), s.begin(t, "client_id", "other"), s.begin(t, "client_id", "server", "client_secret", secretOf)
	s.approve(t, approved.UserCode)
	s.decide(t, denied.UserCode, "deny")
	s.change("other", func(c *avouch.Client) { c.Disabled = true })
	s.change("server", func(c *avouch.Client) { c.Grants = nil })
	questions := s.questions()
	want := s.typeIn(t, "BCDF-BCDF")
	if want.Status != 400 || !strings.Contains(want.Body, `role="alert"`) || !strings.Contains(want.Body, `name="user_code"`) {
		t.Errorf("%d %s", want.Status, want.Body)
	}
	for name, code := range map[string]string{
		"malformed": "hello", "empty": "", "a vowel": "ABCD-FGHJ", "device code": good.DeviceCode,
		"approved": approved.UserCode, "denied": denied.UserCode, "client disabled": ofDisabled.UserCode, "client lost the grant": ofOther.UserCode,
		"markup": "<script>alert(1)</script>", "long": strings.Repeat("B", 60_000), "no text": "\xff\x00",
	} {
		t.Run(name, func(t *testing.T) {
			if p := s.typeIn(t, code); p.plain() != want.plain() {
				t.Errorf("%d %s", p.Status, p.Body)
			}
			if e, ok := errors.AsType[*avouch.Error](s.last().Err); !ok || e.Err == nil || s.last().RefusalID == "" {
				t.Errorf("the operator is told %v", s.last().Err)
			}
			if code == "" || len(code) > 100 {
				return
			}
			if p := s.decide(t, code, "allow"); p.plain() != want.plain() {
				t.Errorf("%d %s", p.Status, p.Body)
			}
		})
	}
	for name, r := range map[string]struct {
		method, path string
		form         url.Values
		status       int
	}{
		"malformed in the address": {"GET", "/device?user_code=hello", nil, 400},
		"markup in the address":    {"GET", "/device?user_code=%3Cscript%3E", nil, 400},
		"two in the address":       {"GET", "/device?user_code=BCDF-BCDF&user_code=" + good.UserCode, nil, 400},
		"two in the form":          {"POST", "/device", url.Values{"user_code": {good.UserCode, good.UserCode}}, 400},
		"two, posted":              {"POST", "/device?user_code=" + good.UserCode + "&user_code=" + good.UserCode, url.Values{}, 400},
		"broken escape":            {"GET", "/device?user_code=%zz", nil, 400},
		"semicolon":                {"GET", "/device?a;user_code=" + good.UserCode, nil, 400},
		"empty in the address":     {"GET", "/device?user_code=", nil, 200},
		"something else":           {"GET", "/device?utm_source=x", nil, 200},
		"nothing posted":           {"POST", "/device", url.Values{}, 400},
		"70 KB posted":             {"POST", "/device", url.Values{"user_code": {good.UserCode}, "x": {strings.Repeat("x", 70_000)}}, 400},
		"PUT":                      {"PUT", "/device?user_code=" + good.UserCode, url.Values{"decision": {"allow"}}, 405},
		"DELETE":                   {"DELETE", "/device", nil, 405},
		"OPTIONS":                  {"OPTIONS", "/device", nil, 405},
		"PATCH":                    {"PATCH", "/device?user_code=" + good.UserCode, url.Values{"decision": {"allow"}}, 405},
		"HEAD":                     {"HEAD", "/device", nil, 200},
	} {
		t.Run(name, func(t *testing.T) {
			p := s.browse(t, r.method, r.path, r.form)
			if p.Status != r.status || strings.Contains(p.Body, "<script") {
				t.Errorf("%d %s", p.Status, p.Body)
			}
			if allow := p.Header.Get("Allow"); (r.status == 405) != (allow == "GET, HEAD, POST") {
				t.Errorf("Allow: %s", allow)
			}
			h := p.Header
			if h.Get("Cache-Control") != "no-store" || h.Get("X-Frame-Options") != "DENY" || h.Get("Referrer-Policy") != "same-origin" ||
				!strings.Contains(h.Get("Content-Security-Policy"), "frame-ancestors 'none'") || !strings.HasPrefix(h.Get("Content-Type"), "text/html") {
				t.Errorf("%v", h)
			}
		})
	}
	t.Run("no form", func(t *testing.T) {
		p := s.browse(t, "POST", "/device", url.Values{"user_code": {good.UserCode}}, func(r *http.Request) { r.Header.Set("Content-Type", "text/plain") })
		if p.plain() != want.plain() {
			t.Errorf("%d %s", p.Status, p.Body)
		}
	})
	if s.questions() != questions {
		t.Errorf("Ask was called %d times", s.questions()-questions)
	}
	// After all of this the good one is good.
	s.approve(t, good.UserCode)
}

// TestVerificationFromAnotherSite: a form of another site decides nothing, however it looks.
func TestVerificationFromAnotherSite(t *testing.T) {
	s := newDeviceSite().start(t)
	c := s.started(t)
	headers := func(pairs ...string) func(*http.Request) {
		return func(r *http.Request) {
			r.Header.Del("Sec-Fetch-Site")
			for k := 0; k+1 < len(pairs); k += 2 {
				r.Header.Set(pairs[k], pairs[k+1])
			}
		}
	}
	for name, change := range map[string]func(*http.Request){
		"cross-site":             headers("Sec-Fetch-Site", "cross-site", "Origin", "https://evil.example"),
		"same-site":              headers("Sec-Fetch-Site", "same-site", "Origin", "https://evil.as.example"),
		"another origin":         headers("Origin", "https://evil.example"),
		"null":                   headers("Origin", "null"),
		"another port":           headers("Origin", "http://127.0.0.1:1"),
		"made up":                headers("Sec-Fetch-Site", "SAME-ORIGIN"),
		"cross-site without one": headers("Sec-Fetch-Site", "cross-site"),
	} {
		t.Run(name, func(t *testing.T) {
			for path, form := range map[string]url.Values{
				"/device":                         {"user_code": {c.UserCode}},
				"/device?user_code=" + c.UserCode: {"decision": {"allow"}},
			} {
				if p := s.browse(t, "POST", path, form, change); p.Status != 403 || !strings.Contains(p.Body, "another site") {
					t.Errorf("%s: %d %s", path, p.Status, p.Body)
				}
			}
		})
	}
	if s.questions() != 0 || s.poll(t, c.DeviceCode).Error != "authorization_pending" {
		t.Error("something was asked or decided")
	}
	for name, change := range map[string]func(*http.Request){
		"the page itself, older browser": headers("Origin", s.issuer),
		"by its address":                 headers("Sec-Fetch-Site", "none"),
		"behind a proxy": func(r *http.Request) {
			headers("Origin", s.issuer)(r)
			r.Host = "internal:8080"
		},
	} {
		if p := s.browse(t, "POST", "/device", url.Values{"user_code": {c.UserCode}}, change); p.Status != 200 {
			t.Errorf("%s: %d %s", name, p.Status, p.Body)
		}
	}
}

// TestVerificationDecidedTwice: of two that decide at the same moment one does.
func TestVerificationDecidedTwice(t *testing.T) {
	s := newDeviceSite()
	var both sync.WaitGroup
	both.Add(2)
	s.grant.Ask = func(w http.ResponseWriter, r *http.Request, q *grant.Question) (*grant.Consent, error) {
		both.Done()
		both.Wait() // both have seen a code that nobody has decided about
		return &grant.Consent{Subject: r.PostFormValue("who")}, nil
	}
	s.start(t)
	c := s.started(t)
	pages := map[string]devicePage{}
	var mu sync.Mutex
	var all sync.WaitGroup
	for _, who := range []string{"alice", "mallory"} {
		all.Go(func() {
			p := s.browse(t, "POST", "/device?user_code="+c.UserCode, url.Values{"who": {who}})
			mu.Lock()
			defer mu.Unlock()
			pages[who] = p
		})
	}
	all.Wait()
	winner := "alice"
	if pages["mallory"].Status == 200 {
		winner = "mallory"
	}
	if pages["alice"].Status+pages["mallory"].Status != 600 {
		t.Errorf("%+v", pages)
	}
	if a := s.poll(t, c.DeviceCode); a.claims(t)["sub"] != winner {
		t.Errorf("%+v", a)
	}
}

// TestVerificationConsent: what the token says is what was consented to; an Ask that makes no sense decides nothing.
func TestVerificationConsent(t *testing.T) {
	for _, test := range []struct {
		name   string
		ask    grant.Ask
		status int    // of the page
		scope  string // of the token
		want   string // the error of the device
	}{
		{"all of it", deviceSays(&grant.Consent{Subject: "alice"}), 200, "read write", ""},
		{"less", deviceSays(&grant.Consent{Subject: "alice", Scopes: []string{"write"}}), 200, "write", ""},
		{"no scope", deviceSays(&grant.Consent{Subject: "alice", Scopes: []string{}}), 200, "", ""},
		{"denied", deviceSays(&grant.Consent{Denied: true, Subject: "alice"}), 200, "", "access_denied"},
		{"nobody", deviceSays(&grant.Consent{}), 500, "", "authorization_pending"},
		{"more than asked", deviceSays(&grant.Consent{Subject: "alice", Scopes: []string{"read", "admin"}}), 500, "", "authorization_pending"},
		{"claims that are no JSON", deviceSays(&grant.Consent{Subject: "alice", Claims: map[string]any{"f": func() {}}}), 500, "", "authorization_pending"},
		{"endless claims", deviceSays(&grant.Consent{Subject: "alice", Claims: map[string]any{"f": strings.Repeat("x", 70_000)}}), 500, "", "authorization_pending"},
		{"failure", deviceFailing(errors.New("secret-of-the-operator")), 500, "", "authorization_pending"},
		{"not now", deviceFailing(&avouch.Error{Code: avouch.TemporarilyUnavailable, RetryAfter: 7 * time.Second}), 503, "", "authorization_pending"},
		{"refusal", deviceFailing(&avouch.Error{Code: avouch.AccessDenied, Description: "not on Sundays"}), 400, "", "authorization_pending"},
		{"panic", func(http.ResponseWriter, *http.Request, *grant.Question) (*grant.Consent, error) {
			panic("secret-of-the-operator")
		}, 500, "", "authorization_pending"},
		{"disabled", deviceSays(&grant.Consent{Subject: "disabled"}), 400, "", "authorization_pending"},
		{"name of a client", deviceSays(&grant.Consent{Subject: "other"}), 400, "", "authorization_pending"},
		{"claim of the server", deviceSays(&grant.Consent{Subject: "alice", Claims: map[string]any{"iss": "x"}}), 500, "", "authorization_pending"},
		{"neither page nor consent", deviceSays(nil), 500, "", "authorization_pending"},
		{"changes the question", func(_ http.ResponseWriter, _ *http.Request, q *grant.Question) (*grant.Consent, error) {
			q.Scopes[0] = "admin"
			return &grant.Consent{Subject: "alice", Scopes: q.Scopes}, nil
		}, 500, "", "authorization_pending"},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := newDeviceSite()
			s.grant.Ask = test.ask
			s.disabled["disabled"] = true
			s.start(t)
			c := s.started(t, "scope", "read write")
			p := s.typeIn(t, c.UserCode)
			if p.Status != test.status || strings.Contains(p.Body, "secret-of-the-operator") {
				t.Errorf("%d %s", p.Status, p.Body)
			}
			if test.status >= 400 && !strings.Contains(p.Body, s.last().RefusalID) {
				t.Errorf("the page lacks the reference %q: %s", s.last().RefusalID, p.Body)
			}
			if a := s.poll(t, c.DeviceCode); a.Error != test.want || a.Scope != test.scope {
				t.Errorf("%+v", a)
			}
		})
	}
}

// TestVerificationAnsweredTwice: an Ask that has answered decides nothing any more, and what it wrote is cut off.
func TestVerificationAnsweredTwice(t *testing.T) {
	for name, err := range map[string]error{"with a consent": nil, "with an error": errors.New("late")} {
		t.Run(name, func(t *testing.T) {
			s := newDeviceSite()
			s.grant.Ask = func(w http.ResponseWriter, _ *http.Request, _ *grant.Question) (*grant.Consent, error) {
				_, _ = w.Write([]byte("hello"))
				return &grant.Consent{Subject: "alice"}, err
			}
			s.start(t)
			c := s.started(t)
			r, _ := http.NewRequestWithContext(t.Context(), "POST", s.issuer+"/device?user_code="+c.UserCode, http.NoBody)
			resp, err := s.http.Do(r)
			if err == nil {
				_, err = io.ReadAll(resp.Body)
				resp.Body.Close()
			}
			if err == nil {
				t.Error("the answer is whole")
			}
			if a := s.poll(t, c.DeviceCode); a.Error != "authorization_pending" {
				t.Errorf("%+v", a)
			}
		})
	}
}

func deviceSays(c *grant.Consent) grant.Ask {
	return func(http.ResponseWriter, *http.Request, *grant.Question) (*grant.Consent, error) { return c, nil }
}

func deviceFailing(err error) grant.Ask {
	return func(http.ResponseWriter, *http.Request, *grant.Question) (*grant.Consent, error) { return nil, err }
}

// TestVerificationProtectsAsk: what Ask writes cannot be framed or kept.
func TestVerificationProtectsAsk(t *testing.T) {
	s := newDeviceSite().start(t)
	h := s.typeIn(t, s.started(t).UserCode).Header
	if h.Get("Cache-Control") != "no-store" || h.Get("X-Frame-Options") != "DENY" || h.Get("Content-Security-Policy") != "frame-ancestors 'none'" {
		t.Errorf("%v", h)
	}
}

// TestVerificationSignInOrigin: a form may lead where Ask redirects to, and nowhere else.
func TestVerificationSignInOrigin(t *testing.T) {
	s := newDeviceSite().start(t)
	c := s.started(t)
	for origin, want := range map[string]string{"": "form-action 'self';", "https://login.example": "form-action 'self' https://login.example;"} {
		s.grant.SignInOrigin = origin
		for _, p := range []devicePage{s.browse(t, "GET", "/device", nil), s.browse(t, "GET", "/device?user_code="+c.UserCode, nil), s.typeIn(t, "x")} {
			if csp := p.Header.Get("Content-Security-Policy"); !strings.Contains(csp, want) {
				t.Errorf("%s", csp)
			}
		}
	}
}

// TestGuessing: wrong codes are counted by address, and a right one is no better while there are too many.
func TestGuessing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newDeviceSite().startInBubble(t)
		c := s.started(t)
		for range 100 { // right ones are no guesses
			if p := s.typeIn(t, c.UserCode); p.Status != 200 {
				t.Fatalf("%d %s", p.Status, p.Body)
			}
		}
		for k := range 20 {
			guess := s.typeIn
			if k%2 == 0 {
				guess = func(t testing.TB, code string) devicePage { return s.decide(t, code, "allow") }
			}
			if p := guess(t, "BCDF-BCDF"); p.Status != 400 {
				t.Fatalf("%d: %d %s", k, p.Status, p.Body)
			}
		}
		for _, code := range []string{"BCDF-BCDF", c.UserCode} {
			for _, p := range []devicePage{s.typeIn(t, code), s.decide(t, code, "allow")} {
				if p.Status != 429 || p.Header.Get("Retry-After") != "10" || !strings.Contains(p.Body, "too many wrong codes") {
					t.Errorf("%d %v %s", p.Status, p.Header, p.Body)
				}
			}
		}
		s.remote = "192.0.2.2:1234"
		if p := s.typeIn(t, c.UserCode); p.Status != 200 {
			t.Errorf("another address: %d %s", p.Status, p.Body)
		}
		s.remote = ""
		time.Sleep(9 * time.Second)
		if p := s.typeIn(t, c.UserCode); p.Status != 429 || p.Header.Get("Retry-After") != "1" {
			t.Errorf("%d %v", p.Status, p.Header)
		}
		time.Sleep(time.Second)
		if p := s.typeIn(t, c.UserCode); p.Status != 200 {
			t.Errorf("%d %s", p.Status, p.Body)
		}
		if p := s.typeIn(t, "BCDF-BCDF"); p.Status != 400 {
			t.Errorf("%d %s", p.Status, p.Body)
		}
		if p := s.typeIn(t, "BCDF-BCDF"); p.Status != 429 {
			t.Errorf("%d %s", p.Status, p.Body)
		}
	})
}

// TestGuessingInTotal: from however many addresses, there is an end to it.
func TestGuessingInTotal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newDeviceSite().startInBubble(t)
		c := s.started(t)
		for k := range 1000 {
			s.remote = fmt.Sprintf("10.0.%d.%d:1", k/250, k%250)
			if p := s.typeIn(t, "BCDF-BCDF"); p.Status != 400 {
				t.Fatalf("%d: %d %s", k, p.Status, p.Body)
			}
		}
		s.remote = "192.0.2.7:1"
		if p := s.typeIn(t, c.UserCode); p.Status != 429 || p.Header.Get("Retry-After") != "1" {
			t.Errorf("%d %v", p.Status, p.Header)
		}
		time.Sleep(time.Second)
		if p := s.typeIn(t, c.UserCode); p.Status != 200 {
			t.Errorf("%d %s", p.Status, p.Body)
		}
	})
}

// TestGuessingAtOnce: a hundred guesses at the same moment are a hundred.
func TestGuessingAtOnce(t *testing.T) {
	s := newDeviceSite().start(t)
	status := make([]int, 100)
	var all sync.WaitGroup
	for k := range status {
		all.Go(func() { status[k] = s.typeIn(t, "BCDF-BCDF").Status })
	}
	all.Wait()
	tried := 0
	for _, code := range status {
		if code == 400 {
			tried++
		}
	}
	if tried < 20 || tried > 21 { // one more is given every 10 s
		t.Errorf("%d were tried", tried)
	}
}

// TestGuessersAreBounded: however many addresses guess, the memory of them is bounded.
func TestGuessersAreBounded(t *testing.T) {
	var g grant.Guesses
	now := time.Now()
	for k := range 50_000 {
		grant.Take(&g, now.Add(time.Duration(k)*time.Second), fmt.Sprint("network ", k))
	}
	if n := g.Known(); n > 1<<13 {
		t.Errorf("%d are known", n)
	}
	var right grant.Guesses
	for k := range 50_000 {
		if wait := grant.Take(&right, now, fmt.Sprint("network ", k)); wait != 0 {
			t.Fatalf("%d has to wait for %v", k, wait)
		}
		grant.GiveBack(&right, fmt.Sprint("network ", k))
	}
	if n := right.Known(); n != 0 {
		t.Errorf("%d are known whose codes were right", n)
	}
}
