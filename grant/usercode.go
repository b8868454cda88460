package grant

import (
	"crypto/rand"
	"strings"
	"unicode"
)

const (
	kindUserCode = "user_code"

	// userCodeLetters are those of RFC 8628 §6.1: no vowels, so that no words come of them, no digits, one case. Eight of
	// them are 34.5 bits.
	userCodeLetters = "BCDFGHJKLMNPQRSTVWXZ"
	userCodeLength  = 8

	// maxTyped is how much of what was typed is looked at, in bytes.
	maxTyped = 64
)

// newUserCode returns a random code, as it is kept.
func newUserCode() string {
	code := make([]byte, 0, userCodeLength)
	var random [2 * userCodeLength]byte
	for {
		rand.Read(random[:]) // never fails: see crypto/rand
		for _, b := range random {
			if int(b) >= 256/len(userCodeLetters)*len(userCodeLetters) {
				continue // some letters would come more often than others
			}
			if code = append(code, userCodeLetters[int(b)%len(userCodeLetters)]); len(code) == userCodeLength {
				return string(code)
			}
		}
	}
}

// shownUserCode is a code as people read it: XXXX-XXXX.
func shownUserCode(code string) string {
	return code[:userCodeLength/2] + "-" + code[userCodeLength/2:]
}

// readUserCode makes of what a user has typed the code as it is kept, "" where it can be none. Case, spaces and dashes
// of every kind do not matter (RFC 8628 §6.1). Only ASCII letters are folded: a Kelvin sign is no K.
func readUserCode(typed string) string {
	if len(typed) > maxTyped {
		return ""
	}
	code := make([]byte, 0, userCodeLength)
	for _, c := range typed {
		if unicode.IsSpace(c) || unicode.Is(unicode.Pd, c) || c == '\u2212' { // the minus sign is none of the dashes
			continue
		}
		if 'a' <= c && c <= 'z' {
			c -= 'a' - 'A'
		}
		if len(code) == userCodeLength || !strings.ContainsRune(userCodeLetters, c) {
			return ""
		}
		code = append(code, byte(c))
	}
	if len(code) != userCodeLength {
		return ""
	}
	return string(code)
}
