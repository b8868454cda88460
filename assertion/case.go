package assertion

import (
	"context"
	"errors"
	"fmt"
)

// A Case decides about one assertion: it finds the party that the assertion claims to come from, and runs the caller's
// own checks. Its receiver holds what the checks find, so that a later check can use it, and so can the caller when all
// have passed. [PartyFunc] is a Case without checks of its own.
//
// The methods write to the receiver only, never to anything that outlives the case, because [Checker.Explain] calls them
// too. A Case serves one call of a [Checker] at a time. If its receiver holds anything, make a new one for each assertion.
type Case interface {
	// Party returns the party that an assertion claims to come from. It must return nil, nil for a party that is not
	// configured, and it must fetch nothing, because nothing in u is verified yet. An [*Error] refuses; any other error
	// means that Party could not decide. The Party must not change afterwards.
	Party(ctx context.Context, u Unverified) (*Party, error)

	// Checks returns the names of the case's own checks, such as "user", in the order in which they run: after the
	// built-in checks, and before the assertion may be spent. Reports use the names. The list must not change
	// afterwards. A Checker asks for it once, before everything else. Nil means no checks.
	Checks() []string

	// Run runs the check Checks()[i] on a verified assertion. Nil passes it and an [*Error] refuses it. [ErrSkipped] means
	// that the check needs an earlier one, which has failed. Any other error means that Run could not decide; it is
	// returned as it is. For an i outside of the list, which no Checker asks for, Run must not return nil.
	//
	// Explain runs a check even if another one has refused the assertion, as long as the signature is valid, or could only
	// be tried by comparing the party's secret, which Explain does not do.
	Run(ctx context.Context, i int, a *Assertion) error
}

// PartyFunc is a [Case] that has no checks of its own. It holds nothing, so one serves any number of calls. A nil PartyFunc
// accepts nothing.
type PartyFunc func(ctx context.Context, u Unverified) (*Party, error)

// Party calls f.
func (f PartyFunc) Party(ctx context.Context, u Unverified) (*Party, error) {
	if f == nil {
		return nil, errors.New("assertion: the PartyFunc is nil, so no party can be found")
	}
	return f(ctx, u)
}

// Checks returns nil: there are none.
func (PartyFunc) Checks() []string { return nil }

// Run returns an error: there is no check to run.
func (PartyFunc) Run(_ context.Context, i int, _ *Assertion) error {
	return fmt.Errorf("assertion: a PartyFunc has no check %d", i)
}

// checksOf returns the names of the case's checks. It fails if a check could not be reported by its name.
func checksOf(c Case) ([]string, error) {
	if c == nil {
		return nil, errors.New("assertion: the Case is nil; PartyFunc makes one of a function")
	}
	names := c.Checks()
	for i, name := range names {
		if name == "" {
			return nil, fmt.Errorf("assertion: check %d of the Case has no name", i)
		}
	}
	return names, nil
}
