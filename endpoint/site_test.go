package endpoint_test

import (
	"context"
	"crypto/sha256"
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
	"github.com/avouch-oauth/avouch/assertion"
	"github.com/avouch-oauth/avouch/clientauth"
	"github.com/avouch-oauth/avouch/endpoint"
	"github.com/avouch-oauth/avouch/grant"
	"github.com/avouch-oauth/avouch/handle"
	"github.com/avouch-oauth/avouch/keys"
	"github.com/avouch-oauth/avouch/token"
	"github.com/avouch-oauth/avouch/trust"
)

const (
	orders  = "https://orders.example" // two APIs
	billing = "https://billing.example"
	idp     = "https://idp.example"
	secret  = "correct horse battery staple, 32 bytes"
	consent = "urn:example:grant-type:consent"
)

// Keys cost time to make, and nothing below depends on which they are.
var (
	ownKey    = sync.OnceValue(func() *keys.Private { return generate(keys.ES256) })
	idpKey    = sync.OnceValue(func() *keys.Private { return generate(keys.ES256) })
	clientKey = sync.OnceValue(func() *keys.Private { return generate(keys.EdDSA) })
)

func generate(alg keys.Algorithm) *keys.Private {
	k, err := keys.Generate(alg)
	if err != nil {
		panic(err)
	}
	return k
}

// consented is a stranger's grant: it believes whatever it is told of the user.
type consented struct{}

func (consented) Type() string { return consent }

func (consented) Authorize(_ context.Context, req *avouch.Request) (*avouch.Authorization, error) {
	a := &avouch.Authorization{
		Subject: req.Param("user"), Family: req.Param("family"), Scopes: []string{"read", "write"}, DefaultScopes: []string{"read", "write"},
		Audiences: []string{orders, billing}, Refresh: true,
	}
	return a, nil
}

// registry is a table of clients and subjects that changes while the server runs.
type registry struct {
	mu       sync.Mutex
	clients  map[string]avouch.Client
	disabled map[string]bool
	down     atomic.Bool // clients cannot be looked up
	blind    atomic.Bool // subjects cannot
}

func (r *registry) Client(_ context.Context, id string) (*avouch.Client, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	c, ok := r.clients[id]
	if r.down.Load() && id == "web" {
		return nil, errors.New("the table is on fire")
	}
	if !ok {
		return nil, nil
	}
	return &c, nil
}

func (r *registry) SubjectDisabled(_ context.Context, subject string) (bool, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.blind.Load() {
		return false, errors.New("the table is on fire")
	}
	return r.disabled[subject], nil
}

// change changes a client; nil deletes it.
func (r *registry) change(id string, f func(*avouch.Client)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	c := r.clients[id]
	if f == nil {
		delete(r.clients, id)
		return
	}
	f(&c)
	r.clients[id] = c
}

func (r *registry) disable(subject string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.disabled[subject] = true
}

// store is a handle.Store that can be down.
type store struct {
	handle.Store
	down atomic.Bool
}

var errDown = errors.New("the disk is gone")

func (s *store) Handle(ctx context.Context, now time.Time, kind string, digest [32]byte) (*handle.Record, error) {
	if s.down.Load() {
		return nil, errDown
	}
	return s.Store.Handle(ctx, now, kind, digest)
}

func (s *store) Revoke(ctx context.Context, now, until time.Time, ids ...string) error {
	if s.down.Load() {
		return errDown
	}
	return s.Store.Revoke(ctx, now, until, ids...)
}

func (s *store) Revoked(ctx context.Context, now time.Time, ids ...string) (bool, error) {
	if s.down.Load() {
		return false, errDown
	}
	return s.Store.Revoked(ctx, now, ids...)
}

// ring signs with one key, and publishes those that have not been withdrawn.
type ring struct {
	*keys.Private
	withdrawn atomic.Bool
}

func (r *ring) PublicKeys(now time.Time) *keys.Set {
	if r.withdrawn.Load() {
		return idpKey().PublicKeys(now)
	}
	return r.Private.PublicKeys(now)
}

// site is a server with the two endpoints, over HTTP.
type site struct {
	*registry
	store  *store
	ring   *ring
	lapsed func(ctx context.Context, c *token.Claims) (*avouch.Lapse, error)
	trust  atomic.Pointer[trust.List]

	issuer string
}

// Issuer implements trust.Source.
func (s *site) Issuer(ctx context.Context, issuer string) (*trust.Issuer, error) {
	return s.trust.Load().Issuer(ctx, issuer)
}

