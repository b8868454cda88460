package grant_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/avouch-oauth/avouch"
	"github.com/avouch-oauth/avouch/grant"
	"github.com/avouch-oauth/avouch/handle"
	"github.com/avouch-oauth/avouch/replay"
)

// TestAuthorizationResponse: what a browser brings back to the client (RFC 6749 §4.1.2, RFC 9207 §2).
func TestAuthorizationResponse(t *testing.T) {
	s := newCodeSite(t, false)
	for _, test := range []struct {
		name  string
		pairs []string
		to    string
		state []string
	}{
		{"good", nil, appURI, []string{"s t&a=te"}},
		{"no state", []string{"state", ""}, appURI, nil},
		{"state of any text", []string{"state", "ä\r\n\"<%2B+#&code=x"}, appURI, []string{"ä\r\n\"<%2B+#&code=x"}},
		{"the longest state", []string{"state", strings.Repeat("%", 2048)}, appURI, []string{strings.Repeat("%", 2048)}},
		{"no redirect URI, one registered", []string{"redirect_uri", ""}, appURI, []string{"s t&a=te"}},
		{"query mode", []string{"response_mode", "query"}, appURI, []string{"s t&a=te"}},
		{"unknown parameters", []string{"foo", "bar", "client_secret", "x"}, appURI, []string{"s t&a=te"}},
		{"the query of a redirect URI is kept", []string{"client_id", "two", "redirect_uri", "https://app.example/cb?tenant=1&x"}, "https://app.example/cb?tenant=1&x", []string{"s t&a=te"}},
		{"an app's own scheme", []string{"client_id", "native", "redirect_uri", "com.example.app:/cb"}, "com.example.app:/cb", []string{"s t&a=te"}},
		{"loopback, any port", []string{"client_id", "native", "redirect_uri", "http://127.0.0.1:51004/cb"}, "http://127.0.0.1:51004/cb", []string{"s t&a=te"}},
		{"loopback, IPv6, another port", []string{"client_id", "native", "redirect_uri", "http://[::1]:1/cb?x=1"}, "http://[::1]:1/cb?x=1", []string{"s t&a=te"}},
		{"loopback, no port", []string{"client_id", "native", "redirect_uri", "http://[::1]/cb?x=1"}, "http://[::1]/cb?x=1", []string{"s t&a=te"}},
		{"localhost as registered", []string{"client_id", "native", "redirect_uri", "http://localhost:9000/cb"}, "http://localhost:9000/cb", []string{"s t&a=te"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := s.authorize(t, with(test.pairs...))
			if got.to != test.to || !slices.Equal(got.params["state"], test.state) {
				t.Errorf("%q with %v; %s", got.to, got.params, got.body)
			}
			if code := got.params["code"]; len(code) != 1 || len(code[0]) != 43 || len(got.params) != 2+len(test.state) {
				t.Errorf("%v", got.params)
			}
			separator := "?"
			if strings.Contains(test.to, "?") {
				separator = "&"
			}
			if location := got.header.Get("Location"); strings.ContainsAny(location, " +\"\r\n") || !strings.HasPrefix(location, test.to+separator+"code=") {
				t.Errorf("location %q", location)
			}
			if e := s.last(); e.Err != nil || e.Endpoint != "authorization" || e.ClientID == "" || e.Subject != "alice" ||
				!slices.Equal(e.Scopes, []string{"read"}) || e.RemoteAddr == "" || e.Claimed != e.ClientID || e.Duration <= 0 {
				t.Errorf("%+v", e)
			}
		})
	}
}

// TestIssuerIsConfigured: iss is what the server is called, whatever the request calls it, and a form is sent on to where
// it came to.
func TestIssuerIsConfigured(t *testing.T) {
	s := newCodeSite(t, false)
	poisoned := []string{"X-Forwarded-Host", "evil.example", "Forwarded", "host=evil.example"}
	r := s.form(t, "", with().Encode(), poisoned...)
	r.Host = "evil.example"
	if got := s.do(t, r); !strings.HasPrefix(got.header.Get("Location"), "?") {
		t.Errorf("%v", got.header)
	}
	r = s.form(t, "", "", poisoned...)
	r.Method, r.Host, r.URL.RawQuery = "GET", "evil.example", with().Encode()
	if got := s.do(t, r); got.to != appURI || got.params.Get("iss") != s.issuer {
		t.Errorf("%q %v", got.to, got.params)
	}
}

