package signin

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"html"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/avouch-oauth/avouch"
	"github.com/avouch-oauth/avouch/grant"
	"github.com/avouch-oauth/avouch/handle"
	"github.com/avouch-oauth/avouch/replay"
)

// acme is an OpenID provider that does as it is told, wrong things too.
type acme struct {
	*httptest.Server
	key       *ecdsa.PrivateKey // signs
	published *ecdsa.PublicKey

	mu     sync.Mutex
	user   string
	codes  map[string]url.Values // the authorization request of each code
	asked  url.Values            // the last authorization request
	change func(claims map[string]any)
	sign   func(claims map[string]any) string // nil signs with key
	answer func(w http.ResponseWriter) bool   // true has answered the token request
	down   map[string]bool                    // by path
	saysNo url.Values                         // sent back instead of a code
	calls  int
}

func newAcme(t *testing.T) *acme {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	a := &acme{key: key, published: &key.PublicKey, user: "alice", codes: map[string]url.Values{}, down: map[string]bool{}}
	mux := http.NewServeMux()
	mux.HandleFunc("/.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		_ = json.NewEncoder(w).Encode(map[string]any{
			"issuer": a.URL, "authorization_endpoint": a.URL + "/authorize", "token_endpoint": a.URL + "/token", "jwks_uri": a.URL + "/jwks",
			"id_token_signing_alg_values_supported": []string{"ES256", "none", "HS256"}, "authorization_response_iss_parameter_supported": true,
		})
	})
	mux.HandleFunc("/jwks", func(w http.ResponseWriter, _ *http.Request) {
		_ = json.NewEncoder(w).Encode(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: a.published, KeyID: "k", Algorithm: "ES256", Use: "sig"}}})
	})
	mux.HandleFunc("/authorize", func(w http.ResponseWriter, r *http.Request) {
		q := r.URL.Query()
		a.asked = q
		back := url.Values{"state": {q.Get("state")}, "iss": {a.URL}}
		if a.saysNo != nil {
			maps.Copy(back, a.saysNo)
		} else {
			code := rand.Text()
			a.codes[code] = q
			back.Set("code", code)
		}
		http.Redirect(w, r, q.Get("redirect_uri")+"?"+back.Encode(), http.StatusFound)
	})
	mux.HandleFunc("/token", a.token)
	a.Server = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a.mu.Lock()
		defer a.mu.Unlock()
		a.calls++
		if a.down[r.URL.Path] || a.down["*"] {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		mux.ServeHTTP(w, r)
	}))
	t.Cleanup(a.Close)
	return a
}

func (a *acme) token(w http.ResponseWriter, r *http.Request) {
	if a.answer != nil && a.answer(w) {
		return
	}
	id, secret, _ := r.BasicAuth()
	asked, ok := a.codes[r.PostFormValue("code")]
	delete(a.codes, r.PostFormValue("code"))
	sum := sha256.Sum256([]byte(r.PostFormValue("code_verifier")))
	w.Header().Set("Content-Type", "application/json")
	if id != "avouch-here" || secret != "sesame" {
		w.WriteHeader(http.StatusUnauthorized)
		_, _ = io.WriteString(w, `{"error":"invalid_client"}`)
		return
	}
	if !ok || asked.Get("code_challenge_method") != "S256" || asked.Get("code_challenge") != base64.RawURLEncoding.EncodeToString(sum[:]) ||
		asked.Get("redirect_uri") != r.PostFormValue("redirect_uri") {
		w.WriteHeader(http.StatusBadRequest)
		_, _ = io.WriteString(w, `{"error":"invalid_grant"}`)
		return
	}
	now := time.Now()
	claims := map[string]any{
		"iss": a.URL, "sub": a.user, "aud": "avouch-here", "nonce": asked.Get("nonce"), "iat": now.Unix(), "exp": now.Add(time.Hour).Unix(),
		"name": "Alice Example", "email": "alice@example.com",
	}
	if a.change != nil {
		a.change(claims)
	}
	sign := a.signed
	if a.sign != nil {
		sign = a.sign
	}
	_ = json.NewEncoder(w).Encode(map[string]any{"access_token": "x", "token_type": "Bearer", "id_token": sign(claims)})
}

func (a *acme) signed(claims map[string]any) string {
	return signWith(jose.SigningKey{Algorithm: jose.ES256, Key: jose.JSONWebKey{Key: a.key, KeyID: "k"}}, claims)
}

func signWith(key jose.SigningKey, claims map[string]any) string {
	signer, err := jose.NewSigner(key, nil)
	if err != nil {
		panic(err)
	}
	text, err := json.Marshal(claims)
	if err != nil {
		panic(err)
	}
	jws, err := signer.Sign(text)
	if err != nil {
		panic(err)
	}
	compact, err := jws.CompactSerialize()
	if err != nil {
		panic(err)
	}
	return compact
}

