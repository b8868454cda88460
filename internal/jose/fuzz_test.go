package jose_test

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"errors"
	"math/big"
	"reflect"
	"strings"
	"testing"

	gojose "github.com/go-jose/go-jose/v4"
	"github.com/lestrrat-go/jwx/v3/jwa"
	"github.com/lestrrat-go/jwx/v3/jws"

	"github.com/avouch-oauth/avouch/internal/jose"
	"github.com/avouch-oauth/avouch/keys"
)

// The oracles of this file are go-jose and jwx. Whatever we accept they must accept, and read alike. The other way round
// they are laxer: RFC 7515 leaves much to the reader, and this package takes the strict side of it.

// FuzzParse gives any text to the parser.
func FuzzParse(f *testing.F) {
	for _, example := range rfcExamples {
		f.Add(example.token)
	}
	for _, header := range []string{
		`{"alg":"ES256","typ":"JWT","kid":"a"}`, `{"alg":"none"}`, `{"alg":"ES256","crit":["b64"],"b64":false}`, `{"alg":"ES256","\u0061lg":"none"}`,
		`{"alg":"EdDSA","x5t":"AA==","x5t#S256":"BB"}`, `{"alg":"PS256","cty":"JWT"}`, `{"alg":"ES256","zip":"DEF"}`,
	} {
		f.Add(encode(header) + "." + encode(`{"iss":"a","exp":1e9,"aud":["b"],"cnf":{"jkt":"x"}}`) + ".AAAA")
	}
	f.Add("..")
	f.Add("e30.e30.e30.e30.e30")
	f.Add("eyJhbGciOiJFUzI1NiJ9\n.e30.AA")
	f.Fuzz(readAlike)
}

// FuzzHeader gives any header and any payload to the parser, properly encoded.
func FuzzHeader(f *testing.F) {
	for _, header := range []string{
		`{"alg":"ES256","typ":"JWT","kid":"a"}`, `{"alg":"ES256","crit":["b64"],"b64":false}`, `{"alg":"ES256","\u0061lg":"none"}`,
		`{"alg":"EdDSA","x5t":"AA==","x5t#S256":"BB"}`, `{"alg":"PS256","cty":"JWT"}`, `{"alg":"HS256","zip":"DEF"}`, `{"ALG":"none","alg":"RS256"}`,
		`{"alg":"ES256","n":1e999}`,
	} {
		f.Add([]byte(header), []byte(`{"iss":"a","exp":1e9,"aud":["b"],"cnf":{"jkt":"x"}}`))
	}
	f.Fuzz(func(t *testing.T, header, payload []byte) {
		readAlike(t, base64.RawURLEncoding.EncodeToString(header)+"."+base64.RawURLEncoding.EncodeToString(payload)+".AAAA")
	})
}

// readAlike fails where we read a token that others refuse, or read differently.
func readAlike(t *testing.T, token string) {
	c, err := jose.Parse(token, 16<<10)
	if err != nil {
		var e *jose.ParseError
		if !errors.As(err, &e) || e.Fault < jose.TooLarge || e.Fault > jose.BadClaims || len(e.Error()) > 512 {
			t.Fatalf("not a proper error: %#v", err)
		}
		return
	}
	// There is one way to write a token.
	parts := strings.Split(token, ".")
	if len(parts) != 3 || c.SigningInput != parts[0]+"."+parts[1] || parts[2] != base64.RawURLEncoding.EncodeToString(c.Signature) {
		t.Fatalf("%q is read as %q and %x", token, c.SigningInput, c.Signature)
	}
	header, err := base64.RawURLEncoding.DecodeString(parts[0])
	if err != nil {
		t.Fatal(err)
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		t.Fatal(err)
	}
	theirs, _ := decode(t, header).(map[string]any)
	text := func(name string) string { s, _ := theirs[name].(string); return s }
	want := jose.Header{
		Algorithm: text("alg"), Type: text("typ"), KeyID: text("kid"),
		X5T: strings.TrimRight(text("x5t"), "="), X5TS256: strings.TrimRight(text("x5t#S256"), "="),
	}
	if c.Header != want {
		t.Fatalf("the header is %+v, by encoding/json %+v", c.Header, want)
	}
	all, _ := decode(t, payload).(map[string]any)
	for name, value := range c.Claims.Members() {
		if ours := decode(t, value.Raw()); !reflect.DeepEqual(ours, all[name]) {
			t.Fatalf("claim %q is %v, by encoding/json %v", name, ours, all[name])
		}
	}
	if beyondFloat(header) || beyondFloat(payload) { // which the oracles would put into a float64
		return
	}
	if parsedByOracles(theirs) && len(c.Signature) > 0 { // jwx refuses an empty one at once, we when it is verified
		agree(t, token, c, header, payload)
	}
}

