package keys

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"errors"
	"fmt"
	"math/big"
	"strings"
	"testing"
	"time"
)

var noon = time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)

func TestFind(t *testing.T) {
	es, es2, rs, ed := pair(ES256).Public().Key, mustGenerate(t, ES256), pair(RS256).Public().Key, pair(EdDSA).Public().Key
	plain := mustSet(t,
		Public{ID: "a", Key: es},
		Public{ID: "b", Key: rs},
		Public{ID: "twice", Key: es},
		Public{ID: "twice", Key: es2},
		Public{ID: "enc", Key: rs, Use: "enc"},
		Public{ID: "ps", Key: rs, Algorithm: PS256},
		Public{ID: "old", Key: ed, NotAfter: noon.Add(-time.Hour)},
		Public{Key: ed},
	)
	certified := mustSet(t,
		Public{ID: "a", Key: es, X5T: "one", X5TS256: "ONE"},
		Public{ID: "b", Key: es2, X5T: "two", X5TS256: "TWO"},
		Public{ID: "c", Key: rs},
	)
	nameless := mustSet(t, Public{Key: es}, Public{Key: rs})
	for _, test := range []struct {
		set  *Set
		hint Hint
		want string // kids; "" is ErrNoKey
		says string
	}{
		{plain, Hint{ID: "a", Algorithm: ES256}, "a", ""},
		{plain, Hint{ID: "a", Algorithm: RS256}, "a", ""}, // does not fit, and Fits says why
		{plain, Hint{ID: "enc", Algorithm: RS256}, "enc", ""},
		{plain, Hint{ID: "twice", Algorithm: ES256}, "twice twice", ""},
		{plain, Hint{ID: "A", Algorithm: ES256}, "", `kid is "A", known are the kids "a" "b"`},
		{plain, Hint{ID: "a ", Algorithm: ES256}, "", ""},
		{plain, Hint{ID: "' OR 1=1--", Algorithm: ES256}, "", `kid is "' OR 1=1--"`},
		{plain, Hint{ID: "../../etc/passwd\x00", Algorithm: ES256}, "", `passwd\x00`},
		{plain, Hint{ID: strings.Repeat("x", 64<<10), Algorithm: ES256}, "", "xxx"},

		{plain, Hint{Algorithm: ES256}, "a twice twice", ""},
		{plain, Hint{Algorithm: RS256}, "b", ""}, // neither enc nor ps
		{plain, Hint{Algorithm: PS256}, "b ps", ""},
		{plain, Hint{Algorithm: EdDSA}, " ", ""}, // the one without kid; the old one is past
		{plain, Hint{Algorithm: "Ed25519"}, " ", ""},
		{plain, Hint{Algorithm: ES384}, "", `of 8 keys none fits "ES384"`},
		{plain, Hint{Algorithm: HS256}, "", "none fits"},
		{plain, Hint{}, "", "none fits"},
		{plain, Hint{Algorithm: "none"}, "", "none fits"},

		{plain, Hint{X5T: "one", Algorithm: ES256}, "a twice twice", ""}, // none of these keys has a certificate
		{certified, Hint{X5T: "two", Algorithm: ES256}, "b", ""},
		{certified, Hint{X5TS256: "TWO", Algorithm: ES256}, "b", ""},
		{certified, Hint{X5TS256: "ONE", X5T: "two", Algorithm: ES256}, "a", ""}, // the better hash decides
		{certified, Hint{ID: "c", X5T: "two", Algorithm: ES256}, "c", ""},        // the kid decides
		{certified, Hint{ID: "x", X5T: "two", Algorithm: ES256}, "b", ""},
		{certified, Hint{X5TS256: "x", X5T: "two", Algorithm: ES256}, "b", ""},
		{certified, Hint{X5T: "x", Algorithm: RS256}, "", `x5t is "x"`},
		{certified, Hint{X5TS256: "two", Algorithm: ES256}, "", `x5t#S256 is "two"`},
		{certified, Hint{ID: "x", X5T: "x", X5TS256: "x", Algorithm: ES256}, "", `kid is "x"`},

		{nameless, Hint{ID: "x", Algorithm: RS256}, " ", ""}, // none of these keys has a kid
		{nameless, Hint{ID: "x", Algorithm: EdDSA}, "", "none fits"},
		{&Set{}, Hint{ID: "a", Algorithm: ES256}, "", "the set has no keys"},
		{nil, Hint{Algorithm: ES256}, "", "the set has no keys"},
	} {
		found, err := test.set.Find(t.Context(), test.hint, noon)
		if test.want == "" {
			if !errors.Is(err, ErrNoKey) || found != nil {
				t.Errorf("%.100v: %v, %v", test.hint, kids(found), err)
				continue
			}
			contains(t, err, test.says)
			continue
		}
		if got := kids(found); err != nil || got != strings.TrimSpace(test.want) || len(found) == 0 {
			t.Errorf("%v: %q, %v, want %q", test.hint, got, err, test.want)
		}
	}
}

