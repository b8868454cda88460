package client_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/avouch-oauth/avouch/client"
	"github.com/avouch-oauth/avouch/keys"
)

// TestMetadataNamesAnother: nothing is signed for a server whose metadata does not name the issuer that was configured
// (RFC 8414 §3.3; CVE-2025-27370, CVE-2025-27371).
func TestMetadataNamesAnother(t *testing.T) {
	for _, c := range []struct {
		name     string
		metadata func(at string) string
		says     string
	}{
		{"an honest server", func(string) string {
			return `{"issuer":"https://honest.example","token_endpoint":"https://honest.example/token"}`
		}, "issuer"},
		{"a slash more", func(at string) string { return fmt.Sprintf(`{"issuer":%q,"token_endpoint":%q}`, at+"/", at+"/token") }, "issuer"},
		{"another case", func(at string) string {
			return fmt.Sprintf(`{"issuer":%q,"token_endpoint":%q}`, strings.Replace(at, "http", "HTTP", 1), at+"/token")
		}, "issuer"},
		{"two issuers", func(at string) string {
			return fmt.Sprintf(`{"issuer":%q,"issuer":"https://honest.example","token_endpoint":%q}`, at, at+"/token")
		}, ""},
		{"issuer in another case", func(at string) string { return fmt.Sprintf(`{"Issuer":%q,"token_endpoint":%q}`, at, at+"/token") }, "issuer"},
		{"none", func(at string) string { return fmt.Sprintf(`{"token_endpoint":%q}`, at+"/token") }, "issuer"},
		{"no token endpoint", func(at string) string { return fmt.Sprintf(`{"issuer":%q}`, at) }, "token_endpoint"},
		{"plain token endpoint", func(at string) string {
			return fmt.Sprintf(`{"issuer":%q,"token_endpoint":"http://as.example.com/token"}`, at)
		}, "https"},
		{"token endpoint of another type", func(at string) string { return fmt.Sprintf(`{"issuer":%q,"token_endpoint":["x"]}`, at) }, "token_endpoint"},
		{"endless", func(at string) string {
			return fmt.Sprintf(`{"issuer":%q,"token_endpoint":%q,"x":%q}`, at, at+"/token", strings.Repeat("x", 2<<20))
		}, ""},
		{"no JSON", func(string) string { return "hello" }, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			var posts atomic.Int64
			var at string
			s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.Method == http.MethodPost {
					posts.Add(1)
				}
				w.Header().Set("Content-Type", "application/json")
				_, _ = io.WriteString(w, c.metadata(at))
			}))
			defer s.Close()
			at = s.URL
			for _, audience := range []client.Audience{client.AudienceIssuer, client.AudienceTokenEndpoint} {
				_, err := client.PrivateKeyJWT{Issuer: at, ClientID: "batch", Key: generate(t, keys.ES256), Audience: audience}.Token(t.Context())
				if err == nil || !strings.Contains(err.Error(), c.says) {
					t.Errorf("%v; should speak of %q", err, c.says)
				}
			}
			if posts.Load() != 0 {
				t.Error("an assertion was sent")
			}
		})
	}
}

// TestMetadataOnce: a source asks for metadata once an hour, not for every token; with TokenURL never.
func TestMetadataOnce(t *testing.T) {
	s := newAuthServer(t)
	s.body = `{"access_token":"at","token_type":"Bearer","expires_in":0}`
	me := client.PrivateKeyJWT{Issuer: s.issuer, ClientID: "batch", Key: generate(t, keys.ES256)}
	for _, c := range []struct {
		tokenURL string
		want     int
	}{{"", 1}, {s.tokenURL, 0}} {
		s.metadata = 0
		me.TokenURL = c.tokenURL
		source := me.TokenSource(t.Context())
		for range 3 {
			if _, err := source.Token(); err != nil {
				t.Fatal(err)
			}
		}
		if s.metadata != c.want {
			t.Errorf("TokenURL %q: metadata was fetched %d times, want %d", c.tokenURL, s.metadata, c.want)
		}
	}
}
