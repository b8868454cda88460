package clientauth

import (
	"context"
	"errors"
	"time"

	"github.com/avouch-oauth/avouch"
	"github.com/avouch-oauth/avouch/assertion"
	"github.com/avouch-oauth/avouch/keys"
)

// assertionType is the client_assertion_type of a JWT (RFC 7523 §2.2).
const assertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

func presentsAssertion(req *avouch.Request) bool {
	return req.Param("client_assertion") != "" && req.Param("client_assertion_type") == assertionType
}

// byMAC reports whether the header of an assertion names an HMAC. It decides nothing but which method looks at it: a
// MAC is never checked with a public key, nor a signature with a secret.
func byMAC(req *avouch.Request) bool {
	alg, _ := assertion.UnverifiedAlgorithm(req.Param("client_assertion"))
	return alg == keys.HS256 || alg == keys.HS384 || alg == keys.HS512
}

// method is what the two methods by assertion differ in.
type method struct {
	name       string
	policy     func(*avouch.Client) Policy
	algorithms []keys.Algorithm // nil means those that assertion.Policy defaults to

	// credentials puts into j.party what verifies the client's assertions.
	credentials func(j *judge)
}

// judge is the assertion.Case of the client assertion of one request.
type judge struct {
	method   method
	req      *avouch.Request
	throttle *Throttle // nil if nothing can be guessed
	nth      int       // which of the client's secrets is tried
	more     bool      // the client has another one

	client *avouch.Client  // the client that the assertion claims to come from
	who    attempter       // the same and its address
	party  assertion.Party // what the checker gets
	accept [1]string
	others [2]string
	only   [1]keys.Algorithm
}

// checker judges the client assertions of every method: what a method knows is in its judges.
var checker = assertion.Checker{Purpose: assertion.ClientAuthentication}

// Party implements assertion.Case: it finds the client that an assertion claims to come from. A client that is registered
// for another method is treated as unknown.
func (j *judge) Party(ctx context.Context, u assertion.Unverified) (*assertion.Party, error) {
	if j.throttle != nil {
		j.who = j.throttle.who(j.req, u.Issuer)
		if wait := j.throttle.blocked(j.req.Now, j.who); wait > 0 {
			return nil, throttled(wait)
		}
	}
	c, err := j.req.FindClient(ctx, u.Issuer)
	if err != nil || c == nil {
		return nil, err
	}
	if registeredMethod(c) != j.method.name {
		return nil, &assertion.Error{
			Reason: assertion.UnknownIssuer, Seen: "a client that is registered for " + registeredMethod(c), Want: j.method.name,
			Hint: "register the client for the method it uses (token_endpoint_auth_method)",
		}
	}
	j.client = c
	j.party.Name, j.party.Disabled = c.ID, c.Disabled
	j.demand()
	j.method.credentials(j)
	return &j.party, nil
}

// registeredMethod is the one method of a client.
func registeredMethod(c *avouch.Client) string {
	if c.AuthMethod == "" {
		return "private_key_jwt"
	}
	return c.AuthMethod
}

// checks are those that are about clients alone (RFC 7521 §4.2, §6.1; OpenID Connect Core §9). Nothing changes the
// list; Go has no constant of this kind.
var checks = [...]struct {
	name string
	run  func(j *judge, a *assertion.Assertion) error
}{
	{"subject is issuer", (*judge).checkSubject},
	{"client_id", (*judge).checkClientID},
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
func (j *judge) Checks() []string { return checkNames }

// Run implements assertion.Case. It panics on a check that does not exist.
func (j *judge) Run(_ context.Context, i int, a *assertion.Assertion) error {
	return checks[i].run(j, a)
}

func (j *judge) checkSubject(a *assertion.Assertion) error {
	if a.Subject == a.Issuer {
		return nil
	}
	return &assertion.Error{
		Reason: assertion.NotClient, Seen: quote(a.Subject), Want: quote(a.Issuer),
		Hint: "a client assertion speaks for the client itself: iss and sub are both its client id",
	}
}

func (j *judge) checkClientID(a *assertion.Assertion) error {
	named := j.req.Param("client_id")
	if named == "" || named == a.Issuer {
		return nil
	}
	return &assertion.Error{
		Reason: assertion.NotClient, Seen: quote(named), Want: quote(a.Issuer),
		Hint: "the client_id parameter names another client than the assertion; it may be left out",
	}
}

// authenticate runs the checks up to the first that fails.
func (j *judge) authenticate(ctx context.Context) (*avouch.Authentication, error) {
	a, uses, err := checker.Check(ctx, j.req.Now, j.req.Param("client_assertion"), "", j)
	if err != nil {
		return nil, err
	}
	auth := &avouch.Authentication{Client: j.client, KeyID: a.KeyID, Uses: uses}
	if a.LegacyAudience {
		auth.Notices = []string{NoticeLegacyAudience}
	}
	return auth, nil
}

// explain runs every check that can be run.
func (j *judge) explain(ctx context.Context) *assertion.Report {
	if !presentsAssertion(j.req) {
		return &assertion.Report{Time: j.req.Now.UTC(), Purpose: assertion.ClientAuthentication, Findings: []assertion.Finding{{
			Check: "parameter", Outcome: assertion.Failed,
			Seen: "no client_assertion, or a client_assertion_type of another kind", Want: "client_assertion, and client_assertion_type " + assertionType,
		}}}
	}
	return checker.Explain(ctx, j.req.Now, j.req.Param("client_assertion"), "", j)
}

// refused turns the error of a check into what the server answers. One that is not about the assertion stays as it is.
func refused(err error) error {
	if _, ok := errors.AsType[*assertion.Error](err); ok {
		return refusal(err)
	}
	return err
}

// refusal turns a refused assertion into what the server answers: the text that the reason has for the caller, the rest
// for the operator. Keys that cannot be had are no fault of the client, which may come again with a new assertion.
func refusal(err error) *avouch.Error {
	e, _ := errors.AsType[*assertion.Error](err)
	if e.Reason == assertion.KeySourceUnavailable {
		return &avouch.Error{Code: avouch.TemporarilyUnavailable, Description: e.Public, Err: e, RetryAfter: 5 * time.Second}
	}
	return &avouch.Error{Code: avouch.InvalidClient, Description: e.Public, Err: e}
}

// found turns a finding of Explain into what the server would answer.
func found(f assertion.Finding) *avouch.Error {
	if f.Reason == "" {
		return &avouch.Error{Code: avouch.TemporarilyUnavailable, Description: "cannot decide about the assertion at the moment", Err: errors.New(f.Cause)}
	}
	return refusal(&assertion.Error{Reason: f.Reason, Public: f.Reason.Public(), Check: f.Check, Seen: f.Seen, Want: f.Want, Hint: f.Hint})
}
