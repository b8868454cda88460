package assertion

import (
	"fmt"
	"strings"
	"time"

	"github.com/avouch-oauth/avouch/internal/near"
	"github.com/avouch-oauth/avouch/internal/strictjson"
)

// maxID is the longest jti, in bytes.
const maxID = 256

// registered is the registered claims of RFC 7519 §4.1 as a token has them, and what the rules below read out of them.
type registered struct {
	iss, sub, aud, exp, nbf, iat, jti strictjson.Value

	issuer  string // iss and sub, where they are strings
	subject string

	audience       [1]string
	legacyAudience bool
	expires        time.Time // zero where there is no usable one; so are the others
	notBefore      time.Time
	issuedAt       time.Time
	id             string
}

func readRegistered(claims *strictjson.Object) registered {
	r := registered{
		iss: claims.Get("iss"),
		sub: claims.Get("sub"),
		aud: claims.Get("aud"),
		exp: claims.Get("exp"),
		nbf: claims.Get("nbf"),
		iat: claims.Get("iat"),
		jti: claims.Get("jti"),
	}
	r.issuer, _ = r.iss.Text()
	r.subject, _ = r.sub.Text()
	return r
}

// A rule decides about the claims by the claims, the policy and the time alone. What it reads it leaves in r.
type rule func(r *registered, p *Policy, now time.Time) *Error

// subjectRule: RFC 7523 §3 item 2.
func subjectRule(r *registered, p *Policy, _ time.Time) *Error {
	switch kind := r.sub.Kind(); {
	case kind == strictjson.Absent && p.SubjectOptional:
		return nil
	case kind == strictjson.Absent:
		return &Error{Reason: SubjectMissing,
			Hint: "clients of Google's libraries leave sub out where nobody is meant: subject_optional accepts that"}
	case kind != strictjson.String || strings.TrimSpace(r.subject) == "":
		return &Error{Reason: BadClaim, Hint: "sub must be a JSON string that is not empty"}
	}
	return nil
}

// audienceRule: RFC 7523 §3 item 3, RFC 10070 §4. The one value that is there must be one of ours, byte for byte.
func audienceRule(r *registered, p *Policy, _ time.Time) *Error {
	sole := r.aud
	switch r.aud.Kind() {
	case strictjson.String:
	case strictjson.Absent:
		return &Error{Reason: AudienceMissing}
	case strictjson.Array:
		count, other := 0, false
		for element := range r.aud.Elements() {
			sole, count = element, count+1
			other = other || element.Kind() != strictjson.String
		}
		switch {
		case other:
			return &Error{Reason: BadClaim, Hint: "aud must be a JSON string or an array of strings"}
		case count == 0:
			return &Error{Reason: AudienceMissing, Hint: "aud is an empty list"}
		case count > 1:
			return &Error{Reason: SeveralAudiences, Hint: "ask for an assertion with one aud: one that is also good " +
				"elsewhere could be taken there and used here"}
		case p.Audience.StringOnly:
			return &Error{Reason: WrongAudience, Hint: "aud must be a string here and not a list (FAPI 2.0 section 5.3.2.1)"}
		}
	default:
		return &Error{Reason: BadClaim, Hint: "aud must be a JSON string or an array of strings"}
	}
	name, legacy := p.Audience.find(sole)
	if name == "" {
		value, _ := sole.Text()
		return &Error{Reason: WrongAudience, Hint: p.Audience.hint(value)}
	}
	r.audience[0], r.legacyAudience = name, legacy
	return nil
}

// find returns which of our names value is, "" for none, and whether it is one only by the relaxation.
func (a *Audience) find(value strictjson.Value) (name string, legacy bool) {
	for _, accepted := range a.Accept {
		if value.TextIs(accepted) {
			return accepted, false
		}
	}
	for _, accepted := range a.Legacy {
		if value.TextIs(accepted) {
			return accepted, true
		}
	}
	return "", false
}

func (a *Audience) hint(value string) string {
	for _, known := range a.NearMiss {
		if value == known {
			return "it is an endpoint of this server, and its issuer identifier is wanted (RFC 10070 section 4)"
		}
	}
	name, how := near.Nearest(value, a.Accept)
	if how == "" {
		name, how = near.Nearest(value, a.Legacy)
	}
	if how == "" {
		return ""
	}
	return "near " + clean(name) + ": " + how
}

// expiryRule: RFC 7523 §3 item 4.
func expiryRule(r *registered, p *Policy, now time.Time) *Error {
	if r.exp.Kind() == strictjson.Absent {
		return &Error{Reason: ExpiryMissing}
	}
	exp, ok := r.exp.NumericDate()
	if !ok {
		return &Error{Reason: BadClaim, Hint: nearDate(r.exp)}
	}
	r.expires = exp
	if now.Before(exp.Add(p.Skew)) {
		return nil
	}
	e := &Error{Reason: Expired, Hint: nearDate(r.exp)}
	if iat, ok := r.iat.NumericDate(); ok && e.Hint == "" && exp.After(iat) {
		e.Hint = fmt.Sprintf("it was made %s ago to live for %s: sign a fresh one for each request; if it is fresh, %s",
			short(now.Sub(iat)), short(exp.Sub(iat)), nearClock(iat.Sub(now), p.Skew))
	}
	return e
}

// notBeforeRule: RFC 7523 §3 item 5.
func notBeforeRule(r *registered, p *Policy, now time.Time) *Error {
	return pastRule(r.nbf, &r.notBefore, NotYetValid, p, now)
}

// issuedAtRule: RFC 7523 §3 item 6.
func issuedAtRule(r *registered, p *Policy, now time.Time) *Error {
	return pastRule(r.iat, &r.issuedAt, IssuedInFuture, p, now)
}

// pastRule reads a date that may be absent and must not lie ahead of now.
func pastRule(v strictjson.Value, t *time.Time, ahead Reason, p *Policy, now time.Time) *Error {
	if v.Kind() == strictjson.Absent {
		return nil
	}
	date, ok := v.NumericDate()
	if !ok {
		return &Error{Reason: BadClaim, Hint: nearDate(v)}
	}
	*t = date
	if !now.Add(p.Skew).Before(date) {
		return nil
	}
	hint := nearDate(v)
	if hint == "" {
		hint = nearClock(date.Sub(now), p.Skew)
	}
	return &Error{Reason: ahead, Hint: hint}
}

// lifetimeRule bounds how long a stolen assertion is good for, and how long its use must be remembered.
func lifetimeRule(r *registered, p *Policy, now time.Time) *Error {
	most := p.MaxLifetime + p.Skew
	ahead, whole := r.expires.Sub(now), time.Duration(0)
	if !r.issuedAt.IsZero() {
		whole = r.expires.Sub(r.issuedAt)
	}
	if ahead <= most && whole <= most {
		return nil
	}
	hint := nearDate(r.exp)
	if hint == "" {
		hint = "let the signer choose a shorter one, or raise max_lifetime for this party"
	}
	return &Error{Reason: LifetimeTooLong, Hint: hint}
}

// idRule: RFC 7523 §3 item 7.
func idRule(r *registered, p *Policy, _ time.Time) *Error {
	if r.jti.Kind() == strictjson.Absent {
		if p.RequireID {
			return &Error{Reason: IDMissing,
				Hint: "let the signer add a fresh random jti; nothing else makes single use certain"}
		}
		return nil
	}
	id, isString := r.jti.Text()
	switch {
	case !isString || id == "":
		return &Error{Reason: BadClaim, Hint: "jti must be a JSON string that is not empty"}
	case len(id) > maxID:
		return &Error{Reason: IDTooLong}
	}
	r.id = id
	return nil
}
