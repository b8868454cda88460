package avouch

import "time"

// Event is what happened to one request: for audit, metrics and traces. It never holds an assertion, a secret or a
// token.
type Event struct {
	Time     time.Time
	Duration time.Duration
	Endpoint string // "token"

	GrantType  string // "" or "unknown" where it is not one that is offered: safe as a metric label
	AuthMethod string // method the client authenticated with, "" for none
	ClientID   string // the client the token was issued to, or that authenticated; "" where unknown
	Subject    string
	Scopes     []string
	Audience   []string
	TokenID    string // jti of the access token issued
	RemoteAddr string

	RefusalID string // set for a refusal; the caller has it too
	Err       error  // nil for success; find *Error, *assertion.Error by errors.As
}
