package grant_test

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/avouch-oauth/avouch"
	"github.com/avouch-oauth/avouch/clientauth"
	"github.com/avouch-oauth/avouch/grant"
	"github.com/avouch-oauth/avouch/handle"
	"github.com/avouch-oauth/avouch/replay"
	"github.com/avouch-oauth/avouch/token"
)

// The verifier and challenge of RFC 7636 Appendix B.
const (
	verifier  = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
	challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
)

const (
	appURI = "https://app.example/cb"
	api    = "https://api.example"
	api2   = "https://api2.example"
)

// codeSite is a server with the authorization code grant.
type codeSite struct {
	grant  *grant.AuthorizationCode
	config avouch.Config

	server  *avouch.Server
	issuer  string
	browser *http.Client // follows no redirects

	mu     sync.Mutex
	events []avouch.Event
	asked  []*grant.Question
}

// alice is at the browser, and consents to everything.
func alice(http.ResponseWriter, *http.Request, *grant.Question) (*grant.Consent, error) {
	return &grant.Consent{Subject: "alice"}, nil
}

// newCodeSite makes a server that listens, unless direct: then requests go to its handler without a network.
func newCodeSite(t testing.TB, direct bool, change ...func(*codeSite)) *codeSite {
	t.Helper()
	s := &codeSite{grant: &grant.AuthorizationCode{Ask: alice}}
	s.config = avouch.Config{
		Handles: handle.NewMemory(0), Refresh: &grant.RefreshToken{},
		Issuer:     own,
		Minter:     &token.Minter{Key: ownKey()},
		ClientAuth: []avouch.ClientAuth{&clientauth.SecretPost{}, &clientauth.PrivateKeyJWT{}, clientauth.None{}},
		Clients:    codeClients(),
		Observe: func(_ context.Context, e avouch.Event) {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.events = append(s.events, e)
		},
	}
	var listening *httptest.Server
	if !direct {
		listening = httptest.NewUnstartedServer(nil)
		s.config.Issuer = "http://" + listening.Listener.Addr().String()
	}
	for _, f := range change {
		f(s)
	}
	ask := s.grant.Ask
	s.grant.Ask = func(w http.ResponseWriter, r *http.Request, q *grant.Question) (*grant.Consent, error) {
		s.mu.Lock()
		s.asked = append(s.asked, q)
		s.mu.Unlock()
		return ask(w, r, q)
	}
	s.config.Grants = []avouch.Grant{s.grant}
	s.config.Endpoints = []avouch.Endpoint{s.grant.Authorization(), s.grant.Pushed()}
	s.issuer = s.config.Issuer
	var err error
	if s.server, err = avouch.New(s.config); err != nil {
		t.Fatal(err)
	}
	s.browser = &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	if direct {
		s.browser.Transport = inProcess{s.server.Handler()}
		return s
	}
	listening.Config.Handler = s.server.Handler()
	listening.Start()
	t.Cleanup(listening.Close)
	return s
}

// inProcess brings requests to a handler, for tests with a clock of their own.
type inProcess struct{ http.Handler }

func (p inProcess) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body == nil {
		r.Body = http.NoBody
	}
	w := httptest.NewRecorder()
	p.ServeHTTP(w, r)
	return w.Result(), nil
}

