package avouch

import (
	"errors"
	"strings"
	"unicode/utf8"
)

const (
	// maxForm is the longest form that is read, in bytes.
	maxForm = 64 << 10
	// usualForm is what nearly all forms fit into. Until more has come, a request takes no more.
	usualForm = 8 << 10
	// maxParams is how many parameters with a value a form may have.
	maxParams = 64
)

// param is one parameter of a form, decoded.
type param struct{ name, value string }

// A form is a list and not a map: real ones have fewer than ten parameters.
type form []param

var (
	errFormSemicolon = errors.New("a semicolon separates nothing in a form; it must be written %3B")
	errFormEscape    = errors.New("a percent sign is not followed by two hexadecimal digits")
	errFormText      = errors.New("a name or value is not UTF-8 text, or has a NUL in it")
	errFormTooMany   = errors.New("the form has too many parameters")
)

// duplicateError names a parameter that was sent twice. The name is a stranger's.
type duplicateError string

func (e duplicateError) Error() string { return "a parameter is there more than once" }

// parseForm reads application/x-www-form-urlencoded text (RFC 6749 Appendix B). It refuses what readers understand
// differently: semicolons, broken escapes, text that is not UTF-8, a name twice. Names that differ only in case count
// as the same one, although only the exact name means anything. Parameters without a value are left out (RFC 6749
// §3.2). Where nothing is escaped the parts point into body.
func parseForm(body string) (form, error) {
	if strings.IndexByte(body, ';') >= 0 {
		return nil, errFormSemicolon
	}
	f := make(form, 0, 8)
	for body != "" {
		var pair string
		pair, body, _ = strings.Cut(body, "&")
		name, value, _ := strings.Cut(pair, "=")
		name, err := unescape(name)
		if err != nil {
			return nil, err
		}
		if value, err = unescape(value); err != nil {
			return nil, err
		}
		if value == "" {
			continue
		}
		if f, err = f.add(name, value); err != nil {
			return nil, err
		}
	}
	return f, nil
}

// add appends a parameter unless it may not be there.
func (f form) add(name, value string) (form, error) {
	if len(f) == maxParams {
		return nil, errFormTooMany
	}
	if !repeatable(name) {
		for i := range f {
			if len(f[i].name) == len(name) && strings.EqualFold(f[i].name, name) {
				return nil, duplicateError(name)
			}
		}
	}
	return append(f, param{name, value}), nil
}

// repeatable reports whether an extension lets a parameter be sent several times: resource (RFC 8707 §2), and
// audience (RFC 8693 §2.1).
func repeatable(name string) bool { return name == "resource" || name == "audience" }

func (f form) get(name string) string {
	for i := range f {
		if f[i].name == name {
			return f[i].value
		}
	}
	return ""
}

// unescape decodes one name or value.
func unescape(s string) (string, error) {
	if strings.IndexByte(s, '%') >= 0 || strings.IndexByte(s, '+') >= 0 {
		var b strings.Builder
		b.Grow(len(s))
		for i := 0; i < len(s); i++ {
			switch c := s[i]; c {
			case '+':
				b.WriteByte(' ')
			case '%':
				if i+2 >= len(s) {
					return "", errFormEscape
				}
				hi, lo := unhex(s[i+1]), unhex(s[i+2])
				if hi > 15 || lo > 15 {
					return "", errFormEscape
				}
				b.WriteByte(hi<<4 | lo)
				i += 2
			default:
				b.WriteByte(c)
			}
		}
		s = b.String()
	}
	if strings.IndexByte(s, 0) >= 0 || !utf8.ValidString(s) {
		return "", errFormText
	}
	return s, nil
}

// unhex returns the value of a hexadecimal digit, or 255.
func unhex(c byte) byte {
	switch {
	case '0' <= c && c <= '9':
		return c - '0'
	case 'a' <= c && c <= 'f':
		return c - 'a' + 10
	case 'A' <= c && c <= 'F':
		return c - 'A' + 10
	}
	return 255
}

// credentialInQuery reports whether a URL query names a parameter that belongs into the body alone: a query ends up in
// logs, histories and Referer headers (RFC 6749 §2.3.1). It is told for names in any case and broken queries too.
func credentialInQuery(query string) bool {
	for query != "" {
		var pair string
		pair, query, _ = strings.Cut(query, "&")
		for pair != "" {
			var part string
			part, pair, _ = strings.Cut(pair, ";")
			name, _, _ := strings.Cut(part, "=")
			if plain, err := unescape(name); err == nil {
				name = plain
			}
			switch strings.ToLower(name) {
			case "client_secret", "client_assertion", "assertion", "code", "code_verifier", "device_code", "refresh_token", "access_token",
				"subject_token", "actor_token", "token", "username", "password":
				return true
			}
		}
	}
	return false
}
