package assertion

// Reason is a stable machine name for why an assertion was refused. docs/errors.md has an entry for each. A check of
// the embedding program may use a Reason of its own; the caller is then told what he is told for policy reasons.
type Reason string

// Refusals before the signature holds: the caller learns one text for all of them.
const (
	TooLarge             Reason = "too_large"              // longer than 16 KiB
	BadAlphabet          Reason = "bad_alphabet"           // a byte outside base64url and dot
	NotThreeParts        Reason = "not_three_parts"        // not a compact JWS
	BadEncoding          Reason = "bad_encoding"           // base64url that is not canonical
	BadHeader            Reason = "bad_header"             // header is not an acceptable JSON object
	BadAlgorithm         Reason = "bad_algorithm"          // alg missing, "none" or unknown
	CriticalHeader       Reason = "critical_header"        // crit or b64
	BadClaims            Reason = "bad_claims"             // payload is not an acceptable JSON object
	WrongType            Reason = "wrong_type"             // typ is not one for this place
	IssuerMissing        Reason = "issuer_missing"         // no iss, or not a string
	UnknownIssuer        Reason = "unknown_issuer"         // nobody we were told about
	PartyDisabled        Reason = "party_disabled"         // issuer or client is switched off
	AlgorithmNotAllowed  Reason = "algorithm_not_allowed"  // not on the party's allow list
	UnknownKey           Reason = "unknown_key"            // no key of that kid, or none that fits
	KeyMismatch          Reason = "key_mismatch"           // the key is for another algorithm, use or time
	KeySourceUnavailable Reason = "key_source_unavailable" // keys could not be fetched or are too old
	BadSignature         Reason = "bad_signature"          // no fitting key of the party made it
)

// Refusals after the signature holds: faults of the assertion itself, told to the caller in words.
const (
	SubjectMissing   Reason = "subject_missing"   // no sub
	AudienceMissing  Reason = "audience_missing"  // no aud, or an empty list
	WrongAudience    Reason = "wrong_audience"    // aud does not name us
	SeveralAudiences Reason = "several_audiences" // aud has more than one value
	ExpiryMissing    Reason = "expiry_missing"    // no exp
	Expired          Reason = "expired"           // exp has passed
	NotYetValid      Reason = "not_yet_valid"     // nbf is ahead
	IssuedInFuture   Reason = "issued_in_future"  // iat is ahead
	LifetimeTooLong  Reason = "lifetime_too_long" // exp is too far from now or from iat
	BadClaim         Reason = "bad_claim"         // a registered claim of the wrong JSON type or out of range
	IDMissing        Reason = "id_missing"        // no jti where one is required
	IDTooLong        Reason = "id_too_long"       // jti over 256 bytes
	Replayed         Reason = "replayed"          // used before
)

// Refusals by policy, after the signature: again one text for all, so that nobody can ask who exists.
const (
	HolderMissing     Reason = "holder_missing"      // re-use is bound to a client, and none has authenticated
	NotClient         Reason = "not_client"          // iss, sub and client_id are not one client
	NoRule            Reason = "no_rule"             // no trust rule matches
	AmbiguousRule     Reason = "ambiguous_rule"      // several do
	UnknownSubject    Reason = "unknown_subject"     // the subject hook knows nobody by that name
	SubjectDisabled   Reason = "subject_disabled"    // it knows him, and he is switched off
	UnknownClient     Reason = "unknown_client"      // the client the assertion speaks for does not exist
	ClientMismatch    Reason = "client_mismatch"     // the authenticated client is not the one meant
	NotPermitted      Reason = "not_permitted"       // this client may not act for this subject
	SelfAssertedGrant Reason = "self_asserted_grant" // a client's assertion about itself, used as a grant
	SubjectIsClient   Reason = "subject_is_client"   // the subject's name would be a client's name
	Refused           Reason = "refused"             // a check of the embedding program refused it
)

// What a caller is told, where he is not told more.
const (
	notVerified = "the assertion could not be verified"
	notAccepted = "the assertion is not accepted here"
)

// public holds each reason with what the caller is told. Texts are of the characters of RFC 6749 §5.2
// (error_description), and never made from input.
var public = [...]struct {
	reason Reason
	text   string
}{
	{TooLarge, notVerified},
	{BadAlphabet, notVerified},
	{NotThreeParts, notVerified},
	{BadEncoding, notVerified},
	{BadHeader, notVerified},
	{BadAlgorithm, notVerified},
	{CriticalHeader, notVerified},
	{BadClaims, notVerified},
	{WrongType, notVerified},
	{IssuerMissing, notVerified},
	{UnknownIssuer, notVerified},
	{PartyDisabled, notVerified},
	{AlgorithmNotAllowed, notVerified},
	{UnknownKey, notVerified},
	{KeyMismatch, notVerified},
	{KeySourceUnavailable, notVerified},
	{BadSignature, notVerified},

	{SubjectMissing, "the assertion has no sub"},
	{AudienceMissing, "the assertion has no aud"},
	{WrongAudience, "the aud of the assertion does not name this server"},
	{SeveralAudiences, "the aud of the assertion must have one value only"},
	{ExpiryMissing, "the assertion has no exp"},
	{Expired, "the assertion has expired"},
	{NotYetValid, "the assertion is not valid yet (nbf)"},
	{IssuedInFuture, "the assertion was issued in the future (iat)"},
	{LifetimeTooLong, "the assertion is valid for longer than is accepted (exp)"},
	{BadClaim, "a registered claim of the assertion has the wrong type or is out of range"},
	{IDMissing, "the assertion has no jti"},
	{IDTooLong, "the jti of the assertion is longer than 256 bytes"},
	{Replayed, "the assertion was used before"},

	{HolderMissing, notAccepted},
	{NotClient, notAccepted},
	{NoRule, notAccepted},
	{AmbiguousRule, notAccepted},
	{UnknownSubject, notAccepted},
	{SubjectDisabled, notAccepted},
	{UnknownClient, notAccepted},
	{ClientMismatch, notAccepted},
	{NotPermitted, notAccepted},
	{SelfAssertedGrant, notAccepted},
	{SubjectIsClient, notAccepted},
	{Refused, notAccepted},
}

// Public is what may be said to the caller. A Reason that is not of this package gets the text of the policy reasons.
func (r Reason) Public() string {
	for i := range public {
		if public[i].reason == r {
			return public[i].text
		}
	}
	return notAccepted
}

// BeforeSignature reports whether r is found before the signature is known to hold: anybody can cause such a refusal,
// in any number, and nothing the token says of itself is then to be believed.
func (r Reason) BeforeSignature() bool { return r.Public() == notVerified }

// Reasons returns every Reason of this package, in the order of the checks: a bounded set, fit for metric labels.
func Reasons() []Reason {
	all := make([]Reason, len(public))
	for i := range public {
		all[i] = public[i].reason
	}
	return all
}
