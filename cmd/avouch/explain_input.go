package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/avouch-oauth/avouch"
	"github.com/avouch-oauth/avouch/admin"
	"github.com/avouch-oauth/avouch/assertion"
	"github.com/avouch-oauth/avouch/internal/near"
)

// explanation is what explain has found out about an assertion, or about all of a request.
type explanation struct {
	reports []*assertion.Report
	refused error                 // why the request is refused beside what the reports say; nil where it is not
	gives   *avouch.Authorization // what the grant gives; nil where it gives nothing
	client  *avouch.Client        // who has authenticated; nil where nobody has
}

// formOf reads the body of a token request; nil where text is no such thing. An assertion has no = in it.
func formOf(text string) (url.Values, error) {
	text = strings.Trim(text, "\r\n") // of the file it was kept in
	if !strings.Contains(text, "assertion=") {
		return nil, nil
	}
	form, err := url.ParseQuery(text)
	if err != nil {
		return nil, usagef("it looks like the body of a token request, and is not application/x-www-form-urlencoded: %w", err)
	}
	return form, nil
}

// parsePast reads a moment that is not ahead: an RFC 3339 time, or how long ago. "" is now.
func parsePast(text string) (time.Time, error) {
	now := time.Now()
	if text == "" {
		return now, nil
	}
	if d, err := time.ParseDuration(text); err == nil && d >= 0 {
		return now.Add(-d), nil
	}
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return time.Time{}, usagef("%q is neither a time such as 2026-11-24T03:12:00Z nor how long ago, such as 20m", text)
	}
	return t, nil
}

// explainAssertion explains an assertion, and what it would give.
func (s *authorizationServer) explainAssertion(ctx context.Context, in explainInput) (*explanation, error) {
	reports, err := s.explain(ctx, in)
	if err != nil {
		return nil, err
	}
	x := &explanation{reports: reports}
	if r := reports[0]; r.Accepted {
		switch r.Purpose {
		case assertion.Grant:
			req, err := s.grantRequest(ctx, in)
			if err != nil {
				return nil, err
			}
			x.client = req.Client
			return x, s.authorize(ctx, req, x)
		case assertion.ClientAuthentication:
			if x.client, err = s.live.Client(ctx, r.Party); err != nil {
				return nil, err
			}
		}
	}
	return x, nil
}

// explainRequest explains a whole token request: the client's assertion, and with the client it proves, the grant.
func (s *authorizationServer) explainRequest(ctx context.Context, form url.Values, now time.Time) (*explanation, error) {
	x := new(explanation)
	req, err := s.Request(form, now)
	if err != nil {
		x.refused = err
		return x, nil
	}
	if form.Has("client_assertion") {
		x.reports = append(x.reports, s.explainClient(ctx, req))
	}
	authn, err := s.Authenticate(ctx, req)
	if err != nil {
		if len(x.reports) == 0 || x.reports[0].Accepted { // else the report says it
			x.refused = err
		}
	} else if authn != nil {
		x.client = authn.Client
	}
	if req.Param("grant_type") != grantJWTBearer {
		return x, nil
	}
	report := s.jwtBearer.Explain(ctx, req)
	x.reports = append(x.reports, report)
	if !report.Accepted || err != nil {
		return x, nil
	}
	return x, s.authorize(ctx, req, x)
}

// authorize notes what the grant gives, and to which client.
func (s *authorizationServer) authorize(ctx context.Context, req *avouch.Request, x *explanation) error {
	x.gives, x.refused = s.jwtBearer.Authorize(ctx, req)
	if x.refused != nil || x.client != nil || x.gives.ClientID == "" {
		return nil
	}
	var err error
	x.client, err = s.live.Client(ctx, x.gives.ClientID)
	return err
}

// explainClient explains the assertion by which a client authenticates.
func (s *authorizationServer) explainClient(ctx context.Context, req *avouch.Request) *assertion.Report {
	if alg, ok := assertion.UnverifiedAlgorithm(req.Param("client_assertion")); ok && strings.HasPrefix(string(alg), "HS") {
		return s.secretJWT.Explain(ctx, req)
	}
	return s.privateKeyJWT.Explain(ctx, req)
}

// accepted reports whether nothing speaks against it, but for an earlier use.
func (x *explanation) accepted() bool {
	return x.refused == nil && !slices.ContainsFunc(x.reports, func(r *assertion.Report) bool { return !r.Accepted })
}

// hintUnknown says of an issuer that is unknown who may have been meant.
func hintUnknown(ctx context.Context, a *admin.Admin, reports []*assertion.Report) {
	for _, r := range reports {
		for i, f := range r.Findings {
			if f.Reason == assertion.UnknownIssuer && f.Hint == "" {
				r.Findings[i].Hint = whoIsMeant(ctx, a, r)
			}
		}
	}
}

// whoIsMeant looks for a client or issuer of nearly that name. It is a hint: where the store cannot tell, there is none.
func whoIsMeant(ctx context.Context, a *admin.Admin, r *assertion.Report) string {
	iss := r.Says.Issuer
	if c, err := a.Client(ctx, iss); err == nil {
		if r.Purpose == assertion.Grant && !slices.Contains(c.GrantTypes, grantJWTBearer) {
			return fmt.Sprintf("there is a client %s, and it may not use this grant: avouch client update %[1]s --grant %s",
				c.ID, strings.Join(append(c.GrantTypes, "jwt-bearer"), ","))
		}
		return ""
	}
	if i, err := a.Issuer(ctx, iss); err == nil {
		return fmt.Sprintf("%s is the name of an issuer here, whose iss is %s", i.Name, i.URL)
	}
	page, err := a.Clients(ctx, "", 1000)
	if err != nil {
		return ""
	}
	names := namesOf(page.Clients, func(c admin.Client) string { return c.ID })
	if list, err := a.Issuers(ctx); err == nil {
		names = append(names, namesOf(list, func(i admin.Issuer) string { return i.URL })...)
	}
	if name, how := near.Nearest(iss, names); how != "" {
		return "near " + name + ": " + how
	}
	return "\"avouch client list\" and \"avouch issuer list\" tell who is known"
}

// refusalText is what a refusal says to the operator.
func refusalText(err error) string {
	if e, ok := errors.AsType[*avouch.Error](err); ok {
		text := string(e.Code) + ": " + e.Description
		if e.Err != nil {
			text += " (" + e.Err.Error() + ")"
		}
		return text
	}
	return err.Error()
}
