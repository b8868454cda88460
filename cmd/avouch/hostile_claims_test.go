package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/avouch-oauth/avouch/assertion"
	"github.com/avouch-oauth/avouch/cmd/avouch/internal/config"
)

// TestHostileClaims: claims are what they must be, of the type they must have, and compared byte for byte (RFC 7523 §3,
// RFC 10070 §4, RFC 7519 §4.1).
func TestHostileClaims(t *testing.T) {
	t.Parallel()
	h := newHostileTown(t, func(c *config.Config) { c.Log.Format = "text" })
	say := func(name string) func(f *forger, v any) string {
		return func(f *forger, v any) string { return f.say(name, v) }
	}
	host := strings.TrimPrefix(h.url, "http://")

	t.Run("aud", func(t *testing.T) {
		list := func(values ...string) raw { return raw(mustJSON(t, values)) }
		h.forge(t, "both", "", each("aud", []any{
			gone, "", " ", raw("null"), raw("1"), raw("true"), raw("{}"), raw("[]"), raw("[null]"), raw("[1]"), raw("[{}]"), raw(`[["` + h.url + `"]]`), raw(`{"` + h.url + `":true}`),
			list(""), list(h.url, "https://evil.example.com"), list("https://evil.example.com", h.url), list(h.url, h.url), list(h.url, h.url+tokenPath), list(slices.Repeat([]string{h.url}, 500)...),
			h.url + "/", h.url + ".evil.example.com", h.url + "@evil.example.com", "http://evil@" + host, "https://" + host, "HTTP://" + host, "//" + host, host, h.url[:len(h.url)-1], h.url + "0",
			h.url + " ", " " + h.url, h.url + "\n", h.url + "\x00", h.url + "?", h.url + "#", h.url + "/.", h.url + "//oauth/token", "*", h.url + "," + h.url,
			h.url + "/%6fauth/token", h.url + tokenPath + "/", h.url + "/OAuth/Token", h.url + jwksPath, h.url + whoAmIPath, h.url + "/.well-known/oauth-authorization-server", "both",
			strings.Replace(h.url, "127.0.0.1", "localhost", 1), strings.Replace(h.url, "127.0.0.1", "127.1", 1), strings.Replace(h.url, "127.0.0.1", "2130706433", 1), strings.Replace(h.url, "127.0.0.1", "127.0.0.01", 1),
		}, say("aud")))
		// A grant may name the token endpoint; a client assertion that does could have been asked for by another server
		// (CVE-2025-27370).
		for _, endpoint := range []any{h.url + tokenPath, list(h.url + tokenPath)} {
			h.forge(t, "both", "", []forgery{{name: "the token endpoint", make: func(f *forger) string { return f.say("aud", endpoint) }, grant: granted}})
		}
		h.accept(t, "aud as a list of one", "aud", list(h.url))
	})

	t.Run("iss", func(t *testing.T) {
		h.forge(t, "both", "", each("iss", []any{
			gone, "", " ", raw("null"), raw("1"), raw("true"), raw("{}"), raw("[]"), raw(`["both"]`), raw(`["other","both"]`), raw(`{"both":1}`),
			"other", "nobody", "bot", "both2", "Both", "BOTH", "both ", " both", "both\n", "both\x00", "both/", "./both", "%62oth", "bo\u200bth", "b\u043eth", "both\u202e", "bo\u0074\u0308h",
			h.url, issuerURL("idp"), issuerURL("idp") + "/", "https://idp.example.com.evil.example.com", "https://idp.example.com@evil.example.com", "https://idp.example.com%2eevil.example.com",
			"HTTPS://IDP.EXAMPLE.COM", "https://idp.example.com:443", "https://idp.example.com/../", "https://idp.example.com?x", "https://idp.example.com#x", "https://u:p@idp.example.com", `https:\\idp.example.com`, "https://[fe80::1%25eth0]", strings.Repeat("i", 9000),
		}, func(f *forger, v any) string { return f.say("iss", v, "sub", v) }))
	})

	t.Run("sub", func(t *testing.T) {
		h.forge(t, "both", "", each("sub", []any{
			gone, "", " ", "\t\n", raw("null"), raw("1"), raw("true"), raw("{}"), raw(`["both"]`),
			"other", "bob", "Both", "both ", "both\x00", "both\n", "bo\u200bth", "alice ", "ALICE", "alice\x00", "*", "alice*", "alic?", ".*", "alice|bob", "idp/ann", "../both", strings.Repeat("s", 9000),
		}, say("sub")))
		// alice may be spoken for, and is no client.
		h.forge(t, "both", "", []forgery{{name: "alice", make: func(f *forger) string { return f.say("sub", "alice") }, grant: granted}})
	})

	t.Run("times", func(t *testing.T) {
		type times []any
		all := func(f *forger) map[string]times {
			n := f.now
			return map[string]times{
				"no exp": {"exp", gone}, "neither exp nor iat": {"exp", gone, "iat", gone}, "exp as text": {"exp", fmt.Sprint(n + 60)}, "exp true": {"exp", true}, "exp null": {"exp", raw("null")},
				"exp in a list": {"exp", raw("[9999999999]")}, "exp as object": {"exp", raw("{}")}, "exp as a date": {"exp", "2099-01-01T00:00:00Z"},
				"expired": {"exp", n - 11, "iat", n - 60}, "expired for minutes": {"exp", n - 301, "iat", n - 400}, "exp in milliseconds": {"exp", (n + 60) * 1000}, "exp in microseconds": {"exp", (n + 60) * 1e6},
				"exp zero": {"exp", 0}, "exp minus one": {"exp", -1}, "exp minus zero": {"exp", raw("-0")}, "exp in ten years": {"exp", n + 10*365*86400}, "exp in two hours": {"exp", n + 7200},
				"exp 2^63": {"exp", raw("9223372036854775808")}, "exp 2^63-1": {"exp", raw("9223372036854775807")}, "exp -2^63": {"exp", raw("-9223372036854775808")}, "exp 2^64": {"exp", raw("18446744073709551616")},
				"exp 1e400": {"exp", raw("1e400")}, "exp 1E-400": {"exp", raw("1E-400")}, "exp 1e308": {"exp", raw("1e308")}, "exp 1e20": {"exp", raw("100000000000000000000")}, "exp of 60 digits": {"exp", raw(strings.Repeat("9", 60))},
				"exp of 3000 digits": {"exp", raw(strings.Repeat("9", 3000))}, "exp of 3000 decimals": {"exp", raw(fmt.Sprint(n+60) + "." + strings.Repeat("0", 3000))},
				"nbf ahead": {"nbf", n + 61}, "nbf far ahead": {"nbf", n + 1e9}, "nbf as text": {"nbf", fmt.Sprint(n - 60)}, "nbf null": {"nbf", raw("null")}, "nbf in milliseconds": {"nbf", n * 1000}, "nbf 1e400": {"nbf", raw("1e400")},
				"iat ahead": {"iat", n + 61}, "iat as text": {"iat", fmt.Sprint(n)}, "iat null": {"iat", raw("null")}, "iat in milliseconds": {"iat", n * 1000}, "iat two days ago": {"iat", n - 2*86400}, "iat zero": {"iat", 0}, "iat -1e300": {"iat", raw("-1e300")},
				"iat in a list": {"iat", raw("[1]")}, "exp before iat": {"exp", n - 30, "iat", n - 20},
			}
		}
		var bad []forgery
		for _, name := range slices.Sorted(maps.Keys(all(h.forger("both")))) {
			bad = append(bad, forgery{name: name, make: func(f *forger) string { return f.say(all(f)[name]...) }})
		}
		h.forge(t, "both", "", bad)
	})

	t.Run("jti", func(t *testing.T) {
		h.forge(t, "both", "", each("jti", []any{"", raw("null"), raw("1"), raw("true"), raw("[]"), raw(`["a"]`), raw("{}"), strings.Repeat("j", 257), strings.Repeat("\u00e4", 129), strings.Repeat("j", 9000)}, say("jti")))
		h.forge(t, "both", "", []forgery{{name: "no jti", make: func(f *forger) string { return f.say("jti", gone) }, grant: granted}})
	})

	t.Run("accepted", func(t *testing.T) {
		n := h.forger("both").now
		h.accept(t, "exp with a fraction", "exp", raw(fmt.Sprintf("%d.5", n+60)))
		h.accept(t, "exp with an exponent", "exp", raw(fmt.Sprintf("%d.%de+9", (n+60)/1e9, (n+60)%1e9)))
		h.accept(t, "a moment after its exp", "exp", n-3, "iat", n-60)
		h.accept(t, "iat a moment ahead", "iat", n+8)
		h.accept(t, "nbf a moment ahead", "nbf", n+8)
		h.accept(t, "no iat", "iat", gone)
		t.Run("jti of 256 bytes", func(t *testing.T) {
			for _, in := range []func(string) url.Values{asClient, asGrant} {
				f := h.forger("both")
				h.want(t, h.send(t, h.request(t, in(f.say("jti", strings.Repeat("j", 230)+f.jti[:22]+"\u00e4\u00e4"))), ""), granted)
			}
		})
		many := []any{}
		for i := range 50 {
			many = append(many, fmt.Sprintf("claim %d", i), raw(`{"a":[1,{"b":null}],"c":"\ud83d\ude00"}`))
		}
		h.accept(t, "fifty unknown claims", many...)
	})

	// Nothing of an assertion gets into the token but what a rule says of it.
	t.Run("smuggling", func(t *testing.T) {
		more := []any{
			"scope", "orders:write admin", "scp", []string{"admin"}, "roles", []string{"admin"}, "groups", []string{"admin"}, "client_id", "other", "azp", "other", "cnf", map[string]string{"jkt": "x"},
			"act", map[string]string{"sub": "other"}, "may_act", map[string]string{"sub": "other"}, "entitlements", "all", "email", "root@example.com", "amr", []string{"mfa"}, "acr", "high", "auth_time", 1, "permissions", "*",
		}
		for place, form := range map[string]func(*forger) string{
			"client": func(f *forger) string { return asClient(f.say(more...)).Encode() },
			"grant":  func(f *forger) string { return asGrant(f.say(append(more, "sub", "alice")...)).Encode() },
		} {
			f := h.forger("both")
			req := h.request(t, nil)
			setBody(req, form(f))
			got := h.send(t, req, "")
			h.want(t, got, granted)
			if got.body["scope"] != nil {
				t.Errorf("%s: scope %q, and none was asked for", place, got.body["scope"])
			}
			_, claims := opened(t, got)
			names := slices.Sorted(maps.Keys(claims))
			if want := []string{"aud", "avouch_origin", "client_id", "exp", "iat", "iss", "jti", "sub"}; !slices.Equal(names, want) {
				t.Errorf("%s: the token has the claims %q", place, names)
			}
			if claims["client_id"] != "both" || claims["iss"] != h.url || claims["aud"] != h.url {
				t.Errorf("%s: the token has %v", place, claims)
			}
		}
	})

	// Keys belong to the issuer that published them, and subjects too (RFC 8725 §3.8).
	t.Run("issuers", func(t *testing.T) {
		subjects := map[string]bool{}
		for _, name := range []string{"idp", "twin"} {
			got := h.send(t, h.request(t, asGrant(h.assertion(t, name, "ann", nil))), "")
			h.want(t, got, granted)
			subject, _ := h.whoAmI(t, got)["sub"].(string)
			subjects[subject] = true
		}
		if len(subjects) != 2 {
			t.Errorf("ann of two issuers is the same person: %v", subjects)
		}
		var attacks []attack
		for _, by := range []string{"idp", "twin", "both"} {
			for _, claimed := range []string{issuerURL("idp"), issuerURL("twin"), "both", "other"} {
				subject := "ann"
				if claimed == "both" || claimed == "other" {
					subject = "alice"
				}
				if claimed == by || claimed == issuerURL(by) {
					continue
				}
				attacks = append(attacks, attack{
					name: by + " signs for " + claimed, want: invalidGrant,
					form: asGrant(h.assertion(t, by, subject, func(c *assertion.Claims) { c.Issuer = claimed })),
				})
			}
		}
		for _, subject := range []string{"bob", "ANN", "ann ", "twin/ann", "idp/ann", "both", "a*", "ann\n"} {
			attacks = append(attacks, attack{name: "idp vouches for " + quoted(subject), want: invalidGrant, form: asGrant(h.assertion(t, "idp", subject, nil))})
		}
		h.repel(t, attacks)
	})
}

// accept sends a good JWT with changed claims as both, and it must be good.
func (h *hostile) accept(t *testing.T, name string, changes ...any) {
	t.Run(name, func(t *testing.T) {
		h.want(t, h.send(t, h.request(t, asClient(h.forger("both").say(changes...))), ""), granted)
		h.want(t, h.send(t, h.request(t, asGrant(h.forger("both").say(changes...))), ""), granted)
	})
}

// opened reads a granted token without looking at its signature.
func opened(t testing.TB, got answer) (header, claims map[string]any) {
	t.Helper()
	token, _ := got.body["access_token"].(string)
	if strings.Count(token, ".") != 2 {
		t.Fatalf("no token in %s", got.text)
	}
	a, b, _ := parts(token)
	for text, into := range map[string]*map[string]any{a: &header, b: &claims} {
		if err := json.Unmarshal(decoded(t, text), into); err != nil {
			t.Fatal(err)
		}
	}
	return header, claims
}
