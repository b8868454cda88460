// Package jose reads, verifies and writes compact JWS (RFC 7515) with the algorithms of RFC 7518 and RFC 8037 that
// Avouch uses. It is strict where libraries are lenient; JWE, unsecured JWS, JSON serialisation, "crit" and "b64" do
// not exist here.
package jose

import (
	"crypto"

	"github.com/avouch-oauth/avouch/internal/strictjson"
)

// Header is the JOSE header of a compact JWS, of which only hints are taken: never a key or a place to fetch one.
type Header struct {
	Algorithm string // "alg", as sent
	Type      string // "typ", as sent; "" where absent
	KeyID     string // "kid"
	X5T       string // "x5t", base64url without padding (padding is tolerated and removed)
	X5TS256   string // "x5t#S256"
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
	NotThreeParts                   // "parts"
	BadEncoding                     // "encoding": base64url that is not canonical
	BadHeader                       // "header": not a JSON object by the rules of strictjson, or a member of the wrong type
	BadAlgorithm                    // "algorithm": alg absent, not a string, or not one of ours ("none" included)
	CriticalHeader                  // "critical_header": crit or b64 is there
	BadClaims                       // "claims": payload is not a JSON object by the rules of strictjson
)

// ParseError is what Parse returns.
type ParseError struct {
	Fault  Fault
	Detail string // for the operator; never holds more than 64 bytes of the input, escaped
}

func (e *ParseError) Error() string { panic("not built") }

// Parse splits and decodes token. maxSize bounds the whole token in bytes. Steps run in the order of the Fault constants.
func Parse(token string, maxSize int) (*Compact, error) { panic("not built") }

// Verify checks the signature of signingInput by key, which must be *rsa.PublicKey, *ecdsa.PublicKey,
// ed25519.PublicKey, or []byte for HS*. alg and key that do not belong together, RSA keys outside 2048..4096 bits and
// HMAC keys shorter than the hash are refused. PSS salt length is pinned to the hash length; ECDSA signatures have
// exactly their fixed length.
func Verify(alg string, key any, signingInput string, signature []byte) error { panic("not built") }

// AppendSigned appends the compact JWS of header and claims (both JSON text made by us) to dst.
func AppendSigned(dst []byte, header, claims []byte, alg string, signer crypto.Signer) ([]byte, error) {
	panic("not built")
}

// AppendMAC is AppendSigned for HS256, HS384 and HS512.
func AppendMAC(dst []byte, header, claims []byte, alg string, secret []byte) ([]byte, error) {
	panic("not built")
}
