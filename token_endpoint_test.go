package avouch_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/avouch-oauth/avouch"
	"github.com/avouch-oauth/avouch/replay"
)

func credentials(more ...string) url.Values {
	return form(append([]string{"grant_type", "client_credentials"}, more...)...)
}

func TestToken(t *testing.T) {
	s := newSite(t, nil)
	a := s.post(t, credentials(), basic("basic", secret))
	a.want(t, 200, "")
	if a.ExpiresIn != 900 || a.Scope != "read" {
		t.Errorf("answer %s", a.raw)
	}
	c := s.minter.last
	if c.Issuer != issuer || c.Subject != "basic" || c.ClientID != "basic" || !slices.Equal(c.Audience, []string{orders}) ||
		!slices.Equal(c.Scopes, []string{"read"}) || c.Expires.Sub(c.IssuedAt) != 15*time.Minute || len(c.ID) < 26 {
		t.Errorf("claims %+v", c)
	}
	e := s.lastEvent()
	if e.GrantType != "client_credentials" || e.AuthMethod != "client_secret_basic" || e.ClientID != "basic" ||
		e.Subject != "basic" || e.TokenID != c.ID || !slices.Equal(e.Scopes, c.Scopes) || !slices.Equal(e.Audience, c.Audience) {
		t.Errorf("event %+v", e)
	}
	if strings.Contains(a.raw, "refresh_token") {
		t.Error("there is a refresh token")
	}
	if got := s.logs.String(); got != "" {
		t.Errorf("logged %s", got)
	}
}

func TestTokenLifetime(t *testing.T) {
	s := newSite(t, nil)
	if a := s.post(t, credentials(), basic("brief", secret)); a.ExpiresIn != 60 {
		t.Errorf("answer %s", a.raw)
	}
}

// TestMethod: POST only (RFC 6749 §3.2).
func TestMethod(t *testing.T) {
	s := newSite(t, nil)
	for _, method := range []string{"GET", "PUT", "HEAD", "DELETE", "PATCH", "OPTIONS", "post"} {
		r, err := http.NewRequest(method, s.URL+"/oauth/token?grant_type=client_credentials", nil)
		if err != nil {
			t.Fatal(err)
		}
		s.mu.Lock()
		before := len(s.events)
		s.mu.Unlock()
		resp, err := http.DefaultTransport.RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		s.mu.Lock()
		events := len(s.events) - before
		s.mu.Unlock()
		if resp.StatusCode != 405 || resp.Header.Get("Allow") != "POST" || resp.Header.Get("Cache-Control") != "no-store" || events != 1 {
			t.Errorf("%s: %d, Allow %q, %d events", method, resp.StatusCode, resp.Header.Get("Allow"), events)
		}
	}
}

