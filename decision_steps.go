package avouch

import "errors"

// Step is one step of the way of a token request, and what came of it. See [Decision.Steps].
type Step struct {
	Name    string      `json:"step"`
	Outcome StepOutcome `json:"outcome"`
	Detail  string      `json:"detail,omitempty"` // for the operator; "" if the outcome says it all
}

// StepOutcome is what came of a step.
type StepOutcome string

const (
	StepPassed   StepOutcome = "passed"
	StepFailed   StepOutcome = "failed"    // the request is refused here
	StepSkipped  StepOutcome = "skipped"   // an earlier step failed
	StepNotTried StepOutcome = "not tried" // a dry run compares no secret; of a client it goes on as if it were right
	StepNotAsked StepOutcome = "not asked" // a dry run does not ask whether something was used before
)

// Steps lists all steps of the way, in their order, each with what came of it. The last one, "first use", is that of the
// replay guard, which a decision never asks.
func (d *Decision) Steps() []Step {
	steps := make([]Step, 0, len(way)+1)
	for i := range way {
		s := Step{Name: way[i].name, Outcome: StepPassed}
		switch {
		case i > d.done || i == d.done && d.err == nil:
			s.Outcome = StepSkipped
		case i == d.done && errors.Is(d.err, ErrNotTried):
			s.Outcome = StepNotTried
		case i == d.done:
			s.Outcome, s.Detail = StepFailed, asRefusal(d.err).Error()
		case s.Name == "client authentication":
			s.Outcome, s.Detail = d.authenticationStep()
		}
		steps = append(steps, s)
	}
	return append(steps, d.firstUseStep())
}

func (d *Decision) authenticationStep() (StepOutcome, string) {
	switch a := d.Authentication; {
	case a == nil:
		return StepPassed, "no client authenticated, and the grant needs none"
	case a.Untried:
		return StepNotTried, a.Client.ID + " by " + a.Method
	default:
		return StepPassed, a.Client.ID + " by " + a.Method
	}
}

func (d *Decision) firstUseStep() Step {
	s := Step{Name: "first use", Outcome: StepNotAsked}
	switch {
	case d.Claims == nil:
		s.Outcome = StepSkipped
	case len(d.Authorization.Uses) == 0 && (d.Authentication == nil || len(d.Authentication.Uses) == 0):
		if d.Authentication != nil && d.Authentication.Untried && d.server.signs(d.Authentication.Method) {
			break // an assertion with a MAC: what it would spend is not known before it is verified
		}
		s.Outcome, s.Detail = StepPassed, "nothing of the request is for single use"
	}
	return s
}

// signs reports whether the credentials of a method are signed.
func (s *Server) signs(method string) bool {
	for _, m := range s.methods {
		if _, signed := m.(SignedAuth); signed && m.Method() == method {
			return true
		}
	}
	return false
}

// MayAsk returns the scopes and the resources that the request may ask for: what both the grant and the registered
// client allow. Resources begin with the default. Both are nil if the grant has not decided.
func (d *Decision) MayAsk() (scopes, resources []string) {
	if d.Authorization == nil {
		return nil, nil
	}
	return ceiling(d.Authorization, d.Client), d.server.audiences(d.Authorization, d.Client)
}
