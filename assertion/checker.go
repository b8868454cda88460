package assertion

import (
	"context"
	"errors"
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
// The zero value accepts nothing: it needs a Purpose.
type Checker struct {
	// Purpose is what the assertions are presented as. Required.
	Purpose Purpose

	// Known returns the names of some parties, for the hint "nearest is ..." if an issuer is unknown. Only Explain
	// calls it. Nil means no such hint.
	Known func(ctx context.Context) []string
}

// Check runs the checks in order, those of the case last, and stops at the first that fails. It returns an [*Error] if
// the assertion is refused, and another error if the server could not decide. It spends nothing: uses is to be spent, all
// at once, when everything else has been decided, and is empty if the policy allows re-use. holder is the client that has
// authenticated by other means, "" if there is none.
func (c *Checker) Check(ctx context.Context, now time.Time, token, holder string, caller Case) (a *Assertion, uses []replay.Use, err error) {
	j, err := c.begin(now, token, holder, caller)
	if err != nil {
		return nil, nil, err
	}
	defer j.forget()
	for i := range j.total() {
		if err := j.run(ctx, i); err != nil {
			j.stopped = i
			return nil, nil, j.refused(i, err)
		}
	}
	j.assemble()
	return &j.assertion, j.uses, nil
}

// Verify is Check and spend, for programs that use assertions outside the token endpoint. Without a guard it refuses
// everything.
func (c *Checker) Verify(ctx context.Context, now time.Time, token, holder string, caller Case, guard replay.Guard) (*Assertion, error) {
	if guard == nil {
		return nil, errors.New("assertion: Verify needs a replay guard; replay.NewMemory makes one for a single process")
	}
	a, uses, err := c.Check(ctx, now, token, holder, caller)
	if err != nil {
		return nil, err
	}
	if len(uses) > 0 {
		if err := guard.FirstUse(ctx, now, uses...); err != nil {
			return nil, RefuseReplay(err)
		}
	}
	return a, nil
}