// TestForm is about the outside of a request and its form (RFC 6749 §3.2, Appendix B).
func TestForm(t *testing.T) {
	s := newSite(t, nil)
	good := credentials().Encode()
	contentType := func(v ...string) func(*http.Request) {
		return func(r *http.Request) { r.Header["Content-Type"] = v }
	}
	query := func(q string) func(*http.Request) { return func(r *http.Request) { r.URL.RawQuery = q } }
	tests := []struct {
		name   string
		body   string
		with   func(*http.Request)
		status int
		code   avouch.Code
	}{
		{name: "good", body: good, status: 200},
		{name: "charset", body: good, with: contentType("application/x-www-form-urlencoded;charset=UTF-8"), status: 200},
		{name: "charset with blanks and quotes", body: good, with: contentType(`Application/X-WWW-Form-URLEncoded ; charset="utf-8"`), status: 200},
		{name: "unknown parameters", body: good + "&foo=bar&x=" + strings.Repeat("y", 1000), status: 200},
		{name: "empty parameters", body: good + "&code=&scope=&client_assertion=&client_secret=&assertion", status: 200},
		{name: "query that is not ours", body: good, with: query("client-request-id=1&brk=2&scope=admin&grant_type=x"), status: 200},
		{name: "broken query", body: good, with: query("%zz=1;2"), status: 200},
		{name: "chunked", body: good, with: func(r *http.Request) { r.ContentLength = -1 }, status: 200},

		{name: "JSON", body: `{"grant_type":"client_credentials"}`, with: contentType("application/json"), status: 400, code: avouch.InvalidRequest},
		{name: "multipart", body: good, with: contentType("multipart/form-data; boundary=x"), status: 400, code: avouch.InvalidRequest},
		{name: "no content type", body: good, with: contentType(), status: 400, code: avouch.InvalidRequest},
		{name: "two content types", body: good, with: contentType("application/x-www-form-urlencoded", "application/x-www-form-urlencoded"), status: 400, code: avouch.InvalidRequest},
		{name: "content type by prefix", body: good, with: contentType("application/x-www-form-urlencodedx"), status: 400, code: avouch.InvalidRequest},
		{name: "encoded", body: good, with: func(r *http.Request) { r.Header.Set("Content-Encoding", "gzip") }, status: 400, code: avouch.InvalidRequest},
		{name: "empty body", status: 400, code: avouch.InvalidRequest},
		{name: "no grant type", body: "scope=read", status: 400, code: avouch.InvalidRequest},
		{name: "empty grant type", body: "grant_type=", status: 400, code: avouch.InvalidRequest},
		{name: "grant type in the query", body: "scope=read", with: query("grant_type=client_credentials"), status: 400, code: avouch.InvalidRequest},
		{name: "secret in the query", body: good, with: query("client_id=basic&client_secret=in-the-query"), status: 400, code: avouch.InvalidRequest},
		{name: "assertion in the query", body: good, with: query("assertion=in-the-query"), status: 400, code: avouch.InvalidRequest},
		{name: "client assertion in the query", body: good, with: query("Client%5Fassertion=in-the-query"), status: 400, code: avouch.InvalidRequest},
		{name: "semicolon", body: "grant_type=client_credentials;scope=read", status: 400, code: avouch.InvalidRequest},
		{name: "bad escape", body: good + "&x=%zz", status: 400, code: avouch.InvalidRequest},
		{name: "NUL", body: good + "&x=%00", status: 400, code: avouch.InvalidRequest},
		{name: "invalid UTF-8", body: good + "&x=%ff", status: 400, code: avouch.InvalidRequest},
		{name: "many parameters", body: good + strings.Repeat("&resource=x", 10_000/2), status: 400, code: avouch.InvalidRequest},
		{name: "unknown parameter twice", body: good + "&foo=1&foo=2", status: 400, code: avouch.InvalidRequest},
		{name: "twice but for case", body: good + "&scope=read&Scope=write", status: 400, code: avouch.InvalidRequest},
		{name: "just short enough", body: good + "&x=" + strings.Repeat("y", 64<<10-len(good)-3), status: 200},
		{name: "too long", body: good + "&x=" + strings.Repeat("y", 64<<10), status: 413, code: avouch.InvalidRequest},
		{name: "too long, chunked", body: good + "&x=" + strings.Repeat("y", 64<<10), with: func(r *http.Request) { r.ContentLength = -1 }, status: 413, code: avouch.InvalidRequest},
		{name: "ten megabytes", body: good + "&x=" + strings.Repeat("y", 10<<20), status: 413, code: avouch.InvalidRequest},

		{name: "unknown grant type", body: "grant_type=urn%3Aexample%3Aother", status: 400, code: avouch.UnsupportedGrantType},
		{name: "password", body: "grant_type=password&username=a&password=b", status: 400, code: avouch.UnsupportedGrantType},
		{name: "grant type in other case", body: "grant_type=Client_Credentials", status: 400, code: avouch.UnsupportedGrantType},
	}
	for _, name := range []string{"grant_type", "scope", "client_id", "client_secret", "assertion", "client_assertion", "client_assertion_type"} {
		for _, second := range []string{"a", "b"} {
			tests = append(tests, struct {
				name   string
				body   string
				with   func(*http.Request)
				status int
				code   avouch.Code
			}{name + " twice, then " + second, name + "=a&" + name + "=" + second + "&x=y", nil, 400, avouch.InvalidRequest})
		}
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r, err := http.NewRequest("POST", s.URL+"/oauth/token", strings.NewReader(test.body))
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			basic("basic", secret)(r)
			if test.with != nil {
				test.with(r)
			}
			s.do(t, r).want(t, test.status, test.code)
			s.post(t, credentials(), basic("basic", secret)).want(t, 200, "")
		})
	}
	if strings.Contains(s.logs.String(), "in-the-query") {
		t.Error("credentials of the query are in the log")
	}
}

