package grant

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/avouch-oauth/avouch"
	"github.com/avouch-oauth/avouch/handle"
	"github.com/avouch-oauth/avouch/internal/panics"
	"github.com/avouch-oauth/avouch/replay"
)

// Authorization is the authorization endpoint (RFC 6749 §3.1), which browsers are sent to. Its name is "authorization".
//
// It answers a GET with the request in its query; a POST with the request as a form and no query is sent on to the same
// request as a GET. Whatever is wrong before the redirect URI has been verified is told on a page of its own; from then
// on every answer, with a code or an error, goes to the redirect URI, with state and iss (RFC 9207). An event is told of
// for each request that ends here, none for the pages that Ask writes.
func (g *AuthorizationCode) Authorization() avouch.Endpoint {
	return avouch.Endpoint{
		Name: "authorization", Path: "/oauth/authorize", Member: "authorization_endpoint",
		Metadata: map[string]any{
			"response_types_supported":                       []string{"code"},
			"response_modes_supported":                       []string{"query"},
			"code_challenge_methods_supported":               []string{challengeMethod},
			"authorization_response_iss_parameter_supported": true,
		},
		Handler: func(s *avouch.Server) http.Handler { return &authorizing{s, g, ownPages(s)} },
	}
}

// authorizing is the handler of the authorization endpoint.
type authorizing struct {
	server *avouch.Server
	grant  *AuthorizationCode
	sites  *http.CrossOriginProtection
}

// ownPages refuses forms that no page of the server has sent. Behind a proxy the host that the server sees may be another
// one than browsers do: they know it by its issuer.
func ownPages(s *avouch.Server) *http.CrossOriginProtection {
	sites := http.NewCrossOriginProtection()
	if u, err := url.Parse(s.Issuer()); err == nil {
		_ = sites.AddTrustedOrigin(u.Scheme + "://" + u.Host) // a Server has checked its issuer
	}
	return sites
}

func (e *authorizing) ServeHTTP(to http.ResponseWriter, r *http.Request) {
	w := &watched{ResponseWriter: to}
	ev := &avouch.Event{Time: time.Now(), Endpoint: "authorization", RemoteAddr: r.RemoteAddr}
	a := &asked{}
	location, err := e.decide(w, r, ev, a)
	if location == "" && err == nil {
		return // it has been answered
	}
	refusal := e.server.Settle(r.Context(), ev, err)
	switch {
	case w.begun: // by Ask, and nothing can be taken back
		panic(http.ErrAbortHandler)
	case refusal == nil:
		redirect(w, location)
	case a.redirect != "":
		redirect(w, a.refused(e.server.Issuer(), refusal, ev.RefusalID))
	default:
		writeRefusalPage(w, siteOf(e.server), refusal, ev.RefusalID)
	}
}

// decide is the whole way of an authorization request. It returns where the browser goes with a code; "" and nil where
// the request has been answered already. Panics, those of Ask included, become errors.
func (e *authorizing) decide(w *watched, r *http.Request, ev *avouch.Event, a *asked) (location string, err error) {
	defer panics.Catch(&err)
	if err := e.grant.Validate(); err != nil {
		return "", err
	}
	switch {
	case r.Method == http.MethodPost && r.URL.RawQuery == "":
		return "", e.sendOn(w, r)
	case r.Method == http.MethodPost:
		if err := e.sites.Check(r); err != nil {
			return "", &avouch.Error{Code: avouch.InvalidRequest, Description: "the form does not come from a page of this server", Err: err}
		}
		r = r.WithContext(r.Context()) // a copy
		r.Body = http.MaxBytesReader(w, r.Body, maxAskForm)
	case r.Method != http.MethodGet:
		return "", methodNotAllowed(w, "GET, POST", "this page is opened by GET or POST")
	}
	now := ev.Time
	spend, err := e.read(r, now, ev, a)
	if err != nil {
		return "", err
	}
	consent, err := e.grant.Ask.call(w, r, a.question())
	if consent == nil || err != nil {
		return "", err
	}
	ev.Subject = consent.Subject
	return e.issue(r.Context(), ev, a, consent, spend)
}

