package endpoint_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/avouch-oauth/avouch"
	"github.com/avouch-oauth/avouch/assertion"
	"github.com/avouch-oauth/avouch/grant"
	"github.com/avouch-oauth/avouch/internal/jose"
	"github.com/avouch-oauth/avouch/keys"
	"github.com/avouch-oauth/avouch/token"
)

// craft signs any header and claims with a key, also such as no server would.
func craft(t testing.TB, key *keys.Private, header, claims map[string]any) string {
	t.Helper()
	h, err := json.Marshal(header)
	if err != nil {
		t.Fatal(err)
	}
	c, err := json.Marshal(claims)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := jose.AppendSigned(nil, h, c, string(key.Algorithm), key.Signer)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// claimsOf reads the claims of a token without verifying anything.
func claimsOf(t testing.TB, raw string) map[string]any {
	t.Helper()
	text, err := base64.RawURLEncoding.DecodeString(strings.Split(raw, ".")[1])
	if err != nil {
		t.Fatal(err)
	}
	var claims map[string]any
	if err := json.Unmarshal(text, &claims); err != nil {
		t.Fatal(err)
	}
	return claims
}

// TestIntrospectionSays compares all that is said of a good token with the token.
func TestIntrospectionSays(t *testing.T) {
	s := start(t)
	access, refresh := s.consent(t, "web", "resource", orders, "resource", billing, "scope", "write")
	in := claimsOf(t, access)

	r := s.introspect(t, "web", access)
	want := map[string]any{"active": true, "token_type": "Bearer", "scope": "write"}
	for _, name := range []string{"client_id", "sub", "aud", "iss", "jti", "exp", "iat"} {
		want[name] = in[name]
	}
	if got, err := json.Marshal(r.says); err != nil || string(got) != string(must(jsonOf(want))) {
		t.Errorf("says %s, want %s", got, must(jsonOf(want)))
	}
	if got := r.header.Get("Content-Type"); got != "application/json" {
		t.Errorf("Content-Type %q", got)
	}
	for _, api := range []string{"orders-api", "billing-api"} {
		if got := s.introspect(t, api, access); got.body != r.body {
			t.Errorf("%s is told %s", api, got.body)
		}
	}

	nbf := time.Now().Add(-time.Second)
	r = s.introspect(t, "orders-api", s.mint(t, func(c *token.Claims) { c.NotBefore, c.Scopes = nbf, nil }))
	if r.says["nbf"] != float64(nbf.Unix()) || r.says["aud"] != orders {
		t.Errorf("says %s", r.body)
	}
	if _, there := r.says["scope"]; there {
		t.Errorf("a scope where there is none: %s", r.body)
	}

	r = s.introspect(t, "web", refresh)
	isActive(t, "refresh token", r)
	names := slices.Sorted(maps.Keys(r.says))
	if !slices.Equal(names, []string{"active", "aud", "client_id", "exp", "iat", "iss", "scope", "sub"}) {
		t.Errorf("of a refresh token: %q", names)
	}
	if r.text("scope") != "read write" || r.text("sub") != "alice" || r.text("client_id") != "web" || r.text("iss") != s.issuer {
		t.Errorf("says %s", r.body)
	}
}

func jsonOf(v any) ([]byte, error) { return json.Marshal(v) }

func must(text []byte, err error) []byte {
	if err != nil {
		panic(err)
	}
	return text
}

// TestInactive shows every kind of token that is no good, to a caller who could know of a good one: the answer is always
// the same, byte for byte.
func TestInactive(t *testing.T) {
	s := start(t)
	good := s.mint(t, nil)
	parts := strings.Split(good, ".")
	header := map[string]any{"alg": "ES256", "typ": "at+jwt", "kid": ownKey().ID}
	claims := claimsOf(t, good)
	with := func(m map[string]any, name string, value any) map[string]any {
		m = maps.Clone(m)
		if value == nil {
			delete(m, name)
		} else {
			m[name] = value
		}
		return m
	}
	_, refresh := s.consent(t, "web")
	isActive(t, "good", s.introspect(t, "orders-api", good))
	isActive(t, "crafted as it should be", s.introspect(t, "orders-api", craft(t, ownKey(), header, claims)))

	for name, text := range map[string]string{
		"junk":                      "junk",
		"a space":                   " ",
		"dots":                      "..",
		"not base64url":             "!!!.???.###",
		"no UTF-8 within":           "a.\x01.b",
		"very long":                 strings.Repeat("a", 40<<10),
		"very long JWT":             strings.Repeat("a", 20<<10) + "." + parts[1] + "." + parts[2],
		"handle of nobody":          strings.Repeat("A", 43),
		"truncated":                 good[:len(good)-1],
		"without signature":         parts[0] + "." + parts[1] + ".",
		"signature of another":      parts[0] + "." + strings.Split(s.mint(t, func(c *token.Claims) { c.ID = "t-2" }), ".")[1] + "." + parts[2],
		"four parts":                good + ".x",
		"with a blank":              good + " ",
		"typ JWT":                   craft(t, ownKey(), with(header, "typ", "JWT"), claims),
		"no typ":                    craft(t, ownKey(), with(header, "typ", nil), claims),
		"an assertion's typ":        craft(t, ownKey(), with(header, "typ", "client-authentication+jwt"), claims),
		"crit":                      craft(t, ownKey(), with(header, "crit", []string{"exp"}), claims),
		"alg none":                  base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none","typ":"at+jwt"}`)) + "." + parts[1] + ".",
		"by another key":            craft(t, idpKey(), with(header, "kid", idpKey().ID), claims),
		"by another key, our kid":   craft(t, idpKey(), header, claims),
		"of another issuer":         craft(t, ownKey(), header, with(claims, "iss", "https://other.example")),
		"issuer with a slash":       craft(t, ownKey(), header, with(claims, "iss", s.issuer+"/")),
		"no sub":                    craft(t, ownKey(), header, with(claims, "sub", nil)),
		"no jti":                    craft(t, ownKey(), header, with(claims, "jti", nil)),
		"exp as text":               craft(t, ownKey(), header, with(claims, "exp", "tomorrow")),
		"origin is no object":       craft(t, ownKey(), header, with(claims, "avouch_origin", "x")),
		"expired a second ago":      craft(t, ownKey(), header, with(claims, "exp", time.Now().Unix()-1)),
		"expired long ago":          craft(t, ownKey(), header, with(claims, "exp", 1)),
		"not before next minute":    craft(t, ownKey(), header, with(claims, "nbf", time.Now().Unix()+60)),
		"not before five seconds":   craft(t, ownKey(), header, with(claims, "nbf", time.Now().Unix()+5)),
		"issued in an hour":         craft(t, ownKey(), header, with(claims, "iat", time.Now().Unix()+3600)),
		"of a client that is gone":  s.mint(t, func(c *token.Claims) { c.ClientID = "gone" }),
		"of a client gone, by idp":  s.mint(t, func(c *token.Claims) { c.ClientID, c.Origin.Issuer = "gone", idp }),
		"for another API":           s.mint(t, func(c *token.Claims) { c.Audience = []string{billing} }),
		"aud of another case":       s.mint(t, func(c *token.Claims) { c.Audience = []string{strings.ToUpper(orders)} }),
		"aud that begins like ours": s.mint(t, func(c *token.Claims) { c.Audience = []string{orders + "/"} }),
		"another's refresh token":   refresh,
	} {
		for _, hint := range []string{"", "access_token", "refresh_token", "nonsense"} {
			isInactive(t, name+", hint "+hint, s.introspect(t, "orders-api", text, "token_type_hint", hint))
		}
	}
	isActive(t, "good, in the end", s.introspect(t, "orders-api", good))
}

// TestHintIsOnlyAHint: a wrong one does no harm.
func TestHintIsOnlyAHint(t *testing.T) {
	s := start(t)
	access, refresh := s.consent(t, "web")
	for _, hint := range []string{"", "access_token", "refresh_token", "nonsense", strings.Repeat("x", 5000)} {
		isActive(t, "access token", s.introspect(t, "web", access, "token_type_hint", hint))
		isActive(t, "refresh token", s.introspect(t, "web", refresh, "token_type_hint", hint))
	}
	if r := s.revoke(t, "web", refresh, "token_type_hint", "access_token"); r.status != 200 {
		t.Errorf("%d %s", r.status, r.body)
	}
	isInactive(t, "access token", s.introspect(t, "web", access))
	isInactive(t, "refresh token", s.introspect(t, "web", refresh))
}

// TestTokenOfAnEarlierClient: what was issued to a client that was deleted does not come to life with one that gets its id.
func TestTokenOfAnEarlierClient(t *testing.T) {
	s := start(t)
	access, refresh := s.consent(t, "web", "resource", orders)
	issued := time.Unix(int64(claimsOf(t, access)["iat"].(float64)), 0) // which a token says in whole seconds
	s.change("web", func(c *avouch.Client) { c.Created = issued.Add(999 * time.Millisecond) })
	isActive(t, "access token", s.introspect(t, "orders-api", access))
	s.change("web", func(c *avouch.Client) { c.Created = issued.Add(2 * time.Second) })
	isInactive(t, "access token", s.introspect(t, "web", access))
	isInactive(t, "access token, to the API", s.introspect(t, "orders-api", access))
	isInactive(t, "refresh token", s.introspect(t, "web", refresh))
}

// TestWhoMayIntrospect: the client of a token and its resources, nobody else.
func TestWhoMayIntrospect(t *testing.T) {
	s := start(t)
	access, refresh := s.consent(t, "web", "resource", orders)
	for caller, want := range map[string]bool{"web": true, "orders-api": true, "billing-api": false, "other": false, "signer": false} {
		if r := s.introspect(t, caller, access); want {
			isActive(t, caller, r)
		} else {
			isInactive(t, caller, r)
		}
	}
	for caller, want := range map[string]bool{"web": true, "orders-api": false, "other": false, "signer": false} {
		if r := s.introspect(t, caller, refresh); want {
			isActive(t, caller+", refresh token", r)
		} else {
			isInactive(t, caller+", refresh token", r)
		}
	}
	// Being able to ask for a token of a resource is not being it.
	s.change("orders-api", func(c *avouch.Client) { c.Introspects = nil })
	isInactive(t, "the API, no longer one", s.introspect(t, "orders-api", access))
	// One who may not use refresh tokens any more has none.
	s.change("web", func(c *avouch.Client) { c.Grants = []string{consent} })
	isInactive(t, "refresh token of who may not refresh", s.introspect(t, "web", refresh))
}

// TestIntrospectionCallers: who does not authenticate learns nothing, and is told so as at the token endpoint.
func TestIntrospectionCallers(t *testing.T) {
	s := start(t)
	access, _ := s.consent(t, "signer")
	const path = "/oauth/introspect"
	const asserts = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
	isRefused(t, "nobody", s.introspect(t, "", access), 401, "invalid_client")
	isRefused(t, "a name alone", s.introspect(t, "", access, "client_id", "signer"), 401, "invalid_client")
	isRefused(t, "a public client", s.introspect(t, "phone", access), 401, "invalid_client")
	isRefused(t, "wrong secret", s.introspect(t, "", access, "client_id", "web", "client_secret", "guess"), 401, "invalid_client")
	isRefused(t, "no token", s.post(t, path, "web"), 400, "invalid_request")
	isRefused(t, "empty token", s.introspect(t, "web", ""), 400, "invalid_request")
	isRefused(t, "two tokens", s.introspect(t, "web", access, "token", access), 400, "invalid_request")
	isRefused(t, "two kinds of credentials", s.introspect(t, "web", access, "client_assertion_type", asserts, "client_assertion", s.assertion(t, s.issuer)), 400, "invalid_request")
	s.change("other", func(c *avouch.Client) { c.Disabled = true })
	isRefused(t, "a disabled client", s.introspect(t, "other", access), 401, "invalid_client")

	// The audience rules of client assertions are those of the token endpoint (RFC 10070 §4).
	for aud, want := range map[string]bool{s.issuer: true, s.issuer + path: false, s.issuer + "/oauth/token": false, "https://other.example": false} {
		r := s.introspect(t, "", access, "client_assertion_type", asserts, "client_assertion", s.assertion(t, aud))
		if want {
			isActive(t, "aud "+aud, r)
		} else {
			isRefused(t, "aud "+aud, r, 401, "invalid_client")
		}
	}
	once := s.assertion(t, s.issuer)
	isActive(t, "an assertion", s.introspect(t, "", access, "client_assertion_type", asserts, "client_assertion", once))
	isRefused(t, "the same again", s.introspect(t, "", access, "client_assertion_type", asserts, "client_assertion", once), 401, "invalid_client")

	for name, change := range map[string]func(*http.Request){
		"GET":          func(r *http.Request) { r.Method, r.Body, r.ContentLength = http.MethodGet, nil, 0 },
		"in the query": func(r *http.Request) { r.URL.RawQuery = "token=" + access },
		"JSON":         func(r *http.Request) { r.Header.Set("Content-Type", "application/json") },
	} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.issuer+path, strings.NewReader("client_id=web&client_secret=x&token="+access))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		change(req)
		status := 400
		if name == "GET" {
			status = 405
		}
		isRefused(t, name, do(t, req), status, "invalid_request")
	}
	isActive(t, "the next good request", s.introspect(t, "signer", access))
}

