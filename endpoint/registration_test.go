package endpoint_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/avouch-oauth/avouch"
	"github.com/avouch-oauth/avouch/assertion"
	"github.com/avouch-oauth/avouch/clientauth"
	"github.com/avouch-oauth/avouch/endpoint"
	"github.com/avouch-oauth/avouch/grant"
	"github.com/avouch-oauth/avouch/handle"
	"github.com/avouch-oauth/avouch/internal/jose"
	"github.com/avouch-oauth/avouch/keys"
	"github.com/avouch-oauth/avouch/token"
)

// codeGrant stands for the authorization code grant: what matters here is that it is offered.
type codeGrant struct{}

func (codeGrant) Type() string { return "authorization_code" }
func (codeGrant) Authorize(context.Context, *avouch.Request) (*avouch.Authorization, error) {
	return nil, &avouch.Error{Code: avouch.InvalidGrant, Description: "the code is not accepted"}
}

// enrolment is a server where clients register themselves, behind real HTTP.
type enrolment struct {
	*httptest.Server
	*endpoint.Registration
	memory *endpoint.MemoryRegistrar
	logs   *enrolmentLog
}

// enrolmentLog keeps what is logged.
type enrolmentLog struct {
	mu  sync.Mutex
	all bytes.Buffer
}

func (l *enrolmentLog) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.all.Write(b)
}

func (l *enrolmentLog) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.all.String()
}

// openTo makes a server on which everything may be registered; change may replace any of it.
func openTo(t testing.TB, change func(*endpoint.Registration, *avouch.Config)) *enrolment {
	t.Helper()
	e := &enrolment{memory: &endpoint.MemoryRegistrar{}, logs: &enrolmentLog{}}
	e.Registration = &endpoint.Registration{
		Registrar: e.memory, OpenRegistration: true, PerAddress: 1_000_000,
		GrantTypes: []string{"authorization_code", "refresh_token", "client_credentials"},
		Scopes:     []string{"orders:read", "orders:write"}, DefaultScopes: []string{"orders:read"},
	}
	e.Server = httptest.NewUnstartedServer(nil)
	config := avouch.Config{
		Issuer:     "http://" + e.Listener.Addr().String(),
		Minter:     &token.Minter{Key: enrolmentKey(t, keys.ES256)},
		Grants:     []avouch.Grant{codeGrant{}, grant.ClientCredentials{}},
		Refresh:    &grant.RefreshToken{},
		ClientAuth: []avouch.ClientAuth{&clientauth.SecretBasic{}, &clientauth.SecretPost{}, &clientauth.SecretJWT{}, &clientauth.PrivateKeyJWT{}, clientauth.None{}},
		Clients:    e.memory,
		Endpoints:  []avouch.Endpoint{e.Endpoint(), e.Management()},
		Log:        slog.New(slog.NewTextHandler(e.logs, nil)),
	}
	if change != nil {
		change(e.Registration, &config)
	}
	server, err := avouch.New(config)
	if err != nil {
		t.Fatal(err)
	}
	e.Config.Handler = server.Handler()
	e.Start()
	t.Cleanup(e.Close)
	return e
}

