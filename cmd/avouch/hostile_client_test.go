package main

import (
	"crypto"
	"encoding/base64"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/avouch-oauth/avouch/admin"
	"github.com/avouch-oauth/avouch/assertion"
	"github.com/avouch-oauth/avouch/keys"
)

// basicAuth is an Authorization header as RFC 6749 §2.3.1 has it.
func basicAuth(id, secret string) func(*http.Request) {
	return authorization("Basic " + base64.StdEncoding.EncodeToString([]byte(url.QueryEscape(id)+":"+url.QueryEscape(secret))))
}

func authorization(values ...string) func(*http.Request) {
	return func(r *http.Request) { r.Header["Authorization"] = values }
}

func clientCredentials(more ...string) url.Values {
	return with(url.Values{"grant_type": {grantClientCredentials}}, more...)
}

// vouching is a client assertion and a copy of it, to be sent again afterwards.
func (h *hostile) vouching(t testing.TB, id string) url.Values {
	return asClient(h.assertion(t, id, id, nil))
}

// TestHostileMethods: one method, the one that the client is registered for, and one client (RFC 6749 §2.3, RFC 7521
// §4.2, OpenID Connect Core §9).
func TestHostileMethods(t *testing.T) {
	t.Parallel()
	h := newHostileTown(t, nil)
	next := addresses(1) // wrong secrets are counted by address
	mac := func(alg string, hash crypto.Hash, secret []byte) url.Values {
		f := &forger{h: h, who: "jwt", jti: h.forger("both").jti, now: h.forger("both").now}
		return asClient(f.mac(object("alg", alg, "typ", "JWT"), f.claims(), hash.HashFunc, secret))
	}
	good := func(id string) url.Values { return h.vouching(t, id) }

	t.Run("two at once", func(t *testing.T) {
		basic, post := basicAuth("basic", h.secret["basic"]), []string{"client_id", "post", "client_secret", h.secret["post"]}
		both, other := good("both"), good("both")
		unsigned := clientCredentials("client_assertion_type", assertionType, "client_assertion", encode([]byte(`{"alg":"none"}`))+"."+encode([]byte(`{"iss":"post"}`))+".")
		jwt := mac("HS256", crypto.SHA256, []byte(h.secret["jwt"]))
		h.repel(t, []attack{
			{name: "Basic and a secret", form: clientCredentials(post...), with: basic, want: invalidRequest},
			{name: "Basic and its own secret", form: clientCredentials("client_id", "basic", "client_secret", h.secret["basic"]), with: basic, want: invalidRequest},
			{name: "Basic and an assertion", form: both, with: basic, want: invalidRequest, spared: both},
			{name: "a secret and an assertion", form: with(other, post...), want: invalidRequest, spared: other},
			{name: "a secret and an unsigned assertion", form: with(unsigned, post...), want: invalidRequest}, // CVE-2026-16093
			{name: "Basic and an assertion by secret", form: jwt, with: basic, want: invalidRequest, spared: jwt},
			{name: "all", form: with(good("both"), post...), with: basic, want: invalidRequest},
			{name: "Bearer and an assertion", form: good("both"), with: authorization("Bearer abc"), want: invalidRequest},
			{name: "Basic and an assertion in a grant", form: with(asGrant(h.assertion(t, "both", "alice", nil)), "client_assertion_type", assertionType, "client_assertion", good("both").Get("client_assertion")), with: basic, want: invalidRequest},
			{name: "two headers", form: clientCredentials(), with: authorization("Basic YTpi", "Basic YTpi"), want: invalidRequest},
			{name: "an assertion without its type", form: with(good("both"), "client_assertion_type", ""), want: invalidRequest},
			{name: "a type without its assertion", form: with(good("both"), "client_assertion", ""), want: invalidRequest},
			{name: "a type without its assertion, and a secret", form: with(clientCredentials(post...), "client_assertion_type", assertionType), want: invalidRequest},
			{name: "another type", form: with(with(good("both"), "client_assertion_type", ""), "client_assertion_type", assertionType+"x"), want: invalidClient},
			{name: "SAML", form: with(with(good("both"), "client_assertion_type", ""), "client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:saml2-bearer"), want: invalidClient},
			{name: "the type of SPIFFE", form: with(with(good("both"), "client_assertion_type", ""), "client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-spiffe"), want: invalidClient},
			{name: "a type in capitals", form: with(with(good("both"), "client_assertion_type", ""), "client_assertion_type", strings.ToUpper(assertionType)), want: invalidClient},
		})
	})

	t.Run("downgrade", func(t *testing.T) {
		h.repel(t, []attack{
			{name: "signer without credentials", form: clientCredentials("client_id", "both"), want: invalidClient},
			{name: "signer with a secret", form: clientCredentials("client_id", "both", "client_secret", h.secret["post"]), from: next(), want: invalidClient},
			{name: "signer with Basic", form: clientCredentials(), with: basicAuth("both", h.secret["basic"]), from: next(), want: invalidClient},
			{name: "signer with an empty password", form: clientCredentials(), with: basicAuth("both", ""), want: invalidClient},
			{name: "basic by post", form: clientCredentials("client_id", "basic", "client_secret", h.secret["basic"]), from: next(), want: invalidClient},
			{name: "post by basic", form: clientCredentials(), with: basicAuth("post", h.secret["post"]), from: next(), want: invalidClient},
			{name: "assertion by secret, by post", form: clientCredentials("client_id", "jwt", "client_secret", h.secret["jwt"]), from: next(), want: invalidClient},
			{name: "assertion by secret, by basic", form: clientCredentials(), with: basicAuth("jwt", h.secret["jwt"]), from: next(), want: invalidClient},
			{name: "basic without a secret", form: clientCredentials("client_id", "basic"), want: invalidClient},
			{name: "public with a secret", form: with(asGrant(h.assertion(t, "both", "alice", nil)), "client_id", "public", "client_secret", "guessed"), from: next(), want: invalidClient},
			{name: "public may not", form: clientCredentials("client_id", "public"), want: unauthorizedClient},
			{name: "signer with a certificate in a header", form: clientCredentials("client_id", "both"), want: invalidClient, with: func(r *http.Request) {
				for _, name := range []string{"X-Ssl-Client-Cert", "X-Client-Cert", "Client-Cert", "X-Forwarded-Client-Cert", "X-Ssl-Client-S-Dn", "X-Forwarded-User", "Remote-User"} {
					r.Header.Set(name, "both")
				}
			}},
			{name: "nobody", form: clientCredentials(), want: invalidClient},
			{name: "unknown", form: clientCredentials("client_id", "nobody"), want: invalidClient},
		})
	})

	t.Run("secret of an assertion", func(t *testing.T) {
		secret := []byte(h.secret["jwt"])
		h.want(t, h.send(t, h.request(t, mac("HS256", crypto.SHA256, secret)), ""), granted)
		var attacks []attack
		for name, form := range map[string]url.Values{
			"longer MAC":              mac("HS512", crypto.SHA512, secret),
			"MAC of 384 bits":         mac("HS384", crypto.SHA384, secret),
			"MAC by another name":     mac("HS512", crypto.SHA256, secret),
			"no secret":               mac("HS256", crypto.SHA256, nil),
			"secret is the client id": mac("HS256", crypto.SHA256, []byte("jwt")),
			"secret of another":       mac("HS256", crypto.SHA256, []byte(h.secret["post"])),
			"half a secret":           mac("HS256", crypto.SHA256, secret[:20]),
			"a zero behind it":        mac("HS256", crypto.SHA256, append(secret[:len(secret):len(secret)], 1)),
			"hash of the secret":      mac("HS256", crypto.SHA256, []byte("5e884898da28047151d0e56f8dc6292773603d0d6aabbdd62a11ef721d1542d8")),
			"none":                    mac("none", crypto.SHA256, secret),
			"RS256":                   mac("RS256", crypto.SHA256, secret),
			"ES256":                   mac("ES256", crypto.SHA256, secret),
		} {
			attacks = append(attacks, attack{name: name, form: form, from: next(), want: invalidClient})
		}
		f := h.forger("both")
		attacks = append(attacks,
			attack{name: "signed by a client with keys", form: asClient(f.say("iss", "jwt", "sub", "jwt")), want: invalidClient},
			attack{name: "a grant by secret", form: asGrant(mac("HS256", crypto.SHA256, secret).Get("client_assertion")), want: invalidGrant},
		)
		h.repel(t, attacks)
	})

	t.Run("several clients", func(t *testing.T) {
		a, b, c, d, e := good("both"), good("both"), good("both"), h.assertion(t, "both", "alice", nil), h.assertion(t, "both", "alice", nil)
		post := clientCredentials("client_id", "post", "client_secret", h.secret["post"])
		h.repel(t, []attack{
			{name: "assertion and another client_id", form: with(a, "client_id", "other"), want: invalidClient, spared: a},
			{name: "assertion and an unknown client_id", form: with(b, "client_id", "nobody"), want: invalidClient, spared: b},
			{name: "assertion and the same in capitals", form: with(c, "client_id", "Both"), want: invalidClient, spared: c},
			{name: "assertion and a client named by Basic", form: good("both"), with: basicAuth("other", ""), want: invalidClient},
			{name: "Basic and another client_id", form: clientCredentials("client_id", "post"), with: basicAuth("basic", h.secret["basic"]), from: next(), want: invalidClient},
			{name: "secret of another", form: clientCredentials("client_id", "post", "client_secret", h.secret["basic"]), from: next(), want: invalidClient},
			{name: "secret without client_id", form: with(post, "client_id", ""), want: invalidRequest},
			{name: "grant and another client_id", form: with(asGrant(d), "client_id", "other"), want: invalidGrant, spared: asGrant(d)},
			{name: "grant and another client that proves it", form: with(good("other"), "grant_type", "", "grant_type", grantJWTBearer, "assertion", e), want: invalidGrant, spared: asGrant(e)},
			{name: "iss and sub differ", form: asClient(h.forger("both").say("sub", "other")), want: invalidClient},
			{name: "iss and sub differ, by the other", form: asClient(h.forger("other").say("iss", "both")), want: invalidClient},
		})
	})

	// A grant does not need a client, but one that is there must be right (RFC 7521 §4.1).
	t.Run("beside a grant", func(t *testing.T) {
		grant := h.assertion(t, "both", "alice", nil)
		post := func(secret string) url.Values {
			return with(asGrant(h.assertion(t, "idp", "ann", nil)), "client_id", "post", "client_secret", secret)
		}
		h.repel(t, []attack{
			{name: "a wrong secret", form: post("wrong"), from: next(), want: invalidClient},
			{name: "a wrong Basic", form: asGrant(grant), with: basicAuth("basic", "wrong"), from: next(), want: invalidClient, spared: asGrant(grant)},
			{name: "an unknown scheme", form: asGrant(h.assertion(t, "idp", "ann", nil)), with: authorization("Digest x"), want: invalidClient},
			{name: "a broken assertion", form: with(asGrant(h.assertion(t, "idp", "ann", nil)), "client_assertion_type", assertionType, "client_assertion", "a.b.c"), want: invalidClient},
			{name: "the same JWT twice", form: with(asGrant(grant), "client_assertion_type", assertionType, "client_assertion", grant), want: invalidClient},
		})
		h.want(t, h.send(t, h.request(t, post(h.secret["post"])), ""), granted)
	})

	t.Run("header", func(t *testing.T) {
		encoded := func(s string) string { return "Basic " + base64.StdEncoding.EncodeToString([]byte(s)) }
		secret := h.secret["basic"]
		var attacks []attack
		for name, value := range map[string]string{
			"no credentials": "Basic", "a blank": "Basic ", "empty": "", "not base64": "Basic !!!!", "base64url": "Basic " + base64.URLEncoding.EncodeToString([]byte("basic:\xfb\xff\xfe")),
			"no padding": "Basic " + strings.TrimRight(base64.StdEncoding.EncodeToString([]byte("basic:"+secret+"x")), "=") + "A", "padding in the middle": "Basic YmFz=aWM6eA==", "bits that mean nothing": "Basic YmFzaWM6eB==",
			"no colon": encoded("basic"), "no id": encoded(":" + secret), "a colon": encoded(":"), "an escape that is none": encoded("basic:%zz"), "half an escape": encoded("basic:%4"), "NUL": encoded("basic%00:" + secret),
			"invalid UTF-8": encoded("basic\xff:" + secret), "bytes beyond ASCII": encoded("b\u00e4sic:" + secret), "a control character": encoded("basic:\x1b[2J"), "line ends": encoded("basic:a\r\nb"),
			"encoded twice": encoded(base64.StdEncoding.EncodeToString([]byte("basic:" + secret))), "a blank before the id": encoded(" basic:" + secret), "a blank behind the secret": encoded("basic:" + secret + " "),
			"twenty kilobytes": encoded("basic:" + strings.Repeat("a", 20<<10)), "another scheme": "Bearer " + secret, "a scheme that is none": "Foo x", "Negotiate": "Negotiate YIIC", "two schemes": encoded("basic:"+secret) + ", Bearer x",
			"a comma": encoded("basic:"+secret) + ",", "a tab": "Basic\t" + base64.StdEncoding.EncodeToString([]byte("basic:"+secret)),
		} {
			attacks = append(attacks, attack{name: name, form: clientCredentials(), with: authorization(value), from: next(), want: invalidClient})
		}
		h.repel(t, attacks)
		for _, scheme := range []string{"basic", "BASIC", "bAsIc"} {
			value := strings.Replace(encoded("basic:"+secret), "Basic", scheme, 1)
			h.want(t, h.attack(t, attack{form: clientCredentials(), with: authorization(value), want: granted}), granted)
		}
	})

	// One text, whatever is wrong: nobody can ask which clients exist, or how they authenticate.
	t.Run("one text", func(t *testing.T) {
		off := admin.AddClientInput{ID: "off", GenerateSecret: true}
		off.AuthMethod = "client_secret_post"
		secret := h.add(off).Secret
		if _, err := h.admin.DisableClient(t.Context(), "off"); err != nil {
			t.Fatal(err)
		}
		texts := map[string]string{}
		for name, form := range map[string]url.Values{
			"unknown client": clientCredentials("client_id", "nobody", "client_secret", "x"), "wrong secret": clientCredentials("client_id", "post", "client_secret", "x"),
			"another method": clientCredentials("client_id", "both", "client_secret", "x"), "disabled": clientCredentials("client_id", "off", "client_secret", secret),
			"disabled, wrong secret": clientCredentials("client_id", "off", "client_secret", "x"),
		} {
			got := h.attack(t, attack{form: form, from: next(), want: invalidClient})
			texts[got.told()] += name + ", "
		}
		if len(texts) != 1 {
			t.Errorf("callers can tell the cases apart: %v", texts)
		}
		clear(texts)
		for name, token := range map[string]string{
			"unknown client":  h.forger("both").say("iss", "nobody", "sub", "nobody"),
			"another's key":   h.forger("both").say("iss", "other", "sub", "other"),
			"another method":  h.forger("both").say("iss", "post", "sub", "post"),
			"disabled":        h.forger("both").say("iss", "off", "sub", "off"),
			"wrong signature": h.forger("both").good() + "AAAA",
			"unknown key":     h.forger("both").name("kid", "x"),
		} {
			got := h.attack(t, attack{form: asClient(token), want: invalidClient})
			texts[got.told()] += name + ", "
		}
		if len(texts) != 1 {
			t.Errorf("callers can tell the cases apart: %v", texts)
		}
	})
}

