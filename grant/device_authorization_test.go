package grant_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/avouch-oauth/avouch/assertion"
	"github.com/avouch-oauth/avouch/grant"
)

// TestDeviceAuthorization: who asks for codes is held to the rules of the token endpoint, and gets none otherwise.
func TestDeviceAuthorization(t *testing.T) {
	many := strings.TrimSpace(strings.Repeat("read ", 129))
	for _, test := range []struct {
		name   string
		pairs  []string
		want   string // the error, "" for none
		status int
	}{
		{"nothing asked", []string{"client_id", "tv"}, "", 200},
		{"within the client's", []string{"client_id", "tv", "scope", "read write", "resource", "https://api.example", "resource", "https://other.example"}, "", 200},
		{"unknown parameter", []string{"client_id", "tv", "colour", "blue"}, "", 200},
		{"secret", []string{"client_id", "server", "client_secret", secretOf}, "", 200},

		{"scope beyond", []string{"client_id", "tv", "scope", "read everything"}, "invalid_scope", 400},
		{"scope in another case", []string{"client_id", "tv", "scope", "READ"}, "invalid_scope", 400},
		{"scope malformed", []string{"client_id", "tv", "scope", "read  write"}, "invalid_scope", 400},
		{"scope with a quote", []string{"client_id", "tv", "scope", `"read"`}, "invalid_scope", 400},
		{"129 scopes", []string{"client_id", "tv", "scope", many}, "invalid_scope", 400},
		{"scope twice", []string{"client_id", "tv", "scope", "read", "scope", "write"}, "invalid_request", 400},
		{"resource of nobody", []string{"client_id", "tv", "resource", "https://elsewhere.example"}, "invalid_target", 400},
		{"resource with a fragment", []string{"client_id", "tv", "resource", "https://api.example#"}, "invalid_target", 400},
		{"resource relative", []string{"client_id", "tv", "resource", "/api"}, "invalid_target", 400},
		{"no client", nil, "invalid_client", 401},
		{"unknown client", []string{"client_id", "nobody"}, "invalid_client", 401},
		{"client without the grant", []string{"client_id", "no-grant"}, "unauthorized_client", 400},
		{"no secret", []string{"client_id", "server"}, "invalid_client", 401},
		{"wrong secret", []string{"client_id", "server", "client_secret", "guess"}, "invalid_client", 401},
		{"secret of a public client", []string{"client_id", "tv", "client_secret", "guess"}, "invalid_client", 401},
		{"two credentials", []string{"client_id", "server", "client_secret", secretOf, "client_assertion", "x", "client_assertion_type", deviceAssertionType}, "invalid_request", 400},
		{"form of 70 KB", []string{"client_id", "tv", "x", strings.Repeat("x", 70_000)}, "invalid_request", 413},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := newDeviceSite()
			kept := &recordingDeviceStore{Store: s.store}
			s.kept = kept
			s.start(t)
			c := s.begin(t, test.pairs...)
			if c.Error != test.want || c.Status != test.status {
				t.Errorf("%d %s: %s", c.Status, c.Error, c.Description)
			}
			if good := test.want == ""; good != (c.DeviceCode != "") || good != (c.UserCode != "") || good != (len(kept.data) > 0) {
				t.Errorf("%+v, %d kept", c, len(kept.data))
			}
			if e := s.last(); e.Endpoint != "device_authorization" || (e.Err == nil) != (test.want == "") {
				t.Errorf("%+v", e)
			}
			s.started(t) // the next good one
		})
	}
	t.Run("disabled client", func(t *testing.T) {
		s := newDeviceSite().start(t)
		s.clients["tv"].Disabled = true
		if c := s.begin(t, "client_id", "tv"); c.Error != "invalid_client" {
			t.Errorf("%+v", c)
		}
	})
	for _, method := range []string{"GET", "HEAD", "PUT", "DELETE", "OPTIONS"} {
		t.Run(method, func(t *testing.T) {
			s := newDeviceSite().start(t)
			p := s.browse(t, method, "/oauth/device_authorization", url.Values{"client_id": {"tv"}})
			if p.Status != 405 || p.Header.Get("Allow") != "POST" {
				t.Errorf("%d %v", p.Status, p.Header)
			}
		})
	}
	t.Run("parameters in the address", func(t *testing.T) {
		s := newDeviceSite().start(t)
		p := s.browse(t, "POST", "/oauth/device_authorization?client_id=tv", url.Values{})
		if p.Status != 401 {
			t.Errorf("%d %s", p.Status, p.Body)
		}
	})
	t.Run("JSON", func(t *testing.T) {
		s := newDeviceSite().start(t)
		p := s.browse(t, "POST", "/oauth/device_authorization", url.Values{"client_id": {"tv"}}, func(r *http.Request) {
			r.Header.Set("Content-Type", "application/json")
		})
		if p.Status != 400 {
			t.Errorf("%d %s", p.Status, p.Body)
		}
	})
}

const deviceAssertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

// TestDeviceAuthorizationAudience: a client assertion is for the issuer here as everywhere, and good once (RFC 10070 §4).
func TestDeviceAuthorizationAudience(t *testing.T) {
	for _, test := range []struct {
		name string
		aud  func(issuer string) any
		good bool
	}{
		{"issuer", func(issuer string) any { return issuer }, true},
		{"issuer in a list", func(issuer string) any { return []string{issuer} }, true},
		{"this endpoint", func(issuer string) any { return issuer + "/oauth/device_authorization" }, false},
		{"token endpoint", func(issuer string) any { return issuer + "/oauth/token" }, false},
		{"two", func(issuer string) any { return []string{issuer, issuer + "/oauth/token"} }, false},
		{"another server", func(string) any { return "https://evil.example" }, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := newDeviceSite().start(t)
			signed := craft(t, idpKey(), map[string]any{"typ": "client-authentication+jwt"}, map[string]any{
				"iss": "signing", "sub": "signing", "aud": test.aud(s.issuer),
			})
			send := func(pairs ...string) deviceCodes {
				return s.begin(t, append([]string{"client_assertion_type", deviceAssertionType, "client_assertion", signed}, pairs...)...)
			}
			if !test.good {
				if c := send(); c.Error != "invalid_client" || c.Status != 401 {
					t.Errorf("%+v", c)
				}
				return
			}
			if c := send("scope", "everything"); c.Error != "invalid_scope" { // which burns nothing
				t.Errorf("%+v", c)
			}
			c := send()
			if c.Status != 200 {
				t.Fatalf("%+v", c)
			}
			if c := send(); c.Error != "invalid_client" || c.DeviceCode != "" {
				t.Errorf("%+v", c)
			}
			s.approve(t, c.UserCode)
			fresh := deviceAssertion(t, s.issuer)
			a, _ := s.post(t, "/oauth/token", "grant_type", grant.DeviceCodeType, "device_code", c.DeviceCode,
				"client_assertion_type", deviceAssertionType, "client_assertion", fresh)
			if a.Status != 200 || a.claims(t)["client_id"] != "signing" {
				t.Errorf("%+v", a)
			}
		})
	}
}

func deviceAssertion(t *testing.T, issuer string) string {
	t.Helper()
	return signed(t, assertion.Claims{
		Issuer: "signing", Subject: "signing", Audience: issuer, Type: "client-authentication+jwt",
	}, idpKey())
}

// TestDeviceCodesDiffer: no two requests get the same codes.
func TestDeviceCodesDiffer(t *testing.T) {
	s := newDeviceSite().start(t)
	var seen []string
	for range 20 {
		c := s.started(t)
		if slices.Contains(seen, c.DeviceCode) || slices.Contains(seen, c.UserCode) {
			t.Fatalf("%+v", c)
		}
		seen = append(seen, c.DeviceCode, c.UserCode)
	}
}

// TestDeviceCodesForStrangers: anybody can ask for codes as a public client, so what is kept for them is bounded by address.
func TestDeviceCodesForStrangers(t *testing.T) {
	s := newDeviceSite()
	s.grant.PerAddress = 3
	s.start(t)
	for range 3 {
		s.started(t)
	}
	c := s.begin(t, "client_id", "other")
	if c.Status != 429 || c.Error != "invalid_request" || c.Header.Get("Retry-After") == "" || c.DeviceCode != "" {
		t.Errorf("%+v", c)
	}
	if c := s.begin(t, "client_id", "server", "client_secret", secretOf); c.Status != 200 {
		t.Errorf("who authenticates: %+v", c)
	}
}
