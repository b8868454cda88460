package client_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"

	"golang.org/x/oauth2"

	"github.com/avouch-oauth/avouch/keys"
)

// authServer is an authorization server of which only the wire matters: it publishes metadata, records every token
// request byte by byte, and answers what the test tells it to.
type authServer struct {
	t        testing.TB
	issuer   string // what its metadata says
	tokenURL string // likewise
	status   int
	header   http.Header
	body     string

	mu       sync.Mutex
	requests []recorded
	metadata int // how often its metadata was fetched
}

type recorded struct {
	method, path, query string
	header              http.Header
	form                url.Values
}

const goodAnswer = `{"access_token":"at-1","token_type":"Bearer","expires_in":900,"scope":"a b","more":{"x":1}}`

// newAuthServer starts one over real HTTP on loopback.
func newAuthServer(t testing.TB) *authServer {
	s := &authServer{t: t, status: 200, body: goodAnswer}
	at := httptest.NewServer(s)
	t.Cleanup(at.Close)
	s.issuer, s.tokenURL = at.URL, at.URL+"/token"
	return s
}

func (s *authServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if strings.Contains(r.URL.Path, "/.well-known/") {
		s.metadata++
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, `{"issuer":%q,"token_endpoint":%q,"jwks_uri":%q,"response_types_supported":[]}`, s.issuer, s.tokenURL, s.issuer+"/jwks")
		return
	}
	text, _ := io.ReadAll(r.Body)
	form, err := url.ParseQuery(string(text))
	if err != nil {
		s.t.Errorf("not a form: %q", text)
	}
	s.requests = append(s.requests, recorded{r.Method, r.URL.Path, r.URL.RawQuery, r.Header, form})
	for name, values := range s.header {
		w.Header()[name] = values
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(s.status)
	fmt.Fprint(w, s.body)
}

func (s *authServer) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.requests)
}

// last returns the only new request.
func (s *authServer) last() recorded {
	s.t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.requests) == 0 {
		s.t.Fatal("the server was not asked for a token")
	}
	return s.requests[len(s.requests)-1]
}

// decode reads a JWT without checking it.
func decode(t testing.TB, jwt string) (header, claims map[string]any) {
	t.Helper()
	parts := strings.Split(jwt, ".")
	if len(parts) != 3 {
		t.Fatalf("no JWT: %q", jwt)
	}
	for i, into := range []*map[string]any{&header, &claims} {
		text, err := base64.RawURLEncoding.DecodeString(parts[i])
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(text, into); err != nil {
			t.Fatal(err)
		}
	}
	return header, claims
}

func generate(t testing.TB, alg keys.Algorithm) *keys.Private {
	t.Helper()
	key, err := keys.Generate(alg)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// names are the sorted names of what a request or a claim set has.
func names[V any](m map[string]V) string {
	return strings.Join(sorted(m), " ")
}

// inProcess is an HTTP client whose requests are answered by a handler without a network, so that they can be made
// inside a synctest bubble.
type inProcess struct{ http.Handler }

func (h inProcess) RoundTrip(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	if r.Body == nil {
		r.Body = http.NoBody
	}
	h.ServeHTTP(w, r)
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	resp := w.Result()
	resp.Request = r
	return resp, nil
}

func (h inProcess) context(ctx context.Context) context.Context {
	return context.WithValue(ctx, oauth2.HTTPClient, &http.Client{Transport: h})
}
