package grant

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
)

// challengeMethod is the one way in which a challenge is made of a verifier (RFC 7636 §4.2). The other one, plain, shows
// the verifier to whoever reads the authorization request, and is what an absent code_challenge_method means.
const challengeMethod = "S256"

// validChallenge reports whether s can be the S256 challenge of a verifier: the base64url of 32 bytes.
func validChallenge(s string) bool {
	raw, err := base64.RawURLEncoding.Strict().DecodeString(s)
	return err == nil && len(raw) == sha256.Size && len(s) == base64.RawURLEncoding.EncodedLen(sha256.Size)
}

// validVerifier reports whether s is a code verifier: 43 to 128 unreserved characters (RFC 7636 §4.1).
func validVerifier(s string) bool {
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '-', c == '.', c == '_', c == '~':
		default:
			return false
		}
	}
	return len(s) >= 43 && len(s) <= 128
}

// verifies reports whether a verifier is that of a challenge.
func verifies(verifier, challenge string) bool {
	if !validVerifier(verifier) || !validChallenge(challenge) {
		return false
	}
	sum := sha256.Sum256([]byte(verifier))
	made := base64.RawURLEncoding.EncodeToString(sum[:])
	return subtle.ConstantTimeCompare([]byte(made), []byte(challenge)) == 1
}
