package jose

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"io"
	"math/big"
	"slices"
	"strings"
	"testing"
)

var (
	asymmetric = []string{"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519"}
	symmetric  = []string{"HS256", "HS384", "HS512"}
)

// signers makes one key of each kind, and gives one to each algorithm.
func signers(t testing.TB) map[string]crypto.Signer {
	t.Helper()
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	_, edKey, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	keys := map[string]crypto.Signer{"EdDSA": edKey, "Ed25519": edKey}
	for _, alg := range []string{"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"} {
		keys[alg] = rsaKey
	}
	for alg, c := range map[string]elliptic.Curve{"ES256": elliptic.P256(), "ES384": elliptic.P384(), "ES512": elliptic.P521()} {
		if keys[alg], err = ecdsa.GenerateKey(c, rand.Reader); err != nil {
			t.Fatal(err)
		}
	}
	return keys
}

// opaque is a signer that is nothing but a crypto.Signer, as that of an HSM.
type opaque struct{ crypto.Signer }

func signed(t testing.TB, alg string, signer crypto.Signer) *Compact {
	t.Helper()
	token, err := AppendSigned(nil, []byte(`{"alg":"`+alg+`"}`), []byte(`{"iss":"a"}`), alg, signer)
	if err != nil {
		t.Fatalf("%s: %v", alg, err)
	}
	c, err := Parse(string(token), limit)
	if err != nil {
		t.Fatalf("%s: %v", alg, err)
	}
	return c
}

func TestSignAndVerify(t *testing.T) {
	others := signers(t)
	for alg, signer := range signers(t) {
		t.Run(alg, func(t *testing.T) {
			c := signed(t, alg, opaque{signer})
			key := signer.Public()
			if err := Verify(alg, key, c.SigningInput, c.Signature); err != nil {
				t.Fatal(err)
			}
			refused := func(what, input string, signature []byte) {
				t.Helper()
				if err := Verify(alg, key, input, signature); !errors.Is(err, ErrSignature) {
					t.Errorf("%s: %v", what, err)
				}
			}
			refused("no signature", c.SigningInput, nil)
			refused("zeros", c.SigningInput, make([]byte, len(c.Signature)))
			refused("another text", c.SigningInput+"A", c.Signature)
			refused("no text", "", c.Signature)
			refused("one byte more", c.SigningInput, append(bytes.Clone(c.Signature), 0))
			refused("one byte more in front", c.SigningInput, append([]byte{0}, c.Signature...))
			refused("one byte less", c.SigningInput, c.Signature[:len(c.Signature)-1])
			refused("twice", c.SigningInput, append(bytes.Clone(c.Signature), c.Signature...))
			for i := 0; i < len(c.Signature); i += 9 {
				bent := bytes.Clone(c.Signature)
				bent[i] ^= 1
				refused("one bit", c.SigningInput, bent)
			}
			other := signed(t, alg, others[alg])
			refused("that of another key", other.SigningInput, other.Signature)
		})
	}
}

// The text that is hashed may be longer than what fits on the stack.
func TestLongTokens(t *testing.T) {
	signer := signers(t)["ES256"]
	for _, n := range []int{1000, 1100, 1120, 1200, 2000, 10_000} {
		claims := []byte(`{"a":"` + strings.Repeat("x", n) + `"}`)
		token, err := AppendSigned([]byte("kept "), []byte(`{"alg":"ES256"}`), claims, "ES256", signer)
		if err != nil || !bytes.HasPrefix(token, []byte("kept ")) {
			t.Fatal(string(token[:10]), err)
		}
		c, err := Parse(string(token[5:]), 64<<10)
		if err != nil {
			t.Fatal(err)
		}
		if err := Verify("ES256", signer.Public(), c.SigningInput, c.Signature); err != nil {
			t.Errorf("%d: %v", n, err)
		}
	}
}

// Every algorithm with every key that is not its own.
func TestKeyMustBelongToAlgorithm(t *testing.T) {
	keys := signers(t)
	for _, alg := range asymmetric {
		c := signed(t, alg, keys[alg])
		for _, other := range slices.Concat(asymmetric, symmetric) {
			same := other == alg || other[:2] == "Ed" && alg[:2] == "Ed"
			if err := Verify(other, keys[alg].Public(), c.SigningInput, c.Signature); (err == nil) != same {
				t.Errorf("signed with %s, verified with %s: %v", alg, other, err)
			}
		}
		for _, key := range []any{
			nil, "secret", []byte(nil), []byte("x"), make([]byte, 64), keys[alg], struct{}{}, (*rsa.PublicKey)(nil), (*ecdsa.PublicKey)(nil),
			ed25519.PublicKey(nil), ed25519.PublicKey("short"), &rsa.PublicKey{}, &ecdsa.PublicKey{}, rsa.PublicKey{}, ecdsa.PublicKey{},
		} {
			if err := Verify(alg, key, c.SigningInput, c.Signature); err == nil || errors.Is(err, ErrSignature) && key != nil {
				t.Errorf("%s with a key of type %T: %v", alg, key, err)
			}
		}
	}
	for _, alg := range []string{"", "none", "None", "HS1", "es256", "ES256K", "Ed448", " ES256"} {
		if err := Verify(alg, keys["ES256"].Public(), "a.b", make([]byte, 64)); err == nil {
			t.Errorf("an algorithm %q", alg)
		}
	}
}

