package keys

import (
	"bytes"
	"crypto"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"log/slog"
	"math/big"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	gojose "github.com/go-jose/go-jose/v4"
)

func TestGenerate(t *testing.T) {
	for _, alg := range everyAlgorithm {
		k := pair(alg)
		p := k.Public()
		if k.Algorithm != alg || p.Algorithm != alg || k.ID != p.Thumbprint() || p.ID != k.ID || p.Use != "sig" || p.Fits(alg, noon) != nil {
			t.Errorf("%s: %v, %+v, %v", alg, k, p, p.Fits(alg, noon))
		}
		for _, other := range everyAlgorithm {
			if other != alg && p.Fits(other, noon) == nil {
				t.Errorf("a key for %s verifies %s", alg, other)
			}
		}
		if signing, err := k.SigningKey(noon); signing != k || err != nil {
			t.Errorf("%s is not its own ring: %v, %v", alg, signing, err)
		}
		if found, err := k.PublicKeys(noon).Find(t.Context(), Hint{ID: k.ID}, noon); err != nil || len(found) != 1 {
			t.Errorf("%s is not in its own set: %v", alg, err)
		}
	}
	if bits := pair(PS512).Signer.(*rsa.PrivateKey).N.BitLen(); bits != 2048 {
		t.Errorf("an RSA key of %d bits", bits)
	}
	if k, err := Generate("Ed25519"); err != nil || k.Algorithm != EdDSA {
		t.Errorf("Ed25519: %v, %v", k, err)
	}
	for _, alg := range []Algorithm{"", "none", "HS256", "HS512", "ES256K", "es256", "RSA-OAEP"} {
		if k, err := Generate(alg); err == nil {
			t.Errorf("a key pair for %q: %v", alg, k)
		}
	}
	if set := (&Private{ID: "empty"}).PublicKeys(noon); len(set.Keys()) != 0 {
		t.Error("a key without a signer is published")
	}
}

// TestGeneratedIDs: one thumbprint in 64 begins with a dash, and no command line takes it as it is.
func TestGeneratedIDs(t *testing.T) {
	for range 1000 {
		if k, err := Generate(EdDSA); err != nil || k.ID[0] == '-' {
			t.Fatalf("%v %v", k, err)
		}
	}
}

func TestGeneratePairs(t *testing.T) {
	private, public, err := GeneratePairs(3, EdDSA)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for i, k := range private {
		if p := public.Keys()[i]; p.ID != k.ID || p.Algorithm != EdDSA || !sameKey(p.Key, k.Signer.Public()) || seen[p.ID] {
			t.Errorf("pair %d: %v and %v", i, k, p)
		}
		seen[k.ID] = true
	}
	// What is to be registered can be, and holds nothing private.
	doc, err := public.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	if registered, err := ParsePublic(doc); err != nil || len(registered) != 3 {
		t.Errorf("%v, %v", registered, err)
	}
	for _, n := range []int{-1, 0, 101} {
		if _, _, err := GeneratePairs(n, EdDSA); err == nil {
			t.Errorf("%d pairs", n)
		}
	}
	if _, _, err := GeneratePairs(2, HS256); err == nil {
		t.Error("pairs for HS256")
	}
}