// TestAuthorizationRefused: from the moment the redirect URI is verified, the client learns of every error there.
func TestAuthorizationRefused(t *testing.T) {
	s := newCodeSite(t, false)
	tests := []struct {
		name  string
		pairs []string
		want  string
	}{
		{"no response_type", []string{"response_type", ""}, "invalid_request"},
		{"implicit", []string{"response_type", "token"}, "unsupported_response_type"},
		{"hybrid", []string{"response_type", "code token"}, "unsupported_response_type"},
		{"response_type in capitals", []string{"response_type", "CODE"}, "unsupported_response_type"},
		{"fragment mode", []string{"response_mode", "fragment"}, "invalid_request"},
		{"form_post mode", []string{"response_mode", "form_post"}, "invalid_request"},
		{"no challenge", []string{"code_challenge", ""}, "invalid_request"},
		{"no challenge and no method", []string{"code_challenge", "", "code_challenge_method", ""}, "invalid_request"},
		{"no method, which is plain", []string{"code_challenge_method", ""}, "invalid_request"},
		{"plain", []string{"code_challenge", verifier, "code_challenge_method", "plain"}, "invalid_request"},
		{"s256", []string{"code_challenge_method", "s256"}, "invalid_request"},
		{"challenge too short", []string{"code_challenge", challenge[:42]}, "invalid_request"},
		{"challenge too long", []string{"code_challenge", challenge + "A"}, "invalid_request"},
		{"challenge with padding", []string{"code_challenge", challenge + "="}, "invalid_request"},
		{"challenge that is not canonical", []string{"code_challenge", challenge[:42] + "N"}, "invalid_request"},
		{"challenge with a line break", []string{"code_challenge", challenge[:42] + "\n"}, "invalid_request"},
		{"challenge in standard base64", []string{"code_challenge", strings.ReplaceAll(challenge, "-", "+")}, "invalid_request"},
		{"state too long", []string{"state", strings.Repeat("s", 2049)}, "invalid_request"},
		{"scope beyond the client", []string{"scope", "read admin"}, "invalid_scope"},
		{"malformed scope", []string{"scope", "read  write"}, "invalid_scope"},
		{"resource of somebody else", []string{"resource", "https://elsewhere.example"}, "invalid_target"},
		{"resource with a fragment", []string{"resource", api + "#"}, "invalid_target"},
		{"request object", []string{"request", "eyJ.e30."}, "request_not_supported"},
		{"request object elsewhere", []string{"request_uri", "https://evil.example/request.jwt"}, "invalid_request_uri"},
		{"request never pushed", []string{"request_uri", "urn:ietf:params:oauth:request_uri:unknown"}, "invalid_request_uri"},
		{"request to be pushed", []string{"client_id", "par"}, "invalid_request"},
		{"client without the grant", []string{"client_id", "idle"}, "unauthorized_client"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got := s.authorize(t, with(test.pairs...))
			if got.to != appURI || got.params.Get("error") != test.want {
				t.Fatalf("%d %q %v %s", got.status, got.to, got.params, got.body)
			}
			if test.name != "state too long" && got.params.Get("state") != "s t&a=te" || test.name == "state too long" && got.params.Has("state") {
				t.Errorf("state %q", got.params["state"])
			}
			e := s.last()
			refusal, ok := errors.AsType[*avouch.Error](e.Err)
			if !ok || string(refusal.Code) != test.want || e.RefusalID == "" || e.RefusalID != got.params.Get("refusal_id") || e.Endpoint != "authorization" {
				t.Errorf("%+v", e)
			}
			if len(s.questions()) > 0 {
				t.Error("the user was asked")
			}
		})
	}
}

