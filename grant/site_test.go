package grant_test

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/avouch-oauth/avouch"
	"github.com/avouch-oauth/avouch/assertion"
	"github.com/avouch-oauth/avouch/clientauth"
	"github.com/avouch-oauth/avouch/grant"
	"github.com/avouch-oauth/avouch/keys"
	"github.com/avouch-oauth/avouch/replay"
	"github.com/avouch-oauth/avouch/token"
	"github.com/avouch-oauth/avouch/trust"
)

const (
	own      = "https://as.example"
	tokenURL = own + "/oauth/token"
	idp      = "https://idp.example"
)

// Keys cost time to make, and nothing below depends on which they are.
var (
	idpKey   = sync.OnceValue(func() *keys.Private { return generate(keys.ES256) })
	otherKey = sync.OnceValue(func() *keys.Private { return generate(keys.EdDSA) })
	ownKey   = sync.OnceValue(func() *keys.Private { return generate(keys.ES256) })
)

func generate(alg keys.Algorithm) *keys.Private {
	k, err := keys.Generate(alg)
	if err != nil {
		panic(err)
	}
	return k
}

func published(k *keys.Private) *keys.Set { return k.PublicKeys(time.Now()) }

// site is a server, and what it is made of before it is started.
type site struct {
	grant      grant.JWTBearer
	list       trust.List // put into the grant where not nil
	clients    avouch.ClientList
	compulsory bool // the grant is not wrapped in ClientOptional
	audience   string
	replay     replay.Guard
	policy     clientauth.Policy // of every client

	server *avouch.Server
	url    string

	mu     sync.Mutex
	events []avouch.Event
}

// partner is a site that trusts one issuer, with one rule for alice.
func partner() *site {
	return &site{list: trust.List{{
		Issuer: idp, Name: "partner", Keys: published(idpKey()),
		Rules: []trust.Rule{{Name: "alice", Subject: "alice", Scopes: []string{"read", "write"}, DefaultScopes: []string{"read"}}},
	}}}
}

// secretOf is the secret of every client that has one.
const secretOf = "correct horse battery staple, 32 bytes"

func confidential(id string, change ...func(*avouch.Client)) *avouch.Client {
	c := &avouch.Client{
		ID: id, AuthMethod: "client_secret_post",
		Secrets: []avouch.Secret{{SHA256: sha256.Sum256([]byte(secretOf))}},
		Grants:  []string{grant.JWTBearerType},
		Scopes:  []string{"read", "write", "admin"},
	}
	for _, f := range change {
		f(c)
	}
	return c
}

func (s *site) start(t testing.TB) *site {
	t.Helper()
	if s.list != nil {
		s.grant.Trust = s.list
	}
	var g avouch.Grant = &s.grant
	if !s.compulsory {
		g = avouch.ClientOptional(g)
	}
	c := avouch.Config{
		Issuer:   own,
		Minter:   &token.Minter{Key: ownKey()},
		Grants:   []avouch.Grant{g},
		Audience: s.audience,
		Replay:   s.replay,
		Observe: func(_ context.Context, e avouch.Event) {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.events = append(s.events, e)
		},
	}
	if s.clients != nil {
		c.Clients = s.clients
		c.ClientAuth = []avouch.ClientAuth{&clientauth.SecretPost{}, &clientauth.PrivateKeyJWT{Policy: func(*avouch.Client) clientauth.Policy { return s.policy }}, clientauth.None{}}
	}
	var err error
	if s.server, err = avouch.New(c); err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle("POST /oauth/token", s.server.TokenEndpoint())
	hs := httptest.NewServer(mux)
	t.Cleanup(hs.Close)
	s.url = hs.URL + "/oauth/token"
	return s
}

// sign makes an assertion of the partner about alice, changed as wanted.
func sign(t testing.TB, change ...func(*assertion.Claims)) string {
	t.Helper()
	c := assertion.Claims{Issuer: idp, Subject: "alice", Audience: own}
	for _, f := range change {
		f(&c)
	}
	return signed(t, c, idpKey())
}

func signed(t testing.TB, c assertion.Claims, key *keys.Private) string {
	t.Helper()
	s, err := assertion.Sign(c, key)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// craft signs any header and claims, also such as Sign would not.
func craft(t testing.TB, key *keys.Private, header, claims map[string]any) string {
	t.Helper()
	h := map[string]any{"alg": string(key.Algorithm), "kid": key.ID}
	for k, v := range header {
		h[k] = v
	}
	now := time.Now().Unix()
	c := map[string]any{"iss": idp, "sub": "alice", "aud": own, "iat": now, "exp": now + 60, "jti": randomText()}
	for k, v := range claims {
		if v == nil {
			delete(c, k)
		} else {
			c[k] = v
		}
	}
	return signJSON(t, key, h, c)
}

// answer is what the endpoint has said.
type answer struct {
	Status      int
	Header      http.Header
	AccessToken string `json:"access_token"`
	TokenType   string `json:"token_type"`
	ExpiresIn   int    `json:"expires_in"`
	Scope       string `json:"scope"`
	Error       string `json:"error"`
	Description string `json:"error_description"`
	RefusalID   string `json:"refusal_id"`
	Members     map[string]any
}

// post sends a request for a grant; pairs are further parameters. An assertion of "" is left out.
func (s *site) post(t testing.TB, assertion string, pairs ...string) answer {
	t.Helper()
	return s.send(t, s.form(assertion, pairs...))
}

func (s *site) form(assertion string, pairs ...string) url.Values {
	form := url.Values{"grant_type": {grant.JWTBearerType}}
	if assertion != "" {
		form.Set("assertion", assertion)
	}
	for k := 0; k+1 < len(pairs); k += 2 {
		form.Add(pairs[k], pairs[k+1])
	}
	return form
}

func (s *site) send(t testing.TB, form url.Values) answer {
	t.Helper()
	resp, err := http.PostForm(s.url, form)
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
	_ = json.Unmarshal(body, &a.Members)
	if got := resp.Header.Get("Cache-Control"); got != "no-store" {
		t.Errorf("Cache-Control %q", got)
	}
	return a
}

// claims of the access token.
func (a answer) claims(t testing.TB) map[string]any {
	t.Helper()
	part := strings.Split(a.AccessToken, ".")
	if len(part) != 3 {
		t.Fatalf("no access token in %+v", a)
	}
	text, err := base64.RawURLEncoding.DecodeString(part[1])
	if err != nil {
		t.Fatal(err)
	}
	var claims map[string]any
	if err := json.Unmarshal(text, &claims); err != nil {
		t.Fatal(err)
	}
	return claims
}

// last is the event of the last request.
func (s *site) last() avouch.Event {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.events[len(s.events)-1]
}

// reason is why the last request was refused, as far as the assertion is to blame.
func (s *site) reason() assertion.Reason {
	if e, ok := errors.AsType[*assertion.Error](s.last().Err); ok {
		return e.Reason
	}
	return ""
}

// explain explains what a request would become, with a client that has authenticated or without one.
func (s *site) explain(t testing.TB, form url.Values, client *avouch.Client) *assertion.Report {
	t.Helper()
	req, err := s.server.Request(form, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	req.Client = client
	return s.grant.Explain(t.Context(), req)
}

func set(k *keys.Private) keys.Source { return published(k) }

// broken is a source of keys that cannot be had.
type broken struct{ err error }

func (b broken) Find(context.Context, keys.Hint, time.Time) ([]*keys.Public, error) {
	return nil, b.err
}
