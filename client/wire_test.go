package client_test

import (
	"context"
	"crypto"
	"errors"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/oauth2"

	"github.com/avouch-oauth/avouch/assertion"
	"github.com/avouch-oauth/avouch/client"
	"github.com/avouch-oauth/avouch/keys"
)

func sorted[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

const authNames = "client_assertion client_assertion_type client_id grant_type"

// TestPrivateKeyJWT looks at everything a client sends (RFC 7523 §2.2, RFC 10070 §4), with every kind of key.
func TestPrivateKeyJWT(t *testing.T) {
	for _, alg := range []keys.Algorithm{keys.ES256, keys.ES384, keys.EdDSA, keys.RS256, keys.PS256} {
		t.Run(string(alg), func(t *testing.T) {
			s, key := newAuthServer(t), generate(t, alg)
			me := client.PrivateKeyJWT{
				Issuer: s.issuer, ClientID: "billing batch", Key: key,
				Scopes: []string{"a", "b"}, Resources: []string{"https://x.example", "https://y.example"},
				Params: url.Values{"extra": {"1"}},
			}
			before := time.Now()
			token, err := me.Token(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if token.AccessToken != "at-1" || token.Type() != "Bearer" || token.ExpiresIn != 900 || token.Extra("scope") != "a b" {
				t.Errorf("token is %+v", token)
			}
			if left := token.Expiry.Sub(before); left < 890*time.Second || left > 901*time.Second {
				t.Errorf("the token expires in %v", left)
			}

			sent := s.last()
			if sent.method != "POST" || sent.path != "/token" || sent.query != "" || sent.header.Get("Authorization") != "" ||
				sent.header.Get("Content-Type") != "application/x-www-form-urlencoded" || sent.header.Get("Accept") != "application/json" {
				t.Errorf("sent %+v", sent)
			}
			if got, want := names(sent.form), "client_assertion client_assertion_type client_id extra grant_type resource scope"; got != want {
				t.Errorf("parameters %s, want %s", got, want)
			}
			for name, want := range map[string]string{
				"grant_type": "client_credentials", "client_id": "billing batch", "scope": "a b", "extra": "1",
				"client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
				"resource":              "https://x.example https://y.example",
			} {
				if got := strings.Join(sent.form[name], " "); got != want {
					t.Errorf("%s is %q, want %q", name, got, want)
				}
			}

			header, claims := decode(t, sent.form.Get("client_assertion"))
			if header["typ"] != "client-authentication+jwt" || header["kid"] != key.ID || header["alg"] != string(alg) {
				t.Errorf("header is %v", header)
			}
			if got := names(claims); got != "aud exp iat iss jti sub" {
				t.Errorf("claims are %s", got)
			}
			if claims["aud"] != s.issuer || claims["iss"] != "billing batch" || claims["sub"] != "billing batch" {
				t.Errorf("claims are %v: aud must be the issuer as a string", claims)
			}
			if life := claims["exp"].(float64) - claims["iat"].(float64); life != 60 {
				t.Errorf("lifetime %v s, want 60", life)
			}
			believe(t, sent.form.Get("client_assertion"), key, s.issuer)
		})
	}
}

// opaque is a signer that keeps its key to itself, as a hardware module does.
type opaque struct{ crypto.Signer }

func TestAnySigner(t *testing.T) {
	s := newAuthServer(t)
	key, err := keys.NewPrivate(opaque{generate(t, keys.ES256).Signer}, "")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := (client.PrivateKeyJWT{Issuer: s.issuer, ClientID: "batch", Key: key}).Token(t.Context()); err != nil {
		t.Fatal(err)
	}
	believe(t, s.last().form.Get("client_assertion"), key, s.issuer)
}

// believe has an assertion judged by the strict rules of a server.
func believe(t *testing.T, signed string, key *keys.Private, issuer string) {
	t.Helper()
	checker := assertion.Checker{Purpose: assertion.ClientAuthentication}
	party := func(_ context.Context, u assertion.Unverified) (*assertion.Party, error) {
		return &assertion.Party{
			Name: u.Issuer, Keys: key.PublicKeys(time.Now()),
			Policy: assertion.Policy{
				Audience:    assertion.Audience{Accept: []string{issuer}, StringOnly: true},
				Algorithms:  []keys.Algorithm{key.Algorithm},
				MaxLifetime: time.Minute, RequireID: true,
			},
		}, nil
	}
	if _, _, err := checker.Check(t.Context(), time.Now(), signed, "", assertion.PartyFunc(party)); err != nil {
		t.Errorf("a strict server refuses it: %v", err)
	}
}

func TestSecretJWT(t *testing.T) {
	s := newAuthServer(t)
	me := client.SecretJWT{Issuer: s.issuer, ClientID: "batch", Secret: []byte(strings.Repeat("s", 64)), Algorithm: keys.HS512}
	if _, err := me.Token(t.Context()); err != nil {
		t.Fatal(err)
	}
	sent := s.last()
	if got := names(sent.form); got != authNames {
		t.Errorf("parameters %s", got)
	}
	header, claims := decode(t, sent.form.Get("client_assertion"))
	if header["alg"] != "HS512" || header["typ"] != "client-authentication+jwt" || claims["sub"] != "batch" || claims["aud"] != s.issuer {
		t.Errorf("header %v, claims %v", header, claims)
	}
}

// TestFresh: no two assertions have the same jti, from one configuration or one source.
func TestFresh(t *testing.T) {
	s := newAuthServer(t)
	s.body = `{"access_token":"at","token_type":"Bearer","expires_in":0}`
	me := client.PrivateKeyJWT{Issuer: s.issuer, ClientID: "batch", Key: generate(t, keys.ES256)}
	source := me.TokenSource(t.Context())
	seen := map[any]bool{}
	for range 5 {
		if _, err := me.Token(t.Context()); err != nil {
			t.Fatal(err)
		}
		_, claims := decode(t, s.last().form.Get("client_assertion"))
		seen[claims["jti"]] = true
		if _, err := source.Token(); err != nil {
			t.Fatal(err)
		}
		_, claims = decode(t, s.last().form.Get("client_assertion"))
		seen[claims["jti"]] = true
	}
	if len(seen) != 10 || s.count() != 10 {
		t.Errorf("%d jti in %d requests, want 10 in 10", len(seen), s.count())
	}
}

// TestAudience: the issuer by default, other values by name.
func TestAudience(t *testing.T) {
	s, key := newAuthServer(t), generate(t, keys.ES256)
	for _, c := range []struct {
		audience client.Audience
		want     string
	}{
		{client.AudienceIssuer, s.issuer},
		{client.AudienceTokenEndpoint, s.tokenURL},
		{"https://login.example.com", "https://login.example.com"},
	} {
		for _, tokenURL := range []string{"", s.tokenURL} {
			me := client.PrivateKeyJWT{Issuer: s.issuer, TokenURL: tokenURL, ClientID: "batch", Key: key, Audience: c.audience}
			if _, err := me.Token(t.Context()); err != nil {
				t.Fatal(err)
			}
			if _, claims := decode(t, s.last().form.Get("client_assertion")); claims["aud"] != c.want {
				t.Errorf("Audience %q: aud is %v, want %q", c.audience, claims["aud"], c.want)
			}
		}
	}
}

// TestJWTBearer looks at what the grant sends.
func TestJWTBearer(t *testing.T) {
	s, key := newAuthServer(t), generate(t, keys.ES256)
	own := client.JWTBearer{
		Issuer: s.issuer, Key: key, AssertionIssuer: "shop", Subject: "alice",
		Claims: map[string]any{"tenant": "t1"}, Scopes: []string{"a", "b"}, Lifetime: 5 * time.Minute,
	}
	scopeClaim := own
	scopeClaim.ScopeClaim, scopeClaim.Subject = true, ""
	authenticated := own
	authenticated.ClientAuth = client.PrivateKeyJWT{ClientID: "shop", Key: key}
	given := strings.Repeat("a", 20) + ".bbb.ccc"
	for _, c := range []struct {
		name   string
		grant  client.JWTBearer
		params string
		claims string // of the assertion
	}{
		{"signed here", own, "assertion grant_type scope", "aud exp iat iss jti sub tenant"},
		{"scope as a claim, nobody meant", scopeClaim, "assertion grant_type", "aud exp iat iss jti scope tenant"},
		{"with client authentication", authenticated, "assertion client_assertion client_assertion_type client_id grant_type scope", "aud exp iat iss jti sub tenant"},
		{"ready-made", client.JWTBearer{Issuer: s.issuer, Assertion: func(context.Context) (string, error) { return given, nil }}, "assertion grant_type", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, err := c.grant.Token(t.Context()); err != nil {
				t.Fatal(err)
			}
			sent := s.last()
			if got := names(sent.form); got != c.params {
				t.Errorf("parameters %s, want %s", got, c.params)
			}
			if got := sent.form.Get("grant_type"); got != "urn:ietf:params:oauth:grant-type:jwt-bearer" {
				t.Errorf("grant_type is %q", got)
			}
			if c.claims == "" {
				if got := sent.form.Get("assertion"); got != given {
					t.Errorf("sent %q", got)
				}
				return
			}
			header, claims := decode(t, sent.form.Get("assertion"))
			if got := names(claims); got != c.claims {
				t.Errorf("claims %s, want %s", got, c.claims)
			}
			if header["typ"] != "JWT" || claims["iss"] != "shop" || claims["aud"] != s.issuer || claims["tenant"] != "t1" ||
				claims["exp"].(float64)-claims["iat"].(float64) != 300 {
				t.Errorf("header %v, claims %v", header, claims)
			}
			if c.grant.ClientAuth != nil {
				header, claims := decode(t, sent.form.Get("client_assertion"))
				if header["typ"] != "client-authentication+jwt" || claims["sub"] != "shop" {
					t.Errorf("client assertion: header %v, claims %v", header, claims)
				}
			}
		})
	}
	if len(own.Claims) != 1 {
		t.Errorf("the configuration was changed: %v", own.Claims)
	}
}

// TestAssertionFile: a platform's token is read anew for every request, as it is replaced under our hands.
func TestAssertionFile(t *testing.T) {
	s := newAuthServer(t)
	s.body = `{"access_token":"at","token_type":"Bearer","expires_in":0}`
	dir := t.TempDir()
	path := filepath.Join(dir, "token")
	write := func(text string) {
		t.Helper()
		next := filepath.Join(dir, "next")
		if err := os.WriteFile(next, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(next, path); err != nil {
			t.Fatal(err)
		}
	}
	pod := client.WorkloadIdentity{Issuer: s.issuer, ClientID: "pod", Assertion: client.AssertionFile(path)}
	source := pod.TokenSource(t.Context())
	for _, c := range []struct{ text, want string }{
		{"aaa.bbb.ccc", "aaa.bbb.ccc"},
		{"ddd.eee.fff\n", "ddd.eee.fff"},
		{" \r\nggg.hhh.iii\r\n", "ggg.hhh.iii"},
	} {
		write(c.text)
		if _, err := source.Token(); err != nil {
			t.Fatal(err)
		}
		sent := s.last()
		if got := sent.form.Get("client_assertion"); got != c.want {
			t.Errorf("file %q: sent %q", c.text, got)
		}
		if got := names(sent.form); got != authNames || sent.form.Get("client_id") != "pod" {
			t.Errorf("parameters %s", got)
		}
	}
	before := s.count()
	for name, text := range map[string]string{
		"empty": "", "blank": "\n", "no JWT": "hunter2", "two parts": "a.b", "unsigned": "a.b.", "two tokens": "a.b.c\nd.e.f",
		"an error page": "<html>a.b.c</html>", "huge": strings.Repeat("a", 1<<20) + ".b.c",
	} {
		write(text)
		_, err := pod.Token(t.Context())
		if err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: %v; should name the file", name, err)
		}
		if err != nil && strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: the error shows what is in the file: %v", name, err)
		}
	}
	for _, path := range []string{dir, filepath.Join(dir, "missing"), "/dev/zero"} {
		pod.Assertion = client.AssertionFile(path)
		if _, err := pod.Token(t.Context()); err == nil {
			t.Errorf("%s was read", path)
		}
	}
	if s.count() != before {
		t.Errorf("%d requests were sent without an assertion", s.count()-before)
	}
}

