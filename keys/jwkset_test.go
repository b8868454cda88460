package keys

import (
	"crypto/elliptic"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"testing"
	"time"
)

// A set as Google, Entra and others publish them, and what RFC 7517 §5 says of members that nobody understands.
func TestParseSet(t *testing.T) {
	doc := setOf(t,
		with(t, ES256, map[string]any{"kid": "es", "use": "sig", "issuer": "https://a.example", "unknown": map[string]any{"x": []int{1}}}),
		with(t, RS256, map[string]any{"kid": "rs", "use": nil, "alg": nil, "x5t": "dGh1bWI=", "x5t#S256": "dGh1bWI"}),
		with(t, EdDSA, map[string]any{"kid": "ed", "alg": "Ed25519", "key_ops": []string{"verify"}}),
		with(t, ES384, map[string]any{"kid": "svid", "use": "jwt-svid", "alg": nil}),
		with(t, RS256, map[string]any{"kid": "enc", "use": "enc", "alg": "RSA-OAEP"}),
		with(t, ES512, map[string]any{"kid": nil}),
		map[string]any{"kty": "AKP", "kid": "future", "alg": "ML-DSA-44", "pub": "AAAA"},
	)
	s, err := ParseSet(doc)
	if err != nil {
		t.Fatal(err)
	}
	if got := kids(s.Keys()); got != "es rs ed svid enc " {
		t.Errorf("kids are %q", got)
	}
	if len(s.Skipped()) != 1 {
		t.Errorf("skipped: %v", s.Skipped())
	}
	contains(t, errors.Join(s.Skipped()...), `member 7 of the set (kid "future") is left out: kty "AKP"`)
	for i, want := range []Public{
		{ID: "es", Algorithm: ES256, Use: "sig"},
		{ID: "rs", X5T: "dGh1bWI", X5TS256: "dGh1bWI"},
		{ID: "ed", Algorithm: EdDSA, Use: "sig", Operations: []string{"verify"}},
		{ID: "svid", Use: "jwt-svid"},
		{ID: "enc", Algorithm: "RSA-OAEP", Use: "enc"},
		{Algorithm: ES512, Use: "sig"},
	} {
		got := *s.Keys()[i]
		got.Key = nil
		if fmt.Sprintf("%#v", got) != fmt.Sprintf("%#v", want) {
			t.Errorf("key %d is %#v, want %#v", i, got, want)
		}
	}
	for i, alg := range []Algorithm{ES256, RS256, EdDSA, ES384, "", ES512} {
		if alg != "" && s.Keys()[i].Fits(alg, noon) != nil {
			t.Error(s.Keys()[i].Fits(alg, noon))
		}
	}
	if s.Keys()[4].Fits(RS256, noon) == nil {
		t.Error("a key for encryption verifies")
	}

	// What we write of it is read alike.
	again, err := s.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	s2, err := ParseSet(again)
	if err != nil || len(s2.Skipped()) != 0 || len(s2.Keys()) != 6 {
		t.Fatal(err, s2.Skipped())
	}
	for i, p := range s2.Keys() {
		if was := s.Keys()[i]; p.Thumbprint() != was.Thumbprint() || p.ID != was.ID || p.Algorithm != was.Algorithm || p.Use != was.Use ||
			!slices.Equal(p.Operations, was.Operations) || p.X5T != was.X5T || p.X5TS256 != was.X5TS256 {
			t.Errorf("%v comes back as %v", was, p)
		}
	}
}