func enrolmentKey(t testing.TB, alg keys.Algorithm) *keys.Private {
	t.Helper()
	key, err := keys.Generate(alg)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// told is an answer as a client sees it.
type told struct {
	status int
	header http.Header
	text   string
	body   map[string]any
}

func (a told) code() string { s, _ := a.body["error"].(string); return s }

func (a told) get(member string) string { s, _ := a.body[member].(string); return s }

// send makes one request; a body that is no string is sent as JSON.
func (e *enrolment) send(t testing.TB, method, address, bearer string, body any) told {
	t.Helper()
	if strings.HasPrefix(address, "/") {
		address = e.URL + address
	}
	var reader io.Reader
	switch body := body.(type) {
	case nil:
	case string:
		reader = strings.NewReader(body)
	default:
		text, err := json.Marshal(body)
		if err != nil {
			t.Fatal(err)
		}
		reader = bytes.NewReader(text)
	}
	req, err := http.NewRequest(method, address, reader)
	if err != nil {
		t.Fatal(err)
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if bearer != "" {
		req.Header.Set("Authorization", "Bearer "+bearer)
	}
	return e.do(t, req)
}

func (e *enrolment) do(t testing.TB, req *http.Request) told {
	t.Helper()
	resp, err := e.Client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	a := told{status: resp.StatusCode, header: resp.Header, text: string(text)}
	if len(text) > 0 {
		if err := json.Unmarshal(text, &a.body); err != nil {
			t.Fatalf("status %d with a body that is no JSON: %v", a.status, err)
		}
	}
	return a
}

func (e *enrolment) post(t testing.TB, body any) told {
	t.Helper()
	return e.send(t, http.MethodPost, "/oauth/register", "", body)
}

// enrol registers a client that must be accepted.
func (e *enrolment) enrol(t testing.TB, body any) told {
	t.Helper()
	a := e.post(t, body)
	if a.status != http.StatusCreated {
		t.Fatalf("registration: %d %s", a.status, a.text)
	}
	return a
}

// of sends a request to the configuration endpoint of a registered client.
func (e *enrolment) of(t testing.TB, c told, method string, body any) told {
	t.Helper()
	return e.send(t, method, c.get("registration_client_uri"), c.get("registration_access_token"), body)
}

func (e *enrolment) tokenBy(t testing.TB, form url.Values, basic ...string) told {
	t.Helper()
	form.Set("grant_type", "client_credentials")
	req, err := http.NewRequest(http.MethodPost, e.URL+"/oauth/token", strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if len(basic) > 0 {
		req.SetBasicAuth(basic[0], basic[1])
	}
	return e.do(t, req)
}

func (a told) refused(t testing.TB, what string, status int, code string) {
	t.Helper()
	if a.status != status || a.code() != code {
		t.Errorf("%s: %d %s, want %d %s", what, a.status, a.text, status, code)
	}
}

// machine is what a client without a user registers.
func machine(method string, more ...any) map[string]any {
	m := map[string]any{"token_endpoint_auth_method": method, "grant_types": []string{"client_credentials"}}
	for i := 0; i < len(more); i += 2 {
		m[more[i].(string)] = more[i+1]
	}
	return m
}

// web is what a client with a user registers.
func web(more ...any) map[string]any {
	m := map[string]any{"redirect_uris": []string{"https://app.example.com/cb"}}
	for i := 0; i < len(more); i += 2 {
		m[more[i].(string)] = more[i+1]
	}
	return m
}

func jwksOf(t testing.TB, private ...*keys.Private) json.RawMessage {
	t.Helper()
	var public []keys.Public
	for _, k := range private {
		public = append(public, k.Public())
	}
	text, err := json.Marshal(map[string]any{"keys": public})
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestRegister(t *testing.T) {
	e := openTo(t, nil)
	before := time.Now().Truncate(time.Second)
	a := e.enrol(t, `{
		"client_id": "admin", "client_secret": "mine", "client_id_issued_at": 1, "unknown": {"a": [1, null]},
		"redirect_uris": ["https://app.example.com/cb", "com.example.app:/cb"],
		"client_name": "My Example", "client_name#ja-Jpan-JP": "\u30AF\u30E9\u30A4\u30A2\u30F3\u30C8\u540D",
		"client_uri": "https://app.example.com/", "logo_uri": "https://app.example.com/logo.png", "tos_uri": "",
		"policy_uri": null, "contacts": ["ops@example.com"], "software_id": "4NRB1-0XZABZI9E6-5SM3R", "software_version": "2.1"
	}`)
	for member, want := range map[string]any{
		"redirect_uris": []any{"https://app.example.com/cb", "com.example.app:/cb"}, "client_name": "My Example",
		"client_name#ja-Jpan-JP": "クライアント名", "client_uri": "https://app.example.com/", "logo_uri": "https://app.example.com/logo.png",
		"contacts": []any{"ops@example.com"}, "software_id": "4NRB1-0XZABZI9E6-5SM3R", "software_version": "2.1",
		"token_endpoint_auth_method": "client_secret_basic", "grant_types": []any{"authorization_code"}, "response_types": []any{"code"},
		"scope": "orders:read", "client_secret_expires_at": 0.0,
	} {
		if !reflect.DeepEqual(a.body[member], want) {
			t.Errorf("%s is %v, want %v", member, a.body[member], want)
		}
		delete(a.body, member)
	}
	if id := a.get("client_id"); len(id) < 26 || id == "admin" {
		t.Errorf("client_id is %q", id)
	}
	if at, _ := a.body["client_id_issued_at"].(float64); int64(at) < before.Unix() || int64(at) > time.Now().Unix() {
		t.Errorf("client_id_issued_at is %v", at)
	}
	if s := a.get("client_secret"); len(s) != 43 {
		t.Errorf("client_secret is %q", s)
	}
	if s := a.get("registration_access_token"); len(s) != 43 || s == a.get("client_secret") {
		t.Errorf("registration_access_token is %q", s)
	}
	if u := a.get("registration_client_uri"); u != e.URL+"/oauth/register/client?client_id="+a.get("client_id") {
		t.Errorf("registration_client_uri is %q", u)
	}
	for _, member := range []string{"client_id", "client_id_issued_at", "client_secret", "registration_access_token", "registration_client_uri"} {
		delete(a.body, member)
	}
	if len(a.body) > 0 {
		t.Errorf("there is more: %v", a.body)
	}
	if a.header.Get("Cache-Control") != "no-store" || a.header.Get("Content-Type") != "application/json" {
		t.Errorf("header %v", a.header)
	}
	resp := e.send(t, http.MethodGet, "/.well-known/oauth-authorization-server", "", nil)
	if resp.get("registration_endpoint") != e.URL+"/oauth/register" {
		t.Errorf("metadata: %s", resp.text)
	}
}

// TestRegisterAndAuthenticate registers a client for each method and has it authenticate with what it got.
func TestRegisterAndAuthenticate(t *testing.T) {
	key := enrolmentKey(t, keys.ES256)
	published := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(jwksOf(t, key)) }))
	defer published.Close()
	e := openTo(t, func(r *endpoint.Registration, _ *avouch.Config) {
		r.Registrar.(*endpoint.MemoryRegistrar).Fetch.UnguardedTransport = redirected(published.URL)
	})
	claims := func(id string) assertion.Claims { return assertion.Claims{Issuer: id, Subject: id, Audience: e.URL} }
	asserted := func(id, text string) url.Values {
		return url.Values{"client_assertion_type": {"urn:ietf:params:oauth:client-assertion-type:jwt-bearer"}, "client_assertion": {text}}
	}
	signed := func(t *testing.T, c told) told {
		text, err := assertion.Sign(claims(c.get("client_id")), key)
		if err != nil {
			t.Fatal(err)
		}
		return e.tokenBy(t, asserted(c.get("client_id"), text))
	}
	for _, test := range []struct {
		name   string
		body   map[string]any
		secret bool
		ask    func(t *testing.T, c told) told
	}{
		{"client_secret_basic", machine("client_secret_basic"), true, func(t *testing.T, c told) told {
			return e.tokenBy(t, url.Values{}, c.get("client_id"), c.get("client_secret"))
		}},
		{"no method", map[string]any{"grant_types": []string{"client_credentials"}}, true, func(t *testing.T, c told) told {
			return e.tokenBy(t, url.Values{}, c.get("client_id"), c.get("client_secret"))
		}},
		{"client_secret_post", machine("client_secret_post"), true, func(t *testing.T, c told) told {
			return e.tokenBy(t, url.Values{"client_id": {c.get("client_id")}, "client_secret": {c.get("client_secret")}})
		}},
		{"client_secret_jwt", machine("client_secret_jwt", "token_endpoint_auth_signing_alg", "HS256"), true, func(t *testing.T, c told) told {
			id := c.get("client_id")
			text, _ := json.Marshal(map[string]any{"iss": id, "sub": id, "aud": e.URL, "jti": rand.Text(), "iat": time.Now().Unix(), "exp": time.Now().Unix() + 60})
			mac, err := jose.AppendMAC(nil, []byte(`{"alg":"HS256"}`), text, "HS256", []byte(c.get("client_secret")))
			if err != nil {
				t.Fatal(err)
			}
			return e.tokenBy(t, asserted(id, string(mac)))
		}},
		{"private_key_jwt", machine("private_key_jwt", "jwks", jwksOf(t, key), "token_endpoint_auth_signing_alg", "ES256"), false, signed},
		{"private_key_jwt by URL", machine("private_key_jwt", "jwks_uri", "https://app.example.com/jwks"), false, signed},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := e.enrol(t, test.body)
			if _, there := c.body["client_secret"]; there != test.secret {
				t.Errorf("a secret is there: %v", there)
			}
			if _, there := c.body["client_secret_expires_at"]; there != test.secret {
				t.Errorf("the end of a secret is there: %v", there)
			}
			a := test.ask(t, c)
			if a.status != http.StatusOK || a.get("access_token") == "" || a.get("scope") != "orders:read" {
				t.Fatalf("token: %d %s", a.status, a.text)
			}
			c.body["client_secret"] = strings.Repeat("x", 43)
			if a := test.ask(t, c); test.secret && a.status != http.StatusUnauthorized {
				t.Errorf("with a wrong secret: %d %s", a.status, a.text)
			}
			if a := e.of(t, c, http.MethodDelete, nil); a.status != http.StatusNoContent || a.text != "" {
				t.Fatalf("delete: %d %s", a.status, a.text)
			}
			test.ask(t, c).refused(t, "after it was deleted", http.StatusUnauthorized, "invalid_client")
		})
	}
	t.Run("none", func(t *testing.T) {
		c := e.enrol(t, web("token_endpoint_auth_method", "none"))
		if c.get("client_secret") != "" {
			t.Error("a public client has a secret")
		}
		client, err := e.memory.Client(t.Context(), c.get("client_id"))
		if err != nil || client.AuthMethod != "none" || !slices.Equal(client.RedirectURIs, []string{"https://app.example.com/cb"}) {
			t.Errorf("%+v, %v", client, err)
		}
	})
}

