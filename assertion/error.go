package assertion

import (
	"errors"
	"log/slog"
	"strings"
)

// Error is a refused assertion. What the caller may learn and what the operator should read stand side by side.
//
// A [Case] returns one with the Reason, and with what it can say in Seen, Want, Hint and Err; the Checker adds the
// rest.
type Error struct {
	Reason Reason // why, as a stable machine name; required
	Public string // what may be said to the caller; "" means Reason.Public(). ASCII, no quotes, never made from input

	Check string // name of the check that refused
	Seen  string // what was found, escaped and cut to 256 bytes; never the assertion itself
	Want  string // what would have been accepted
	Hint  string // what to do next, where the miss is near
	Err   error  // the cause, where there is one

	at *judgement // what Report tells; nil in an error that no Checker returned
}

// Error is for the operator; it is never to be sent to the caller.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString("assertion refused: ")
	b.WriteString(string(e.Reason))
	for _, part := range [...]struct{ before, text string }{
		{" by check ", e.Check}, {": found ", e.Seen}, {"; wanted ", e.Want}, {"; hint: ", e.Hint},
	} {
		if part.text != "" {
			b.WriteString(part.before)
			b.WriteString(part.text)
		}
	}
	if e.Err != nil {
		b.WriteString(": ")
		b.WriteString(clean(e.Err.Error()))
	}
	return b.String()
}

// Unwrap returns Err.
func (e *Error) Unwrap() error { return e.Err }

// LogValue writes the operator's part as a group: why, and whose assertion it was. Where verified is not there, that is
// what the assertion says of itself, which anybody may have written.
func (e *Error) LogValue() slog.Value {
	attrs := make([]slog.Attr, 0, 12)
	add := func(name, value string) {
		if value != "" {
			attrs = append(attrs, slog.String(name, value))
		}
	}
	add("reason", string(e.Reason))
	add("check", e.Check)
	add("seen", e.Seen)
	add("want", e.Want)
	add("hint", e.Hint)
	if e.Err != nil {
		add("cause", clean(e.Err.Error()))
	}
	if j := e.at; j != nil {
		if j.party != nil {
			add("party", clean(j.party.Name))
		}
		if sub, ok := j.claims.sub.Text(); ok {
			add("sub", clean(sub))
		}
		if id, ok := j.claims.jti.Text(); ok {
			add("jti", cleanTo(id, maxShownID))
		}
		if j.verified {
			attrs = append(attrs, slog.Bool("verified", true))
		}
	}
	return slog.GroupValue(attrs...)
}

// Report returns the findings of the checks up to the one that refused. Nothing is checked again, and what the token
// held is kept without its signature. It is nil where e was not returned by a [Checker].
func (e *Error) Report() *Report {
	if e.at == nil {
		return nil
	}
	r := e.at.report()
	for i := range e.at.stopped {
		f := Finding{Check: e.at.name(i), Outcome: Passed}
		f.Seen, f.Want = e.at.show(i)
		r.Findings = append(r.Findings, f)
	}
	r.Findings = append(r.Findings, e.finding())
	return r
}

func (e *Error) finding() Finding {
	f := Finding{Check: e.Check, Outcome: Failed, Reason: e.Reason, Seen: e.Seen, Want: e.Want, Hint: e.Hint}
	if e.Err != nil {
		f.Cause = clean(e.Err.Error())
	}
	return f
}

// ErrSkipped is what the Run method of a [Case] returns if a check cannot be run because an earlier one has failed.
// Explain reports it as [Skipped]. [Checker.Check] stops at the earlier one; if it did not, ErrSkipped would refuse.
var ErrSkipped = errors.New("assertion: the check could not be run because an earlier one failed")

// errNil replaces a nil *Error that a check returns as an error. Such an error is not nil, so the check must not pass, and
// a nil *Error gives no reason.
var errNil = errors.New("assertion: a check returned a nil *assertion.Error")
