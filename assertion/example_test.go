package assertion_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"time"

	"github.com/avouch-oauth/avouch/assertion"
	"github.com/avouch-oauth/avouch/keys"
	"github.com/avouch-oauth/avouch/replay"
)

// A client signs an assertion about itself and sends it as client_assertion.
func ExampleSign() {
	key, err := keys.Generate(keys.ES256) // once; the server keeps the public half
	if err != nil {
		log.Fatal(err)
	}
	token, err := assertion.Sign(assertion.Claims{
		Issuer:   "billing-batch",
		Subject:  "billing-batch",
		Audience: "https://as.example.com",
		Type:     "client-authentication+jwt",
	}, key)
	if err != nil {
		log.Fatal(err)
	}
	alg, _ := assertion.UnverifiedAlgorithm(token)
	fmt.Println("signed with", alg)
	// Output: signed with ES256
}

// A program accepts one partner's assertions, once each.
func ExampleChecker_Verify() {
	partnerKey, err := keys.Generate(keys.EdDSA) // at the partner's
	if err != nil {
		log.Fatal(err)
	}
	partner := &assertion.Party{
		Name: "https://idp.partner.example",
		Keys: partnerKey.PublicKeys(time.Now()), // or a source that fetches them
		Policy: assertion.Policy{
			Audience: assertion.Audience{Accept: []string{"https://as.example.com"}},
		},
	}
	checker := &assertion.Checker{Purpose: assertion.Grant}
	known := assertion.PartyFunc(func(_ context.Context, u assertion.Unverified) (*assertion.Party, error) {
		if u.Issuer != partner.Name {
			return nil, nil // not configured here
		}
		return partner, nil
	})
	guard := replay.NewMemory(replay.MemoryConfig{})

	token, err := assertion.Sign(assertion.Claims{
		Issuer:   "https://idp.partner.example",
		Subject:  "alice",
		Audience: "https://as.example.com",
		More:     map[string]any{"department": "sales"},
	}, partnerKey)
	if err != nil {
		log.Fatal(err)
	}

	for range 2 {
		a, err := checker.Verify(context.Background(), time.Now(), token, "", known, guard)
		if refused, ok := errors.AsType[*assertion.Error](err); ok {
			fmt.Println("refused:", refused.Reason)
			continue
		} else if err != nil {
			log.Fatal(err) // it could not be decided
		}
		department, _ := a.Claim("department")
		fmt.Println("accepted:", a.Subject, "of", department)
	}
	// Output:
	// accepted: alice of sales
	// refused: replayed
}

// The person on call asks why: Explain runs all checks and reports what is wrong.
func ExampleChecker_Explain() {
	key, err := keys.Generate(keys.ES256)
	if err != nil {
		log.Fatal(err)
	}
	checker := &assertion.Checker{Purpose: assertion.Grant}
	partner := assertion.PartyFunc(func(context.Context, assertion.Unverified) (*assertion.Party, error) {
		return &assertion.Party{
			Name:   "https://idp.partner.example",
			Keys:   key.PublicKeys(time.Now()),
			Policy: assertion.Policy{Audience: assertion.Audience{Accept: []string{"https://as.example.com"}}},
		}, nil
	})
	token, err := assertion.Sign(assertion.Claims{
		Issuer:   "https://idp.partner.example",
		Subject:  "alice",
		Audience: "https://as.example.com/", // a slash too many
		Lifetime: 24 * time.Hour,            // and too long
	}, key)
	if err != nil {
		log.Fatal(err)
	}

	report := checker.Explain(context.Background(), time.Now(), token, "", partner)
	fmt.Println("verified:", report.Verified, "accepted:", report.Accepted)
	for _, f := range report.Findings {
		if f.Outcome == assertion.Failed {
			fmt.Printf("%s: %s\n  %s\n", f.Check, f.Reason, f.Hint)
		}
	}
	// Output:
	// verified: true accepted: false
	// audience: wrong_audience
	//   near https://as.example.com: it differs only by a trailing slash
	// lifetime: lifetime_too_long
	//   let the signer choose a shorter one, or raise max_lifetime for this party
}
