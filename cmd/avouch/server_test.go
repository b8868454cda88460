package main

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/avouch-oauth/avouch/admin"
	"github.com/avouch-oauth/avouch/cmd/avouch/internal/config"
	"github.com/avouch-oauth/avouch/keys"
	"github.com/avouch-oauth/avouch/resource"
)

// testServer is the real server on a real SQLite file, listening on loopback.
type testServer struct {
	*running
	t   testing.TB
	url string
}

func startServer(t testing.TB, change func(*config.Config)) *testServer {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	if testing.Verbose() {
		log = slog.New(slog.NewTextHandler(testLog{t}, nil))
	}
	return startServerAs(t, log, false, change)
}

// startDevServer starts a server as serve --dev does: people sign in as test users, programs register themselves.
func startDevServer(t testing.TB, change func(*config.Config)) *testServer {
	t.Helper()
	return startServerAs(t, slog.New(slog.DiscardHandler), true, change)
}

func startServerAs(t testing.TB, log *slog.Logger, dev bool, change func(*config.Config)) *testServer {
	t.Helper()
	return startServerOn(t, io.Discard, log, dev, change)
}

// startServerOn is startServerAs with a standard output.
func startServerOn(t testing.TB, stdout io.Writer, log *slog.Logger, dev bool, change func(*config.Config)) *testServer {
	t.Helper()
	address, err := freePort(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	conf := config.Default()
	conf.Listen, conf.Issuer, conf.Management.Listen = address, "http://"+address, "off"
	conf.Store.Path = filepath.Join(t.TempDir(), "avouch.db")
	if change != nil {
		change(&conf)
	}
	if dev {
		if err := devDefaults(t.Context(), &conf); err != nil {
			t.Fatal(err)
		}
	}
	if err := conf.Validate(); err != nil {
		t.Fatal(err)
	}
	if err := makeDevSealKey(t.Context(), conf); err != nil {
		t.Fatal(err)
	}
	a := &app{process: process{stdin: strings.NewReader(""), stdout: stdout, stderr: io.Discard}}
	s, err := a.start(context.WithoutCancel(t.Context()), conf, log, dev)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.stop(); err != nil {
			t.Errorf("stopping the server: %v", err)
		}
	})
	return &testServer{running: s, t: t, url: conf.Issuer}
}

type testLog struct{ t testing.TB }

func (l testLog) Write(p []byte) (int, error) {
	if l.t.Context().Err() == nil { // the server outlives the test by a moment
		l.t.Log(strings.TrimSuffix(string(p), "\n"))
	}
	return len(p), nil
}

// client registers a client with a fresh key and returns the key and its PEM file.
func (s *testServer) client(in admin.AddClientInput, alg keys.Algorithm) (*keys.Private, string) {
	s.t.Helper()
	private, public, err := keys.GeneratePairs(1, alg)
	if err != nil {
		s.t.Fatal(err)
	}
	if in.Keys, err = json.Marshal(public); err != nil {
		s.t.Fatal(err)
	}
	s.add(in)
	text, err := private[0].MarshalPEM()
	if err != nil {
		s.t.Fatal(err)
	}
	return private[0], s.file("key.pem", text)
}

func (s *testServer) add(in admin.AddClientInput) *admin.AddClientResult {
	s.t.Helper()
	if in.GrantTypes == nil {
		in.GrantTypes = []string{grantClientCredentials, grantJWTBearer}
	}
	if in.Scope == "" {
		in.Scope = "orders:read orders:write"
	}
	added, err := s.admin.AddClient(s.t.Context(), in)
	if err != nil {
		s.t.Fatal(err)
	}
	return added
}

func (s *testServer) rule(m admin.RuleMetadata) {
	s.t.Helper()
	if _, err := s.admin.AddRule(s.t.Context(), m); err != nil {
		s.t.Fatal(err)
	}
}

func (s *testServer) file(name string, text []byte) string {
	s.t.Helper()
	path := filepath.Join(s.t.TempDir(), name)
	if err := os.WriteFile(path, text, 0o600); err != nil {
		s.t.Fatal(err)
	}
	return path
}

// answer is what an endpoint said.
type answer struct {
	status int
	header http.Header
	body   map[string]any
	text   string
}

// verify checks an access token as an API would, with keys found by the server's metadata, and returns who it is for.
func (s *testServer) verify(accessToken string) *resource.Caller {
	s.t.Helper()
	guard, err := resource.New(resource.Config{Issuer: s.url, Audience: s.url})
	if err != nil {
		s.t.Fatal(err)
	}
	caller, err := guard.Verify(s.t.Context(), accessToken)
	if err != nil {
		s.t.Fatalf("the access token does not verify: %v", err)
	}
	return caller
}

func mustJSON(t testing.TB, v any) []byte {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return text
}
