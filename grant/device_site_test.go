package grant_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
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

// deviceSite is a server with the device code grant, and a browser.
type deviceSite struct {
	issuer  string
	grant   *grant.DeviceCode
	store   *faultyDeviceStore
	kept    handle.Store        // what the server has: store, or one around it
	refresh avouch.RefreshGrant // nil: the server has none
	replay  replay.Guard
	server  *avouch.Server
	http    *http.Client
	log     bytes.Buffer
	remote  string                    // in a bubble: where requests come from; "" for somewhere
	clients map[string]*avouch.Client // guarded by mu

	mu       sync.Mutex
	disabled map[string]bool
	asked    []grant.Question // what Ask was asked
	events   []avouch.Event
}

// newDeviceSite is a site that is served by start or startInBubble. Its Ask shows a form, and takes what comes of it.
func newDeviceSite() *deviceSite {
	s := &deviceSite{disabled: map[string]bool{}, store: &faultyDeviceStore{Store: handle.NewMemory(0)}}
	s.grant, s.kept, s.refresh = &grant.DeviceCode{Ask: s.form}, s.store, &grant.RefreshToken{}
	may := func(c *avouch.Client) {
		c.Grants = []string{grant.DeviceCodeType, grant.RefreshTokenType}
		c.Scopes, c.DefaultScopes = []string{"read", "write", "admin"}, []string{"read"}
		c.Audiences = []string{"https://api.example", "https://other.example"}
	}
	public := func(c *avouch.Client) { c.AuthMethod, c.Secrets = "none", nil }
	signing := func(c *avouch.Client) { c.AuthMethod, c.Secrets, c.Keys = "private_key_jwt", nil, set(idpKey()) }
	s.clients = map[string]*avouch.Client{}
	for _, c := range []*avouch.Client{
		confidential("tv", may, public, func(c *avouch.Client) { c.Name = "Living room <TV>" }),
		confidential("other", may, public),
		confidential("server", may),
		confidential("signing", may, signing),
		confidential("no-grant", may, public, func(c *avouch.Client) { c.Grants = []string{grant.RefreshTokenType} }),
	} {
		s.clients[c.ID] = c
	}
	return s
}

// form is an Ask as a program writes it: a page to decide on, posted to its own address.
func (s *deviceSite) form(w http.ResponseWriter, r *http.Request, q *grant.Question) (*grant.Consent, error) {
	s.mu.Lock()
	s.asked = append(s.asked, *q)
	s.mu.Unlock()
	if r.Method == http.MethodPost {
		switch r.PostFormValue("decision") {
		case "allow":
			return &grant.Consent{Subject: "alice", Claims: map[string]any{"tenant": 7}}, nil
		default: // whatever is posted and not a yes is a no
			return &grant.Consent{Denied: true}, nil
		}
	}
	_, err := fmt.Fprintf(w, `<p>%s wants %s</p><form method="post" action="%s"><button name="decision" value="allow">`,
		html.EscapeString(q.Client.Name), strings.Join(q.Scopes, " "), html.EscapeString(r.URL.RequestURI()))
	return nil, err
}

// Client implements avouch.Clients.
func (s *deviceSite) Client(_ context.Context, id string) (*avouch.Client, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.clients[id], nil
}

// change registers a client anew.
func (s *deviceSite) change(id string, f func(*avouch.Client)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := *s.clients[id]
	f(&c)
	s.clients[id] = &c
}

// SubjectDisabled implements avouch.Subjects.
func (s *deviceSite) SubjectDisabled(_ context.Context, subject string) (bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.disabled[subject], nil
}

