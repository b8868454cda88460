package avouch_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/avouch-oauth/avouch"
	"github.com/avouch-oauth/avouch/clientauth"
	"github.com/avouch-oauth/avouch/grant"
	"github.com/avouch-oauth/avouch/keys"
)

func get(t *testing.T, s *site, path string) (*http.Response, []byte) {
	t.Helper()
	resp, err := s.Client().Get(s.URL + path)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, body
}

func TestMetadata(t *testing.T) {
	s := newSite(t, func(c *avouch.Config) {
		c.ClientAuth = []avouch.ClientAuth{&clientauth.PrivateKeyJWT{}, &clientauth.SecretJWT{}, &clientauth.SecretBasic{}}
		c.ScopesSupported = []string{"read", "write"}
	})
	resp, body := get(t, s, "/.well-known/oauth-authorization-server")
	if resp.StatusCode != 200 || resp.Header.Get("Content-Type") != "application/json" || !strings.HasPrefix(resp.Header.Get("Cache-Control"), "public, max-age=") {
		t.Errorf("%d, header %v", resp.StatusCode, resp.Header)
	}
	var got map[string]any
	if err := json.Unmarshal(body, &got); err != nil {
		t.Fatal(err)
	}
	want := `{"grant_types_supported":["client_credentials","urn:example:voucher"],"issuer":"https://as.example.com","jwks_uri":"https://as.example.com/oauth/jwks","scopes_supported":["read","write"],"token_endpoint":"https://as.example.com/oauth/token","token_endpoint_auth_methods_supported":["private_key_jwt","client_secret_jwt","client_secret_basic"],"token_endpoint_auth_signing_alg_values_supported":["RS256","PS256","ES256","EdDSA","HS256"]}`
	if again, _ := json.Marshal(got); string(again) != want {
		t.Errorf("got  %s\nwant %s", again, want)
	}
}

// TestMetadataWithout: members without a value are left out (RFC 8414 §3.2).
func TestMetadataWithout(t *testing.T) {
	s := newSite(t, func(c *avouch.Config) {
		c.Grants, c.ClientAuth = []avouch.Grant{avouch.ClientOptional(voucher{})}, nil
	})
	_, body := get(t, s, "/.well-known/oauth-authorization-server")
	if strings.Contains(string(body), "[]") || strings.Contains(string(body), "auth_methods") {
		t.Errorf("got %s", body)
	}
}

func TestDocumentsAreRead(t *testing.T) {
	s := newSite(t, nil)
	for _, path := range []string{"/.well-known/oauth-authorization-server", "/oauth/jwks"} {
		resp, err := s.Client().Post(s.URL+path, "application/json", strings.NewReader("{}"))
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != 405 || resp.Header.Get("Allow") != "GET, HEAD" {
			t.Errorf("POST %s: %d, Allow %q", path, resp.StatusCode, resp.Header.Get("Allow"))
		}
	}
	if resp, _ := get(t, s, "/oauth/jwks"); resp.StatusCode != 500 { // its minter has no keys
		t.Errorf("a JWK set that cannot be made: %d", resp.StatusCode)
	}
	if !strings.Contains(s.logs.String(), "JWK set") {
		t.Error("the operator does not learn why")
	}
	resp, err := s.Client().Head(s.URL + "/.well-known/oauth-authorization-server")
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != 200 || resp.ContentLength <= 0 {
		t.Errorf("HEAD: %d, %d bytes", resp.StatusCode, resp.ContentLength)
	}
}

func TestMetadataPaths(t *testing.T) {
	for issuer, want := range map[string][]string{
		"https://as.example.com":        {"/.well-known/oauth-authorization-server", "/.well-known/openid-configuration"},
		"https://as.example.com/":       {"/.well-known/oauth-authorization-server", "/.well-known/openid-configuration"},
		"https://as.example.com/a/b":    {"/.well-known/oauth-authorization-server/a/b", "/a/b/.well-known/openid-configuration", "/.well-known/openid-configuration/a/b"},
		"https://as.example.com/a%2Fb/": {"/.well-known/oauth-authorization-server/a%2Fb", "/a%2Fb/.well-known/openid-configuration", "/.well-known/openid-configuration/a%2Fb"},
	} {
		got, err := avouch.MetadataPaths(issuer)
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: %q, %v", issuer, got, err)
		}
	}
}

// picky is a grant that says what it lacks.
type picky struct{ voucher }

func (picky) Type() string    { return "picky" }
func (picky) Validate() error { return errPicky }

var errPicky = io.ErrNoProgress

// nameless, and a method that claims what no method has.
type nameless struct{ voucher }

func (nameless) Type() string { return "" }

type unsigned struct{ stamp }

func (unsigned) SigningAlgorithms() []keys.Algorithm { return []keys.Algorithm{"none"} }

