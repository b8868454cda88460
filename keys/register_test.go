package keys

import (
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"
)

func mustDER(t testing.TB) func([]byte, error) []byte {
	return func(der []byte, err error) []byte {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return der
	}
}

func TestParsePublic(t *testing.T) {
	must := mustDER(t)
	cert := certify(t, "a", pair(ES256).Signer, nil, nil)
	x5t, x5tS256 := certificateThumbprints(cert)
	pkix := func(alg Algorithm) []byte {
		return pemOf("PUBLIC KEY", must(x509.MarshalPKIXPublicKey(pair(alg).Public().Key)))
	}
	print := func(alg Algorithm) string { return pair(alg).ID }
	for name, test := range map[string]struct {
		doc  []byte
		want []Public // without Key
	}{
		"JWK":            {text(t, with(t, ES256, map[string]any{"kid": "mine"})), []Public{{ID: "mine", Algorithm: ES256, Use: "sig"}}},
		"JWK, bare":      {text(t, with(t, ES256, map[string]any{"kid": nil, "alg": nil, "use": nil})), []Public{{ID: print(ES256)}}},
		"JWK, for tools": {append([]byte("\n  "), append(text(t, with(t, EdDSA, nil)), '\n')...), []Public{{ID: print(EdDSA), Algorithm: EdDSA, Use: "sig"}}},
		"set": {setOf(t, with(t, ES256, nil), with(t, RS256, map[string]any{"kid": "b", "key_ops": []string{"verify"}, "use": nil})),
			[]Public{{ID: print(ES256), Algorithm: ES256, Use: "sig"}, {ID: "b", Algorithm: RS256, Operations: []string{"verify"}}}},
		"PEM":         {pkix(RS256), []Public{{ID: print(RS256)}}},
		"PEM, CRLF":   {[]byte(strings.ReplaceAll(string(pkix(EdDSA)), "\n", "\r\n")), []Public{{ID: print(EdDSA)}}},
		"PEM, two":    {slices.Concat([]byte("from the vault\n"), pkix(ES256), []byte("and\n"), pkix(ES384), []byte("that is all\n")), []Public{{ID: print(ES256)}, {ID: print(ES384)}}},
		"PEM, PKCS#1": {pemOf("RSA PUBLIC KEY", x509.MarshalPKCS1PublicKey(pair(RS256).Public().Key.(*rsa.PublicKey))), []Public{{ID: print(RS256)}}},
		"certificate": {pemOf("CERTIFICATE", cert.Raw), []Public{{ID: print(ES256), X5T: x5t, X5TS256: x5tS256, NotBefore: cert.NotBefore, NotAfter: cert.NotAfter}}},
		"two certificates of one name": {
			append(pemOf("CERTIFICATE", cert.Raw), pemOf("CERTIFICATE", certify(t, "a", pair(ES384).Signer, nil, nil).Raw)...), nil},
	} {
		got, err := ParsePublic(test.doc)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if test.want == nil {
			continue
		}
		for i := range got {
			if err := checkKey(got[i].Key); err != nil || got[i].Fits(usual(got[i].Key), noon) != nil {
				t.Errorf("%s: key %d: %v, %v", name, i, err, got[i].Fits(usual(got[i].Key), noon))
			}
			got[i].Key = nil
		}
		if a, b := string(text(t, plain(got))), string(text(t, plain(test.want))); a != b {
			t.Errorf("%s: %s, want %s", name, a, b)
		}
	}
}

// plain lists keys without their way to write themselves as JWKs.
func plain(keys []Public) any {
	type fields Public
	var out []fields
	for _, p := range keys {
		out = append(out, fields(p))
	}
	return out
}

func TestCertificateDatesBind(t *testing.T) {
	got, err := ParsePublic(pemOf("CERTIFICATE", certify(t, "a", pair(ES256).Signer, nil, nil).Raw))
	if err != nil {
		t.Fatal(err)
	}
	contains(t, got[0].Fits(ES256, time.Date(2025, 12, 31, 23, 59, 59, 0, time.UTC)), "not valid before 2026")
	contains(t, got[0].Fits(ES256, time.Date(2027, 1, 1, 0, 0, 1, 0, time.UTC)), "not valid after 2027")
}

