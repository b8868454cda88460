package main

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/avouch-oauth/avouch/assertion"
)

// given is what a token would be like.
type given struct {
	Client       string   `json:"client_id,omitempty"`
	Subject      string   `json:"sub,omitempty"`
	Nobody       bool     `json:"nobody,omitempty"` // the token speaks for the client itself
	Scope        string   `json:"scope,omitempty"`  // the ceiling
	DefaultScope string   `json:"default_scope,omitempty"`
	NoScope      string   `json:"no_scope,omitempty"` // why there is none that it may ask for
	Audiences    []string `json:"audiences,omitempty"`
}

// given tells what the request gets, where it gets something; nil otherwise.
func (x *explanation) given() *given {
	switch {
	case !x.accepted():
		return nil
	case x.gives != nil:
		g := &given{Client: x.gives.ClientID, Subject: x.gives.Subject, Nobody: x.gives.Subject == "", Audiences: x.gives.Audiences}
		ceiling, byDefault := x.gives.Scopes, x.gives.DefaultScopes
		if x.gives.Asserted != nil {
			byDefault = x.gives.Asserted
		}
		if c := x.client; c != nil {
			g.Client = c.ID
			ceiling = within(ceiling, c.Scopes)
			if byDefault == nil {
				byDefault = c.DefaultScopes
			}
			if g.Audiences == nil {
				g.Audiences = c.Audiences
			}
		}
		g.Scope = strings.Join(ceiling, " ")
		if byDefault != nil { // none is asked for: what is named, never the ceiling
			g.DefaultScope = strings.Join(within(byDefault, ceiling), " ")
		}
		if x.gives.Scopes != nil && g.Scope == "" && x.client != nil {
			g.NoScope = "the grant is for " + quoteList(x.gives.Scopes) + ", and the client for " + quoteList(x.client.Scopes)
		}
		return g
	case x.client != nil:
		return &given{Client: x.client.ID, Nobody: true, Scope: strings.Join(x.client.Scopes, " "),
			DefaultScope: strings.Join(x.client.DefaultScopes, " "), Audiences: x.client.Audiences}
	}
	return nil
}

// printExplanation prints the reports and what follows from them. The error is the verdict, for the exit code.
func (a *app) printExplanation(x *explanation, whole bool) error {
	refused := ""
	if x.refused != nil {
		refused = refusalText(x.refused)
	}
	var err error
	switch {
	case a.forPeople():
		a.writeExplanation(x, refused)
	case whole:
		err = a.print(struct {
			Accepted bool                `json:"accepted"`
			Refused  string              `json:"refused,omitempty"`
			Reports  []*assertion.Report `json:"reports"`
			Gives    *given              `json:"gives,omitempty"`
		}{x.accepted(), refused, x.reports, x.given()}, table{rows: [][]string{{fmt.Sprint(x.accepted())}}})
	default:
		err = a.print(struct {
			*assertion.Report
			Refused string `json:"refused,omitempty"`
			Gives   *given `json:"gives,omitempty"`
		}{x.reports[0], refused, x.given()}, table{rows: [][]string{{fmt.Sprint(x.accepted())}}})
	}
	if err == nil && !x.accepted() {
		err = &codedError{exitDenied, errors.New("")}
	}
	return err
}

func (a *app) writeExplanation(x *explanation, refused string) {
	paint := a.painter()
	for i, r := range x.reports {
		if i > 0 {
			fmt.Fprintln(a.stdout)
		}
		writeReport(a.stdout, r, a.color(a.stdout))
	}
	if refused != "" {
		fmt.Fprintln(a.stdout, paint(red, "refused: "+refused))
	}
	g := x.given()
	if g == nil {
		return
	}
	fmt.Fprintln(a.stdout, paint(bold, "gives"))
	subject := g.Subject
	if g.Nobody {
		subject = "nobody: the client itself"
	}
	for _, s := range []struct{ name, value string }{
		{"client ", orDefault(g.Client, "the one that authenticates")}, {"subject", subject}, {"scope  ", withinScope(g)}, {"aud    ", strings.Join(g.Audiences, " ")},
	} {
		if s.value != "" {
			fmt.Fprintf(a.stdout, "  %s  %s\n", s.name, s.value)
		}
	}
}

