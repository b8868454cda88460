package keys_test

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/avouch-oauth/avouch/keys"
)

// A server that creates a client makes its key pairs, hands over the private halves once, and keeps the public ones.
func ExampleGeneratePairs() {
	private, public, err := keys.GeneratePairs(2, keys.ES256)
	if err != nil {
		fmt.Println(err)
		return
	}
	dir, err := os.MkdirTemp("", "avouch")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	for i, key := range private { // to the client, and nowhere else
		text, err := key.MarshalPEM()
		if err != nil {
			fmt.Println(err)
			return
		}
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("key-%d.pem", i+1)), text, 0o600); err != nil {
			fmt.Println(err)
			return
		}
	}
	jwks, err := json.Marshal(public) // to keep
	if err != nil {
		fmt.Println(err)
		return
	}

	// Later, on either side:
	key, err := keys.LoadPrivate(filepath.Join(dir, "key-2.pem"))
	if err != nil {
		fmt.Println(err)
		return
	}
	set, err := keys.ParseSet(jwks)
	if err != nil {
		fmt.Println(err)
		return
	}
	found, err := set.Find(context.Background(), keys.Hint{ID: key.ID, Algorithm: key.Algorithm}, time.Now())
	fmt.Println(len(set.Keys()), "keys are registered, and the second is among them:", err == nil && found[0].ID == key.ID)
	// Output: 2 keys are registered, and the second is among them: true
}

// A JWK set as others publish it: what cannot be used is left out.
func ExampleParseSet() {
	set, err := keys.ParseSet([]byte(`{"keys": [
		{"kty": "EC", "kid": "2026-11", "use": "sig", "alg": "ES256", "crv": "P-256",
		 "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU", "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"},
		{"kty": "OKP", "kid": "2026-05", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"},
		{"kty": "AKP", "kid": "2027-01", "alg": "ML-DSA-44", "pub": "…"}
	]}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, key := range set.Keys() {
		fmt.Println(key.ID, "verifies ES256:", key.Fits(keys.ES256, time.Now()) == nil)
	}
	for _, reason := range set.Skipped() {
		fmt.Println(reason)
	}
	_, err = set.Find(context.Background(), keys.Hint{ID: "2027-01", Algorithm: "ML-DSA-44"}, time.Now())
	fmt.Println(err)
	// Output:
	// 2026-11 verifies ES256: true
	// 2026-05 verifies ES256: false
	// keys: member 3 of the set (kid "2027-01") is left out: kty "AKP" is none of RSA, EC and OKP
	// keys: no such key: kid is "2027-01", known are the kids "2026-11" "2026-05"
}

// A client's private key from a file: PEM, JWK or a Google-style key file.
func ExampleParsePrivate() {
	text, err := os.ReadFile("testdata/billing-batch.pem")
	if err != nil {
		fmt.Println(err)
		return
	}
	key, err := keys.ParsePrivate(text)
	if err != nil {
		fmt.Println(err)
		return
	}
	public := key.Public()
	fmt.Println(key.Algorithm, public.Thumbprint() == key.ID)
	fmt.Println(key) // not the key itself
	// Output:
	// ES256 true
	// key oKIywvGUpTVTyxMQ3bwIIeQUudfr_CkLMjCE19ECD-U
}

// What somebody registers as his public keys: here he has taken the wrong file.
func ExampleParsePublic() {
	text, err := os.ReadFile("testdata/billing-batch.pem")
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = keys.ParsePublic(text)
	fmt.Println(errors.Is(err, keys.ErrPrivate))
	fmt.Println(err)
	// Output:
	// true
	// keys: private key material where only a public key is wanted: PEM block 1 is a PRIVATE KEY; register what "openssl pkey -in FILE -pubout" makes of it
}

// A key that never leaves its device signs through crypto.Signer.
func ExampleNewPrivate() {
	device, err := openDevice()
	if err != nil {
		fmt.Println(err)
		return
	}
	key, err := keys.NewPrivate(device, keys.ES384)
	if err != nil {
		fmt.Println(err)
		return
	}
	key.ID = "hsm-1" // instead of the thumbprint
	_, err = key.MarshalPEM()
	fmt.Println(key.Public().ID, err)
	// Output: hsm-1 keys: the signer does not give its private key away
}

// A Google-style key file is all that a client library needs.
func ExampleMarshalKeyFile() {
	key, err := keys.Generate(keys.RS256)
	if err != nil {
		fmt.Println(err)
		return
	}
	text, err := keys.MarshalKeyFile(key, "billing-batch", "https://as.example.com/oauth/token")
	if err != nil {
		fmt.Println(err)
		return
	}
	file, err := keys.ParseKeyFile(text)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(file.ClientID, file.TokenURL, file.Key.ID == key.ID)
	// Output: billing-batch https://as.example.com/oauth/token true
}

// openDevice stands for the driver of an HSM or a cloud's key service.
func openDevice() (crypto.Signer, error) {
	key, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	return device{key}, err
}

type device struct{ crypto.Signer }
