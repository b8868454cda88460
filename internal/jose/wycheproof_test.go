package jose_test

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/avouch-oauth/avouch/internal/jose"
	"github.com/avouch-oauth/avouch/keys"
)

// Vectors of Project Wycheproof that Avouch decides otherwise, and why.
var (
	signatureDeviations = map[int]string{
		346: "the key says alg PS256 and the token is signed with PS384: a key that names an algorithm is for no other",
		347: "the key says alg ES521, which no registry knows",
		350: "as 346",
		351: "as 347",
		367: "the token is the very one that 357 calls valid",
		370: "the token is the very one that 357 calls valid",
		372: "a question mark is not of the base64url alphabet (RFC 7515 §2), though the vector calls it valid",
		373: "as 372",
	}
	keyDeviations = map[int]string{
		2:  "symmetric keys are never taken from a set: a client's secret is registered as such",
		13: "as 2",
		14: "as 2",
		15: "as 2",
	}
)

type vectorFile struct {
	NumberOfTests int
	TestGroups    []struct {
		Comment         string
		Public, Private json.RawMessage
		Tests           []struct {
			ID      int `json:"tcId"`
			Comment string
			JWS     any // two vectors are JSON serialisations, which are objects
			Result  string
		}
	}
}

// octKey is the part of a symmetric JWK that the tests use.
type octKey struct{ Kty, Alg, Kid, K string }

func TestWycheproofSignatures(t *testing.T) {
	file := readVectors(t, "json_web_signature_test.json")
	decided := 0
	for _, group := range file.TestGroups {
		for _, test := range group.Tests {
			decided++
			t.Run(fmt.Sprintf("%d_%s", test.ID, test.Comment), func(t *testing.T) {
				var err error
				if token := compactForm(t, test.JWS); group.Public != nil {
					err = believe(t, token, fmt.Appendf(nil, `{"keys":[%s]}`, group.Public))
				} else {
					err = believeSecret(t, token, group.Private)
				}
				judge(t, test.ID, test.Result, err, signatureDeviations)
			})
		}
	}
	if decided != file.NumberOfTests || decided != 401 {
		t.Errorf("%d vectors of %d", decided, file.NumberOfTests)
	}
}

// The signatures of the cookbook (RFC 7520) that the vectors give faulty keys for are good in themselves.
func TestWycheproofDeviationsAreAboutTheKey(t *testing.T) {
	for _, group := range readVectors(t, "json_web_signature_test.json").TestGroups {
		for _, test := range group.Tests {
			switch test.ID {
			case 346, 347, 350, 351:
			default:
				continue
			}
			var key map[string]any
			if err := json.Unmarshal(group.Public, &key); err != nil {
				t.Fatal(err)
			}
			delete(key, "alg")
			set, err := json.Marshal(map[string]any{"keys": []any{key}})
			if err != nil {
				t.Fatal(err)
			}
			if err := believe(t, compactForm(t, test.JWS), set); err != nil {
				t.Errorf("%d: %v", test.ID, err)
			}
		}
	}
}

func TestWycheproofKeys(t *testing.T) {
	file := readVectors(t, "json_web_key_test.json")
	decided := 0
	for _, group := range file.TestGroups {
		set := group.Public
		if string(set) == "null" || set == nil {
			set = group.Private // symmetric keys have no public half
		}
		for _, test := range group.Tests {
			decided++
			t.Run(fmt.Sprintf("%d_%s", test.ID, test.Comment), func(t *testing.T) {
				token := compactForm(t, test.JWS)
				judge(t, test.ID, test.Result, believe(t, token, set), keyDeviations)

				// As a client's secret, a symmetric key is held to its length.
				if 10 <= test.ID && test.ID <= 18 {
					var sets struct{ Keys []json.RawMessage }
					if err := json.Unmarshal(set, &sets); err != nil {
						t.Fatal(err)
					}
					judge(t, test.ID, test.Result, believeSecret(t, token, sets.Keys[0]), nil)
				}
			})
		}
	}
	if decided != file.NumberOfTests || decided != 26 {
		t.Errorf("%d vectors of %d", decided, file.NumberOfTests)
	}
}

func judge(t *testing.T, id int, result string, err error, deviations map[int]string) {
	t.Helper()
	want := result == "valid"
	if _, deviates := deviations[id]; deviates {
		want = !want
	}
	if got := err == nil; got != want {
		t.Errorf("believed: %v (%v), the vector says %s", got, err, result)
	}
}

// believe verifies token as the server does: its header is read, keys are found in the set of its issuer, the one that
// fits is tried.
func believe(t *testing.T, token string, set []byte) error {
	t.Helper()
	jws, _, err := jose.Decode(token, 16<<10)
	if err != nil {
		return err
	}
	parsed, err := keys.ParseSet(set)
	if err != nil {
		return err
	}
	alg, now := keys.Algorithm(jws.Header.Algorithm), time.Now()
	found, err := parsed.Find(t.Context(), keys.Hint{ID: jws.Header.KeyID, Algorithm: alg}, now)
	if err != nil {
		return errors.Join(append(parsed.Skipped(), err)...)
	}
	for _, key := range found {
		if err = key.Fits(alg, now); err != nil {
			continue
		}
		if err = jose.Verify(jws.Header.Algorithm, key.Key, jws.SigningInput, jws.Signature); err == nil {
			return nil
		}
	}
	return err
}

// believeSecret verifies token by the secret of a client that is registered for one algorithm.
func believeSecret(t *testing.T, token string, jwk []byte) error {
	t.Helper()
	var key octKey
	if err := json.Unmarshal(jwk, &key); err != nil || key.Kty != "oct" {
		t.Fatalf("not a symmetric key: %s", jwk)
	}
	secret, err := base64.RawURLEncoding.DecodeString(key.K)
	if err != nil {
		t.Fatal(err)
	}
	jws, _, err := jose.Decode(token, 16<<10)
	if err != nil {
		return err
	}
	if jws.Header.Algorithm != key.Alg {
		return fmt.Errorf("registered for %s", key.Alg)
	}
	return jose.Verify(jws.Header.Algorithm, secret, jws.SigningInput, jws.Signature)
}

// compactForm gives the text that would be sent: that of a JSON serialisation for the vectors that have one.
func compactForm(t *testing.T, jws any) string {
	t.Helper()
	if s, ok := jws.(string); ok {
		return s
	}
	text, err := json.Marshal(jws)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func readVectors(t *testing.T, name string) (file vectorFile) {
	t.Helper()
	text, err := os.ReadFile("testdata/wycheproof/" + name)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	return file
}
