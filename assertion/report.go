package assertion

import "time"

// Report is every check of one assertion with its finding: what Explain returns and the operator reads.
type Report struct {
	Time     time.Time // when it was judged
	Party    string    // who it claims to come from; "" where nobody was found
	Verified bool      // the signature holds, so Claims are the party's words
	Accepted bool      // every check passed
	Findings []Finding // in the order of the checks
}

// Finding is the outcome of one check.
type Finding struct {
	Check   string // name of the check
	Outcome Outcome
	Reason  Reason // why it failed; "" otherwise
	Seen    string
	Want    string
	Hint    string
}

// Outcome of a check.
type Outcome string

const (
	Passed  Outcome = "passed"
	Failed  Outcome = "failed"
	Skipped Outcome = "skipped" // could not be run because an earlier one failed
)