// decode reads JSON with its numbers as they are written: one that no float64 can hold is a number all the same.
func decode(t *testing.T, text []byte) (v any) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	if err := d.Decode(&v); err != nil {
		t.Fatalf("%q: %v", text, err)
	}
	return v
}

func beyondFloat(text []byte) bool {
	var v any
	return json.Unmarshal(text, &v) != nil
}

// parsedByOracles reports whether the header has nothing that the oracles decode and we do not even read.
func parsedByOracles(header map[string]any) bool {
	for _, name := range []string{"jwk", "jku", "x5u", "x5c", "nonce", "url", "iat", "p2s", "p2c", "epk", "apu", "apv", "iv", "tag"} {
		if _, found := header[name]; found {
			return false
		}
	}
	return true
}

// agree holds what we read against what the oracles read.
func agree(t *testing.T, token string, c *jose.Compact, header, payload []byte) {
	if c.Header.Algorithm != "Ed25519" { // which go-jose does not know by itself
		theirs, err := gojose.ParseSignedCompact(token, []gojose.SignatureAlgorithm{gojose.SignatureAlgorithm(c.Header.Algorithm)})
		if err != nil {
			t.Fatalf("go-jose refuses it: %v", err)
		}
		h := theirs.Signatures[0].Protected
		if h.Algorithm != c.Header.Algorithm || h.KeyID != c.Header.KeyID || !bytes.Equal(theirs.UnsafePayloadWithoutVerification(), payload) ||
			!bytes.Equal(theirs.Signatures[0].Signature, c.Signature) {
			t.Fatalf("go-jose reads %+v", theirs)
		}
	}
	theirs, err := jws.ParseString(token)
	if err != nil {
		t.Fatalf("jwx refuses it: %v", err)
	}
	s := theirs.Signatures()[0]
	alg, _ := s.ProtectedHeaders().Algorithm()
	kid, _ := s.ProtectedHeaders().KeyID()
	if alg.String() != c.Header.Algorithm || kid != c.Header.KeyID || !bytes.Equal(theirs.Payload(), payload) || !bytes.Equal(s.Signature(), c.Signature) {
		t.Fatalf("jwx reads %s %s %s", alg, kid, theirs.Payload())
	}
}

// fuzzKeys are the same in every process of a fuzzing run: what one finds, the others must be able to repeat.
func fuzzKeys(f *testing.F) map[string]any {
	bilbo, err := keys.ParsePrivate([]byte(bilboRSA))
	if err != nil {
		f.Fatal(err)
	}
	all := map[string]any{"EdDSA": ed25519.NewKeyFromSeed(make([]byte, 32))}
	all["Ed25519"] = all["EdDSA"]
	for _, alg := range []string{"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"} {
		all[alg] = bilbo.Signer
	}
	for alg, c := range map[string]elliptic.Curve{"ES256": elliptic.P256(), "ES384": elliptic.P384(), "ES512": elliptic.P521()} {
		key, err := ecdsa.ParseRawPrivateKey(c, big.NewInt(4711).FillBytes(make([]byte, (c.Params().BitSize+7)/8)))
		if err != nil {
			f.Fatal(err)
		}
		all[alg] = key
	}
	for _, alg := range []string{"HS256", "HS384", "HS512"} {
		all[alg] = bytes.Repeat([]byte("k"), 64)
	}
	return all
}

