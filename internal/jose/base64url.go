package jose

// alphabet is that of base64url (RFC 4648 §5).
const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

// none marks a byte that is not of the alphabet.
const none = 0xFF

// sextet gives the value of each byte of the alphabet, and none for all others. It is never written to.
var sextet = func() (table [256]byte) {
	for i := range table {
		table[i] = none
	}
	for i := range len(alphabet) {
		table[alphabet[i]] = byte(i)
	}
	return table
}()

// AppendBase64url appends the bytes that in stands for. ok is false unless in is the one way to write them: no padding,
// no white space, and no bits set in the last character that stand for nothing (RFC 7515 §2, RFC 4648 §3.5).
// encoding/base64 skips line breaks even when it is strict.
func AppendBase64url(dst []byte, in string) (out []byte, ok bool) {
	for len(in) >= 4 {
		a, b, c, d := sextet[in[0]], sextet[in[1]], sextet[in[2]], sextet[in[3]]
		if a|b|c|d == none { // values of the alphabet have their two upper bits clear
			return nil, false
		}
		dst = append(dst, a<<2|b>>4, b<<4|c>>2, c<<6|d)
		in = in[4:]
	}
	switch len(in) {
	case 0:
		return dst, true
	case 2:
		a, b := sextet[in[0]], sextet[in[1]]
		if a|b == none || b&0x0F != 0 {
			return nil, false
		}
		return append(dst, a<<2|b>>4), true
	case 3:
		a, b, c := sextet[in[0]], sextet[in[1]], sextet[in[2]]
		if a|b|c == none || c&0x03 != 0 {
			return nil, false
		}
		return append(dst, a<<2|b>>4, b<<4|c>>2), true
	}
	return nil, false // one character stands for six bits
}
