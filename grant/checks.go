package grant

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/avouch-oauth/avouch"
	"github.com/avouch-oauth/avouch/assertion"
)

// RuleParameter is the parameter by which a caller may name the trust rule it wants, where several match. RFC 6749
// §8.2 asks for a prefix of the vendor, so that it meets no parameter of another extension.
const RuleParameter = "avouch_rule"

// checks are what the grant adds to the checks of every assertion, in this order. Authorize and Explain use the same
// list. Nothing changes it; Go has no constant of this kind.
var checks = [...]struct {
	name string
	run  func(d *decision, ctx context.Context, a *assertion.Assertion) error
}{
	{"rule", (*decision).checkRule},
	{"self-asserted", (*decision).checkSelfAsserted},
	{"client", (*decision).checkClient},
	{"user", (*decision).checkUser},
	{"user is no client", (*decision).checkUserIsNoClient},
	{"user is enabled", (*decision).checkUserEnabled},
	{"permission", (*decision).checkPermission},
	{"scope", (*decision).checkScope},
}

// checkNames are the names in checks, made once and not for each request.
var checkNames = namesOfChecks()

func namesOfChecks() []string {
	var names []string
	for i := range checks {
		names = append(names, checks[i].name)
	}
	return names
}

// Checks implements assertion.Case.
func (d *decision) Checks() []string { return checkNames }

// Run implements assertion.Case. It panics on a check that does not exist.
func (d *decision) Run(ctx context.Context, i int, a *assertion.Assertion) error {
	return checks[i].run(d, ctx, a)
}

// checkRule finds what the assertion is worth: the one rule of its issuer that matches, or nothing yet if that is left to
// the Subject hook.
func (d *decision) checkRule(_ context.Context, a *assertion.Assertion) error {
	d.query.Assertion, d.query.Audience = a, d.own[:]
	d.query.Rule = d.req.Param(RuleParameter)
	d.query.Client, d.query.Authenticated = d.req.NamedClient(), d.authenticated()
	if d.req.Client != nil {
		d.query.Client = d.req.Client.ID
	}
	if d.issuer == nil || len(d.issuer.Rules) == 0 {
		if d.grant.Subject == nil || d.query.Rule != "" {
			return &assertion.Error{Reason: assertion.NoRule, Seen: "no rule for " + show(d.party.Name),
				Hint: "give the issuer a rule for the subject, or the grant a Subject hook"}
		}
		d.matched = true
		return nil
	}
	rule, err := d.issuer.Match(&d.query)
	if err != nil {
		return err
	}
	if rule.AnySubject && d.grant.Subject == nil {
		return &assertion.Error{Reason: assertion.NoRule, Seen: "a rule for any subject",
			Hint: "such a rule works only on a grant with a Subject hook"}
	}
	d.rule, d.matched = rule, true
	return nil
}

// checkSelfAsserted refuses a party that represents itself, unless a rule names just that. A client assertion looks like
// this, and must not serve as a grant to anyone who has seen one.
func (d *decision) checkSelfAsserted(_ context.Context, a *assertion.Assertion) error {
	if !d.matched {
		return assertion.ErrSkipped
	}
	itself := a.Subject != "" && (a.Subject == a.Issuer || a.Subject == d.party.Name)
	if !itself || d.rule != nil && d.rule.Subject == a.Subject {
		return nil
	}
	return &assertion.Error{Reason: assertion.SelfAssertedGrant, Seen: "iss and sub are both " + show(a.Subject), Want: "a user as sub",
		Hint: "where the party shall get tokens for itself, give it a rule with its own name as Subject, and Nobody"}
}

// checkClient decides which client the token is issued to.
func (d *decision) checkClient(ctx context.Context, a *assertion.Assertion) error {
	if !d.matched {
		return assertion.ErrSkipped
	}
	id, registered, err := d.clientFor(ctx, a)
	if err != nil {
		return err
	}
	if d.issuer != nil && d.issuer.RequireClient && !d.authenticated() {
		return &assertion.Error{Reason: assertion.ClientMismatch, Seen: "no authenticated client", Want: "an authenticated client",
			Hint: "the issuer has require_client: send the credentials of the client beside the assertion"}
	}
	if d.query.Client != "" && d.query.Client != id {
		return &assertion.Error{Reason: assertion.ClientMismatch, Seen: show(d.query.Client), Want: show(id),
			Hint: "the assertion speaks for another client than the one that authenticated or is named"}
	}
	if err := d.checkRegistered(ctx, id, registered); err != nil {
		return err
	}
	d.authorization.ClientID = id
	return nil
}

// clientFor returns the client that the assertion represents; registered reports whether that client must be registered.
func (d *decision) clientFor(ctx context.Context, a *assertion.Assertion) (id string, registered bool, err error) {
	if d.issuer != nil {
		if id := d.issuer.Client(d.rule); id != "" {
			return id, !d.issuer.SelfIssued, nil
		}
	}
	switch {
	case d.grant.Client != nil:
		id, err := d.grant.Client(ctx, a)
		if err == nil && id == "" {
			err = &assertion.Error{Reason: assertion.UnknownClient, Seen: "the Client hook knows none"}
		}
		return id, true, hooked("Client", err)
	case d.issuer == nil:
		return d.party.Name, false, nil
	case d.req.Client != nil:
		return d.req.Client.ID, true, nil
	}
	return d.issuer.Issuer, false, nil
}

