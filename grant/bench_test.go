package grant_test

import (
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/sha256"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/avouch-oauth/avouch/assertion"
)

// BenchmarkJWTBearer exchanges ES256 assertions for ES256 tokens, all in one process and without a network. Beside each
// exchange it does one bare ES256 verification and one bare signature, and reports the ratio of the two times: the
// machine cancels out of it.
func BenchmarkJWTBearer(b *testing.B) {
	s := partner()
	s.start(b)
	handler := s.server.TokenEndpoint()
	tokens := make([]string, b.N)
	for k := range tokens {
		tokens[k] = sign(b, func(c *assertion.Claims) { c.Lifetime = time.Hour })
	}
	bare := bareCrypto(b)
	var ours, raw time.Duration
	b.ReportAllocs()
	b.ResetTimer()
	for k := range b.N {
		begin := time.Now()
		bare()
		middle := time.Now()
		if status := exchange(handler, tokens[k]); status != 200 {
			b.Fatal(status)
		}
		ours += time.Since(middle)
		raw += middle.Sub(begin)
	}
	b.ReportMetric(float64(ours)/float64(raw), "x-crypto")
	b.ReportMetric(float64(ours.Nanoseconds())/float64(b.N), "ns/exchange")
}

// BenchmarkAuthorize is the grant's own part: everything but the spending, the minting and HTTP.
func BenchmarkAuthorize(b *testing.B) {
	s := partner().start(b)
	req, err := s.server.Request(s.form(sign(b)), time.Now())
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := s.grant.Authorize(b.Context(), req); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkRefused is what a stranger's junk costs: an assertion of nobody we know, and one of somebody whose signature
// is wrong.
func BenchmarkRefused(b *testing.B) {
	s := partner().start(b)
	for name, token := range map[string]string{
		"unknown-issuer": sign(b, func(c *assertion.Claims) { c.Issuer = "https://evil.example" }),
		"bad-signature":  flip(sign(b)),
	} {
		req, err := s.server.Request(s.form(token), time.Now())
		if err != nil {
			b.Fatal(err)
		}
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := s.grant.Authorize(b.Context(), req); err == nil {
					b.Fatal("accepted")
				}
			}
		})
	}
}

// bareCrypto returns one verification and one signature of 640 bytes.
func bareCrypto(b *testing.B) func() {
	key, ok := ownKey().Signer.(*ecdsa.PrivateKey)
	if !ok {
		b.Fatalf("a %T", ownKey().Signer)
	}
	message := make([]byte, 640)
	hash := sha256.Sum256(message)
	signature, err := ecdsa.SignASN1(rand.Reader, key, hash[:])
	if err != nil {
		b.Fatal(err)
	}
	return func() {
		hash := sha256.Sum256(message)
		if !ecdsa.VerifyASN1(&key.PublicKey, hash[:], signature) {
			b.Fatal("not verified")
		}
		if _, err := ecdsa.SignASN1(rand.Reader, key, hash[:]); err != nil {
			b.Fatal(err)
		}
	}
}

// exchange calls the token endpoint without a network.
func exchange(handler http.Handler, token string) (status int) {
	body := "grant_type=" + url.QueryEscape("urn:ietf:params:oauth:grant-type:jwt-bearer") + "&assertion=" + token
	r := &http.Request{
		Method: http.MethodPost, URL: &url.URL{Path: "/oauth/token"}, RemoteAddr: "192.0.2.1:1234",
		Header:        http.Header{"Content-Type": {"application/x-www-form-urlencoded"}},
		Body:          io.NopCloser(strings.NewReader(body)),
		ContentLength: int64(len(body)),
	}
	w := &recorder{header: http.Header{}}
	handler.ServeHTTP(w, r)
	return w.status
}

type recorder struct {
	header http.Header
	status int
}

func (w *recorder) Header() http.Header         { return w.header }
func (w *recorder) WriteHeader(status int)      { w.status = status }
func (w *recorder) Write(b []byte) (int, error) { return len(b), nil }

// TestAllocations holds what a grant allocates of its own, the signatures and HTTP apart.
func TestAllocations(t *testing.T) {
	s := partner().start(t)
	req, err := s.server.Request(s.form(sign(t)), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	key := idpKey().Signer.(*ecdsa.PrivateKey)
	hash := sha256.Sum256(nil)
	signature, err := ecdsa.SignASN1(rand.Reader, key, hash[:])
	if err != nil {
		t.Fatal(err)
	}
	crypto := testing.AllocsPerRun(100, func() { ecdsa.VerifyASN1(&key.PublicKey, hash[:], signature) })
	grant := testing.AllocsPerRun(100, func() {
		if _, err := s.grant.Authorize(t.Context(), req); err != nil {
			t.Fatal(err)
		}
	})
	const most = 15
	if own := grant - crypto; own > most {
		t.Errorf("Authorize makes %v allocations of its own (%v with the %v of the signature), more than %d", own, grant, crypto, most)
	} else {
		t.Logf("Authorize makes %v allocations of its own, beside the %v of the signature", own, crypto)
	}
}
