package keys

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"errors"
	"fmt"
	"math/big"

	"github.com/avouch-oauth/avouch/internal/jose"
)

// checkKey refuses public keys that could never verify, or that anybody could sign for.
func checkKey(key crypto.PublicKey) error {
	switch key := key.(type) {
	case *rsa.PublicKey:
		return checkRSA(key)
	case *ecdsa.PublicKey:
		if key == nil || usual(key) == "" {
			return errors.New("not on P-256, P-384 or P-521")
		}
		if _, err := key.ECDH(); err != nil { // that the point is on the curve
			return errors.New("not a point on its curve")
		}
		return nil
	case ed25519.PublicKey:
		return checkEd25519(key)
	}
	return fmt.Errorf("a key of type %T is none of *rsa.PublicKey, *ecdsa.PublicKey and ed25519.PublicKey", key)
}

func checkRSA(key *rsa.PublicKey) error {
	if key == nil || key.N == nil {
		return errors.New("an RSA key without a modulus")
	}
	switch bits := key.N.BitLen(); {
	case bits < jose.MinRSA:
		return fmt.Errorf("an RSA key of %d bits is too weak: at least %d are needed", bits, jose.MinRSA)
	case bits > jose.MaxRSA:
		return fmt.Errorf("an RSA key of %d bits: at most %d are accepted", bits, jose.MaxRSA)
	case key.N.Bit(0) == 0:
		return errors.New("an RSA key with an even modulus")
	case key.E < 3 || key.E&1 == 0 || key.E > 1<<31-1:
		return fmt.Errorf("an RSA key with the exponent %d", key.E)
	case roca(key.N):
		return errors.New("an RSA key made by a faulty chip, whose private half can be computed (CVE-2017-15361)")
	}
	return nil
}

// roca reports whether n has the mark of the keys of CVE-2017-15361: it is a power of 65537 modulo every small prime.
// In keys of 2048 bits and more, 701 is the last prime of which that is so. One good key in 2^167 has the mark too; most
// are known to be good after the first few primes.
func roca(n *big.Int) bool {
	for p := uint64(3); p <= 701; p += 2 {
		if !prime(p) {
			continue
		}
		rest := new(big.Int).Mod(n, new(big.Int).SetUint64(p)).Uint64()
		power := uint64(1)
		for power != rest {
			if power = power * 65537 % p; power == 1 {
				return false // all powers were seen
			}
		}
	}
	return true
}

// prime reports whether an odd n of three or more is prime.
func prime(n uint64) bool {
	for d := uint64(3); d*d <= n; d += 2 {
		if n%d == 0 {
			return false
		}
	}
	return true
}

// checkEd25519 refuses the points of small order: for them there are signatures that nobody needs a key to make
// (RFC 8032 §5.1.7 leaves them in; "Taming the many EdDSAs", 2020).
func checkEd25519(key ed25519.PublicKey) error {
	if len(key) != ed25519.PublicKeySize {
		return fmt.Errorf("an Ed25519 key of %d bytes", len(key))
	}
	y := [32]byte(key)
	y[31] &= 0x7F // the sign of x
	for _, small := range [...]string{
		"\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00",
		"\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00",
		"\x26\xe8\x95\x8f\xc2\xb2\x27\xb0\x45\xc3\xf4\x89\xf2\xef\x98\xf0\xd5\xdf\xac\x05\xd3\xc6\x33\x39\xb1\x38\x02\x88\x6d\x53\xfc\x05",
		"\xc7\x17\x6a\x70\x3d\x4d\xd8\x4f\xba\x3c\x0b\x76\x0d\x10\x67\x0f\x2a\x20\x53\xfa\x2c\x39\xcc\xc6\x4e\xc7\xfd\x77\x92\xac\x03\x7a",
		"\xec\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7f",
		"\xed\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7f",
		"\xee\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7f",
	} {
		if string(y[:]) == small {
			return errors.New("an Ed25519 key of small order, for which anybody can sign")
		}
	}
	return nil
}

// describe names the type of a key for people.
func describe(key crypto.PublicKey) string {
	switch key := key.(type) {
	case *rsa.PublicKey:
		if key != nil && key.N != nil {
			return fmt.Sprintf("an RSA key of %d bits", key.N.BitLen())
		}
	case *ecdsa.PublicKey:
		if key != nil && key.Curve != nil {
			return "a key on " + key.Curve.Params().Name
		}
	case ed25519.PublicKey:
		return "an Ed25519 key"
	}
	return fmt.Sprintf("of type %T", key)
}