// TestHostileCharacters: ids and secrets travel encoded, and are compared byte for byte (RFC 6749 §2.3.1).
func TestHostileCharacters(t *testing.T) {
	t.Parallel()
	h := newHostileTown(t, nil)
	next := addresses(2)
	secret := "p:%+ =&;/?#\"\\'<>{}|~`^ 0123456789ABCDEF"
	in := admin.AddClientInput{ID: "urn:app:b%2Fc+d", Secret: &admin.SecretInput{Value: []byte(secret)}}
	in.AuthMethod = "client_secret_basic"
	h.add(in)
	h.keep(secret)
	plain := "Basic " + base64.StdEncoding.EncodeToString([]byte(in.ID+":"+secret))
	h.repel(t, []attack{
		{name: "encoded", form: clientCredentials(), with: basicAuth(in.ID, secret), want: granted},
		{name: "not encoded", form: clientCredentials(), with: authorization(plain), from: next(), want: invalidClient},
		{name: "encoded twice", form: clientCredentials(), with: basicAuth(url.QueryEscape(in.ID), url.QueryEscape(secret)), from: next(), want: invalidClient},
		{name: "decoded twice", form: clientCredentials(), with: basicAuth("urn:app:b/c d", secret), from: next(), want: invalidClient},
		{name: "other case", form: clientCredentials(), with: basicAuth(strings.ToUpper(in.ID), secret), from: next(), want: invalidClient},
		{name: "a prefix of the secret", form: clientCredentials(), with: basicAuth(in.ID, secret[:len(secret)-1]), from: next(), want: invalidClient},
		{name: "zero width", form: clientCredentials(), with: basicAuth(in.ID+"\u200b", secret), from: next(), want: invalidClient},
	})
}

