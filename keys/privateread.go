package keys

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"errors"
	"fmt"
	"math/big"
	"slices"

	"github.com/avouch-oauth/avouch/internal/jose"
	"github.com/avouch-oauth/avouch/internal/strictjson"
)

// maxPrivateBytes is the longest file of one private key: an RSA key of 4096 bits, with certificates beside it.
const maxPrivateBytes = 64 << 10

// ParsePrivate reads one private key: PEM (PKCS#8, PKCS#1, SEC 1), JWK, or a Google-style key file (see [KeyFile]).
// The id is the kid that is given there, else the thumbprint; the algorithm that which is given there, else the usual
// one of [NewPrivate].
func ParsePrivate(data []byte) (*Private, error) {
	if len(data) > maxPrivateBytes {
		return nil, fmt.Errorf("keys: %d bytes are too many for a private key; %d are the limit", len(data), maxPrivateBytes)
	}
	switch text := bytes.TrimSpace(data); {
	case len(text) == 0:
		return nil, errors.New("keys: there is nothing; a private key is wanted, as PEM, JWK or key file")
	case text[0] == '{':
		return parsePrivateJSON(text)
	case bytes.Contains(text, []byte("-----BEGIN ")):
		signer, err := parsePrivatePEM(text)
		if err != nil {
			return nil, err
		}
		return NewPrivate(signer, "")
	}
	return nil, errors.New("keys: neither JSON nor PEM; a private key is wanted, as PEM, JWK or key file")
}

func parsePrivateJSON(text []byte) (*Private, error) {
	o, err := strictjson.Parse(text)
	if err != nil {
		return nil, fmt.Errorf("keys: the private key is %w", err)
	}
	switch {
	case o.Get("private_key").Kind() != strictjson.Absent:
		file, err := readKeyFile(&o)
		if err != nil {
			return nil, err
		}
		return file.Key, nil
	case o.Get("keys").Kind() != strictjson.Absent:
		return nil, errors.New(`keys: this is a JWK set: give one JWK of it, without "keys" around`)
	}
	k, err := readPrivateJWK(&o)
	if err != nil {
		return nil, fmt.Errorf("keys: the private JWK: %w", err)
	}
	return k, nil
}

// readPrivateJWK reads a private JWK (RFC 7518 §6.2.2 and §6.3.2, RFC 8037 §2). Its public half must be there and be
// that of the private one.
func readPrivateJWK(o *strictjson.Object) (*Private, error) {
	kty, ok := o.Get("kty").Text()
	switch {
	case !ok:
		return nil, errors.New("kty is missing or not a string")
	case kty == "oct":
		return nil, errors.New("a symmetric key (kty is oct) is a secret, not a key pair")
	case o.Get("d").Kind() == strictjson.Absent:
		return nil, errors.New("the private part (d) is missing; this is the public half")
	}
	public, err := readKey(kty, o)
	if err != nil {
		return nil, err
	}
	if err := checkKey(public); err != nil {
		return nil, err
	}
	signer, err := readSigner(public, o)
	if err != nil {
		return nil, err
	}
	if !sameKey(signer.Public(), public) {
		return nil, errors.New("the private part belongs to another public key")
	}
	use, err := optional(o, "use")
	if err != nil {
		return nil, err
	}
	if use != "" && use != "sig" {
		return nil, fmt.Errorf("use is %+.32q, and a key that signs has none or \"sig\"", use)
	}
	if ops := o.Get("key_ops"); ops.Kind() != strictjson.Absent {
		if list, ok := ops.Strings(); !ok || !slices.Contains(list, "sign") {
			return nil, errors.New(`key_ops does not hold "sign"`)
		}
	}
	alg, err := optional(o, "alg")
	if err != nil {
		return nil, err
	}
	k, err := NewPrivate(signer, Algorithm(alg))
	if err != nil {
		return nil, err
	}
	kid, err := optional(o, "kid")
	if err != nil {
		return nil, err
	}
	if kid != "" {
		k.ID = kid
	}
	return k, nil
}

func readSigner(public crypto.PublicKey, o *strictjson.Object) (crypto.Signer, error) {
	switch public := public.(type) {
	case *rsa.PublicKey:
		return readRSASigner(public, o)
	case *ecdsa.PublicKey:
		d, err := readExactly(o, "d", (public.Params().BitSize+7)/8)
		if err != nil {
			return nil, err
		}
		key, err := ecdsa.ParseRawPrivateKey(public.Curve, d)
		if err != nil {
			return nil, errors.New("d is not a private key on its curve")
		}
		return key, nil
	case ed25519.PublicKey:
		seed, err := readExactly(o, "d", ed25519.SeedSize)
		if err != nil {
			return nil, err
		}
		return ed25519.NewKeyFromSeed(seed), nil
	}
	return nil, fmt.Errorf("a key of type %T does not sign", public)
}

// readRSASigner needs the two primes. dp, dq and qi follow from them and are not read.
func readRSASigner(public *rsa.PublicKey, o *strictjson.Object) (crypto.Signer, error) {
	if o.Get("oth").Kind() != strictjson.Absent {
		return nil, errors.New("an RSA key of more than two primes (oth) is not supported")
	}
	var numbers [3]*big.Int
	for i, name := range [...]string{"d", "p", "q"} {
		b, err := readBytes(o, name, jose.MaxRSA/8+8)
		if err != nil {
			return nil, err
		}
		numbers[i] = new(big.Int).SetBytes(b)
	}
	key := &rsa.PrivateKey{PublicKey: *public, D: numbers[0], Primes: numbers[1:]}
	key.Precompute()
	if err := key.Validate(); err != nil {
		return nil, errors.New("n, e, d, p and q do not belong together")
	}
	return key, nil
}