// TestAssertionFunc: the source gets the context of the request, and its error is passed on.
func TestAssertionFunc(t *testing.T) {
	s := newAuthServer(t)
	wrong := errors.New("the metadata service is away")
	_, err := client.JWTBearer{Issuer: s.issuer, Assertion: func(ctx context.Context) (string, error) {
		if _, bounded := ctx.Deadline(); !bounded {
			t.Error("nothing bounds the source's time")
		}
		return "", wrong
	}}.Token(t.Context())
	if !errors.Is(err, wrong) {
		t.Error(err)
	}
	if s.count() != 0 {
		t.Error("a request was sent all the same")
	}
}

// TestConfiguration: what cannot work, or would leak, is refused before anything is sent.
func TestConfiguration(t *testing.T) {
	s, key := newAuthServer(t), generate(t, keys.ES256)
	type tokener = interface {
		Token(context.Context) (*oauth2.Token, error)
	}
	good := client.PrivateKeyJWT{Issuer: s.issuer, ClientID: "batch", Key: key}
	with := func(change func(*client.PrivateKeyJWT)) client.PrivateKeyJWT {
		c := good
		change(&c)
		return c
	}
	grant := client.JWTBearer{Issuer: s.issuer, Key: key, AssertionIssuer: "shop"}
	withGrant := func(change func(*client.JWTBearer)) client.JWTBearer {
		c := grant
		change(&c)
		return c
	}
	given := func(context.Context) (string, error) { return "a.b.c", nil }
	secret := client.SecretJWT{Issuer: s.issuer, ClientID: "batch", Secret: []byte(strings.Repeat("s", 31))}
	for name, c := range map[string]struct {
		tokener
		says string
	}{
		"nothing":                     {client.PrivateKeyJWT{}, "ClientID"},
		"no server":                   {with(func(c *client.PrivateKeyJWT) { c.Issuer = "" }), "neither Issuer nor TokenURL"},
		"plain issuer":                {with(func(c *client.PrivateKeyJWT) { c.Issuer = "http://as.example.com" }), "https"},
		"plain token endpoint":        {with(func(c *client.PrivateKeyJWT) { c.TokenURL = "http://as.example.com/token" }), "https"},
		"loopback by name only":       {with(func(c *client.PrivateKeyJWT) { c.TokenURL = "http://localhost.example.com/token" }), "https"},
		"user in the URL":             {with(func(c *client.PrivateKeyJWT) { c.TokenURL = "https://u:hunter2@as.example.com/token" }), "user"},
		"fragment":                    {with(func(c *client.PrivateKeyJWT) { c.TokenURL = "https://as.example.com/token#x" }), "fragment"},
		"query in the issuer":         {with(func(c *client.PrivateKeyJWT) { c.Issuer += "?x=y" }), "query"},
		"no audience":                 {with(func(c *client.PrivateKeyJWT) { c.Issuer, c.TokenURL = "", s.tokenURL }), "Audience"},
		"no key":                      {with(func(c *client.PrivateKeyJWT) { c.Key = nil }), "Key"},
		"no time":                     {with(func(c *client.PrivateKeyJWT) { c.Lifetime = time.Second }), "Lifetime"},
		"negative time":               {with(func(c *client.PrivateKeyJWT) { c.Lifetime = -time.Minute }), "Lifetime"},
		"parameter of ours":           {with(func(c *client.PrivateKeyJWT) { c.Params = url.Values{"client_assertion": {"x"}} }), "client_assertion"},
		"secret beside an assertion":  {with(func(c *client.PrivateKeyJWT) { c.Params = url.Values{"client_secret": {"hunter2"}} }), "client_secret"},
		"weak secret":                 {secret, "31 bytes"},
		"secret for a public key alg": {client.SecretJWT{Issuer: s.issuer, ClientID: "b", Secret: make([]byte, 64), Algorithm: keys.RS256}, "RS256"},
		"no assertion source":         {client.WorkloadIdentity{Issuer: s.issuer}, "Assertion"},
		"neither key nor assertion":   {withGrant(func(g *client.JWTBearer) { g.Key = nil }), "neither"},
		"key and assertion":           {withGrant(func(g *client.JWTBearer) { g.Assertion = given }), "one or the other"},
		"subject of a given one":      {client.JWTBearer{Issuer: s.issuer, Assertion: given, Subject: "alice"}, "one or the other"},
		"nobody vouches":              {withGrant(func(g *client.JWTBearer) { g.AssertionIssuer = "" }), "AssertionIssuer"},
		"a claim with a field":        {withGrant(func(g *client.JWTBearer) { g.Claims = map[string]any{"sub": "root"} }), "sub"},
		"scope twice":                 {withGrant(func(g *client.JWTBearer) { g.ScopeClaim = true; g.Claims = map[string]any{"scope": "x"} }), "scope"},
		"client without a key":        {withGrant(func(g *client.JWTBearer) { g.ClientAuth = client.PrivateKeyJWT{ClientID: "x"} }), "Key"},
		"scopes in the wrong place":   {withGrant(func(g *client.JWTBearer) { g.ClientAuth = good }), "belong to the grant"},
		"client without an audience": {client.JWTBearer{TokenURL: s.tokenURL, Assertion: given,
			ClientAuth: client.PrivateKeyJWT{ClientID: "x", Key: key}}, "Audience"},
	} {
		_, err := c.Token(t.Context())
		if err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v; should speak of %s", name, err, c.says)
		}
		if err != nil && strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: the error shows a secret: %v", name, err)
		}
	}
	if s.count() != 0 {
		t.Errorf("%d requests were sent", s.count())
	}
}