// redirected sends every request to one address, whatever its URL says.
type redirected string

func (r redirected) RoundTrip(req *http.Request) (*http.Response, error) {
	to, err := url.Parse(string(r))
	if err != nil {
		return nil, err
	}
	clone := req.Clone(req.Context())
	clone.URL.Scheme, clone.URL.Host = to.Scheme, to.Host
	return http.DefaultTransport.RoundTrip(clone)
}

func TestRegistrationRefuses(t *testing.T) {
	e := openTo(t, nil)
	key := enrolmentKey(t, keys.ES256)
	private, err := key.MarshalJWK()
	if err != nil {
		t.Fatal(err)
	}
	public := jwksOf(t, key)
	many := func(n int, each func(i int) string) []string {
		var list []string
		for i := range n {
			list = append(list, each(i))
		}
		return list
	}
	const bad, redirect = "invalid_client_metadata", "invalid_redirect_uri"
	pkj := func(more ...any) map[string]any { return machine("private_key_jwt", more...) }
	for _, test := range []struct {
		name, code string
		body       any
		says       string
	}{
		{"nothing", bad, ``, "JSON"},
		{"an array", bad, `[]`, "JSON"},
		{"a string", bad, `"a"`, "JSON"},
		{"text behind", bad, `{} {}`, "JSON"},
		{"a comma too many", bad, `{"a":1,}`, "JSON"},
		{"invalid UTF-8", bad, "{\"client_name\":\"\xff\"}", "UTF-8"},
		{"lone surrogate", bad, `{"client_name":"\ud800"}`, "surrogate"},
		{"byte order mark", bad, "\ufeff{}", "JSON"},
		{"deep nesting", bad, `{"x":` + strings.Repeat("[", 30000) + strings.Repeat("]", 30000) + `}`, "JSON"},
		{"a member twice", bad, `{"redirect_uris":["https://a.example/cb"],"redirect_uris":["https://b.example/cb"]}`, "twice"},
		{"a member twice by escapes", bad, `{"redirect_uris":["https://a.example/cb"],"redirect\u005furis":["https://b.example/cb"]}`, "twice"},
		{"an unknown member twice", bad, `{"x":1,"x":1}`, "twice"},

		{"no redirect URI", redirect, `{}`, "missing"},
		{"null for redirect URIs", redirect, `{"redirect_uris":null}`, "missing"},
		{"no entry in redirect URIs", redirect, `{"redirect_uris":[]}`, "missing"},
		{"sparse redirect URIs", redirect, `{"redirect_uris":["https://a.example/cb",null]}`, "redirect_uris[1]"},
		{"redirect URIs by index", redirect, `{"redirect_uris":{"0":"https://a.example/cb","1e9":"https://a.example/cb"}}`, "array"},
		{"a redirect URI in place of the array", redirect, `{"redirect_uris":"https://a.example/cb"}`, "array"},
		{"an array within redirect URIs", redirect, `{"redirect_uris":[["https://a.example/cb"]]}`, "redirect_uris[0]"},
		{"an empty redirect URI", redirect, `{"redirect_uris":[""]}`, "redirect_uris[0]"},
		{"a redirect URI twice", redirect, `{"redirect_uris":["https://a.example/cb","https://a.example/cb"]}`, "twice"},
		{"21 redirect URIs", redirect, map[string]any{"redirect_uris": many(21, func(i int) string { return fmt.Sprint("https://a.example/", i) })}, "more than 20"},
		{"3000 redirect URIs", redirect, map[string]any{"redirect_uris": many(3000, func(i int) string { return fmt.Sprint("com.e:/", i) })}, "more than 20"},

		{"unknown method", bad, web("token_endpoint_auth_method", "tls_client_auth"), "tls_client_auth"},
		{"method of another type", bad, web("token_endpoint_auth_method", []string{"none"}), "string"},
		{"implicit", bad, web("grant_types", []string{"implicit"}), "implicit"},
		{"password", bad, web("grant_types", []string{"authorization_code", "password"}), "password"},
		{"grant types as a string", bad, web("grant_types", "authorization_code"), "array"},
		{"a grant type twice", bad, web("grant_types", []string{"authorization_code", "authorization_code"}), "twice"},
		{"sparse grant types", bad, `{"redirect_uris":["https://a.example/cb"],"grant_types":[null,"authorization_code"]}`, "grant_types[0]"},
		{"client credentials of a public client", bad, machine("none"), "client_credentials"},
		{"code without authorization_code", bad, machine("client_secret_basic", "response_types", []string{"code"}), "authorization_code"},
		{"response type token", bad, web("response_types", []string{"token"}), "code is the only one"},
		{"response type code id_token", bad, web("response_types", []string{"code id_token"}), "code is the only one"},
		{"require_pushed_authorization_requests as a string", bad, web("require_pushed_authorization_requests", "true"), "boolean"},

		{"scope beyond", bad, web("scope", "orders:read admin"), "admin"},
		{"scope with two spaces", bad, web("scope", "orders:read  orders:write"), "malformed"},
		{"scope as an array", bad, web("scope", []string{"orders:read"}), "string"},
		{"129 scopes", bad, web("scope", strings.Repeat("a ", 128)+"a"), "128"},

		{"jwks and jwks_uri", bad, pkj("jwks", public, "jwks_uri", "https://a.example.com/jwks"), "both"},
		{"neither jwks nor jwks_uri", bad, pkj(), "missing"},
		{"empty jwks", bad, pkj("jwks", map[string]any{"keys": []any{}}), "no keys"},
		{"jwks as a string", bad, pkj("jwks", string(public)), "JWK set"},
		{"one JWK in place of a set", bad, pkj("jwks", public[9:len(public)-2]), "JWK set"},
		{"a private key", bad, pkj("jwks", json.RawMessage(`{"keys":[`+string(private)+`]}`)), "private"},
		{"a private key beside a public one", bad, pkj("jwks", json.RawMessage(`{"keys":[`+string(public[9:len(public)-2])+`,`+string(private)+`]}`)), "private"},
		{"a private key of a client with a secret", bad, web("jwks", json.RawMessage(`{"keys":[`+string(private)+`]}`)), "private"},
		{"a symmetric key", bad, pkj("jwks", json.RawMessage(`{"keys":[{"kty":"oct","k":"AAAA"}]}`)), "symmetric"},
		{"a point off the curve", bad, pkj("jwks", json.RawMessage(`{"keys":[{"kty":"EC","crv":"P-256","x":"`+strings.Repeat("A", 42)+`E","y":"`+strings.Repeat("A", 42)+`E"}]}`)), "point"},
		{"a weak RSA key", bad, pkj("jwks", json.RawMessage(`{"keys":[{"kty":"RSA","e":"AQAB","n":"`+strings.Repeat("_", 170)+`w"}]}`)), "RSA"},
		{"a key twice", bad, pkj("jwks", json.RawMessage(`{"keys":[`+string(public[9:len(public)-2])+`,`+string(public[9:len(public)-2])+`]}`)), "same"},
		{"sparse jwks", bad, pkj("jwks", json.RawMessage(`{"keys":[null]}`)), "jwks"},
		{"algorithm none", bad, pkj("jwks", public, "token_endpoint_auth_signing_alg", "none"), "none"},
		{"HMAC with a private key", bad, pkj("jwks", public, "token_endpoint_auth_signing_alg", "HS256"), "HS256"},
		{"signature with a secret", bad, machine("client_secret_jwt", "token_endpoint_auth_signing_alg", "ES256"), "ES256"},
		{"algorithm that is not allowed", bad, pkj("jwks", public, "token_endpoint_auth_signing_alg", "ES512"), "ES512"},
		{"algorithm that no key fits", bad, pkj("jwks", public, "token_endpoint_auth_signing_alg", "RS256"), "no key"},
		{"algorithm of a method that signs nothing", bad, web("token_endpoint_auth_signing_alg", "ES256"), "signs nothing"},

		{"name of a number", bad, web("client_name", 1), "string"},
		{"name of 201 characters", bad, web("client_name", strings.Repeat("ü", 201)), "longer"},
		{"name that turns round", bad, web("client_name", "Bank\u202eknaB"), "invisible"},
		{"name with an isolate", bad, web("client_name", "Bank\u2066"), "invisible"},
		{"name with a zero width space", bad, web("client_name", "Ba\u200bnk"), "invisible"},
		{"name with a filler", bad, web("client_name", "\u3164"), "invisible"},
		{"name with a tag character", bad, web("client_name", "Bank\U000e0041"), "invisible"},
		{"name with a line end", bad, web("client_name", "Bank\nof us"), "control"},
		{"name with NUL", bad, web("client_name", "Bank\x00"), "control"},
		{"name of a space", bad, web("client_name", " "), "white space"},
		{"name in a language that turns round", bad, web("client_name#de", "\u202e"), "invisible"},
		{"name in no language", bad, web("client_name#", "a"), "language"},
		{"name in a language with markup", bad, web("client_name#<b>", "a"), "language"},
		{"name in a language twice", bad, web("client_name#de", "a", "client_name#DE", "b"), "twice"},
		{"name in a language of another type", bad, web("client_name#de", []string{"a"}), "string"},
		{"names in 51 languages", bad, func() any {
			m := web()
			for i := range 51 {
				m[fmt.Sprintf("client_name#a%c-%02d", 'a'+i%26, i)] = "a"
			}
			return m
		}(), "50"},
		{"logo of javascript", bad, web("logo_uri", "javascript:alert(1)"), "https"},
		{"logo of data", bad, web("logo_uri", "data:image/svg+xml,<svg>"), "escaped"},
		{"logo in a file", bad, web("logo_uri", "file:///etc/passwd"), "https"},
		{"policy with a password", bad, web("policy_uri", "https://a:b@example.com/"), "user"},
		{"terms without a host", bad, web("tos_uri", "https:///tos"), "host"},
		{"client URI of 2049 bytes", bad, web("client_uri", "https://a.example/"+strings.Repeat("a", 2049-18)), "longer"},
		{"client URI in a language, javascript", bad, web("client_uri#de", "javascript:alert(1)"), "https"},
		{"contacts as a string", bad, web("contacts", "ops@example.com"), "array"},
		{"contacts of numbers", bad, web("contacts", []int{1}), "contacts[0]"},
		{"sparse contacts", bad, `{"redirect_uris":["https://a.example/cb"],"contacts":["a",null]}`, "contacts[1]"},
		{"11 contacts", bad, web("contacts", many(11, func(i int) string { return fmt.Sprint(i) })), "more than 10"},
		{"a contact that turns round", bad, web("contacts", []string{"\u202e"}), "invisible"},
		{"software id of an object", bad, web("software_id", map[string]any{}), "string"},

		{"a software statement", "unapproved_software_statement", web("software_statement", "e30.e30."), "statements"},
		{"a software statement of another type", "invalid_software_statement", web("software_statement", 1), "JWT"},
		{"a software statement of 17 KiB", "invalid_software_statement", web("software_statement", strings.Repeat("a", 17<<10)), "16 KiB"},
	} {
		t.Run(test.name, func(t *testing.T) {
			a := e.post(t, test.body)
			a.refused(t, test.name, http.StatusBadRequest, test.code)
			if !strings.Contains(a.get("error_description"), test.says) {
				t.Errorf("it says %q, without %q", a.get("error_description"), test.says)
			}
			if a.header.Get("Cache-Control") != "no-store" || a.get("refusal_id") == "" {
				t.Errorf("header %v, refusal %q", a.header, a.get("refusal_id"))
			}
		})
	}
	var jwk map[string]string
	if err := json.Unmarshal(private, &jwk); err != nil || jwk["d"] == "" {
		t.Fatal(err, jwk)
	}
	if strings.Contains(e.logs.String(), jwk["d"]) {
		t.Error("the log has a private key")
	}
	e.enrol(t, web()) // the next good one
}