func mustGenerate(t testing.TB, alg Algorithm) any {
	t.Helper()
	k, err := Generate(alg)
	if err != nil {
		t.Fatal(err)
	}
	return k.Signer.Public()
}

// A token must not make us try a hundred keys.
func TestFindGivesFiveKeysAtTheMost(t *testing.T) {
	var many, same []Public
	for i := range 100 {
		p := pair(ES256).Public()
		p.ID = fmt.Sprint(i)
		many = append(many, p)
		p.ID = "same"
		if i < 94 {
			p.Use = "enc"
		}
		same = append(same, p)
	}
	for _, test := range []struct {
		set  *Set
		hint Hint
		want int
	}{
		{mustSet(t, many...), Hint{Algorithm: ES256}, 5},
		{mustSet(t, same...), Hint{ID: "same", Algorithm: ES256}, 5},
		{mustSet(t, same...), Hint{ID: "same", Algorithm: RS256}, 5},
	} {
		found, err := test.set.Find(t.Context(), test.hint, noon)
		if err != nil || len(found) != test.want {
			t.Errorf("%v: %d keys, %v", test.hint, len(found), err)
		}
		if test.hint == (Hint{ID: "same", Algorithm: ES256}) && found[0].Fits(ES256, noon) != nil {
			t.Error("keys that do not fit push those out that do")
		}
	}
}

