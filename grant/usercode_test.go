package grant_test

import (
	"strings"
	"testing"

	"github.com/avouch-oauth/avouch/grant"
)

const userCodeLetters = "BCDFGHJKLMNPQRSTVWXZ" // of RFC 8628 §6.1

func TestReadUserCode(t *testing.T) {
	for _, test := range []struct{ typed, want string }{
		{"BCDF-GHJK", "BCDFGHJK"},
		{"bcdfghjk", "BCDFGHJK"},
		{" b c d f\t-\ng h j k ", "BCDFGHJK"},
		{"BCDF\u2010GHJK", "BCDFGHJK"}, // hyphen
		{"BCDF\u2013GHJK", "BCDFGHJK"}, // en dash
		{"BCDF\u2212GHJK", "BCDFGHJK"}, // minus
		{"BCDF\u00a0GHJK", "BCDFGHJK"}, // no-break space
		{"--------BCDFGHJK", "BCDFGHJK"},
		{"", ""},
		{"-", ""},
		{"BCDFGHJ", ""},
		{"BCDFGHJKL", ""},
		{"BCDFGHJA", ""},                           // a vowel
		{"BCDFGHJ0", ""},                           // a digit
		{"BCDFGHJ\u212a", ""},                      // the Kelvin sign
		{"BCDFGHJ\u017f", ""},                      // the long s
		{"BCDFGHJ\uff2b", ""},                      // a full-width K
		{"BCDFGHJK\x00", ""},                       // NUL
		{"BCDFGHJ\xff", ""},                        // no UTF-8
		{"BCDF_GHJK", ""},                          // not a dash
		{"BCDFGHJK\u200b", ""},                     // a zero-width space is no space
		{"BCDF-GHJK BCDF-GHJK", ""},                // twice
		{"<b>BCDFGHJK</b>", ""},                    // markup
		{"'BCDFGHJK'", ""},                         // quotes
		{"%42CDFGHJK", ""},                         // an escape
		{"BCDFGHJK" + strings.Repeat(" ", 57), ""}, // 65 bytes
	} {
		if got := grant.ReadUserCode(test.typed); got != test.want {
			t.Errorf("%q becomes %q, not %q", test.typed, got, test.want)
		}
	}
}

// TestNewUserCode: codes are of the alphabet, each letter about as often as every other, and none comes twice.
func TestNewUserCode(t *testing.T) {
	const codes = 20_000
	count, seen := map[rune]int{}, map[string]bool{}
	for range codes {
		code := grant.NewUserCode()
		if grant.ReadUserCode(grant.ShownUserCode(code)) != code {
			t.Fatalf("%q cannot be typed in", code)
		}
		seen[code] = true
		for _, c := range code {
			count[c]++
		}
	}
	if len(seen) < codes-1 { // one pair in a hundred runs
		t.Errorf("%d codes are %d different ones", codes, len(seen))
	}
	if len(count) != len(userCodeLetters) {
		t.Errorf("%d letters", len(count))
	}
	for c, n := range count {
		// 8000 of each, with a deviation of 87; 256 mod 20 would give some letters 8% more
		if n < 8000-500 || n > 8000+500 {
			t.Errorf("%c comes %d times", c, n)
		}
	}
}

// FuzzReadUserCode: whatever is typed, a code comes out or nothing does; and a code can be typed in as it is shown.
func FuzzReadUserCode(f *testing.F) {
	for _, seed := range []string{"", "BCDF-GHJK", "bcdfghjk", "BCDF\u2013GHJK", "BCDFGHJ\u212a", "\xff\xfe", " - "} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, typed string) {
		code := grant.ReadUserCode(typed)
		if code == "" {
			return
		}
		if len(code) != 8 || strings.Trim(code, userCodeLetters) != "" {
			t.Fatalf("%q becomes %q", typed, code)
		}
		for _, again := range []string{code, grant.ShownUserCode(code), strings.ToLower(code), " " + code} {
			if got := grant.ReadUserCode(again); got != code {
				t.Errorf("%q becomes %q, not %q", again, got, code)
			}
		}
		// nothing but case, dashes and spaces was different: what is left of the letters is the code
		letters := strings.Map(func(c rune) rune {
			if strings.ContainsRune(userCodeLetters, c) {
				return c
			}
			return -1
		}, strings.Map(asciiUpper, typed))
		if letters != code {
			t.Errorf("%q has the letters %q and becomes %q", typed, letters, code)
		}
	})
}

func asciiUpper(c rune) rune {
	if 'a' <= c && c <= 'z' {
		return c - 'a' + 'A'
	}
	return c
}