// withinScope is which scopes may be asked for, and which come by themselves.
func withinScope(g *given) string {
	switch {
	case g.NoScope != "":
		return "none: " + g.NoScope
	case g.Scope == "":
		return "none"
	case g.DefaultScope == "":
		return "within " + g.Scope + ", none unless asked for"
	}
	return "within " + g.Scope + ", and where none is asked for " + g.DefaultScope
}

// within are those of list that ceiling has; a nil list is all of them.
func within(list, ceiling []string) []string {
	if list == nil {
		return ceiling
	}
	return slices.DeleteFunc(slices.Clone(list), func(s string) bool { return !slices.Contains(ceiling, s) })
}

// quoteList is a list of scopes in a sentence.
func quoteList(scopes []string) string {
	if len(scopes) == 0 {
		return "none"
	}
	return strings.Join(scopes, " ")
}

// writeReport writes a report for a person: what the assertion says, every check, and the verdict.
func writeReport(w io.Writer, r *assertion.Report, color bool) {
	paint := painter(color)
	said := "says of itself"
	if !r.Verified {
		said = "says of itself (nobody has vouched for it)"
	}
	fmt.Fprintf(w, "%s\n", paint(bold, said))
	for _, s := range []struct{ name, value string }{
		{"alg", r.Says.Algorithm}, {"typ", r.Says.Type}, {"kid", r.Says.KeyID}, {"iss", r.Says.Issuer}, {"sub", r.Says.Subject},
		{"aud", r.Says.Audience}, {"exp", shown(r.Says.Expires, r.Time)}, {"iat", shown(r.Says.IssuedAt, r.Time)},
		{"nbf", shown(r.Says.NotBefore, r.Time)}, {"jti", r.Says.ID},
		{"and", strings.Join(r.Says.Others, ", ")},
	} {
		if s.value != "" {
			fmt.Fprintf(w, "  %s  %s\n", s.name, s.value)
		}
	}
	fmt.Fprintf(w, "%s\n", paint(bold, "checks, as "+purposeName(r.Purpose)))
	for _, f := range r.Findings {
		writeFinding(w, f, paint)
	}
	switch refusal, refused := r.Refusal(); {
	case r.Accepted:
		fmt.Fprintf(w, "%s\n", paint(green, "accepted, unless it was used before"))
	case refused && refusal.Reason != "":
		fmt.Fprintf(w, "%s\n", paint(red, "refused: "+string(refusal.Reason)))
	default:
		fmt.Fprintf(w, "%s\n", paint(red, "refused"))
	}
}

func writeFinding(w io.Writer, f assertion.Finding, paint func(code, text string) string) {
	marks := map[assertion.Outcome]string{
		assertion.Passed:    paint(green, "ok  "),
		assertion.Failed:    paint(red, "FAIL"),
		assertion.Skipped:   paint(dim, "-   "),
		assertion.Undecided: paint(yellow, "?   "),
	}
	line := "  " + marks[f.Outcome] + "  " + f.Check
	if f.Reason != "" && f.Outcome != assertion.Passed {
		line += ": " + string(f.Reason)
	}
	fmt.Fprintln(w, line)
	if f.Outcome == assertion.Passed || f.Outcome == assertion.Skipped {
		return
	}
	for _, d := range []struct{ label, text string }{{"seen", f.Seen}, {"want", f.Want}, {"why ", f.Cause}, {"hint", f.Hint}} {
		if d.text != "" {
			fmt.Fprintf(w, "          %s  %s\n", paint(dim, d.label), d.text)
		}
	}
}

func purposeName(p assertion.Purpose) string {
	if p == assertion.ClientAuthentication {
		return "client authentication"
	}
	return "authorization grant"
}

// shown is a time and how far it is from now.
func shown(t, now time.Time) string {
	if t.IsZero() {
		return ""
	}
	d := t.Sub(now).Round(time.Second)
	switch {
	case d > 0:
		return moment(t, "") + " (in " + d.String() + ")"
	case d < 0:
		return moment(t, "") + " (" + (-d).String() + " ago)"
	}
	return moment(t, "") + " (now)"
}

// firstFailure is the line that matters most of a report.
func firstFailure(r *assertion.Report) string {
	f, refused := r.Refusal()
	if !refused {
		return "accepted, unless it was used before"
	}
	text := string(f.Reason)
	if f.Seen != "" {
		text += "; seen " + f.Seen
	}
	if f.Want != "" {
		text += "; want " + f.Want
	}
	if f.Hint != "" {
		text += "; " + f.Hint
	}
	return text
}
