package jose

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/rand"
	"encoding/asn1"
	"math/big"
	"testing"
)

// pair is what encoding/asn1 makes of an ECDSA signature.
type pair struct{ R, S *big.Int }

func TestDERAgreesWithEncodingASN1(t *testing.T) {
	for _, size := range []int{32, 48, 66} {
		zero, one := make([]byte, size), append(make([]byte, size-1), 1)
		high, full := append([]byte{0x80}, make([]byte, size-1)...), bytes.Repeat([]byte{0xFF}, size)
		short := append(make([]byte, size-3), 0x80, 0, 1)
		numbers := [][]byte{zero, one, high, full, short}
		for range 20 {
			n := make([]byte, size)
			if _, err := rand.Read(n); err != nil {
				t.Fatal(err)
			}
			numbers = append(numbers, n)
		}
		for _, r := range numbers {
			for _, s := range numbers {
				raw := append(bytes.Clone(r), s...)
				want, err := asn1.Marshal(pair{new(big.Int).SetBytes(r), new(big.Int).SetBytes(s)})
				if err != nil {
					t.Fatal(err)
				}
				got, ok := appendDER(nil, raw, size)
				if !ok || !bytes.Equal(got, want) || len(got) > maxDER {
					t.Fatalf("%x: %x, %v, want %x", raw, got, ok, want)
				}
				back, err := appendRaw(nil, got, size)
				if err != nil || !bytes.Equal(back, raw) {
					t.Fatalf("%x comes back as %x, %v", raw, back, err)
				}
			}
		}
		for _, length := range []int{0, 1, size, 2*size - 1, 2*size + 1, 4 * size} {
			if _, ok := appendDER(nil, make([]byte, length), size); ok {
				t.Errorf("%d bytes pass for a signature of 2 times %d", length, size)
			}
		}
	}
}

func TestRawRefuses(t *testing.T) {
	for name, der := range map[string][]byte{
		"nothing":                    {},
		"no sequence":                {0x31, 6, 2, 1, 1, 2, 1, 1},
		"one integer":                {0x30, 3, 2, 1, 1},
		"three integers":             {0x30, 9, 2, 1, 1, 2, 1, 1, 2, 1, 1},
		"bytes after it":             {0x30, 6, 2, 1, 1, 2, 1, 1, 0},
		"cut off":                    {0x30, 6, 2, 1, 1, 2, 1},
		"integer without bytes":      {0x30, 5, 2, 0, 2, 1, 1},
		"negative":                   {0x30, 6, 2, 1, 0x80, 2, 1, 1},
		"a zero too many":            {0x30, 7, 2, 2, 0, 1, 2, 1, 1},
		"not an integer":             {0x30, 6, 4, 1, 1, 2, 1, 1},
		"long length, for no reason": {0x30, 0x81, 6, 2, 1, 1, 2, 1, 1},
		"length of four bytes":       {0x30, 0x84, 0, 0, 0, 6, 2, 1, 1, 2, 1, 1},
		"endless":                    {0x30, 0x80, 2, 1, 1, 2, 1, 1, 0, 0},
		"too large":                  append([]byte{0x30, 38, 2, 33, 1}, append(make([]byte, 32), 2, 1, 1)...),
	} {
		if raw, err := appendRaw(nil, der, 32); err == nil {
			t.Errorf("%s: %x", name, raw)
		}
	}
}

// FuzzDER: what passes is DER by the letter, and nothing gets lost on the way there and back.
func FuzzDER(f *testing.F) {
	key, err := ecdsa.GenerateKey(curve(256), rand.Reader)
	if err != nil {
		f.Fatal(err)
	}
	signature, err := key.Sign(rand.Reader, make([]byte, 32), nil)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(signature)
	f.Add([]byte{0x30, 6, 2, 1, 1, 2, 1, 1})
	f.Fuzz(func(t *testing.T, der []byte) {
		raw, err := appendRaw(nil, der, 66)
		if err != nil {
			return
		}
		var p pair
		if rest, err := asn1.Unmarshal(der, &p); err != nil || len(rest) != 0 {
			t.Fatalf("encoding/asn1: %v, %x", err, rest)
		}
		if again, ok := appendDER(nil, raw, 66); !ok || !bytes.Equal(again, der) {
			t.Fatalf("comes back as %x", again)
		}
	})
}