// TestHostileAlgorithmOfClient: a client is held to the algorithm that it is registered for.
func TestHostileAlgorithmOfClient(t *testing.T) {
	t.Parallel()
	h := newHostileTown(t, nil)
	for id, alg := range map[string]string{"pinned": "PS256", "narrow": "RS256"} {
		h.signerOf(id, rsaKey(), func(in *admin.AddClientInput) {
			in.AuthAlgorithm = alg
			public := rsaKey().Public()
			public.Algorithm = ""
			set, err := keys.NewSet(public)
			if err != nil {
				t.Fatal(err)
			}
			in.Keys = mustJSON(t, set)
		})
	}
	pss, err := keys.NewPrivate(rsaKey().Signer, keys.PS256)
	if err != nil {
		t.Fatal(err)
	}
	sign := func(id string, key *keys.Private) url.Values {
		signed, err := assertion.Sign(assertion.Claims{Issuer: id, Subject: id, Audience: h.url, IssuedAt: time.Now()}, key)
		if err != nil {
			t.Fatal(err)
		}
		return asClient(signed)
	}
	h.repel(t, []attack{
		{name: "PS256 where it is registered", form: sign("pinned", pss), want: granted},
		{name: "RS256 where PS256 is registered", form: sign("pinned", rsaKey()), want: invalidClient},
		{name: "RS256 where it is registered", form: sign("narrow", rsaKey()), want: granted},
		{name: "PS256 where RS256 is registered", form: sign("narrow", pss), want: invalidClient},
	})
}