// TestAuthorizationPage: nobody is sent anywhere by a request of which it is not certain whose it is.
func TestAuthorizationPage(t *testing.T) {
	s := newCodeSite(t, false)
	raw := func(more string) string { return with().Encode() + more }
	tests := []struct{ name, query string }{
		{"nothing", ""},
		{"no client", with("client_id", "").Encode()},
		{"unknown client", with("client_id", "nobody").Encode()},
		{"client in another case", with("client_id", "APP").Encode()},
		{"client with a blank", with("client_id", "app ").Encode()},
		{"disabled client", with("client_id", "off").Encode()},
		{"client without redirect URIs", with("client_id", "none").Encode()},
		{"client without redirect URIs, none named", with("client_id", "none", "redirect_uri", "").Encode()},
		{"two registered, none named", with("client_id", "two", "redirect_uri", "").Encode()},
		{"another client's redirect URI", with("client_id", "other").Encode()},
		{"client twice", raw("&client_id=app")},
		{"redirect URI twice", raw("&redirect_uri=" + url.QueryEscape("https://evil.example"))},
		{"redirect URI twice, in two spellings", raw("&Redirect_URI=" + url.QueryEscape("https://evil.example"))},
		{"state twice", raw("&state=b")},
		{"broken escape", raw("&x=%zz")},
		{"semicolon", raw(";x=1")},
		{"not UTF-8", raw("&x=%ff")},
		{"NUL", raw("&x=%00")},
		{"too many parameters", raw(strings.Repeat("&a", 3) + func() (all string) {
			for i := range 80 {
				all += fmt.Sprintf("&p%d=1", i)
			}
			return all
		}())},
		{"too long", raw("&x=" + strings.Repeat("x", 16<<10))},
		{"request_uri alone, elsewhere", url.Values{"client_id": {"app"}, "request_uri": {"https://evil.example/r"}}.Encode()},
		{"request_uri alone, unknown", url.Values{"client_id": {"app"}, "request_uri": {"urn:ietf:params:oauth:request_uri:x"}}.Encode()},
		{"request_uri and a redirect URI that is not registered", with("request_uri", "urn:ietf:params:oauth:request_uri:x", "redirect_uri", "https://evil.example").Encode()},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) { s.wantPage(t, s.open(t, test.query), http.StatusBadRequest) })
	}
}

// wantPage checks that an answer is an error page that sends nobody anywhere.
func (s *codeSite) wantPage(t testing.TB, got reply, status int) {
	t.Helper()
	if got.status != status || got.header.Get("Location") != "" || !strings.HasPrefix(got.header.Get("Content-Type"), "text/html") {
		t.Fatalf("%d %v", got.status, got.header)
	}
	e := s.last()
	if e.Err == nil || e.RefusalID == "" || !strings.Contains(got.body, e.RefusalID) || e.Endpoint != "authorization" {
		t.Errorf("%+v: %s", e, got.body)
	}
	if strings.Contains(got.body, "evil.example") || strings.Contains(got.body, "http-equiv") {
		t.Errorf("the page says %s", got.body)
	}
	h := got.header
	if !strings.Contains(h.Get("Content-Security-Policy"), "frame-ancestors 'none'") || h.Get("X-Frame-Options") != "DENY" {
		t.Errorf("headers %v", h)
	}
	if len(s.questions()) > 0 {
		t.Error("the user was asked")
	}
}

// TestRedirectURITricks: what looks like a registered redirect URI is none (RFC 9700 §4.1.3).
func TestRedirectURITricks(t *testing.T) {
	s := newCodeSite(t, false)
	tricks := map[string][]string{
		"app": {
			"https://evil.example/cb", "https://app.example/cb/", "https://app.example/cb/../evil", "https://app.example/cb?x=1",
			"https://app.example/cb#", "https://app.example/cb#x", "https://app.example/CB", "HTTPS://app.example/cb",
			"https://APP.example/cb", "https://app.example:443/cb", "https://app.example:8443/cb", "http://app.example/cb",
			"https://app.example.evil.example/cb", "https://app.example@evil.example/cb", "https://evil.example@app.example/cb",
			"https://app.example\\@evil.example/cb", "https://evil.example\\app.example/cb", "https://app.example/%63b",
			"https://app.example/cb%00", "https://app.example/cb%2f..", "https://app.example//cb", "https:/app.example/cb",
			"https:app.example/cb", "//app.example/cb", "/cb", "app.example/cb", " https://app.example/cb", "https://app.example/cb ",
			"https://app.example/cb\r\nLocation: https://evil.example", "https://app.example/cb\tx", "https://app.example./cb",
			"https://app.exam\u200bple/cb", "https://аpp.example/cb", "javascript:alert(1)", "javascript://app.example/cb%0aalert(1)",
			"data:text/html,<script>", "https://app.example", "https://*.example/cb", "*",
		},
		"native": {
			"http://127.0.0.1:0/cb", "http://127.0.0.1:65536/cb", "http://127.0.0.1:/cb", "http://127.0.0.1:08/cb", "http://127.0.0.1:+8/cb",
			"http://127.0.0.1:80@evil.example/cb", "http://127.0.0.1@evil.example/cb", "http://127.0.0.1.evil.example/cb",
			"http://127.0.0.1evil.example/cb", "http://127.0.0.1:80.evil.example/cb", "http://127.0.0.1:80\\.evil.example/cb",
			"http://127.0.0.1:51004/cb/", "http://127.0.0.1:51004/cb?x", "http://127.0.0.1:51004/other", "http://127.0.0.1:51004",
			"http://127.0.0.2:51004/cb", "http://127.1:51004/cb", "http://2130706433/cb", "http://0x7f000001/cb", "http://[::ffff:127.0.0.1]/cb",
			"http://[0:0:0:0:0:0:0:1]:7000/cb?x=1", "http://[::1%25lo]/cb?x=1", "https://127.0.0.1/cb", "http://localhost/cb", "http://localhost:9001/cb",
			"com.example.app:/cb2", "com.example.app://cb", "com.example.evil:/cb", "COM.example.app:/cb", "com.example.app:/cb?x",
		},
		"evil": {
			"javascript:alert(1)//", "https://app.example/cb#f", "https://user@app.example/cb", "http://app.example/cb",
			"data:text/html,x", "/cb", "https://app.example/\\cb", "//app.example/cb", "https:///cb",
		},
	}
	for client, uris := range tricks {
		for _, uri := range uris {
			t.Run(client+" "+uri, func(t *testing.T) {
				s.wantPage(t, s.authorize(t, with("client_id", client, "redirect_uri", uri)), http.StatusBadRequest)
			})
		}
	}
}

