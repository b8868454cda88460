package assertion

// Reason is a stable machine name for why an assertion was refused. docs/errors.md has an entry for each.
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
	BadSignature         Reason = "bad_signature"
)

// Refusals after the signature holds: faults of the assertion itself, told to the caller in words.
const (
	SubjectMissing   Reason = "subject_missing"
	AudienceMissing  Reason = "audience_missing"
	WrongAudience    Reason = "wrong_audience"
	SeveralAudiences Reason = "several_audiences"
	ExpiryMissing    Reason = "expiry_missing"
	Expired          Reason = "expired"
	NotYetValid      Reason = "not_yet_valid" // nbf
	IssuedInFuture   Reason = "issued_in_future"
	LifetimeTooLong  Reason = "lifetime_too_long"
	BadClaim         Reason = "bad_claim" // a registered claim of the wrong JSON type or out of range
	IDMissing        Reason = "id_missing"
	IDTooLong        Reason = "id_too_long" // jti over 256 bytes
	Replayed         Reason = "replayed"
)

// Refusals by policy, after the signature: again one text for all, so that nobody can ask who exists.
const (
	NotClient         Reason = "not_client"          // iss, sub and client_id are not one client
	NoRule            Reason = "no_rule"             // no trust rule matches
	AmbiguousRule     Reason = "ambiguous_rule"      // several do
	UnknownSubject    Reason = "unknown_subject"     // the subject hook knows nobody by that name
	SubjectDisabled   Reason = "subject_disabled"    //
	UnknownClient     Reason = "unknown_client"      // the client the assertion speaks for does not exist
	ClientMismatch    Reason = "client_mismatch"     // the authenticated client is not the one meant
	NotPermitted      Reason = "not_permitted"       // this client may not act for this subject
	SelfAssertedGrant Reason = "self_asserted_grant" // a client's assertion about itself, used as a grant
	SubjectIsClient   Reason = "subject_is_client"   // the subject's name would be a client's name
	Refused           Reason = "refused"             // a check of the embedding program refused it
)
