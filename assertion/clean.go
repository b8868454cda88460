package assertion

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// maxShown is how much of a value from outside is shown to the operator.
const maxShown = 256

// cut ends what was cut.
const cut = "..."

// clean makes a value from outside fit for a log line and a terminal: cut to 256 bytes, and everything but printable
// ASCII escaped, so that no line can be forged and no letter can pass for another. What is clean stays as it is.
func clean(s string) string { return cleanTo(s, maxShown) }

func cleanTo(s string, limit int) string {
	if len(s) <= limit && plain(s) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		word := s[i : i+size]
		switch {
		case r == utf8.RuneError && size == 1:
			word = `\x` + strconv.FormatUint(uint64(s[i])|0x100, 16)[1:]
		case r < 0x20 || r > 0x7e:
			word = strings.Trim(strconv.QuoteRuneToASCII(r), "'")
		}
		if b.Len()+len(word) > limit-len(cut) {
			if rest := s[i:]; len(rest) <= limit-b.Len() && plain(rest) {
				return b.String() + rest
			}
			return b.String() + cut
		}
		b.WriteString(word)
		i += size
	}
	return b.String()
}

func plain(s string) bool {
	for i := range len(s) {
		if s[i] < 0x20 || s[i] > 0x7e {
			return false
		}
	}
	return true
}

// oneOf lists values for the operator.
func oneOf(values []string) string {
	switch len(values) {
	case 0:
		return "nothing: none is configured"
	case 1:
		return clean(values[0])
	}
	return "one of " + clean(strings.Join(values, ", "))
}