// TestAuthorizationMethods: GET, POST, and nothing else (RFC 6749 §3.1).
func TestAuthorizationMethods(t *testing.T) {
	s := newCodeSite(t, false)
	for _, method := range []string{"HEAD", "PUT", "DELETE", "PATCH", "OPTIONS", "QUERY"} {
		t.Run(method, func(t *testing.T) {
			r, err := http.NewRequest(method, s.issuer+"/oauth/authorize?"+with().Encode(), nil)
			if err != nil {
				t.Fatal(err)
			}
			if got := s.do(t, r); got.status != http.StatusMethodNotAllowed || got.header.Get("Allow") != "GET, POST" || len(s.questions()) > 0 {
				t.Errorf("%d %v", got.status, got.header)
			}
		})
	}
}

func (s *codeSite) form(t testing.TB, query, body string, header ...string) *http.Request {
	t.Helper()
	r, err := http.NewRequest("POST", s.issuer+"/oauth/authorize", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.URL.RawQuery = query
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	return r
}

// TestAuthorizationForm: a request that is posted becomes the same one in the URL, also from another site.
func TestAuthorizationForm(t *testing.T) {
	s := newCodeSite(t, false)
	form := with("state", "ä +&")
	form["resource"] = []string{api2, api}
	got := s.do(t, s.form(t, "", form.Encode(), "Sec-Fetch-Site", "cross-site", "Origin", "https://app.example"))
	location, ok := strings.CutPrefix(got.header.Get("Location"), "?")
	if !ok || len(s.questions()) > 0 {
		t.Fatalf("%d %v %s", got.status, got.header, got.body)
	}
	got = s.open(t, location)
	if got.params.Get("code") == "" || got.params.Get("state") != "ä +&" || !slices.Equal(s.questions()[0].Resources, []string{api2, api}) {
		t.Errorf("%v", got.params)
	}
	for name, r := range map[string]*http.Request{
		"twice":         s.form(t, "", form.Encode()+"&state=x"),
		"broken":        s.form(t, "", "client_id=%zz"),
		"too long":      s.form(t, "", form.Encode()+"&x="+strings.Repeat("x", 16<<10)),
		"JSON":          s.form(t, "", `{"client_id":"app"}`, "Content-Type", "application/json"),
		"no type":       s.form(t, "", form.Encode(), "Content-Type", ""),
		"nothing, then": s.form(t, "", "x="),
	} {
		t.Run(name, func(t *testing.T) {
			got := s.do(t, r)
			if name == "nothing, then" {
				got = s.open(t, strings.TrimPrefix(got.header.Get("Location"), "?"))
			}
			s.wantPage(t, got, http.StatusBadRequest)
		})
	}
}

// TestFormOfAsk: a form that is posted to the URL of the request is Ask's, and comes from this site alone.
func TestFormOfAsk(t *testing.T) {
	s := newCodeSite(t, false, asking(func(w http.ResponseWriter, r *http.Request, q *grant.Question) (*grant.Consent, error) {
		switch {
		case r.Method == http.MethodGet:
			fmt.Fprint(w, "may "+q.Client.ID+"?")
			return nil, nil
		case r.PostFormValue("decision") == "yes" && q.Param("login_hint") == "al":
			return &grant.Consent{Subject: r.PostFormValue("user")}, nil
		}
		return &grant.Consent{Denied: true}, nil
	}))
	query := with("login_hint", "al").Encode()
	got := s.open(t, query)
	if got.status != 200 || got.body != "may app?" || got.header.Get("X-Frame-Options") != "DENY" ||
		got.header.Get("Content-Security-Policy") != "frame-ancestors 'none'" || len(s.events) != 0 {
		t.Fatalf("%d %v %s", got.status, got.header, got.body)
	}
	same := []string{"Sec-Fetch-Site", "same-origin"}
	got = s.do(t, s.form(t, query, "decision=yes&user=bob&client_id=evil&redirect_uri=https://evil.example&scope=admin", same...))
	if got.to != appURI || got.params.Get("code") == "" || s.last().Subject != "bob" || s.last().ClientID != "app" {
		t.Errorf("%v %+v", got.params, s.last())
	}
	if a := s.redeem(t, got.params.Get("code")); a.claims(t)["sub"] != "bob" || a.Scope != "read" {
		t.Errorf("%+v", a)
	}
	got = s.do(t, s.form(t, query, "decision=no", same...))
	if got.to != appURI || got.params.Get("error") != "access_denied" || got.params.Get("state") != "s t&a=te" {
		t.Errorf("%v", got.params)
	}
	s.questions()
	for name, header := range map[string][]string{
		"another site":                   {"Sec-Fetch-Site", "cross-site"},
		"a sister site":                  {"Sec-Fetch-Site", "same-site"},
		"another origin, an old browser": {"Origin", "https://evil.example"},
		"an origin without a name":       {"Origin", "null"},
	} {
		t.Run(name, func(t *testing.T) {
			s.wantPage(t, s.do(t, s.form(t, query, "decision=yes&user=alice", header...)), http.StatusBadRequest)
		})
	}
}

// TestFormOfAskBehindProxy: a proxy may call the server by another name than browsers do, who know it by its issuer.
func TestFormOfAskBehindProxy(t *testing.T) {
	s := newCodeSite(t, false)
	for origin, good := range map[string]bool{s.issuer: true, "http://backend.internal": true, "https://evil.example": false, "null": false} {
		r := s.form(t, with().Encode(), "decision=yes", "Origin", origin)
		r.Host = "backend.internal"
		if got := s.do(t, r); (got.params.Get("code") != "") != good {
			t.Errorf("%s: %d %v", origin, got.status, got.params)
		}
	}
}

// TestFormOfAskIsBounded: nobody fills the memory of the server by way of Ask.
func TestFormOfAskIsBounded(t *testing.T) {
	s := newCodeSite(t, false, asking(func(w http.ResponseWriter, r *http.Request, _ *grant.Question) (*grant.Consent, error) {
		read, err := io.Copy(io.Discard, r.Body)
		if err == nil || read > 64<<10 {
			t.Errorf("%d bytes, %v", read, err)
		}
		return &grant.Consent{Denied: true}, nil
	}))
	s.do(t, s.form(t, with().Encode(), "decision="+strings.Repeat("x", 1<<20), "Sec-Fetch-Site", "same-origin"))
}

// TestQuestion: Ask learns what is asked for, and what it changes of that changes nothing.
func TestQuestion(t *testing.T) {
	s := newCodeSite(t, false, asking(func(_ http.ResponseWriter, _ *http.Request, q *grant.Question) (*grant.Consent, error) {
		for i := range q.Scopes {
			q.Scopes[i] = "admin"
		}
		for i := range q.Resources {
			q.Resources[i] = "https://elsewhere.example"
		}
		q.RedirectURI = "https://evil.example"
		return &grant.Consent{Subject: "alice"}, nil
	}))
	got := s.authorize(t, with("scope", "write read", "resource", api2, "prompt", "login", "login_hint", "al"))
	q := s.questions()[0]
	if q.Client.ID != "app" || q.Param("prompt") != "login" || q.Param("login_hint") != "al" || q.Param("nonce") != "" || q.UserCode != "" {
		t.Errorf("%+v", q)
	}
	if got.to != appURI || !slices.Equal(s.last().Scopes, []string{"write", "read"}) || !slices.Equal(s.last().Audience, []string{api2}) {
		t.Errorf("%q %+v", got.to, s.last())
	}
	if a := s.redeem(t, got.params.Get("code")); a.Scope != "write read" || a.claims(t)["aud"] != api2 {
		t.Errorf("%+v %v", a, a.claims(t))
	}
	s.authorize(t, with())
	if q := s.questions()[0]; q.Resources != nil || q.Scopes[0] != "admin" || len(q.Scopes) != 1 {
		t.Errorf("%+v", q)
	}
}

type disabledSubjects []string

func (d disabledSubjects) SubjectDisabled(_ context.Context, subject string) (bool, error) {
	if subject == "unknowable" {
		return false, errors.New("no connection")
	}
	return slices.Contains(d, subject), nil
}

// TestConsent: what Ask may return, and what no consent can give.
func TestConsent(t *testing.T) {
	c := func(c grant.Consent) *grant.Consent { return &c }
	tests := []struct {
		name    string
		consent *grant.Consent
		err     error
		want    string // an error code; "" for a code
		scope   string // of the token
	}{
		{"all of it", c(grant.Consent{Subject: "alice"}), nil, "", "read write"},
		{"a part", c(grant.Consent{Subject: "alice", Scopes: []string{"write"}}), nil, "", "write"},
		{"nothing of it", c(grant.Consent{Subject: "alice", Scopes: []string{}}), nil, "", ""},
		{"beyond", c(grant.Consent{Subject: "alice", Scopes: []string{"read", "admin"}}), nil, "server_error", ""},
		{"denied", c(grant.Consent{Denied: true}), nil, "access_denied", ""},
		{"denied by somebody", c(grant.Consent{Denied: true, Subject: "alice", Scopes: []string{"read"}}), nil, "access_denied", ""},
		{"by nobody", c(grant.Consent{}), nil, "server_error", ""},
		{"by a user with the name of the client", c(grant.Consent{Subject: "app"}), nil, "access_denied", ""},
		{"by a user with the name of another client", c(grant.Consent{Subject: "native"}), nil, "access_denied", ""},
		{"by a disabled user", c(grant.Consent{Subject: "mallory"}), nil, "access_denied", ""},
		{"by a user of whom nobody can tell", c(grant.Consent{Subject: "unknowable"}), nil, "temporarily_unavailable", ""},
		{"with claims", c(grant.Consent{Subject: "alice", Claims: map[string]any{"org": "x", "n": 1}}), nil, "", "read write"},
		{"with a claim of the token's own", c(grant.Consent{Subject: "alice", Claims: map[string]any{"client_id": "other"}}), nil, "server_error", ""},
		{"with a claim that is no JSON", c(grant.Consent{Subject: "alice", Claims: map[string]any{"x": func() {}}}), nil, "server_error", ""},
		{"with claims beyond measure", c(grant.Consent{Subject: "alice", Claims: map[string]any{"x": strings.Repeat("x", handle.MaxData)}}), nil, "server_error", ""},
		{"neither", nil, nil, "server_error", ""},
		{"failure", nil, errors.New("no connection to 10.0.0.1"), "server_error", ""},
		{"consent and failure", c(grant.Consent{Subject: "alice"}), errors.New("no connection"), "server_error", ""},
		{"an error for the client", nil, &avouch.Error{Code: "login_required", Description: "nobody is signed in"}, "login_required", ""},
		{"an error with hostile text", nil, &avouch.Error{Code: "a\r\n\"b", Description: "x\r\nSet-Cookie: \"a\\\x00ä"}, "a???b", ""},
		{"an error without a code", nil, &avouch.Error{Description: "x"}, "server_error", ""},
		{"a nil error", nil, (*avouch.Error)(nil), "server_error", ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := newCodeSite(t, true, asking(func(http.ResponseWriter, *http.Request, *grant.Question) (*grant.Consent, error) {
				return test.consent, test.err
			}), func(s *codeSite) { s.config.Subjects = disabledSubjects{"mallory"} })
			got := s.authorize(t, with("scope", "read write"))
			if got.to != appURI || got.params.Get("error") != test.want || got.params.Get("state") != "s t&a=te" {
				t.Fatalf("%d %v %s: %v", got.status, got.params, got.body, s.last().Err)
			}
			if strings.Contains(got.params.Encode(), "10.0.0.1") || strings.ContainsAny(got.params.Get("error_description"), "\r\n\"\\\x00") {
				t.Errorf("%v", got.params)
			}
			if test.want != "" {
				return
			}
			a := s.redeem(t, got.params.Get("code"))
			if a.Status != 200 || a.Scope != test.scope || a.claims(t)["sub"] != "alice" || a.claims(t)["client_id"] != "app" {
				t.Errorf("%+v", a)
			}
			if claims := a.claims(t); test.consent.Claims != nil && (claims["org"] != "x" || claims["n"] != 1.0) {
				t.Errorf("%v", claims)
			}
		})
	}
}

