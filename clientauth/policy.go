package clientauth

import (
	"slices"

	"github.com/avouch-oauth/avouch"
	"github.com/avouch-oauth/avouch/assertion"
	"github.com/avouch-oauth/avouch/keys"
)

// Policy is what is asked of the assertions of one client. The zero value is strict.
type Policy struct {
	// Audience is how the client may name this server.
	Audience Audience
	// Policy is the rest. Of it, Audience, RequireID, SubjectOptional and IssuerOptional are set by the method: a
	// client assertion has iss, sub and jti (OpenID Connect Core §9).
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

// complete is the policy for one client at one request.
func (p Policy) complete(client *avouch.Client, req *avouch.Request) assertion.Policy {
	out := p.Policy
	out.Audience = assertion.Audience{Accept: []string{req.Issuer}}
	switch p.Audience {
	case AudienceFAPI2:
		out.Audience.StringOnly = true
	case AudienceLegacy:
		out.Audience.Legacy = []string{req.TokenURL, req.Endpoint}
	}
	out.RequireID, out.SubjectOptional, out.IssuerOptional = true, false, false

	if only := client.AuthAlgorithm; only != "" {
		if only == "Ed25519" {
			only = keys.EdDSA
		}
		if out.Algorithms == nil || slices.Contains(out.Algorithms, only) {
			out.Algorithms = []keys.Algorithm{only}
		} else {
			out.Algorithms = []keys.Algorithm{}
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
	return out
}