func start(t testing.TB, change ...func(*site)) *site {
	t.Helper()
	s := &site{
		registry: &registry{disabled: map[string]bool{}, clients: map[string]avouch.Client{}},
		store:    &store{Store: handle.NewMemory(0)},
		ring:     &ring{Private: ownKey()},
	}
	for _, c := range []avouch.Client{
		{ID: "web", AuthMethod: "client_secret_post"},
		{ID: "other", AuthMethod: "client_secret_post"},
		{ID: "orders-api", AuthMethod: "client_secret_basic", Introspects: []string{orders}},
		{ID: "billing-api", AuthMethod: "client_secret_post", Introspects: []string{billing}},
		{ID: "signer", Keys: clientKey().PublicKeys(time.Now())},
		{ID: "phone", AuthMethod: "none"},
	} {
		if strings.HasPrefix(c.AuthMethod, "client_secret") {
			c.Secrets = []avouch.Secret{{SHA256: sha256.Sum256([]byte(secret))}}
		}
		c.Grants = []string{consent, grant.RefreshTokenType, "client_credentials", grant.JWTBearerType}
		c.Scopes, c.Audiences = []string{"read", "write"}, []string{orders, billing}
		s.clients[c.ID] = c
	}
	s.trust.Store(&trust.List{{
		Issuer: idp, Name: "partner", Keys: idpKey().PublicKeys(time.Now()),
		Rules: []trust.Rule{{Name: "alice", Subject: "alice", Scopes: []string{"read"}, Audiences: []string{orders}}},
	}})
	for _, f := range change {
		f(s)
	}
	minter := &token.Minter{Key: s.ring}
	h := httptest.NewUnstartedServer(nil)
	s.issuer = "http://" + h.Listener.Addr().String()
	server, err := avouch.New(avouch.Config{
		Issuer: s.issuer, Minter: minter, Clients: s.registry, Subjects: s.registry,
		Handles: s.store, Refresh: &grant.RefreshToken{}, Lapsed: s.lapsed,
		Grants: []avouch.Grant{consented{}, grant.ClientCredentials{}, avouch.ClientOptional(&grant.JWTBearer{Trust: s})},
		ClientAuth: []avouch.ClientAuth{
			&clientauth.SecretPost{}, &clientauth.SecretBasic{}, &clientauth.PrivateKeyJWT{}, clientauth.None{},
		},
		Endpoints: []avouch.Endpoint{endpoint.Introspection(), endpoint.Revocation()},
	})
	if err != nil {
		t.Fatal(err)
	}
	h.Config.Handler = server.Handler()
	h.Start()
	t.Cleanup(h.Close)
	return s
}

// reply is what an endpoint has said.
type reply struct {
	status int
	header http.Header
	body   string
	says   map[string]any // nil where it is no JSON object
}

func (r reply) text(member string) string {
	s, _ := r.says[member].(string)
	return s
}

// post sends a form to an endpoint; as is the client that authenticates, "" for none.
func (s *site) post(t testing.TB, path, as string, pairs ...string) reply {
	t.Helper()
	form := url.Values{}
	for k := 0; k+1 < len(pairs); k += 2 {
		form.Add(pairs[k], pairs[k+1])
	}
	var basic bool
	switch as {
	case "":
	case "orders-api":
		basic = true
	case "phone":
		form.Set("client_id", as)
	case "signer":
		form.Set("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer")
		form.Set("client_assertion", s.assertion(t, s.issuer))
	default:
		form.Set("client_id", as)
		form.Set("client_secret", secret)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.issuer+path, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if basic {
		req.SetBasicAuth(url.QueryEscape(as), url.QueryEscape(secret))
	}
	return do(t, req)
}

func do(t testing.TB, req *http.Request) reply {
	t.Helper()
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	r := reply{status: resp.StatusCode, header: resp.Header, body: string(body)}
	_ = json.Unmarshal(body, &r.says)
	if got := resp.Header.Get("Cache-Control"); got != "no-store" {
		t.Errorf("Cache-Control %q", got)
	}
	return r
}

// assertion is one of signer about itself.
func (s *site) assertion(t testing.TB, aud string) string {
	t.Helper()
	signed, err := assertion.Sign(assertion.Claims{Issuer: "signer", Subject: "signer", Audience: aud, Type: "client-authentication+jwt"}, clientKey())
	if err != nil {
		t.Fatal(err)
	}
	return signed
}

// consent gets the tokens of alice for a client.
func (s *site) consent(t testing.TB, client string, pairs ...string) (access, refresh string) {
	t.Helper()
	r := s.post(t, "/oauth/token", client, append([]string{"grant_type", consent, "user", "alice", "family", "f-1"}, pairs...)...)
	if r.status != http.StatusOK || r.text("access_token") == "" {
		t.Fatalf("%d %s", r.status, r.body)
	}
	return r.text("access_token"), r.text("refresh_token")
}

func (s *site) refresh(t testing.TB, client, text string, pairs ...string) reply {
	t.Helper()
	return s.post(t, "/oauth/token", client, append([]string{"grant_type", grant.RefreshTokenType, "refresh_token", text}, pairs...)...)
}

func (s *site) introspect(t testing.TB, client, text string, pairs ...string) reply {
	t.Helper()
	return s.post(t, "/oauth/introspect", client, append([]string{"token", text}, pairs...)...)
}

func (s *site) revoke(t testing.TB, client, text string, pairs ...string) reply {
	t.Helper()
	return s.post(t, "/oauth/revoke", client, append([]string{"token", text}, pairs...)...)
}

// mint makes a token as the server would, changed by change.
func (s *site) mint(t testing.TB, change func(*token.Claims)) string {
	t.Helper()
	now := time.Now()
	c := &token.Claims{
		Issuer: s.issuer, Subject: "alice", ClientID: "web", Audience: []string{orders}, ID: "t-1", Scopes: []string{"read"},
		IssuedAt: now, Expires: now.Add(5 * time.Minute),
	}
	if change != nil {
		change(c)
	}
	raw, err := (&token.Minter{Key: ownKey()}).Mint(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// isInactive holds an answer to the one that may be given.
func isInactive(t testing.TB, what string, r reply) {
	t.Helper()
	if r.status != http.StatusOK || r.body != "{\"active\":false}\n" {
		t.Errorf("%s: %d %s; want 200 and {\"active\":false}", what, r.status, r.body)
	}
}

func isActive(t testing.TB, what string, r reply) {
	t.Helper()
	if r.status != http.StatusOK || r.says["active"] != true {
		t.Errorf("%s: %d %s; want 200 and active", what, r.status, r.body)
	}
}

func isRefused(t testing.TB, what string, r reply, status int, code string) {
	t.Helper()
	if r.status != status || r.text("error") != code {
		t.Errorf("%s: %d %s; want %d %s", what, r.status, r.body, status, code)
	}
}