func (s *deviceSite) make(t testing.TB) {
	t.Helper()
	var err error
	s.server, err = avouch.New(avouch.Config{
		Issuer: s.issuer, Minter: &token.Minter{Key: ownKey()},
		Handles: s.kept, Refresh: s.refresh,
		Grants:     []avouch.Grant{s.grant},
		ClientAuth: []avouch.ClientAuth{&clientauth.SecretPost{}, &clientauth.PrivateKeyJWT{}, clientauth.None{}},
		Endpoints:  []avouch.Endpoint{s.grant.Authorization(), s.grant.Verification()},
		Clients:    s, Subjects: s, Replay: s.replay,
		Log: slog.New(slog.NewTextHandler(&s.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
		Observe: func(_ context.Context, e avouch.Event) {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.events = append(s.events, e)
		},
	})
	if err != nil {
		t.Fatal(err)
	}
}

// start serves the site over HTTP.
func (s *deviceSite) start(t testing.TB) *deviceSite {
	t.Helper()
	var handler http.Handler
	hs := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { handler.ServeHTTP(w, r) }))
	t.Cleanup(hs.Close)
	s.issuer, s.http = hs.URL, hs.Client()
	s.http.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	s.make(t)
	handler = s.server.Handler()
	return s
}

// startInBubble serves the site without a network, for tests with a clock of their own.
func (s *deviceSite) startInBubble(t testing.TB) *deviceSite {
	t.Helper()
	s.issuer = own
	s.make(t)
	handler := s.server.Handler()
	s.http = &http.Client{Transport: deviceTransport(func(r *http.Request) (*http.Response, error) {
		w := httptest.NewRecorder()
		in := r.Clone(r.Context())
		in.RequestURI, in.RemoteAddr = r.URL.RequestURI(), s.remote
		if in.RemoteAddr == "" {
			in.RemoteAddr = "192.0.2.1:1234"
		}
		if in.Body == nil {
			in.Body = http.NoBody
		}
		handler.ServeHTTP(w, in)
		return w.Result(), nil
	})}
	return s
}

type deviceTransport func(*http.Request) (*http.Response, error)

func (f deviceTransport) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// deviceCodes are what a device has got.
type deviceCodes struct {
	answer
	DeviceCode string `json:"device_code"`
	UserCode   string `json:"user_code"`
	URI        string `json:"verification_uri"`
	Complete   string `json:"verification_uri_complete"`
	Expires    int    `json:"expires_in"`
	Interval   int    `json:"interval"`
}

// post sends a form as a client does.
func (s *deviceSite) post(t testing.TB, path string, pairs ...string) (answer, []byte) {
	t.Helper()
	form := url.Values{}
	for k := 0; k+1 < len(pairs); k += 2 {
		form.Add(pairs[k], pairs[k+1])
	}
	resp, err := s.http.PostForm(s.issuer+path, form)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	a := answer{Status: resp.StatusCode, Header: resp.Header}
	if err := json.Unmarshal(body, &a); err != nil {
		t.Fatalf("%d %s: %v", resp.StatusCode, body, err)
	}
	if err := json.Unmarshal(body, &a.Members); err != nil {
		t.Fatal(err)
	}
	return a, body
}

// begin asks for codes.
func (s *deviceSite) begin(t testing.TB, pairs ...string) deviceCodes {
	t.Helper()
	a, body := s.post(t, "/oauth/device_authorization", pairs...)
	c := deviceCodes{answer: a}
	if err := json.Unmarshal(body, &c); err != nil {
		t.Fatal(err)
	}
	return c
}

// started are codes of the public client, which must be given.
func (s *deviceSite) started(t testing.TB, pairs ...string) deviceCodes {
	t.Helper()
	c := s.begin(t, append([]string{"client_id", "tv"}, pairs...)...)
	if c.Status != 200 || c.DeviceCode == "" || c.UserCode == "" {
		t.Fatalf("%+v", c.answer)
	}
	return c
}

// poll asks for the token of the public client.
func (s *deviceSite) poll(t testing.TB, deviceCode string, pairs ...string) answer {
	t.Helper()
	return s.pollAs(t, "tv", deviceCode, pairs...)
}

func (s *deviceSite) pollAs(t testing.TB, client, deviceCode string, pairs ...string) answer {
	t.Helper()
	a, _ := s.post(t, "/oauth/token", append([]string{
		"grant_type", grant.DeviceCodeType, "client_id", client, "device_code", deviceCode,
	}, pairs...)...)
	return a
}

// devicePage is what a browser has got.
type devicePage struct {
	Status int
	Header http.Header
	Body   string
}

