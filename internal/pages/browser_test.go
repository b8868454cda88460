package pages

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestInABrowser has Chromium look at the pages: contrast in both colour schemes, what a screen reader goes by, the
// keyboard, 320 px, 200 %. ./check installs it and names it by AVOUCH_TEST_CHROMIUM, and what drives it by
// AVOUCH_TEST_NODE; pictures go into the folder AVOUCH_TEST_SHOTS.
func TestInABrowser(t *testing.T) {
	chromium, modules := os.Getenv("AVOUCH_TEST_CHROMIUM"), os.Getenv("AVOUCH_TEST_NODE")
	if chromium == "" || modules == "" {
		t.Skip("Chromium or playwright-core are not here: ./check installs them")
	}
	mux := http.NewServeMux()
	for name, p := range samples() {
		mux.HandleFunc("GET /"+name, func(w http.ResponseWriter, _ *http.Request) { Write(w, p) })
	}
	mux.HandleFunc("GET /favicon.ico", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	server := httptest.NewServer(mux)
	defer server.Close()
	var urls []string
	for name := range samples() {
		urls = append(urls, server.URL+"/"+name)
	}

	script, err := os.ReadFile(filepath.Join("testdata", "look.mjs"))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir() // imports are looked for beside the script
	if err := os.Symlink(filepath.Join(modules, "node_modules"), filepath.Join(dir, "node_modules")); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "look.mjs")
	if err := os.WriteFile(path, script, 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "node", path)
	cmd.Env = append(os.Environ(), "PAGES="+strings.Join(urls, " "), "CHROMIUM="+chromium, "SHOTS="+os.Getenv("AVOUCH_TEST_SHOTS"))
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v\n%s", err, stderr.String())
	}
	for line := range strings.Lines(stdout.String()) {
		t.Error(strings.TrimSpace(line))
	}
}
