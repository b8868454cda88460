package main

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/avouch-oauth/avouch/admin"
	"github.com/avouch-oauth/avouch/cmd/avouch/internal/config"
)

// Grants in which people take part, by the clients of other people: discovery, code with PKCE and PAR, refresh, device,
// introspection, revocation and registration. Each script prints a word and a value a line. After the word browser it
// waits for the address that the browser is sent back to; a device waits for nothing.

// conversation runs a script, plays the user of the browser, and returns what the script said besides.
func (s *testServer) conversation(t *testing.T, interpreter string, args []string, env map[string]string) []string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, interpreter, args...)
	cmd.Env = append(os.Environ(), "AUTHLIB_INSECURE_TRANSPORT=1", "NODE_NO_WARNINGS=1", "ISSUER="+s.url)
	for name, value := range env {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	user := newBrowser(t, s.url)
	var said []string
	for lines := bufio.NewScanner(stdout); lines.Scan(); {
		word, value, _ := strings.Cut(lines.Text(), " ")
		if word != "browser" {
			said = append(said, lines.Text())
			continue
		}
		if env["DEVICE"] == "" {
			back := user.allow(value, "alice")
			if _, err := io.WriteString(stdin, back+"\n"); err != nil {
				t.Fatal(err)
			}
			continue
		}
		user.connect(value, "alice")
	}
	if err := cmd.Wait(); err != nil {
		t.Fatalf("%s: %v\nit said %q\n%s\nthe browser is at %s", filepath.Base(args[0]), err, said, stderr.String(), user)
	}
	return said
}

// nodeScript is a module of the interop folder in a folder where its imports are found.
func nodeScript(t *testing.T, script string) string {
	t.Helper()
	modules := os.Getenv("AVOUCH_TEST_NODE")
	if modules == "" {
		t.Skip("the Node clients are not here: ./check installs them")
	}
	text, err := os.ReadFile(filepath.Join("testdata", "interop", script))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.Symlink(filepath.Join(modules, "node_modules"), filepath.Join(dir, "node_modules")); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, script)
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

const redirectURI = "http://127.0.0.1:8765/callback"

// webClient registers a client whose users sign in, and returns its secret, "" for a public one.
func (s *testServer) webClient(id, method string) string {
	s.t.Helper()
	in := admin.AddClientInput{ID: id}
	in.AuthMethod = method
	in.GrantTypes = []string{"authorization_code", "refresh_token", "urn:ietf:params:oauth:grant-type:device_code"}
	in.RedirectURIs = []string{redirectURI}
	in.Scope = "orders:read orders:write"
	if method != "none" {
		in.GenerateSecret = true
	}
	return s.add(in).Secret
}

// people checks what a script said: two tokens for alice, and the other lines.
func (s *testServer) people(said []string, want ...string) {
	s.t.Helper()
	var rest []string
	tokens := 0
	for _, line := range said {
		word, value, _ := strings.Cut(line, " ")
		switch word {
		case "token":
			tokens++
			if caller := s.verify(value); caller.Subject != "dev/alice" || !slices.Equal(caller.Scopes, []string{"orders:read"}) {
				s.t.Errorf("token for %q with %v", caller.Subject, caller.Scopes)
			}
		case "registered":
			if value == "" {
				s.t.Error("registered without an id")
			}
		default:
			rest = append(rest, line)
		}
	}
	if tokens != 2 || !slices.Equal(rest, want) {
		s.t.Errorf("%d tokens, and %q; wanted 2 and %q", tokens, rest, want)
	}
}

func TestOpenIDClientPeople(t *testing.T) {
	s := startDevServer(t, nil)
	secret := s.webClient("web", "client_secret_basic")
	s.webClient("app", "none")
	confidential := []string{"scope orders:read", "rotated false", "active true", "active false", "refused invalid_grant"}
	public := []string{"scope orders:read", "rotated true", "refused invalid_grant"}
	for name, c := range map[string]struct {
		env  map[string]string
		want []string
	}{
		"code":          {map[string]string{"CLIENT_ID": "web", "CLIENT_SECRET": secret}, confidential},
		"pushed":        {map[string]string{"CLIENT_ID": "web", "CLIENT_SECRET": secret, "PUSH": "1"}, confidential},
		"public":        {map[string]string{"CLIENT_ID": "app", "PUBLIC": "1"}, public},
		"public pushed": {map[string]string{"CLIENT_ID": "app", "PUBLIC": "1", "PUSH": "1"}, public},
		"device":        {map[string]string{"CLIENT_ID": "app", "PUBLIC": "1", "DEVICE": "1"}, public},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel() // a device waits for five seconds
			c.env["SCOPE"], c.env["REDIRECT_URI"] = "orders:read", redirectURI
			mine := *s
			mine.t = t
			mine.people(mine.conversation(t, "node", []string{nodeScript(t, "openid_client_code.mjs")}, c.env), c.want...)
		})
	}
}

// TestOpenIDClientRegisters: a client that nobody knows registers itself with an initial access token, and goes the whole
// way.
func TestOpenIDClientRegisters(t *testing.T) {
	s := startDevServer(t, func(c *config.Config) {
		c.Registration.Mode, c.Registration.Scopes = "token", []string{"orders:read"}
	})
	token, err := s.admin.CreateInitialToken(t.Context(), admin.InitialTokenInput{Label: "test", Uses: 1, Expires: time.Now().Add(time.Hour)})
	if err != nil {
		t.Fatal(err)
	}
	said := s.conversation(t, "node", []string{nodeScript(t, "openid_client_code.mjs")},
		map[string]string{"REGISTER": token.Token, "SCOPE": "orders:read", "REDIRECT_URI": redirectURI})
	s.people(said, "scope orders:read", "rotated false", "active true", "active false", "refused invalid_grant")
}

func TestOAuth4WebAPIPeople(t *testing.T) {
	s := startDevServer(t, nil)
	secret := s.webClient("web", "client_secret_post")
	said := s.conversation(t, "node", []string{nodeScript(t, "oauth4webapi_code.mjs")},
		map[string]string{"CLIENT_ID": "web", "CLIENT_SECRET": secret, "SCOPE": "orders:read", "REDIRECT_URI": redirectURI})
	s.people(said, "active true", "active false")
}

func TestAuthlibPeople(t *testing.T) {
	interpreter := os.Getenv("AVOUCH_TEST_PYTHON")
	if interpreter == "" {
		t.Skip("the Python clients are not here: ./check installs them")
	}
	s := startDevServer(t, nil)
	secret := s.webClient("web", "client_secret_basic")
	said := s.conversation(t, interpreter, []string{filepath.Join("testdata", "interop", "authlib_code.py")},
		map[string]string{"CLIENT_ID": "web", "CLIENT_SECRET": secret, "SCOPE": "orders:read", "REDIRECT_URI": redirectURI})
	s.people(said, "active true", "active false", "refused invalid_grant")
}
