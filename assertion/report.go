package assertion

import (
	"time"
)

// Report is every check of one assertion with its finding: what Explain returns and the operator reads. It never holds
// the assertion, and is not for the caller.
type Report struct {
	Time     time.Time `json:"time"`              // when it was judged
	Purpose  Purpose   `json:"purpose"`           // as what
	Party    string    `json:"party,omitempty"`   // who it claims to come from; "" where nobody was found
	Verified bool      `json:"verified"`          // the signature is valid, so Says are the party's words
	Untried  bool      `json:"untried,omitempty"` // the signature was not tried, because only a shared secret could prove it
	Accepted bool      `json:"accepted"`          // every check passed; never of a report that is Untried
	Says     Says      `json:"says"`              // what it says of itself
	Findings []Finding `json:"findings"`          // in the order of the checks
}

// Says is what an assertion says of itself, escaped and cut to be shown. Where the report is not Verified, anybody may
// have written it.
type Says struct {
	Algorithm string    `json:"alg,omitempty"` // of the header, as the four after it
	Type      string    `json:"typ,omitempty"`
	KeyID     string    `json:"kid,omitempty"`
	X5T       string    `json:"x5t,omitempty"`
	X5TS256   string    `json:"x5t#S256,omitempty"`
	Issuer    string    `json:"iss,omitempty"` // of the claims, as all that follow
	Subject   string    `json:"sub,omitempty"`
	Audience  string    `json:"aud,omitempty"` // a list as its JSON text
	Expires   time.Time `json:"exp,omitzero"`  // zero where absent or beyond the year 9999
	IssuedAt  time.Time `json:"iat,omitzero"`
	NotBefore time.Time `json:"nbf,omitzero"`
	ID        string    `json:"jti,omitempty"`    // its beginning, enough to find it in the signer's log
	Others    []string  `json:"others,omitempty"` // names of further claims, 32 at the most; rules can ask for them
}

// Finding is the outcome of one check.
type Finding struct {
	Check   string  `json:"check"`            // name of the check
	Outcome Outcome `json:"outcome"`          // how it went
	Reason  Reason  `json:"reason,omitempty"` // why it failed; "" otherwise
	Seen    string  `json:"seen,omitempty"`   // what was found, escaped and cut to 256 bytes
	Want    string  `json:"want,omitempty"`   // what would have been accepted
	Hint    string  `json:"hint,omitempty"`   // what to do next, where the miss is near
	Cause   string  `json:"cause,omitempty"`  // the error behind a failed or undecided check
}

// Outcome of a check.
type Outcome string

const (
	Passed    Outcome = "passed"    // it holds
	Failed    Outcome = "failed"    // the assertion is refused for it
	NotTried  Outcome = "not tried" // a secret would have to be compared; Explain compares none
	Skipped   Outcome = "skipped"   // could not be run because of an earlier one
	Undecided Outcome = "undecided" // a method of the [Case] returned another error: see Cause
)

// Refusal returns the finding that [Checker.Check] would have stopped at; ok is false if there is none: the assertion is
// accepted, or would be with the right secret if the report is Untried.
func (r *Report) Refusal() (f Finding, ok bool) {
	for _, f := range r.Findings {
		if f.Outcome != Passed && f.Outcome != NotTried {
			return f, true
		}
	}
	return Finding{}, false
}

// report begins a report of j without findings.
func (j *judgement) report() *Report {
	r := &Report{Time: j.now.UTC(), Purpose: j.checker.Purpose, Verified: j.verified, Says: j.says()}
	if j.party != nil {
		r.Party = clean(j.party.Name)
	}
	return r
}

const (
	maxShownID     = 12 // enough to tell one jti from another
	maxShownOthers = 32
)

func (j *judgement) says() Says {
	h, c := &j.header, &j.claims
	s := Says{
		Algorithm: clean(h.Algorithm),
		Type:      clean(h.Type),
		KeyID:     clean(h.KeyID),
		X5T:       clean(h.X5T),
		X5TS256:   clean(h.X5TS256),
		Expires:   shownDate(c.exp),
		IssuedAt:  shownDate(c.iat),
		NotBefore: shownDate(c.nbf),
	}
	if id, ok := c.jti.Text(); ok {
		s.ID = cleanTo(id, maxShownID)
	}
	for name, value := range j.assertion.claims.Members() {
		switch name {
		case "iss":
			s.Issuer = showValue(value)
		case "sub":
			s.Subject = showValue(value)
		case "aud":
			s.Audience = showValue(value)
		case "exp", "nbf", "iat", "jti":
		default:
			if len(s.Others) < maxShownOthers {
				s.Others = append(s.Others, cleanTo(name, 64))
			}
		}
	}
	return s
}
