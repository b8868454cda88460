package jose

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/avouch-oauth/avouch/internal/strictjson"
)

// maxHeader is the longest JOSE header, in bytes after decoding. With an x5c chain in it, which some signers send and
// nobody here reads, a header has 2 to 3 KiB.
const maxHeader = 4 << 10

// Parse splits and decodes token. maxSize bounds the whole token in bytes. Steps run in the order of the Fault
// constants; the error is a *ParseError. Nothing that Parse returns is to be believed before [Verify].
func Parse(token string, maxSize int) (*Compact, error) {
	c, payload, err := decode(token, maxSize)
	if err != nil {
		return nil, err
	}
	if c.Claims, err = strictjson.Parse(payload); err != nil {
		return nil, &ParseError{BadClaims, err.Error()}
	}
	return c, nil
}

// decode is Parse for any payload.
func decode(token string, maxSize int) (c *Compact, payload []byte, err error) {
	if len(token) > maxSize {
		return nil, nil, fault(TooLarge, "%d bytes, and %d are the limit", len(token), maxSize)
	}
	first, last, err := split(token)
	if err != nil {
		return nil, nil, err
	}
	if first > (maxHeader*4+2)/3 {
		return nil, nil, fault(BadHeader, "longer than %d bytes", maxHeader)
	}
	// One buffer holds all three parts. It is never written to again.
	header, err := appendDecoded(make([]byte, 0, len(token)*3/4), token[:first], "header")
	if err != nil {
		return nil, nil, err
	}
	both, err := appendDecoded(header, token[first+1:last], "payload")
	if err != nil {
		return nil, nil, err
	}
	all, err := appendDecoded(both, token[last+1:], "signature")
	if err != nil {
		return nil, nil, err
	}
	c = &Compact{SigningInput: token[:last], Signature: all[len(both):len(all):len(all)]}
	if err := c.Header.read(header[:len(header):len(header)]); err != nil {
		return nil, nil, err
	}
	return c, all[len(header):len(both):len(both)], nil
}

// split finds the two dots of token and refuses every byte that a JWS cannot have. It makes no list of parts: a token
// may consist of dots only.
func split(token string) (first, last int, err error) {
	dots := 0
	for i := range len(token) {
		switch c := token[i]; {
		case sextet[c] != none:
		case c == '.':
			if dots++; dots == 1 {
				first = i
			}
			last = i
		default:
			return 0, 0, fault(BadAlphabet, "the byte %s at offset %d is not of A-Z a-z 0-9 - _ .", strconv.QuoteToASCII(token[i:i+1]), i)
		}
	}
	if dots != 2 {
		return 0, 0, fault(NotThreeParts, "%d dots, and a signed JWT has 2", dots)
	}
	return first, last, nil
}

func appendDecoded(dst []byte, part, name string) ([]byte, error) {
	dst, ok := AppendBase64url(dst, part)
	if !ok {
		return nil, fault(BadEncoding, "the %s is not canonical base64url", name)
	}
	return dst, nil
}

// read takes over what Avouch reads of a header, and refuses what would change the meaning of the token if it were
// read.
func (h *Header) read(header []byte) error {
	if len(header) > maxHeader {
		return fault(BadHeader, "longer than %d bytes", maxHeader)
	}
	o, err := strictjson.Parse(header)
	if err != nil {
		return &ParseError{BadHeader, err.Error()}
	}
	if err := h.readHints(&o); err != nil {
		return err
	}
	alg := o.Get("alg")
	for i := range algorithms {
		if alg.TextIs(algorithms[i].name) {
			h.Algorithm = algorithms[i].name
			break
		}
	}
	switch {
	case alg.Kind() == strictjson.Absent:
		return fault(BadAlgorithm, "alg is missing")
	case h.Algorithm == "":
		return fault(BadAlgorithm, "alg is %s", show(alg))
	}
	for _, name := range [...]string{"crit", "b64"} {
		if o.Get(name).Kind() != strictjson.Absent {
			return fault(CriticalHeader, "%s is there, and no extension of JWS is supported", name)
		}
	}
	return nil
}

func (h *Header) readHints(o *strictjson.Object) error {
	for _, member := range [...]struct {
		name string
		to   *string
	}{{"typ", &h.Type}, {"kid", &h.KeyID}, {"x5t", &h.X5T}, {"x5t#S256", &h.X5TS256}} {
		value := o.Get(member.name)
		if value.Kind() == strictjson.Absent {
			continue
		}
		if value.Kind() != strictjson.String {
			return fault(BadHeader, "%s is %s, and a string is wanted", member.name, show(value))
		}
		*member.to = text(value, member.to == &h.Type)
	}
	h.X5T, h.X5TS256 = strings.TrimRight(h.X5T, "="), strings.TrimRight(h.X5TS256, "=")

	for _, name := range [...]string{"zip", "enc"} { // RFC 7516 §4.1: these are headers of encrypted JWTs
		if o.Get(name).Kind() != strictjson.Absent {
			return fault(BadHeader, "%s is there, and encrypted JWTs are not supported", name)
		}
	}
	switch cty, isString := o.Get("cty").Text(); {
	case o.Get("cty").Kind() == strictjson.Absent:
	case !isString:
		return fault(BadHeader, "cty is not a string")
	case strings.EqualFold(cty, "JWT") || strings.EqualFold(cty, "application/jwt"):
		return fault(BadHeader, "cty is JWT, and nested JWTs are not supported")
	}
	return nil
}

// text is value.Text, without an allocation for the types that nearly all tokens have.
func text(value strictjson.Value, isType bool) string {
	if isType {
		for _, usual := range [...]string{"JWT", "at+jwt", "client-authentication+jwt"} {
			if value.TextIs(usual) {
				return usual
			}
		}
	}
	s, _ := value.Text()
	return s
}

func fault(f Fault, format string, args ...any) error {
	return &ParseError{Fault: f, Detail: fmt.Sprintf(format, args...)}
}

// show makes a stranger's value fit for a log line.
func show(v strictjson.Value) string {
	const limit = 64
	if s, ok := v.Text(); ok {
		if len(s) > limit {
			return strconv.QuoteToASCII(s[:limit]) + "..."
		}
		return strconv.QuoteToASCII(s)
	}
	return "of type " + v.Kind().String()
}
