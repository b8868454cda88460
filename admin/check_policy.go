package admin

import (
	"slices"
	"strings"
	"time"

	"github.com/avouch-oauth/avouch/keys"
)

var (
	signatures = []string{"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"}
	macs       = []string{"HS256", "HS384", "HS512"}
)

// otherTokens are header types of other kinds of tokens, which are never taken for assertions (RFC 8725 §3.11).
var otherTokens = []string{"at+jwt", "dpop+jwt", "logout+jwt", "secevent+jwt", "oauth-client-attestation+jwt", "oauth-client-attestation-pop+jwt"}

// policy checks what is asked of assertions, for what clients and issuers have in common.
func (f field) policy(p *AssertionPolicy, algorithms []string) {
	f.in("algorithms").distinct(p.Algorithms, len(signatures))
	for i, alg := range p.Algorithms {
		f.in("algorithms").at(i).algorithm(alg, algorithms)
	}
	f.in("types").distinctTypes(p.Types)
	f.in("skew").duration(p.Skew, time.Second, time.Minute)
	f.in("max_lifetime").duration(p.MaxLifetime, time.Second, 365*24*time.Hour)
	f.in("replay").oneOf(p.Replay, replayOnce, replaySameClient, replayOff)
}

func (f field) algorithm(alg string, allowed []string) {
	if alg == "Ed25519" || slices.Contains(allowed, alg) {
		return
	}
	switch {
	case strings.EqualFold(alg, "none"):
		f.fault("none signs nothing")
	case slices.Contains(macs, alg):
		f.fault("%s is for clients that authenticate by client_secret_jwt only", alg)
	case slices.Contains(signatures, alg):
		f.fault("%s is made with a private key; this client has a shared secret", alg)
	default:
		f.fault("%q is not one of %s", clip(alg), strings.Join(allowed, ", "))
	}
}

func (f field) distinctTypes(types []string) {
	if len(types) > 10 {
		f.fault("it has %d entries; 10 is the most", len(types))
	}
	for i, typ := range types {
		plain := strings.TrimPrefix(strings.ToLower(typ), "application/")
		if f.at(i).visible(typ, 128) && slices.Contains(otherTokens, plain) {
			f.at(i).fault("%q is the type of another kind of token, which is never an assertion", clip(typ))
		}
	}
}

// The values of AssertionPolicy.Replay.
const (
	replayOnce       = "once"
	replaySameClient = "same_client_until_exp"
	replayOff        = "off"
)

// The values of AssertionPolicy.AudienceMode.
const (
	audienceStrict = "strict"
	audienceFAPI2  = "fapi2"
	audienceLegacy = "legacy"
)

// algorithm is the name as package keys has it: RFC 9864 calls EdDSA with Ed25519 by the curve.
func algorithm(name string) keys.Algorithm {
	if name == "Ed25519" {
		return keys.EdDSA
	}
	return keys.Algorithm(name)
}

// checkAudiences checks the exact aud values of a policy.
func (f field) checkAudiences(audiences []string) {
	f.in("audiences").distinct(audiences, 20)
	for k, a := range audiences {
		f.in("audiences").at(k).visible(a, 512)
	}
}
