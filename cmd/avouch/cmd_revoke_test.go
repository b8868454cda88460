package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
)

// TestRevokeEndsAConsent: the operator holds a token of a user, and ends all that the user has allowed with it, and nothing
// else; what nobody has issued ends nothing.
func TestRevokeEndsAConsent(t *testing.T) {
	t.Parallel()
	s := startDevServer(t, nil)
	confidential, public := s.webClient("app", "client_secret_post"), s.webClient("phone", "none")

	post := func(path string, pairs ...string) (int, map[string]any) {
		t.Helper()
		form := url.Values{}
		for i := 0; i < len(pairs); i += 2 {
			if pairs[i+1] != "" {
				form.Set(pairs[i], pairs[i+1])
			}
		}
		resp, err := http.PostForm(s.url+path, form)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		var body map[string]any
		if err := json.NewDecoder(resp.Body).Decode(&body); err != nil {
			t.Fatal(err)
		}
		return resp.StatusCode, body
	}
	consent := func(id, secret, user string) (access, refresh string) {
		t.Helper()
		verifier := strings.Repeat("v", 43)
		challenge := sha256.Sum256([]byte(verifier))
		back, err := url.Parse(newBrowser(t, s.url).allow(s.url+"/oauth/authorize?"+url.Values{
			"response_type": {"code"}, "client_id": {id}, "redirect_uri": {redirectURI}, "scope": {"orders:read"},
			"code_challenge": {base64.RawURLEncoding.EncodeToString(challenge[:])}, "code_challenge_method": {"S256"},
		}.Encode(), user))
		if err != nil {
			t.Fatal(err)
		}
		status, body := post("/oauth/token", "grant_type", "authorization_code", "code", back.Query().Get("code"), "redirect_uri", redirectURI,
			"code_verifier", verifier, "client_id", id, "client_secret", secret)
		if status != http.StatusOK {
			t.Fatalf("%d %v", status, body)
		}
		return body["access_token"].(string), body["refresh_token"].(string)
	}
	refreshed := func(id, secret, refresh string) (newer string, ok bool) {
		t.Helper()
		status, body := post("/oauth/token", "grant_type", "refresh_token", "refresh_token", refresh, "client_id", id, "client_secret", secret)
		if status != http.StatusOK && body["error"] != "invalid_grant" {
			t.Fatalf("%d %v", status, body)
		}
		newer, _ = body["refresh_token"].(string)
		return newer, status == http.StatusOK
	}
	active := func(access string) bool {
		t.Helper()
		_, body := post("/oauth/introspect", "token", access, "client_id", "app", "client_secret", confidential)
		return body["active"] == true
	}
	revoke := func(text string, want int) string {
		t.Helper()
		var out, trouble bytes.Buffer
		code := run(t.Context(), process{
			args:    []string{"revoke", "-o", "json", "--store", s.conf.Store.Path},
			environ: []string{"AVOUCH_ISSUER=" + s.url}, stdin: strings.NewReader(text + "\n"), stdout: &out, stderr: &trouble,
		})
		if code != want {
			t.Errorf("exit code %d, want %d: %s", code, want, trouble.String())
		}
		if text != "" && strings.Contains(out.String()+trouble.String(), text) {
			t.Error("the token is printed")
		}
		return out.String()
	}

	access, refresh := consent("app", confidential, "alice")
	again, refreshAgain := consent("app", confidential, "alice") // another consent of the same user to the same client

	forged := access[:strings.LastIndex(access, ".")+1] + again[strings.LastIndex(again, ".")+1:]
	for _, junk := range []string{forged, "a.b.c", strings.Repeat("A", 43), strings.Repeat("x", 100_000)} {
		revoke(junk, exitNotFound)
	}
	revoke("", exitUsage)
	if !active(access) || !active(again) {
		t.Fatal("what nobody has issued has ended something")
	}

	if out := revoke(access, exitOK); !strings.Contains(out, `"revoked": "consent"`) || !strings.Contains(out, `"sub": "dev/alice"`) || !strings.Contains(out, `"client_id": "app"`) {
		t.Errorf("it says %s", out)
	}
	if _, ok := refreshed("app", confidential, refresh); ok || active(access) {
		t.Error("the consent lives on")
	}
	if _, ok := refreshed("app", confidential, refreshAgain); !ok || !active(again) {
		t.Error("another consent has ended too")
	}
	revoke(refreshAgain, exitOK)
	if _, ok := refreshed("app", confidential, refreshAgain); ok || active(again) {
		t.Error("the other consent lives on")
	}

	_, used := consent("phone", public, "bob")
	newer, ok := refreshed("phone", public, used)
	if !ok {
		t.Fatal("a refresh token of a public client does not refresh")
	}
	revoke(used, exitOK) // an old one in somebody's hands names the consent as well
	if _, ok := refreshed("phone", public, newer); ok {
		t.Error("the newer token lives on")
	}

	// Each is recorded, with whom it was for; what was refused is not.
	var recorded []string
	for _, c := range s.changes("--noun", "consent") {
		fields := map[string]string{}
		for _, f := range c.Fields {
			fields[f.Field] = f.Old
		}
		recorded = append(recorded, c.Caller.Via+" "+c.Action+" "+fields["client_id"]+" "+fields["sub"]+" "+fields["scope"])
		if len(c.ID) != 26 || strings.Contains(string(mustJSON(t, c)), access) {
			t.Errorf("the change is %+v", c)
		}
	}
	app := `cli consent.revoke "app" "dev/alice" "orders:read"`
	if want := []string{app, app, `cli consent.revoke "phone" "dev/bob" "orders:read"`}; !slices.Equal(recorded, want) {
		t.Errorf("recorded %q, want %q", recorded, want)
	}
	if tokens := s.changes("--noun", "token"); len(tokens) != 0 {
		t.Errorf("recorded %+v", tokens)
	}
}
