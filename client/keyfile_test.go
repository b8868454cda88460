package client_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/avouch-oauth/avouch/client"
	"github.com/avouch-oauth/avouch/keys"
)

// TestJWTBearerFromKeyFile: a Google-style key file is all that is needed, and the request looks as Google's.
func TestJWTBearerFromKeyFile(t *testing.T) {
	s, key := newAuthServer(t), generate(t, keys.RS256)
	text, err := keys.MarshalKeyFile(key, "batch@example.com", s.tokenURL)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "key.json")
	if err := os.WriteFile(path, text, 0o600); err != nil {
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
		"huge":          strings.Repeat(" ", 1<<20) + string(text),
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
