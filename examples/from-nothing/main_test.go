package main

import (
	"context"
	"encoding/json"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"golang.org/x/oauth2"

	"github.com/avouch-oauth/avouch/assertion"
	"github.com/avouch-oauth/avouch/client"
	"github.com/avouch-oauth/avouch/keys"
	"github.com/avouch-oauth/avouch/storage/sqlite"
)

const alicesPassword = "a-password-for-trying-things-out"

// site is the server, and everybody who comes to it.
type site struct {
	url            string
	batch, partner *keys.Private
}

func newSite(t *testing.T) *site {
	t.Helper()
	store, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "server.db"), sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	key, err := signingKey(filepath.Join(t.TempDir(), "signing.pem"))
	if err != nil {
		t.Fatal(err)
	}
	batch, batchKeys, err := keys.GeneratePairs(1, keys.ES256)
	if err != nil {
		t.Fatal(err)
	}
	partner, partnerKeys, err := keys.GeneratePairs(1, keys.ES256)
	if err != nil {
		t.Fatal(err)
	}
	alice, err := newPassword(alicesPassword)
	if err != nil {
		t.Fatal(err)
	}
	var handler http.Handler
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { handler.ServeHTTP(w, r) }))
	t.Cleanup(s.Close)
	p := &people{passwords: map[string]password{"alice": alice}, sessions: map[string]session{}}
	server, err := newServer(s.URL, key, store, newClients(batchKeys), p, partnerKeys)
	if err != nil {
		t.Fatal(err)
	}
	handler = newHandler(server, p)
	return &site{s.URL, batch[0], partner[0]}
}

// browser is a user's browser: it keeps cookies, follows redirects within the server, and stops at any other place.
type browser struct {
	t      *testing.T
	client *http.Client
	at     *url.URL // of the page it shows
	page   string
	left   *url.URL // where it was sent out of the server, nil for nowhere
}

func (s *site) browser(t *testing.T) *browser {
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	b := &browser{t: t}
	b.client = &http.Client{Jar: jar, CheckRedirect: func(r *http.Request, _ []*http.Request) error {
		if "http://"+r.URL.Host != s.url {
			b.left = r.URL
			return http.ErrUseLastResponse
		}
		return nil
	}}
	return b
}

func (b *browser) open(target string) {
	b.t.Helper()
	b.show(b.client.Get(target))
}

