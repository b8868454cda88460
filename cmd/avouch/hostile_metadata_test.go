package main

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/avouch-oauth/avouch/cmd/avouch/internal/config"
)

// TestHostileMetadata: what the server says of itself comes from its configuration and not from the request, and
// browsers of other sites are told nothing (RFC 8414 §2 and §3, RFC 9700 §2.6).
func TestHostileMetadata(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"", "/tenant/one"} {
		t.Run("issuer with the path "+path, func(t *testing.T) {
			h := newHostile(t, func(c *config.Config) { c.Issuer += path })
			h.signer("both", "ES256")
			origin := strings.TrimSuffix(h.url, path)
			documents := []string{
				origin + "/.well-known/oauth-authorization-server" + path, h.url + "/.well-known/openid-configuration", origin + "/.well-known/openid-configuration" + path, h.url + jwksPath,
				origin + "/.well-known/oauth-protected-resource" + path,
			}
			for _, document := range documents {
				plain := h.fetch(t, document, nil)
				if plain.status != 200 || plain.header.Get("Content-Type") != "application/json" || plain.body == nil {
					t.Fatalf("%s: %d %q %.100q", document, plain.status, plain.header.Get("Content-Type"), plain.text)
				}
				// Whatever a request pretends, the document is the same, and no cache need tell its versions apart.
				for name, value := range map[string]string{
					"X-Forwarded-Host": "evil.example.com", "X-Forwarded-Proto": "https", "X-Forwarded-Port": "444", "X-Forwarded-Prefix": "/evil", "Forwarded": "host=evil.example.com;proto=https", "X-Original-Url": "/evil", "X-Rewrite-Url": "/evil",
					"X-Host": "evil.example.com", "Origin": "https://evil.example.com", "Accept": "application/xml", "Accept-Language": "de", "Cookie": "a=b", "Range": "bytes=0-10", "X-Http-Method-Override": "DELETE", "Referer": "https://evil.example.com",
				} {
					got := h.fetch(t, document, func(r *http.Request) { r.Header.Set(name, value) })
					if got.status != 200 || got.text != plain.text || strings.Contains(got.header.Get("Vary"), "Origin") {
						t.Errorf("%s with %s: %d %.200q", document, name, got.status, got.text)
					}
				}
				got := h.fetch(t, document, func(r *http.Request) { r.Host = "evil.example.com" })
				if got.status != 200 || got.text != plain.text {
					t.Errorf("%s of another host: %d %.200q", document, got.status, got.text)
				}
				for _, method := range []string{"POST", "PUT", "DELETE", "OPTIONS", "TRACE", "PATCH", "get"} {
					got := h.fetch(t, document, func(r *http.Request) { r.Method = method })
					if got.status != 405 || got.header.Get("Allow") == "" {
						t.Errorf("%s %s: %d, Allow %q", method, document, got.status, got.header.Get("Allow"))
					}
				}
				head := h.fetch(t, document, func(r *http.Request) { r.Method = "HEAD" })
				if head.status != 200 || head.text != "" || head.header.Get("Content-Length") != plain.header.Get("Content-Length") {
					t.Errorf("HEAD %s: %d %q", document, head.status, head.text)
				}
			}

			m := h.fetch(t, documents[0], nil)
			for _, other := range documents[1:3] {
				if h.fetch(t, other, nil).text != m.text {
					t.Errorf("%s is another document than %s", other, documents[0])
				}
			}
			for name, want := range map[string]string{
				"issuer": h.url, "token_endpoint": h.url + tokenPath, "jwks_uri": h.url + jwksPath,
				"introspection_endpoint": h.url + "/oauth/introspect", "revocation_endpoint": h.url + "/oauth/revoke",
			} {
				if m.body[name] != want {
					t.Errorf("%s is %v, want %s", name, m.body[name], want)
				}
			}
			for name, want := range map[string][]string{
				"grant_types_supported":                            {grantJWTBearer, grantClientCredentials},
				"token_endpoint_auth_methods_supported":            {"private_key_jwt", "client_secret_jwt", "client_secret_basic", "client_secret_post", "none"},
				"token_endpoint_auth_signing_alg_values_supported": {"RS256", "PS256", "ES256", "EdDSA", "HS256"},
				"introspection_endpoint_auth_methods_supported":    {"private_key_jwt", "client_secret_jwt", "client_secret_basic", "client_secret_post"},
				"revocation_endpoint_auth_methods_supported":       {"private_key_jwt", "client_secret_jwt", "client_secret_basic", "client_secret_post", "none"},
			} {
				got := texts(m.body[name])
				slices.Sort(got)
				slices.Sort(want)
				if !slices.Equal(got, want) {
					t.Errorf("%s is %q, want %q", name, got, want)
				}
			}
			for name, value := range m.body {
				if list, ok := value.([]any); ok && len(list) == 0 {
					t.Errorf("%s is an empty list (RFC 8414 §3.2)", name)
				}
				if value == nil || value == "" {
					t.Errorf("%s is %v", name, value)
				}
				if endpoint, ok := value.(string); ok && strings.HasSuffix(name, "_endpoint") {
					if there := h.fetch(t, endpoint, nil); there.status == http.StatusNotFound {
						t.Errorf("%s is %s, and there is nothing", name, endpoint)
					}
				}
				// Nobody can sign in at this server, and nobody may register.
				if name == "authorization_endpoint" || strings.Contains(name, "pushed") || strings.Contains(name, "device") || strings.Contains(name, "registration") || strings.Contains(name, "response_") {
					t.Errorf("%s is %v, and there is no such thing", name, value)
				}
			}
			for _, weak := range []string{`"none"`, "HS1", "RS1\"", "RSA1_5", "password", "implicit", "saml"} {
				if list, _ := json.Marshal(m.body["token_endpoint_auth_signing_alg_values_supported"]); strings.Contains(string(list), weak) || weak != `"none"` && strings.Contains(m.text, weak) {
					t.Errorf("the metadata offers %s", weak)
				}
			}
			h.checkKeySet(t, h.fetch(t, h.url+jwksPath, nil))

			// A preflight, and a request from a page elsewhere.
			for _, origin := range []string{"https://evil.example.com", "null", h.url} {
				req := h.request(t, h.vouching(t, "both"))
				req.Header.Set("Origin", origin)
				h.want(t, h.send(t, req, ""), granted)
				req = h.request(t, nil)
				req.Method = "OPTIONS"
				req.Header.Set("Origin", origin)
				req.Header.Set("Access-Control-Request-Method", "POST")
				req.Header.Set("Access-Control-Request-Headers", "authorization")
				if got := h.send(t, req, ""); got.status != 405 {
					t.Errorf("a preflight from %s: %d", origin, got.status)
				}
			}
			// The challenge names us, whoever the request says we are.
			req := h.request(t, clientCredentials())
			req.Host = "evil.example.com"
			basicAuth("nobody", "x")(req)
			if got := h.send(t, req, "127.0.3.1"); got.header.Get("WWW-Authenticate") != `Basic realm="`+h.url+`"` {
				t.Errorf("the challenge is %q", got.header.Get("WWW-Authenticate"))
			}
		})
	}
}