// Members that are left out, beside one that is used.
func TestParseSetSkips(t *testing.T) {
	x384, y384 := ecPoint(t, elliptic.P384())
	x224, y224 := ecPoint(t, elliptic.P224())
	n := func(bits int) string { return b64(oddOf(bits).Bytes()) }
	private, err := pair(ES256).MarshalJWK()
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name    string
		member  any
		want    string
		private bool
	}{
		{"a number", 1, "not a JSON object", false},
		{"null", nil, "not a JSON object", false},
		{"a set within the set", map[string]any{"keys": []any{}}, "kty is missing", false},
		{"nothing", map[string]any{}, "kty is missing", false},
		{"kty is a number", with(t, ES256, map[string]any{"kty": 1}), "kty", false},
		{"kty is in capitals", with(t, RS256, map[string]any{"kty": "rsa"}), `kty "rsa"`, false},
		{"kid is a number", with(t, ES256, map[string]any{"kid": 1}), "kid is not a string", false},
		{"kid is long", with(t, ES256, map[string]any{"kid": strings.Repeat("x", 513)}), "kid has 513 bytes", false},
		{"use is an array", with(t, ES256, map[string]any{"use": []string{"sig"}}), "use is not a string", false},
		{"alg is a number", with(t, ES256, map[string]any{"alg": 1}), "alg is not a string", false},
		{"key_ops is a string", with(t, ES256, map[string]any{"key_ops": "verify"}), "key_ops", false},
		{"key_ops is empty", with(t, ES256, map[string]any{"key_ops": []string{}}), "key_ops", false},
		{"key_ops holds a number", with(t, ES256, map[string]any{"key_ops": []any{"verify", 1}}), "key_ops", false},

		{"symmetric", map[string]any{"kty": "oct", "k": strings.Repeat("A", 43)}, "symmetric", true},
		{"symmetric without k", map[string]any{"kty": "oct"}, "symmetric", true},
		{"k in an EC key", with(t, ES256, map[string]any{"k": "AAAA"}), `"k"`, true},
		{"private EC", json.RawMessage(private), `"d"`, true},
		{"d is null", with(t, ES256, map[string]any{"d": json.RawMessage("null")}), `"d"`, true},
		{"p only", with(t, RS256, map[string]any{"p": "AAAA"}), `"p"`, true},
		{"oth", with(t, RS256, map[string]any{"oth": []any{}}), `"oth"`, true},

		{"e is 1", with(t, RS256, map[string]any{"e": "AQ"}), "exponent 1", false},
		{"e is even", with(t, RS256, map[string]any{"e": "AQAA"}), "exponent 65536", false},
		{"e is 0", with(t, RS256, map[string]any{"e": "AA"}), "exponent 0", false},
		{"e is empty", with(t, RS256, map[string]any{"e": ""}), "e is missing", false},
		{"e is missing", with(t, RS256, map[string]any{"e": nil}), "e is missing", false},
		{"e is a number", with(t, RS256, map[string]any{"e": 65537}), "e is missing or not a string", false},
		{"e of 32 bits", with(t, RS256, map[string]any{"e": "_____w"}), "31 bits", false},
		{"e of a megabyte", with(t, RS256, map[string]any{"e": strings.Repeat("A", 500_000)}), "e is too long", false},
		{"n of 1024 bits", with(t, RS256, map[string]any{"n": n(1024)}), "1024 bits", false},
		{"n of 2047 bits", with(t, RS256, map[string]any{"n": n(2047)}), "2047 bits", false},
		{"n of 4097 bits", with(t, RS256, map[string]any{"n": n(4097)}), "4097 bits", false},
		{"n of 16 kbit", with(t, RS256, map[string]any{"n": n(16384)}), "n is too long", false},
		{"n is even", with(t, RS256, map[string]any{"n": b64(new(big.Int).Lsh(big.NewInt(1), 2047).Bytes())}), "even", false},
		{"n is missing", with(t, RS256, map[string]any{"n": nil}), "n is missing", false},
		{"n is padded", with(t, RS256, map[string]any{"n": n(2048) + "=="}), "n is not base64url", false},
		{"n in the other alphabet", with(t, RS256, map[string]any{"n": "+" + n(2048)[1:]}), "n is not base64url", false},
		{"n with a line break", with(t, RS256, map[string]any{"n": n(2048)[:64] + "\n" + n(2048)[64:]}), "n is not base64url", false},

		{"crv is unknown", with(t, ES256, map[string]any{"crv": "secp256k1"}), `crv "secp256k1"`, false},
		{"crv is missing", with(t, ES256, map[string]any{"crv": nil}), `crv ""`, false},
		{"crv of another curve", with(t, ES256, map[string]any{"crv": "P-384"}), "32 bytes, and 48", false},
		{"P-224", map[string]any{"kty": "EC", "crv": "P-224", "x": x224, "y": y224}, `crv "P-224"`, false},
		{"the point of another curve", map[string]any{"kty": "EC", "crv": "P-256", "x": x384[:43], "y": y384[:43]}, "", false},
		{"off the curve", with(t, ES256, map[string]any{"x": b64(make([]byte, 32)), "y": b64(make([]byte, 32))}), "not a point", false},
		{"x and y swapped", with(t, ES256, map[string]any{"x": jwkOf(t, pair(ES256).Public())["y"], "y": jwkOf(t, pair(ES256).Public())["x"]}), "not a point", false},
		{"x and y too large", with(t, ES256, map[string]any{"x": strings.Repeat("_", 42) + "8", "y": strings.Repeat("_", 42) + "8"}), "not a point", false},
		{"x is short", with(t, ES256, map[string]any{"x": b64(make([]byte, 31))}), "31 bytes, and 32", false},
		{"x is long", with(t, ES256, map[string]any{"x": b64(make([]byte, 33))}), "x is too long", false},
		{"y is missing", with(t, ES256, map[string]any{"y": nil}), "y is missing", false},
		{"unused bits in x", with(t, ES256, map[string]any{"x": strings.Repeat("A", 42) + "B"}), "x is not base64url", false},

		{"Ed448", with(t, EdDSA, map[string]any{"crv": "Ed448"}), "not Ed25519", false},
		{"X25519", with(t, EdDSA, map[string]any{"crv": "X25519"}), "not Ed25519", false},
		{"Ed25519 of 31 bytes", with(t, EdDSA, map[string]any{"x": b64(make([]byte, 31))}), "31 bytes", false},
		{"Ed25519 as EC", with(t, EdDSA, map[string]any{"kty": "EC"}), `crv "Ed25519"`, false},
		{"Ed25519 of small order", with(t, EdDSA, map[string]any{"x": b64(make([]byte, 32))}), "small order", false},

		{"x5c is a string", with(t, ES256, map[string]any{"x5c": "MII"}), "x5c", false},
		{"x5c is empty", with(t, ES256, map[string]any{"x5c": []string{}}), "x5c", false},
		{"x5c is base64url", with(t, ES256, map[string]any{"x5c": []string{"_-_-"}}), "x5c is not base64", false},
	} {
		s, err := ParseSet(setOf(t, test.member, with(t, RS256, map[string]any{"kid": "good"})))
		if err != nil {
			t.Errorf("%s: %v", test.name, err)
			continue
		}
		if got := kids(s.Keys()); got != "good" {
			t.Errorf("%s: the set has %q", test.name, got)
		}
		skipped := errors.Join(s.Skipped()...)
		contains(t, skipped, test.want)
		contains(t, skipped, "member 1 of the set")
		if errors.Is(skipped, ErrPrivate) != test.private {
			t.Errorf("%s: %v", test.name, skipped)
		}
	}
}

