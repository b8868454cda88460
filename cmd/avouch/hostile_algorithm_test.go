package main

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"encoding/asn1"
	"encoding/pem"
	"io"
	"math/big"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/avouch-oauth/avouch/keys"
)

// TestHostileAlgorithm: the algorithm is what the key is registered for, never the token's own choice (RFC 8725 §3.1,
// §3.2; CVE-2015-9235, CVE-2022-21449 and their kin).
func TestHostileAlgorithm(t *testing.T) {
	t.Parallel()
	h := newHostileTown(t, nil)

	t.Run("none", func(t *testing.T) {
		var all []forgery
		for _, alg := range []string{"none", "None", "NONE", "nOnE", "", " none", "none ", "none\x00", "null", "false"} {
			for signature, make := range map[string]func(f *forger, input string) string{
				"without":                func(_ *forger, _ string) string { return "" },
				"with":                   func(f *forger, input string) string { return encode(f.signature(input)) },
				"with one of zero bytes": func(*forger, string) string { return encode(make([]byte, 64)) },
			} {
				all = append(all, forgery{name: quoted(alg) + " " + signature + " a signature", make: func(f *forger) string {
					input := encode([]byte(f.header("alg", alg))) + "." + encode([]byte(f.claims()))
					return input + "." + make(f, input)
				}})
			}
		}
		all = append(all, forgery{name: "no third part", make: func(f *forger) string {
			return encode([]byte(f.header("alg", "none"))) + "." + encode([]byte(f.claims()))
		}})
		h.forge(t, "both", notVerified, all)
	})

	t.Run("name", func(t *testing.T) {
		h.forge(t, "both", notVerified, slices.Concat(
			each("alg", []string{
				"es256", "ES256 ", " ES256", "ES256\n", "ＥＳ２５６", "ES256K", "ES384", "ES512", "EdDSA", "Ed25519", "RS256", "PS256", "HS256",
				"HS1", "RS1", "RSA1_5", "RSA-OAEP", "dir", "A128KW", "A256GCMKW", "ECDH-ES", "PBES2-HS256+A128KW", strings.Repeat("E", 3000),
			}, func(f *forger, alg string) string { return f.name("alg", alg) }),
			each("alg of another type", []raw{"null", "0", "256", "true", "[]", "{}", `["ES256"]`, `{"ES256":1}`},
				func(f *forger, alg raw) string { return f.name("alg", alg) }),
			[]forgery{{name: "no alg", make: func(f *forger) string { return f.name("alg", gone) }}},
		))
	})

	t.Run("public key as secret", func(t *testing.T) {
		for _, who := range []string{"both", "rsa"} {
			h.forge(t, who, notVerified, publicKeyAsSecret(t, h, who))
		}
	})

	t.Run("ECDSA", func(t *testing.T) {
		n := elliptic.P256().Params().N
		one, less := big.NewInt(1), new(big.Int).Sub(n, big.NewInt(1))
		var all []forgery
		for _, r := range []*big.Int{{}, one, less, n} {
			for _, s := range []*big.Int{{}, one, less, n} {
				all = append(all, forgery{name: "r " + r.Text(16) + " s " + s.Text(16), make: func(f *forger) string {
					return signedBy(f, func(string) []byte { return fixed(r, s) })
				}})
			}
		}
		change := func(name string, change func(signature []byte) []byte) {
			all = append(all, forgery{name: name, make: func(f *forger) string {
				return signedBy(f, func(input string) []byte { return change(f.signature(input)) })
			}})
		}
		change("empty", func([]byte) []byte { return nil })
		change("one byte less", func(s []byte) []byte { return s[:63] })
		change("one byte more", func(s []byte) []byte { return append(s, 0) })
		change("a zero in front", func(s []byte) []byte { return append([]byte{0}, s...) })
		change("of the length of another curve", func(s []byte) []byte { return append(s, make([]byte, 32)...) })
		change("one bit", func(s []byte) []byte { s[40] ^= 1; return s })
		change("r and s changed places", func(s []byte) []byte { return append(s[32:], s[:32]...) })
		change("DER", func(s []byte) []byte {
			der, err := asn1.Marshal(struct{ R, S *big.Int }{new(big.Int).SetBytes(s[:32]), new(big.Int).SetBytes(s[32:])})
			if err != nil {
				t.Fatal(err)
			}
			return der
		})
		all = append(all,
			forgery{name: "of another token", make: func(f *forger) string {
				_, _, signature := parts(f.good())
				input := encode([]byte(f.header())) + "." + encode([]byte(f.claims("sub", "alice")))
				return input + "." + signature
			}},
			forgery{name: "of another client's key", make: func(f *forger) string {
				return signedBy(f, func(input string) []byte { return f.h.signature("other", input) })
			}},
			forgery{name: "of an issuer's key", make: func(f *forger) string {
				return signedBy(f, func(input string) []byte { return f.h.signature("idp", input) })
			}},
			forgery{name: "over another hash", make: func(f *forger) string {
				return signedBy(f, func(input string) []byte {
					digest := sha512.Sum512([]byte(input))
					r, s, err := ecdsa.Sign(rand.Reader, f.h.ecKey("both"), digest[:])
					if err != nil {
						t.Fatal(err)
					}
					return fixed(r, s)
				})
			}},
		)
		h.forge(t, "both", notVerified, all)
	})

	t.Run("RSA", func(t *testing.T) {
		key := h.keys["rsa"].Signer.(*rsa.PrivateKey)
		digest := func(input string) []byte { d := sha256.Sum256([]byte(input)); return d[:] }
		pkcs := func(hash crypto.Hash, digest []byte) []byte {
			s, err := rsa.SignPKCS1v15(nil, key, hash, digest)
			if err != nil {
				t.Fatal(err)
			}
			return s
		}
		var all []forgery
		change := func(name string, sign func(input string) []byte, header ...any) {
			all = append(all, forgery{name: name, make: func(f *forger) string {
				input := encode([]byte(f.header(header...))) + "." + encode([]byte(f.claims()))
				return input + "." + encode(sign(input))
			}})
		}
		change("SHA-1", func(input string) []byte { d := sha1.Sum([]byte(input)); return pkcs(crypto.SHA1, d[:]) })
		change("SHA-512", func(input string) []byte { d := sha512.Sum512([]byte(input)); return pkcs(crypto.SHA512, d[:]) })
		change("no name of the hash", func(input string) []byte { return pkcs(0, digest(input)) })
		change("zeros", func(string) []byte { return make([]byte, 256) })
		change("one", func(string) []byte { return append(make([]byte, 255), 1) })
		change("the modulus", func(string) []byte { return key.N.Bytes() })
		change("longer than the modulus", func(input string) []byte { return append([]byte{0}, pkcs(crypto.SHA256, digest(input))...) })
		change("a padding with rubbish behind it", func(input string) []byte {
			// A verifier that reads the padding from the left would take it (Bleichenbacher 2006): here made with the
			// private key, so that only the padding is wrong.
			info := []byte{0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04, 0x20}
			block := append([]byte{0, 1, 255, 255, 255, 255, 255, 255, 255, 255, 0}, append(info, digest(input)...)...)
			block = append(block, make([]byte, 256-len(block))...)
			return new(big.Int).Exp(new(big.Int).SetBytes(block), key.D, key.N).FillBytes(make([]byte, 256))
		})
		for _, salt := range []int{0, 20, 64} {
			change("PSS with a salt of "+string(rune('0'+salt/10))+" tens", func(input string) []byte {
				s, err := rsa.SignPSS(rand.Reader, key, crypto.SHA256, digest(input), &rsa.PSSOptions{SaltLength: salt})
				if err != nil {
					t.Fatal(err)
				}
				return s
			}, "alg", "PS256")
		}
		change("PKCS #1 v1.5 called PS256", func(input string) []byte { return pkcs(crypto.SHA256, digest(input)) }, "alg", "PS256")
		h.forge(t, "rsa", notVerified, all)
	})

	t.Run("Ed25519", func(t *testing.T) {
		order, _ := new(big.Int).SetString("7237005577332262213973186563042994240857116359379907606001950938285454250989", 10)
		var all []forgery
		change := func(name string, change func(signature []byte) []byte) {
			all = append(all, forgery{name: name, make: func(f *forger) string {
				return signedBy(f, func(input string) []byte { return change(f.signature(input)) })
			}})
		}
		change("S beyond the order", func(s []byte) []byte { // the same point by another name
			little := slices.Clone(s[32:])
			slices.Reverse(little)
			more := new(big.Int).Add(new(big.Int).SetBytes(little), order).FillBytes(make([]byte, 32))
			slices.Reverse(more)
			return append(s[:32:32], more...)
		})
		change("zeros", func([]byte) []byte { return make([]byte, 64) })
		change("neutral R, S zero", func([]byte) []byte { return append([]byte{1}, make([]byte, 63)...) })
		change("one byte less", func(s []byte) []byte { return s[:63] })
		change("one byte more", func(s []byte) []byte { return append(s, 0) })
		all = append(all, forgery{name: "over a hash of the token", make: func(f *forger) string {
			return signedBy(f, func(input string) []byte {
				d := sha512.Sum512([]byte(input))
				s, err := f.h.keys["ed"].Signer.Sign(nil, d[:], &ed25519.Options{Hash: crypto.SHA512})
				if err != nil {
					t.Fatal(err)
				}
				return s
			})
		}})
		h.forge(t, "ed", notVerified, all)
	})

	t.Run("encrypted", func(t *testing.T) { h.forge(t, "both", notVerified, encrypted(t, h)) })
}

// signedBy makes a good token but for its signature.
func signedBy(f *forger, sign func(input string) []byte) string {
	input := encode([]byte(f.header())) + "." + encode([]byte(f.claims()))
	return input + "." + encode(sign(input))
}

// publicKeyAsSecret makes HMACs with everything that is public about a key, in all the ways a server might keep it.
func publicKeyAsSecret(t *testing.T, h *hostile, who string) []forgery {
	public := h.keys[who].Signer.Public()
	der, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		t.Fatal(err)
	}
	text := string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
	set := mustJSON(t, h.keys[who].PublicKeys(time.Now()))
	jwk := strings.TrimSuffix(strings.TrimPrefix(string(set), `{"keys":[`), "]}")
	resp, err := h.from("").Get(h.url + jwksPath)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	own, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	secrets := map[string][]byte{
		"PEM": []byte(text), "PEM without its line end": []byte(strings.TrimSpace(text)), "PEM with CRLF": []byte(strings.ReplaceAll(text, "\n", "\r\n")),
		"PEM with a blank before it": []byte(" " + text), "DER": der, "JWK": []byte(jwk), "JWK set": set, "our JWK set": own,
		"nothing": {}, "client id": []byte(who), "kid": []byte(h.keys[who].ID), "issuer": []byte(h.url), "a zero byte": {0},
	}
	switch key := public.(type) {
	case *rsa.PublicKey:
		secrets["PKCS #1 PEM"] = pem.EncodeToMemory(&pem.Block{Type: "RSA PUBLIC KEY", Bytes: x509.MarshalPKCS1PublicKey(key)})
		secrets["modulus"] = key.N.Bytes()
		secrets["modulus as text"] = []byte(encode(key.N.Bytes()))
	case *ecdsa.PublicKey:
		point, err := key.Bytes()
		if err != nil {
			t.Fatal(err)
		}
		secrets["point"], secrets["coordinates"], secrets["x"] = point, point[1:], point[1:33]
	}
	var all []forgery
	for name, secret := range secrets {
		all = append(all, forgery{name: "HS256 " + who + " " + name, make: func(f *forger) string {
			return f.mac(f.header("alg", "HS256"), f.claims(), crypto.SHA256.HashFunc, secret)
		}})
	}
	for alg, hash := range map[string]crypto.Hash{"HS384": crypto.SHA384, "HS512": crypto.SHA512} {
		all = append(all, forgery{name: alg + " " + who, make: func(f *forger) string {
			return f.mac(f.header("alg", alg, "kid", gone), f.claims(), hash.HashFunc, []byte(text))
		}})
	}
	for name := range secrets { // and under the name of the algorithm that is registered
		if name == "PEM" || name == "nothing" {
			secret := secrets[name]
			all = append(all, forgery{name: "HMAC called by the registered algorithm " + who + " " + name, make: func(f *forger) string {
				return f.mac(f.header(), f.claims(), crypto.SHA256.HashFunc, secret)
			}})
		}
	}
	return all
}

