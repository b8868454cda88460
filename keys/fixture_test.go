package keys

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math/big"
	"strings"
	"sync"
	"testing"
	"time"
)

var everyAlgorithm = []Algorithm{RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, ES512, EdDSA}

// made holds one key pair for each algorithm. RSA keys take long to make.
var made = sync.OnceValue(func() map[Algorithm]*Private {
	all := map[Algorithm]*Private{}
	var rsaKey crypto.Signer
	for _, alg := range everyAlgorithm {
		var k *Private
		var err error
		if rsaKey != nil && (alg[0] == 'R' || alg[0] == 'P') {
			k, err = NewPrivate(rsaKey, alg)
		} else if k, err = Generate(alg); err == nil && alg == RS256 {
			rsaKey = k.Signer
		}
		if err != nil {
			panic(err)
		}
		all[alg] = k
	}
	return all
})

func pair(alg Algorithm) *Private { return made()[alg] }

// jwkOf returns the JWK of p as members, to be bent.
func jwkOf(t testing.TB, v json.Marshaler) map[string]any {
	t.Helper()
	text, err := v.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	var members map[string]any
	if err := json.Unmarshal(text, &members); err != nil {
		t.Fatal(err)
	}
	return members
}

// with returns the public JWK of alg's key with some members changed. A nil value removes one.
func with(t testing.TB, alg Algorithm, changes map[string]any) map[string]any {
	t.Helper()
	members := jwkOf(t, pair(alg).Public())
	for name, value := range changes {
		if value == nil {
			delete(members, name)
		} else {
			members[name] = value
		}
	}
	return members
}

func text(t testing.TB, v any) []byte {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func setOf(t testing.TB, members ...any) []byte {
	t.Helper()
	if members == nil {
		members = []any{}
	}
	return text(t, map[string]any{"keys": members})
}

func b64(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

// oddOf returns an odd number of so many bits that is no product of two good primes, and need not be.
func oddOf(bits int) *big.Int {
	n := new(big.Int).Lsh(big.NewInt(1), uint(bits-1))
	return n.SetBit(n, 0, 1)
}

func pemOf(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}

// certify makes a certificate of key, signed by issuer; self-signed where issuer is nil.
func certify(t testing.TB, name string, key crypto.Signer, issuer *x509.Certificate, issuerKey crypto.Signer) *x509.Certificate {
	t.Helper()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), NotAfter: time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC),
	}
	if issuer == nil {
		issuer, issuerKey = template, key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, issuer, key.Public(), issuerKey)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return cert
}

// equalSigners reports whether two signers have the same private key.
func equalSigners(a, b crypto.Signer) bool {
	switch a := a.(type) {
	case *rsa.PrivateKey:
		return a.Equal(b)
	case *ecdsa.PrivateKey:
		return a.Equal(b)
	case ed25519.PrivateKey:
		return a.Equal(b)
	}
	return false
}

func mustSet(t testing.TB, keys ...Public) *Set {
	t.Helper()
	s, err := NewSet(keys...)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func kids(found []*Public) string {
	var ids []string
	for _, p := range found {
		ids = append(ids, p.ID)
	}
	return strings.Join(ids, " ")
}

func ecPoint(t testing.TB, c elliptic.Curve) (x, y string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(c, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	point, err := key.PublicKey.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	size := len(point) / 2
	return b64(point[1 : 1+size]), b64(point[1+size:])
}

func contains(t testing.TB, err error, want string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("%v, want %q", err, want)
	}
	if err != nil && (len(err.Error()) > 500 || strings.ContainsFunc(err.Error(), func(r rune) bool { return r != '§' && (r < ' ' || r > '~') && r != '\n' })) {
		t.Errorf("not fit for a log: %q", fmt.Sprint(err))
	}
}
