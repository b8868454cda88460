package assertion

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"github.com/avouch-oauth/avouch/internal/jose"
	"github.com/avouch-oauth/avouch/internal/near"
	"github.com/avouch-oauth/avouch/keys"
)

// maxCandidates is how many keys are tried for one token, whatever a Source returns.
const maxCandidates = 5

// checkAllowed: nothing outside the party's list is ever run (RFC 8725 §3.1).
func checkAllowed(_ context.Context, j *judgement) error {
	j.allowed = j.party.allows(j.alg)
	if j.allowed {
		return nil
	}
	e := &Error{Reason: AlgorithmNotAllowed}
	switch {
	case symmetric(j.alg) && j.secret() == nil:
		e.Hint = "a shared secret signed this, and the party is registered with public keys"
	case !symmetric(j.alg) && j.secret() != nil:
		e.Hint = "a private key signed this, and the party is registered with a shared secret"
	default:
		e.Hint = "let the signer use another algorithm, or name this one in algorithms for this party"
	}
	return e
}

func showAllowed(j *judgement) (seen, want string) {
	list := j.party.algorithms()
	words := make([]string, len(list))
	for i, alg := range list {
		words[i] = string(alg)
	}
	return clean(j.header.Algorithm), oneOf(words)
}

// secret returns the shared secret that verifies for the party; nil where it has keys.
func (j *judgement) secret() []byte {
	if j.party == nil || len(j.party.Secret) == 0 {
		return nil
	}
	return j.party.Secret
}

// findKeys asks the party's own source, and no other, for the keys that the header hints at.
func findKeys(ctx context.Context, j *judgement) error {
	switch {
	case j.secret() != nil:
		return nil
	case j.party.Keys == nil:
		return &Error{Reason: UnknownKey, Hint: "no keys are configured for this party"}
	}
	h := &j.header
	found, err := j.party.Keys.Find(ctx, keys.Hint{ID: h.KeyID, X5T: h.X5T, X5TS256: h.X5TS256, Algorithm: j.alg}, j.now)
	switch {
	case errors.Is(err, keys.ErrNoKey):
		return &Error{Reason: UnknownKey, Hint: j.hintKey(), Err: err}
	case err != nil:
		return &Error{Reason: KeySourceUnavailable, Err: err,
			Hint: "the token may be good; see whether the address of the party's keys can be reached from here"}
	case len(found) == 0:
		return &Error{Reason: UnknownKey, Hint: j.hintKey()}
	}
	j.found = found
	return nil
}

func showFound(j *judgement) (seen, want string) {
	if j.secret() != nil {
		return "a shared secret", "the party's secret"
	}
	return j.keyHint(), "a key that the party has published or registered"
}

// keyHint is what the token says of its key.
func (j *judgement) keyHint() string {
	h := &j.header
	switch {
	case h.KeyID != "":
		return "kid " + clean(h.KeyID)
	case h.X5TS256 != "":
		return "x5t#S256 " + clean(h.X5TS256)
	case h.X5T != "":
		return "x5t " + clean(h.X5T)
	}
	return "no kid"
}

// hintKey looks for what people do wrong with the names of keys.
func (j *judgement) hintKey() string {
	if !j.explaining {
		return ""
	}
	h := &j.header
	switch {
	case hexThumbprint(h.X5TS256, 64):
		return "x5t#S256 holds the thumbprint in hex: it is the base64url of the 32 raw bytes (RFC 7515 section 4.1.8)"
	case hexThumbprint(h.X5T, 40):
		return "x5t holds the thumbprint in hex: it is the base64url of the 20 raw bytes (RFC 7515 section 4.1.7)"
	}
	known := j.knownKeys()
	if len(known) == 0 {
		return "the signer's key is not registered here, or its key set was not published in time"
	}
	if name, how := near.Nearest(h.KeyID, known); how != "" {
		return "near kid " + clean(name) + ": " + how
	}
	return "known: kid " + clean(strings.Join(known[:min(len(known), 10)], ", "))
}

// knownKeys are the ids of the party's keys, where its source can tell without fetching.
func (j *judgement) knownKeys() []string {
	source, ok := j.party.Keys.(interface{ Keys() []*keys.Public })
	if !ok {
		return nil
	}
	var ids []string
	for _, k := range source.Keys() {
		if k.ID != "" {
			ids = append(ids, k.ID)
		}
	}
	return ids
}

// hexThumbprint reports whether s is a thumbprint of so many hex digits, as it is or in base64url.
func hexThumbprint(s string, digits int) bool {
	if len(s) != digits {
		decoded, err := base64.RawURLEncoding.DecodeString(s)
		if err != nil || len(decoded) != digits {
			return false
		}
		s = string(decoded)
	}
	for i := range len(s) {
		if !strings.Contains("0123456789abcdefABCDEF", s[i:i+1]) {
			return false
		}
	}
	return true
}

// checkFits leaves the keys that may verify this algorithm now: the algorithm is the key's, not the header's choice.
func checkFits(_ context.Context, j *judgement) error {
	if j.secret() != nil {
		return nil
	}
	n := 0
	var unfit error
	for _, key := range j.found {
		if err := key.Fits(j.alg, j.now); err != nil {
			unfit = err
			continue
		}
		if n < maxCandidates {
			j.fitting[n] = key
			n++
		}
	}
	if n == 0 {
		return &Error{Reason: KeyMismatch, Err: unfit}
	}
	return nil
}

func showFitting(j *judgement) (seen, want string) {
	if j.secret() != nil {
		return "a shared secret", "a secret"
	}
	return fmt.Sprintf("%s with %s", clean(j.header.Algorithm), j.keyHint()), "a key of that type, curve, alg and use, and of this time"
}

func checkSignature(_ context.Context, j *judgement) error {
	input, signature := j.compact.SigningInput, j.compact.Signature
	if secret := j.secret(); secret != nil {
		if err := jose.Verify(j.header.Algorithm, secret, input, signature); err != nil {
			return &Error{Reason: BadSignature, Err: err, Hint: "it was signed with another secret, or changed on its way"}
		}
		j.verified = true
		return nil
	}
	var wrong error
	tried := 0
	for _, key := range j.fitting {
		if key == nil {
			break
		}
		tried++
		if wrong = jose.Verify(j.header.Algorithm, key.Key, input, signature); wrong == nil {
			j.assertion.KeyID = key.ID
			j.verified = true
			return nil
		}
	}
	return &Error{Reason: BadSignature, Err: wrong, Hint: j.hintSignature(tried)}
}

func (j *judgement) hintSignature(tried int) string {
	if hint := nearSignature(j.alg, j.compact.Signature); hint != "" {
		return hint
	}
	if tried > 1 && j.keyHint() == "no kid" {
		return fmt.Sprintf("the header names no kid, and none of the %d keys that fit made the signature: let the signer send kid", tried)
	}
	return "another key signed this, perhaps after a rotation that kept the kid, or it was changed on its way"
}

func showSignature(j *judgement) (seen, want string) {
	switch {
	case j.verified && j.secret() == nil:
		return "verified by key " + clean(j.assertion.KeyID), ""
	case j.verified:
		return "verified by the shared secret", ""
	}
	return "not made by " + j.tried(), "a signature by the party's key"
}

func (j *judgement) tried() string {
	var ids []string
	for _, key := range j.fitting {
		if key == nil {
			break
		}
		id := key.ID
		if id == "" {
			id = key.Thumbprint()
		}
		ids = append(ids, id)
	}
	if len(ids) == 0 {
		return "the shared secret"
	}
	return "key " + clean(strings.Join(ids, ", "))
}
