package keys

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"math/big"
	"testing"
)

// For a key of small order a signature can be made without any private key: R is the neutral point, or what cancels the
// key, and s is zero. Go's verification takes it for one message in eight at least, which shows that the list is right.
func TestEd25519KeysOfSmallOrder(t *testing.T) {
	for _, y := range []string{
		"0000000000000000000000000000000000000000000000000000000000000000", "0100000000000000000000000000000000000000000000000000000000000000",
		"26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05", "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
		"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	} {
		key, err := hex.DecodeString(y)
		if err != nil {
			t.Fatal(err)
		}
		forged := false
		signature := make([]byte, 64)
		signature[0] = 1 // R is the neutral point, s is zero
		for i := range uint32(256) {
			forged = forged || ed25519.Verify(key, binary.BigEndian.AppendUint32(nil, i), signature)
		}
		if !forged {
			t.Errorf("%s: no signature could be forged", y)
		}
		for _, sign := range []byte{0, 0x80} {
			key[31] = key[31]&0x7F | sign
			if checkKey(ed25519.PublicKey(key)) == nil {
				t.Errorf("%x is accepted", key)
			}
		}
	}
	// The same points, written with y beyond the prime.
	for _, y := range []string{"edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f", "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"} {
		key, err := hex.DecodeString(y)
		if err != nil {
			t.Fatal(err)
		}
		if checkKey(ed25519.PublicKey(key)) == nil {
			t.Errorf("%s is accepted", y)
		}
	}
	for range 100 {
		key, _, err := ed25519.GenerateKey(rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		if err := checkKey(key); err != nil {
			t.Error(err)
		}
	}
}

// CVE-2017-15361: primes of such keys are k*M + 65537^a mod M, M being a product of small primes.
func TestROCA(t *testing.T) {
	m := big.NewInt(1)
	for p := int64(2); p <= 701; p++ {
		if q := big.NewInt(p); q.ProbablyPrime(10) {
			m.Mul(m, q)
		}
	}
	random := func(below *big.Int) *big.Int {
		n, err := rand.Int(rand.Reader, below)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	faulty := func() *big.Int { // a prime or not: the mark is the same
		power := new(big.Int).Exp(big.NewInt(65537), random(m), m)
		return power.Add(power, new(big.Int).Mul(m, random(new(big.Int).Lsh(big.NewInt(1), 50))))
	}
	for range 20 {
		if n := new(big.Int).Mul(faulty(), faulty()); !roca(n) {
			t.Errorf("%x is not found out", n)
		}
	}
	for range 1000 {
		if n := random(new(big.Int).Lsh(big.NewInt(1), 2048)); roca(n.SetBit(n, 0, 1)) {
			t.Errorf("%x is suspected", n)
		}
	}
}
