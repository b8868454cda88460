package assertion

import (
	"context"
	"time"

	"github.com/avouch-oauth/avouch/replay"
)

// Purpose is what an assertion is presented as. Uses for different purposes never collide.
type Purpose string

const (
	Grant                Purpose = "grant"            // RFC 7523 §2.1
	ClientAuthentication Purpose = "client_assertion" // RFC 7523 §2.2
)

// MaxSize is the longest assertion that is looked at, in bytes.
const MaxSize = 16 << 10

// Checker applies the one ordered list of checks. It is safe for concurrent use and must not be changed while in use.
type Checker struct {
	Purpose Purpose

	// Party finds who an assertion claims to come from. It must return nil, nil for somebody it was not told about,
	// and must fetch nothing. An error means that it could not tell.
	Party func(ctx context.Context, u Unverified) (*Party, error)
}

// Check is one more named check that a caller adds to the list; it runs after the built-in ones and before the
// assertion may be spent. It refuses by returning an error; one that is not an [*Error] counts as a failure of the
// server, not of the assertion, so it is passed on as it is.
type Check struct {
	Name string
	Run  func(ctx context.Context, a *Assertion) error
}

// Check runs the checks in order and stops at the first that fails. It spends nothing: the Use it returns is to be
// spent when everything else has been decided; ok... holder is the authenticated client, "" if there is none. uses is empty where the
// policy allows re-use.
func (c *Checker) Check(ctx context.Context, now time.Time, token, holder string, more ...Check) (a *Assertion, uses []replay.Use, err error) {
	panic("not built")
}

// Verify is Check and spend, for those who use assertions outside the token endpoint.
func (c *Checker) Verify(ctx context.Context, now time.Time, token, holder string, guard replay.Guard, more ...Check) (*Assertion, error) {
	panic("not built")
}

// Explain runs every check that can still be run, spends nothing, and reports all findings with near-miss hints.
func (c *Checker) Explain(ctx context.Context, now time.Time, token, holder string, more ...Check) *Report {
	panic("not built")
}
