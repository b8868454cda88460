package keys

import (
	"crypto"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	gojose "github.com/go-jose/go-jose/v4"
)

// FuzzParseSet: a key that we take from a set, go-jose must take too, and as the same key.
func FuzzParseSet(f *testing.F) {
	for _, alg := range everyAlgorithm {
		f.Add(setOf(f, with(f, alg, nil), with(f, alg, map[string]any{"kid": "b", "use": "enc"})))
		private, err := pair(alg).MarshalJWK()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(setOf(f, json.RawMessage(private)))
	}
	f.Add(setOf(f, map[string]any{"kty": "oct", "k": "AAAA"}, 1, nil))
	f.Add([]byte(`{"keys":[],"keys":[]}`))
	f.Add([]byte(`{"keys":[],"Keys":[1]}`))
	f.Add(setOf(f, with(f, EdDSA, map[string]any{"x5t": "=", "x5u": 1, "y": "?"})))
	f.Fuzz(func(t *testing.T, doc []byte) {
		s, err := ParseSet(doc)
		if err != nil {
			if s != nil {
				t.Fatal("a set in spite of the error")
			}
			return
		}
		checkParsed(t, s.Keys())
		var theirs map[string]json.RawMessage // keeps names apart that differ in case
		if err := json.Unmarshal(doc, &theirs); err != nil {
			t.Fatalf("encoding/json: %v", err)
		}
		var members []json.RawMessage
		if err := json.Unmarshal(theirs["keys"], &members); err != nil {
			t.Fatalf("encoding/json: %v", err)
		}
		if len(members) != len(s.Keys())+len(s.Skipped()) {
			t.Fatalf("%d members, %d keys, %d skipped", len(members), len(s.Keys()), len(s.Skipped()))
		}
		var prints []string
		for _, member := range members {
			var jwk gojose.JSONWebKey
			if jwk.UnmarshalJSON(whatDefinesIt(t, member)) != nil || !jwk.IsPublic() {
				continue
			}
			if print, err := jwk.Thumbprint(crypto.SHA256); err == nil {
				prints = append(prints, b64(print)+" "+jwk.KeyID)
			}
		}
		for _, p := range s.Keys() {
			if !slices.Contains(prints, p.Thumbprint()+" "+p.ID) {
				t.Fatalf("go-jose does not find %s (%q)", p.Thumbprint(), p.ID)
			}
		}
	})
}

// whatDefinesIt leaves out of a JWK what its key type does not define: go-jose decodes the y of an OKP key, and refuses
// the key where that is malformed; a member that is not defined is to be ignored (RFC 7517 §4). It leaves out certificates,
// too, which go-jose checks and we know as hints only.
func whatDefinesIt(t *testing.T, member []byte) []byte {
	var m map[string]json.RawMessage
	if json.Unmarshal(member, &m) != nil {
		return member
	}
	defined := map[string]string{"RSA": "n e", "EC": "crv x y", "OKP": "crv x"}[kindOf(m["kty"])]
	for _, name := range []string{"crv", "x", "y", "n", "e", "x5c", "x5u", "x5t", "x5t#S256"} {
		if !slices.Contains(strings.Fields(defined), name) {
			delete(m, name)
		}
	}
	text, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// kindOf is kty without the escapes that it may be written with.
func kindOf(kty json.RawMessage) string {
	var s string
	if json.Unmarshal(kty, &s) != nil {
		return ""
	}
	return s
}

// FuzzParsePublic: what is registered can verify, and comes back from the store as it went there.
func FuzzParsePublic(f *testing.F) {
	for _, alg := range everyAlgorithm {
		f.Add(text(f, with(f, alg, nil)))
		pem, err := pair(alg).MarshalPEM()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(pem)
		f.Add(setOf(f, with(f, alg, nil)))
	}
	f.Add([]byte("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"))
	f.Add([]byte("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"))
	f.Fuzz(func(t *testing.T, doc []byte) {
		keys, err := ParsePublic(doc)
		if err != nil {
			if keys != nil {
				t.Fatal("keys in spite of the error")
			}
			return
		}
		s, err := NewSet(keys...)
		if err != nil {
			t.Fatal(err)
		}
		checkParsed(t, s.Keys())
		stored, err := s.MarshalJSON()
		if err != nil {
			t.Fatal(err)
		}
		again, err := ParsePublic(stored)
		if err != nil || len(again) != len(keys) {
			t.Fatalf("%s does not come back: %v", stored, err)
		}
		for i := range again {
			if again[i].ID != keys[i].ID || again[i].Thumbprint() != keys[i].Thumbprint() || again[i].Algorithm != keys[i].Algorithm {
				t.Fatalf("%+v comes back as %+v", keys[i], again[i])
			}
		}
	})
}

func checkParsed(t *testing.T, keys []*Public) {
	for _, p := range keys {
		if err := checkKey(p.Key); err != nil || p.Thumbprint() == "" {
			t.Fatalf("%+v: %v", p, err)
		}
		for _, alg := range []Algorithm{HS256, HS384, HS512, "none", ""} {
			if p.Fits(alg, noon) == nil {
				t.Fatalf("%+v fits %q", p, alg)
			}
		}
	}
}

// FuzzParsePrivate: no file makes the parser panic, and what it takes can be written and read again.
func FuzzParsePrivate(f *testing.F) {
	for _, alg := range []Algorithm{ES256, ES384, ES512, EdDSA, RS256} {
		for _, marshal := range []func() ([]byte, error){pair(alg).MarshalPEM, pair(alg).MarshalJWK} {
			doc, err := marshal()
			if err != nil {
				f.Fatal(err)
			}
			f.Add(doc)
		}
	}
	doc, err := MarshalKeyFile(pair(RS256), "a", "https://as.example.com/token")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(doc)
	f.Fuzz(func(t *testing.T, doc []byte) {
		k, err := ParsePrivate(doc)
		if err != nil {
			if k != nil || errors.Is(err, ErrPrivate) {
				t.Fatal("a key in spite of the error, or the wrong error")
			}
			return
		}
		written, err := k.MarshalJWK()
		if err != nil {
			t.Fatal(err)
		}
		again, err := ParsePrivate(written)
		if err != nil || again.ID != k.ID || again.Algorithm != k.Algorithm || !equalSigners(again.Signer, k.Signer) {
			t.Fatalf("%v comes back as %v: %v", k, again, err)
		}
	})
}
