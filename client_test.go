package avouch_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/avouch-oauth/avouch"
)

// TestSecretsAreNotShown: a client that somebody prints or logs does not show its secrets.
func TestSecretsAreNotShown(t *testing.T) {
	const value = "a secret for client_secret_jwt, 32 b"
	c := avouch.Client{ID: "app", Secrets: []avouch.Secret{{Value: []byte(value)}, {SHA256: [32]byte{200, 201, 202, 203}}}}
	var shown strings.Builder
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		fmt.Fprintf(&shown, verb+" "+verb+" "+verb+"\n", c, &c.Secrets[0], c.Secrets)
	}
	text, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	shown.Write(text)
	slog.New(slog.NewJSONHandler(&shown, nil)).Info("json", "client", c, "secret", c.Secrets[0])
	slog.New(slog.NewTextHandler(&shown, nil)).Info("text", "client", c, "secret", c.Secrets[0])
	for _, forbidden := range []string{
		value, fmt.Sprintf("%x", value), fmt.Sprint([]byte(value)), string(bytes.Trim(must(json.Marshal([]byte(value))), `"`)),
		"200 201 202", "200,201,202", "c8c9ca", "0xc8, 0xc9",
	} {
		if strings.Contains(shown.String(), forbidden) {
			t.Errorf("%q is in\n%s", forbidden, &shown)
		}
	}
}

func must(b []byte, err error) []byte {
	if err != nil {
		panic(err)
	}
	return b
}
