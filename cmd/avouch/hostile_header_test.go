package main

import (
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"math/big"
	"net"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/avouch-oauth/avouch/keys"
)

// TestHostileHeader: a header names the key by an id that is looked up among the keys of the party, and nothing in it
// is a key, an address, or an order (RFC 8725 §3.8, §3.10 to §3.12).
func TestHostileHeader(t *testing.T) {
	t.Parallel()
	h := newHostileTown(t, nil)
	stranger, err := keys.Generate(keys.ES256)
	if err != nil {
		t.Fatal(err)
	}
	h.keys["stranger"] = stranger
	trap := newTrap(t)

	byStranger := func(changes ...any) func(f *forger) string {
		return func(f *forger) string {
			input := encode([]byte(f.header(changes...))) + "." + encode([]byte(f.claims()))
			return input + "." + encode(f.h.signature("stranger", input))
		}
	}
	publicJWK, err := keys.NewSet(stranger.Public())
	if err != nil {
		t.Fatal(err)
	}
	set := string(mustJSON(t, publicJWK))
	jwk := raw(strings.TrimSuffix(strings.TrimPrefix(set, `{"keys":[`), "]}"))
	chain := []string{selfSigned(t, stranger)}

	t.Run("keys in the token", func(t *testing.T) {
		var all []forgery
		for name, changes := range map[string][]any{
			"jwk":                     {"jwk", jwk},
			"jwk and no kid":          {"jwk", jwk, "kid", gone},
			"jwk and its kid":         {"jwk", jwk, "kid", stranger.ID},
			"jwk as text":             {"jwk", string(jwk), "kid", gone},
			"JWK set":                 {"jwks", raw(set), "kid", stranger.ID},
			"x5c":                     {"x5c", chain, "kid", gone},
			"x5c and its kid":         {"x5c", chain, "kid", stranger.ID},
			"x5t of the token's own":  {"x5c", chain, "x5t#S256", strings.Repeat("A", 43), "kid", gone},
			"JWK set behind jku":      {"jku", "http://" + trap.address + "/keys", "kid", stranger.ID},
			"jku without kid":         {"jku", "http://" + trap.address + "/keys", "kid", gone},
			"jku over TLS":            {"jku", "https://" + trap.address + "/keys", "kid", gone},
			"jku by name":             {"jku", "http://localhost:" + trap.port + "/", "kid", gone},
			"jku of a cloud":          {"jku", "http://169.254.169.254/latest/meta-data/iam/", "kid", gone},
			"jku of a file":           {"jku", "file:///etc/passwd", "kid", gone},
			"x5u":                     {"x5u", "http://" + trap.address + "/chain.pem", "kid", gone},
			"all of them":             {"jwk", jwk, "jku", "http://" + trap.address, "x5u", "http://" + trap.address, "kid", gone},
			"kid that is an address":  {"kid", "http://" + trap.address + "/keys"},
			"no kid, a stranger":      {"kid", gone},
			"the kid of other's key":  {"kid", h.keys["other"].ID},
			"the kid of issuer's key": {"kid", "k1"},
		} {
			all = append(all, forgery{name: name, make: byStranger(changes...)})
		}
		h.forge(t, "both", notVerified, all)
	})

	t.Run("issuer is an address", func(t *testing.T) {
		for _, url := range []string{"http://" + trap.address, "https://" + trap.address, "http://localhost:" + trap.port + "/.well-known/openid-configuration"} {
			h.forge(t, "both", notVerified, []forgery{{name: url, make: func(f *forger) string {
				input := encode([]byte(f.header())) + "." + encode([]byte(f.claims("iss", url, "sub", url)))
				return input + "." + encode(f.h.signature("stranger", input))
			}}})
		}
	})

	t.Run("kid", func(t *testing.T) {
		h.forge(t, "both", notVerified, slices.Concat(
			each("kid", []string{
				"' OR '1'='1", `" OR ""="`, "1; DROP TABLE clients--", "../../../../etc/passwd", "/dev/null", `C:\keys\a.pem`, "|id", "$(id)", "`id`", "%00", "\x00",
				"a\r\nSet-Cookie: b=c", "\x1b[2J\x1b]0;owned\a", "${jndi:ldap://" + trap.address + "/a}", "*)(uid=*", "file:///etc/passwd",
				"\u202e\u200b", strings.Repeat("k", 257), strings.Repeat("k", 2900), h.keys["both"].ID + " ", h.keys["both"].ID[:42], strings.ToLower(h.keys["both"].ID),
			}, func(f *forger, kid string) string { return f.name("kid", kid) }),
			each("kid of another type", []raw{"null", "1", "true", "{}", "[]", quotedList(h.keys["both"].ID)},
				func(f *forger, kid raw) string { return f.name("kid", kid) }),
		))
	})

	t.Run("critical", func(t *testing.T) {
		h.forge(t, "both", notVerified, slices.Concat(
			each("crit", []raw{
				`["bork"]`, `["cnf"]`, `["exp"]`, `["alg"]`, `["b64"]`, `["http://openbanking.org.uk/iat"]`, `[]`, `""`, `"exp"`, `null`, `{}`, `1`, `[1]`, `["exp","exp"]`, `[["exp"]]`, `true`,
			}, func(f *forger, crit raw) string { return f.name("crit", crit, "exp", f.now+120, "bork", true) }),
			each("b64", []raw{"false", "true", "null", `"false"`}, func(f *forger, b64 raw) string { return f.name("b64", b64) }),
			[]forgery{
				{name: "an unencoded payload", make: func(f *forger) string {
					input := encode([]byte(f.header("b64", false, "crit", raw(`["b64"]`)))) + "." + f.claims()
					return input + "." + encode(f.signature(input))
				}},
				{name: "crit twice", make: func(f *forger) string {
					return f.signed(member(f.header("crit", raw(`[]`)), `"crit":["bork"]`), f.claims())
				}},
			},
			each("header of encryption", []string{"zip", "enc"}, func(f *forger, name string) string { return f.name(name, "DEF") }),
			each("nested", []string{"JWT", "jwt", "application/JWT"}, func(f *forger, cty string) string {
				return f.signed(f.header("cty", cty), quoted(f.good()))
			}),
			[]forgery{
				{name: "a JWT as payload", make: func(f *forger) string {
					input := encode([]byte(f.header())) + "." + encode([]byte(f.good()))
					return input + "." + encode(f.signature(input))
				}},
				{name: "a good token says the same, and cty", make: func(f *forger) string { return f.name("cty", "JWT") }},
			},
		))
	})

	t.Run("type", func(t *testing.T) {
		h.forge(t, "both", notVerified, slices.Concat(
			each("typ", []string{
				"at+jwt", "AT+JWT", "application/at+jwt", "Application/At+Jwt", "dpop+jwt", "logout+jwt", "secevent+jwt", "oauth-authz-req+jwt",
				"oauth-client-attestation+jwt", "oauth-client-attestation-pop+jwt", "token-introspection+jwt", "wit+jwt", "JOSE", "JOSE+JSON",
				"JWT ", " JWT", "J\u0057T\u200b", "application/", "text/JWT", strings.Repeat("JWT", 900),
			}, func(f *forger, typ string) string { return f.name("typ", typ) }),
			each("typ of another type", []raw{"null", "1", "[]", `["JWT"]`, "{}"}, func(f *forger, typ raw) string { return f.name("typ", typ) }),
		))
		// What a client assertion may be called, a grant may not (RFC 10070 §4).
		client := []string{"client-authentication+jwt", "Client-Authentication+JWT", "application/client-authentication+jwt"}
		for _, typ := range client {
			h.forge(t, "both", "", []forgery{{name: typ, make: func(f *forger) string { return f.name("typ", typ) }, client: granted}})
		}
		for _, typ := range []any{"JWT", "jwt", "application/JWT", "Application/jwt", gone} {
			h.want(t, h.send(t, h.request(t, asClient(h.forger("both").name("typ", typ))), ""), granted)
			h.want(t, h.send(t, h.request(t, asGrant(h.forger("both").name("typ", typ))), ""), granted)
		}
	})

	// What is not used as a key does no harm beside a good signature: nobody reads it, and nobody goes there.
	t.Run("unread", func(t *testing.T) {
		for name, changes := range map[string][]any{
			"jku":              {"jku", "http://" + trap.address + "/keys"},
			"x5u":              {"x5u", "https://" + trap.address + "/chain.pem"},
			"jwk":              {"jwk", jwk},
			"x5c":              {"x5c", chain},
			"claims of others": {"iss", "other", "sub", "alice", "aud", "https://evil.example.com", "exp", 1},
			"cty of text":      {"cty", "text/plain"},
		} {
			t.Run(name, func(t *testing.T) {
				f := h.forger("both")
				got := h.send(t, h.request(t, asClient(f.name(changes...))), "")
				h.want(t, got, granted)
				if caller := h.whoAmI(t, got); caller["sub"] != "both" || caller["client_id"] != "both" {
					t.Errorf("the token is for %v", caller)
				}
			})
		}
	})

	if n := trap.calls.Load(); n > 0 {
		t.Errorf("the server followed an address in a token, %d times", n)
	}
}

func quotedList(s string) raw { return raw("[" + quoted(s) + "]") }

// trap is a listener that nobody must connect to.
type trap struct {
	address, port string
	calls         atomic.Int64
}

func newTrap(t *testing.T) *trap {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	trap := &trap{address: l.Addr().String()}
	if _, trap.port, err = net.SplitHostPort(trap.address); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			trap.calls.Add(1)
			conn.Close()
		}
	}()
	t.Cleanup(func() {
		l.Close()
		<-ended
	})
	return trap
}

// selfSigned is a certificate of a key, as x5c has it.
func selfSigned(t *testing.T, key *keys.Private) string {
	t.Helper()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "both"}, DNSNames: []string{"both"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Signer.Public(), key.Signer)
	if err != nil {
		t.Fatal(err)
	}
	return base64.StdEncoding.EncodeToString(der)
}