func codeClients() avouch.ClientList {
	both := []string{grant.AuthorizationCodeType, grant.RefreshTokenType}
	app := func(id string, uris ...string) *avouch.Client {
		return &avouch.Client{
			ID: id, AuthMethod: "client_secret_post", Secrets: []avouch.Secret{{SHA256: sha256.Sum256([]byte(secretOf))}},
			Grants: both, Scopes: []string{"read", "write"}, DefaultScopes: []string{"read"}, Audiences: []string{api, api2},
			RedirectURIs: uris,
		}
	}
	public := app("native", "http://127.0.0.1/cb", "http://[::1]:7000/cb?x=1", "com.example.app:/cb", "http://localhost:9000/cb")
	public.AuthMethod, public.Secrets = "none", nil
	signer := app("signer", appURI)
	signer.AuthMethod, signer.Secrets, signer.Keys = "private_key_jwt", nil, published(otherKey())
	off := app("off", appURI)
	off.Disabled = true
	idle := app("idle", appURI)
	idle.Grants = []string{grant.RefreshTokenType}
	par := app("par", appURI)
	par.RequirePushed = true
	return avouch.ClientList{
		app("app", appURI), app("other", "https://other.example/cb"), app("two", appURI, "https://app.example/cb?tenant=1&x"),
		app("none"), public, signer, off, idle, par,
		app("evil", "javascript:alert(1)//", "https://app.example/cb#f", "https://user@app.example/cb", "http://app.example/cb",
			"data:text/html,x", "/cb", "https://app.example/\\cb", "//app.example/cb", "https:///cb"),
	}
}

// with makes a form of a good request, changed by pairs; a value of "" takes a parameter out.
func with(pairs ...string) url.Values {
	form := url.Values{
		"response_type": {"code"}, "client_id": {"app"}, "redirect_uri": {appURI}, "state": {"s t&a=te"},
		"code_challenge": {challenge}, "code_challenge_method": {"S256"},
	}
	return changed(form, pairs...)
}

func changed(form url.Values, pairs ...string) url.Values {
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] == "" {
			form.Del(pairs[i])
		} else {
			form.Set(pairs[i], pairs[i+1])
		}
	}
	return form
}

// reply is what the authorization endpoint has said.
type reply struct {
	status int
	header http.Header
	body   string
	to     string     // where the browser was sent, without what the server has added
	params url.Values // what it has added
}

// authorize opens the authorization endpoint.
func (s *codeSite) authorize(t testing.TB, form url.Values) reply {
	t.Helper()
	return s.open(t, form.Encode())
}

func (s *codeSite) open(t testing.TB, query string) reply {
	t.Helper()
	r, err := http.NewRequest("GET", s.issuer+"/oauth/authorize", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.URL.RawQuery = query
	return s.do(t, r)
}

// do sends a request to the authorization endpoint, and checks what every answer of it must have.
func (s *codeSite) do(t testing.TB, r *http.Request) reply {
	t.Helper()
	resp, err := s.browser.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	got := reply{status: resp.StatusCode, header: resp.Header, body: string(body)}
	if h := resp.Header; h.Get("Cache-Control") != "no-store" || h.Get("Referrer-Policy") == "" {
		t.Errorf("headers %v", h)
	}
	location := resp.Header.Get("Location")
	if (location == "") != (got.status != http.StatusSeeOther) {
		t.Fatalf("status %d with the location %q", got.status, location)
	}
	if location == "" || strings.HasPrefix(location, "?") || strings.HasPrefix(location, "/") {
		return got
	}
	if got.header.Get("Referrer-Policy") != "no-referrer" || got.body != "" {
		t.Errorf("headers %v, body %q", got.header, got.body)
	}
	// The server's own parameters begin with code or error, and end with iss.
	i := strings.LastIndex(location, "code=")
	if j := strings.LastIndex(location, "error="); j >= 0 {
		i = j
	}
	if i < 1 {
		t.Fatalf("the location %q has neither code nor error", location)
	}
	got.to = location[:i-1]
	if got.params, err = url.ParseQuery(location[i:]); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(got.params["iss"], []string{s.issuer}) {
		t.Errorf("iss is %q", got.params["iss"])
	}
	if got.params.Has("code") == got.params.Has("error") || got.params.Has("error") != got.params.Has("error_description") {
		t.Errorf("the answer is %v", got.params)
	}
	return got
}

// code gets a code, or ends the test.
func (s *codeSite) code(t testing.TB, pairs ...string) string {
	t.Helper()
	got := s.authorize(t, with(pairs...))
	if got.params.Get("code") == "" {
		t.Fatalf("%d %v %s; %v", got.status, got.params, got.body, s.last().Err)
	}
	return got.params.Get("code")
}

// redeem exchanges a code of app, with a request that is changed by pairs.
func (s *codeSite) redeem(t testing.TB, code string, pairs ...string) answer {
	t.Helper()
	return s.token(t, changed(url.Values{
		"grant_type": {grant.AuthorizationCodeType}, "client_id": {"app"}, "client_secret": {secretOf},
		"code": {code}, "redirect_uri": {appURI}, "code_verifier": {verifier},
	}, pairs...))
}

func (s *codeSite) refresh(t testing.TB, refreshToken string, pairs ...string) answer {
	t.Helper()
	return s.token(t, changed(url.Values{
		"grant_type": {grant.RefreshTokenType}, "client_id": {"app"}, "client_secret": {secretOf}, "refresh_token": {refreshToken},
	}, pairs...))
}

func (s *codeSite) token(t testing.TB, form url.Values) answer {
	t.Helper()
	return s.post(t, "/oauth/token", form)
}

// post sends a form, as a client does.
func (s *codeSite) post(t testing.TB, path string, form url.Values) answer {
	t.Helper()
	resp, err := s.browser.PostForm(s.issuer+path, form)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	a := answer{Status: resp.StatusCode, Header: resp.Header}
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(body, &a); err != nil {
		t.Fatalf("%d %q: %v", resp.StatusCode, body, err)
	}
	_ = json.Unmarshal(body, &a.Members)
	if got := resp.Header.Get("Cache-Control"); got != "no-store" {
		t.Errorf("Cache-Control %q", got)
	}
	return a
}

func (s *codeSite) last() avouch.Event {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.events) == 0 {
		return avouch.Event{}
	}
	return s.events[len(s.events)-1]
}

