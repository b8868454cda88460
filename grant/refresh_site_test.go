package grant_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/avouch-oauth/avouch"
	"github.com/avouch-oauth/avouch/clientauth"
	"github.com/avouch-oauth/avouch/grant"
	"github.com/avouch-oauth/avouch/handle"
	"github.com/avouch-oauth/avouch/replay"
	"github.com/avouch-oauth/avouch/token"
)

const (
	visit  = "urn:example:grant-type:visit"
	shelf  = "https://shelf.example" // three APIs
	desk   = "https://desk.example"
	cellar = "https://cellar.example"
)

// visitGrant is a stranger's grant, with a consent that the test says.
type visitGrant struct {
	consent func() *avouch.Authorization
}

func (visitGrant) Type() string { return visit }

func (g visitGrant) Authorize(context.Context, *avouch.Request) (*avouch.Authorization, error) {
	authz := g.consent()
	authz.Refresh = true
	return authz, nil
}

// faultyStore is a store that can be down, and counts its records.
type faultyStore struct {
	handle.Store
	down, downToPut, deaf atomic.Bool // deaf: nothing can be revoked
	put                   atomic.Int64
}

var errStoreDown = errors.New("the disk is gone")

func (s *faultyStore) PutHandle(ctx context.Context, now time.Time, r *handle.Record) error {
	if s.down.Load() || s.downToPut.Load() {
		return errStoreDown
	}
	s.put.Add(1)
	return s.Store.PutHandle(ctx, now, r)
}

func (s *faultyStore) Handle(ctx context.Context, now time.Time, kind string, digest [32]byte) (*handle.Record, error) {
	if s.down.Load() {
		return nil, errStoreDown
	}
	return s.Store.Handle(ctx, now, kind, digest)
}

func (s *faultyStore) Revoked(ctx context.Context, now time.Time, ids ...string) (bool, error) {
	if s.down.Load() {
		return false, errStoreDown
	}
	return s.Store.Revoked(ctx, now, ids...)
}

func (s *faultyStore) Revoke(ctx context.Context, now, until time.Time, ids ...string) error {
	if s.down.Load() || s.deaf.Load() {
		return errStoreDown
	}
	return s.Store.Revoke(ctx, now, until, ids...)
}

func (s *faultyStore) downToRevoke(t testing.TB, f func()) {
	t.Helper()
	s.deaf.Store(true)
	defer s.deaf.Store(false)
	f()
}

// refreshSite is a server with refresh tokens, and what it is made of before it is started.
type refreshSite struct {
	refresh grant.RefreshToken
	store   *faultyStore
	consent avouch.Authorization
	replay  replay.Guard
	lapsed  func(context.Context, *token.Claims) (*avouch.Lapse, error)

	mu      sync.Mutex
	clients map[string]avouch.Client

	server  *avouch.Server
	handler http.Handler
	url     string // "" where the handler is called without a network
	events  []avouch.Event
}

// Client implements avouch.Clients.
func (s *refreshSite) Client(_ context.Context, id string) (*avouch.Client, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c, ok := s.clients[id]
	if !ok {
		return nil, nil
	}
	return &c, nil
}

func (s *refreshSite) change(id string, f func(*avouch.Client)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.clients[id]
	f(&c)
	s.clients[id] = c
}

// newRefreshSite has two confidential clients, web and other, and two public ones, phone and watch.
func newRefreshSite() *refreshSite {
	s := &refreshSite{
		store:   &faultyStore{Store: handle.NewMemory(0)},
		clients: map[string]avouch.Client{},
		consent: avouch.Authorization{
			Subject: "alice", Family: "f-1", Scopes: []string{"read", "write"}, DefaultScopes: []string{"read", "write"},
			Audiences: []string{shelf, desk}, Claims: map[string]any{"room": map[string]any{"floor": 3}},
		},
	}
	for _, id := range []string{"web", "other", "phone", "watch"} {
		c := confidential(id, func(c *avouch.Client) {
			c.Grants = []string{visit, grant.RefreshTokenType}
			c.Audiences = []string{shelf, desk, cellar}
			if id == "phone" || id == "watch" {
				c.AuthMethod, c.Secrets = "none", nil
			}
		})
		s.clients[id] = *c
	}
	return s
}