// TestBodyEndsEarly: a body that breaks off or does not come is no request.
func TestBodyEndsEarly(t *testing.T) {
	s := newSite(t, nil)
	for cause, status := range map[error]int{io.ErrUnexpectedEOF: 400, os.ErrDeadlineExceeded: 408} {
		body := io.MultiReader(strings.NewReader("grant_type=client_credentials"), iotest.ErrReader(cause))
		r := httptest.NewRequest("POST", "/oauth/token", body)
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		basic("basic", secret)(r)
		w := httptest.NewRecorder()
		s.Config.Handler.ServeHTTP(w, r)
		if w.Code != status || !strings.Contains(w.Body.String(), "invalid_request") {
			t.Errorf("%v: %d %s", cause, w.Code, w.Body)
		}
	}
	s.post(t, credentials(), basic("basic", secret)).want(t, 200, "")
}

// TestGrantPermission: the grant must be offered, and the client allowed it (RFC 6749 §5.2).
func TestGrantPermission(t *testing.T) {
	s := newSite(t, nil)
	s.post(t, credentials(), basic("idle", secret)).want(t, 400, avouch.UnauthorizedClient)
	s.post(t, form("grant_type", "no-such"), basic("idle", secret)).want(t, 400, avouch.UnsupportedGrantType)
	s.post(t, form("grant_type", "no-such"), basic("idle", "wrong")).want(t, 400, avouch.UnsupportedGrantType)
	if e := s.lastEvent(); e.GrantType != "unknown" {
		t.Errorf("event has grant type %q", e.GrantType)
	}
	s.post(t, credentials(), basic("idle", "wrong")).want(t, 401, avouch.InvalidClient) // and not unauthorized_client
	s.post(t, credentials("client_id", "public")).want(t, 400, avouch.UnauthorizedClient)
	s.post(t, credentials()).want(t, 401, avouch.InvalidClient)
	s.post(t, credentials("client_id", "basic")).want(t, 401, avouch.InvalidClient)
}

// TestScopeAndResource: what was asked for, over HTTP (RFC 6749 §3.3, RFC 8707).
func TestScopeAndResource(t *testing.T) {
	s := newSite(t, nil)
	tests := []struct {
		form   url.Values
		status int
		code   avouch.Code
		scope  string
		aud    []string
	}{
		{form: credentials("scope", "write read"), status: 200, scope: "write read", aud: []string{orders}},
		{form: credentials("scope", "write"), status: 200, scope: "write", aud: []string{orders}},
		{form: credentials("scope", "read admin"), status: 400, code: avouch.InvalidScope},
		{form: credentials("scope", "read\twrite"), status: 400, code: avouch.InvalidScope},
		{form: credentials("scope", "read  write"), status: 400, code: avouch.InvalidScope},
		{form: credentials("scope", "réad"), status: 400, code: avouch.InvalidScope},
		{form: credentials("resource", "https://billing.example.com"), status: 200, scope: "read", aud: []string{"https://billing.example.com"}},
		{form: credentials("resource", "https://billing.example.com", "resource", orders), status: 200, scope: "read", aud: []string{"https://billing.example.com", orders}},
		{form: credentials("resource", "https://evil.example.com"), status: 400, code: avouch.InvalidTarget},
		{form: credentials("resource", orders+"#x"), status: 400, code: avouch.InvalidTarget},
		{form: credentials("resource", "orders"), status: 400, code: avouch.InvalidTarget},
		{form: credentials("audience", "https://evil.example.com"), status: 200, scope: "read", aud: []string{orders}},
	}
	for _, test := range tests {
		a := s.post(t, test.form, basic("basic", secret))
		a.want(t, test.status, test.code)
		if test.status == 200 && (a.Scope != test.scope || !slices.Equal(s.minter.last.Audience, test.aud)) {
			t.Errorf("%v: scope %q, aud %q", test.form, a.Scope, s.minter.last.Audience)
		}
	}
	if a := s.post(t, credentials(), basic("a:b c%+ü", secret)); a.Scope != "" || strings.Contains(a.raw, "scope") || s.minter.last.Audience[0] != issuer {
		t.Errorf("a client without scopes and resources got %s for %q", a.raw, s.minter.last.Audience)
	}
}