// TestAskGoesWrong: whatever Ask does, there is no code by mistake.
func TestAskGoesWrong(t *testing.T) {
	tests := []struct {
		name    string
		ask     grant.Ask
		aborted bool
	}{
		{"panic", func(http.ResponseWriter, *http.Request, *grant.Question) (*grant.Consent, error) {
			panic("with " + verifier)
		}, false},
		{"runtime error", func(http.ResponseWriter, *http.Request, *grant.Question) (*grant.Consent, error) {
			var c *grant.Consent
			return &grant.Consent{Subject: c.Subject}, nil
		}, false},
		{"abort", func(http.ResponseWriter, *http.Request, *grant.Question) (*grant.Consent, error) {
			panic(http.ErrAbortHandler)
		}, true},
		{"panic in the middle of a page", func(w http.ResponseWriter, _ *http.Request, _ *grant.Question) (*grant.Consent, error) {
			fmt.Fprint(w, "may ")
			panic("now")
		}, true},
		{"failure after a page", func(w http.ResponseWriter, _ *http.Request, _ *grant.Question) (*grant.Consent, error) {
			w.WriteHeader(200)
			return nil, errors.New("no connection")
		}, true},
		{"a page and a consent", func(w http.ResponseWriter, _ *http.Request, _ *grant.Question) (*grant.Consent, error) {
			if err := http.NewResponseController(w).Flush(); err != nil {
				panic(err)
			}
			return &grant.Consent{Subject: "alice"}, nil
		}, true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			f := &faulty{}
			f.breaks("PutHandle") // which nobody may reach
			s := newCodeSite(t, false, asking(test.ask), breakable(f))
			resp, err := s.browser.Get(s.issuer + "/oauth/authorize?" + with().Encode())
			if err == nil {
				defer resp.Body.Close()
				if _, readErr := io.ReadAll(resp.Body); readErr != nil {
					err = readErr
				}
			}
			if (err != nil) != test.aborted {
				t.Fatalf("%v", err)
			}
			if !test.aborted {
				if location := resp.Header.Get("Location"); !strings.HasPrefix(location, appURI+"?error=server_error&") || strings.Contains(location, verifier) {
					t.Errorf("location %q", location)
				}
			}
			if test.name == "abort" {
				return
			}
			refusal, ok := errors.AsType[*avouch.Error](s.last().Err)
			if !ok || refusal.Code != avouch.ServerError || strings.Contains(refusal.Error(), verifier) {
				t.Errorf("%v", s.last().Err)
			}
		})
	}
}

