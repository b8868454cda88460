package main

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/avouch-oauth/avouch"
	"github.com/avouch-oauth/avouch/assertion"
	"github.com/avouch-oauth/avouch/explain"
)

// printExplanation prints an explanation. The error is the verdict, for the exit code.
func (a *app) printExplanation(x *explain.Explanation, whole bool) error {
	var err error
	if a.forPeople() {
		a.writeExplanation(x, whole)
	} else {
		err = a.print(x, table{rows: [][]string{{fmt.Sprint(x.Accepted)}}})
	}
	if err == nil && !x.Accepted {
		err = &codedError{exitDenied, errors.New("")}
	}
	return err
}

func (a *app) writeExplanation(x *explain.Explanation, whole bool) {
	for i, r := range x.Reports {
		if i > 0 {
			fmt.Fprintln(a.stdout)
		}
		writeReport(a.stdout, r, a.color(a.stdout))
	}
	if whole || !x.Accepted && !refusedByReport(x) {
		if len(x.Reports) > 0 {
			fmt.Fprintln(a.stdout)
		}
		a.writeSteps(x)
	}
	if a.writeGives(x.Gives); x.Gives == nil && x.Client != "" {
		fmt.Fprintf(a.stdout, "%s\n  client   %s\n", a.painter()(bold, "authenticates"), printable(x.Client))
	}
}

// refusedByReport reports whether a report says already why the request is refused.
func refusedByReport(x *explain.Explanation) bool {
	return slices.ContainsFunc(x.Reports, func(r *assertion.Report) bool { _, refused := r.Refusal(); return refused })
}

// writeSteps writes the way of a request, and the verdict.
func (a *app) writeSteps(x *explain.Explanation) {
	paint := a.painter()
	fmt.Fprintln(a.stdout, paint(bold, "the request"))
	for _, s := range x.Steps {
		writeStep(a.stdout, s, paint)
	}
	if x.Accepted {
		fmt.Fprintln(a.stdout, paint(green, verdictOn(x)))
		return
	}
	refused := "refused: " + string(x.Error)
	if x.Description != "" {
		refused += ": " + printable(x.Description)
	}
	fmt.Fprintln(a.stdout, paint(red, refused))
}

func writeStep(w io.Writer, s avouch.Step, paint func(code, text string) string) {
	line := "  " + mark(assertion.Outcome(s.Outcome), paint) + "  " + s.Name
	if s.Outcome == avouch.StepNotTried || s.Outcome == avouch.StepNotAsked {
		line += ": " + string(s.Outcome)
	}
	fmt.Fprintln(w, line)
	switch {
	case s.Detail == "":
	case s.Outcome == avouch.StepFailed:
		fmt.Fprintf(w, "          %s  %s\n", paint(dim, "why "), printable(s.Detail))
	default:
		fmt.Fprintf(w, "          %s\n", paint(dim, printable(s.Detail)))
	}
}

// verdictOn is how an accepted request ends, with what it depends on.
func verdictOn(x *explain.Explanation) string {
	return "accepted" + unless(slices.ContainsFunc(x.Steps, notTried), len(x.Open) > 0)
}

func notTried(s avouch.Step) bool { return s.Outcome == avouch.StepNotTried }

// unless names what an explanation leaves open.
func unless(untried, unasked bool) string {
	switch {
	case untried:
		return " if the secret is right, unless it was used before"
	case unasked:
		return ", unless it was used before"
	}
	return ""
}

// writeGives writes what the request gets, or may ask for if it is refused.
func (a *app) writeGives(g *explain.Gives) {
	if g == nil {
		return
	}
	paint := a.painter()
	title := "gives"
	if g.ExpiresIn == 0 { // refused
		title = "is for"
	}
	fmt.Fprintln(a.stdout, paint(bold, title))
	subject := g.Subject
	if g.Nobody {
		subject = "nobody: the client itself"
	}
	lives, refresh := "", ""
	if g.ExpiresIn > 0 {
		lives = (time.Duration(g.ExpiresIn) * time.Second).String()
	}
	if g.Refresh {
		refresh = "a refresh token, too"
	}
	for _, s := range []struct{ name, value string }{
		{"client ", orDefault(g.Client, "the one that authenticates")}, {"subject", subject}, {"scope  ", scopesOf(g)},
		{"aud    ", audienceOf(g)}, {"lives  ", lives}, {"and    ", refresh}, {"rule   ", g.Rule}, {"consent", g.Consent},
	} {
		if s.value != "" {
			fmt.Fprintf(a.stdout, "  %s  %s\n", s.name, printable(s.value))
		}
	}
}

// scopesOf says which scopes the token has, and which may be asked for.
func scopesOf(g *explain.Gives) string {
	m := &g.MayAsk
	switch {
	case g.Scope != "" && g.Scope == m.Scope:
		return g.Scope
	case g.Scope != "":
		return g.Scope + "; may ask for " + m.Scope
	case m.Scope != "" && g.ExpiresIn > 0:
		return "none, because none is asked for and there is no default; may ask for " + m.Scope
	case m.Scope != "":
		return "may ask for " + m.Scope
	case m.GrantScopes != nil && m.ClientScopes != nil:
		return "none: the grant is for " + orDefault(strings.Join(m.GrantScopes, " "), "none") + ", and the client for " + strings.Join(m.ClientScopes, " ")
	}
	return "none"
}

// audienceOf says which audience the token has, and what else may be asked for.
func audienceOf(g *explain.Gives) string {
	if len(g.Audience) == 0 {
		if len(g.MayAsk.Resources) == 0 {
			return ""
		}
		return "may ask for " + strings.Join(g.MayAsk.Resources, " ")
	}
	has := strings.Join(g.Audience, " ")
	if others := slices.DeleteFunc(slices.Clone(g.MayAsk.Resources), func(r string) bool { return slices.Contains(g.Audience, r) }); len(others) > 0 {
		has += "; may ask for " + strings.Join(others, " ")
	}
	return has
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
	case !refused:
		fmt.Fprintf(w, "%s\n", paint(green, "accepted"+unless(r.Untried, true)))
	case refusal.Reason != "":
		fmt.Fprintf(w, "%s\n", paint(red, "refused: "+string(refusal.Reason)))
	default:
		fmt.Fprintf(w, "%s\n", paint(red, "refused"))
	}
}

// mark is what stands before a check or a step.
func mark(o assertion.Outcome, paint func(code, text string) string) string {
	switch o {
	case assertion.Passed:
		return paint(green, "ok  ")
	case assertion.Failed:
		return paint(red, "FAIL")
	case assertion.Undecided:
		return paint(yellow, "?   ")
	case assertion.NotTried, assertion.Outcome(avouch.StepNotAsked):
		return paint(yellow, "open")
	}
	return paint(dim, "-   ")
}

func writeFinding(w io.Writer, f assertion.Finding, paint func(code, text string) string) {
	line := "  " + mark(f.Outcome, paint) + "  " + f.Check
	if f.Reason != "" && f.Outcome != assertion.Passed {
		line += ": " + string(f.Reason)
	}
	if f.Outcome == assertion.NotTried {
		line += ": " + string(f.Outcome)
	}
	fmt.Fprintln(w, line)
	if f.Outcome != assertion.Failed && f.Outcome != assertion.Undecided {
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
