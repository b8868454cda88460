package resource_test

import (
	"encoding/json"
	"io"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/avouch-oauth/avouch/keys"
	"github.com/avouch-oauth/avouch/resource"
)

func TestMetadata(t *testing.T) {
	set := generate(t).PublicKeys(time.Now())
	guard := newGuard(t, resource.Config{
		Audience: "https://api.example.com/v1", Keys: set, Scopes: []string{"orders:read"},
		Name: "Orders", Documentation: "https://api.example.com/help",
	})
	if got, want := guard.MetadataPath(), "/.well-known/oauth-protected-resource/v1"; got != want {
		t.Fatalf("path %s, want %s", got, want)
	}
	mux := http.NewServeMux()
	mux.Handle(guard.MetadataPath(), guard.Metadata())
	at := serve(t, mux)
	resp, err := http.Get(at + guard.MetadataPath())
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, _ := io.ReadAll(resp.Body)
	if resp.StatusCode != http.StatusOK || resp.Header.Get("Content-Type") != "application/json" {
		t.Fatalf("%s %v", resp.Status, resp.Header)
	}
	var got map[string]any
	if err := json.Unmarshal(body, &got); err != nil {
		t.Fatal(err)
	}
	want := map[string]any{
		"resource":                 "https://api.example.com/v1",
		"authorization_servers":    []any{issuer},
		"scopes_supported":         []any{"orders:read"},
		"bearer_methods_supported": []any{"header"},
		"resource_name":            "Orders",
		"resource_documentation":   "https://api.example.com/help",
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %v\nwant %v", got, want)
	}
	resp, err = http.Post(at+guard.MetadataPath(), "", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusMethodNotAllowed || resp.Header.Get("Allow") != "GET, HEAD" {
		t.Errorf("POST: %s %v", resp.Status, resp.Header)
	}
}

// TestWhereMetadataIs checks the well-known paths of RFC 9728 §3.1 and what challenges say of them.
func TestWhereMetadataIs(t *testing.T) {
	set := generate(t).PublicKeys(time.Now())
	for _, c := range []struct{ audience, realm, path, challenge string }{
		{"https://a.example", "", "/.well-known/oauth-protected-resource",
			`Bearer resource_metadata="https://a.example/.well-known/oauth-protected-resource"`},
		{"https://a.example/", "", "/.well-known/oauth-protected-resource",
			`Bearer resource_metadata="https://a.example/.well-known/oauth-protected-resource"`},
		{"https://a.example:8443/x/y", "orders", "/.well-known/oauth-protected-resource/x/y",
			`Bearer realm="orders", resource_metadata="https://a.example:8443/.well-known/oauth-protected-resource/x/y"`},
		{"http://127.0.0.1:8080/x", "", "/.well-known/oauth-protected-resource/x",
			`Bearer resource_metadata="http://127.0.0.1:8080/.well-known/oauth-protected-resource/x"`},
		{"http://a.example/x", "", "", `Bearer realm="http://a.example/x"`},
		{"https://a.example/x?y=z", "", "", `Bearer realm="https://a.example/x?y=z"`},
		{"urn:example:orders", "", "", `Bearer realm="urn:example:orders"`},
		{"orders", `the "orders" API`, "", `Bearer realm="the \"orders\" API"`},
	} {
		guard := newGuard(t, resource.Config{Audience: c.audience, Realm: c.realm, Keys: set})
		if got := guard.MetadataPath(); got != c.path {
			t.Errorf("%s: path %q, want %q", c.audience, got, c.path)
		}
		resp, err := http.Get(serve(t, guard.WhoAmI()))
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if got := resp.Header.Get("WWW-Authenticate"); got != c.challenge {
			t.Errorf("%s: challenge\n got %s\nwant %s", c.audience, got, c.challenge)
		}
		if c.path != "" {
			continue
		}
		resp, err = http.Get(serve(t, guard.Metadata()))
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusNotFound {
			t.Errorf("%s: metadata is served: %s", c.audience, resp.Status)
		}
	}
}

// TestNewRefuses what would accept anybody's tokens or none.
func TestNewRefuses(t *testing.T) {
	set := generate(t).PublicKeys(time.Now())
	good := resource.Config{Issuer: issuer, Audience: audience, Keys: set}
	for _, c := range []struct {
		name   string
		change func(*resource.Config)
		says   string
	}{
		{"no issuer", func(c *resource.Config) { c.Issuer = "" }, "Issuer"},
		{"plain issuer", func(c *resource.Config) { c.Issuer = "http://as.example.com" }, "https"},
		{"issuer with a query", func(c *resource.Config) { c.Issuer += "?x" }, "query"},
		{"issuer with a fragment", func(c *resource.Config) { c.Issuer += "#x" }, "fragment"},
		{"issuer with a user", func(c *resource.Config) { c.Issuer = "https://u:p@as.example.com" }, "user"},
		{"no audience", func(c *resource.Config) { c.Audience = "" }, "Audience"},
		{"audience with a line break", func(c *resource.Config) { c.Audience = "a\r\nX: y" }, "Audience"},
		{"realm with a line break", func(c *resource.Config) { c.Realm = "a\nb" }, "Realm"},
		{"scopes in one", func(c *resource.Config) { c.Scopes = []string{"a b"} }, "Scopes"},
		{"shared secrets", func(c *resource.Config) { c.Algorithms = []keys.Algorithm{keys.HS256} }, "HS256"},
	} {
		broken := good
		c.change(&broken)
		if _, err := resource.New(broken); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v; should speak of %s", c.name, err, c.says)
		}
	}
	if _, err := resource.New(resource.Config{}); err == nil || !strings.Contains(err.Error(), "Issuer") || !strings.Contains(err.Error(), "Audience") {
		t.Errorf("not all faults at once: %v", err)
	}
	if _, err := resource.New(good); err != nil {
		t.Error(err)
	}
}