// A public key, in whatever form an attacker thinks that we hold it, is no secret (RFC 8725 §2.1, CVE-2015-9235).
func TestPublicKeyIsNoSecret(t *testing.T) {
	for alg, signer := range signers(t) {
		key := signer.Public()
		der, err := x509.MarshalPKIXPublicKey(key)
		if err != nil {
			t.Fatal(err)
		}
		text := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
		for _, secret := range [][]byte{
			der, text, bytes.TrimSpace(text), bytes.ReplaceAll(text, []byte("\n"), []byte("\r\n")), append([]byte(" "), text...),
		} {
			for _, hs := range symmetric {
				token, err := AppendMAC(nil, []byte(`{"alg":"`+hs+`"}`), []byte("{}"), hs, append(secret, make([]byte, 64)...)[:max(len(secret), 64)])
				if err != nil {
					t.Fatal(err)
				}
				c, err := Parse(string(token), limit)
				if err != nil {
					t.Fatal(err)
				}
				if err := Verify(c.Header.Algorithm, key, c.SigningInput, c.Signature); err == nil || errors.Is(err, ErrSignature) {
					t.Errorf("%s key with %s: %v", alg, hs, err)
				}
			}
		}
	}
}

func TestMAC(t *testing.T) {
	for alg, size := range map[string]int{"HS256": 32, "HS384": 48, "HS512": 64} {
		secret := bytes.Repeat([]byte{7}, size)
		token, err := AppendMAC(nil, []byte(`{"alg":"`+alg+`"}`), []byte("{}"), alg, secret)
		if err != nil {
			t.Fatal(err)
		}
		c, err := Parse(string(token), limit)
		if err != nil {
			t.Fatal(err)
		}
		if err := Verify(alg, secret, c.SigningInput, c.Signature); err != nil {
			t.Errorf("%s: %v", alg, err)
		}
		for what, wrong := range map[string][]byte{
			"nothing": nil, "cut": c.Signature[:size-1], "half": c.Signature[:size/2], "longer": append(bytes.Clone(c.Signature), 0),
			"bent": append(bytes.Clone(c.Signature[:size-1]), c.Signature[size-1]^1),
		} {
			if err := Verify(alg, secret, c.SigningInput, wrong); !errors.Is(err, ErrSignature) {
				t.Errorf("%s, %s: %v", alg, what, err)
			}
		}
		// RFC 7518 §3.2: as long as the hash, at least.
		for _, short := range [][]byte{nil, {}, []byte("secret"), secret[:size-1]} {
			if err := Verify(alg, short, c.SigningInput, c.Signature); err == nil || errors.Is(err, ErrSignature) {
				t.Errorf("%s verifies with a secret of %d bytes: %v", alg, len(short), err)
			}
			if _, err := AppendMAC(nil, nil, nil, alg, short); err == nil {
				t.Errorf("%s signs with a secret of %d bytes", alg, len(short))
			}
		}
		if _, err := AppendSigned(nil, nil, nil, alg, signers(t)["ES256"]); err == nil {
			t.Errorf("%s signs with a key pair", alg)
		}
	}
	for _, alg := range asymmetric {
		if _, err := AppendMAC(nil, nil, nil, alg, make([]byte, 64)); err == nil {
			t.Errorf("%s signs with a secret", alg)
		}
	}
}

func TestRSASizes(t *testing.T) {
	for bits, want := range map[int]bool{
		512: false, 1024: false, 2040: false, 2047: false, 2048: true, 2049: true, 3072: true, 4096: true, 4097: false, 8192: false, 16385: false,
	} {
		n := new(big.Int).Lsh(big.NewInt(1), uint(bits-1))
		key := &rsa.PublicKey{N: n.SetBit(n, 0, 1), E: 65537}
		for _, alg := range []string{"RS256", "PS512"} {
			// With a key that is let in, it is the signature that is at fault.
			if err := Verify(alg, key, "a.b", make([]byte, key.Size())); errors.Is(err, ErrSignature) != want || err == nil {
				t.Errorf("%s, %d bits: %v", alg, bits, err)
			}
			_, err := AppendSigned(nil, nil, nil, alg, broken{Signer: publicOnly{key}, signature: make([]byte, key.Size())})
			if (err == nil) != want {
				t.Errorf("%s, signing with %d bits: %v", alg, bits, err)
			}
		}
	}
	for _, e := range []int{0, 1, 2, 65536, -1} {
		key := *signers(t)["RS256"].Public().(*rsa.PublicKey)
		key.E = e
		if err := Verify("RS256", &key, "a.b", make([]byte, 256)); err == nil {
			t.Errorf("the exponent %d", e)
		}
	}
}

