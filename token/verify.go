package token

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/avouch-oauth/avouch/internal/jose"
	"github.com/avouch-oauth/avouch/internal/strictjson"
	"github.com/avouch-oauth/avouch/keys"
)

// MaxSize is the longest access token that is looked at, in bytes.
const MaxSize = 16 << 10

// Verifier verifies access tokens of one issuer for one audience (RFC 9068 §4). It is safe for concurrent use and must
// not be changed while in use.
type Verifier struct {
	Issuer     string // must be iss, byte by byte
	Audience   string // the resource this API is; must be one of aud
	Keys       keys.Source
	Algorithms []keys.Algorithm // nil means keys.DefaultAlgorithms
	Skew       time.Duration    // zero means 10 s; more than 60 s is cut to 60 s

	// AnyAudience lets a token be for any audience; Audience must be "" then. It is for the server that issued the token,
	// which asks whether it is one of its own, and never for an API. False means that Audience is required.
	AnyAudience bool
}

// Validate reports what a verifier lacks. Verify refuses every token while it is not nil.
func (v *Verifier) Validate() error {
	switch {
	case v == nil || v.Issuer == "":
		return errors.New("token: Verifier.Issuer is required")
	case v.Audience == "" && !v.AnyAudience:
		return errors.New("token: Verifier.Audience is required")
	case v.Audience != "" && v.AnyAudience:
		return errors.New("token: Verifier has an Audience and AnyAudience: one of them is a slip")
	case v.Keys == nil:
		return errors.New("token: Verifier.Keys is required")
	}
	for _, alg := range v.Algorithms {
		if strings.HasPrefix(string(alg), "HS") {
			return fmt.Errorf("token: %s is no algorithm for access tokens", alg)
		}
	}
	return nil
}

// Fault is a stable machine name for why an access token was refused.
type Fault string

const (
	Malformed           Fault = "malformed"             // not a compact JWS of acceptable JSON
	WrongType           Fault = "wrong_type"            // typ is not at+jwt
	AlgorithmNotAllowed Fault = "algorithm_not_allowed" // alg is not on the list
	WrongIssuer         Fault = "wrong_issuer"          // iss is not the one that is trusted
	UnknownKey          Fault = "unknown_key"           // no key that could have signed it
	KeysUnavailable     Fault = "keys_unavailable"      // the keys cannot be had at the moment: nobody's token is at fault
	BadSignature        Fault = "bad_signature"         // no candidate key has made it
	BadClaim            Fault = "bad_claim"             // a required claim is missing, or one has the wrong type
	WrongAudience       Fault = "wrong_audience"        // aud lacks this API
	Expired             Fault = "expired"               // exp has passed
	NotYetValid         Fault = "not_yet_valid"         // nbf or iat lie in the future
)

// Error is a refused access token. All of it is for the operator; the caller learns "invalid_token" (RFC 6750 §3.1).
type Error struct {
	Fault  Fault  // why
	Detail string // what was found and wanted, escaped and cut; never the token
	Err    error  // the cause, where there is one
}

