package avouch_test

import (
	"crypto/sha256"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/avouch-oauth/avouch"
	"github.com/avouch-oauth/avouch/assertion"
	"github.com/avouch-oauth/avouch/clientauth"
	"github.com/avouch-oauth/avouch/grant"
	"github.com/avouch-oauth/avouch/keys"
	"github.com/avouch-oauth/avouch/replay"
	"github.com/avouch-oauth/avouch/token"
)

// null is a ResponseWriter that costs nothing.
type null struct {
	header http.Header
	status int
}

func (n *null) Header() http.Header         { return n.header }
func (n *null) Write(p []byte) (int, error) { return len(p), nil }
func (n *null) WriteHeader(status int)      { n.status = status }

// BenchmarkClientCredentials is a whole request in process, without net/http's own work: with a shared secret and a
// minter that does nothing it is the pipeline alone.
func BenchmarkClientCredentials(b *testing.B) {
	key := func(alg keys.Algorithm) *keys.Private {
		k, err := keys.Generate(alg)
		if err != nil {
			b.Fatal(err)
		}
		return k
	}
	const secret = "a-secret-of-more-than-thirty-two-bytes"
	for _, bench := range []struct {
		name   string
		minter func() avouch.Minter
		alg    keys.Algorithm // of the client; "" for a shared secret
	}{
		{name: "secret/no-token", minter: func() avouch.Minter { return &minter{} }},
		{name: "secret/EdDSA", minter: func() avouch.Minter { return &token.Minter{Key: key(keys.EdDSA)} }},
		{name: "ES256/ES256", minter: func() avouch.Minter { return &token.Minter{Key: key(keys.ES256)} }, alg: keys.ES256},
		{name: "EdDSA/EdDSA", minter: func() avouch.Minter { return &token.Minter{Key: key(keys.EdDSA)} }, alg: keys.EdDSA},
	} {
		b.Run(bench.name, func(b *testing.B) {
			client := &avouch.Client{ID: "c", Grants: []string{"client_credentials"}, Scopes: []string{"read"}}
			var signing *keys.Private
			if bench.alg == "" {
				client.AuthMethod = "client_secret_basic"
				client.Secrets = []avouch.Secret{{SHA256: sha256.Sum256([]byte(secret))}}
			} else {
				signing = key(bench.alg)
				client.Keys = signing.PublicKeys(time.Now())
			}
			server, err := avouch.New(avouch.Config{
				Issuer: issuer, Minter: bench.minter(), Grants: []avouch.Grant{grant.ClientCredentials{}},
				ClientAuth: []avouch.ClientAuth{&clientauth.PrivateKeyJWT{}, &clientauth.SecretBasic{}},
				Clients:    avouch.ClientList{client},
				Replay:     replay.NewMemory(replay.MemoryConfig{}),
			})
			if err != nil {
				b.Fatal(err)
			}
			bodies := make([]string, b.N)
			for i := range bodies {
				f := url.Values{"grant_type": {"client_credentials"}, "scope": {"read"}}
				if signing != nil {
					raw, err := assertion.Sign(assertion.Claims{
						Issuer: "c", Subject: "c", Audience: issuer, ID: strconv.Itoa(i), Lifetime: time.Hour,
					}, signing)
					if err != nil {
						b.Fatal(err)
					}
					f.Set("client_assertion", raw)
					f.Set("client_assertion_type", jwtAssertion)
				}
				bodies[i] = f.Encode()
			}
			r := httptest.NewRequest("POST", "/oauth/token", nil)
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			if signing == nil {
				r.SetBasicAuth("c", secret)
			}
			endpoint, w := server.TokenEndpoint(), &null{header: http.Header{}}
			b.ReportAllocs()
			b.ResetTimer()
			for i := range b.N {
				r.Body, r.ContentLength = io.NopCloser(strings.NewReader(bodies[i])), int64(len(bodies[i]))
				endpoint.ServeHTTP(w, r)
				if w.status != 200 {
					b.Fatalf("status %d", w.status)
				}
			}
		})
	}
}