func TestRegistrationRedirectURIs(t *testing.T) {
	e := openTo(t, nil)
	for _, uri := range []string{
		"https://app.example.com/cb", "https://app.example.com", "https://app.example.com:8443/cb?tenant=a&b=c", "https://xn--bcher-kva.example/cb",
		"http://127.0.0.1/cb", "http://127.0.0.1:51004/cb", "http://[::1]:8080/cb", "http://localhost:3000/cb",
		"com.example.app:/cb", "com.example.app://cb", "com.example.app:/oauth2redirect/provider", "https://10.0.0.1/cb", "https://[2001:db8::1]/cb",
		"https://app.example.com/%2a", "https://app.example.com/a@b",
	} {
		a := e.enrol(t, map[string]any{"redirect_uris": []string{uri}})
		if got := a.body["redirect_uris"]; !reflect.DeepEqual(got, []any{uri}) {
			t.Errorf("%s comes back as %v", uri, got)
		}
	}
	for _, uri := range []string{
		"javascript:alert(1)", "JavaScript:alert(1)", "java\tscript:alert(1)", " javascript:alert(1)", "javascript://a.example/%0aalert(1)",
		"data:text/html,hi", "vbscript:x", "file:///etc/passwd", "blob:https://a.example/1", "about:blank", "view-source:https://a.example", "intent://a#Intent;end",
		"myapp:/cb", "myapp://cb", "com.example.app:cb", "com.example.:/cb", "ws://a.example/cb", "ftp://a.example/cb", "urn:ietf:wg:oauth:2.0:oob",
		"http://app.example.com/cb", "http://127.0.0.1.example.com/cb", "http://localhost.example.com/cb", "http://10.0.0.1/cb", "http://0.0.0.0/cb",
		"https://app.example.com/cb#", "https://app.example.com/cb#a", "https://app.example.com/cb#a#b", "com.example.app:/cb#a",
		"https://user@app.example.com/cb", "https://user:pass@app.example.com/cb", "https://app.example.com@evil.example/cb", "com.example.app://user@cb",
		"https://*.example.com/cb", "https://app.example.com/*", "https://app.example.com:*/cb",
		"https://app.example.com\\@evil.example/cb", "https:\\\\app.example.com/cb", "https:app.example.com/cb", "https:///cb", "https://", "https://:443/cb", "https://app.example.com:/cb",
		"https://app.example.com:0/cb", "https://app.example.com:65536/cb", "https://app.example.com:1e3/cb",
		"//app.example.com/cb", "/cb", "cb", "https://app.example.com/c b", "https://app.example.com/cb\n", "https://app.example.com/cb\x00", "https://app.example.com/<b>",
		"https://аpp.example.com/cb", "https://app.example.com/é", "https://app。example.com/cb", "https://app.example.com\u2044cb", "\u202ehttps://a.example/cb", "https://ex%41mple.com/cb",
		"https://app..example.com/cb", "https://.example.com/cb", "http://2130706433/cb", "https://0x7f.1/cb", "http://0177.0.0.1/cb", "http://127.1/cb", "http://[::ffff:10.0.0.1]/cb", "http://[fe80::1%25eth0]/cb", "https://[::1/cb",
		"https://app.example.com/%", "https://app.example.com/" + strings.Repeat("a", 2048),
	} {
		a := e.post(t, map[string]any{"redirect_uris": []string{uri}})
		a.refused(t, fmt.Sprintf("%.80q", uri), http.StatusBadRequest, "invalid_redirect_uri")
	}
}