// questions returns what Ask was asked since the last time.
func (s *codeSite) questions() []*grant.Question {
	s.mu.Lock()
	defer s.mu.Unlock()
	q := s.asked
	s.asked = nil
	return q
}

func asking(ask grant.Ask) func(*codeSite) { return func(s *codeSite) { s.grant.Ask = ask } }

// faulty is a store, or a guard, that can be broken.
type faulty struct {
	handle.Store
	replay.Guard
	mu    sync.Mutex
	fault string // the method that fails
}

func (f *faulty) broken(method string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.fault == method {
		return io.ErrUnexpectedEOF
	}
	return nil
}

func (f *faulty) breaks(method string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.fault = method
}

func (f *faulty) PutHandle(ctx context.Context, now time.Time, r *handle.Record) error {
	if err := f.broken("PutHandle"); err != nil {
		return err
	}
	return f.Store.PutHandle(ctx, now, r)
}

func (f *faulty) Handle(ctx context.Context, now time.Time, kind string, digest [32]byte) (*handle.Record, error) {
	if err := f.broken("Handle"); err != nil {
		return nil, err
	}
	return f.Store.Handle(ctx, now, kind, digest)
}

func (f *faulty) Revoked(ctx context.Context, now time.Time, ids ...string) (bool, error) {
	if err := f.broken("Revoked"); err != nil {
		return false, err
	}
	return f.Store.Revoked(ctx, now, ids...)
}

func (f *faulty) Revoke(ctx context.Context, now, until time.Time, ids ...string) error {
	if err := f.broken("Revoke"); err != nil {
		return err
	}
	return f.Store.Revoke(ctx, now, until, ids...)
}

func (f *faulty) FirstUse(ctx context.Context, now time.Time, uses ...replay.Use) error {
	if err := f.broken("FirstUse"); err != nil {
		return err
	}
	return f.Guard.FirstUse(ctx, now, uses...)
}

// breakable puts a faulty store and guard into a site.
func breakable(f *faulty) func(*codeSite) {
	return func(s *codeSite) {
		f.Store, f.Guard = s.config.Handles, replay.NewMemory(replay.MemoryConfig{})
		s.config.Handles, s.config.Replay = f, f
	}
}