// TestIntrospectionCannotTell: whatever cannot be looked up, the answer is neither yes nor no.
func TestIntrospectionCannotTell(t *testing.T) {
	failing := errors.New("no idea")
	s := start(t, func(s *site) {
		s.lapsed = func(_ context.Context, c *token.Claims) (*avouch.Lapse, error) {
			if c.Subject == "puzzle" {
				return nil, failing
			}
			return nil, nil
		}
	})
	access, refresh := s.consent(t, "web", "resource", orders)
	for name, fault := range map[string]interface{ Store(bool) }{"store": &s.store.down, "clients": &s.registry.down, "subjects": &s.blind} {
		fault.Store(true)
		r := s.introspect(t, "orders-api", access)
		isRefused(t, name, r, 503, "temporarily_unavailable")
		if r.header.Get("Retry-After") == "" || strings.Contains(r.body, "active") || strings.Contains(r.body, "fire") {
			t.Errorf("%s: %s", name, r.body)
		}
		isRefused(t, name+", refresh token", s.introspect(t, "web", refresh), 503, "temporarily_unavailable")
		fault.Store(false)
		isActive(t, name+" is back", s.introspect(t, "orders-api", access))
	}
	isRefused(t, "Lapsed", s.introspect(t, "orders-api", s.mint(t, func(c *token.Claims) { c.Subject = "puzzle" })), 503, "temporarily_unavailable")
}

