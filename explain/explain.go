package explain

import (
	"context"
	"errors"
	"net/url"
	"strings"
	"time"

	"github.com/avouch-oauth/avouch"
	"github.com/avouch-oauth/avouch/assertion"
)

// Explainer asks one server. It is safe for concurrent use.
type Explainer struct {
	// Server is asked. Required.
	Server *avouch.Server

	// Grants and ClientAuth are those of the server's Config. One that has the method
	//
	//	Explain(ctx context.Context, req *avouch.Request) *assertion.Report
	//
	// says more about its assertion than that it is refused, as grant.JWTBearer and clientauth.PrivateKeyJWT do. What is
	// missing here is decided all the same.
	Grants     []avouch.Grant
	ClientAuth []avouch.ClientAuth
}

// Explanation is what the server would answer, and why.
type Explanation struct {
	Accepted bool `json:"accepted"` // a token would be issued, if Open turns out well

	// What the caller would be told, and what the operator should know; "" if the request is accepted, and if a grant of
	// your own was not tried (avouch.ErrNotTried).
	Error       avouch.Code `json:"error,omitempty"`
	Description string      `json:"error_description,omitempty"`
	Reason      string      `json:"reason,omitempty"`

	Client  string              `json:"client,omitempty"`  // the client that is authenticated; "" for none
	Open    []string            `json:"open,omitempty"`    // what the answer depends on and a dry run does not find out
	Steps   []avouch.Step       `json:"steps"`             // the way of the request
	Reports []*assertion.Report `json:"reports,omitempty"` // of its assertions: the client's, then the grant's
	Gives   *Gives              `json:"gives,omitempty"`   // what the request gets; nil if the grant was not accepted
}

// explainer is a grant or a client authentication method that explains itself.
type explainer interface {
	Explain(ctx context.Context, req *avouch.Request) *assertion.Report
}

// Request explains a token request by its form, as it would have come at now. client, if not nil, is taken as
// authenticated by credentials that are not in the form, such as those of an Authorization header.
func (e *Explainer) Request(ctx context.Context, form url.Values, client *avouch.Client, now time.Time) (*Explanation, error) {
	req, refused := e.Server.Request(form, now)
	if refused != nil {
		return notRead(refused), nil
	}
	req.Client = client
	d, err := e.Server.Decide(ctx, req)
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	x := &Explanation{Accepted: err == nil, Client: authenticated(d), Steps: d.Steps(), Gives: gives(d)}
	if err != nil && !errors.Is(err, avouch.ErrNotTried) {
		x.refuse(err)
	}
	x.Open = open(x.Steps)
	x.Reports = append(e.clientReports(ctx, req), e.grantReports(ctx, req, d.GrantType)...)
	return x, nil
}

// authenticated is the client that has authenticated.
func authenticated(d *avouch.Decision) string {
	if d.Authentication == nil {
		return ""
	}
	return d.Authentication.Client.ID
}

// notRead explains a form that the server does not read to its end.
func notRead(refused error) *Explanation {
	x := &Explanation{Steps: []avouch.Step{{Name: "form", Outcome: avouch.StepFailed, Detail: refused.Error()}}}
	x.refuse(refused)
	return x
}

// refuse notes what the caller would be told, and the operator.
func (x *Explanation) refuse(err error) {
	x.Error, x.Description, x.Reason = avouch.ServerError, "", err.Error()
	if e, ok := errors.AsType[*avouch.Error](err); ok && e != nil {
		x.Error, x.Description, x.Reason = e.Code, e.Description, ""
		if e.Err != nil {
			x.Reason = e.Err.Error()
		}
	}
}

// open lists the steps that a dry run leaves open.
func open(steps []avouch.Step) []string {
	var all []string
	for _, s := range steps {
		switch s.Outcome {
		case avouch.StepNotTried:
			all = append(all, strings.TrimSuffix("the "+s.Name+" was not tried: "+s.Detail, ": "))
		case avouch.StepNotAsked:
			all = append(all, "whether it was used before was not asked")
		}
	}
	return all
}

// clientReports explains the client's assertion, if it sends one.
func (e *Explainer) clientReports(ctx context.Context, req *avouch.Request) []*assertion.Report {
	for _, m := range e.ClientAuth {
		if x, ok := m.(explainer); ok && m.Presented(req) {
			return []*assertion.Report{x.Explain(ctx, req)}
		}
	}
	return nil
}

// grantReports explains the assertion of the grant, if there is one.
func (e *Explainer) grantReports(ctx context.Context, req *avouch.Request, grantType string) []*assertion.Report {
	for _, g := range e.Grants {
		if x, ok := g.(explainer); ok && g.Type() == grantType {
			return []*assertion.Report{x.Explain(ctx, req)}
		}
	}
	return nil
}
