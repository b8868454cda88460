package strictjson

import (
	"unicode/utf16"
	"unicode/utf8"
)

// escape returns the length of the escape that in begins with, or 0 and what is wrong with it. A pair of surrogates is
// one escape; half a pair stands for no character and is none.
func escape(in []byte) (n int, reason string) {
	if len(in) < 2 {
		return 0, "it ends within a string"
	}
	switch in[1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return 2, ""
	case 'u':
	default:
		return 0, "an escape that JSON does not have"
	}
	r, ok := hex4(in)
	switch {
	case !ok:
		return 0, `\u without four hexadecimal digits`
	case !utf16.IsSurrogate(r):
		return 6, ""
	}
	low, ok := hex4(in[6:])
	if !ok || utf16.DecodeRune(r, low) == utf8.RuneError {
		return 0, "half of a surrogate pair"
	}
	return 12, ""
}

// hex4 reads \uXXXX at the start of in.
func hex4(in []byte) (r rune, ok bool) {
	if len(in) < 6 || in[0] != '\\' || in[1] != 'u' {
		return 0, false
	}
	for _, c := range in[2:6] {
		switch {
		case '0' <= c && c <= '9':
			r = r<<4 | rune(c-'0')
		case 'a' <= c && c <= 'f':
			r = r<<4 | rune(c-'a'+10)
		case 'A' <= c && c <= 'F':
			r = r<<4 | rune(c-'A'+10)
		default:
			return 0, false
		}
	}
	return r, true
}

// text decodes the inside of a string that has been scanned.
func text(in []byte, escaped bool) string {
	if !escaped {
		return string(in)
	}
	out := make([]byte, 0, len(in))
	for i := 0; i < len(in); {
		if in[i] != '\\' {
			out = append(out, in[i])
			i++
			continue
		}
		n, _ := escape(in[i:])
		out = appendEscape(out, in[i:i+n])
		i += n
	}
	return string(out)
}

func appendEscape(out, escape []byte) []byte {
	switch escape[1] {
	case 'b':
		return append(out, '\b')
	case 'f':
		return append(out, '\f')
	case 'n':
		return append(out, '\n')
	case 'r':
		return append(out, '\r')
	case 't':
		return append(out, '\t')
	case 'u':
		r, _ := hex4(escape)
		if len(escape) == 12 {
			low, _ := hex4(escape[6:])
			r = utf16.DecodeRune(r, low)
		}
		return utf8.AppendRune(out, r)
	}
	return append(out, escape[1]) // the quote, the backslash, the slash
}
