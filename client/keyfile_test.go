package client_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/avouch-oauth/avouch/client"
	"github.com/avouch-oauth/avouch/keys"
)

// TestKeyFiles reads the same key from each kind of file.
func TestKeyFiles(t *testing.T) {
	key := generate(t, keys.RS256)
	pem, err := key.MarshalPEM()
	if err != nil {
		t.Fatal(err)
	}
	jwk, err := key.MarshalJWK()
	if err != nil {
		t.Fatal(err)
	}
	google := googleFile(t, key, "https://as.example.com/token")
	dir := t.TempDir()
	for name, text := range map[string][]byte{"key.pem": pem, "key.jwk": jwk, "key.json": google} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := client.ReadKey(path)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if a, b := got.Public(), key.Public(); a.Thumbprint() != b.Thumbprint() || got.ID != key.ID {
			t.Errorf("%s: another key, %s", name, got.ID)
		}
	}
	for name, text := range map[string]string{"empty": "", "junk": "hunter2", "huge": strings.Repeat(" ", 1<<20) + string(pem)} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := client.ReadKey(path); err == nil || !strings.Contains(err.Error(), path) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v; should name the file and not show it", name, err)
		}
	}
}

func googleFile(t *testing.T, key *keys.Private, tokenURL string) []byte {
	t.Helper()
	pem, err := key.MarshalPEM()
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(map[string]string{
		"type": "service_account", "client_email": "batch@example.com", "client_id": "1234", "project_id": "p",
		"private_key": string(pem), "private_key_id": key.ID, "token_uri": tokenURL,
	})
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// TestJWTBearerFromKeyFile: a Google-style key file is all that is needed, and the request looks as Google's.
func TestJWTBearerFromKeyFile(t *testing.T) {
	s, key := newAuthServer(t), generate(t, keys.RS256)
	path := filepath.Join(t.TempDir(), "key.json")
	if err := os.WriteFile(path, googleFile(t, key, s.tokenURL), 0o600); err != nil {
		t.Fatal(err)
	}
	me, err := client.JWTBearerFromKeyFile(path, "a", "b")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := me.Token(t.Context()); err != nil {
		t.Fatal(err)
	}
	sent := s.last()
	if got := names(sent.form); got != "assertion grant_type" {
		t.Errorf("parameters %s", got)
	}
	header, claims := decode(t, sent.form.Get("assertion"))
	if header["kid"] != key.ID || header["alg"] != "RS256" || header["typ"] != "JWT" {
		t.Errorf("header %v", header)
	}
	if names(claims) != "aud exp iat iss jti scope" || claims["iss"] != "batch@example.com" || claims["aud"] != s.tokenURL || claims["scope"] != "a b" {
		t.Errorf("claims %v", claims)
	}
	if s.metadata != 0 {
		t.Error("metadata was fetched")
	}
	for name, text := range map[string]string{
		"a user's file": `{"type":"authorized_user","client_email":"a","token_uri":"https://a.example"}`,
		"half a file":   `{"type":"service_account","client_email":"a"}`,
		"two names":     `{"type":"service_account","client_email":"a","client_email":"b","token_uri":"https://a.example"}`,
		"no key":        `{"type":"service_account","client_email":"a","token_uri":"https://a.example"}`,
		"PEM":           "-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----\n",
	} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := client.JWTBearerFromKeyFile(path); err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: %v; should name the file", name, err)
		}
	}
}