// TestAskRedirects: Ask may send the user to sign in elsewhere and come back.
func TestAskRedirects(t *testing.T) {
	s := newCodeSite(t, false, asking(func(w http.ResponseWriter, r *http.Request, _ *grant.Question) (*grant.Consent, error) {
		if c, err := r.Cookie("user"); err == nil {
			http.SetCookie(w, &http.Cookie{Name: "seen", Value: "1"})
			w.Header().Set("Content-Type", "text/plain")
			return &grant.Consent{Subject: c.Value}, nil
		}
		http.Redirect(w, r, "/login?back="+url.QueryEscape(r.URL.RequestURI()), http.StatusSeeOther)
		return nil, nil
	}))
	got := s.authorize(t, with())
	back, err := url.Parse(got.header.Get("Location"))
	if err != nil || back.Path != "/login" || len(s.events) > 0 {
		t.Fatalf("%d %v", got.status, got.header)
	}
	r, err := http.NewRequest("GET", s.issuer+back.Query().Get("back"), nil)
	if err != nil {
		t.Fatal(err)
	}
	r.AddCookie(&http.Cookie{Name: "user", Value: "carol"})
	got = s.do(t, r)
	if got.params.Get("code") == "" || s.last().Subject != "carol" || got.header.Get("Set-Cookie") != "seen=1" || got.header.Get("Content-Type") != "" {
		t.Errorf("%v %v", got.params, got.header)
	}
}

