package assertion

import (
	"context"
	"errors"
	"time"

	"github.com/avouch-oauth/avouch/internal/jose"
	"github.com/avouch-oauth/avouch/keys"
	"github.com/avouch-oauth/avouch/replay"
)

// judgement is the state of one assertion on its way through the steps. Each step reads what earlier ones have left.
type judgement struct {
	checker    *Checker
	now        time.Time
	token      string // forgotten when the last step is done
	size       int
	holder     string
	caller     Case     // forgotten with the token, which it may hold
	own        []string // names of the caller's checks
	explaining bool

	compact *jose.Compact // nil until, and unless, the token is well formed
	fault   *jose.ParseError
	header  jose.Header
	alg     keys.Algorithm
	claims  registered
	payload bool // claims are there

	party    *Party
	policy   Policy // of the party, with defaults applied
	allowed  bool   // the algorithm is on the party's list
	found    []*keys.Public
	fitting  [maxCandidates]*keys.Public
	verified bool
	untried  bool // the signature was not tried, see triesSecret

	assertion Assertion
	use       [1]replay.Use
	uses      []replay.Use

	stopped    int  // the step that refused
	unreadable bool // a registered claim has the wrong type, so no Assertion could say what the token says
}

func (c *Checker) begin(now time.Time, token, holder string, caller Case) (*judgement, error) {
	if c.Purpose == "" {
		return nil, errors.New("assertion: Checker.Purpose is not set")
	}
	own, err := checksOf(caller)
	if err != nil {
		return nil, err
	}
	return &judgement{checker: c, now: now, token: token, size: len(token), holder: holder, caller: caller, own: own}, nil
}

// total is the number of steps, including the case's own checks.
func (j *judgement) total() int { return len(steps) + len(j.own) }

func (j *judgement) name(i int) string {
	if i < len(steps) {
		return steps[i].name
	}
	return j.own[i-len(steps)]
}

// ready reports whether step i can be run after others have failed. Only Explain asks: Check never gets past a failure.
func (j *judgement) ready(i int) bool {
	if i < len(steps) {
		return steps[i].ready(j)
	}
	return (j.verified || j.untried) && !j.unreadable
}

// triesSecret reports whether step i would compare a shared secret. Explain does not run it.
func (j *judgement) triesSecret(i int) bool {
	return i < len(steps) && steps[i].secret && j.secret() != nil
}

// run runs step i.
func (j *judgement) run(ctx context.Context, i int) error {
	if i < len(steps) {
		return steps[i].run(ctx, j)
	}
	if j.assertion.Party == nil {
		j.assemble()
	}
	return j.caller.Run(ctx, i-len(steps), &j.assertion)
}

// show says what step i looked at and what it wants to see.
func (j *judgement) show(i int) (seen, want string) {
	if i < len(steps) && steps[i].show != nil {
		return steps[i].show(j)
	}
	return "", ""
}

// refused completes the refusal of step i. An err that is not an *Error is a failure of the server: it stays as it is.
func (j *judgement) refused(i int, err error) error {
	of, ok := errors.AsType[*Error](err)
	switch {
	case !ok:
		return err
	case of == nil:
		return errNil
	}
	e := *of                                            // a check may return the same value every time
	if _, bare := err.(*Error); e.Err == nil && !bare { //nolint:errorlint // whether it is wrapped is the question
		e.Err = err // what wraps it says more
	}
	if e.Check == "" {
		e.Check = j.name(i)
	}
	switch {
	case !j.verified:
		e.Public = notVerified // whatever the case says
	case e.Public == "":
		e.Public = e.Reason.Public()
	}
	if e.Seen == "" && e.Want == "" {
		e.Seen, e.Want = j.show(i)
	}
	e.Seen, e.Want, e.Hint = clean(e.Seen), clean(e.Want), cleanTo(e.Hint, 2*maxShown)
	e.at = j
	return &e
}

// assemble fills in the assertion. Check calls it when all built-in steps have passed.
func (j *judgement) assemble() {
	c := &j.claims
	a := &j.assertion
	a.Party = j.party
	a.Issuer, a.Subject = c.issuer, c.subject
	if c.audience[0] != "" {
		a.Audience = c.audience[:]
	}
	a.ID = c.id
	a.Expires, a.IssuedAt, a.NotBefore = c.expires, c.issuedAt, c.notBefore
	a.Type = j.header.Type
	a.Algorithm = j.alg
	a.LegacyAudience = c.legacyAudience
}

// forget drops what could be used again. A case may hold the request, and the token with it.
func (j *judgement) forget() { j.token, j.compact, j.caller = "", nil, nil }