// TestClientOfGrant is about whose token a grant without client authentication gives.
func TestClientOfGrant(t *testing.T) {
	s := newSite(t, nil)
	grant := func(more ...string) url.Values { return form(append([]string{"grant_type", voucherType}, more...)...) }
	tests := []struct {
		name   string
		form   url.Values
		with   func(*http.Request)
		status int
		code   avouch.Code
		client string
		sub    string
	}{
		{name: "registered client", form: grant("for", "signer", "subject", "ann"), status: 200, client: "signer", sub: "ann"},
		{name: "nobody", form: grant("for", "signer"), status: 200, client: "signer", sub: "signer"},
		{name: "client that is not registered", form: grant("for", "https://idp.example.com", "subject", "ann"), status: 200, client: "https://idp.example.com", sub: "ann"},
		{name: "client of the credentials", form: grant("subject", "ann"), with: basic("basic", secret), status: 200, client: "basic", sub: "ann"},
		{name: "the same client twice", form: grant("for", "basic"), with: basic("basic", secret), status: 200, client: "basic", sub: "basic"},
		{name: "named client", form: grant("for", "signer", "client_id", "signer"), status: 200, client: "signer", sub: "signer"},
		{name: "named client by Basic without password", form: grant("for", "signer"), with: basic("signer", ""), status: 200, client: "signer", sub: "signer"},
		{name: "public client", form: grant("client_id", "public", "subject", "ann"), status: 200, client: "public", sub: "ann"},

		{name: "no client at all", form: grant("subject", "ann"), status: 500, code: avouch.ServerError},
		{name: "wrong secret beside a good grant", form: grant("for", "signer"), with: basic("basic", "wrong"), status: 401, code: avouch.InvalidClient},
		{name: "another client's credentials", form: grant("for", "signer"), with: basic("basic", secret), status: 400, code: avouch.InvalidGrant},
		{name: "another client named", form: grant("for", "signer", "client_id", "basic"), status: 400, code: avouch.InvalidGrant},
		{name: "unknown client named", form: grant("for", "signer", "client_id", "nobody"), status: 400, code: avouch.InvalidGrant},
		{name: "another client named by Basic without password", form: grant("for", "signer"), with: basic("basic", ""), status: 400, code: avouch.InvalidGrant},
		{name: "two clients named", form: grant("for", "signer", "client_id", "signer"), with: basic("basic", ""), status: 401, code: avouch.InvalidClient},
		{name: "client without the grant", form: grant("for", "idle"), status: 400, code: avouch.InvalidGrant},
		{name: "credentials of a client without the grant", form: grant("for", "idle"), with: basic("idle", secret), status: 400, code: avouch.UnauthorizedClient},
		{name: "disabled client", form: grant("for", "off"), status: 400, code: avouch.InvalidGrant},
		{name: "disabled public client", form: grant("client_id", "public-off"), status: 401, code: avouch.InvalidClient},
		{name: "subject with the name of a client", form: grant("for", "signer", "subject", "basic"), status: 400, code: avouch.InvalidGrant},
		{name: "subject with the name of its client", form: grant("for", "signer", "subject", "signer"), status: 400, code: avouch.InvalidGrant},
		{name: "subject with the name of its unregistered client", form: grant("for", "https://idp.example.com", "subject", "https://idp.example.com"), status: 400, code: avouch.InvalidGrant},
	}
	texts := map[string]bool{}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			with := test.with
			if with == nil {
				with = func(*http.Request) {}
			}
			a := s.post(t, test.form, with)
			a.want(t, test.status, test.code)
			if a.status == 200 && (s.minter.last.ClientID != test.client || s.minter.last.Subject != test.sub) {
				t.Errorf("client %q, sub %q", s.minter.last.ClientID, s.minter.last.Subject)
			}
			if a.Error == "invalid_grant" {
				texts[a.Description] = true
			}
		})
	}
	if len(texts) != 1 {
		t.Errorf("whoever holds a good grant learns the rules from the texts %v", texts)
	}
}