func (b *browser) show(resp *http.Response, err error) {
	b.t.Helper()
	if err != nil {
		b.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	b.at, b.page = resp.Request.URL, string(body)
}

var (
	formAction = regexp.MustCompile(`<form[^>]*\baction="([^"]*)"`)
	hidden     = regexp.MustCompile(`<input type="hidden" name="([^"]*)" value="([^"]*)"`)
)

// submit posts the form of the page, with what was hidden in it and what the user types and presses.
func (b *browser) submit(typed ...string) {
	b.t.Helper()
	form := url.Values{}
	for _, m := range hidden.FindAllStringSubmatch(b.page, -1) {
		form.Set(html.UnescapeString(m[1]), html.UnescapeString(m[2]))
	}
	for i := 0; i < len(typed); i += 2 {
		form.Set(typed[i], typed[i+1])
	}
	to := b.at
	if m := formAction.FindStringSubmatch(b.page); m != nil {
		var err error
		if to, err = b.at.Parse(html.UnescapeString(m[1])); err != nil {
			b.t.Fatal(err)
		}
	}
	b.show(b.client.PostForm(to.String(), form))
}

func (b *browser) want(text string) {
	b.t.Helper()
	if !strings.Contains(b.page, text) {
		b.t.Fatalf("the page at %s has no %q:\n%s", b.at, text, b.page)
	}
}

func (s *site) photos() *oauth2.Config {
	return &oauth2.Config{
		ClientID: "photos", RedirectURL: "http://127.0.0.1:49152/callback", Scopes: []string{"photos:read"},
		Endpoint: oauth2.Endpoint{AuthURL: s.url + "/oauth/authorize", TokenURL: s.url + "/oauth/token", AuthStyle: oauth2.AuthStyleInParams},
	}
}

// authorize brings alice through the pages, and returns what the app has then.
func (s *site) authorize(t *testing.T) *oauth2.Token {
	t.Helper()
	verifier := oauth2.GenerateVerifier()
	b := s.browser(t)
	b.open(s.photos().AuthCodeURL("state-1", oauth2.S256ChallengeOption(verifier)))
	b.want("Sign in")
	b.submit("user", "alice", "password", "wrong")
	b.want("do not belong together")
	b.submit("user", "alice", "password", alicesPassword)
	b.want("Allow Photo Book access?")
	b.want("photos:read")
	b.submit("decision", "yes")
	if b.left == nil || b.left.Host != "127.0.0.1:49152" {
		t.Fatalf("the browser is at %s, and was sent to %v:\n%s", b.at, b.left, b.page)
	}
	q := b.left.Query()
	if q.Get("state") != "state-1" || q.Get("iss") != s.url {
		t.Errorf("sent back with %s", q)
	}
	got, err := s.photos().Exchange(t.Context(), q.Get("code"), oauth2.VerifierOption(verifier))
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// active asks introspection about a token, as the API would.
func (s *site) active(t *testing.T, text string) (bool, string) {
	t.Helper()
	var answer struct {
		Active  bool   `json:"active"`
		Subject string `json:"sub"`
	}
	s.post(t, "/oauth/introspect", text, &answer)
	return answer.Active, answer.Subject
}

// post sends a token to an endpoint, authenticated as batch.
func (s *site) post(t *testing.T, path, text string, answer any) {
	t.Helper()
	resp, err := http.PostForm(s.url+path, url.Values{
		"token": {text}, "client_assertion": {s.assertion(t)},
		"client_assertion_type": {"urn:ietf:params:oauth:client-assertion-type:jwt-bearer"},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != 200 {
		body, _ := io.ReadAll(resp.Body)
		t.Fatalf("%s: %s %s", path, resp.Status, body)
	}
	if err := json.NewDecoder(resp.Body).Decode(answer); err != nil {
		t.Fatal(err)
	}
}

func TestAuthorizationCode(t *testing.T) {
	s := newSite(t)
	first := s.authorize(t)
	if ok, who := s.active(t, first.AccessToken); !ok || who != "alice" {
		t.Fatalf("introspection says %t, %q", ok, who)
	}

	// Refreshing gives new tokens; an old refresh token, which somebody else may have, ends all of them.
	refresh := func(text string) (*oauth2.Token, error) {
		return s.photos().TokenSource(t.Context(), &oauth2.Token{RefreshToken: text}).Token()
	}
	second, err := refresh(first.RefreshToken)
	if err != nil || second.RefreshToken == first.RefreshToken {
		t.Fatalf("refreshed to %v, %v", second, err)
	}
	if ok, _ := s.active(t, second.AccessToken); !ok {
		t.Error("the second access token is not active")
	}
	if _, err := refresh(first.RefreshToken); err == nil {
		t.Error("a refresh token was good twice")
	}
	if ok, _ := s.active(t, second.AccessToken); ok {
		t.Error("a stolen refresh token has come, and what was issued on it is still active")
	}
	if _, err := refresh(second.RefreshToken); err == nil {
		t.Error("a stolen refresh token has come, and its successor is still good")
	}
}

func TestRevocation(t *testing.T) {
	s := newSite(t)
	got := s.authorize(t)
	resp, err := http.PostForm(s.url+"/oauth/revoke", url.Values{"client_id": {"photos"}, "token": {got.RefreshToken}})
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != 200 {
		t.Fatal(resp.Status)
	}
	if ok, _ := s.active(t, got.AccessToken); ok {
		t.Error("the user has signed out, and the access token is still active")
	}
}

func TestDenied(t *testing.T) {
	s := newSite(t)
	b := s.browser(t)
	b.open(s.photos().AuthCodeURL("state-1", oauth2.S256ChallengeOption(oauth2.GenerateVerifier())))
	b.submit("user", "alice", "password", alicesPassword)
	b.submit("decision", "no")
	if b.left == nil || b.left.Query().Get("error") != "access_denied" || b.left.Query().Has("code") {
		t.Errorf("sent to %v", b.left)
	}
	b.left = nil
	b.open(s.photos().AuthCodeURL("s", oauth2.S256ChallengeOption(oauth2.GenerateVerifier()), oauth2.SetAuthURLParam("prompt", "none")))
	if b.left == nil || b.left.Query().Get("error") != "consent_required" {
		t.Errorf("with prompt=none sent to %v:\n%s", b.left, b.page)
	}
}

// TestHostileBrowser tries what a page of somebody else could do.
func TestHostileBrowser(t *testing.T) {
	s := newSite(t)
	for _, next := range []string{"https://evil.example", "//evil.example", `/\evil.example`, "/\t/evil.example", "evil.example"} {
		b := s.browser(t)
		b.open(s.url + "/login?next=" + url.QueryEscape(next))
		b.submit("user", "alice", "password", alicesPassword)
		if b.left != nil {
			t.Errorf("after the sign-in %q leads to %s", next, b.left)
		}
	}
	b := s.browser(t)
	request := s.photos().AuthCodeURL("s", oauth2.S256ChallengeOption(oauth2.GenerateVerifier()))
	b.open(request)
	b.submit("user", "alice", "password", alicesPassword)
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, request, strings.NewReader("decision=yes"))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	r.Header.Set("Origin", "https://evil.example")
	b.show(b.client.Do(r))
	if b.left != nil && b.left.Query().Has("code") {
		t.Error("a form on another site has given a consent")
	}
}

func TestDevice(t *testing.T) {
	s := newSite(t)
	tv := &oauth2.Config{ClientID: "tv", Scopes: []string{"photos:read"}, Endpoint: oauth2.Endpoint{
		DeviceAuthURL: s.url + "/oauth/device_authorization", TokenURL: s.url + "/oauth/token", AuthStyle: oauth2.AuthStyleInParams,
	}}
	shown, err := tv.DeviceAuth(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	b := s.browser(t)
	b.open(shown.VerificationURI)
	b.submit("user_code", shown.UserCode)
	b.want("Sign in")
	b.submit("user", "alice", "password", alicesPassword)
	b.want(shown.UserCode)
	b.submit() // yes, that is the code on my device
	b.want("Allow Living Room TV access?")
	b.submit("decision", "yes")
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	got, err := tv.DeviceAccessToken(ctx, shown)
	if err != nil {
		t.Fatal(err)
	}
	if ok, who := s.active(t, got.AccessToken); !ok || who != "alice" || got.RefreshToken == "" {
		t.Errorf("introspection says %t, %q; refresh token %q", ok, who, got.RefreshToken)
	}
}

func TestPrograms(t *testing.T) {
	s := newSite(t)
	for name, get := range map[string]func() (*oauth2.Token, error){
		"batch": func() (*oauth2.Token, error) {
			return client.PrivateKeyJWT{Issuer: s.url, ClientID: "batch", Key: s.batch}.Token(t.Context())
		},
		"alice": func() (*oauth2.Token, error) {
			return client.JWTBearer{
				Issuer: s.url, Key: s.partner, AssertionIssuer: "https://idp.partner.example", Subject: "4711", Scopes: []string{"photos:read"},
			}.Token(t.Context())
		},
	} {
		got, err := get()
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if ok, who := s.active(t, got.AccessToken); !ok || who != name {
			t.Errorf("introspection says %t, %q; want %s", ok, who, name)
		}
	}
	_, err := client.JWTBearer{Issuer: s.url, Key: s.partner, AssertionIssuer: "https://idp.partner.example", Subject: "4712"}.Token(t.Context())
	if err == nil {
		t.Error("a subject that nobody knows got a token")
	}
}

func TestMetadata(t *testing.T) {
	s := newSite(t)
	resp, err := http.Get(s.url + "/.well-known/oauth-authorization-server")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var metadata map[string]any
	if err := json.NewDecoder(resp.Body).Decode(&metadata); err != nil {
		t.Fatal(err)
	}
	for member, want := range map[string]string{
		"authorization_endpoint":                s.url + "/oauth/authorize",
		"token_endpoint":                        s.url + "/oauth/token",
		"pushed_authorization_request_endpoint": s.url + "/oauth/par",
		"device_authorization_endpoint":         s.url + "/oauth/device_authorization",
		"introspection_endpoint":                s.url + "/oauth/introspect",
		"revocation_endpoint":                   s.url + "/oauth/revoke",
		"code_challenge_methods_supported":      "[S256]",
	} {
		if got := fmt.Sprint(metadata[member]); got != want {
			t.Errorf("%s is %s, want %s", member, got, want)
		}
	}
}

// assertion is what batch authenticates with.
func (s *site) assertion(t *testing.T) string {
	t.Helper()
	raw, err := assertion.Sign(assertion.Claims{Issuer: "batch", Subject: "batch", Audience: s.url}, s.batch)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}