// encrypted are tokens of five parts: an unsigned JWT, and a good one, encrypted to the server's own published key
// (CVE-2026-29000, CVE-2023-51774), and headers that made decrypters work, panic or inflate (CVE-2024-28180,
// CVE-2023-49290).
func encrypted(t *testing.T, h *hostile) []forgery {
	set, err := h.server.live.PublicKeys(time.Now()).MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	published, err := keys.ParseSet(set)
	if err != nil {
		t.Fatal(err)
	}
	own := published.Keys()[0].Key
	encryptTo := func(alg jose.KeyAlgorithm, key any, o *jose.EncrypterOptions, inner string) string {
		e, err := jose.NewEncrypter(jose.A128GCM, jose.Recipient{Algorithm: alg, Key: key}, o.WithContentType("JWT"))
		if err != nil {
			t.Fatal(err)
		}
		object, err := e.Encrypt([]byte(inner))
		if err != nil {
			t.Fatal(err)
		}
		text, err := object.CompactSerialize()
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	unsigned := func(f *forger) string {
		return encode([]byte(`{"alg":"none"}`)) + "." + encode([]byte(f.claims())) + "."
	}
	five := func(header string) func(*forger) string {
		return func(f *forger) string {
			return encode([]byte(header)) + ".." + encode(make([]byte, 12)) + "." + encode([]byte(f.claims())) + "." + encode(make([]byte, 16))
		}
	}
	return []forgery{
		{name: "an unsigned JWT to our key", make: func(f *forger) string { return encryptTo(jose.ECDH_ES, own, &jose.EncrypterOptions{}, unsigned(f)) }},
		{name: "a signed JWT to our key", make: func(f *forger) string { return encryptTo(jose.ECDH_ES_A128KW, own, &jose.EncrypterOptions{}, f.good()) }},
		{name: "to the client's own key", make: func(f *forger) string {
			return encryptTo(jose.ECDH_ES, h.ecKey("both").Public(), &jose.EncrypterOptions{}, f.good())
		}},
		{name: "compressed", make: func(f *forger) string {
			return encryptTo(jose.ECDH_ES, own, &jose.EncrypterOptions{Compression: jose.DEFLATE}, unsigned(f)+strings.Repeat(" ", 1<<20))
		}},
		{name: "direct, with the key of nobody", make: func(f *forger) string {
			return encryptTo(jose.DIRECT, make([]byte, 16), &jose.EncrypterOptions{}, unsigned(f))
		}},
		{name: "PBES2 that would take a week", make: five(`{"alg":"PBES2-HS256+A128KW","enc":"A128GCM","p2c":2147483647,"p2s":"AAAA"}`)},
		{name: "key wrap of nothing", make: five(`{"alg":"A128KW","enc":"A128GCM"}`)},
		{name: "five parts that say ES256", make: five(`{"alg":"ES256","enc":"A128GCM"}`)},
	}
}
