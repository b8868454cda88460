package clientauth_test

import (
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/sha256"
	"net/url"
	"testing"
	"time"

	"github.com/avouch-oauth/avouch"
	"github.com/avouch-oauth/avouch/assertion"
	"github.com/avouch-oauth/avouch/clientauth"
	"github.com/avouch-oauth/avouch/grant"
	"github.com/avouch-oauth/avouch/keys"
	"github.com/avouch-oauth/avouch/token"
)

// signedRequest returns a request that a client authenticates by private_key_jwt, and the client's key.
func signedRequest(t testing.TB) (*clientauth.PrivateKeyJWT, *avouch.Request, *keys.Private) {
	t.Helper()
	key, err := keys.Generate(keys.ES256)
	if err != nil {
		t.Fatal(err)
	}
	method := &clientauth.PrivateKeyJWT{}
	server, err := avouch.New(avouch.Config{
		Issuer: issuer, Minter: &token.Minter{Key: key}, Grants: []avouch.Grant{grant.ClientCredentials{}},
		ClientAuth: []avouch.ClientAuth{method},
		Clients:    avouch.ClientList{{ID: "ec", Keys: key.PublicKeys(time.Now()), Grants: []string{"client_credentials"}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	signed, err := assertion.Sign(assertion.Claims{Issuer: "ec", Subject: "ec", Audience: issuer, Lifetime: time.Hour}, key)
	if err != nil {
		t.Fatal(err)
	}
	form := url.Values{"grant_type": {"client_credentials"}, "client_assertion_type": {kind}, "client_assertion": {signed}}
	req, err := server.Request(form, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return method, req, key
}

// BenchmarkAuthenticate is the method's own part of a request.
func BenchmarkAuthenticate(b *testing.B) {
	method, req, _ := signedRequest(b)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := method.Authenticate(b.Context(), req); err != nil {
			b.Fatal(err)
		}
	}
}

// TestAllocations limits what the method allocates of its own, besides the signature.
func TestAllocations(t *testing.T) {
	method, req, key := signedRequest(t)
	own := key.Signer.(*ecdsa.PrivateKey)
	hash := sha256.Sum256(nil)
	signature, err := ecdsa.SignASN1(rand.Reader, own, hash[:])
	if err != nil {
		t.Fatal(err)
	}
	crypto := testing.AllocsPerRun(100, func() { ecdsa.VerifyASN1(&own.PublicKey, hash[:], signature) })
	all := testing.AllocsPerRun(100, func() {
		if _, err := method.Authenticate(t.Context(), req); err != nil {
			t.Fatal(err)
		}
	})
	const most = 15
	if all-crypto > most {
		t.Errorf("Authenticate makes %v allocations of its own, more than %d", all-crypto, most)
	}
	t.Logf("Authenticate makes %v allocations of its own, beside the %v of the signature", all-crypto, crypto)
}