// TestAuthorizationFailures: who cannot tell does not issue, and says so where the client is known.
func TestAuthorizationFailures(t *testing.T) {
	for _, method := range []string{"PutHandle", "FirstUse"} {
		t.Run(method, func(t *testing.T) {
			f := &faulty{}
			s := newCodeSite(t, true, breakable(f))
			form := with()
			if method == "FirstUse" {
				form = url.Values{"client_id": {"app"}, "request_uri": {s.push(t).RequestURI}}
			}
			f.breaks(method)
			if got := s.authorize(t, form); got.to != appURI || got.params.Get("error") != "temporarily_unavailable" {
				t.Errorf("%v", got.params)
			}
			f.breaks("")
			if got := s.authorize(t, form); got.params.Get("code") == "" {
				t.Errorf("afterwards: %v", got.params)
			}
		})
	}
	t.Run("Handle", func(t *testing.T) {
		f := &faulty{}
		s := newCodeSite(t, true, breakable(f))
		form := url.Values{"client_id": {"app"}, "request_uri": {s.push(t).RequestURI}}
		f.breaks("Handle")
		s.wantPage(t, s.authorize(t, form), http.StatusServiceUnavailable)
		f.breaks("")
		if got := s.authorize(t, form); got.params.Get("code") == "" {
			t.Errorf("afterwards: %v", got.params)
		}
	})
	t.Run("clients", func(t *testing.T) {
		s := newCodeSite(t, true, func(s *codeSite) { s.config.Clients = noClients{} })
		s.wantPage(t, s.authorize(t, with()), http.StatusServiceUnavailable)
	})
	t.Run("clients panic", func(t *testing.T) {
		s := newCodeSite(t, true, func(s *codeSite) { s.config.Clients = avouch.ClientList{nil} })
		s.wantPage(t, s.authorize(t, with()), http.StatusInternalServerError)
	})
	t.Run("observer", func(t *testing.T) {
		s := newCodeSite(t, true, func(s *codeSite) {
			s.config.Observe = func(context.Context, avouch.Event) { panic("the disk is full") }
		})
		if got := s.authorize(t, with()); got.params.Get("error") != "server_error" || got.params.Get("refusal_id") == "" {
			t.Errorf("%v", got.params)
		}
	})
	t.Run("not validated", func(t *testing.T) {
		s := newCodeSite(t, true)
		s.grant.Ask = nil
		s.wantPage(t, s.authorize(t, with()), http.StatusInternalServerError)
		if a := s.redeem(t, "x"); a.Error != "server_error" {
			t.Errorf("%+v", a)
		}
	})
}

