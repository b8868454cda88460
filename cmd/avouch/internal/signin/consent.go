package signin

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"

	"github.com/avouch-oauth/avouch/grant"
	"github.com/avouch-oauth/avouch/internal/pages"
)

// consent is the page that asks.
func (s *SignIn) consent(w http.ResponseWriter, ses *session, q *grant.Question, place, problem string) {
	p := &pages.Page{
		Title:       "Allow access?",
		Client:      clientName(q),
		Text:        []string{"This program asks to act for you. If you allow it, it can do what is listed here, and nothing else.", "Whatever you decide, you are sent back to it."},
		Scopes:      q.Scopes,
		ScopesTitle: "What it asks for",
		ScopeTexts:  s.conf.ScopeTexts,
		Facts:       []pages.Fact{{Name: "Program's id", Value: q.Client.ID}},
		Warning:     "The name of a program can be made up. Go on only if you have just started this yourself.",
		Form: &pages.Form{
			Action:  place, // the page may have come in answer to a form that was posted to another URL of the endpoint
			Problem: problem,
			Hidden:  []pages.Hidden{{Name: "proof", Value: ses.proof(seen(ses, q, place))}},
			Buttons: []pages.Button{{Text: "Allow", Name: "decision", Value: "allow"}, {Text: "Deny", Name: "decision", Value: "deny", Quiet: true}},
		},
		Links:      []pages.Link{{Text: "Not you? Sign in as someone else", URL: s.way(place, true, "")}},
		FormTarget: pages.FormTarget(q.RedirectURI),
	}
	if problem != "" {
		p.Status = http.StatusBadRequest
	}
	if len(q.Scopes) == 0 {
		p.Text[0] = "This program asks who you are. If you allow it, it learns your id here, and may do nothing else."
	}
	if q.RedirectURI == "" {
		p.Title = "Allow a device access?"
		p.Text[1] = "Whatever you decide, the device learns it by itself."
		p.Facts = append(p.Facts, pages.Fact{Name: "Device code", Value: q.UserCode, Code: true})
		p.Warning = "Go on only if the device is in front of you and shows this code. Somebody who sends you a code wants your access for himself."
	} else {
		p.Facts = append(p.Facts, pages.Fact{Name: "Leads you to", Value: destination(q.RedirectURI)})
	}
	for _, resource := range q.Resources {
		p.Facts = append(p.Facts, pages.Fact{Name: "Works with", Value: resource})
	}
	p.Facts = append(p.Facts, pages.Fact{Name: "Signed in as", Value: ses.who()})
	s.write(w, p)
}

// seen is everything that somebody who decides has seen, and where: the proof of a form is made of it.
func seen(ses *session, q *grant.Question, place string) string {
	text, err := json.Marshal([]any{"consent", ses.Subject, place, q.Client.ID, q.Client.Name, q.RedirectURI, q.UserCode, q.Scopes, q.Resources})
	if err != nil {
		return "" // strings only: it cannot be
	}
	return string(text)
}

// clientName is what a client is called.
func clientName(q *grant.Question) string {
	if strings.TrimSpace(q.Client.Name) == "" {
		return q.Client.ID
	}
	return q.Client.Name
}

// destination is where a redirect URI leads, as people may recognise it.
func destination(redirectURI string) string {
	u, err := url.Parse(redirectURI)
	switch {
	case err != nil || u.Scheme == "":
		return redirectURI
	case u.Scheme != "https" && u.Scheme != "http":
		return "an app on this device (" + u.Scheme + ":)"
	case u.Hostname() == "localhost" || u.Hostname() == "127.0.0.1" || u.Hostname() == "::1":
		return "a program on this computer (" + u.Host + ")"
	}
	return u.Host
}

// who says who is signed in: the name that the upstream gives is for people, and the subject is what counts.
func (ses *session) who() string {
	if ses.Name == "" {
		return ses.Subject
	}
	return ses.Name + " (" + ses.Subject + ")"
}
