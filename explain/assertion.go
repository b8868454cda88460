package explain

import (
	"context"
	"errors"
	"net/url"
	"time"

	"github.com/avouch-oauth/avouch"
	"github.com/avouch-oauth/avouch/assertion"
)

const (
	jwtBearer     = "urn:ietf:params:oauth:grant-type:jwt-bearer"
	assertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
)

// ErrNotExplained is returned if neither grant nor method of the Explainer can explain an assertion.
var ErrNotExplained = errors.New("explain: the server takes no assertions of this kind")

// Grant explains an assertion that would be sent alone, as a JWT bearer grant. more are further parameters of the request;
// client, if not nil, authenticates beside it.
func (e *Explainer) Grant(ctx context.Context, token string, more url.Values, client *avouch.Client, now time.Time) (*Explanation, error) {
	form := url.Values{}
	for name, values := range more {
		form[name] = values
	}
	form.Set("grant_type", jwtBearer)
	form.Set("assertion", token)
	x, err := e.Request(ctx, form, client, now)
	if err == nil && len(x.Reports) == 0 {
		return nil, ErrNotExplained
	}
	return x, err
}

// ClientAssertion explains an assertion that would authenticate a client, without a grant beside it. Accepted means that
// Client would be authenticated.
func (e *Explainer) ClientAssertion(ctx context.Context, token string, now time.Time) (*Explanation, error) {
	grantTypes, _ := e.Server.Offers()
	req, refused := e.Server.Request(url.Values{
		"grant_type": {grantTypes[0]}, "client_assertion_type": {assertionType}, "client_assertion": {token},
	}, now)
	if refused != nil {
		return notRead(refused), nil
	}
	d, err := e.Server.Decide(ctx, req)
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	x := &Explanation{Client: authenticated(d), Reports: e.clientReports(ctx, req)}
	if len(x.Reports) == 0 {
		return nil, ErrNotExplained
	}
	for _, s := range d.Steps() { // what follows is about a grant that nobody has named
		if s.Name == "client authentication" {
			x.Steps = []avouch.Step{s}
		}
	}
	if d.Authentication == nil {
		x.refuse(err)
		return x, nil
	}
	x.Accepted, x.Open = true, open(x.Steps)
	if len(d.Authentication.Uses) > 0 || d.Authentication.Untried {
		x.Open = append(x.Open, open([]avouch.Step{{Outcome: avouch.StepNotAsked}})...)
	}
	return x, nil
}

// Further returns the one of two explanations of an assertion whose checks passed further: it is the kind of assertion
// that was meant.
func Further(a, b *Explanation) *Explanation {
	if passed(b) > passed(a) {
		return b
	}
	return a
}

// passed counts the checks of the last report up to the first that refused.
func passed(x *Explanation) int {
	if len(x.Reports) == 0 {
		return -1
	}
	n := 0
	for _, f := range x.Reports[len(x.Reports)-1].Findings {
		if f.Outcome != assertion.Passed && f.Outcome != assertion.NotTried {
			return n
		}
		n++
	}
	return 1 << 20
}
