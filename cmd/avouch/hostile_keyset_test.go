package main

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"io"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/avouch-oauth/avouch/admin"
	"github.com/avouch-oauth/avouch/cmd/avouch/internal/config"
	"github.com/avouch-oauth/avouch/keys"
)

// published is a JWK set behind a URL.
type published struct {
	*httptest.Server
	set     atomic.Value // string
	fetches atomic.Int64
}

// publish registers an issuer whose keys are behind a URL.
func (h *hostile) publish(t *testing.T, name, set string) *published {
	t.Helper()
	p := new(published)
	p.set.Store(set)
	p.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		p.fetches.Add(1)
		w.Header().Set("Content-Type", "application/jwk-set+json")
		io.WriteString(w, p.set.Load().(string))
	}))
	t.Cleanup(p.Close)
	m := admin.IssuerMetadata{Name: name, URL: issuerURL(name), JWKSURL: p.URL + "/jwks", AllowPrivateAddresses: true}
	if _, err := h.admin.AddIssuer(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	h.rule(admin.RuleMetadata{Name: name + "-ann", Issuer: name, Subject: "ann", AsClient: "public", Scope: "orders:read"})
	return p
}

// about signs an assertion about ann by an issuer, with a key of the tests.
func (f *forger) about(issuer string, header ...any) string {
	return f.signed(f.header(header...), f.claims("iss", issuerURL(issuer), "sub", "ann"))
}

// jwk is the public half of a key.
func jwk(t *testing.T, public keys.Public) string {
	t.Helper()
	set, err := keys.NewSet(public)
	if err != nil {
		t.Fatal(err)
	}
	text := string(mustJSON(t, set))
	return text[len(`{"keys":[`) : len(text)-len("]}")]
}

// TestHostileKeySet: of what an issuer publishes only public keys for signing are used (RFC 7517 §4.2, §4.3, §5;
// RFC 7518 §3.3), and nobody can make us fetch it again and again.
func TestHostileKeySet(t *testing.T) {
	t.Parallel()
	h := newHostileTown(t, nil)
	newKey := func(name string, alg keys.Algorithm) *keys.Private {
		key, err := keys.Generate(alg)
		if err != nil {
			t.Fatal(err)
		}
		key.ID = name
		h.keys[name] = key
		return key
	}
	weak, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Skip("this Go makes no key of 1024 bits:", err)
	}
	h.keys["weak"] = &keys.Private{ID: "weak", Algorithm: keys.RS256, Signer: weak}
	enc := newKey("enc", keys.ES256)
	encrypts, good := newKey("encrypts", keys.ES256), newKey("good", keys.ES256)
	without := func(key *keys.Private, more string) string { // the bare key, without use and alg
		return member(jwk(t, keys.Public{ID: key.ID, Key: key.Signer.Public()}), more)
	}
	secret := []byte("a symmetric key has no place in a set that everybody can read")
	modulus := base64.RawURLEncoding.EncodeToString(weak.N.Bytes())
	set := `{"keys":[{"kty":"unknown","kid":"x"},{"kty":"EC"},{"kty":"EC","crv":"P-256","kid":"off","x":"AAAA","y":"AAAA"},` +
		`{"kty":"oct","kid":"shared","alg":"HS256","k":"` + encode(secret) + `"},` +
		`{"kty":"RSA","kid":"weak","e":"AQAB","n":"` + modulus + `"},` +
		without(enc, `"use":"enc"`) + "," + without(encrypts, `"key_ops":["encrypt","wrapKey"]`) + "," + jwk(t, good.Public()) + `]}`
	p := h.publish(t, "remote", set)

	f := func(who string) *forger { return h.forger(who) }
	h.repel(t, []attack{
		{name: "the good one among them", form: asGrant(f("good").about("remote")), want: granted},
		{name: "a key for encryption", form: asGrant(f("enc").about("remote")), want: invalidGrant},
		{name: "a key whose operations are others", form: asGrant(f("encrypts").about("remote")), want: invalidGrant},
		{name: "a key of 1024 bits", form: asGrant(f("weak").about("remote")), want: invalidGrant},
		{name: "a key that is a secret", want: invalidGrant, form: asGrant(f("good").mac(object("alg", "HS256", "kid", "shared", "typ", "JWT"),
			f("good").claims("iss", issuerURL("remote"), "sub", "ann"), crypto.SHA256.HashFunc, secret))},
		{name: "a key off its curve", form: asGrant(f("good").about("remote", "kid", "off")), want: invalidGrant},
	})
	for range 30 {
		h.attack(t, attack{form: asGrant(f("good").about("remote", "kid", h.forger("good").jti)), want: invalidGrant})
	}
	if n := p.fetches.Load(); n > 2 {
		t.Errorf("unknown kids made us fetch the keys %d times", n)
	}
	h.attack(t, attack{form: asGrant(f("good").about("remote")), want: granted})
}

// TestHostileKeyRotation: an issuer's new key is found by one fetch, and the one that it has withdrawn is no longer
// good.
func TestHostileKeyRotation(t *testing.T) {
	t.Parallel()
	h := newHostileTown(t, nil)
	for _, name := range []string{"old", "new"} {
		key, err := keys.Generate(keys.ES256)
		if err != nil {
			t.Fatal(err)
		}
		h.keys[name] = key
	}
	set := func(name string) string { return `{"keys":[` + jwk(t, h.keys[name].Public()) + `]}` }
	p := h.publish(t, "rotating", set("old"))
	h.attack(t, attack{form: asGrant(h.forger("old").about("rotating")), want: granted})
	h.attack(t, attack{form: asGrant(h.forger("old").about("rotating")), want: granted})
	p.set.Store(set("new"))
	h.attack(t, attack{form: asGrant(h.forger("new").about("rotating")), want: granted})
	h.attack(t, attack{form: asGrant(h.forger("new").about("rotating")), want: granted})
	h.attack(t, attack{form: asGrant(h.forger("old").about("rotating")), want: invalidGrant})
	h.attack(t, attack{form: asGrant(h.forger("old").about("rotating", "kid", h.keys["new"].ID)), want: invalidGrant})
	if n := p.fetches.Load(); n != 2 {
		t.Errorf("the keys were fetched %d times, want once for each", n)
	}
}

// TestHostileForgetful: a memory that a restart empties takes nothing from before the restart.
func TestHostileForgetful(t *testing.T) {
	t.Parallel()
	h := newHostile(t, func(c *config.Config) { c.Replay = "memory" })
	h.signer("both", keys.ES256)
	now := time.Now().Unix()
	for age, want := range map[int64]verdict{60: invalidClient, 30: invalidClient, 0: granted} {
		f := h.forger("both")
		form := asClient(f.say("iat", now-age, "exp", now+120))
		h.attack(t, attack{form: form, want: want})
		h.attack(t, attack{form: form, want: invalidClient})
	}
	h.race(t, []*hostile{h}, h.vouching(t, "both"), invalidClient)
	h.alive(t)
}