func TestNewRefuses(t *testing.T) {
	good := func() avouch.Config {
		return avouch.Config{
			Issuer: issuer, Minter: &minter{}, Grants: []avouch.Grant{grant.ClientCredentials{}},
			ClientAuth: []avouch.ClientAuth{&clientauth.SecretBasic{}}, Clients: clients(),
		}
	}
	if _, err := avouch.New(good()); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		change func(*avouch.Config)
		want   string
	}{
		{func(c *avouch.Config) { c.Issuer = "" }, "Issuer is required"},
		{func(c *avouch.Config) { c.Issuer = "as.example.com" }, "not an absolute URL"},
		{func(c *avouch.Config) { c.Issuer = "http://as.example.com" }, "must be https"},
		{func(c *avouch.Config) { c.Issuer = "http://127.0.0.1.evil.example" }, "must be https"},
		{func(c *avouch.Config) { c.Issuer = "ftp://as.example.com" }, "must be an https URL"},
		{func(c *avouch.Config) { c.Issuer = "https://as.example.com?" }, "query"},
		{func(c *avouch.Config) { c.Issuer = "https://as.example.com/#" }, "fragment"},
		{func(c *avouch.Config) { c.Issuer = "https://me:pass@as.example.com" }, "user"},
		{func(c *avouch.Config) { c.Issuer = "https://as.example.com/a b" }, "characters"},
		{func(c *avouch.Config) { c.Issuer = "https://äs.example.com" }, "characters"},
		{func(c *avouch.Config) { c.Issuer = "https://%zz" }, "not a URL"},
		{func(c *avouch.Config) { c.TokenURL = "http://as.example.com/token" }, "TokenURL"},
		{func(c *avouch.Config) { c.JWKSURL = "/jwks" }, "JWKSURL"},
		{func(c *avouch.Config) { c.Minter = nil }, "Minter is required"},
		{func(c *avouch.Config) { c.Audience = "two words" }, "Audience"},
		{func(c *avouch.Config) { c.TokenLifetime = time.Millisecond }, "TokenLifetime"},
		{func(c *avouch.Config) { c.TokenLifetime = -time.Hour }, "TokenLifetime"},
		{func(c *avouch.Config) { c.ScopesSupported = []string{"a b"} }, "ScopesSupported"},
		{func(c *avouch.Config) { c.Grants = nil }, "Grants is empty"},
		{func(c *avouch.Config) { c.Grants = append(c.Grants, nil) }, "Grants[1] is nil"},
		{func(c *avouch.Config) { c.Grants = append(c.Grants, avouch.ClientOptional(nil)) }, "Grants[1] is nil"},
		{func(c *avouch.Config) { c.Grants = append(c.Grants, nameless{}) }, "no request can name"},
		{func(c *avouch.Config) { c.Grants = append(c.Grants, avouch.ClientOptional(grant.ClientCredentials{})) }, "there twice"},
		{func(c *avouch.Config) {
			c.Grants = append(c.Grants, avouch.ClientOptional(avouch.ClientOptional(picky{})))
		}, errPicky.Error()},
		{func(c *avouch.Config) { c.ClientAuth = nil }, "ClientAuth is empty"},
		{func(c *avouch.Config) { c.ClientAuth = append(c.ClientAuth, nil) }, "ClientAuth[1] is nil"},
		{func(c *avouch.Config) { c.ClientAuth = append(c.ClientAuth, &clientauth.SecretBasic{}) }, "there twice"},
		{func(c *avouch.Config) { c.ClientAuth = append(c.ClientAuth, unsigned{}) }, "signs nothing"},
		{func(c *avouch.Config) { c.Clients = nil }, "Clients is required"},
	}
	for _, test := range tests {
		c := good()
		test.change(&c)
		if _, err := avouch.New(c); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("got %v, want %q", err, test.want)
		}
	}
	_, err := avouch.New(avouch.Config{})
	for _, want := range []string{"Issuer", "Minter", "Grants"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("not all faults are told at once: %v lacks %s", err, want)
		}
	}
	for _, loopback := range []string{"http://localhost:8080", "http://127.0.0.1", "http://[::1]:1", "http://127.8.8.8/a"} {
		c := good()
		c.Issuer = loopback
		if _, err := avouch.New(c); err != nil {
			t.Errorf("%s: %v", loopback, err)
		}
	}
}

// TestZeroReplay: no guard named means the one in memory, not none.
func TestZeroReplay(t *testing.T) {
	s := newSite(t, func(c *avouch.Config) { c.Replay = nil })
	f := form("grant_type", voucherType, "for", "signer", "voucher", "1")
	s.post(t, f).want(t, 200, "")
	s.post(t, f).want(t, 400, avouch.InvalidGrant)
}

// TestIssuerWithPath: the endpoints are below the issuer, unless said otherwise.
func TestIssuerWithPath(t *testing.T) {
	server, err := avouch.New(avouch.Config{
		Issuer: "https://example.com/tenants/a", Minter: &minter{}, Grants: []avouch.Grant{avouch.ClientOptional(voucher{})},
	})
	if err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	server.Metadata().ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
	if !strings.Contains(w.Body.String(), `"token_endpoint":"https://example.com/tenants/a/oauth/token"`) {
		t.Errorf("got %s", w.Body)
	}
}
