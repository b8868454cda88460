package avouch_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/avouch-oauth/avouch"
	"github.com/avouch-oauth/avouch/clientauth"
	"github.com/avouch-oauth/avouch/grant"
	"github.com/avouch-oauth/avouch/keys"
	"github.com/avouch-oauth/avouch/replay"
	"github.com/avouch-oauth/avouch/token"
)

const (
	issuer = "https://as.example.com"
	secret = "a-secret-of-more-than-thirty-two-bytes:%+ ü"
	orders = "https://orders.example.com"
)

// site is a server behind real HTTP, with everything that can be seen of it.
type site struct {
	*httptest.Server
	minter *minter
	guard  *guard
	logs   *logs

	mu     sync.Mutex
	events []avouch.Event
}

// newSite starts a server with a few clients and grants; change may replace any of it.
func newSite(t *testing.T, change func(*avouch.Config)) *site {
	t.Helper()
	s := &site{minter: &minter{}, guard: &guard{Guard: replay.NewMemory(replay.MemoryConfig{})}, logs: &logs{}}
	config := avouch.Config{
		Issuer: issuer,
		Minter: s.minter,
		Grants: []avouch.Grant{
			grant.ClientCredentials{},
			avouch.ClientOptional(voucher{}),
		},
		ClientAuth: []avouch.ClientAuth{&clientauth.SecretBasic{}, &clientauth.SecretPost{}, clientauth.None{}, stamp{}},
		Clients:    clients(),
		Replay:     s.guard,
		Log:        slog.New(slog.NewJSONHandler(s.logs, nil)),
		Observe: func(_ context.Context, e avouch.Event) {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.events = append(s.events, e)
		},
	}
	if change != nil {
		change(&config)
	}
	server, err := avouch.New(config)
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle("/oauth/token", server.TokenEndpoint())
	mux.Handle("/oauth/jwks", server.JWKS())
	mux.Handle("/.well-known/oauth-authorization-server", server.Metadata())
	s.Server = httptest.NewServer(mux)
	t.Cleanup(s.Close)
	return s
}

func clients() avouch.ClientList {
	secrets := []avouch.Secret{{SHA256: sha256.Sum256([]byte(secret))}}
	all := []string{"client_credentials", voucherType}
	scopes := []string{"read", "write"}
	return avouch.ClientList{
		{ID: "basic", AuthMethod: "client_secret_basic", Secrets: secrets, Grants: all, Scopes: scopes, DefaultScopes: []string{"read"}, Audiences: []string{orders, "https://billing.example.com"}},
		{ID: "post", AuthMethod: "client_secret_post", Secrets: secrets, Grants: all, Scopes: scopes},
		{ID: "a:b c%+ü", AuthMethod: "client_secret_basic", Secrets: secrets, Grants: all},
		{ID: "public", AuthMethod: "none", Grants: all, Scopes: scopes},
		{ID: "stamped", AuthMethod: "stamp", Grants: all, Scopes: scopes},
		{ID: "signer", Grants: all},
		{ID: "idle", AuthMethod: "client_secret_basic", Secrets: secrets, Scopes: scopes},
		{ID: "off", AuthMethod: "client_secret_basic", Secrets: secrets, Grants: all, Disabled: true},
		{ID: "public-off", AuthMethod: "none", Grants: all, Disabled: true},
		{ID: "brief", AuthMethod: "client_secret_basic", Secrets: secrets, Grants: all, TokenLifetime: time.Minute},
	}
}

const voucherType = "urn:example:voucher"

// voucher is a grant that believes what the request says: whose token, for whom, and what may be used once.
type voucher struct{}

func (voucher) Type() string { return voucherType }

func (voucher) Authorize(_ context.Context, req *avouch.Request) (*avouch.Authorization, error) {
	switch req.Param("fault") {
	case "refuse":
		return nil, &avouch.Error{Code: avouch.InvalidGrant, Description: "no\r\n\"good\" \\ 😀" + req.Param("echo"), Err: errors.New("because " + req.Param("echo"))}
	case "fail":
		return nil, errors.New("the database says no to select secret from users")
	case "panic":
		panic("with " + req.Param("echo"))
	case "nil error":
		var e *avouch.Error
		return nil, e
	case "bad error":
		return nil, badError{}
	case "nil map":
		var m map[string]string
		m["a"] = "b"
	case "nothing":
		return nil, nil
	}
	a := &avouch.Authorization{ClientID: req.Param("for"), Subject: req.Param("subject"), Scopes: []string{"read", "write", "admin"}}
	if id := req.Param("voucher"); id != "" {
		a.Uses = []replay.Use{{Purpose: "grant", Party: "vouchers", ID: id, Until: req.Now.Add(time.Hour), Issued: req.Now}}
	}
	if req.Param("fault") == "claims" {
		a.Claims = map[string]any{"iss": "https://evil.example"}
	}
	return a, nil
}

// badError is an error that cannot be shown.
type badError struct{ cause *badError }

func (e badError) Error() string { return e.cause.cause.Error() }

// stamp is a client authentication method with credentials in the form that may be used once.
type stamp struct{}

