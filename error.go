package avouch

import (
	"net/http"
	"time"
)

// Code is an OAuth error code (RFC 6749 §5.2 and its extensions).
type Code string

// A code without a word is of RFC 6749 §5.2. Those without a status are sent with 400.
const (
	InvalidRequest         Code = "invalid_request"
	InvalidClient          Code = "invalid_client" // sent with status 401
	InvalidGrant           Code = "invalid_grant"
	UnauthorizedClient     Code = "unauthorized_client"
	UnsupportedGrantType   Code = "unsupported_grant_type"
	InvalidScope           Code = "invalid_scope"
	InvalidTarget          Code = "invalid_target"          // RFC 8707 §2
	InvalidToken           Code = "invalid_token"           // RFC 6750 §3.1; sent with status 401
	AccessDenied           Code = "access_denied"           // RFC 6749 §4.1.2.1, RFC 8628 §3.5
	AuthorizationPending   Code = "authorization_pending"   // RFC 8628 §3.5
	SlowDown               Code = "slow_down"               // RFC 8628 §3.5
	ExpiredToken           Code = "expired_token"           // RFC 8628 §3.5
	LoginRequired          Code = "login_required"          // OpenID Connect Core §3.1.2.6, to prompt=none
	ConsentRequired        Code = "consent_required"        // likewise
	InteractionRequired    Code = "interaction_required"    // likewise
	TemporarilyUnavailable Code = "temporarily_unavailable" // sent with status 503
	ServerError            Code = "server_error"            // sent with status 500

	InvalidRedirectURI          Code = "invalid_redirect_uri"          // RFC 7591 §3.2.2
	InvalidClientMetadata       Code = "invalid_client_metadata"       // RFC 7591 §3.2.2
	InvalidSoftwareStatement    Code = "invalid_software_statement"    // RFC 7591 §3.2.2
	UnapprovedSoftwareStatement Code = "unapproved_software_statement" // RFC 7591 §3.2.2
)

// Error is a refusal. Code and Description go to the caller; Err is for the operator and never leaves the server.
type Error struct {
	Code        Code   // required; told as error
	Description string // what the caller may know; cleaned to the characters of RFC 6749 §5.2 when written
	Err         error  // what the operator should know; nil where Description says it all

	// Count, if not nil, is called once before the refusal is answered, and never in a dry run: for what counts requests,
	// such as wrong secrets or how often a device asks. What it returns, if not nil, is the refusal instead.
	Count func() *Error

	Status     int           // HTTP status; zero means the one that follows from Code: 400 but for those noted there
	RetryAfter time.Duration // sets the header, in whole seconds rounded up; zero means none
}

// Error says all that is known, the operator's part included: it is for logs, not for callers.
func (e *Error) Error() string {
	s := string(e.Code)
	if e.Description != "" {
		s += ": " + e.Description
	}
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

// Unwrap returns Err.
func (e *Error) Unwrap() error { return e.Err }

func (e *Error) status() int {
	switch {
	case e.Status != 0:
		return e.Status
	case e.Code == InvalidClient, e.Code == InvalidToken:
		return http.StatusUnauthorized
	case e.Code == ServerError:
		return http.StatusInternalServerError
	case e.Code == TemporarilyUnavailable:
		return http.StatusServiceUnavailable
	}
	return http.StatusBadRequest
}
