package assertion

import (
	"encoding/base64"
	"strings"

	"github.com/avouch-oauth/avouch/internal/strictjson"
	"github.com/avouch-oauth/avouch/keys"
)

// Unverified is what a token says of itself before its signature has been checked: to be used for finding the party
// it claims to come from, and for nothing else.
type Unverified struct {
	Issuer    string         // iss; "" where it has none (SPIFFE)
	Subject   string         // sub; "" where it has none or it is not a string
	Type      string         // typ of the header, as sent
	KeyID     string         // kid of the header
	Algorithm keys.Algorithm // alg of the header
}

// readUnverified is the only place where a claim is read before the signature holds.
func readUnverified(j *judgement) Unverified {
	return Unverified{
		Issuer:    j.claims.issuer,
		Subject:   j.claims.subject,
		Type:      j.header.Type,
		KeyID:     j.header.KeyID,
		Algorithm: j.alg,
	}
}

// maxUnverifiedHeader is the longest header, in base64url, that UnverifiedAlgorithm reads.
const maxUnverifiedHeader = 4 << 10

// UnverifiedAlgorithm returns the algorithm that a token names in its header, before anything else of it is looked at:
// for choosing between methods that differ by it, as private_key_jwt and client_secret_jwt do. ok is false where there
// is none to be read. It decides nothing: the check of the assertion looks again, strictly.
func UnverifiedAlgorithm(token string) (alg keys.Algorithm, ok bool) {
	head := token[:min(len(token), maxUnverifiedHeader)]
	text, _, found := strings.Cut(head, ".")
	if !found || strings.ContainsAny(text, "\r\n") { // which encoding/base64 would skip
		return "", false
	}
	decoded, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil {
		return "", false
	}
	header, err := strictjson.Parse(decoded)
	if err != nil {
		return "", false
	}
	name, ok := header.Get("alg").Text()
	if !ok || name == "" {
		return "", false
	}
	return algorithm(name), true
}