func TestParseSetRefuses(t *testing.T) {
	one := text(t, with(t, ES256, nil))
	for name, test := range map[string]struct {
		doc  []byte
		want string
	}{
		"nothing": {nil, "an object"}, "HTML": {[]byte("<html>"), "an object"}, "null": {[]byte("null"), "an object"}, "an array": {append(append([]byte("["), one...), ']'), "an object"},
		"a key": {one, `no array "keys"`}, "keys is an object": {[]byte(`{"keys":{}}`), "no array"}, "keys is null": {[]byte(`{"keys":null}`), "no array"},
		"KEYS": {[]byte(`{"KEYS":[]}`), "no array"}, "keys twice": {[]byte(`{"keys":[],"keys":[]}`), `"keys" is given twice`},
		"text after it": {append(setOf(t), 'x'), "after the end"}, "cut off": {setOf(t)[:8], "too early"},
		"kid twice": {[]byte(`{"keys":[{"kty":"EC","kid":"a","kid":"b"}]}`), `"kid" is given twice`},
		"not UTF-8": {[]byte("{\"keys\":[],\"a\":\"\xff\"}"), "UTF-8"},
		"deep":      {[]byte(`{"keys":` + strings.Repeat("[", 100_000)), "too deeply"},
		"101 keys":  {setOf(t, slices.Repeat([]any{map[string]any{}}, 101)...), "more than 100 keys"},
		"100,000":   {setOf(t, slices.Repeat([]any{1}, 100_000)...), "more than 100 keys"},
		"1 MiB":     {append(setOf(t), make([]byte, 1<<20)...), "1048576 are the limit"},
	} {
		s, err := ParseSet(test.doc)
		if s != nil {
			t.Errorf("%s: it returns a set", name)
		}
		contains(t, err, test.want)
	}
	if s, err := ParseSet(setOf(t)); err != nil || len(s.Keys()) != 0 {
		t.Errorf("an empty set: %v", err)
	}
	if s, err := ParseSet(setOf(t, slices.Repeat([]any{with(t, ES256, nil)}, 100)...)); err != nil || len(s.Keys()) != 100 {
		t.Errorf("100 keys: %v", err)
	}
}

