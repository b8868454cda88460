package signin

import (
	"bufio"
	"bytes"
	"encoding/json"
	"html"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/avouch-oauth/avouch/keys"
)

// nodeScript makes a command of a script in testdata, with the modules that ./check installs and names by
// AVOUCH_TEST_NODE.
func nodeScript(t *testing.T, name string, env ...string) *exec.Cmd {
	t.Helper()
	modules := os.Getenv("AVOUCH_TEST_NODE")
	if modules == "" {
		t.Skip("oidc-provider is not here: ./check installs it")
	}
	dir := t.TempDir() // imports are looked for beside the script
	if err := os.Symlink(filepath.Join(modules, "node_modules"), filepath.Join(dir, "node_modules")); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "node", filepath.Join(dir, name))
	cmd.Env = append(append(os.Environ(), "NODE_NO_WARNINGS=1"), env...)
	return cmd
}

// startProvider starts a real OpenID provider that knows us, and returns its issuer.
func startProvider(t *testing.T, env ...string) string {
	t.Helper()
	cmd := nodeScript(t, "provider.mjs", env...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = stdin.Close()
		_ = cmd.Wait() // killed with the test, or ended with its input: either will do
		if t.Failed() {
			t.Logf("the provider said:\n%s", stderr.String())
		}
	})
	lines := bufio.NewScanner(stdout)
	for lines.Scan() {
		if strings.HasPrefix(lines.Text(), "http://") {
			go func() { // its further words are of no interest, but must not fill the pipe
				for lines.Scan() {
				}
			}()
			return lines.Text()
		}
	}
	t.Fatal("the provider did not start")
	return ""
}

// atProvider signs in on the pages of the provider.
func (b *browser) atProvider(p *page, login string) *page {
	b.f.t.Helper()
	action := regexp.MustCompile(`<form[^>]* action="([^"]*)"`)
	for i := 0; i < 6 && p.url.Host != b.f.issuer.Host; i++ { // it asks who one is, then whether we may know
		m := action.FindStringSubmatch(p.body)
		if m == nil {
			break
		}
		form := p.form()
		for _, in := range regexp.MustCompile(`<input[^>]*type="hidden"[^>]*>`).FindAllString(p.body, -1) {
			name, value := regexp.MustCompile(`name="([^"]*)"`).FindStringSubmatch(in), regexp.MustCompile(`value="([^"]*)"`).FindStringSubmatch(in)
			form.Set(name[1], value[1])
		}
		form.Set("login", login)
		form.Set("password", "x")
		to, err := p.url.Parse(html.UnescapeString(m[1]))
		if err != nil {
			b.f.t.Fatal(err)
		}
		p = b.post(to.String(), form)
	}
	return p
}

func TestRealProvider(t *testing.T) {
	key, err := keys.Generate(keys.ES256)
	if err != nil {
		t.Fatal(err)
	}
	set, err := keys.NewSet(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	jwks, err := json.Marshal(set)
	if err != nil {
		t.Fatal(err)
	}
	secret := "a secret with +, %, : and =, of which some must be encoded"
	for method, env := range map[string]string{
		"client_secret_basic": "SECRET=" + secret, "client_secret_post": "SECRET=" + secret, "private_key_jwt": "JWKS=" + string(jwks),
	} {
		t.Run(method, func(t *testing.T) {
			f := newFixture(t, nil)
			issuer := startProvider(t, "REDIRECT_URI="+f.server.URL+callbackPath, "METHOD="+method, env)
			c := f.conf
			c.Upstream = &Upstream{Issuer: issuer, Name: "real", ClientID: "avouch-here", Scopes: []string{"profile"}, AllowPrivate: true}
			if method == "private_key_jwt" {
				c.Upstream.Key = key
			} else {
				c.Upstream.Secret = secret
			}
			own, err := New(c)
			if err != nil {
				t.Fatal(err)
			}
			*f.SignIn = *own // its handlers are those of the server
			b := f.browser()
			p := b.get(b.get(somePage).is(200, "Sign in to go on").link("Sign in at"))
			p = b.atProvider(p, "alice").is(200, "Allow access?")
			if !strings.Contains(p.body, "alice (real/alice)") && !strings.Contains(p.body, "alice of the provider (real/alice)") {
				t.Errorf("the page does not say who is signed in:\n%s", p.body)
			}
			b.post(somePage, p.form("decision", "allow")).leads("sub=real%2Falice")

			// Anew: the provider has a session of its own, and asks all the same.
			p = b.get(p.link("Not you?"))
			p = b.atProvider(p, "bob").is(200, "Allow access?")
			b.post(somePage, p.form("decision", "allow")).leads("sub=real%2Fbob")

			// A user who turns back.
			p = b.get(b.get(somePage + "&prompt=login").link("Sign in at"))
			abort, err := p.url.Parse(p.url.Path + "/abort")
			if err != nil {
				t.Fatal(err)
			}
			b.get(abort.String()).is(403, "You are not signed in")
		})
	}
}