// TestSpend: everything is spent in one step, after all else has been decided.
func TestSpend(t *testing.T) {
	s := newSite(t, nil)
	stamped := func(stamp, voucher string, more ...string) url.Values {
		return form(append([]string{"grant_type", voucherType, "stamped_by", "stamped", "stamp", stamp, "voucher", voucher}, more...)...)
	}
	for _, refused := range []struct {
		more []string
		code avouch.Code
	}{
		{[]string{"scope", "admin"}, avouch.InvalidScope},
		{[]string{"resource", "https://evil.example.com"}, avouch.InvalidTarget},
		{[]string{"client_id", "basic"}, avouch.InvalidClient},
		{[]string{"subject", "basic"}, avouch.InvalidGrant},
		{[]string{"fault", "refuse"}, avouch.InvalidGrant},
		{[]string{"fault", "panic"}, avouch.ServerError},
		{[]string{"fault", "claims"}, avouch.ServerError},
	} {
		if a := s.post(t, stamped("1", "1", refused.more...)); a.Error != string(refused.code) {
			t.Errorf("%v: %s", refused.more, a.raw)
		}
	}
	if s.guard.calls != 0 {
		t.Errorf("refused requests spent something, %d times", s.guard.calls)
	}

	s.post(t, stamped("1", "1")).want(t, 200, "")
	if s.guard.calls != 1 {
		t.Errorf("spent in %d steps", s.guard.calls)
	}
	if e := s.lastEvent(); !slices.Equal(e.Notices, []string{"old_stamp"}) {
		t.Errorf("event has notices %q", e.Notices)
	}
	s.post(t, stamped("1", "2")).want(t, 401, avouch.InvalidClient)
	var replayed *replay.ReplayedError
	if !errors.As(s.lastEvent().Err, &replayed) || replayed.Use.Purpose != "stamp" {
		t.Errorf("event has %v", s.lastEvent().Err)
	}
	s.post(t, stamped("2", "1")).want(t, 400, avouch.InvalidGrant)
	if !errors.As(s.lastEvent().Err, &replayed) || replayed.Use.Purpose != "grant" {
		t.Errorf("event has %v", s.lastEvent().Err)
	}
	s.post(t, stamped("2", "2")).want(t, 200, "") // neither refusal spent the part that was good

	s.post(t, stamped("9", "8")).want(t, 200, "")
	s.post(t, stamped("8", "8")).want(t, 400, avouch.InvalidGrant) // the same id, of something else

	s.guard.err = errors.New("disk is full")
	a := s.post(t, stamped("3", "3"))
	a.want(t, 503, avouch.TemporarilyUnavailable)
	if a.header.Get("Retry-After") == "" || strings.Contains(a.raw, "disk") {
		t.Errorf("answer %s, Retry-After %q", a.raw, a.header.Get("Retry-After"))
	}
	if !strings.Contains(s.logs.String(), "disk is full") {
		t.Error("the operator does not learn why")
	}
	s.guard.err = nil
	s.post(t, stamped("3", "3")).want(t, 200, "")
}

// TestFailure: whatever happens inside, the caller gets JSON and learns nothing of it.
func TestFailure(t *testing.T) {
	s := newSite(t, nil)
	const private = "private-part-of-the-request"
	for _, fault := range []string{"fail", "panic", "nil map", "nothing", "claims", "nil error", "bad error"} {
		a := s.post(t, form("grant_type", voucherType, "for", "signer", "fault", fault, "echo", private))
		a.want(t, 500, avouch.ServerError)
		if strings.Contains(a.raw, "select") || strings.Contains(a.raw, private) || strings.Contains(a.raw, ".go") {
			t.Errorf("%s: %s", fault, a.raw)
		}
	}
	a := s.post(t, form("grant_type", voucherType, "fault", "refuse", "echo", private))
	a.want(t, 400, avouch.InvalidGrant)
	if !strings.HasPrefix(a.Description, "no??'good' ? ?") {
		t.Errorf("description %q", a.Description)
	}
	s.minter.err = errors.New("the HSM is on fire")
	a = s.post(t, credentials(), basic("basic", secret))
	a.want(t, 500, avouch.ServerError)
	if strings.Contains(a.raw, "fire") || strings.Contains(a.raw, "token.") {
		t.Errorf("answer %s", a.raw)
	}
	logged := s.logs.String()
	for _, want := range []string{"select secret", "nil map", "panic with a string", "the HSM is on fire", "a nil *avouch.Error", "could not be logged", a.RefusalID} {
		if !strings.Contains(logged, want) {
			t.Errorf("the log lacks %q", want)
		}
	}
	if n := strings.Count(logged, private); n != 2 { // description and reason of the grant's own refusal
		t.Errorf("the log has what the request said %d times", n)
	}
	for line := range strings.Lines(logged) {
		if len(line) > 10_000 {
			t.Errorf("a log line of %d bytes", len(line))
		}
	}
}