// publicOnly is a signer of which only the public half is asked.
type publicOnly struct{ key crypto.PublicKey }

func (p publicOnly) Public() crypto.PublicKey { return p.key }
func (p publicOnly) Sign(io.Reader, []byte, crypto.SignerOpts) ([]byte, error) {
	return nil, errors.New("there is no private half")
}

// RFC 7518 §3.5: the salt is as long as the hash, though PSS allows any.
func TestPSSSaltLengthIsPinned(t *testing.T) {
	key := signers(t)["PS256"].(*rsa.PrivateKey)
	digest := sha256.Sum256([]byte("a.b"))
	for _, salt := range []int{0, 1, 20, 31, 32, 33, 64, 222} {
		signature, err := rsa.SignPSS(rand.Reader, key, crypto.SHA256, digest[:], &rsa.PSSOptions{SaltLength: salt})
		if salt == 0 { // is PSSSaltLengthAuto, the longest, for Go
			salt = 222
		}
		if err != nil {
			t.Fatal(err)
		}
		if err := Verify("PS256", &key.PublicKey, "a.b", signature); (err == nil) != (salt == 32) {
			t.Errorf("salt of %d bytes: %v", salt, err)
		}
	}
}

// Both (r, s) and (r, n-s) are signatures: which is why a token's use is remembered by what it says and not by its
// bytes.
func TestECDSASignaturesAreMalleable(t *testing.T) {
	signer := signers(t)["ES256"]
	c := signed(t, "ES256", signer)
	s := new(big.Int).SetBytes(c.Signature[32:])
	s.Sub(elliptic.P256().Params().N, s).FillBytes(c.Signature[32:])
	if err := Verify("ES256", signer.Public(), c.SigningInput, c.Signature); err != nil {
		t.Errorf("Go refuses it now, and replay keys may rely on more: %v", err)
	}
}

// broken returns what a faulty HSM might.
type broken struct {
	crypto.Signer
	signature []byte
	err       error
}

func (b broken) Sign(io.Reader, []byte, crypto.SignerOpts) ([]byte, error) { return b.signature, b.err }

func TestBrokenSigners(t *testing.T) {
	keys := signers(t)
	for _, alg := range asymmetric {
		for _, signature := range [][]byte{nil, {}, {0}, make([]byte, 31), make([]byte, 1000)} {
			if token, err := AppendSigned(nil, []byte("{}"), []byte("{}"), alg, broken{keys[alg], signature, nil}); err == nil {
				t.Errorf("%s: %d bytes become %s", alg, len(signature), token)
			}
		}
		want := errors.New("the HSM is on fire")
		if _, err := AppendSigned(nil, []byte("{}"), []byte("{}"), alg, broken{keys[alg], nil, want}); !errors.Is(err, want) {
			t.Errorf("%s: %v", alg, err)
		}
		if _, err := AppendSigned(nil, nil, nil, alg, nil); err == nil {
			t.Errorf("%s signs without a signer", alg)
		}
	}
	raw := make([]byte, 64) // r and s as JWS wants them are not what crypto.Signer promises
	raw[31], raw[63] = 1, 1
	if _, err := AppendSigned(nil, nil, nil, "ES256", broken{keys["ES256"], raw, nil}); err == nil {
		t.Error("raw r and s are taken for DER")
	}
}

// what a signer is asked for is what RFC 7518 says.
type recorder struct {
	crypto.Signer
	digest []byte
	opts   crypto.SignerOpts
}

func (r *recorder) Sign(random io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	r.digest, r.opts = bytes.Clone(digest), opts
	return r.Signer.Sign(random, digest, opts)
}

func TestSignersAreAskedProperly(t *testing.T) {
	for alg, signer := range signers(t) {
		r := &recorder{Signer: signer}
		c := signed(t, alg, r)
		a, err := lookUp(alg)
		if err != nil {
			t.Fatal(err)
		}
		if a.hash != r.opts.HashFunc() {
			t.Errorf("%s: the hash is %v", alg, r.opts.HashFunc())
		}
		pss, isPSS := r.opts.(*rsa.PSSOptions)
		if isPSS != (alg[0] == 'P') || isPSS && pss.SaltLength != rsa.PSSSaltLengthEqualsHash {
			t.Errorf("%s: the options are %#v", alg, r.opts)
		}
		want := []byte(c.SigningInput)
		if a.hash != 0 {
			h := a.hash.New()
			h.Write(want)
			want = h.Sum(nil)
		}
		if !bytes.Equal(r.digest, want) {
			t.Errorf("%s: asked to sign %x", alg, r.digest)
		}
	}
}

// A MAC by the standard library alone.
func TestMACIsTheStandardOne(t *testing.T) {
	secret := make([]byte, 100) // longer than a block of SHA-256
	h := hmac.New(sha256.New, secret)
	h.Write([]byte("a.b"))
	if err := Verify("HS256", secret, "a.b", h.Sum(nil)); err != nil {
		t.Error(err)
	}
}