type noClients struct{}

func (noClients) Client(context.Context, string) (*avouch.Client, error) {
	return nil, errors.New("no connection")
}

// TestRequirePushed: a grant that wants every request pushed takes no other, and says so.
func TestRequirePushed(t *testing.T) {
	s := newCodeSite(t, true, func(s *codeSite) { s.grant.RequirePushed = true })
	if got := s.authorize(t, with()); got.to != appURI || got.params.Get("error") != "invalid_request" {
		t.Errorf("%v", got.params)
	}
	if got := s.authorize(t, url.Values{"client_id": {"app"}, "request_uri": {s.push(t).RequestURI}}); got.params.Get("code") == "" {
		t.Errorf("%v", got.params)
	}
	if m := s.metadata(t); m["require_pushed_authorization_requests"] != true {
		t.Errorf("%v", m)
	}
}

func (s *codeSite) metadata(t testing.TB) map[string]any {
	t.Helper()
	resp, err := s.browser.Get(s.issuer + "/.well-known/oauth-authorization-server")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var m map[string]any
	if err := json.NewDecoder(resp.Body).Decode(&m); err != nil {
		t.Fatal(err)
	}
	return m
}

// TestAuthorizationMetadata: what is served is said.
func TestAuthorizationMetadata(t *testing.T) {
	s := newCodeSite(t, true)
	m := s.metadata(t)
	for name, want := range map[string]string{
		"authorization_endpoint":                         `"https://as.example/oauth/authorize"`,
		"pushed_authorization_request_endpoint":          `"https://as.example/oauth/par"`,
		"response_types_supported":                       `["code"]`,
		"response_modes_supported":                       `["query"]`,
		"grant_types_supported":                          `["authorization_code","refresh_token"]`,
		"code_challenge_methods_supported":               `["S256"]`,
		"authorization_response_iss_parameter_supported": `true`,
		"require_pushed_authorization_requests":          `null`,
	} {
		if got, err := json.Marshal(m[name]); err != nil || string(got) != want {
			t.Errorf("%s is %s, want %s", name, got, want)
		}
	}
}

// TestAuthorizationCodeValidate: what New refuses.
func TestAuthorizationCodeValidate(t *testing.T) {
	for name, g := range map[string]*grant.AuthorizationCode{
		"nil":                               nil,
		"no Ask":                            {},
		"negative lifetime":                 {Ask: alice, CodeLifetime: -1},
		"a code of an hour":                 {Ask: alice, CodeLifetime: time.Hour},
		"a pushed request of a day":         {Ask: alice, PushedLifetime: 24 * time.Hour},
		"a pushed request of half a second": {Ask: alice, PushedLifetime: time.Second / 2},
	} {
		if g.Validate() == nil {
			t.Errorf("%s passes", name)
		}
	}
	if err := (&grant.AuthorizationCode{Ask: alice, CodeLifetime: 10 * time.Minute}).Validate(); err != nil {
		t.Error(err)
	}
}

var _ replay.Guard = (*faulty)(nil)
