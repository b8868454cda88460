package jose

import (
	"bytes"
	"encoding/base64"
	"strings"
	"testing"
)

// On text of the alphabet, encoding/base64 in its strict mode decides alike, for every ending there is.
func TestBase64urlAgreesWithEncodingBase64(t *testing.T) {
	strict := base64.RawURLEncoding.Strict()
	check := func(in string) {
		want, err := strict.DecodeString(in)
		got, ok := AppendBase64url([]byte("x"), in)
		if ok != (err == nil) || ok && string(got) != "x"+string(want) {
			t.Errorf("%q: %q, %v, want %q, %v", in, got, ok, want, err)
		}
	}
	for _, start := range []string{"", "AbC-", "0_zZ9-A_"} {
		check(start)
		for a := range alphabet {
			check(start + alphabet[a:a+1])
			for b := range alphabet {
				check(start + alphabet[a:a+1] + alphabet[b:b+1])
				for c := range alphabet {
					check(start + alphabet[a:a+1] + alphabet[b:b+1] + alphabet[c:c+1])
				}
			}
		}
	}
}

func TestBase64urlRefusesAllOtherBytes(t *testing.T) {
	for c := range 256 {
		if strings.IndexByte(alphabet, byte(c)) >= 0 {
			continue
		}
		for at := range 11 {
			in := []byte("AAAAAAAAAAA")
			in[at] = byte(c)
			if _, ok := AppendBase64url(nil, string(in)); ok {
				t.Errorf("%q is taken", in)
			}
		}
	}
}

func TestBase64urlRoundTrip(t *testing.T) {
	for n := range 70 {
		want := bytes.Repeat([]byte{0xFB, 0x00, 0x7F, byte(n)}, n)[:n]
		got, ok := AppendBase64url(nil, base64.RawURLEncoding.EncodeToString(want))
		if !ok || !bytes.Equal(got, want) {
			t.Errorf("%x: %x, %v", want, got, ok)
		}
	}
}
