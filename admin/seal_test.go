package admin

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"strings"
	"testing"
)

func TestSealOpensOnlyInItsPlace(t *testing.T) {
	s := newTestSealer(t)
	home := place{tableClientSecret, "billing", "s1"}
	sealed, err := s.seal(home, []byte("secret"))
	if err != nil {
		t.Fatal(err)
	}
	if plain, old, err := s.open(home, sealed); err != nil || old || string(plain) != "secret" {
		t.Fatalf("open: %q, %v, %v", plain, old, err)
	}
	for _, p := range []place{
		{tableSigningKey, "billing", "s1"},
		{tableClientSecret, "other", "s1"},
		{tableClientSecret, "billing", "s2"},
		{tableClientSecret, "billings", "1"},
		{tableClientSecret, "billing\x00s1", ""},
		{tableClientSecret + "billing", "", "s1"},
	} {
		if _, _, err := s.open(p, sealed); code(err) != Sealed {
			t.Errorf("open in %+v: %v", p, err)
		}
	}
	for i := range sealed {
		changed := bytes.Clone(sealed)
		changed[i] ^= 1
		if _, _, err := s.open(home, changed); code(err) != Sealed {
			t.Errorf("byte %d changed: %v", i, err)
		}
	}
	for _, short := range [][]byte{nil, {}, {sealVersion}, sealed[:12], sealed[:len(sealed)-1]} {
		if _, _, err := s.open(home, short); code(err) != Sealed {
			t.Errorf("%d bytes: %v", len(short), err)
		}
	}
}

func TestSealWithTwoKeys(t *testing.T) {
	first, second := bytes.Repeat([]byte{1, 2}, 16), bytes.Repeat([]byte{3, 4}, 16)
	p := place{tableSigningKey, "k", "k"}
	sealer := func(key, previous []byte) *Sealer {
		s, err := NewSealer(key, previous)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	old, err := sealer(first, nil).seal(p, []byte("x"))
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := sealer(second, nil).open(p, old); code(err) != Sealed {
		t.Errorf("another key opens: %v", err)
	}
	both := sealer(second, first)
	if plain, isOld, err := both.open(p, old); err != nil || !isOld || string(plain) != "x" {
		t.Errorf("previous key: %q %v %v", plain, isOld, err)
	}
	fresh, err := both.seal(p, []byte("x"))
	if err != nil {
		t.Fatal(err)
	}
	if _, isOld, err := sealer(second, nil).open(p, fresh); err != nil || isOld {
		t.Errorf("new key alone: %v %v", isOld, err)
	}
	var none *Sealer
	if _, err := none.seal(p, nil); code(err) != Sealed {
		t.Errorf("seal without a key: %v", err)
	}
	if _, _, err := none.open(p, fresh); code(err) != Sealed {
		t.Errorf("open without a key: %v", err)
	}
}

func TestParseSealKey(t *testing.T) {
	key := []byte("0123456789abcdef\xff\xfe\xfd\xfc0123456789ab")
	for name, text := range map[string]string{
		"raw":                string(key),
		"hex":                hex.EncodeToString(key),
		"hex with line end":  hex.EncodeToString(key) + "\n",
		"upper-case hex":     strings.ToUpper(hex.EncodeToString(key)),
		"base64":             base64.StdEncoding.EncodeToString(key),
		"base64 unpadded":    base64.RawStdEncoding.EncodeToString(key) + "\r\n",
		"base64url":          base64.URLEncoding.EncodeToString(key),
		"base64url unpadded": base64.RawURLEncoding.EncodeToString(key),
	} {
		if got, err := ParseSealKey([]byte(text)); err != nil || !bytes.Equal(got, key) {
			t.Errorf("%s: %x, %v", name, got, err)
		}
	}
	for name, text := range map[string]string{
		"empty":    "",
		"short":    "abcdef",
		"31 bytes": hex.EncodeToString(key[1:]),
		"33 bytes": hex.EncodeToString(append(key, 1)),
		"16 bytes": hex.EncodeToString(key[:16]),
		"a phrase": "correct horse battery staple, and more",
	} {
		_, err := ParseSealKey([]byte(text))
		if err == nil {
			t.Errorf("%s: accepted", name)
		} else if text != "" && strings.Contains(err.Error(), text) {
			t.Errorf("%s: the error shows the key", name)
		}
	}
	if _, err := ParseSealKey([]byte(GenerateSealKey())); err != nil {
		t.Error(err)
	}
	if _, err := NewSealer(make([]byte, 32), nil); err == nil {
		t.Error("32 zero bytes are no key")
	}
	if _, err := NewSealer(key, key[:31]); err == nil {
		t.Error("a previous key of 31 bytes is none")
	}
}

// code returns the code of an *Error, "" for anything else.
func code(err error) Code {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Code
	}
	return ""
}

func newTestSealer(t *testing.T) *Sealer {
	t.Helper()
	key, err := ParseSealKey([]byte(GenerateSealKey()))
	if err != nil {
		t.Fatal(err)
	}
	s, err := NewSealer(key, nil)
	if err != nil {
		t.Fatal(err)
	}
	return s
}
