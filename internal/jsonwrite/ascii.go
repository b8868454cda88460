package jsonwrite

import (
	"unicode/utf16"
	"unicode/utf8"
)

// ellipsis ends a string that was cut.
const ellipsis = "..."

// ASCII appends s as a JSON string of printable ASCII, so that no terminal obeys it and no character is hidden from a
// reader. Bytes that are no UTF-8 become U+FFFD. It writes at most limit bytes between the quotes, limit being 3 or more:
// a longer string ends in three dots, and cut is true.
func ASCII(dst []byte, s string, limit int) (out []byte, cut bool) {
	dst = append(dst, '"')
	start := len(dst)
	fits := start // the end of what can stay if the string is cut
	for i := 0; i < len(s); {
		c := s[i]
		size := 1
		switch {
		case c >= 0x20 && c < 0x7f && c != '"' && c != '\\':
			dst = append(dst, c)
		case c == '"' || c == '\\':
			dst = append(dst, '\\', c)
		case c == '\n':
			dst = append(dst, '\\', 'n')
		case c == '\r':
			dst = append(dst, '\\', 'r')
		case c == '\t':
			dst = append(dst, '\\', 't')
		case c < utf8.RuneSelf:
			dst = escape(dst, rune(c))
		default:
			var r rune
			if r, size = utf8.DecodeRuneInString(s[i:]); r > 0xffff {
				high, low := utf16.EncodeRune(r)
				dst = escape(escape(dst, high), low)
			} else {
				dst = escape(dst, r)
			}
		}
		if i += size; len(dst)-start > limit {
			return append(append(dst[:fits], ellipsis...), '"'), true
		}
		if len(dst)-start <= limit-len(ellipsis) {
			fits = len(dst)
		}
	}
	return append(dst, '"'), false
}

func escape(dst []byte, r rune) []byte {
	return append(dst, '\\', 'u', hex[r>>12&15], hex[r>>8&15], hex[r>>4&15], hex[r&15])
}
