package metadata

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
)

// TestFetch serves documents at each place where they may be, and every way of not having one.
func TestFetch(t *testing.T) {
	const (
		oauth  = "/.well-known/oauth-authorization-server"
		openID = "/.well-known/openid-configuration"
	)
	good := `{"issuer":"ISSUER","token_endpoint":"HOST/token","jwks_uri":"HOST/jwks","introspection_endpoint":"HOST/in","more":{}}`
	for _, c := range []struct {
		name   string
		path   string            // of the issuer
		serves map[string]string // path to document, or to a status where it is three digits
		asked  []string
		fault  string
	}{
		{"plain", "", map[string]string{oauth: good}, []string{oauth}, ""},
		{"OpenID only", "", map[string]string{openID: good}, []string{oauth, openID}, ""},
		{"forbidden, then OpenID", "", map[string]string{oauth: "403", openID: good}, []string{oauth, openID}, ""},
		{"with a path", "/t/1", map[string]string{oauth + "/t/1": good}, []string{oauth + "/t/1"}, ""},
		{"with a path, OpenID", "/t/1", map[string]string{"/t/1" + openID: good}, []string{oauth + "/t/1", "/t/1" + openID}, ""},
		{"with a path, OpenID in front", "/t/1", map[string]string{openID + "/t/1": good}, []string{oauth + "/t/1", "/t/1" + openID, openID + "/t/1"}, ""},
		{"slash at the end", "/t/", map[string]string{oauth + "/t": good}, []string{oauth + "/t"}, ""},
		{"nowhere", "", nil, []string{oauth, openID}, "404"},
		{"server in trouble", "", map[string]string{oauth: "503", openID: good}, []string{oauth}, "503"},
		{"redirect", "", map[string]string{oauth: "302"}, []string{oauth, openID}, "302"},
		{"another issuer", "", map[string]string{oauth: `{"issuer":"https://honest.example"}`, openID: good}, []string{oauth}, "another issuer"},
		{"a slash more", "", map[string]string{oauth: `{"issuer":"ISSUER/"}`}, []string{oauth}, "another issuer"},
		{"no issuer", "", map[string]string{oauth: `{"token_endpoint":"HOST/token"}`}, []string{oauth}, "another issuer"},
		{"issuer of another type", "", map[string]string{oauth: `{"issuer":["ISSUER"]}`}, []string{oauth}, "another issuer"},
		{"issuer twice", "", map[string]string{oauth: `{"issuer":"ISSUER","issuer":"ISSUER"}`}, []string{oauth}, "JSON"},
		{"no JSON", "", map[string]string{oauth: `none`}, []string{oauth}, "JSON"},
		{"a web page", "", map[string]string{oauth: `<html>`, openID: good}, []string{oauth, openID}, ""},
		{"web pages only", "", map[string]string{oauth: `<html>`, openID: `<html>`}, []string{oauth, openID}, "a web page"},
		{"plain token endpoint", "", map[string]string{oauth: `{"issuer":"ISSUER","token_endpoint":"http://as.example.com/t"}`}, []string{oauth}, "https"},
		{"keys in a file", "", map[string]string{oauth: `{"issuer":"ISSUER","jwks_uri":"file:///etc/passwd"}`}, []string{oauth}, "jwks_uri"},
		{"keys of another type", "", map[string]string{oauth: `{"issuer":"ISSUER","jwks_uri":7}`}, []string{oauth}, "jwks_uri"},
		{"plain introspection", "", map[string]string{oauth: `{"issuer":"ISSUER","introspection_endpoint":"http://as.example.com/in"}`}, []string{oauth}, "introspection_endpoint"},
		{"endless", "", map[string]string{oauth: `{"issuer":"ISSUER","x":"` + strings.Repeat("x", 1<<20) + `"}`}, []string{oauth}, "longer"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var asked []string
			var host string
			s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				asked = append(asked, r.URL.Path)
				text, ok := c.serves[r.URL.Path]
				if !ok {
					http.NotFound(w, r)
					return
				}
				var status int
				if n, _ := fmt.Sscanf(text, "%3d", &status); n == 1 {
					w.Header().Set("Location", "/elsewhere")
					w.WriteHeader(status)
					return
				}
				fmt.Fprint(w, strings.NewReplacer("ISSUER", host+c.path, "HOST", host).Replace(text))
			}))
			defer s.Close()
			host = s.URL
			d, err := Fetch(t.Context(), http.DefaultClient, host+c.path)
			if !slices.Equal(asked, c.asked) {
				t.Errorf("asked %q, want %q", asked, c.asked)
			}
			if c.fault != "" {
				if err == nil || !strings.Contains(err.Error(), c.fault) {
					t.Fatalf("%v; should speak of %q", err, c.fault)
				}
				if c.fault == "another issuer" && !errors.Is(err, ErrMismatch) {
					t.Error("not ErrMismatch")
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if want := (Document{Issuer: host + c.path, TokenEndpoint: host + "/token", JWKSURI: host + "/jwks", IntrospectionEndpoint: host + "/in"}); *d != want {
				t.Errorf("got %+v, want %+v", *d, want)
			}
		})
	}
}

// TestForPeople: what only people need is left out where it is not fit to be shown to a browser, and nobody else suffers.
func TestForPeople(t *testing.T) {
	for said, want := range map[string]Document{
		`"authorization_endpoint":"https://a.example/auth?x=1","device_authorization_endpoint":"https://a.example/dev","authorization_response_iss_parameter_supported":true`: {AuthorizationEndpoint: "https://a.example/auth?x=1", DeviceAuthorizationEndpoint: "https://a.example/dev", NamesItself: true},
		`"authorization_endpoint":"javascript:alert(1)","device_authorization_endpoint":"http://a.example/dev"`:                                                               {},
		`"authorization_endpoint":[],"device_authorization_endpoint":1,"authorization_response_iss_parameter_supported":"true"`:                                               {},
	} {
		want.Issuer = "https://a.example"
		d, err := parse([]byte(`{"issuer":"https://a.example",`+said+`}`), want.Issuer)
		if err != nil || *d != want {
			t.Errorf("%s: %+v, %v", said, d, err)
		}
	}
}

func TestCheckIssuer(t *testing.T) {
	for issuer, fault := range map[string]string{
		"https://as.example.com":              "",
		"https://as.example.com/t/1":          "",
		"https://as.example.com:8443/":        "",
		"http://localhost:8080":               "",
		"http://127.0.0.1":                    "",
		"http://[::1]:8080":                   "",
		"":                                    "empty",
		"as.example.com":                      "host",
		"https:as.example.com":                "host",
		"https:///x":                          "host",
		"http://as.example.com":               "https",
		"http://localhost.example.com":        "https",
		"http://127.0.0.1.example.com":        "https",
		"http://10.0.0.1":                     "https",
		"ftp://as.example.com":                "https",
		"file:///etc":                         "host",
		"https://as.example.com?":             "query",
		"https://as.example.com?x=y":          "query",
		"https://as.example.com#":             "fragment",
		"https://as.example.com#x":            "fragment",
		"https://u:hunter2@as.example.com":    "user",
		"https://u:hunter2@as.example.com/%z": "URL",
	} {
		err := CheckIssuer(issuer)
		if fault == "" && err != nil || fault != "" && (err == nil || !strings.Contains(err.Error(), fault)) {
			t.Errorf("%q: %v; should speak of %q", issuer, err, fault)
		}
		if err != nil && strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%q: the error shows a password", issuer)
		}
	}
}
