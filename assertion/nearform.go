package assertion

import (
	"fmt"
	"strings"

	"github.com/avouch-oauth/avouch/internal/jose"
	"github.com/avouch-oauth/avouch/keys"
)

// nearForm looks for what people send in place of a compact JWS. It looks at both ends, and for single bytes.
func nearForm(token string, fault jose.Fault) string {
	switch fault {
	case jose.BadAlphabet:
		return nearAlphabet(token)
	case jose.BadEncoding:
		return "it was cut off or changed on its way, or written by a base64url encoder that leaves bits over"
	case jose.NotThreeParts:
		switch strings.Count(token, ".") {
		case 0:
			return "this is no JWT: an opaque token, a file name or an empty variable may stand in its place"
		case 1:
			return "the signature is missing, or was cut off"
		case 4:
			return "five parts are an encrypted JWT (JWE), which cannot be read here: send it signed and not encrypted"
		}
	}
	return ""
}

func nearAlphabet(token string) string {
	begins := func(with string) bool { return len(token) >= len(with) && strings.EqualFold(token[:len(with)], with) }
	switch {
	case begins("Bearer "):
		return `the word Bearer belongs into an Authorization header, and not before an assertion`
	case begins("-----BEGIN"):
		return "this is a key or a certificate in PEM: an assertion is signed with the key, and never is the key"
	case begins("{"):
		return "this is JSON: the compact form is wanted, header.payload.signature (RFC 7515 section 7.1)"
	case begins(`"`), begins("'"):
		return "there are quotation marks around it: leave them out"
	case strings.TrimSpace(token) != token:
		return "a line end or a space stands before or behind it, as in a file or in the output of a command: leave it out"
	case strings.Contains(token, "%"):
		return "it is percent-encoded twice: encode the form once"
	case strings.HasSuffix(token, "="):
		return "base64url has no padding in a JWT: leave = out (RFC 7515 section 2)"
	case strings.ContainsAny(token, "+/"):
		return "this is base64, and base64url is wanted: - in place of + and _ in place of / (RFC 7515 section 2)"
	case strings.Contains(token, " "):
		return "there is a space in it: a + that was not percent-encoded becomes one in a form, and base64url has - in its place"
	}
	return ""
}

// signatureSize is the size of the signatures of an algorithm, 0 where the key decides (RFC 7518 §3.4, RFC 8037 §3.1).
func signatureSize(alg keys.Algorithm) int {
	switch alg {
	case keys.ES256, keys.EdDSA:
		return 64
	case keys.ES384:
		return 96
	case keys.ES512:
		return 132
	}
	return 0
}

// nearSignature looks for a signature in the wrong format.
func nearSignature(alg keys.Algorithm, signature []byte) string {
	want := signatureSize(alg)
	switch got := len(signature); {
	case want == 0 || got == want:
		return ""
	case alg != keys.EdDSA && got > 2 && signature[0] == 0x30 && int(signature[1])+2 == got:
		return fmt.Sprintf("the signature is in ASN.1 DER, as OpenSSL and most libraries make it: a JWS has R and S one after the other in %d bytes "+
			"(RFC 7518 section 3.4)", want)
	default:
		return fmt.Sprintf("the signature has %d bytes, and one of %s has %d: it was cut off, or another algorithm made it", got, alg, want)
	}
}