// Error is for the operator: it says all that is known.
func (e *Error) Error() string {
	s := "token: " + string(e.Fault)
	if e.Detail != "" {
		s += ": " + e.Detail
	}
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

// Unwrap returns Err.
func (e *Error) Unwrap() error { return e.Err }

// Verify returns the claims of a good token. A refusal is an [*Error].
func (v *Verifier) Verify(ctx context.Context, now time.Time, raw string) (*Claims, error) {
	if err := v.Validate(); err != nil {
		return nil, err
	}
	jws, err := jose.Parse(raw, MaxSize)
	if err != nil {
		return nil, &Error{Fault: Malformed, Err: err}
	}
	if !accessToken(jws.Header.Type) {
		return nil, fault(WrongType, "typ is %s, wanted %q", quote(jws.Header.Type), typ)
	}
	alg := keys.Algorithm(jws.Header.Algorithm)
	if alg == "Ed25519" {
		alg = keys.EdDSA
	}
	if !v.allows(alg) {
		return nil, fault(AlgorithmNotAllowed, "alg is %s", quote(jws.Header.Algorithm))
	}
	// The issuer is asked for before any key is: a stranger's token must not make us fetch.
	c := &Claims{read: jws.Claims}
	if c.Issuer, err = text(&jws.Claims, "iss"); err != nil {
		return nil, err
	}
	if c.Issuer != v.Issuer {
		return nil, fault(WrongIssuer, "iss is %s, wanted %s", quote(c.Issuer), quote(v.Issuer))
	}
	if err := v.signed(ctx, now, jws, alg); err != nil {
		return nil, err
	}
	if err := c.fill(&jws.Claims); err != nil {
		return nil, err
	}
	if !v.AnyAudience && !slices.Contains(c.Audience, v.Audience) {
		return nil, fault(WrongAudience, "aud is %s, wanted %s among it", quote(strings.Join(c.Audience, " ")), quote(v.Audience))
	}
	if err := v.timely(c, now); err != nil {
		return nil, err
	}
	return c, nil
}

func (v *Verifier) allows(alg keys.Algorithm) bool {
	if v.Algorithms == nil {
		switch alg {
		case keys.RS256, keys.PS256, keys.ES256, keys.EdDSA: // keys.DefaultAlgorithms, without making the list
			return true
		}
		return false
	}
	return slices.Contains(v.Algorithms, alg)
}

// signed checks the signature by the keys that may have made it.
func (v *Verifier) signed(ctx context.Context, now time.Time, jws *jose.Compact, alg keys.Algorithm) error {
	candidates, err := v.Keys.Find(ctx, keys.Hint{
		ID: jws.Header.KeyID, X5T: jws.Header.X5T, X5TS256: jws.Header.X5TS256, Algorithm: alg,
	}, now)
	switch {
	case errors.Is(err, keys.ErrNoKey):
		return &Error{Fault: UnknownKey, Detail: "kid is " + quote(jws.Header.KeyID), Err: err}
	case err != nil:
		return &Error{Fault: KeysUnavailable, Err: err}
	}
	fits := false
	for _, key := range candidates {
		if err = key.Fits(alg, now); err != nil {
			continue
		}
		fits = true
		if err = jose.Verify(jws.Header.Algorithm, key.Key, jws.SigningInput, jws.Signature); err == nil {
			return nil
		}
	}
	if !fits {
		return &Error{Fault: UnknownKey, Detail: "kid is " + quote(jws.Header.KeyID), Err: err}
	}
	return &Error{Fault: BadSignature, Err: err}
}

// fill reads the claims of RFC 9068 §2.2, all of which must be there.
func (c *Claims) fill(o *strictjson.Object) (err error) {
	for _, claim := range [...]struct {
		name string
		to   *string
	}{{"sub", &c.Subject}, {"client_id", &c.ClientID}, {"jti", &c.ID}} {
		if *claim.to, err = text(o, claim.name); err != nil {
			return err
		}
	}
	if c.Audience, err = audience(o.Get("aud")); err != nil {
		return err
	}
	if c.Expires, err = date(o, "exp", true); err != nil {
		return err
	}
	if c.IssuedAt, err = date(o, "iat", true); err != nil {
		return err
	}
	if c.NotBefore, err = date(o, "nbf", false); err != nil {
		return err
	}
	if scope := o.Get("scope"); scope.Kind() != strictjson.Absent {
		s, ok := scope.Text()
		if !ok {
			return fault(BadClaim, "scope is not a string")
		}
		c.Scopes = strings.Fields(s)
	}
	return c.Origin.read(o.Get(originClaim))
}

// timely checks the times of a token: exp is the first moment at which it is no good (RFC 7519 §4.1.4).
func (v *Verifier) timely(c *Claims, now time.Time) error {
	skew := v.Skew
	switch {
	case skew <= 0:
		skew = 10 * time.Second
	case skew > time.Minute:
		skew = time.Minute
	}
	switch {
	case !now.Add(-skew).Before(c.Expires):
		return fault(Expired, "exp was %s ago", now.Sub(c.Expires).Round(time.Second))
	case c.NotBefore.After(now.Add(skew)):
		return fault(NotYetValid, "nbf is %s ahead", c.NotBefore.Sub(now).Round(time.Second))
	case c.IssuedAt.After(now.Add(skew)):
		return fault(NotYetValid, "iat is %s ahead", c.IssuedAt.Sub(now).Round(time.Second))
	}
	return nil
}

// Decode decodes any claim of a verified token into v as encoding/json would; found is false where it is absent.
func (c *Claims) Decode(claim string, v any) (found bool, err error) {
	value := c.read.Get(claim)
	if value.Kind() == strictjson.Absent {
		return false, nil
	}
	if err := json.Unmarshal(value.Raw(), v); err != nil {
		return true, fmt.Errorf("token: claim %q: %w", claim, err)
	}
	return true, nil
}

// accessToken reports whether a header's typ is that of an access token: any case, with or without "application/"
// (RFC 7515 §4.1.9, RFC 9068 §4).
func accessToken(s string) bool {
	const prefix = "application/"
	if len(s) > len(prefix) && strings.EqualFold(s[:len(prefix)], prefix) {
		s = s[len(prefix):]
	}
	return len(s) == len(typ) && strings.EqualFold(s, typ)
}

// text returns a required claim that is a string and not empty.
func text(o *strictjson.Object, name string) (string, error) {
	s, ok := o.Get(name).Text()
	if !ok || s == "" {
		return "", fault(BadClaim, "%s is missing or not a string", name)
	}
	return s, nil
}

// audience reads aud: a string or an array of strings (RFC 7519 §4.1.3).
func audience(v strictjson.Value) ([]string, error) {
	if s, ok := v.Text(); ok {
		return []string{s}, nil
	}
	if list, ok := v.Strings(); ok {
		return list, nil
	}
	return nil, fault(BadClaim, "aud is missing, or neither a string nor an array of strings")
}

// date reads a NumericDate (RFC 7519 §2).
func date(o *strictjson.Object, name string, required bool) (time.Time, error) {
	v := o.Get(name)
	if v.Kind() == strictjson.Absent && !required {
		return time.Time{}, nil
	}
	t, ok := v.NumericDate()
	if !ok {
		return time.Time{}, fault(BadClaim, "%s is missing or no time", name)
	}
	return t, nil
}

func fault(f Fault, format string, args ...any) *Error {
	return &Error{Fault: f, Detail: fmt.Sprintf(format, args...)}
}

// quote makes a stranger's text fit for a log line.
func quote(s string) string {
	const limit = 128
	if len(s) > limit {
		return strconv.QuoteToASCII(s[:limit]) + "..."
	}
	return strconv.QuoteToASCII(s)
}
