package grant

import (
	"errors"
	"time"

	"github.com/avouch-oauth/avouch"
	"github.com/avouch-oauth/avouch/assertion"
)

// refusal turns what a check has returned into what the server answers (RFC 7523 §3.1): the text that the reason has
// for the caller, the rest for the operator.
//
// Keys that cannot be had are no fault of the assertion: invalid_grant would tell an honest client to throw a good one
// away and not to come back. It gets 503 and, as before every signature, the one text; see docs/design/trust.md.
func refusal(err error) error {
	if e, ok := errors.AsType[*assertion.Error](err); ok {
		if e.Reason == assertion.KeySourceUnavailable {
			return &avouch.Error{Code: avouch.TemporarilyUnavailable, Description: e.Public, Err: e, RetryAfter: 5 * time.Second}
		}
		return &avouch.Error{Code: avouch.InvalidGrant, Description: e.Public, Err: e}
	}
	if e, ok := errors.AsType[*avouch.Error](err); ok {
		return e
	}
	return &avouch.Error{
		Code: avouch.TemporarilyUnavailable, Description: "cannot decide about the assertion at the moment", Err: err, RetryAfter: time.Second,
	}
}
