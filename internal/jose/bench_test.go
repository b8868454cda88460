package jose

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"testing"
	"time"
)

const (
	benchHeader = `{"typ":"client-authentication+jwt","alg":"ALGXX","kid":"NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"}`
	benchClaims = `{"iss":"billing-batch","sub":"billing-batch","aud":"https://as.example.com","jti":"0190b3c2-7d1a-7cc0-b8a5-3f1e2d4c5b6a",` +
		`"iat":1763000000,"nbf":1763000000,"exp":1763000060,"scope":"invoices:read invoices:write"}`
)

func benchToken(b testing.TB, alg string, signer crypto.Signer) string {
	token, err := AppendSigned(nil, []byte(benchHeader[:42]+alg+benchHeader[47:]), []byte(benchClaims), alg, signer)
	if err != nil {
		b.Fatal(err)
	}
	return string(token)
}

// rawVerify is the cryptography alone.
func rawVerify(key crypto.PublicKey, input, signature []byte) bool {
	digest := sha256.Sum256(input)
	switch key := key.(type) {
	case *ecdsa.PublicKey:
		return ecdsa.VerifyASN1(key, digest[:], signature)
	case *rsa.PublicKey:
		return rsa.VerifyPKCS1v15(key, crypto.SHA256, digest[:], signature) == nil
	case ed25519.PublicKey:
		return ed25519.Verify(key, input, signature)
	}
	return false
}

func rawSign(signer crypto.Signer, input []byte) error {
	digest := sha256.Sum256(input)
	var err error
	if _, ok := signer.(ed25519.PrivateKey); ok {
		_, err = signer.Sign(rand.Reader, input, crypto.Hash(0))
	} else {
		_, err = signer.Sign(rand.Reader, digest[:], crypto.SHA256)
	}
	return err
}

// rounds runs ours and raw in turns, a few at a time, so that a busy machine slows both. Of the rounds of each it takes
// the best, and reports what ours costs over raw, and the ratio.
func rounds(b *testing.B, ours, raw func() bool) {
	const each = 8
	once := func(f func() bool) time.Duration {
		start := time.Now()
		for range each {
			if !f() {
				b.Fatal("it fails")
			}
		}
		return time.Since(start)
	}
	b.ReportAllocs()
	bestOurs, bestRaw := time.Hour, time.Hour
	for i := 0; i < b.N; i += 2 * each {
		bestOurs, bestRaw = min(bestOurs, once(ours)), min(bestRaw, once(raw))
	}
	b.ReportMetric(float64(bestOurs)/each, "ns/op")
	b.ReportMetric(float64(bestOurs-bestRaw)/each, "over-raw-ns")
	b.ReportMetric(float64(bestOurs)/float64(bestRaw), "x-raw")
	b.ReportMetric(allocs(ours)-allocs(raw), "over-raw-allocs")
}

func allocs(f func() bool) float64 { return testing.AllocsPerRun(20, func() { f() }) }

// verifyPair returns what the server does with a token, and the cryptography of it alone.
func verifyPair(t testing.TB, alg string, signer crypto.Signer) (ours, raw func() bool) {
	token, key := benchToken(t, alg, signer), signer.Public()
	c, err := Parse(token, limit)
	if err != nil {
		t.Fatal(err)
	}
	signature := c.Signature
	if alg == "ES256" {
		signature, _ = appendDER(nil, signature, 32)
	}
	input := []byte(c.SigningInput)
	return func() bool {
		c, err := Parse(token, limit)
		return err == nil && Verify(c.Header.Algorithm, key, c.SigningInput, c.Signature) == nil
	}, func() bool { return rawVerify(key, input, signature) }
}

func BenchmarkVerify(b *testing.B) {
	keys := signers(b)
	for _, alg := range []string{"ES256", "EdDSA", "RS256"} {
		b.Run(alg, func(b *testing.B) {
			ours, raw := verifyPair(b, alg, keys[alg])
			rounds(b, ours, raw)
		})
	}
}

func BenchmarkSign(b *testing.B) {
	keys := signers(b)
	for _, alg := range []string{"ES256", "EdDSA", "RS256"} {
		header, claims := []byte(benchHeader), []byte(benchClaims)
		input := []byte(benchToken(b, alg, keys[alg]))
		b.Run(alg, func(b *testing.B) {
			rounds(b, func() bool {
				_, err := AppendSigned(make([]byte, 0, 1024), header, claims, alg, keys[alg])
				return err == nil
			}, func() bool { return rawSign(keys[alg], input) == nil })
		})
	}
}

func BenchmarkParse(b *testing.B) {
	token := benchToken(b, "ES256", signers(b)["ES256"])
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Parse(token, limit); err != nil {
			b.Fatal(err)
		}
	}
}

// The garbage that one verification makes, beyond that of the cryptography.
func TestVerifyMakesLittleGarbage(t *testing.T) {
	keys := signers(t)
	for _, alg := range []string{"ES256", "EdDSA", "RS256"} {
		ours, raw := verifyPair(t, alg, keys[alg])
		if n := allocs(ours) - allocs(raw); n > 5 {
			t.Errorf("%s: %v allocations", alg, n)
		}
	}
}