// browse sends a request as a browser does that is at the same site.
func (s *deviceSite) browse(t testing.TB, method, path string, form url.Values, change ...func(*http.Request)) devicePage {
	t.Helper()
	var body io.Reader
	if form != nil {
		body = strings.NewReader(form.Encode())
	}
	r, err := http.NewRequestWithContext(t.Context(), method, s.issuer+path, body)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for _, f := range change {
		f(r)
	}
	resp, err := s.http.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return devicePage{resp.StatusCode, resp.Header, string(text)}
}

// typeIn types in a code.
func (s *deviceSite) typeIn(t testing.TB, code string) devicePage {
	t.Helper()
	return s.browse(t, "POST", "/device", url.Values{"user_code": {code}})
}

// decide posts the form of Ask.
func (s *deviceSite) decide(t testing.TB, code, decision string) devicePage {
	t.Helper()
	return s.browse(t, "POST", "/device?user_code="+url.QueryEscape(code), url.Values{"decision": {decision}})
}

// approve says yes to a code, as a user does who has come to the page of Ask.
func (s *deviceSite) approve(t testing.TB, code string) {
	t.Helper()
	if p := s.decide(t, code, "allow"); p.Status != 200 || !strings.Contains(p.Body, "go back to your device") {
		t.Fatalf("%d %s", p.Status, p.Body)
	}
}

// questions is how often Ask was asked.
func (s *deviceSite) questions() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.asked)
}

func (s *deviceSite) last() avouch.Event {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.events[len(s.events)-1]
}

// plain is a page without what differs from one to the next.
func (p devicePage) plain() string {
	return fmt.Sprint(p.Status, regexp.MustCompile(`nonce="[^"]*"|reference: <code>[^<]*</code>`).ReplaceAllString(p.Body, ""))
}

// faultyDeviceStore is a store of which single methods can be down.
type faultyDeviceStore struct {
	handle.Store
	mu   sync.Mutex
	down []string
}

var errDeviceStoreDown = errors.New("the database is gone: secret-of-the-operator")

func (f *faultyDeviceStore) set(down ...string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.down = down
}

func (f *faultyDeviceStore) fails(method string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if slices.Contains(f.down, method) {
		return errDeviceStoreDown
	}
	return nil
}

func (f *faultyDeviceStore) PutHandle(ctx context.Context, now time.Time, r *handle.Record) error {
	if err := errors.Join(f.fails("PutHandle"), f.fails("PutHandle "+r.Kind)); err != nil {
		return err
	}
	return f.Store.PutHandle(ctx, now, r)
}

func (f *faultyDeviceStore) Handle(ctx context.Context, now time.Time, kind string, digest [32]byte) (*handle.Record, error) {
	if err := errors.Join(f.fails("Handle"), f.fails("Handle "+kind)); err != nil {
		return nil, err
	}
	return f.Store.Handle(ctx, now, kind, digest)
}

func (f *faultyDeviceStore) Revoke(ctx context.Context, now, until time.Time, ids ...string) error {
	if err := f.fails("Revoke"); err != nil {
		return err
	}
	return f.Store.Revoke(ctx, now, until, ids...)
}

func (f *faultyDeviceStore) Revoked(ctx context.Context, now time.Time, ids ...string) (bool, error) {
	if err := f.fails("Revoked"); err != nil {
		return false, err
	}
	return f.Store.Revoked(ctx, now, ids...)
}

// recordingDeviceStore notes what it is given to keep.
type recordingDeviceStore struct {
	handle.Store
	data []string
}

func (r *recordingDeviceStore) PutHandle(ctx context.Context, now time.Time, record *handle.Record) error {
	r.data = append(r.data, string(record.Data))
	return r.Store.PutHandle(ctx, now, record)
}

// takenCodesStore has so many of the next user codes already.
type takenCodesStore struct {
	handle.Store
	taken int
}

func (s *takenCodesStore) PutHandle(ctx context.Context, now time.Time, r *handle.Record) error {
	if r.Kind == "user_code" && s.taken > 0 {
		s.taken--
		return handle.ErrExists
	}
	return s.Store.PutHandle(ctx, now, r)
}