// FuzzVerify signs what is given, spoils the result where it is told to, and has all three verify it.
func FuzzVerify(f *testing.F) {
	all := fuzzKeys(f)
	names := []string{"ES256", "EdDSA", "RS256", "PS256", "HS256", "Ed25519", "RS384", "RS512", "PS384", "PS512", "ES384", "ES512", "HS384", "HS512"}
	for i := range names {
		f.Add(byte(i), byte(i), []byte(`{"iss":"a"}`), []byte(nil), uint16(0), byte(0))
		f.Add(byte(i), byte(i), []byte(`{"iss":"a"}`), []byte(nil), uint16(7), byte(1))
		f.Add(byte(i), byte(i+1), []byte(`{}`), []byte(nil), uint16(0), byte(0))
		f.Add(byte(i), byte(i), []byte(`{}`), make([]byte, 64), uint16(0), byte(0))
	}
	f.Fuzz(func(t *testing.T, signedBy, says byte, payload, signature []byte, at uint16, flip byte) {
		alg, claimed := names[int(signedBy)%len(names)], names[int(says)%len(names)]
		header := []byte(`{"alg":"` + claimed + `"}`)
		var token []byte
		var key any
		var err error
		switch private := all[alg].(type) {
		case []byte:
			key = private
			token, err = jose.AppendMAC(nil, header, payload, alg, private)
		case crypto.Signer:
			key = private.Public()
			token, err = jose.AppendSigned(nil, header, payload, alg, private)
		}
		if err != nil {
			t.Fatal(err)
		}
		c, decoded, err := jose.Decode(string(token), 1<<20)
		if err != nil || !bytes.Equal(decoded, payload) {
			t.Fatalf("our own token: %v", err)
		}
		if len(signature) == 0 {
			signature = bytes.Clone(c.Signature)
			signature[int(at)%len(signature)] ^= flip
		}
		token = append([]byte(c.SigningInput+"."), base64.RawURLEncoding.EncodeToString(signature)...)

		ours := jose.Verify(claimed, key, c.SigningInput, signature)
		if alg == claimed && flip == 0 && bytes.Equal(signature, c.Signature) && ours != nil {
			t.Fatalf("%s: our own signature is refused: %v", alg, ours)
		}
		theirAlg, found := jwa.LookupSignatureAlgorithm(claimed)
		if !found {
			t.Fatalf("jwx does not know %s", claimed)
		}
		theirPayload, err := jws.Verify(token, jws.WithKey(theirAlg, key))
		if ours == nil && (err != nil || !bytes.Equal(theirPayload, payload)) {
			t.Fatalf("%s: we accept it, jwx: %v", claimed, err)
		}
		if ours != nil && err == nil {
			t.Fatalf("%s: jwx accepts it, we: %v", claimed, ours)
		}
		if claimed == "Ed25519" {
			return
		}
		object, err := gojose.ParseSignedCompact(string(token), []gojose.SignatureAlgorithm{gojose.SignatureAlgorithm(claimed)})
		if err != nil {
			t.Fatalf("go-jose cannot parse it: %v", err)
		}
		theirPayload, err = object.Verify(key)
		if ours == nil && (err != nil || !bytes.Equal(theirPayload, payload)) {
			t.Fatalf("%s: we accept it, go-jose: %v", claimed, err)
		}
		if _, isRSA := key.(*rsa.PublicKey); ours != nil && err == nil && !isRSA { // go-jose takes a salt of any length
			t.Fatalf("%s: go-jose accepts it, we: %v", claimed, ours)
		}
	})
}

// FuzzBase64url: what passes is written in the one way there is.
func FuzzBase64url(f *testing.F) {
	for _, seed := range []string{"", "QQ", "QR", "QUI", "QUJD", "Q\nQ", "QQ==", "Q+/=", "A"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, in string) {
		out, ok := jose.AppendBase64url(nil, in)
		if ok && base64.RawURLEncoding.EncodeToString(out) != in {
			t.Fatalf("%q decodes to %x", in, out)
		}
		if _, err := base64.RawURLEncoding.Strict().DecodeString(in); !ok && err == nil && !strings.ContainsAny(in, "\r\n") {
			t.Fatalf("%q is refused", in)
		}
	})
}

func encode(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }
