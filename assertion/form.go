package assertion

import (
	"encoding/base64"
	"errors"
	"strconv"
	"strings"

	"github.com/avouch-oauth/avouch/internal/jose"
	"github.com/avouch-oauth/avouch/internal/strictjson"
	"github.com/avouch-oauth/avouch/keys"
)

// form runs a step about the form of the token. The parser goes through all of them in this order by itself and once,
// in the first step; each step answers for its own fault.
func (j *judgement) form(s *step) error {
	if s.fault == jose.TooLarge {
		if err := j.parse(); err != nil {
			return err
		}
	}
	switch {
	case j.fault == nil:
		return nil
	case j.fault.Fault == s.fault:
		return &Error{Reason: s.reason, Hint: nearForm(j.token, s.fault)}
	case s.fault == jose.BadClaims:
		return j.readPayload()
	}
	return nil
}

func (j *judgement) parse() error {
	compact, err := jose.Parse(j.token, MaxSize)
	if err != nil {
		fault, ok := errors.AsType[*jose.ParseError](err)
		if !ok {
			return err
		}
		j.fault = fault
		return nil
	}
	j.compact = compact
	j.header = compact.Header
	j.alg = algorithm(compact.Header.Algorithm)
	j.read(&compact.Claims)
	return nil
}

// readPayload reads the claims of a token whose header is no good, to explain what can still be explained.
func (j *judgement) readPayload() error {
	_, rest, _ := strings.Cut(j.token, ".")
	text, _, _ := strings.Cut(rest, ".")
	payload, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil {
		return &Error{Reason: BadClaims, Err: err}
	}
	claims, err := strictjson.Parse(payload)
	if err != nil {
		return &Error{Reason: BadClaims, Err: err}
	}
	j.read(&claims)
	return nil
}

func (j *judgement) read(claims *strictjson.Object) {
	j.assertion.claims = *claims
	j.claims = readRegistered(claims)
	j.payload = true
}

// algorithm reads the name of an algorithm: "Ed25519" (RFC 9864) and "EdDSA" are one.
func algorithm(name string) keys.Algorithm {
	if name == "Ed25519" {
		return keys.EdDSA
	}
	return keys.Algorithm(name)
}

func showSize(j *judgement) (seen, want string) {
	return strconv.Itoa(j.size) + " bytes", "at most " + strconv.Itoa(MaxSize)
}

// showForm shows what the parser said, where it stopped at this step.
func showForm(want string) func(j *judgement) (string, string) {
	return func(j *judgement) (string, string) {
		if j.fault == nil {
			return "", want
		}
		return j.fault.Detail, want
	}
}