// Nobody shall hand over a private key by mistake, in whatever form, and whatever else is there.
func TestParsePublicRefusesPrivateKeys(t *testing.T) {
	must := mustDER(t)
	public := pemOf("PUBLIC KEY", must(x509.MarshalPKIXPublicKey(pair(ES384).Public().Key)))
	docs := map[string][]byte{
		"PKCS#1":             pemOf("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(pair(RS256).Signer.(*rsa.PrivateKey))),
		"SEC 1":              pemOf("EC PRIVATE KEY", must(x509.MarshalECPrivateKey(pair(ES256).Signer.(*ecdsa.PrivateKey)))),
		"encrypted PKCS#8":   pemOf("ENCRYPTED PRIVATE KEY", []byte{0x30, 0}),
		"OpenSSH":            pemOf("OPENSSH PRIVATE KEY", []byte("openssh-key-v1\x00")),
		"DSA":                pemOf("DSA PRIVATE KEY", []byte{0x30, 0}),
		"an empty one":       pemOf("PRIVATE KEY", nil),
		"symmetric":          []byte(`{"kty":"oct","k":"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ"}`),
		"symmetric in a set": setOf(t, with(t, RS256, nil), map[string]any{"kty": "oct", "k": "AAAA"}),
	}
	for _, alg := range everyAlgorithm {
		jwk, err := pair(alg).MarshalJWK()
		if err != nil {
			t.Fatal(err)
		}
		docs["JWK "+string(alg)] = jwk
		docs["set with "+string(alg)] = setOf(t, with(t, ES256, map[string]any{"kid": "other"}), json.RawMessage(jwk))
		pem, err := pair(alg).MarshalPEM()
		if err != nil {
			t.Fatal(err)
		}
		docs["PKCS#8 "+string(alg)] = pem
		docs["public, then PKCS#8 "+string(alg)] = append(slices.Clone(public), pem...)
	}
	keyFile, err := MarshalKeyFile(pair(RS256), "a", "https://as.example.com/token")
	if err != nil {
		t.Fatal(err)
	}
	docs["Google-style key file"] = keyFile
	for name, doc := range docs {
		got, err := ParsePublic(doc)
		if !errors.Is(err, ErrPrivate) || got != nil {
			t.Errorf("%s: %v", name, err)
		}
		contains(t, err, "private key material")
	}
}

func TestParsePublicRefuses(t *testing.T) {
	must := mustDER(t)
	x25519, err := ecdh.X25519().GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	p224, err := ecdsa.GenerateKey(elliptic.P224(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	pkix := func(key any) []byte { return pemOf("PUBLIC KEY", must(x509.MarshalPKIXPublicKey(key))) }
	root := certify(t, "root", pair(RS256).Signer, nil, nil)
	leaf := certify(t, "leaf", pair(ES256).Signer, root, pair(RS256).Signer)
	for name, test := range map[string]struct {
		doc  []byte
		want string
	}{
		"nothing": {nil, "there is nothing"}, "blanks": {[]byte(" \n"), "there is nothing"}, "text": {[]byte("ssh-ed25519 AAAA me@host"), "neither JSON nor PEM"},
		"HTML": {[]byte("<html>"), "neither JSON nor PEM"}, "DER": {must(x509.MarshalPKIXPublicKey(pair(ES256).Public().Key)), "neither"},
		"too long": {make([]byte, 1<<20+1), "1048576 are the limit"}, "an array": {[]byte("[]"), "neither JSON nor PEM"},
		"JSON of something else": {[]byte(`{"error":"not_found"}`), "kty is missing"}, "no JSON": {[]byte("{"), "member name"},
		"kid twice": {[]byte(`{"kty":"EC","kid":"a","kid":"a"}`), "given twice"},
		"empty set": {setOf(t), "no keys"}, "101 keys": {setOf(t, slices.Repeat([]any{1}, 101)...), "more than 100"},

		"one bad member":             {setOf(t, with(t, ES256, nil), with(t, RS256, map[string]any{"kid": "bad", "e": "AQ"})), `member 2 of the set (kid "bad"): an RSA key with the exponent 1`},
		"unknown kty":                {setOf(t, with(t, ES256, nil), map[string]any{"kty": "AKP"}), `member 2 of the set: kty "AKP"`},
		"for encryption":             {text(t, with(t, RS256, map[string]any{"use": "enc", "alg": nil})), "not for verifying"},
		"key_ops":                    {text(t, with(t, RS256, map[string]any{"key_ops": []string{"encrypt"}, "use": nil})), "not for verifying"},
		"alg of another type":        {text(t, with(t, RS256, map[string]any{"alg": "ES256"})), `RSA key of 2048 bits, and its alg is "ES256"`},
		"alg of another curve":       {text(t, with(t, ES256, map[string]any{"alg": "ES384"})), `its alg is "ES384"`},
		"alg for encryption":         {text(t, with(t, RS256, map[string]any{"alg": "RSA-OAEP"})), `its alg is "RSA-OAEP"`},
		"alg that does not exist":    {text(t, with(t, ES512, map[string]any{"alg": "ES521"})), `its alg is "ES521"`},
		"alg none":                   {text(t, with(t, ES256, map[string]any{"alg": "none"})), `its alg is "none"`},
		"a secret's alg":             {text(t, with(t, RS256, map[string]any{"alg": "HS256"})), `its alg is "HS256"`},
		"the same key twice":         {setOf(t, with(t, ES256, map[string]any{"kid": "a"}), with(t, ES256, map[string]any{"kid": "b"})), "keys 1 and 2 are the same key"},
		"the same kid twice":         {setOf(t, with(t, ES256, map[string]any{"kid": "a"}), with(t, RS256, map[string]any{"kid": "a"})), `keys 1 and 2 have the same kid "a"`},
		"a kid that is a thumbprint": {setOf(t, with(t, ES256, map[string]any{"kid": pair(RS256).ID}), with(t, RS256, map[string]any{"kid": nil})), "have the same kid"},
		"the same PEM twice":         {slices.Repeat(pkix(pair(ES256).Public().Key), 2), "are the same key"},

		"X25519": {pkix(x25519.PublicKey()), "*ecdh.PublicKey"}, "P-224": {pkix(&p224.PublicKey), "P-256, P-384 or P-521"},
		"RSA 1024":              {pkix(&rsa.PublicKey{N: oddOf(1024), E: 65537}), "PEM block 1: an RSA key of 1024 bits"},
		"a request":             {pemOf("CERTIFICATE REQUEST", []byte{0x30, 0}), `type "CERTIFICATE REQUEST"`},
		"parameters":            {pemOf("EC PARAMETERS", []byte{6, 0}), `type "EC PARAMETERS"`},
		"junk in PEM":           {pemOf("PUBLIC KEY", []byte("junk")), "PEM block 1"},
		"junk as a certificate": {append(pkix(pair(ES256).Public().Key), pemOf("CERTIFICATE", []byte("junk"))...), "PEM block 2"},
		"PEM cut off":           {pkix(pair(ES256).Public().Key)[:60], "1 of 1 PEM blocks"},
		"one of two cut off":    {append(pkix(pair(ES256).Public().Key)[:60], pkix(pair(ES384).Public().Key)...), "of 2 PEM blocks cannot be read"},
		"a chain":               {append(pemOf("CERTIFICATE", leaf.Raw), pemOf("CERTIFICATE", root.Raw)...), `a chain ("CN=leaf" was issued by "CN=root")`},
	} {
		got, err := ParsePublic(test.doc)
		if got != nil {
			t.Errorf("%s: accepted", name)
		}
		contains(t, err, test.want)
		if errors.Is(err, ErrPrivate) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
