package keys

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"fmt"
	"strings"

	"github.com/avouch-oauth/avouch/internal/jose"
)

// Generate makes a key pair: RS256, PS256 and their longer forms make RSA-2048. Its ID never begins with a dash: people
// give it to commands, which would take it for a flag.
func Generate(alg Algorithm) (*Private, error) {
	for {
		key, err := generate(alg)
		if err != nil || !strings.HasPrefix(key.ID, "-") {
			return key, err
		}
	}
}

func generate(alg Algorithm) (*Private, error) {
	var signer crypto.Signer
	var err error
	switch alg.canonical() {
	case RS256, RS384, RS512, PS256, PS384, PS512:
		signer, err = rsa.GenerateKey(rand.Reader, jose.MinRSA)
	case ES256:
		signer, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case ES384:
		signer, err = ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	case ES512:
		signer, err = ecdsa.GenerateKey(elliptic.P521(), rand.Reader)
	case EdDSA:
		_, signer, err = ed25519.GenerateKey(rand.Reader)
	default:
		return nil, fmt.Errorf("keys: no key pair can be made for the algorithm %+.32q", alg)
	}
	if err != nil {
		return nil, fmt.Errorf("keys: making a key pair: %w", err)
	}
	return NewPrivate(signer, alg)
}

// GeneratePairs makes n key pairs for a client: the private halves, to be handed over once and kept by no server, and
// the public set to register. n is from 1 to 100.
func GeneratePairs(n int, alg Algorithm) (private []*Private, public *Set, err error) {
	if n < 1 || n > maxSetKeys {
		return nil, nil, fmt.Errorf("keys: %d key pairs; from 1 to %d can be made", n, maxSetKeys)
	}
	halves := make([]Public, n)
	private = make([]*Private, n)
	for i := range private {
		if private[i], err = Generate(alg); err != nil {
			return nil, nil, err
		}
		halves[i] = private[i].Public()
	}
	if public, err = NewSet(halves...); err != nil {
		return nil, nil, err
	}
	return private, public, nil
}
