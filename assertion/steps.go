package assertion

import (
	"context"

	"github.com/avouch-oauth/avouch/internal/jose"
)

// step is one named check. It has one of fault, rule and decide.
type step struct {
	name string

	fault  jose.Fault // the token is not malformed in this way;
	reason Reason     // the reason if it is

	rule   rule                                          // the claims are as they should be
	decide func(ctx context.Context, j *judgement) error // all else; an error that is not an *Error means: cannot tell

	// needs reports whether what the step works on is there. Nil means that it needs the claims.
	needs func(j *judgement) bool

	// secret says that the step compares the party's shared secret, if it has one.
	secret bool

	// show says what the step looked at and what it wants, escaped and cut, for the operator.
	show func(j *judgement) (seen, want string)
}

// steps is the one ordered list. The order is part of the security: what is cheap comes before what costs, nobody is
// asked for keys of a party we were not told about, and no claim decides anything before the signature holds, but for
// finding the party. docs/design/assertion-checks.md has the reasons.
//
// It is a variable only because Go has no constant of this kind; nothing changes it.
var steps = [...]step{
	{name: "size", fault: jose.TooLarge, reason: TooLarge, show: showSize},
	{name: "alphabet", fault: jose.BadAlphabet, reason: BadAlphabet, show: showForm("A-Z a-z 0-9 - _ and two dots")},
	{name: "parts", fault: jose.NotThreeParts, reason: NotThreeParts, show: showForm("header.payload.signature")},
	{name: "encoding", fault: jose.BadEncoding, reason: BadEncoding, show: showForm("base64url without padding, canonical")},
	{name: "header", fault: jose.BadHeader, reason: BadHeader, show: showForm("a JSON object, each name once")},
	{name: "algorithm", fault: jose.BadAlgorithm, reason: BadAlgorithm, show: showForm("an alg that is known here, written exactly")},
	{name: "critical header", fault: jose.CriticalHeader, reason: CriticalHeader, show: showForm("no crit and no b64")},
	{name: "claims", fault: jose.BadClaims, reason: BadClaims, show: showForm("a JSON object, each name once")},

	{name: "kind", decide: checkKind, needs: hasHeader, show: showKind},
	{name: "issuer", decide: checkIssuer, show: showIssuer},
	{name: "enabled", decide: checkEnabled, needs: hasParty, show: showEnabled},
	{name: "type", decide: checkType, needs: hasHeaderAndParty, show: showType},
	{name: "algorithm allowed", decide: checkAllowed, needs: hasHeaderAndParty, show: showAllowed},
	{name: "key", decide: findKeys, needs: mayFetch, show: showFound},
	{name: "key fits", decide: checkFits, needs: hasKeys, show: showFitting},
	{name: "signature", decide: checkSignature, needs: hasFitting, show: showSignature, secret: true},

	{name: "subject", rule: subjectRule, needs: hasClaimsAndParty, show: showSubject},
	{name: "audience", rule: audienceRule, needs: hasClaimsAndParty, show: showAudience},
	{name: "expiry", rule: expiryRule, show: showExpiry},
	{name: "not before", rule: notBeforeRule, show: showNotBefore},
	{name: "issued at", rule: issuedAtRule, show: showIssuedAt},
	{name: "lifetime", rule: lifetimeRule, needs: hasExpiry, show: showLifetime},
	{name: "id", rule: idRule, needs: hasClaimsAndParty, show: showID},
	{name: "re-use", decide: checkReuse, needs: hasClaimsAndParty, show: showReuse},
}

func (s *step) run(ctx context.Context, j *judgement) error {
	switch {
	case s.fault != 0:
		return j.form(s)
	case s.rule != nil:
		if e := s.rule(&j.claims, &j.policy, j.now); e != nil {
			return e
		}
		return nil
	}
	return s.decide(ctx, j)
}

func (s *step) ready(j *judgement) bool {
	switch {
	case s.fault == jose.BadClaims && j.fault != nil && j.fault.Fault >= jose.BadHeader:
		return true // the payload can be read by itself
	case s.fault != 0:
		return j.fault == nil || s.fault <= j.fault.Fault
	case s.needs == nil:
		return j.payload
	}
	return s.needs(j)
}

func hasHeader(j *judgement) bool         { return j.compact != nil }
func hasParty(j *judgement) bool          { return j.party != nil }
func hasHeaderAndParty(j *judgement) bool { return j.compact != nil && j.party != nil }
func hasClaimsAndParty(j *judgement) bool { return j.payload && j.party != nil }
func hasKeys(j *judgement) bool           { return len(j.found) > 0 || j.secret() != nil && mayFetch(j) }
func hasFitting(j *judgement) bool        { return j.fitting[0] != nil || j.secret() != nil && mayFetch(j) }
func hasExpiry(j *judgement) bool         { return !j.claims.expires.IsZero() }

// mayFetch: nothing is fetched for a party that is disabled, nor for an algorithm that is not its own.
func mayFetch(j *judgement) bool {
	return hasHeaderAndParty(j) && !j.party.Disabled && j.allowed
}