// checkKeySet: a published set has public keys only, each for one purpose and one algorithm.
func (h *hostile) checkKeySet(t *testing.T, got answer) {
	t.Helper()
	list, _ := got.body["keys"].([]any)
	if len(list) == 0 || len(got.body) != 1 {
		t.Fatalf("the key set is %s", got.text)
	}
	seen := map[any]bool{}
	for _, entry := range list {
		key, _ := entry.(map[string]any)
		for _, private := range []string{"d", "p", "q", "dp", "dq", "qi", "k", "oth"} {
			if key[private] != nil {
				t.Errorf("the published key %v has the member %s", key["kid"], private)
			}
		}
		if key["kid"] == nil || key["alg"] == nil || key["use"] != "sig" || key["kty"] == "oct" || seen[key["kid"]] {
			t.Errorf("the published key %v", key)
		}
		seen[key["kid"]] = true
	}
}

// fetch gets a document.
func (h *hostile) fetch(t *testing.T, document string, change func(*http.Request)) answer {
	t.Helper()
	u, err := url.Parse(document)
	if err != nil {
		t.Fatal(err)
	}
	req := &http.Request{Method: http.MethodGet, URL: u, Header: http.Header{}, Host: u.Host}
	if change != nil {
		change(req)
	}
	resp, err := h.from("").Do(req.WithContext(t.Context()))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if strings.Contains(u.Path, "oauth-protected-resource") {
		// Pages of any origin may read this one (RFC 9728 is for clients that know nothing yet), without credentials.
		if got := resp.Header.Values("Access-Control-Allow-Origin"); len(got) > 1 || len(got) == 1 && got[0] != "*" {
			t.Errorf("Access-Control-Allow-Origin is %q", got)
		}
		resp.Header.Del("Access-Control-Allow-Origin")
	}
	h.checkHeader(t, resp.Header)
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	a := answer{status: resp.StatusCode, header: resp.Header, text: string(text)}
	if resp.StatusCode == http.StatusOK && len(text) > 0 {
		if err := json.Unmarshal(text, &a.body); err != nil {
			t.Errorf("%s is no JSON object: %v", document, err)
		}
	}
	return a
}

func texts(list any) []string {
	var all []string
	values, _ := list.([]any)
	for _, v := range values {
		s, _ := v.(string)
		all = append(all, s)
	}
	return all
}
