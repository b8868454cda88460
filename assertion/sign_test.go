package assertion

import (
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/avouch-oauth/avouch/keys"
)

func decoded(t *testing.T, token string, part int) map[string]any {
	t.Helper()
	text, err := base64.RawURLEncoding.DecodeString(strings.Split(token, ".")[part])
	if err != nil {
		t.Fatal(err)
	}
	var m map[string]any
	if err := json.Unmarshal(text, &m); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return m
}

func TestSign(t *testing.T) {
	for _, alg := range []keys.Algorithm{keys.ES256, keys.EdDSA, keys.RS256, keys.PS256, keys.ES384, keys.ES512} {
		t.Run(string(alg), func(t *testing.T) {
			key := pair(alg)
			token, err := Sign(Claims{
				Issuer: idp, Subject: `a"li\ce ü`, Audience: us, IssuedAt: now, Lifetime: 90*time.Second + 1,
				More: map[string]any{"scope": "read write", "nested": map[string]any{"a": []int{1}}},
			}, key)
			if err != nil {
				t.Fatal(err)
			}
			if h := decoded(t, token, 0); h["kid"] != key.ID || h["typ"] != "JWT" || h["alg"] != string(alg) || len(h) != 3 {
				t.Errorf("header %v", h)
			}
			if c := decoded(t, token, 1); c["exp"] != float64(now.Unix()+91) || c["iat"] != float64(now.Unix()) || len(c["jti"].(string)) < 22 || len(c) != 8 {
				t.Errorf("claims %v", c)
			}
			w := newWorld(t, func(w *world) {
				w.party.Keys = setOf(t, key.Public())
				w.party.Policy.Algorithms = []keys.Algorithm{alg}
			})
			a, err := w.judge(t, token, "")
			if err != nil {
				t.Fatal(err)
			}
			if scope, ok := a.Claim("scope"); a.Subject != `a"li\ce ü` || scope != "read write" || !ok {
				t.Errorf("got %+v", a)
			}
		})
	}
}

func TestSignDefaults(t *testing.T) {
	key := pair(keys.ES256)
	first, err := Sign(Claims{Issuer: "c", Audience: us, Type: typeClient}, key)
	if err != nil {
		t.Fatal(err)
	}
	second, _ := Sign(Claims{Issuer: "c", Audience: us}, key)
	c := decoded(t, first, 1)
	if _, ok := c["sub"]; ok || c["jti"] == decoded(t, second, 1)["jti"] || c["exp"].(float64)-c["iat"].(float64) != 60 {
		t.Errorf("claims %v", c)
	}
	if off := time.Since(time.Unix(int64(c["iat"].(float64)), 0)); off < 0 || off > time.Minute {
		t.Errorf("iat is %v ago", off)
	}
	if decoded(t, first, 0)["typ"] != typeClient {
		t.Error("typ")
	}
	given, _ := Sign(Claims{Issuer: "c", Audience: us, ID: "mine"}, key)
	if decoded(t, given, 1)["jti"] != "mine" {
		t.Error("jti")
	}
}

func TestSignRefuses(t *testing.T) {
	good := Claims{Issuer: "c", Subject: "c", Audience: us}
	key := pair(keys.ES256)
	for name, change := range map[string]func(c *Claims){
		"no issuer":         func(c *Claims) { c.Issuer = "" },
		"no audience":       func(c *Claims) { c.Audience = "" },
		"negative lifetime": func(c *Claims) { c.Lifetime = -1 },
		"endless lifetime":  func(c *Claims) { c.Lifetime = 1<<63 - 1 },
		"long jti":          func(c *Claims) { c.ID = strings.Repeat("x", 257) },
		"invalid UTF-8":     func(c *Claims) { c.Subject = "\xff" },
		"registered claim":  func(c *Claims) { c.More = map[string]any{"nbf": 1} },
		"not JSON":          func(c *Claims) { c.More = map[string]any{"x": func() {}} },
	} {
		c := good
		change(&c)
		if token, err := Sign(c, key); err == nil || token != "" {
			t.Errorf("%s: got %q, %v", name, token, err)
		}
	}
	for name, k := range map[string]*keys.Private{"nil key": nil, "no kid": {Algorithm: keys.ES256, Signer: key.Signer}, "no signer": {ID: "a", Algorithm: keys.ES256}} {
		if token, err := Sign(good, k); err == nil || token != "" {
			t.Errorf("%s: got %q, %v", name, token, err)
		}
	}
}

func TestSignMAC(t *testing.T) {
	w := newWorld(t, shared)
	token, err := SignMAC(Claims{Issuer: idp, Subject: "alice", Audience: us, IssuedAt: now}, keys.HS256, secret)
	if err != nil {
		t.Fatal(err)
	}
	if h := decoded(t, token, 0); len(h) != 2 {
		t.Errorf("header %v", h)
	}
	a, err := w.judge(t, token, "")
	if err != nil || a.Algorithm != keys.HS256 || a.KeyID != "" {
		t.Errorf("%+v, %v", a, err)
	}
	if _, err := SignMAC(Claims{Issuer: idp, Audience: us}, keys.HS256, secret[:31]); err == nil {
		t.Error("a short secret is used")
	}
	if _, err := SignMAC(Claims{Issuer: idp, Audience: us}, keys.ES256, secret); err == nil {
		t.Error("a secret is used for ES256")
	}
}
