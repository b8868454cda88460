// Package jose reads, verifies and writes compact JWS (RFC 7515) with the algorithms of RFC 7518 and RFC 8037 that
// Avouch uses. It is strict where libraries are lenient; JWE, unsecured JWS, JSON serialisation, "crit" and "b64" do
// not exist here.
//
// Reading and verifying are two steps, because the key is chosen between them:
//
//	jws, err := jose.Parse(token, 16<<10)                                  // nothing of it is to be believed yet
//	err = jose.Verify(jws.Header.Algorithm, key, jws.SigningInput, jws.Signature) // now everything is the signer's word
//
// Whether alg is allowed, and whether the key may be used for it (its "alg", "use", "key_ops"), is for the caller to
// decide before he verifies.
package jose

import (
	"strconv"

	"github.com/avouch-oauth/avouch/internal/strictjson"
)

// Header is the JOSE header of a compact JWS, of which only hints are taken: never a key or a place to fetch one. "jwk",
// "jku", "x5u" and "x5c" are not even read.
type Header struct {
	Algorithm string // "alg", as sent; always one that Verify knows
	Type      string // "typ", as sent; "" where absent
	KeyID     string // "kid"
	X5T       string // "x5t", base64url without padding (padding is tolerated and removed)
	X5TS256   string // "x5t#S256", likewise
}

// Compact is a parsed JWS whose signature has not been checked.
type Compact struct {
	Header       Header
	Claims       strictjson.Object // the payload, scanned as a JSON object
	SigningInput string            // header.payload, a substring of the token
	Signature    []byte
}

// Fault says in which step a token was found malformed. Its String is a stable machine name.
type Fault byte

const (
	TooLarge       Fault = iota + 1 // "too_large": longer than the limit given
	BadAlphabet                     // "alphabet": a byte outside A-Z a-z 0-9 - _ .
	NotThreeParts                   // "parts": a JWE has five
	BadEncoding                     // "encoding": base64url that is not canonical
	BadHeader                       // "header": too long, not a JSON object by the rules of strictjson, a member of the wrong type, or a header of something else than a signed JWT ("zip", "enc", "cty": "JWT")
	BadAlgorithm                    // "algorithm": alg absent, not a string, or not one of ours ("none" included)
	CriticalHeader                  // "critical_header": crit or b64 is there
	BadClaims                       // "claims": payload is not a JSON object by the rules of strictjson
)

func (f Fault) String() string {
	switch f {
	case TooLarge:
		return "too_large"
	case BadAlphabet:
		return "alphabet"
	case NotThreeParts:
		return "parts"
	case BadEncoding:
		return "encoding"
	case BadHeader:
		return "header"
	case BadAlgorithm:
		return "algorithm"
	case CriticalHeader:
		return "critical_header"
	case BadClaims:
		return "claims"
	}
	return "Fault(" + strconv.Itoa(int(f)) + ")"
}

// ParseError is what Parse returns.
type ParseError struct {
	Fault  Fault
	Detail string // for the operator; never holds more than 64 bytes of the input, escaped
}

func (e *ParseError) Error() string {
	return "jose: malformed JWS (" + e.Fault.String() + "): " + e.Detail
}
