package main

import (
	"encoding/json"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/avouch-oauth/avouch/admin"
	"github.com/avouch-oauth/avouch/cmd/avouch/internal/config"
)

// TestHostileToken: what access tokens are (RFC 9068 §2), read by another library than ours.
func TestHostileToken(t *testing.T) {
	t.Parallel()
	for _, alg := range []string{"ES256", "EdDSA", "RS256", "PS256"} {
		t.Run(alg, func(t *testing.T) {
			h := newHostile(t, func(c *config.Config) { c.Keys.Algorithm, c.Log.Format = alg, "text" })
			h.signer("both", "ES256")
			h.shared("post", "client_secret_post")
			two := admin.AddClientInput{ID: "two", GenerateSecret: true}
			two.AuthMethod, two.Audiences, two.DefaultScope = "client_secret_post", []string{"https://a.example.com", "https://b.example.com"}, "orders:read"
			h.secret["two"] = h.add(two).Secret
			var set jose.JSONWebKeySet
			if err := json.Unmarshal([]byte(h.fetch(t, h.url+jwksPath, nil).text), &set); err != nil {
				t.Fatal(err)
			}

			grant := func(id string, more ...string) answer {
				return h.attack(t, attack{form: clientCredentials(append(more, "client_id", id, "client_secret", h.secret[id])...), want: granted})
			}
			for name, test := range map[string]struct {
				got      answer
				sub      string
				client   string
				audience any
				scope    any
			}{
				"a client":               {grant("post", "scope", "orders:write"), "post", "post", h.url, "orders:write"},
				"no scope":               {grant("post"), "post", "post", h.url, nil},
				"the default ones":       {grant("two"), "two", "two", "https://a.example.com", "orders:read"},
				"a resource":             {grant("two", "resource", "https://b.example.com"), "two", "two", "https://b.example.com", "orders:read"},
				"two resources":          {grant("two", "resource", "https://b.example.com", "resource", "https://a.example.com"), "two", "two", []any{"https://b.example.com", "https://a.example.com"}, "orders:read"},
				"a user":                 {h.attack(t, attack{form: with(asGrant(h.assertion(t, "both", "alice", nil)), "scope", "orders:read"), want: granted}), "alice", "both", h.url, "orders:read"},
				"a client by its grant":  {h.attack(t, attack{form: with(asGrant(h.assertion(t, "both", "both", nil)), "scope", "orders:write orders:read"), want: granted}), "both", "both", h.url, "orders:write orders:read"},
				"a client by its method": {h.attack(t, attack{form: with(asClient(h.assertion(t, "both", "both", nil)), "scope", "orders:read orders:read"), want: granted}), "both", "both", h.url, "orders:read"},
			} {
				header, claims := opened(t, test.got)
				text, _ := test.got.body["access_token"].(string)
				signed, err := jose.ParseSigned(text, []jose.SignatureAlgorithm{jose.SignatureAlgorithm(alg)})
				if err != nil {
					t.Fatalf("%s: %v", name, err)
				}
				found := set.Key(signed.Signatures[0].Header.KeyID)
				if len(found) != 1 {
					t.Fatalf("%s: %d published keys have the kid", name, len(found))
				}
				if _, err := signed.Verify(found[0]); err != nil {
					t.Errorf("%s: %v", name, err)
				}
				if header["typ"] != "at+jwt" || header["alg"] != alg || len(header) != 3 {
					t.Errorf("%s: header %v", name, header)
				}
				if claims["iss"] != h.url || claims["sub"] != test.sub || claims["client_id"] != test.client || !same(claims["aud"], test.audience) || claims["scope"] != test.scope {
					t.Errorf("%s: claims %v", name, claims)
				}
				exp, iat := number(claims["exp"]), number(claims["iat"])
				if left, _ := test.got.body["expires_in"].(float64); exp-iat != left || left != 900 || float64(time.Now().Unix())-iat > 30 || iat > float64(time.Now().Unix()) {
					t.Errorf("%s: iat %v, exp %v, expires_in %v", name, claims["iat"], claims["exp"], left)
				}
				if test.got.body["scope"] != test.scope {
					t.Errorf("%s: told the scope %v", name, test.got.body["scope"])
				}
			}
		})
	}
}

// TestHostileTokenIDs: nobody can guess a token or its jti (RFC 6749 §10.10).
func TestHostileTokenIDs(t *testing.T) {
	t.Parallel()
	h := newHostile(t, nil)
	h.shared("post", "client_secret_post")
	seen := map[string]bool{}
	used := map[byte]int{}
	for range 300 {
		got := h.attack(t, attack{form: clientCredentials("client_id", "post", "client_secret", h.secret["post"]), want: granted})
		_, claims := opened(t, got)
		id, _ := claims["jti"].(string)
		if seen[id] || len(id) < 26 { // of 32 letters each: 130 bits
			t.Fatalf("jti %q", id)
		}
		seen[id] = true
		for i := range len(id) {
			used[id[i]]++
		}
	}
	if len(used) != 32 {
		t.Errorf("%d different letters in 300 ids: %v", len(used), used)
	}
	for letter, n := range used {
		if n < 300*26/32/2 || n > 300*26/32*2 {
			t.Errorf("the letter %c is there %d times", letter, n)
		}
	}
}

// TestHostileRotation: the server's keys change, and what they have signed stays good until it expires.
func TestHostileRotation(t *testing.T) {
	t.Parallel()
	h := newHostile(t, nil)
	h.signer("both", "ES256")
	token := func() string {
		got := h.attack(t, attack{form: h.vouching(t, "both"), want: granted})
		text, _ := got.body["access_token"].(string)
		return text
	}
	old := token()
	if _, err := h.admin.RotateSigningKey(t.Context(), admin.RotateInput{Now: true}); err != nil {
		t.Fatal(err)
	}
	fresh := token()
	a, _, _ := parts(old)
	b, _, _ := parts(fresh)
	if a == b {
		t.Error("the old key still signs")
	}
	h.checkKeySet(t, h.fetch(t, h.url+jwksPath, nil))
	if status, _, _ := h.call(t, whoAmIPath, "Bearer "+fresh); status != http.StatusOK {
		t.Errorf("the API answers %d to a token of the new key", status)
	}
	if status, _, _ := h.call(t, whoAmIPath, "Bearer "+old); status != http.StatusUnauthorized {
		t.Errorf("the API answers %d to a token of a key that was replaced at once, as one that has leaked", status)
	}
	if _, err := h.admin.RotateSigningKey(t.Context(), admin.RotateInput{}); err != nil {
		t.Fatal(err)
	}
	if status, _, _ := h.call(t, whoAmIPath, "Bearer "+fresh); status != http.StatusOK {
		t.Errorf("the API answers %d to a token of a key that is about to be replaced", status)
	}
	a, _, _ = parts(token())
	if a != b {
		t.Error("the next key signs before others can know it")
	}
}

func same(a, b any) bool {
	x, isList := a.([]any)
	y, _ := b.([]any)
	if isList {
		return slices.Equal(x, y)
	}
	return a == b
}

func number(v any) float64 {
	f, _ := v.(float64)
	return f
}
