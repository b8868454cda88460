package avouch

import "time"

// Code is an OAuth error code (RFC 6749 §5.2 and its extensions).
type Code string

const (
	InvalidRequest         Code = "invalid_request"
	InvalidClient          Code = "invalid_client"
	InvalidGrant           Code = "invalid_grant"
	UnauthorizedClient     Code = "unauthorized_client"
	UnsupportedGrantType   Code = "unsupported_grant_type"
	InvalidScope           Code = "invalid_scope"
	InvalidTarget          Code = "invalid_target"          // RFC 8707 §2
	TemporarilyUnavailable Code = "temporarily_unavailable" // sent with status 503
	ServerError            Code = "server_error"            // sent with status 500
)

// Error is a refusal. Code and Description go to the caller; Err is for the operator and never leaves the server.
type Error struct {
	Code        Code
	Description string // what the caller may know; cleaned to the characters of RFC 6749 §5.2 when written
	Err         error

	// Status overrides the HTTP status, which follows from Code otherwise; RetryAfter sets that header.
	Status     int
	RetryAfter time.Duration
}

func (e *Error) Error() string { return string(e.Code) }
func (e *Error) Unwrap() error { return e.Err }
