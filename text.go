package avouch

import (
	"strings"
	"unicode/utf8"
)

func validText(s string) bool { return utf8.ValidString(s) && strings.IndexByte(s, 0) < 0 }

// clip cuts a stranger's text to at most n bytes, not inside a character.
func clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n] + "..."
}

// describe makes text fit for error_description: printable ASCII without quotes and backslashes (RFC 6749 §5.2).
func describe(s string) string {
	const limit = 500
	fit := func(c byte) bool { return c >= 0x20 && c <= 0x7e && c != '"' && c != '\\' }
	if len(s) <= limit {
		i := 0
		for i < len(s) && fit(s[i]) {
			i++
		}
		if i == len(s) {
			return s
		}
	}
	var b strings.Builder
	for _, r := range clip(s, limit) {
		switch {
		case r == '"':
			b.WriteByte('\'')
		case r < 0x80 && fit(byte(r)):
			b.WriteByte(byte(r))
		default:
			b.WriteByte('?')
		}
	}
	return b.String()
}