func (stamp) Method() string                     { return "stamp" }
func (stamp) Presented(req *avouch.Request) bool { return req.Param("stamp") != "" }
func (stamp) Authenticate(ctx context.Context, req *avouch.Request) (*avouch.Authentication, error) {
	c, err := req.FindClient(ctx, req.Param("stamped_by"))
	if err != nil || c == nil {
		return nil, &avouch.Error{Code: avouch.InvalidClient, Description: "client authentication failed", Err: err}
	}
	return &avouch.Authentication{Client: c, Notices: []string{"old_stamp"}, Uses: []replay.Use{
		{Purpose: "stamp", Party: c.ID, ID: req.Param("stamp"), Until: req.Now.Add(time.Hour), Issued: req.Now},
	}}, nil
}

// minter makes tokens that are not signed and keeps their claims.
type minter struct {
	mu   sync.Mutex
	last *token.Claims
	err  error
}

func (m *minter) Mint(_ context.Context, c *token.Claims) (string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	kept := *c
	m.last = &kept
	return "token." + c.ID, m.err
}

func (m *minter) PublicKeys(time.Time) *keys.Set { return nil }

// guard is a replay guard that can be made to fail.
type guard struct {
	replay.Guard
	mu    sync.Mutex
	err   error
	calls int
}

func (g *guard) FirstUse(ctx context.Context, now time.Time, uses ...replay.Use) error {
	g.mu.Lock()
	err := g.err
	g.calls++
	g.mu.Unlock()
	if err != nil {
		return err
	}
	return g.Guard.FirstUse(ctx, now, uses...)
}

// logs is what was logged.
type logs struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logs) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logs) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// answer is what came back, checked for what every answer of the token endpoint must have.
type answer struct {
	status int
	header http.Header
	raw    string

	AccessToken string  `json:"access_token"`
	TokenType   string  `json:"token_type"`
	ExpiresIn   float64 `json:"expires_in"`
	Scope       string  `json:"scope"`
	Error       string  `json:"error"`
	Description string  `json:"error_description"`
	RefusalID   string  `json:"refusal_id"`
}

// form makes a form of name, value, name, value...
func form(pairs ...string) url.Values {
	f := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		f.Add(pairs[i], pairs[i+1])
	}
	return f
}

// basic is what the Authorization header says.
func basic(id, secret string) func(*http.Request) {
	return func(r *http.Request) { r.SetBasicAuth(url.QueryEscape(id), url.QueryEscape(secret)) }
}

func (s *site) post(t *testing.T, f url.Values, with ...func(*http.Request)) *answer {
	t.Helper()
	r, err := http.NewRequest("POST", s.URL+"/oauth/token", strings.NewReader(f.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return s.do(t, r, with...)
}

func (s *site) do(t *testing.T, r *http.Request, with ...func(*http.Request)) *answer {
	t.Helper()
	for _, w := range with {
		w(r)
	}
	s.mu.Lock()
	before := len(s.events)
	s.mu.Unlock()
	resp, err := s.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	a := &answer{status: resp.StatusCode, header: resp.Header, raw: string(raw)}
	if r.Method != http.MethodHead {
		if err := json.Unmarshal(raw, a); err != nil {
			t.Fatalf("status %d, body %q: %v", a.status, raw, err)
		}
	}
	s.checkAnswer(t, a, before)
	return a
}

// checkAnswer checks what holds for every answer (RFC 6749 §5.1, §5.2).
func (s *site) checkAnswer(t *testing.T, a *answer, before int) {
	t.Helper()
	if got := a.header.Get("Cache-Control"); got != "no-store" {
		t.Errorf("Cache-Control %q", got)
	}
	if got := a.header.Get("Pragma"); got != "no-cache" {
		t.Errorf("Pragma %q", got)
	}
	if got, _, _ := mime.ParseMediaType(a.header.Get("Content-Type")); got != "application/json" {
		t.Errorf("Content-Type %q", got)
	}
	for name := range a.header {
		if strings.HasPrefix(name, "Access-Control-") {
			t.Errorf("header %s", name)
		}
	}
	for _, c := range a.Description + a.Error {
		if c < 0x20 || c > 0x7e || c == '"' || c == '\\' {
			t.Errorf("%q in %q", c, a.Description)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.events) != before+1 {
		t.Fatalf("%d events for one request", len(s.events)-before)
	}
	e := s.events[before]
	if e.RefusalID != a.RefusalID || (e.Err == nil) != (a.status == 200) {
		t.Errorf("event has refusal %q and error %v, answer is %d with refusal %q", e.RefusalID, e.Err, a.status, a.RefusalID)
	}
	if a.status == 200 && (a.Error != "" || a.AccessToken == "" || a.TokenType != "Bearer" || a.ExpiresIn <= 0) {
		t.Errorf("incomplete answer %s", a.raw)
	}
	if a.status != 200 && (a.AccessToken != "" || strings.Contains(a.raw, "access_token")) {
		t.Errorf("status %d with a token", a.status)
	}
	if e.Endpoint != "token" || e.Time.IsZero() || e.Duration <= 0 || e.RemoteAddr == "" {
		t.Errorf("incomplete event %+v", e)
	}
}

func (s *site) lastEvent() avouch.Event {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.events[len(s.events)-1]
}

func (a *answer) want(t *testing.T, status int, code avouch.Code) {
	t.Helper()
	if a.status != status || a.Error != string(code) {
		t.Fatalf("got %d %s, want %d %s: %s", a.status, a.Error, status, code, a.raw)
	}
}
