package clientauth

import (
	"slices"

	"github.com/avouch-oauth/avouch/assertion"
	"github.com/avouch-oauth/avouch/keys"
)

// Policy is what is asked of the assertions of one client. The zero value is strict.
type Policy struct {
	// Audience is how the client may name this server.
	Audience Audience
	// Policy is the rest. Of it, Audience, RequireID, SubjectOptional and IssuerOptional are set by the method: a
	// client assertion has iss, sub and jti (OpenID Connect Core §9). Algorithms nil means those of the method.
	assertion.Policy
}

// Audience is how a client may name this server in aud.
type Audience byte

const (
	// AudienceStrict takes the issuer identifier as the sole value (RFC 10070 §4).
	AudienceStrict Audience = iota
	// AudienceFAPI2 takes it as a string, not as an array, and no algorithms but PS256, ES256 and EdDSA (FAPI 2.0
	// §5.3.2.1, §5.4.1).
	AudienceFAPI2
	// AudienceLegacy also takes the token endpoint or the endpoint that was called, for clients not yet updated to RFC
	// 10070. Each use is told as [NoticeLegacyAudience].
	AudienceLegacy
)

// NoticeLegacyAudience is in avouch.Event.Notices where a client assertion was accepted by [AudienceLegacy] only.
const NoticeLegacyAudience = "legacy_audience"

// demand sets in the party what is asked of the client's assertions.
func (j *judge) demand() {
	var p Policy
	if j.method.policy != nil {
		p = j.method.policy(j.client)
	}
	j.party.Policy = p.Policy
	out := &j.party.Policy
	j.accept = [1]string{j.req.Issuer}
	j.others = [2]string{j.req.TokenURL, j.req.Endpoint}
	out.Audience = assertion.Audience{Accept: j.accept[:], NearMiss: j.others[:]}
	switch p.Audience {
	case AudienceFAPI2:
		out.Audience.StringOnly = true
	case AudienceLegacy:
		out.Audience.NearMiss, out.Audience.Legacy = nil, j.others[:]
	}
	out.RequireID, out.SubjectOptional, out.IssuerOptional = true, false, false

	if out.Algorithms == nil {
		out.Algorithms = j.method.algorithms
	}
	if only := j.client.AuthAlgorithm; only != "" {
		if only == "Ed25519" { // RFC 9864
			only = keys.EdDSA
		}
		if p.Algorithms == nil || slices.Contains(p.Algorithms, only) {
			j.only = [1]keys.Algorithm{only}
			out.Algorithms = j.only[:]
		} else {
			out.Algorithms = []keys.Algorithm{} // registration and policy have nothing in common
		}
	}
	if p.Audience == AudienceFAPI2 {
		if out.Algorithms == nil {
			out.Algorithms = keys.DefaultAlgorithms()
		}
		out.Algorithms = slices.DeleteFunc(slices.Clone(out.Algorithms), func(a keys.Algorithm) bool {
			return a != keys.PS256 && a != keys.ES256 && a != keys.EdDSA
		})
	}
}