func TestFindByKidMakesNoGarbage(t *testing.T) {
	s, h := mustSet(t, pair(ES256).Public(), pair(RS256).Public()), Hint{ID: pair(RS256).ID, Algorithm: RS256}
	var source Source = s
	if n := testing.AllocsPerRun(100, func() {
		if _, err := source.Find(t.Context(), h, noon); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestFits(t *testing.T) {
	es, rs, ed := pair(ES256).Public().Key, pair(RS256).Public().Key, pair(EdDSA).Public().Key
	for _, test := range []struct {
		p    Public
		alg  Algorithm
		want string // "" fits
	}{
		{Public{Key: es}, ES256, ""}, {Public{Key: es}, ES384, "key on P-256"}, {Public{Key: es}, ES512, "P-256"}, {Public{Key: es}, RS256, "P-256"},
		{Public{Key: pair(ES384).Public().Key}, ES384, ""}, {Public{Key: pair(ES384).Public().Key}, ES256, "P-384"},
		{Public{Key: pair(ES512).Public().Key}, ES512, ""}, {Public{Key: pair(ES512).Public().Key}, ES384, "P-521"},
		{Public{Key: rs}, RS256, ""}, {Public{Key: rs}, RS384, ""}, {Public{Key: rs}, RS512, ""}, {Public{Key: rs}, PS256, ""}, {Public{Key: rs}, PS512, ""},
		{Public{Key: rs}, ES256, "RSA key of 2048 bits"}, {Public{Key: rs}, EdDSA, "RSA"},
		{Public{Key: ed}, EdDSA, ""}, {Public{Key: ed}, "Ed25519", ""}, {Public{Key: ed}, "Ed448", "Ed25519"}, {Public{Key: ed}, ES256, "Ed25519"},
		// A public key is no secret, and no signature is no signature.
		{Public{Key: es}, HS256, "does not use"}, {Public{Key: rs}, HS256, "does not use"}, {Public{Key: ed}, HS512, "does not use"},
		{Public{Key: rs}, "none", "does not use"}, {Public{Key: rs}, "", "does not use"}, {Public{Key: rs}, "rs256", "does not use"}, {Public{Key: rs}, "RS256 ", "does not use"},
		{Public{Key: []byte("secret")}, HS256, "[]uint8"}, {Public{}, ES256, "<nil>"}, {Public{Key: (*rsa.PublicKey)(nil)}, ES256, "*rsa.PublicKey"},
		// One key, one algorithm (RFC 8725 §3.1).
		{Public{Key: rs, Algorithm: RS256}, RS256, ""}, {Public{Key: rs, Algorithm: RS256}, PS256, "for RS256 only, not for PS256"},
		{Public{Key: rs, Algorithm: RS256}, RS512, "RS256 only"}, {Public{Key: ed, Algorithm: "Ed25519"}, EdDSA, ""}, {Public{Key: ed, Algorithm: EdDSA}, "Ed25519", ""},
		{Public{Key: rs, Algorithm: "RSA-OAEP"}, RS256, "RSA-OAEP only"}, {Public{Key: es, Algorithm: "ES521"}, ES256, "ES521 only"},
		// RFC 7517 §4.2 and §4.3
		{Public{Key: es, Use: "sig"}, ES256, ""}, {Public{Key: es, Use: "jwt-svid"}, ES256, ""}, {Public{Key: es, Use: "enc"}, ES256, `"enc"`},
		{Public{Key: es, Use: "SIG"}, ES256, `"SIG"`}, {Public{Key: es, Use: "x509-svid"}, ES256, "x509-svid"},
		{Public{Key: es, Operations: []string{"verify"}}, ES256, ""}, {Public{Key: es, Operations: []string{"sign", "verify"}}, ES256, ""},
		{Public{Key: es, Operations: []string{"encrypt"}}, ES256, "key_ops"}, {Public{Key: es, Operations: []string{"sign"}}, ES256, "key_ops"},
		{Public{Key: es, Operations: []string{"Verify"}}, ES256, "key_ops"}, {Public{Key: es, Operations: []string{}}, ES256, ""},
		{Public{Key: es, Use: "sig", Operations: []string{"encrypt"}}, ES256, "key_ops"},
		// Times
		{Public{Key: es, NotBefore: noon, NotAfter: noon}, ES256, ""},
		{Public{Key: es, NotBefore: noon.Add(1)}, ES256, "not valid before 2026-06-01T12:00:00Z"},
		{Public{Key: es, NotAfter: noon.Add(-1)}, ES256, "not valid after 2026-06-01T11:59:59Z"},
		{Public{Key: es, NotAfter: noon.Add(1)}, ES256, ""},
	} {
		err := test.p.Fits(test.alg, noon)
		if test.want == "" {
			if err != nil {
				t.Errorf("%v, %q: %v", test.p, test.alg, err)
			}
			continue
		}
		contains(t, err, test.want)
	}
}

func TestNewSetRefuses(t *testing.T) {
	good := pair(ES256).Public()
	offCurve := &ecdsa.PublicKey{Curve: elliptic.P256(), X: big.NewInt(1), Y: big.NewInt(1)} //nolint:staticcheck // there is no other way to make one
	for name, key := range map[string]any{
		"nothing": nil, "a secret": []byte("secret"), "a private key": pair(ES256).Signer, "a value": *pair(RS256).Public().Key.(*rsa.PublicKey),
		"RSA of 1024 bits": &rsa.PublicKey{N: oddOf(1024), E: 65537}, "RSA of 2047 bits": &rsa.PublicKey{N: oddOf(2047), E: 65537},
		"RSA of 4097 bits": &rsa.PublicKey{N: oddOf(4097), E: 65537}, "RSA without modulus": &rsa.PublicKey{E: 3}, "no RSA": (*rsa.PublicKey)(nil),
		"e is 1": &rsa.PublicKey{N: oddOf(2048), E: 1}, "e is 2": &rsa.PublicKey{N: oddOf(2048), E: 2}, "e is 0": &rsa.PublicKey{N: oddOf(2048)},
		"e is negative": &rsa.PublicKey{N: oddOf(2048), E: -3}, "even modulus": &rsa.PublicKey{N: new(big.Int).Lsh(big.NewInt(1), 2047), E: 3},
		"Ed25519 of 31 bytes": make(ed25519.PublicKey, 31), "no Ed25519": ed25519.PublicKey(nil),
		"off its curve": offCurve, "P-224": &ecdsa.PublicKey{Curve: elliptic.P224()},
		"no curve": &ecdsa.PublicKey{}, "no EC": (*ecdsa.PublicKey)(nil),
	} {
		s, err := NewSet(good, Public{ID: "bad", Key: key})
		if err == nil || s != nil {
			t.Errorf("%s: accepted", name)
			continue
		}
		contains(t, err, `key 2 (kid "bad")`)
	}
}

// A set does not change when what it was made of does.
func TestSetIsItsOwn(t *testing.T) {
	list := []Public{{ID: "a", Key: pair(ES256).Public().Key, Operations: []string{"verify"}}}
	s := mustSet(t, list...)
	list[0].ID, list[0].Use, list[0].Operations[0] = "b", "enc", "encrypt"
	found, err := s.Find(t.Context(), Hint{ID: "a"}, noon)
	if err != nil || found[0].Fits(ES256, noon) != nil {
		t.Error(err)
	}
}

func BenchmarkFindByKid(b *testing.B) {
	var list []Public
	for i := range 8 {
		p := pair(ES256).Public()
		p.ID = strings.Repeat("x", 42) + fmt.Sprint(i)
		list = append(list, p)
	}
	s, h := mustSet(b, list...), Hint{ID: list[5].ID, Algorithm: ES256}
	b.ReportAllocs()
	for b.Loop() {
		found, err := s.Find(b.Context(), h, noon)
		if err != nil || found[0].Fits(ES256, noon) != nil {
			b.Fatal(err)
		}
	}
}
