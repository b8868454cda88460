package assertion_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"time"

	"github.com/avouch-oauth/avouch/assertion"
	"github.com/avouch-oauth/avouch/keys"
)

// reportRequest is the case of one assertion with which a user of the partner asks for a report. The check "user" finds
// the user's department, and the check "department" reads it.
type reportRequest struct {
	partner     *assertion.Party
	departments map[string]string // of our users, by the partner's sub
	wanted      string            // the department that the report belongs to

	department string // the user's, "" until "user" has passed
}

func (r *reportRequest) Party(_ context.Context, u assertion.Unverified) (*assertion.Party, error) {
	if u.Issuer != r.partner.Name {
		return nil, nil // not configured here
	}
	return r.partner, nil
}

func (r *reportRequest) Checks() []string { return []string{"user", "department"} }

func (r *reportRequest) Run(_ context.Context, i int, a *assertion.Assertion) error {
	switch i {
	case 0:
		return r.checkUser(a)
	case 1:
		return r.checkDepartment()
	}
	return fmt.Errorf("there is no check %d", i)
}

func (r *reportRequest) checkUser(a *assertion.Assertion) error {
	department, found := r.departments[a.Subject]
	if !found {
		return &assertion.Error{Reason: assertion.UnknownSubject, Seen: a.Subject}
	}
	r.department = department
	return nil
}

func (r *reportRequest) checkDepartment() error {
	switch r.department {
	case "":
		return assertion.ErrSkipped // Explain goes on after an unknown user
	case r.wanted:
		return nil
	}
	return &assertion.Error{Reason: assertion.Refused, Seen: r.department, Want: r.wanted}
}

// A program adds checks of its own. They run after all others and before anything is spent, and what one of them finds
// is there for the next one.
func ExampleCase() {
	key, err := keys.Generate(keys.ES256) // at the partner's
	if err != nil {
		log.Fatal(err)
	}
	partner := &assertion.Party{
		Name:   "https://idp.partner.example",
		Keys:   key.PublicKeys(time.Now()),
		Policy: assertion.Policy{Audience: assertion.Audience{Accept: []string{"https://as.example.com"}}},
	}
	departments := map[string]string{"alice": "sales", "bob": "research"}
	checker := &assertion.Checker{Purpose: assertion.Grant}

	for _, sub := range []string{"alice", "bob"} {
		token, err := assertion.Sign(assertion.Claims{
			Issuer: "https://idp.partner.example", Subject: sub, Audience: "https://as.example.com",
		}, key)
		if err != nil {
			log.Fatal(err)
		}
		request := &reportRequest{partner: partner, departments: departments, wanted: "sales"} // new for each assertion
		_, _, err = checker.Check(context.Background(), time.Now(), token, "", request)
		refused, ok := errors.AsType[*assertion.Error](err)
		switch {
		case ok:
			fmt.Println("to the caller:  ", refused.Public)
			fmt.Println("to the operator:", refused)
		case err != nil:
			log.Fatal(err) // it could not be decided
		default:
			fmt.Println("accepted:", sub, "of", request.department)
		}
	}
	// Output:
	// accepted: alice of sales
	// to the caller:   the assertion is not accepted here
	// to the operator: assertion refused: refused by check department: found research; wanted sales
}
