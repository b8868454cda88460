package grant

import (
	"context"
	"slices"
	"strings"

	"github.com/avouch-oauth/avouch/assertion"
	"github.com/avouch-oauth/avouch/internal/scope"
)

// checkScope reads which scopes the assertion asks for, and sets the ceiling and what else the rule gives. The server
// decides whether they may be had, as it does for every grant.
func (d *decision) checkScope(ctx context.Context, a *assertion.Assertion) error {
	if !d.decided || d.authorization.ClientID == "" {
		return assertion.ErrSkipped
	}
	z := &d.authorization
	if r := d.rule; r != nil {
		z.Scopes, z.DefaultScopes = r.Scopes, r.DefaultScopes
		z.Audiences, z.Lifetime, z.Rule = r.Audiences, r.Lifetime, r.Name
	}
	if d.grant.Scopes != nil {
		scopes, err := d.grant.Scopes(ctx, z.ClientID, z.Subject, a)
		if err != nil {
			return hooked("Scopes", err)
		}
		z.Scopes = narrow(z.Scopes, scopes)
	}
	if d.issuer != nil && d.issuer.ScopeClaim || d.issuer == nil && d.grant.ScopeClaim {
		asserted, err := scopeClaim(a)
		if err != nil {
			return err
		}
		z.Asserted = asserted
	}
	return nil
}

// narrow returns the scopes that a ceiling, nil for none, leaves of scopes. It is never nil: nil would be no ceiling.
func narrow(ceiling, scopes []string) []string {
	left := make([]string, 0, len(scopes))
	for _, s := range scopes {
		if ceiling == nil || slices.Contains(ceiling, s) {
			left = append(left, s)
		}
	}
	return left
}

// maxAsserted is how many scopes an assertion may ask for, as many as a parameter.
const maxAsserted = 128

// scopeClaim returns the scopes that the claim "scope" asks for, a string as in RFC 6749 §3.3 or an array of them: nil
// where there is no such claim, or where it is empty, as google-auth sends it when it was given no scopes.
func scopeClaim(a *assertion.Assertion) ([]string, error) {
	scopes, ok := readScopes(a)
	if !ok || len(scopes) > maxAsserted {
		return nil, badScope()
	}
	for _, s := range scopes {
		if !scope.Valid(s) {
			return nil, badScope()
		}
	}
	return scopes, nil
}

func readScopes(a *assertion.Assertion) (scopes []string, ok bool) {
	if text, isString := a.Claim("scope"); isString {
		if text == "" {
			return nil, true
		}
		return strings.Split(text, " "), true
	}
	var claim any
	found, err := a.DecodeClaim("scope", &claim)
	if err != nil || !found {
		return nil, err == nil
	}
	list, ok := claim.([]any)
	for _, item := range list {
		text, isString := item.(string)
		scopes, ok = append(scopes, text), ok && isString
	}
	return scopes, ok
}

func badScope() error {
	return &assertion.Error{Reason: assertion.BadClaim,
		Public: "the claim scope of the assertion must be a string of scopes with one space between them, or an array of scopes",
		Want:   "a string of scopes with one space between them, or an array of scopes (RFC 6749 section 3.3)"}
}
