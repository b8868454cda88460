package main

import (
	"context"
	"crypto/sha256"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/modelcontextprotocol/go-sdk/auth"
	"github.com/modelcontextprotocol/go-sdk/auth/extauth"
	"github.com/modelcontextprotocol/go-sdk/mcp"
	"github.com/modelcontextprotocol/go-sdk/oauthex"
	"golang.org/x/oauth2"

	"github.com/avouch-oauth/avouch"
	"github.com/avouch-oauth/avouch/client"
	"github.com/avouch-oauth/avouch/clientauth"
	"github.com/avouch-oauth/avouch/grant"
	"github.com/avouch-oauth/avouch/keys"
	"github.com/avouch-oauth/avouch/token"
)

const secret = "a-secret-that-is-long-enough-for-anybody"

// site is an authorization server and the MCP server beside it.
type site struct {
	as, mcp string
	agent   *keys.Private // of the client "agent"
	signing *keys.Private // of the authorization server

	mu   sync.Mutex
	last avouch.Event // of the authorization server
}

func newSite(t *testing.T) *site {
	t.Helper()
	private, public, err := keys.GeneratePairs(1, keys.ES256)
	if err != nil {
		t.Fatal(err)
	}
	signing, err := keys.Generate(keys.ES256)
	if err != nil {
		t.Fatal(err)
	}
	s := &site{agent: private[0], signing: signing}
	var tools, as http.Handler
	m := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { tools.ServeHTTP(w, r) }))
	t.Cleanup(m.Close)
	a := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { as.ServeHTTP(w, r) }))
	t.Cleanup(a.Close)
	s.as, s.mcp = a.URL, m.URL

	code := &grant.AuthorizationCode{
		Ask: func(http.ResponseWriter, *http.Request, *grant.Question) (*grant.Consent, error) {
			return &grant.Consent{Subject: "alice"}, nil
		},
	}
	server, err := avouch.New(avouch.Config{
		Issuer:     s.as,
		Minter:     &token.Minter{Key: signing},
		Grants:     []avouch.Grant{code, grant.ClientCredentials{}},
		Endpoints:  []avouch.Endpoint{code.Authorization()}, // the SDK asks every server for PKCE in its metadata
		ClientAuth: []avouch.ClientAuth{&clientauth.PrivateKeyJWT{}, &clientauth.SecretBasic{}, clientauth.None{}},
		Clients: avouch.ClientList{{
			ID: "agent", Keys: public, Grants: []string{"client_credentials"},
			Scopes: []string{"notes:read", "notes:write"}, Audiences: []string{s.mcp + "/mcp"},
		}, {
			ID: "old-agent", AuthMethod: "client_secret_basic", Secrets: []avouch.Secret{{SHA256: sha256.Sum256([]byte(secret))}},
			Grants: []string{"client_credentials"}, Scopes: []string{"notes:read"}, Audiences: []string{s.mcp + "/mcp"},
		}, {
			ID: "editor", AuthMethod: "none", RedirectURIs: []string{"http://127.0.0.1/callback"},
			Grants: []string{grant.AuthorizationCodeType}, Scopes: []string{"notes:read"}, Audiences: []string{s.mcp + "/mcp"},
		}},
		Observe: func(_ context.Context, e avouch.Event) {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.last = e
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	as = server.Handler()
	if tools, err = newMux(s.as, s.mcp); err != nil {
		t.Fatal(err)
	}
	return s
}

// call asks the tool, over a transport that knows how to get tokens.
func (s *site) call(t *testing.T, transport *mcp.StreamableClientTransport) (string, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	transport.Endpoint = s.mcp + "/mcp"
	transport.MaxRetries = -1
	session, err := mcp.NewClient(&mcp.Implementation{Name: "test", Version: "1"}, nil).Connect(ctx, transport, nil)
	if err != nil {
		return "", err
	}
	defer session.Close()
	result, err := session.CallTool(ctx, &mcp.CallToolParams{Name: "my_notes", Arguments: map[string]any{}})
	if err != nil {
		return "", err
	}
	return result.Content[0].(*mcp.TextContent).Text, nil
}

// signing is what an MCP client with a private key needs: the SDK asks it for tokens.
type signing struct{ me client.PrivateKeyJWT }

func (c signing) TokenSource(ctx context.Context) (oauth2.TokenSource, error) {
	return c.me.TokenSource(ctx), nil
}

func (c signing) Authorize(_ context.Context, _ *http.Request, resp *http.Response) error {
	resp.Body.Close()
	return auth.ErrOAuth // it had a token from the start: another one will not help
}

// TestSigningClient is a client that signs with its key: it knows its authorization server.
func TestSigningClient(t *testing.T) {
	s := newSite(t)
	got, err := s.call(t, &mcp.StreamableClientTransport{OAuthHandler: signing{client.PrivateKeyJWT{
		Issuer: s.as, ClientID: "agent", Key: s.agent, Scopes: []string{"notes:read"}, Resources: []string{s.mcp + "/mcp"},
	}}})
	if err != nil || got != "the notes of agent" {
		t.Errorf("%q, %v", got, err)
	}
}

// TestDiscovery is the SDK's own client with a secret: it starts with the URL of the MCP server, and finds the
// authorization server by the challenge and the metadata behind it.
func TestDiscovery(t *testing.T) {
	s := newSite(t)
	handler, err := extauth.NewClientCredentialsHandler(&extauth.ClientCredentialsHandlerConfig{
		Credentials: &oauthex.ClientCredentials{ClientID: "old-agent", ClientSecretAuth: &oauthex.ClientSecretAuth{ClientSecret: secret}},
	})
	if err != nil {
		t.Fatal(err)
	}
	got, err := s.call(t, &mcp.StreamableClientTransport{OAuthHandler: handler})
	if err != nil || got != "the notes of old-agent" {
		t.Fatalf("%q, %v", got, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if last := s.last; last.Audience[0] != s.mcp+"/mcp" || strings.Join(last.Scopes, " ") != "notes:read" {
		t.Errorf("the token is for %q with %q: not what the metadata told", last.Audience, last.Scopes)
	}
}

// TestUser is an editor whose user signs in at the browser. It too starts with nothing but the URL of the MCP server.
func TestUser(t *testing.T) {
	s := newSite(t)
	handler, err := auth.NewAuthorizationCodeHandler(&auth.AuthorizationCodeHandlerConfig{
		PreregisteredClient: &oauthex.ClientCredentials{ClientID: "editor"},
		RedirectURL:         "http://127.0.0.1:50000/callback",
		AuthorizationCodeFetcher: func(ctx context.Context, args *auth.AuthorizationArgs) (*auth.AuthorizationResult, error) {
			r, err := http.NewRequestWithContext(ctx, http.MethodGet, args.URL, nil)
			if err != nil {
				return nil, err
			}
			resp, err := http.DefaultTransport.RoundTrip(r)
			if err != nil {
				return nil, err
			}
			resp.Body.Close()
			to, err := resp.Location()
			if err != nil {
				return nil, err
			}
			q := to.Query()
			return &auth.AuthorizationResult{Code: q.Get("code"), State: q.Get("state"), Iss: q.Get("iss")}, nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	got, err := s.call(t, &mcp.StreamableClientTransport{OAuthHandler: handler})
	if err != nil || got != "the notes of alice" {
		t.Errorf("%q, %v", got, err)
	}
}

// TestRefused sends what must not get in.
func TestRefused(t *testing.T) {
	s := newSite(t)
	mint := func(change func(c *token.Claims)) string {
		c := &token.Claims{
			Issuer: s.as, Subject: "alice", Audience: []string{s.mcp + "/mcp"}, ClientID: "agent", Scopes: []string{"notes:read"},
			ID: "1", IssuedAt: time.Now(), Expires: time.Now().Add(time.Minute),
		}
		change(c)
		raw, err := (&token.Minter{Key: s.signing}).Mint(t.Context(), c)
		if err != nil {
			t.Fatal(err)
		}
		return raw
	}
	for name, try := range map[string]struct {
		authorization string
		status        int
	}{
		"no token":        {"", 401},
		"junk":            {"Bearer junk", 401},
		"for another API": {"Bearer " + mint(func(c *token.Claims) { c.Audience = []string{s.mcp} }), 401},
		"of another":      {"Bearer " + mint(func(c *token.Claims) { c.Issuer = "https://evil.example" }), 401},
		"expired": {"Bearer " + mint(func(c *token.Claims) {
			c.IssuedAt, c.Expires = time.Now().Add(-time.Hour), time.Now().Add(-time.Minute)
		}), 401},
		"without scope":    {"Bearer " + mint(func(c *token.Claims) { c.Scopes = []string{"notes:write"} }), 403},
		"good, for a test": {"Bearer " + mint(func(*token.Claims) {}), 200},
	} {
		t.Run(name, func(t *testing.T) {
			body := `{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"t","version":"1"}}}`
			r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.mcp+"/mcp", strings.NewReader(body))
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("Content-Type", "application/json")
			r.Header.Set("Accept", "application/json, text/event-stream")
			if try.authorization != "" {
				r.Header.Set("Authorization", try.authorization)
			}
			resp, err := http.DefaultClient.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			if resp.StatusCode != try.status {
				t.Errorf("%s, want %d", resp.Status, try.status)
			}
			metadata := s.mcp + "/.well-known/oauth-protected-resource/mcp"
			if challenge := resp.Header.Get("WWW-Authenticate"); try.status != 200 && !strings.Contains(challenge, metadata) {
				t.Errorf("the challenge does not lead to the metadata: %q", challenge)
			}
		})
	}
}
