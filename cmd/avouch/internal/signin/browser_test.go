package signin

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
)

// TestInABrowser has Chromium go the way that people go: with test users, and with a real provider.
func TestInABrowser(t *testing.T) {
	chromium := os.Getenv("AVOUCH_TEST_CHROMIUM")
	if chromium == "" {
		t.Skip("Chromium is not here: ./check installs it")
	}
	for _, real := range []bool{false, true} {
		t.Run(fmt.Sprintf("real=%t", real), func(t *testing.T) {
			f := newFixtureOn(t, httptest.NewServer, func(c *Config) { c.Upstream, c.Dev = nil, true })
			f.client.Name = "Orders\u202eppA <b>App</b>"
			name := ""
			if real {
				name = "1"
				c := f.conf
				c.Upstream = &Upstream{
					Issuer: startProvider(t, "REDIRECT_URI="+f.server.URL+callbackPath, "METHOD=client_secret_basic", "SECRET=sesame"),
					Name:   "real", ClientID: "avouch-here", Secret: "sesame", AllowPrivate: true,
				}
				own, err := New(c)
				if err != nil {
					t.Fatal(err)
				}
				*f.SignIn = *own // its handlers are those of the server
			}
			home := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "home") }))
			defer home.Close()
			client := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				http.Redirect(w, r, home.URL+"/?"+r.URL.RawQuery, http.StatusFound) // another origin, as many clients do
			}))
			defer client.Close()
			f.redirect = client.URL + "/cb"

			evil := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Type", "text/html")
				switch r.URL.Path {
				case "/frame":
					fmt.Fprintf(w, `<iframe src="%s%s"></iframe>`, f.server.URL, strings.ReplaceAll(somePage, "&", "&amp;"))
				case "/post":
					fmt.Fprintf(w, `<form method=post action="%s%s"><input name=decision value=allow></form><script>document.forms[0].submit()</script>`, f.server.URL, strings.ReplaceAll(somePage, "&", "&amp;"))
				}
			}))
			defer evil.Close()

			cmd := nodeScript(t, "browse.mjs", "CHROMIUM="+chromium, "SITE="+f.server.URL, "WAY="+somePage, "REAL="+name, "END="+home.URL,
				"EVIL="+strings.Replace(evil.URL, "127.0.0.1", "localhost", 1), "SHOTS="+os.Getenv("AVOUCH_TEST_SHOTS"))
			var stdout, stderr bytes.Buffer
			cmd.Stdout, cmd.Stderr = &stdout, &stderr
			if err := cmd.Run(); err != nil {
				t.Errorf("%v\n%.3000s", err, stderr.String())
			}
			for line := range strings.Lines(stdout.String()) {
				t.Error(strings.TrimSpace(line))
			}
			user := "dev/alice"
			if real {
				user = "real/alice"
			}
			if !strings.Contains(f.log.String(), "sub="+user) {
				t.Errorf("nobody signed in:\n%s", f.log)
			}
		})
	}
}
