// Package scope knows what a scope is made of (RFC 6749 §3.3).
package scope

// Valid reports whether s is one scope-token: printable ASCII without blanks, quotes and backslashes, and not empty.
func Valid(s string) bool {
	for i := 0; i < len(s); i++ {
		if c := s[i]; c <= 0x20 || c > 0x7e || c == '"' || c == '\\' {
			return false
		}
	}
	return s != ""
}