// TestRegistrationFetchesNothing points every URL that a client can register at a listener, by names and numbers that lead
// there, and at what must not be reached later.
func TestRegistrationFetchesNothing(t *testing.T) {
	e := openTo(t, nil)
	called := make(chan string, 1000)
	trap := httptest.NewUnstartedServer(nil)
	trap.Config.ConnState = func(c net.Conn, _ http.ConnState) { called <- c.RemoteAddr().String() }
	trap.Start()
	defer trap.Close()
	port := trap.URL[strings.LastIndexByte(trap.URL, ':'):]
	for _, host := range []string{
		"127.0.0.1", "localhost", "LOCALHOST", "localhost.", "a.localhost", "2130706433", "0x7f000001", "0x7f.1", "0177.0.0.1", "127.1", "[::1]", "[::ffff:127.0.0.1]",
		"[::ffff:7f00:1]", "[64:ff9b::7f00:1]", "0.0.0.0", "0", "[::]", "10.0.0.1", "172.16.0.1", "192.168.0.1", "169.254.169.254", "100.100.100.200", "[fd00:ec2::254]", "[fe80::1]", "[fc00::1]",
		"metadata.google.internal", "METADATA.GOOGLE.INTERNAL", "printer.local", "nas.lan", "wiki.intranet", "intranet", "x.home.arpa",
	} {
		for _, scheme := range []string{"https://", "http://"} {
			a := e.post(t, machine("private_key_jwt", "jwks_uri", scheme+host+port+"/jwks"))
			a.refused(t, scheme+host, http.StatusBadRequest, "invalid_client_metadata")
		}
	}
	for _, uri := range []string{
		"http://app.example.com/jwks", "ftp://app.example.com/jwks", "file:///etc/passwd", "unix:///run/docker.sock", "gopher://app.example.com/", "data:application/json,{}",
		"https://user:pass@app.example.com/jwks", "https://app.example.com/jwks#a", "https://app.example.com:/jwks", "/jwks", "https:///jwks", "https://app.example.com/ jwks", "https://аpp.example.com/jwks", "https://app.example.com/" + strings.Repeat("a", 2048),
	} {
		a := e.post(t, machine("private_key_jwt", "jwks_uri", uri))
		a.refused(t, uri, http.StatusBadRequest, "invalid_client_metadata")
	}
	for _, member := range []string{"logo_uri", "client_uri", "tos_uri", "policy_uri", "logo_uri#de"} {
		c := e.enrol(t, web(member, trap.URL+"/"+member[:4]))
		if a := e.of(t, c, http.MethodGet, nil); a.get(member) != trap.URL+"/"+member[:4] {
			t.Errorf("%s comes back as %q", member, a.get(member))
		}
	}
	e.enrol(t, machine("private_key_jwt", "jwks_uri", "https://app.example.com"+port+"/jwks"))
	select {
	case from := <-called:
		t.Errorf("there was a connection from %s", from)
	case <-time.After(50 * time.Millisecond):
	}
}

