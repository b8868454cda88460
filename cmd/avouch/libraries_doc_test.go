package main

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/avouch-oauth/avouch/admin"
	"github.com/avouch-oauth/avouch/cmd/avouch/internal/config"
	"github.com/avouch-oauth/avouch/keys"
	"github.com/avouch-oauth/avouch/token"
)

// TestLibrariesPage runs the programs of docs/guide/client-libraries.md as they stand there, but for the address of the
// server and the scope of the fixture. Each must print an access token.
func TestLibrariesPage(t *testing.T) {
	interpreter, modules := os.Getenv("AVOUCH_TEST_PYTHON"), os.Getenv("AVOUCH_TEST_NODE")
	if interpreter == "" || modules == "" {
		t.Skip("the Python or Node clients are not here: ./check installs them")
	}
	page, err := os.ReadFile("../../docs/guide/client-libraries.md")
	if err != nil {
		t.Fatal(err)
	}
	certificate := newPair(t)
	certificate.write(t, ecSigner(t), "avouch")
	s := startServer(t, func(c *config.Config) {
		c.Issuer, c.TLS.Cert, c.TLS.Key = "https://"+c.Listen, certificate.cert, certificate.key
	})
	t.Setenv("SSL_CERT_FILE", certificate.cert)
	t.Setenv("REQUESTS_CA_BUNDLE", certificate.cert)
	t.Setenv("NODE_EXTRA_CA_CERTS", certificate.cert)

	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "keys"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(filepath.Join(modules, "node_modules"), filepath.Join(dir, "node_modules")); err != nil {
		t.Fatal(err)
	}
	billing := admin.AddClientInput{ID: "billing"}
	billing.Scope = "invoices:read"
	_, pem := s.client(billing, keys.ES256)
	s.rule(admin.RuleMetadata{Name: "billing-for-alice", Client: "billing", Subject: "alice", Scope: "invoices:read"})
	reports, _ := s.googleClient()
	for from, to := range map[string]string{pem: "billing.pem", reports: "reports.json"} {
		if err := os.Rename(from, filepath.Join(dir, "keys", to)); err != nil {
			t.Fatal(err)
		}
	}
	t.Chdir(dir)

	programs := regexp.MustCompile("(?ms)^```(python|js)\n(.*?)^```").FindAllStringSubmatch(string(page), -1)
	if len(programs) < 5 {
		t.Fatalf("the page has %d programs", len(programs))
	}
	for _, p := range programs {
		text := strings.NewReplacer("https://as.example.com", s.url, "reports:read", "orders:read").Replace(p[2])
		name, command := "program.mjs", "node"
		if p[1] == "python" {
			name, command = "program.py", interpreter
		}
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		printed, err := runScript(t, command, name, nil)
		if err != nil || len(printed) != 1 {
			t.Errorf("it printed %q: %v\n%s", printed, err, text)
			continue
		}
		verifier := token.Verifier{Issuer: s.url, Audience: s.url, Keys: ownKeys{s.server.live}}
		claims, err := verifier.Verify(t.Context(), time.Now(), printed[0])
		if err != nil || len(claims.Scopes) != 1 || !slices.Contains([]string{"billing", "reports"}, claims.ClientID) {
			t.Errorf("the token is %+v, %v\n%s", claims, err, text)
		}
	}
}
