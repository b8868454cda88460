package assertion

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/asn1"
	"math/big"
	"testing"
	"time"

	"github.com/avouch-oauth/avouch/internal/jose"
	"github.com/avouch-oauth/avouch/keys"
)

// rawVerify is the signature check alone, by the standard library: what no checker can do without.
func rawVerify(b *testing.B, key *keys.Private, token string) func() {
	b.Helper()
	c, err := jose.Parse(token, MaxSize)
	if err != nil {
		b.Fatal(err)
	}
	input, signature := []byte(c.SigningInput), c.Signature
	must := func(ok bool) {
		if !ok {
			b.Fatal("the signature does not hold")
		}
	}
	switch public := key.Signer.Public().(type) {
	case *ecdsa.PublicKey:
		der, err := asn1.Marshal(struct{ R, S *big.Int }{new(big.Int).SetBytes(signature[:32]), new(big.Int).SetBytes(signature[32:])})
		if err != nil {
			b.Fatal(err)
		}
		return func() { sum := sha256.Sum256(input); must(ecdsa.VerifyASN1(public, sum[:], der)) }
	case *rsa.PublicKey:
		return func() {
			sum := sha256.Sum256(input)
			must(rsa.VerifyPKCS1v15(public, crypto.SHA256, sum[:], signature) == nil)
		}
	case ed25519.PublicKey:
		return func() { must(ed25519.Verify(public, input, signature)) }
	}
	b.Fatal("no such key")
	return nil
}

// BenchmarkCheck runs the whole list on a usual assertion, with a fourth key to choose from. "over-us" and "x-raw" are
// against raw crypto in the same run, taken turn by turn; of each the lowest, which other load on the machine leaves
// alone.
func BenchmarkCheck(b *testing.B) {
	for _, alg := range []keys.Algorithm{keys.ES256, keys.EdDSA, keys.RS256} {
		b.Run(string(alg), func(b *testing.B) {
			key := pair(alg)
			set := setOf(b, key.Public(), other().Public(), other().Public(), other().Public())
			party := &Party{Name: idp, Keys: set, Policy: Policy{Audience: Audience{Accept: []string{us, us + "/oauth/token"}}}}
			c := &Checker{Purpose: Grant}
			from := PartyFunc(func(context.Context, Unverified) (*Party, error) { return party, nil })
			token, err := Sign(Claims{Issuer: idp, Subject: "alice", Audience: us, IssuedAt: now, More: map[string]any{"scope": "read write"}}, key)
			if err != nil {
				b.Fatal(err)
			}
			raw := rawVerify(b, key, token)
			check := func() {
				if _, _, err := c.Check(background, now, token, "", from); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportAllocs()
			rawTime, checkTime := time.Hour, time.Hour
			for b.Loop() {
				start := time.Now()
				raw()
				middle := time.Now()
				check()
				end := time.Now()
				rawTime = min(rawTime, middle.Sub(start))
				checkTime = min(checkTime, end.Sub(middle))
			}
			b.ReportMetric(float64((checkTime-rawTime).Nanoseconds())/1e3, "over-us")
			b.ReportMetric(float64(checkTime)/float64(rawTime), "x-raw")
			b.ReportMetric(testing.AllocsPerRun(100, check)-testing.AllocsPerRun(100, raw), "over-allocs")
		})
	}
}

// BenchmarkRefuse is what a stranger without a key can make us do.
func BenchmarkRefuse(b *testing.B) {
	w := newWorld(b)
	for name, token := range map[string]string{
		"unknown issuer": claim("iss", "https://nobody.example")(b, w),
		"unknown kid":    header("kid", "nobody's")(b, w),
		"16 KiB of dots": dots(MaxSize),
		"bad signature":  func() string { s := named(b, w); return s[:len(s)-4] + "AAAA" }(),
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, _, err := w.Check(background, now, token, "", w.find); err == nil {
					b.Fatal("accepted")
				}
			}
		})
	}
}

func dots(n int) string {
	s := make([]byte, n)
	for i := range s {
		s[i] = "a."[i&1]
	}
	return string(s)
}

func BenchmarkSign(b *testing.B) {
	for _, alg := range []keys.Algorithm{keys.ES256, keys.EdDSA} {
		b.Run(string(alg), func(b *testing.B) {
			key := pair(alg)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Sign(Claims{Issuer: "c", Subject: "c", Audience: us}, key); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