func TestRegistrationForm(t *testing.T) {
	e := openTo(t, nil)
	body := `{"redirect_uris":["https://app.example.com/cb"]}`
	send := func(method, contentType, text string, change func(*http.Request)) told {
		req, err := http.NewRequest(method, e.URL+"/oauth/register", strings.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		if contentType != "" {
			req.Header.Set("Content-Type", contentType)
		}
		if change != nil {
			change(req)
		}
		return e.do(t, req)
	}
	for _, contentType := range []string{"application/json", "application/json; charset=utf-8", "Application/JSON ;charset=UTF-8"} {
		if a := send(http.MethodPost, contentType, body, nil); a.status != http.StatusCreated {
			t.Errorf("%s: %d %s", contentType, a.status, a.text)
		}
	}
	for _, contentType := range []string{"", "text/plain", "application/x-www-form-urlencoded", "application/jsonp", "text/json", "application/json, text/plain"} {
		send(http.MethodPost, contentType, body, nil).refused(t, contentType, http.StatusBadRequest, "invalid_request")
	}
	send(http.MethodPost, "application/json", body, func(r *http.Request) { r.Header.Add("Content-Type", "application/json") }).
		refused(t, "two content types", http.StatusBadRequest, "invalid_request")
	send(http.MethodPost, "application/json", body, func(r *http.Request) { r.Header.Set("Content-Encoding", "gzip") }).
		refused(t, "compressed", http.StatusBadRequest, "invalid_request")
	for _, method := range []string{http.MethodGet, http.MethodPut, http.MethodDelete, http.MethodPatch, http.MethodOptions} {
		a := send(method, "application/json", body, nil)
		a.refused(t, method, http.StatusMethodNotAllowed, "invalid_request")
		if a.header.Get("Allow") != "POST" {
			t.Errorf("%s: Allow is %q", method, a.header.Get("Allow"))
		}
	}
	pad := func(n int) string { return body[:len(body)-1] + `,"x":"` + strings.Repeat("a", n-len(body)-7) + `"}` }
	if a := send(http.MethodPost, "application/json", pad(64<<10), nil); a.status != http.StatusCreated {
		t.Errorf("64 KiB: %d %s", a.status, a.text)
	}
	send(http.MethodPost, "application/json", pad(64<<10+1), nil).refused(t, "64 KiB and one byte", http.StatusRequestEntityTooLarge, "invalid_request")
	send(http.MethodPost, "application/json", pad(64<<10+1), func(r *http.Request) { r.ContentLength = -1 }).
		refused(t, "64 KiB and one byte, chunked", http.StatusRequestEntityTooLarge, "invalid_request")
	uris := `{"redirect_uris":["https://a.example/cb"` + strings.Repeat(`,"https://a.example/cb"`, 100_000) + `]}`
	send(http.MethodPost, "application/json", uris, nil).refused(t, "100001 redirect URIs", http.StatusRequestEntityTooLarge, "invalid_request")
}

func TestInitialToken(t *testing.T) {
	e := openTo(t, func(r *endpoint.Registration, _ *avouch.Config) { r.OpenRegistration = false })
	good := e.memory.NewInitialToken(1, time.Now().Add(time.Hour))
	post := func(header ...string) told {
		req, err := http.NewRequest(http.MethodPost, e.URL+"/oauth/register", strings.NewReader(`{"redirect_uris":["https://app.example.com/cb"]}`))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/json")
		for _, h := range header {
			req.Header.Add("Authorization", h)
		}
		return e.do(t, req)
	}
	for name, header := range map[string][]string{
		"none": nil, "empty": {"Bearer"}, "empty too": {"Bearer "}, "wrong": {"Bearer " + strings.Repeat("a", 43)}, "longer": {"Bearer " + good + "a"},
		"Basic": {"Basic " + good}, "bare": {good}, "two": {"Bearer " + good, "Bearer " + good}, "expired": {"Bearer " + e.memory.NewInitialToken(1, time.Now())},
		"of no uses": {"Bearer " + e.memory.NewInitialToken(0, time.Time{})}, "huge": {"Bearer " + strings.Repeat("a", 10_000)}, "in upper case": {"Bearer " + strings.ToUpper(good)},
	} {
		a := post(header...)
		a.refused(t, name, http.StatusUnauthorized, "invalid_token")
		if !strings.HasPrefix(a.header.Get("WWW-Authenticate"), "Bearer ") {
			t.Errorf("%s: the challenge is %q", name, a.header.Get("WWW-Authenticate"))
		}
	}
	// A refused registration does not use the token up, and an unauthenticated one does not reach the metadata.
	e.send(t, http.MethodPost, "/oauth/register", good, `{}`).refused(t, "bad metadata", http.StatusBadRequest, "invalid_redirect_uri")
	e.send(t, http.MethodPost, "/oauth/register", "", `{`).refused(t, "bad JSON without a token", http.StatusUnauthorized, "invalid_token")
	if a := post("bearer " + good); a.status != http.StatusCreated {
		t.Errorf("good: %d %s", a.status, a.text)
	}
	post("Bearer "+good).refused(t, "again", http.StatusUnauthorized, "invalid_token")
	if strings.Contains(e.logs.String(), good) {
		t.Error("the log has the token")
	}

	// Of many at once, as many get through as the token is for.
	few := e.memory.NewInitialToken(3, time.Time{})
	var wg sync.WaitGroup
	statuses := make(chan int, 20)
	for range cap(statuses) {
		wg.Go(func() { statuses <- post("Bearer " + few).status })
	}
	wg.Wait()
	close(statuses)
	count := map[int]int{}
	for s := range statuses {
		count[s]++
	}
	if !maps.Equal(count, map[int]int{201: 3, 401: 17}) {
		t.Errorf("a token for three registrations: %v", count)
	}
}

// TestOpenRegistrationToken: where anybody may register, a token that is shown must be good all the same.
func TestOpenRegistrationToken(t *testing.T) {
	e := openTo(t, nil)
	e.send(t, http.MethodPost, "/oauth/register", "wrong", web()).refused(t, "wrong token", http.StatusUnauthorized, "invalid_token")
	if a := e.send(t, http.MethodPost, "/oauth/register", e.memory.NewInitialToken(1, time.Time{}), web()); a.status != http.StatusCreated {
		t.Errorf("%d %s", a.status, a.text)
	}
}

func TestRegistrationPolicy(t *testing.T) {
	e := openTo(t, func(r *endpoint.Registration, c *avouch.Config) {
		r.GrantTypes, r.AuthMethods, r.Scopes, r.DefaultScopes = nil, nil, nil, nil
		c.ClientAuth = []avouch.ClientAuth{&clientauth.PrivateKeyJWT{}, clientauth.None{}}
		c.Grants = []avouch.Grant{codeGrant{}, grant.ClientCredentials{}}
		c.Refresh = nil
	})
	e.post(t, web()).refused(t, "the default method, which is not offered", http.StatusBadRequest, "invalid_client_metadata")
	none := []any{"token_endpoint_auth_method", "none"}
	e.post(t, web(append(none, "grant_types", []string{"authorization_code", "refresh_token"})...)).refused(t, "a grant that is not offered", http.StatusBadRequest, "invalid_client_metadata")
	e.post(t, machine("private_key_jwt", "jwks_uri", "https://app.example.com/jwks")).refused(t, "client_credentials, which no user decides on", http.StatusBadRequest, "invalid_client_metadata")
	e.post(t, web(append(none, "scope", "orders:read")...)).refused(t, "a scope where there is none", http.StatusBadRequest, "invalid_client_metadata")
	if a := e.enrol(t, web(none...)); a.get("scope") != "" {
		t.Errorf("a scope: %s", a.text)
	}

	// What is configured and could never work is refused by New.
	for name, change := range map[string]func(*endpoint.Registration){
		"no registrar": func(r *endpoint.Registration) { r.Registrar = nil },
		"no scope":     func(r *endpoint.Registration) { r.Scopes = []string{"a b"} },
		"default":      func(r *endpoint.Registration) { r.DefaultScopes = []string{"other"} },
		"lifetime":     func(r *endpoint.Registration) { r.SecretLifetime = time.Millisecond },
		"per address":  func(r *endpoint.Registration) { r.PerAddress = -1 },
	} {
		r := &endpoint.Registration{Registrar: e.memory}
		change(r)
		_, err := avouch.New(avouch.Config{
			Issuer: "https://as.example.com", Minter: &token.Minter{Key: enrolmentKey(t, keys.ES256)},
			Grants: []avouch.Grant{codeGrant{}}, Endpoints: []avouch.Endpoint{r.Endpoint()},
		})
		if err == nil || !strings.Contains(err.Error(), "endpoint registration") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestSoftwareStatement(t *testing.T) {
	e := openTo(t, func(r *endpoint.Registration, _ *avouch.Config) {
		r.Statement = func(_ context.Context, statement string) ([]byte, error) {
			switch statement {
			case "good":
				return []byte(`{"iss":"https://publisher.example","client_name":"Stated","client_name#de":"Gesagt","redirect_uris":["https://stated.example/cb"],"client_id":"x"}`), nil
			case "evil":
				return []byte(`{"redirect_uris":["javascript:alert(1)"]}`), nil
			case "broken":
				return []byte(`{`), nil
			case "down":
				return nil, errors.New("the keys are not there")
			case "forged":
				return nil, &avouch.Error{Code: avouch.InvalidSoftwareStatement, Description: "the signature does not hold"}
			}
			return nil, &avouch.Error{Code: avouch.UnapprovedSoftwareStatement, Description: "nobody we know"}
		}
	})
	body := func(statement string) any {
		return web("software_statement", statement, "client_name", "Mine", "client_name#de", "Meins", "client_name#DE-at", "Meins")
	}
	a := e.enrol(t, body("good"))
	for member, want := range map[string]any{
		"client_name": "Stated", "client_name#de": "Gesagt", "client_name#DE-at": "Meins", "software_statement": "good", "redirect_uris": []any{"https://stated.example/cb"}, "iss": nil,
	} {
		if !reflect.DeepEqual(a.body[member], want) {
			t.Errorf("%s is %v, want %v", member, a.body[member], want)
		}
	}
	e.post(t, body("evil")).refused(t, "evil", http.StatusBadRequest, "invalid_redirect_uri")
	e.post(t, body("forged")).refused(t, "forged", http.StatusBadRequest, "invalid_software_statement")
	e.post(t, body("other")).refused(t, "other", http.StatusBadRequest, "unapproved_software_statement")
	e.post(t, body("broken")).refused(t, "broken", http.StatusInternalServerError, "server_error")
	e.post(t, body("down")).refused(t, "down", http.StatusInternalServerError, "server_error")
}

func TestRegistrationWithoutManagement(t *testing.T) {
	e := openTo(t, func(r *endpoint.Registration, c *avouch.Config) { c.Endpoints = []avouch.Endpoint{r.Endpoint()} })
	a := e.enrol(t, web())
	if a.get("registration_access_token") != "" || a.get("registration_client_uri") != "" {
		t.Errorf("a URL or a token for an endpoint that is not there: %s", a.text)
	}
}

// brokenRegistrar is one that fails when it is told to.
type brokenRegistrar struct {
	*endpoint.MemoryRegistrar
	fail string
	with error
	ids  []string
}

func (b *brokenRegistrar) err(method string) error {
	if b.fail == method {
		return b.with
	}
	return nil
}

func (b *brokenRegistrar) InitialToken(ctx context.Context, now time.Time, digest [32]byte) (bool, error) {
	if err := b.err("InitialToken"); err != nil {
		return true, err
	}
	return b.MemoryRegistrar.InitialToken(ctx, now, digest)
}

func (b *brokenRegistrar) RegisterClient(ctx context.Context, now time.Time, c *endpoint.RegisteredClient, initial *[32]byte) error {
	b.ids = append(b.ids, c.ID)
	if err := b.err("RegisterClient"); err != nil {
		return err
	}
	return b.MemoryRegistrar.RegisterClient(ctx, now, c, initial)
}

func (b *brokenRegistrar) RegisteredClient(ctx context.Context, id string) (*endpoint.RegisteredClient, error) {
	if err := b.err("RegisteredClient"); err != nil {
		return nil, err
	}
	return b.MemoryRegistrar.RegisteredClient(ctx, id)
}

func (b *brokenRegistrar) ReplaceClient(ctx context.Context, now time.Time, c *endpoint.RegisteredClient) error {
	if err := b.err("ReplaceClient"); err != nil {
		return err
	}
	return b.MemoryRegistrar.ReplaceClient(ctx, now, c)
}

func (b *brokenRegistrar) UnregisterClient(ctx context.Context, now time.Time, id string, revision int64) error {
	if err := b.err("UnregisterClient"); err != nil {
		return err
	}
	return b.MemoryRegistrar.UnregisterClient(ctx, now, id, revision)
}

func TestRegistrarFails(t *testing.T) {
	b := &brokenRegistrar{}
	e := openTo(t, func(r *endpoint.Registration, _ *avouch.Config) {
		b.MemoryRegistrar = r.Registrar.(*endpoint.MemoryRegistrar)
		r.Registrar = b
	})
	initial := e.memory.NewInitialToken(100, time.Time{})
	c := e.enrol(t, web())
	ask := map[string]func() told{
		"InitialToken":     func() told { return e.send(t, http.MethodPost, "/oauth/register", initial, web()) },
		"RegisterClient":   func() told { return e.post(t, web()) },
		"RegisteredClient": func() told { return e.of(t, c, http.MethodGet, nil) },
		"ReplaceClient":    func() told { return e.of(t, c, http.MethodPut, web("client_id", c.get("client_id"))) },
		"UnregisterClient": func() told { return e.of(t, c, http.MethodDelete, nil) },
	}
	for method, send := range ask {
		b.fail, b.with = method, errors.New("disk 7 of db.internal is on fire")
		a := send()
		a.refused(t, method, http.StatusServiceUnavailable, "temporarily_unavailable")
		if a.header.Get("Retry-After") == "" || strings.Contains(a.text, "disk") {
			t.Errorf("%s: %v %s", method, a.header, a.text)
		}
		b.with = &avouch.Error{Code: avouch.InvalidClientMetadata, Description: "a key of jwks was revoked"}
		send().refused(t, method+" with a refusal", http.StatusBadRequest, "invalid_client_metadata")
	}
	b.fail, b.with, b.ids = "RegisterClient", endpoint.ErrClientExists, nil
	e.post(t, web()).refused(t, "every id is taken", http.StatusServiceUnavailable, "temporarily_unavailable")
	if len(b.ids) != 3 || b.ids[0] == b.ids[1] || b.ids[1] == b.ids[2] {
		t.Errorf("ids that were tried: %q", b.ids)
	}
	b.fail = ""
	e.enrol(t, web())
}

func TestMemoryRegistrarIsBounded(t *testing.T) {
	e := openTo(t, func(r *endpoint.Registration, _ *avouch.Config) { r.Registrar.(*endpoint.MemoryRegistrar).Max = 2 })
	first := e.enrol(t, web())
	e.enrol(t, web())
	initial := e.memory.NewInitialToken(1, time.Time{})
	e.send(t, http.MethodPost, "/oauth/register", initial, web()).refused(t, "a third one", http.StatusServiceUnavailable, "temporarily_unavailable")
	if a := e.of(t, first, http.MethodDelete, nil); a.status != http.StatusNoContent {
		t.Fatalf("%d %s", a.status, a.text)
	}
	if a := e.send(t, http.MethodPost, "/oauth/register", initial, web()); a.status != http.StatusCreated {
		t.Errorf("after one has gone, with the token that was not used: %d %s", a.status, a.text)
	}
}

// TestMemoryRegistrar holds it to what the interface promises.
func TestMemoryRegistrar(t *testing.T) {
	m := &endpoint.MemoryRegistrar{}
	ctx, now := t.Context(), time.Now()
	wants := func(what string, got, want error) {
		t.Helper()
		if !errors.Is(got, want) {
			t.Errorf("%s: %v, want %v", what, got, want)
		}
	}
	_, own := handle.New()
	fresh := func(id string) *endpoint.RegisteredClient {
		return &endpoint.RegisteredClient{ID: id, Token: own, Metadata: endpoint.Metadata{AuthMethod: "none", Texts: map[string]string{}}}
	}
	read := func(id string) *endpoint.RegisteredClient {
		t.Helper()
		c, err := m.RegisteredClient(ctx, id)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}

	once := handle.Digest(m.NewInitialToken(1, now.Add(time.Minute)))
	unknown := [32]byte{1}
	wants("an unknown token", m.RegisterClient(ctx, now, fresh("a"), &unknown), endpoint.ErrInitialToken)
	wants("an expired token", m.RegisterClient(ctx, now.Add(time.Hour), fresh("a"), new(handle.Digest(m.NewInitialToken(1, now)))), endpoint.ErrInitialToken)
	wants("no token", m.RegisterClient(ctx, now, fresh("a"), nil), nil)
	wants("a name that is taken", m.RegisterClient(ctx, now, fresh("a"), &once), endpoint.ErrClientExists)
	wants("the token, which that did not use", m.RegisterClient(ctx, now, fresh("b"), &once), nil)
	wants("the token again", m.RegisterClient(ctx, now, fresh("c"), &once), endpoint.ErrInitialToken)
	if read("c") != nil {
		t.Error("a client was added without a token")
	}

	first, second := read("a"), read("a")
	first.Metadata.Name, first.Token = "A", unknown
	first.Metadata.Texts["client_uri"] = "https://a.example"
	if read("a").Metadata.Texts["client_uri"] != "" {
		t.Error("what was returned is what is kept")
	}
	wants("replace", m.ReplaceClient(ctx, now, first), nil)
	wants("replace an older revision", m.ReplaceClient(ctx, now, second), endpoint.ErrClientChanged)
	wants("remove an older revision", m.UnregisterClient(ctx, now, "a", second.Revision), endpoint.ErrClientChanged)
	if c := read("a"); c.Metadata.Name != "A" || c.Token != own || c.Revision == second.Revision {
		t.Errorf("replaced: %+v", c)
	}

	m.SetDisabled("a", true)
	c := read("a")
	c.Disabled = false
	wants("replace a disabled one", m.ReplaceClient(ctx, now, c), endpoint.ErrClientChanged)
	wants("remove a disabled one", m.UnregisterClient(ctx, now, "a", c.Revision), endpoint.ErrClientChanged)
	if c := read("a"); c == nil || !c.Disabled {
		t.Errorf("the disabled client is %+v", c)
	}
	m.SetDisabled("a", false)
	c = read("a")
	wants("remove", m.UnregisterClient(ctx, now, "a", c.Revision), nil)
	wants("remove again", m.UnregisterClient(ctx, now, "a", c.Revision), nil)
	wants("replace what is gone", m.ReplaceClient(ctx, now, c), endpoint.ErrClientChanged)
	if seen, err := m.Client(ctx, "a"); seen != nil || err != nil || read("a") != nil {
		t.Errorf("it is still there: %v %v", seen, err)
	}
}

func TestMemoryRegistrarOthers(t *testing.T) {
	m := &endpoint.MemoryRegistrar{Others: avouch.ClientList{{ID: "billing"}}}
	c, err := m.Client(t.Context(), "billing")
	if err != nil || c == nil {
		t.Errorf("%v %v", c, err)
	}
	if c, err := m.RegisteredClient(t.Context(), "billing"); c != nil || err != nil {
		t.Errorf("a client that did not register itself is found as one that did: %v %v", c, err)
	}
	err = m.RegisterClient(t.Context(), time.Now(), &endpoint.RegisteredClient{ID: "billing"}, nil)
	if !errors.Is(err, endpoint.ErrClientExists) {
		t.Errorf("the name of another: %v", err)
	}
}

func toldOf(t testing.TB, w *httptest.ResponseRecorder) told {
	t.Helper()
	a := told{status: w.Code, header: w.Header(), text: w.Body.String()}
	if w.Body.Len() > 0 {
		if err := json.Unmarshal(w.Body.Bytes(), &a.body); err != nil {
			t.Fatalf("status %d with a body that is no JSON: %v", a.status, err)
		}
	}
	return a
}
