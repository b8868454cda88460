package clientauth

import (
	"context"
	"encoding/base64"
	"errors"
	"strings"

	"github.com/avouch-oauth/avouch"
	"github.com/avouch-oauth/avouch/assertion"
	"github.com/avouch-oauth/avouch/internal/strictjson"
)

// assertionType is the client_assertion_type of a JWT (RFC 7523 §2.2).
const assertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

func presentsAssertion(req *avouch.Request) bool {
	return req.Param("client_assertion") != "" && req.Param("client_assertion_type") == assertionType
}

// judge judges the client assertion of one request.
type judge struct {
	req    *avouch.Request
	method string
	policy func(*avouch.Client) Policy
	// credentials puts into a party what its signatures are verified by.
	credentials func(*avouch.Client, *assertion.Party)

	client   *avouch.Client // whom the assertion claims to come from
	accepted assertion.Policy
}

func (j *judge) checker() *assertion.Checker {
	return &assertion.Checker{Purpose: assertion.ClientAuthentication, Party: j.party}
}

// party finds the client that an assertion claims to come from. It is one that is registered for the method: others
// are as good as unknown.
func (j *judge) party(ctx context.Context, u assertion.Unverified) (*assertion.Party, error) {
	c, err := j.req.FindClient(ctx, u.Issuer)
	if err != nil || c == nil {
		return nil, err
	}
	if c.AuthMethod != j.method && !(c.AuthMethod == "" && j.method == "private_key_jwt") {
		return nil, refused(errors.New("the client is registered for another method than " + j.method))
	}
	j.client = c
	var policy Policy
	if j.policy != nil {
		policy = j.policy(c)
	}
	j.accepted = policy.complete(c, j.req)
	p := &assertion.Party{Name: c.ID, Disabled: c.Disabled, Policy: j.accepted}
	j.credentials(c, p)
	return p, nil
}

// checks are those that are about clients alone (RFC 7521 §4.2, §6.1; OpenID Connect Core §9).
func (j *judge) checks() []assertion.Check {
	return []assertion.Check{
		{Name: "subject_is_issuer", Run: func(_ context.Context, a *assertion.Assertion) error {
			if a.Subject != a.Issuer {
				return &assertion.Error{
					Reason: assertion.NotClient, Seen: quote(a.Subject), Want: quote(a.Issuer),
					Hint: "a client assertion speaks for the client itself: iss and sub are both its client id",
				}
			}
			return nil
		}},
		{Name: "client_id", Run: func(_ context.Context, a *assertion.Assertion) error {
			if named := j.req.Param("client_id"); named != "" && named != a.Subject {
				return &assertion.Error{
					Reason: assertion.NotClient, Seen: quote(named), Want: quote(a.Subject),
					Hint: "the client_id parameter names another client than the assertion; it may be left out",
				}
			}
			return nil
		}},
	}
}

func (j *judge) authenticate(ctx context.Context) (*avouch.Authentication, error) {
	a, uses, err := j.checker().Check(ctx, j.req.Now, j.req.Param("client_assertion"), j.req.Param("client_id"), j.checks()...)
	if err != nil {
		return nil, refusal(err)
	}
	auth := &avouch.Authentication{Client: j.client, Uses: uses}
	if a.LegacyAudience {
		auth.Notices = []string{NoticeLegacyAudience}
	}
	return auth, nil
}

func (j *judge) explain(ctx context.Context) *assertion.Report {
	return j.checker().Explain(ctx, j.req.Now, j.req.Param("client_assertion"), j.req.Param("client_id"), j.checks()...)
}

// refusal turns what the checks say into what the server answers.
func refusal(err error) error {
	var known *avouch.Error
	if errors.As(err, &known) {
		return known
	}
	var a *assertion.Error
	if !errors.As(err, &a) {
		return err
	}
	e := refused(err)
	if a.Public != "" {
		e.Description = a.Public
	}
	return e
}

// byMAC reports whether the header of an assertion names an HMAC. It decides nothing but which method looks at it: a
// MAC is never checked with a public key, nor a signature with a secret.
func byMAC(req *avouch.Request) bool {
	switch unverifiedAlgorithm(req.Param("client_assertion")) {
	case "HS256", "HS384", "HS512":
		return true
	}
	return false
}

func unverifiedAlgorithm(token string) string {
	header, _, _ := strings.Cut(token, ".")
	text, err := base64.RawURLEncoding.DecodeString(header)
	if err != nil {
		return ""
	}
	o, err := strictjson.Parse(text)
	if err != nil {
		return ""
	}
	alg, _ := o.Get("alg").Text()
	return alg
}
