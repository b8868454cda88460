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
// The zero value accepts nothing: it needs a Purpose and a Party hook.
type Checker struct {
	// Purpose is what the assertions are presented as. Required.
	Purpose Purpose

	// Party finds who an assertion claims to come from. It must return nil, nil for somebody it was not told about,
	// and must fetch nothing. An [*Error] refuses, any other error means that it could not tell. The Party is not to be
	// changed afterwards.
	Party func(ctx context.Context, u Unverified) (*Party, error)

	// Known returns the names of some parties, for the hint "nearest is ..." where an issuer is unknown. Only Explain
	// calls it. Nil means no such hint.
	Known func(ctx context.Context) []string
}

// Check is one more named check that a caller adds to the list; it runs after the built-in ones and before the
// assertion may be spent. It refuses by returning an error; one that is not an [*Error] counts as a failure of the
// server, not of the assertion, so it is passed on as it is.
//
// It must change nothing: Explain runs it too, and there also on an assertion whose signature holds but that another
// check has refused. One that needs what an earlier one of the list has found returns [ErrSkipped] where that failed.
type Check struct {
	// Name is what reports call it, such as "user". Required.
	Name string
	// Run judges a verified assertion: nil passes it, an [*Error] refuses it, [ErrSkipped] says that an earlier check would
	// have had to pass, and any other error that it could not tell. It must change nothing, because Explain runs it too.
	Run func(ctx context.Context, a *Assertion) error
}

// Check runs the checks in order and stops at the first that fails, with an [*Error] where the assertion is refused and
// another error where the server could not tell. It spends nothing: uses is to be spent, all at once, when everything
// else has been decided, and is empty where the policy allows re-use. holder is the client that has authenticated
// otherwise, "" if there is none.
func (c *Checker) Check(ctx context.Context, now time.Time, token, holder string, more ...Check) (a *Assertion, uses []replay.Use, err error) {
	j, err := c.begin(now, token, holder, more)
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

// Verify is Check and spend, for those who use assertions outside the token endpoint. Without a guard it refuses
// everything.
func (c *Checker) Verify(ctx context.Context, now time.Time, token, holder string, guard replay.Guard, more ...Check) (*Assertion, error) {
	if guard == nil {
		return nil, errors.New("assertion: Verify needs a replay guard; replay.NewMemory makes one for a single process")
	}
	a, uses, err := c.Check(ctx, now, token, holder, more...)
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