func TestNewPrivate(t *testing.T) {
	for _, alg := range []Algorithm{RS256, ES256, ES384, ES512, EdDSA} {
		if k, err := NewPrivate(pair(alg).Signer, ""); err != nil || k.Algorithm != alg {
			t.Errorf("%s is not the usual algorithm of its keys: %v, %v", alg, k, err)
		}
	}
	weak, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	p224, err := ecdsa.GenerateKey(elliptic.P224(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		signer crypto.Signer
		alg    Algorithm
		want   string
	}{
		{nil, "", "no signer"}, {weak, "", "1024 bits"}, {weak, RS256, "1024 bits"}, {p224, "", "P-256"},
		{pair(ES256).Signer, ES384, `cannot sign with "ES384"`}, {pair(ES256).Signer, RS256, "cannot sign"}, {pair(EdDSA).Signer, ES256, "cannot sign"},
		{pair(RS256).Signer, HS256, "cannot sign"}, {pair(RS256).Signer, "none", "cannot sign"}, {opaque{}, "", "<nil>"},
	} {
		_, err := NewPrivate(test.signer, test.alg)
		contains(t, err, test.want)
	}
}

// opaque is a signer that is nothing but a crypto.Signer, as that of an HSM.
type opaque struct{ crypto.Signer }

func (o opaque) Public() crypto.PublicKey {
	if o.Signer == nil {
		return nil
	}
	return o.Signer.Public()
}

func TestPrivateKeysComeBack(t *testing.T) {
	for _, alg := range everyAlgorithm {
		k := *pair(alg)
		pemText, err := k.MarshalPEM()
		if err != nil {
			t.Fatal(err)
		}
		back, err := ParsePrivate(pemText)
		if err != nil || !equalSigners(back.Signer, k.Signer) || back.ID != k.ID || back.Algorithm != usual(k.Signer.Public()) {
			t.Errorf("%s as PEM: %v, %v", alg, back, err)
		}
		k.ID = "my key \"1\""
		jwk, err := k.MarshalJWK()
		if err != nil {
			t.Fatal(err)
		}
		back, err = ParsePrivate(jwk)
		if err != nil || !equalSigners(back.Signer, k.Signer) || back.ID != k.ID || back.Algorithm != alg {
			t.Errorf("%s as JWK: %v, %v", alg, back, err)
		}

		// go-jose reads what we write, and we what go-jose writes.
		var theirs gojose.JSONWebKey
		if err := json.Unmarshal(jwk, &theirs); err != nil || theirs.KeyID != k.ID || theirs.Algorithm != string(alg) || theirs.Use != "sig" ||
			!equalSigners(theirs.Key.(crypto.Signer), k.Signer) {
			t.Errorf("%s: go-jose reads %v, %v", alg, theirs.KeyID, err)
		}
		written, err := theirs.MarshalJSON()
		if err != nil {
			t.Fatal(err)
		}
		back, err = ParsePrivate(written)
		if err != nil || !equalSigners(back.Signer, k.Signer) || back.ID != k.ID || back.Algorithm != alg {
			t.Errorf("%s by go-jose: %v, %v", alg, back, err)
		}
		p := k.Public()
		print, err := theirs.Thumbprint(crypto.SHA256)
		if err != nil || b64(print) != p.Thumbprint() {
			t.Errorf("%s: the thumbprint is %s, by go-jose %s", alg, p.Thumbprint(), b64(print))
		}
	}
}

func TestParsePrivateForms(t *testing.T) {
	must := mustDER(t)
	rsaKey, ecKey := pair(RS256).Signer.(*rsa.PrivateKey), pair(ES384).Signer.(*ecdsa.PrivateKey)
	pkcs8 := pemOf("PRIVATE KEY", must(x509.MarshalPKCS8PrivateKey(pair(EdDSA).Signer)))
	sec1 := pemOf("EC PRIVATE KEY", must(x509.MarshalECPrivateKey(ecKey)))
	for name, test := range map[string]struct {
		doc  []byte
		want crypto.Signer
	}{
		"PKCS#1":                  {pemOf("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(rsaKey)), rsaKey},
		"SEC 1":                   {sec1, ecKey},
		"SEC 1, by openssl":       {append(pemOf("EC PARAMETERS", []byte{6, 5, 0x2B, 0x81, 4, 0, 0x22}), sec1...), ecKey},
		"PKCS#8, CRLF, indented":  {[]byte("\r\n " + strings.ReplaceAll(string(pkcs8), "\n", "\r\n")), pair(EdDSA).Signer},
		"key and certificate":     {append(slices.Clone(sec1), pemOf("CERTIFICATE", certify(t, "a", ecKey, nil, nil).Raw)...), ecKey},
		"certificate and key":     {append(pemOf("CERTIFICATE", certify(t, "a", ecKey, nil, nil).Raw), sec1...), ecKey},
		"public and private half": {append(pemOf("PUBLIC KEY", must(x509.MarshalPKIXPublicKey(&ecKey.PublicKey))), sec1...), ecKey},
	} {
		k, err := ParsePrivate(test.doc)
		if err != nil || !equalSigners(k.Signer, test.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestParsePrivateRefuses(t *testing.T) {
	must := mustDER(t)
	x25519, err := ecdh.X25519().GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	weak, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	pemText := must(pair(ES256).MarshalPEM())
	legacy := pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Headers: map[string]string{"Proc-Type": "4,ENCRYPTED", "DEK-Info": "AES-128-CBC,00"}, Bytes: []byte{1}})
	jwk := func(alg Algorithm, changes map[string]any) []byte {
		var members map[string]any
		if err := json.Unmarshal(must(pair(alg).MarshalJWK()), &members); err != nil {
			t.Fatal(err)
		}
		for name, value := range changes {
			if value == nil {
				delete(members, name)
			} else {
				members[name] = value
			}
		}
		return text(t, members)
	}
	other := func(alg Algorithm, name string) any {
		k, err := Generate(alg)
		if err != nil {
			t.Fatal(err)
		}
		var members map[string]any
		if err := json.Unmarshal(must(k.MarshalJWK()), &members); err != nil {
			t.Fatal(err)
		}
		return members[name]
	}
	for name, test := range map[string]struct {
		doc  []byte
		want string
	}{
		"nothing": {nil, "there is nothing"}, "text": {[]byte("hunter2"), "neither JSON nor PEM"}, "too long": {make([]byte, 64<<10+1), "too many"},
		"an encrypted key":          {pemOf("ENCRYPTED PRIVATE KEY", []byte{1}), "openssl pkey"},
		"an old encrypted key":      {legacy, "openssl pkey"},
		"an SSH key":                {pemOf("OPENSSH PRIVATE KEY", []byte{1}), `type "OPENSSH PRIVATE KEY"`},
		"two keys":                  {slices.Repeat(pemText, 2), "several private keys"},
		"the public half":           {pemOf("PUBLIC KEY", must(x509.MarshalPKIXPublicKey(pair(ES256).Public().Key))), "no private key"},
		"a certificate":             {pemOf("CERTIFICATE", certify(t, "a", pair(ES256).Signer, nil, nil).Raw), "no private key"},
		"cut off":                   {pemText[:80], "cannot be read"},
		"one of two cut off":        {append(pemText[:80], pemText...), "cannot be read"},
		"junk":                      {pemOf("PRIVATE KEY", []byte("junk")), "cannot be read"},
		"X25519":                    {pemOf("PRIVATE KEY", must(x509.MarshalPKCS8PrivateKey(x25519))), "does not sign"},
		"RSA of 1024 bits":          {pemOf("PRIVATE KEY", must(x509.MarshalPKCS8PrivateKey(weak))), "1024 bits"},
		"PKCS#8 under another name": {pemOf("EC PRIVATE KEY", must(x509.MarshalPKCS8PrivateKey(pair(ES256).Signer))), "cannot be read"},

		"JSON of something else":  {[]byte(`{"error":1}`), "kty is missing"},
		"JSON twice":              {[]byte(`{}{}`), "after the end"},
		"d twice":                 {[]byte(`{"kty":"EC","d":"a","d":"b"}`), "given twice"},
		"the public JWK":          {text(t, with(t, ES256, nil)), "the public half"},
		"a set":                   {setOf(t, json.RawMessage(jwk(ES256, nil))), "a JWK set"},
		"a secret":                {[]byte(`{"kty":"oct","k":"AAAA"}`), "symmetric"},
		"for encryption":          {jwk(RS256, map[string]any{"use": "enc"}), `use is "enc"`},
		"use is a number":         {jwk(RS256, map[string]any{"use": 1}), "use is not a string"},
		"key_ops":                 {jwk(ES256, map[string]any{"key_ops": []string{"verify"}}), `does not hold "sign"`},
		"alg of another type":     {jwk(ES256, map[string]any{"alg": "RS256"}), "cannot sign"},
		"alg is a number":         {jwk(ES256, map[string]any{"alg": 1}), "alg is not a string"},
		"kid is a number":         {jwk(ES256, map[string]any{"kid": 1}), "kid is not a string"},
		"another EC key's d":      {jwk(ES256, map[string]any{"d": other(ES256, "d")}), "another public key"},
		"another Ed25519 key's d": {jwk(EdDSA, map[string]any{"d": other(EdDSA, "d")}), "another public key"},
		"another RSA key's d":     {jwk(RS256, map[string]any{"d": other(RS256, "d")}), "do not belong together"},
		"another RSA key's p":     {jwk(RS256, map[string]any{"p": other(RS256, "p")}), "do not belong together"},
		"another RSA key's n":     {jwk(RS256, map[string]any{"n": other(RS256, "n")}), "do not belong together"},
		"p is 0":                  {jwk(RS256, map[string]any{"p": "AA"}), "do not belong together"},
		"p and q are 1 and n":     {jwk(RS256, map[string]any{"p": "AQ", "q": with(t, RS256, nil)["n"]}), "do not belong together"},
		"d is 0, RSA":             {jwk(RS256, map[string]any{"d": "AA"}), "do not belong together"},
		"no primes":               {jwk(RS256, map[string]any{"p": nil, "q": nil}), "p is missing"},
		"three primes":            {jwk(RS256, map[string]any{"oth": []any{}}), "two primes"},
		"d is 0":                  {jwk(ES256, map[string]any{"d": b64(make([]byte, 32))}), "not a private key"},
		"d beyond the order":      {jwk(ES256, map[string]any{"d": strings.Repeat("_", 42) + "8"}), "not a private key"},
		"d is short":              {jwk(ES256, map[string]any{"d": b64(make([]byte, 31))}), "31 bytes"},
		"seed is long":            {jwk(EdDSA, map[string]any{"d": b64(make([]byte, 64))}), "too long"},
		"d is null":               {jwk(ES256, map[string]any{"d": json.RawMessage("null")}), "d is missing"},
	} {
		k, err := ParsePrivate(test.doc)
		if k != nil {
			t.Errorf("%s: accepted", name)
		}
		contains(t, err, test.want)
	}
}

func TestSignersThatKeepTheirKey(t *testing.T) {
	for _, alg := range everyAlgorithm {
		k, err := NewPrivate(opaque{pair(alg).Signer}, alg)
		if err != nil {
			t.Errorf("%s: %v", alg, err)
			continue
		}
		if _, err := k.MarshalPEM(); !errors.Is(err, errOpaque) {
			t.Errorf("%s: %v", alg, err)
		}
		if _, err := k.MarshalJWK(); !errors.Is(err, errOpaque) {
			t.Errorf("%s: %v", alg, err)
		}
		if _, err := MarshalKeyFile(k, "a", "b"); err == nil {
			t.Errorf("%s: a key file", alg)
		}
	}
	for _, k := range []*Private{{}, {ID: "x", Algorithm: ES256}} {
		if _, err := k.MarshalPEM(); err == nil {
			t.Error("PEM of nothing")
		}
		if _, err := k.MarshalJWK(); err == nil {
			t.Error("a JWK of nothing")
		}
	}
}

// A private key gets into no log, message or document by accident.
func TestPrivateKeysStayPrivate(t *testing.T) {
	for _, alg := range everyAlgorithm {
		k := pair(alg)
		var out bytes.Buffer
		for _, v := range []any{k, *k, []*Private{k}, map[string]Private{"k": *k}, struct{ K Private }{*k}, KeyFile{Key: k}, &KeyFile{Key: k}} {
			slog.New(slog.NewTextHandler(&out, nil)).Info("key", "k", v)
			slog.New(slog.NewJSONHandler(&out, nil)).Info("key", "k", v)
			for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%d", "%x", "%q"} {
				fmt.Fprintf(&out, verb+"\n", v)
			}
			b, _ := json.Marshal(v)
			out.Write(b)
		}
		var secrets []*big.Int
		switch key := k.Signer.(type) {
		case *rsa.PrivateKey:
			secrets = append(key.Primes, key.D)
		case *ecdsa.PrivateKey:
			d, err := key.Bytes()
			if err != nil {
				t.Fatal(err)
			}
			secrets = []*big.Int{new(big.Int).SetBytes(d)}
		case ed25519.PrivateKey:
			secrets = []*big.Int{new(big.Int).SetBytes(key.Seed())}
			for _, form := range []string{"%d", "%v", "%#v", "%x"} {
				if s := strings.Trim(fmt.Sprintf(form, key.Seed()[:8]), "[]{}byte"); strings.Contains(out.String(), s) {
					t.Errorf("%s: the seed shows by %s", alg, form)
				}
			}
		}
		for _, n := range secrets {
			for _, s := range []string{n.String(), fmt.Sprintf("%x", n), fmt.Sprintf("%X", n), b64(n.Bytes())} {
				if strings.Contains(out.String(), s) {
					t.Errorf("%s: a secret shows", alg)
				}
			}
		}
		if !strings.Contains(out.String(), "key "+k.ID) {
			t.Errorf("%s: not even the id shows: %s", alg, out.String())
		}
	}
}

func TestLoadPrivate(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "key.pem")
	doc, err := pair(ES256).MarshalPEM()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, doc, 0o600); err != nil {
		t.Fatal(err)
	}
	if k, err := LoadPrivate(path); err != nil || k.ID != pair(ES256).ID {
		t.Errorf("%v, %v", k, err)
	}
	if _, err := LoadPrivate(filepath.Join(dir, "absent")); !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
	if _, err := LoadPrivate(dir); err == nil {
		t.Error("a folder is a key")
	}
	if err := os.WriteFile(path, make([]byte, 10<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err = LoadPrivate(path)
	contains(t, err, "too many")
	contains(t, err, path)
}
