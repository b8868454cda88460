package avouch

import "time"

// Event is what happened to one request: for audit, metrics and traces. It never holds an assertion, a secret or a
// token.
//
// ClientID, Subject and the other strings are as clients and grants gave them: of bounded length, but not fit for a
// terminal. GrantType and AuthMethod come from the configuration and are safe as metric labels.
type Event struct {
	Time     time.Time     // when the request came
	Duration time.Duration // from then until the answer was ready to be written
	Endpoint string        // "token", or the name of another endpoint: safe as a metric label

	GrantType  string   // "unknown" for one that is not offered, "" where the request came to none
	AuthMethod string   // method the client authenticated with, "" for none
	KeyID      string   // the client's own key that vouched, for it or for the grant; "" where none did
	ClientID   string   // the client the token was issued to, or that authenticated; "" where unknown
	Claimed    string   // the client that the request names without proof, cut to 256 bytes; "" for none
	Subject    string   // the sub of the access token; before that is decided, the subject of the grant, "" if there is none
	Scopes     []string // of the access token, once it was decided
	Audience   []string // likewise: its aud
	TokenID    string   // jti of the access token issued
	Issuer     string   // the issuer whose assertion the grant rests on; "" for none
	Consent    string   // names the consent that the grant rests on (Authorization.Family); "" for none
	RemoteAddr string   // host and port of the caller: http.Request.RemoteAddr

	// Reused says that the grant, such as a code or a refresh token, was used before, and that Consent has been ended for
	// it: it was probably stolen (RFC 6749 §4.1.2, RFC 9700 §4.14.2).
	Reused bool

	// Reserved says that [Config.Reserve] has returned nil for this request.
	Reserved bool

	// Notices say what was accepted only by a relaxation; see [Authentication].
	Notices []string

	RefusalID string // set for a refusal; the caller has it too
	Err       error  // nil for success; find *Error, *assertion.Error, *replay.ReplayedError by errors.As
}