// set changes what acme does, between requests.
func (a *acme) set(f func()) {
	a.mu.Lock()
	defer a.mu.Unlock()
	f()
}

// fixture is a server with an authorization endpoint of its own, which does no more than call Ask.
type fixture struct {
	t *testing.T
	*SignIn
	server   *httptest.Server
	handles  *watchedStore
	subjects *switches
	log      *bytes.Buffer
	client   avouch.Client
	redirect string // of the client
	upstream *acme
}

const authorizePath, devicePath = "/oauth/authorize", "/device"

// newFixture makes one. change may change the configuration; nil changes nothing.
func newFixture(t *testing.T, change func(c *Config)) *fixture {
	t.Helper()
	return newFixtureOn(t, httptest.NewTLSServer, change)
}

func newFixtureOn(t *testing.T, start func(http.Handler) *httptest.Server, change func(c *Config)) *fixture {
	t.Helper()
	f := &fixture{t: t, handles: &watchedStore{Store: handle.NewMemory(0)}, subjects: &switches{}, log: new(bytes.Buffer), upstream: newAcme(t)}
	f.client, f.redirect = avouch.Client{ID: "orders-app", Name: "Orders App"}, "https://app.example/cb"
	mux := http.NewServeMux()
	mux.HandleFunc(authorizePath, func(w http.ResponseWriter, r *http.Request) {
		q := r.URL.Query()
		f.answer(w, r, &grant.Question{
			Client: &f.client, Scopes: strings.Fields(q.Get("scope")), Resources: q["resource"], RedirectURI: f.redirect, Param: q.Get,
		})
	})
	mux.HandleFunc(devicePath, func(w http.ResponseWriter, r *http.Request) {
		f.answer(w, r, &grant.Question{Client: &f.client, Scopes: []string{"orders:read"}, UserCode: r.URL.Query().Get("user_code")})
	})
	f.server = start(mux)
	t.Cleanup(f.server.Close)
	roots := x509.NewCertPool()
	roots.AddCert(f.upstream.Certificate())
	c := Config{
		Issuer: f.server.URL, Pages: []string{authorizePath, devicePath}, Handles: f.handles, Replay: replay.NewMemory(replay.MemoryConfig{}), Subjects: f.subjects,
		Upstream:   &Upstream{Issuer: f.upstream.URL, Name: "acme", ClientID: "avouch-here", Secret: "sesame", Scopes: []string{"openid", "profile"}, AllowPrivate: true, RootCAs: roots},
		ScopeTexts: map[string]string{"orders:read": "See your orders"},
		Log:        slog.New(slog.NewTextHandler(f.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
	if change != nil {
		change(&c)
	}
	var err error
	if f.SignIn, err = New(c); err != nil {
		t.Fatal(err)
	}
	f.Mount(mux)
	return f
}

func (f *fixture) answer(w http.ResponseWriter, r *http.Request, q *grant.Question) {
	consent, err := f.Ask(w, r, q)
	if e, ok := errors.AsType[*avouch.Error](err); ok {
		w.Header().Set("Location", f.redirect+"?error="+string(e.Code))
		w.WriteHeader(http.StatusSeeOther)
	} else if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
	} else if consent != nil && consent.Denied {
		w.Header().Set("Location", f.redirect+"?error=access_denied")
		w.WriteHeader(http.StatusSeeOther)
	} else if consent != nil {
		w.Header().Set("Location", f.redirect+"?sub="+url.QueryEscape(consent.Subject))
		w.WriteHeader(http.StatusSeeOther)
	}
}

// switches are subjects that are switched off.
type switches struct {
	off string
	err error
}

func (s *switches) SubjectDisabled(_ context.Context, subject string) (bool, error) {
	return subject == s.off, s.err
}

// watchedStore remembers what it was given, and fails where it is told to.
type watchedStore struct {
	handle.Store
	mu   sync.Mutex
	err  error
	kept bytes.Buffer
	puts int
}

func (s *watchedStore) PutHandle(ctx context.Context, now time.Time, r *handle.Record) error {
	if s.err != nil {
		return s.err
	}
	s.mu.Lock()
	s.puts++
	s.kept.Write(r.Data)
	s.mu.Unlock()
	return s.Store.PutHandle(ctx, now, r)
}

func (s *watchedStore) Handle(ctx context.Context, now time.Time, kind string, digest [32]byte) (*handle.Record, error) {
	if s.err != nil {
		return nil, s.err
	}
	return s.Store.Handle(ctx, now, kind, digest)
}

// browser is somebody's browser. It follows redirects, but not to the client.
type browser struct {
	f *fixture
	*http.Client
	jar http.CookieJar
}

func (f *fixture) browser() *browser {
	f.t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		f.t.Fatal(err)
	}
	transport := f.server.Client().Transport.(*http.Transport).Clone()
	transport.TLSClientConfig.RootCAs = transport.TLSClientConfig.RootCAs.Clone()
	transport.TLSClientConfig.RootCAs.AddCert(f.upstream.Certificate())
	f.t.Cleanup(transport.CloseIdleConnections)
	return &browser{f: f, jar: jar, Client: &http.Client{Transport: transport, Jar: jar, CheckRedirect: func(r *http.Request, _ []*http.Request) error {
		if r.URL.Host == "app.example" {
			return http.ErrUseLastResponse
		}
		return nil
	}}}
}

// page is what a browser shows.
type page struct {
	t      *testing.T
	status int
	url    *url.URL
	header http.Header
	body   string
}

func (b *browser) do(r *http.Request) *page {
	b.f.t.Helper()
	resp, err := b.Do(r)
	if err != nil {
		b.f.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		b.f.t.Fatal(err)
	}
	return &page{b.f.t, resp.StatusCode, resp.Request.URL, resp.Header, string(body)}
}

func (b *browser) get(path string) *page {
	b.f.t.Helper()
	if strings.HasPrefix(path, "/") {
		path = b.f.server.URL + path
	}
	r, err := http.NewRequestWithContext(b.f.t.Context(), http.MethodGet, path, nil)
	if err != nil {
		b.f.t.Fatal(err)
	}
	return b.do(r)
}

func (b *browser) post(address string, form url.Values, header ...string) *page {
	b.f.t.Helper()
	if strings.HasPrefix(address, "/") {
		address = b.f.server.URL + address
	}
	r, err := http.NewRequestWithContext(b.f.t.Context(), http.MethodPost, address, strings.NewReader(form.Encode()))
	if err != nil {
		b.f.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	return b.do(r)
}

// without stops at the callback, and returns its URL: what an attacker can keep from his own browser.
func (b *browser) without(address string) string {
	b.f.t.Helper()
	stopped := *b.Client
	at := ""
	stopped.CheckRedirect = func(r *http.Request, _ []*http.Request) error {
		if r.URL.Path == callbackPath {
			at = r.URL.String()
			return http.ErrUseLastResponse
		}
		return nil
	}
	own := *b
	own.Client = &stopped
	if own.get(address); at == "" {
		b.f.t.Fatal("the upstream was not come back from")
	}
	return at
}

var (
	linkPattern   = regexp.MustCompile(`<a href="([^"]*)"[^>]*>([^<]*)</a>`)
	hiddenPattern = regexp.MustCompile(`<input type="hidden" name="([^"]*)" value="([^"]*)">`)
	titlePattern  = regexp.MustCompile(`<h1>([^<]*)</h1>`)
)

// link is the target of the link with a text in it.
func (p *page) link(text string) string {
	p.t.Helper()
	for _, m := range linkPattern.FindAllStringSubmatch(p.body, -1) {
		if strings.Contains(m[2], text) {
			return html.UnescapeString(m[1])
		}
	}
	p.t.Fatalf("there is no link %q on the page %q", text, p.title())
	return ""
}

func (p *page) title() string {
	if m := titlePattern.FindStringSubmatch(p.body); m != nil {
		return html.UnescapeString(m[1])
	}
	return ""
}

// form is the form of the page, with further fields.
func (p *page) form(nameValue ...string) url.Values {
	form := url.Values{}
	for _, m := range hiddenPattern.FindAllStringSubmatch(p.body, -1) {
		form.Set(html.UnescapeString(m[1]), html.UnescapeString(m[2]))
	}
	for i := 0; i < len(nameValue); i += 2 {
		form.Set(nameValue[i], nameValue[i+1])
	}
	return form
}

// is checks which page it is.
func (p *page) is(status int, title string) *page {
	p.t.Helper()
	if p.status != status || p.title() != title {
		p.t.Errorf("got %d %q at %s, want %d %q", p.status, p.title(), p.url, status, title)
	}
	return p
}

// leads checks where the client's user is sent.
func (p *page) leads(want string) {
	p.t.Helper()
	if got := p.header.Get("Location"); p.status != http.StatusSeeOther || got != "https://app.example/cb?"+want {
		p.t.Errorf("got %d %q to %q, want %q", p.status, p.title(), got, want)
	}
}

const somePage = authorizePath + "?client_id=orders-app&scope=orders%3Aread+orders%3Awrite&state=1%2F2"

// signIn signs a browser in, and returns the page that asks.
func (b *browser) signIn(path string) *page {
	b.f.t.Helper()
	return b.get(b.get(path).is(200, "Sign in to go on").link("Sign in at")).is(200, "Allow access?")
}