// The leading zero that Java's BigInteger writes does not make another key.
func TestLeadingZeroOfN(t *testing.T) {
	n, err := base64.RawURLEncoding.DecodeString(with(t, RS256, nil)["n"].(string))
	if err != nil {
		t.Fatal(err)
	}
	s, err := ParseSet(setOf(t, with(t, RS256, map[string]any{"n": b64(append([]byte{0}, n...))})))
	if err != nil || len(s.Keys()) != 1 || s.Keys()[0].Thumbprint() != pair(RS256).ID {
		t.Errorf("%v, %v", err, s.Skipped())
	}
}

func TestCertificateInJWK(t *testing.T) {
	cert := certify(t, "a", pair(ES256).Signer, nil, nil)
	other := certify(t, "b", pair(RS256).Signer, nil, nil)
	x5t, x5tS256 := certificateThumbprints(cert)
	chain := func(der ...[]byte) []string {
		var out []string
		for _, d := range der {
			out = append(out, base64.StdEncoding.EncodeToString(d))
		}
		return out
	}
	s, err := ParseSet(setOf(t,
		with(t, ES256, map[string]any{"kid": "found", "x5c": chain(cert.Raw, other.Raw)}),
		with(t, ES256, map[string]any{"kid": "given", "x5c": chain(cert.Raw), "x5t": "own", "x5t#S256": "OWN"}),
		with(t, ES256, map[string]any{"kid": "odd", "x5c": chain([]byte("no certificate that Go can read"))}),
		with(t, ES256, map[string]any{"kid": "wrong", "x5c": chain(other.Raw)}),
	))
	if err != nil {
		t.Fatal(err)
	}
	if kids(s.Keys()) != "found given odd" || len(s.Skipped()) != 1 {
		t.Errorf("%q, %v", kids(s.Keys()), s.Skipped())
	}
	contains(t, errors.Join(s.Skipped()...), "of another key")
	for i, want := range [][2]string{{x5t, x5tS256}, {"own", "OWN"}, {}} {
		if p := s.Keys()[i]; p.X5T != want[0] || p.X5TS256 != want[1] {
			t.Errorf("%s has %s and %s", p.ID, p.X5T, p.X5TS256)
		}
		if p := s.Keys()[i]; !p.NotAfter.IsZero() { // identity providers let such certificates expire, and go on signing
			t.Errorf("%s ends with its certificate", p.ID)
		}
	}
}

// The largest set that is read takes a bearable time.
func TestWorstSetStaysCheap(t *testing.T) {
	member := with(t, RS256, map[string]any{"n": b64(oddOf(4096).Bytes()), "pad": strings.Repeat(`\"`, 2000)})
	doc := setOf(t, slices.Repeat([]any{member}, 100)...)
	best := time.Hour
	for range 10 { // a machine with other work gets it right once
		start := time.Now()
		if _, err := ParseSet(doc); err != nil {
			t.Fatal(err)
		}
		if best = min(best, time.Since(start)); best <= 5*time.Second {
			return
		}
	}
	t.Errorf("%d bytes took %v", len(doc), best)
}