// TestIssuerAsClient: a token of an issuer that speaks under its own name is told from one of a client that was deleted.
func TestIssuerAsClient(t *testing.T) {
	s := start(t)
	r := s.jwtBearer(t, "")
	if r.status != 200 {
		t.Fatalf("%d %s", r.status, r.body)
	}
	isActive(t, "issuer under its own name", s.introspect(t, "orders-api", r.text("access_token")))
	r = s.jwtBearer(t, "web")
	if r.status != 200 {
		t.Fatalf("%d %s", r.status, r.body)
	}
	isActive(t, "client", s.introspect(t, "orders-api", r.text("access_token")))
	s.change("web", nil)
	isInactive(t, "deleted client", s.introspect(t, "orders-api", r.text("access_token")))
}

// jwtBearer exchanges an assertion of the partner about alice.
func (s *site) jwtBearer(t testing.TB, client string) reply {
	t.Helper()
	signed, err := assertion.Sign(assertion.Claims{Issuer: idp, Subject: "alice", Audience: s.issuer}, idpKey())
	if err != nil {
		t.Fatal(err)
	}
	return s.post(t, "/oauth/token", client, "grant_type", grant.JWTBearerType, "assertion", signed)
}

// everybody authenticates nobody; it is there to be registered.
type everybody struct{}

func (everybody) Method() string                 { return "client_secret_post" }
func (everybody) Presented(*avouch.Request) bool { return false }
func (everybody) Authenticate(context.Context, *avouch.Request) (*avouch.Authentication, error) {
	return nil, errors.New("never")
}

// TestEndpointMetadata: clients find the endpoints, and how they authenticate at them (RFC 8414 §2).
func TestEndpointMetadata(t *testing.T) {
	s := start(t)
	resp, err := http.Get(s.issuer + "/.well-known/oauth-authorization-server")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var says map[string]any
	if err := json.NewDecoder(resp.Body).Decode(&says); err != nil {
		t.Fatal(err)
	}
	for member, want := range map[string]string{"introspection_endpoint": s.issuer + "/oauth/introspect", "revocation_endpoint": s.issuer + "/oauth/revoke"} {
		if says[member] != want {
			t.Errorf("%s is %v", member, says[member])
		}
		methods, _ := says[member+"_auth_methods_supported"].([]any)
		if none := slices.Contains(methods, any("none")); !slices.Contains(methods, any("private_key_jwt")) || none != (member == "revocation_endpoint") {
			t.Errorf("methods of %s are %v", member, methods)
		}
	}
}