// TestObserverFails: no token leaves that the observer has not seen.
func TestObserverFails(t *testing.T) {
	calls := 0
	s := newSite(t, func(c *avouch.Config) {
		watch := c.Observe
		c.Observe = func(ctx context.Context, e avouch.Event) {
			watch(ctx, e)
			calls++
			panic("no room in the audit log")
		}
	})
	r, err := http.NewRequest("POST", s.URL+"/oauth/token", strings.NewReader(credentials().Encode()))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	basic("basic", secret)(r)
	resp, err := s.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if body, _ := io.ReadAll(resp.Body); resp.StatusCode != 500 || !strings.Contains(string(body), "server_error") || strings.Contains(string(body), "token.") || calls != 1 {
		t.Errorf("%d %s, observed %d times", resp.StatusCode, body, calls)
	}
}

// TestHostileStrings: what strangers send is logged on one line, escaped and cut, and never decides where we are.
func TestHostileStrings(t *testing.T) {
	s := newSite(t, nil)
	nasty := "x\r\n{\"level\":\"ERROR\"}\x1b[31m\u202e" + strings.Repeat("y", 5000)
	a := s.post(t, form("grant_type", nasty, "client_id", nasty), func(r *http.Request) {
		r.Host = "evil.example.com"
		r.Header.Set("X-Forwarded-Host", "evil.example.com")
		r.Header.Set("X-Forwarded-For", "203.0.113.9")
		r.Header.Set("Forwarded", "host=evil.example.com")
		r.Header.Set("Origin", "null")
	})
	a.want(t, 400, avouch.UnsupportedGrantType)
	s.post(t, credentials("client_id", nasty)).want(t, 401, avouch.InvalidClient)
	s.post(t, credentials(), basic(strings.Repeat("z", 3000), "wrong")).want(t, 401, avouch.InvalidClient)
	logged := s.logs.String()
	if n := strings.Count(logged, "\n"); n != 3 {
		t.Errorf("%d lines for 3 requests", n)
	}
	if strings.ContainsAny(logged, "\r\x1b") || len(logged) > 6000 || strings.Contains(logged, "203.0.113.9") {
		t.Errorf("logged %s", logged)
	}
	if e := s.lastEvent(); len(e.Claimed) > 300 || strings.HasPrefix(e.RemoteAddr, "203.") {
		t.Errorf("event %+v", e)
	}
	a = s.post(t, credentials(), basic("basic", secret), func(r *http.Request) { r.Host = "evil.example.com" })
	a.want(t, 200, "")
	if s.minter.last.Issuer != issuer {
		t.Errorf("iss is %q", s.minter.last.Issuer)
	}
}

// TestIdentifiersAreRandom: ids of tokens have 128 bits and more that nobody can guess (RFC 6749 §10.10), and no two
// refusals have one id.
func TestIdentifiersAreRandom(t *testing.T) {
	s := newSite(t, nil)
	tokens, refusals, ones := map[string]bool{}, map[string]bool{}, map[string]int{}
	const n = 200
	for range n {
		s.post(t, credentials(), basic("basic", secret)).want(t, 200, "")
		id := s.minter.last.ID
		tokens[id] = true
		for place, letter := range id {
			ones[fmt.Sprint(place, string(letter))]++
		}
		refusals[s.post(t, credentials("scope", "admin"), basic("basic", secret)).RefusalID] = true
	}
	if len(tokens) != n || len(refusals) != n {
		t.Errorf("%d ids of %d tokens, %d ids of %d refusals", len(tokens), n, len(refusals), n)
	}
	length := len(s.minter.last.ID)
	if length < 26 { // letters of base32
		t.Errorf("ids of %d letters", length)
	}
	for place, times := range ones {
		if times > n/4 { // one in 32 is to be expected
			t.Errorf("%s stands there in %d of %d ids", place, times, n)
		}
	}
}