func (s *refreshSite) make(t testing.TB) *refreshSite {
	t.Helper()
	if s.replay == nil {
		s.replay = replay.NewMemory(replay.MemoryConfig{})
	}
	var err error
	s.server, err = avouch.New(avouch.Config{
		Issuer: own, Minter: &token.Minter{Key: ownKey()}, Replay: s.replay, Clients: s,
		Handles: s.store, Refresh: &s.refresh, Lapsed: s.lapsed,
		Grants: []avouch.Grant{grant.ClientCredentials{}, visitGrant{func() *avouch.Authorization {
			s.mu.Lock()
			defer s.mu.Unlock()
			c := s.consent
			return &c
		}}},
		ClientAuth: []avouch.ClientAuth{&clientauth.SecretPost{}, clientauth.None{}},
		Observe: func(_ context.Context, e avouch.Event) {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.events = append(s.events, e)
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	s.handler = s.server.Handler()
	return s
}

// start serves it over HTTP.
func (s *refreshSite) start(t testing.TB) *refreshSite {
	t.Helper()
	hs := httptest.NewServer(s.make(t).handler)
	t.Cleanup(hs.Close)
	s.url = hs.URL + "/oauth/token"
	return s
}

// restart forgets what was used, as a server does that keeps it in its memory.
func (s *refreshSite) restart(t testing.TB, started time.Time) {
	t.Helper()
	s.replay = replay.NewMemory(replay.MemoryConfig{Start: started})
	s.start(t)
}

// refreshAnswer is what the token endpoint has said.
type refreshAnswer struct {
	answer
	RefreshToken string `json:"refresh_token"`
}

func (s *refreshSite) send(t testing.TB, client string, form url.Values) refreshAnswer {
	t.Helper()
	form.Set("client_id", client)
	if client == "web" || client == "other" {
		form.Set("client_secret", secretOf)
	}
	return s.sendForm(t, form)
}

// sendForm sends a form as it is.
func (s *refreshSite) sendForm(t testing.TB, form url.Values) refreshAnswer {
	t.Helper()
	var a refreshAnswer
	var body []byte
	if s.url == "" {
		r := httptest.NewRequest(http.MethodPost, "/oauth/token", strings.NewReader(form.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		w := httptest.NewRecorder()
		s.handler.ServeHTTP(w, r)
		a.Status, a.Header, body = w.Code, w.Header(), w.Body.Bytes()
	} else {
		resp, err := http.PostForm(s.url, form)
		if err != nil {
			t.Error(err)
			return a
		}
		defer resp.Body.Close()
		a.Status, a.Header = resp.StatusCode, resp.Header
		if body, err = io.ReadAll(resp.Body); err != nil {
			t.Error(err)
		}
	}
	status, header := a.Status, a.Header
	if err := json.Unmarshal(body, &a.answer); err != nil {
		t.Errorf("%d %s: %v", status, body, err)
	}
	var more struct {
		RefreshToken string `json:"refresh_token"`
	}
	_ = json.Unmarshal(body, &more)
	_ = json.Unmarshal(body, &a.Members)
	a.Status, a.Header, a.RefreshToken = status, header, more.RefreshToken
	return a
}

// visit gets the first tokens of a consent.
func (s *refreshSite) visit(t testing.TB, client string, pairs ...string) refreshAnswer {
	t.Helper()
	a := s.send(t, client, pairsOf("grant_type", visit, pairs))
	if a.Status != 200 {
		t.Fatalf("%+v", a)
	}
	return a
}

// use sends a refresh token.
func (s *refreshSite) use(t testing.TB, client, text string, pairs ...string) refreshAnswer {
	t.Helper()
	return s.send(t, client, pairsOf("grant_type", grant.RefreshTokenType, append([]string{"refresh_token", text}, pairs...)))
}

func pairsOf(name, value string, pairs []string) url.Values {
	form := url.Values{name: {value}}
	for k := 0; k+1 < len(pairs); k += 2 {
		form.Add(pairs[k], pairs[k+1])
	}
	return form
}

// told is what the operator is told of the last request.
func (s *refreshSite) told() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.events[len(s.events)-1].Err; err != nil {
		return err.Error()
	}
	return ""
}

func (s *refreshSite) ended(t testing.TB, family string) bool {
	t.Helper()
	ended, err := s.store.Store.Revoked(t.Context(), time.Now(), handle.FamilyID(family))
	if err != nil {
		t.Fatal(err)
	}
	return ended
}

func passes(t testing.TB, what string, a refreshAnswer) {
	t.Helper()
	if a.Status != 200 || a.AccessToken == "" {
		t.Errorf("%s: %d %s %q; want a token", what, a.Status, a.Error, a.Description)
	}
}

func fails(t testing.TB, what string, a refreshAnswer, status int, code string) {
	t.Helper()
	if a.Status != status || a.Error != code || a.AccessToken != "" || a.RefreshToken != "" {
		t.Errorf("%s: %d %s %q; want %d %s", what, a.Status, a.Error, a.Description, status, code)
	}
}