// checkRegistered checks a client's registration, if it has one. The server has checked that of a client that has
// authenticated.
func (d *decision) checkRegistered(ctx context.Context, id string, registered bool) error {
	c := d.req.Client
	if c == nil {
		var err error
		if c, err = d.req.FindClient(ctx, id); err != nil {
			return err
		}
	}
	switch {
	case c == nil && registered:
		return &assertion.Error{Reason: assertion.UnknownClient, Seen: show(id), Want: "a registered client"}
	case c == nil:
		return nil
	case d.issuer != nil && !d.issuer.SelfIssued && id == d.issuer.Issuer:
		return &assertion.Error{Reason: assertion.UnknownClient, Seen: "client " + show(id) + " has the URL of an issuer as its id",
			Hint: "register the client under another id: tokens of the issuer could not be told from its own"}
	case c.Disabled:
		return &assertion.Error{Reason: assertion.UnknownClient, Seen: "client " + show(id) + " is disabled", Want: "enabled"}
	case !slices.Contains(c.Grants, JWTBearerType):
		return &assertion.Error{Reason: assertion.NotPermitted, Seen: "client " + show(id) + " may not use this grant type",
			Hint: "add " + JWTBearerType + " to the grants of the client"}
	}
	return nil
}

// checkUser decides which user the token represents.
func (d *decision) checkUser(ctx context.Context, a *assertion.Assertion) error {
	if !d.matched {
		return assertion.ErrSkipped
	}
	subject, err := d.user(ctx, a)
	if err != nil {
		return err
	}
	d.authorization.Subject, d.decided = subject, true
	return nil
}

// user returns the sub of the token, "" if no user is identified.
func (d *decision) user(ctx context.Context, a *assertion.Assertion) (string, error) {
	if d.rule != nil {
		if subject, ok := d.issuer.Mapped(d.rule, a.Subject); ok {
			return subject, nil
		}
	}
	if d.grant.Subject == nil {
		if a.Subject == "" || d.rule == nil {
			return "", &assertion.Error{Reason: assertion.UnknownSubject, Seen: "no sub", Hint: "a rule with Nobody accepts that"}
		}
		return d.issuer.Qualified(a.Subject), nil
	}
	subject, err := d.grant.Subject(ctx, a)
	switch {
	case errors.Is(err, Nobody):
		return "", nil
	case err == nil && subject == "":
		return "", &assertion.Error{Reason: assertion.UnknownSubject, Seen: show(a.Subject), Want: "somebody the Subject hook knows"}
	}
	return subject, hooked("Subject", err)
}

// checkUserIsNoClient keeps tokens of users distinct from tokens that clients have for themselves (RFC 9068 §5).
func (d *decision) checkUserIsNoClient(ctx context.Context, _ *assertion.Assertion) error {
	if !d.decided {
		return assertion.ErrSkipped
	}
	lapse, err := d.req.Server().SubjectLapsed(ctx, d.authorization.ClientID, d.authorization.Subject)
	if err != nil {
		return err
	}
	if d.lapse = lapse; lapse != nil && lapse.Of == avouch.BasisName {
		return &assertion.Error{Reason: assertion.SubjectIsClient, Seen: show(d.authorization.Subject), Want: "a name that no client has",
			Hint: "map the subject to another name; if the client itself is meant, say Nobody"}
	}
	return nil
}

// checkUserEnabled reports a disabled user to the operator, and keeps them from the hooks that follow. The server asks
// once more, for every grant.
func (d *decision) checkUserEnabled(context.Context, *assertion.Assertion) error {
	switch {
	case !d.decided:
		return assertion.ErrSkipped
	case d.lapse != nil && d.lapse.Of != avouch.BasisName:
		return &assertion.Error{Reason: assertion.SubjectDisabled, Seen: show(d.authorization.Subject) + " is disabled", Want: "enabled"}
	}
	return nil
}

// checkPermission asks whether the client may act for the user.
func (d *decision) checkPermission(ctx context.Context, a *assertion.Assertion) error {
	if !d.decided || d.authorization.ClientID == "" {
		return assertion.ErrSkipped
	}
	if d.grant.Permit == nil {
		return nil
	}
	return hooked("Permit", d.grant.Permit(ctx, d.authorization.ClientID, d.authorization.Subject, a))
}

// hooked tells which hook an error is from. Refusals stay what they are.
func hooked(name string, err error) error {
	if err == nil {
		return nil
	}
	if _, refused := errors.AsType[*assertion.Error](err); refused {
		return err
	}
	if _, refused := errors.AsType[*avouch.Error](err); refused {
		return err
	}
	return fmt.Errorf("grant: the %s hook failed: %w", name, err)
}

// show quotes a name for the operator.
func show(s string) string {
	const long = 160
	if len(s) > long {
		s = s[:long] + "..."
	}
	return strconv.QuoteToASCII(s)
}