// sendOn answers a request that came as a form: the browser asks again, by GET. What comes of it, a page to sign in at
// or a form to be posted, has the request in its URL then; and cookies that a form from another site does not bring
// (SameSite=Lax) are there.
func (e *authorizing) sendOn(w http.ResponseWriter, r *http.Request) error {
	body := http.MaxBytesReader(w, r.Body, maxAuthorizationQuery)
	query, err := readForm(r.Header["Content-Type"], body)
	if err != nil {
		return err
	}
	if _, err := e.server.Request(query, time.Now()); err != nil {
		return err
	}
	redirect(w, "?"+query.Encode())
	return nil
}

// read reads and checks the request. What it returns is spent when a code is issued, nil for nothing.
func (e *authorizing) read(r *http.Request, now time.Time, ev *avouch.Event, a *asked) (spend *replay.Use, err error) {
	ctx := r.Context()
	form, err := readQuery(r.URL.RawQuery)
	if err != nil {
		return nil, err
	}
	if a.req, err = e.server.Request(form, now); err != nil {
		return nil, err
	}
	id := a.req.Param("client_id")
	ev.Claimed = id[:min(len(id), 256)]
	if a.client, err = a.req.FindClient(ctx, id); err != nil {
		return nil, err
	}
	if a.client == nil || a.client.Disabled {
		return nil, invalid("client_id is missing, or is not that of an application that may be used here")
	}
	ev.ClientID = a.client.ID

	uri := a.req.Param("request_uri")
	if uri == "" {
		if err := a.check(); err != nil {
			return nil, err
		}
		if e.grant.RequirePushed || a.client.RequirePushed {
			return nil, invalid("the request must be pushed (RFC 9126)")
		}
		return nil, nil
	}
	form, spend, err = e.grant.openPushed(ctx, e.server.Handles(), now, a.client, uri)
	if err != nil {
		// Nothing is known of the request. It is the client's to deal with only where it says itself where to.
		if a.req.Param("redirect_uri") != "" {
			return nil, errors.Join(err, a.verify())
		}
		return nil, err
	}
	if a.req, err = e.server.Request(form, now); err != nil { // and what stands beside it counts for nothing
		return nil, err
	}
	return spend, a.check()
}

// issue makes a code and returns where the browser takes it.
func (e *authorizing) issue(ctx context.Context, ev *avouch.Event, a *asked, c *Consent, spend *replay.Use) (string, error) {
	now := time.Now() // the user may have taken his time, in Ask too
	consent, err := agree(ctx, e.server, now, a.client, a.scopes, a.resources, c)
	if err != nil {
		return "", err
	}
	data, err := json.Marshal(codeRecord{
		consented: *consent, RedirectURI: a.redirect, Unsaid: a.unsaid, Challenge: a.challenge, Issued: now,
	})
	if err != nil {
		return "", err
	}
	if len(data) > handle.MaxData {
		return "", fmt.Errorf("a consent of %d bytes is too long to be kept", len(data))
	}
	// The code comes before what is spent for it: one that is kept and never given away harms nobody.
	text, digest := handle.New()
	record := &handle.Record{Kind: kindCode, Digest: digest, Data: data, Expires: now.Add(orDefault(e.grant.CodeLifetime, defaultCode))}
	if err := e.server.Handles().PutHandle(ctx, now, record); err != nil {
		return "", cannotTell(err)
	}
	if spend != nil {
		if err := e.server.Spend(ctx, now, *spend); err != nil {
			if replayed, ok := errors.AsType[*replay.ReplayedError](err); ok {
				return "", &avouch.Error{Code: invalidRequestURI, Description: "the pushed request was used before", Err: replayed}
			}
			return "", err
		}
	}
	ev.Subject, ev.Scopes, ev.Audience = consent.Subject, slices.Clone(consent.Scopes), slices.Clone(consent.Resources)
	return a.answered(e.server.Issuer(), text), nil
}
