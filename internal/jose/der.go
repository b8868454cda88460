package jose

import "errors"

// A JWS holds an ECDSA signature as r and s, each of the curve's length (RFC 7518 §3.4); Go's crypto speaks of it as
// DER: SEQUENCE { INTEGER r, INTEGER s } (RFC 3279 §2.2.3). Both ways are written out here because math/big would cost
// more than all the rest of reading a token.

const (
	tagInteger  = 0x02
	tagSequence = 0x30

	// maxDER is the length of the longest such signature, that of P-521: two integers of 66 bytes, and one more each for
	// what is too large to be a signature and looks like one.
	maxDER = 3 + 2*(2+67)
)

var errDER = errors.New("jose: the signer returned something that is not an ECDSA signature")

// appendDER writes raw, which must be 2*size bytes, as DER.
func appendDER(dst, raw []byte, size int) ([]byte, bool) {
	if len(raw) != 2*size {
		return nil, false
	}
	r, s := minimal(raw[:size]), minimal(raw[size:])
	length := 2 + len(r) + pad(r) + 2 + len(s) + pad(s)
	dst = append(dst, tagSequence)
	if length > 0x7F {
		dst = append(dst, 0x81)
	}
	dst = append(dst, byte(length))
	return appendInteger(appendInteger(dst, r), s), true
}

func appendInteger(dst, n []byte) []byte {
	dst = append(dst, tagInteger, byte(len(n)+pad(n)))
	if pad(n) > 0 {
		dst = append(dst, 0)
	}
	return append(dst, n...)
}

// minimal drops leading zeros, all but one.
func minimal(n []byte) []byte {
	for len(n) > 1 && n[0] == 0 {
		n = n[1:]
	}
	return n
}

// pad is the number of bytes needed to show that n is positive.
func pad(n []byte) int { return int(n[0] >> 7) }

// appendRaw writes a DER signature as r and s of size bytes each. What is no such signature by the letter of DER is
// refused: it comes from a signer of the caller's, and would go out as a token.
func appendRaw(dst, der []byte, size int) ([]byte, error) {
	body, rest, ok := element(der, tagSequence)
	if !ok || len(rest) != 0 {
		return nil, errDER
	}
	r, rest, ok := element(body, tagInteger)
	if !ok {
		return nil, errDER
	}
	s, rest, ok := element(rest, tagInteger)
	if !ok || len(rest) != 0 {
		return nil, errDER
	}
	for _, n := range [...][]byte{r, s} {
		switch {
		case len(n) == 0, n[0] >= 0x80: // nothing, or negative
			return nil, errDER
		case len(n) > 1 && n[0] == 0 && n[1] < 0x80: // a zero too many
			return nil, errDER
		}
		if n[0] == 0 {
			n = n[1:]
		}
		if len(n) > size {
			return nil, errDER
		}
		for range size - len(n) {
			dst = append(dst, 0)
		}
		dst = append(dst, n...)
	}
	return dst, nil
}

// element splits off one DER element of fewer than 256 bytes.
func element(in []byte, tag byte) (body, rest []byte, ok bool) {
	if len(in) < 2 || in[0] != tag {
		return nil, nil, false
	}
	length, in := int(in[1]), in[2:]
	switch {
	case length == 0x81 && len(in) > 0 && in[0] >= 0x80:
		length, in = int(in[0]), in[1:]
	case length >= 0x80:
		return nil, nil, false
	}
	if len(in) < length {
		return nil, nil, false
	}
	return in[:length], in[length:], true
}
