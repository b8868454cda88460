package grant

import (
	"context"
	"errors"

	"github.com/avouch-oauth/avouch"
	"github.com/avouch-oauth/avouch/assertion"
	"github.com/avouch-oauth/avouch/replay"
	"github.com/avouch-oauth/avouch/trust"
)

// JWTBearer is the JWT bearer grant (RFC 7523 §2.1): a signed assertion of somebody we trust is exchanged for an
// access token. It is safe for concurrent use and must not be changed once it is in use.
//
// Party hook apart, hooks run after the signature and the claims have been found good. A hook refuses by returning an
// *assertion.Error with a Reason, such as
//
//	return "", &assertion.Error{Reason: assertion.SubjectDisabled}
//
// and the caller learns no more than that the assertion is not accepted. Any other error says that the hook could not
// tell: the request is refused as temporarily unavailable. Hooks change nothing and spend nothing, because Explain
// calls them too, and because a request may still be refused after them.
type JWTBearer struct {
	// Trust says whose assertions are believed, and what they are worth. Required, unless Party is set.
	Trust trust.Source

	// Party finds the client or other party that an assertion claims to come from, where Trust does not know its
	// issuer: its keys, and what is asked of its assertions. Nothing in u is verified; it is to be looked up, and for
	// nothing else. nil, nil means nobody by that name. Policy.Audience is filled in where Accept is nil: the server's
	// issuer identifier and its token endpoint. Such a party has no rules, so Party needs Subject. Nil means that there
	// is nobody beside Trust.
	Party func(ctx context.Context, u assertion.Unverified) (*assertion.Party, error)

	// Client says which registered client an assertion speaks for, where no rule does. Nil means the client that has
	// authenticated, else the issuer under its own name; for a party that Party found, always that party.
	Client func(ctx context.Context, a *assertion.Assertion) (id string, err error)

	// Subject says which user is meant, where no rule does: the sub of the token. "" means that it knows nobody by
	// that name, and refuses; [Nobody] as the error means that nobody is meant. Map by Issuer and Subject of a, never
	// by a claim that its owner can change, such as an e-mail address. Nil means that rules say so: a subject they do
	// not map becomes NAME/SUB.
	Subject func(ctx context.Context, a *assertion.Assertion) (string, error)

	// Permit says whether a client may act for a subject, "" for nobody: a nil error permits. Nil means that it may
	// where rules and hooks have led to it.
	Permit func(ctx context.Context, client, subject string, a *assertion.Assertion) error

	// Scopes says which scopes a client may have when it acts for a subject; none means none. They narrow the rule's
	// and the registered client's. Nil means that those decide alone; without any of them there are no scopes.
	Scopes func(ctx context.Context, client, subject string, a *assertion.Assertion) ([]string, error)

	// ScopeClaim lets the claim "scope" of the assertions of Party's parties ask for scopes as the parameter does; an
	// issuer of Trust says so itself. False means that the claim is ignored.
	ScopeClaim bool
}

// Nobody is what a Subject hook returns as its error to say that an assertion speaks for nobody: the sub of the token
// is the client's id (RFC 7521 §6.3.1). It is not a name, so that no assertion can carry it.
var Nobody error = nobody{}

type nobody struct{}

func (nobody) Error() string { return "the assertion speaks for nobody" }

// JWTBearerType is the grant type (RFC 7523 §2.1).
const JWTBearerType = "urn:ietf:params:oauth:grant-type:jwt-bearer"

// Type returns [JWTBearerType].
func (g *JWTBearer) Type() string { return JWTBearerType }

// Authorize implements avouch.Grant. It spends nothing: what may be used once is in Authorization.Uses.
func (g *JWTBearer) Authorize(ctx context.Context, req *avouch.Request) (*avouch.Authorization, error) {
	token, missing := assertionOf(req)
	if missing != nil {
		return nil, missing
	}
	d := newDecision(g, req)
	a, uses, err := checker.Check(ctx, req.Now, token, d.holder(), d)
	if err != nil {
		return nil, refusal(err)
	}
	if a.Issuer == d.authorization.ClientID {
		d.authorization.KeyID = a.KeyID
	} else {
		d.authorization.Issuer = a.Issuer
	}
	d.authorization.Uses = inBothPlaces(a, uses)
	return &d.authorization, nil
}

// inBothPlaces has an assertion of a party about itself spent as a client assertion, too: nothing in it need say which
// of the two it is, so that one which has authenticated a client would otherwise be good once more as a grant, and the
// other way round. The holder keeps a client whose assertions may be sent again from doing so in the other place.
func inBothPlaces(a *assertion.Assertion, uses []replay.Use) []replay.Use {
	if a.Subject != a.Issuer || len(uses) != 1 {
		return uses
	}
	other := uses[0]
	other.Purpose, other.Party = string(assertion.ClientAuthentication), a.Issuer
	if other.Holder != "" {
		other.Holder = "\x00as a grant\x00" + other.Holder // no client has a name with a NUL in it
	}
	return []replay.Use{uses[0], other}
}

// assertionOf returns the one assertion of a request.
func assertionOf(req *avouch.Request) (string, *avouch.Error) {
	if token := req.Param("assertion"); token != "" {
		return token, nil
	}
	text := "the parameter assertion is missing"
	if req.Param("client_assertion") != "" {
		text += ": client_assertion authenticates a client, and the grant goes into assertion"
	}
	return "", &avouch.Error{Code: avouch.InvalidRequest, Description: text}
}

// Validate tells what is wrong with the grant; avouch.New calls it.
func (g *JWTBearer) Validate() error {
	var faults []error
	if g.Trust == nil && g.Party == nil {
		faults = append(faults, errors.New("there is no Trust, nor a Party hook to find parties: nobody would be believed"))
	}
	if g.Party != nil && g.Subject == nil {
		faults = append(faults, errors.New("there is a Party hook, and no Subject hook: its parties have no rules that could say who is meant"))
	}
	if list, ok := g.Trust.(trust.List); ok && len(list) == 0 && g.Party == nil {
		faults = append(faults, errors.New("the list in Trust is empty: nobody would be believed"))
	}
	if v, ok := g.Trust.(interface{ Validate() error }); ok {
		faults = append(faults, v.Validate())
	}
	if v, ok := g.Trust.(interface{ Decided() error }); ok && g.Subject == nil {
		faults = append(faults, v.Decided())
	}
	return errors.Join(faults...)
}
