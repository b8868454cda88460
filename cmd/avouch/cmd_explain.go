package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/url"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/avouch-oauth/avouch/admin"
	"github.com/avouch-oauth/avouch/assertion"
	"github.com/avouch-oauth/avouch/grant"
)

const assertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

func (a *app) explainCommand() *cobra.Command {
	var dev bool
	var as, clientID, rule string
	c := &cobra.Command{
		Use: "explain [FILE]", Short: "Say of an assertion, check by check, why the server accepts or refuses it", Args: atMostOne("a file with the assertion"),
		Long: `Runs every check of an assertion against the state of the server and says what each found, what it wanted, and what
to do where the miss is near. Nothing is spent: whether the assertion was used before is not looked at.

The assertion is read from FILE, or from standard input. Exit code 0 means that it would be accepted, 3 that it would
be refused.`,
		Example: "  avouch explain assertion.jwt\n  avouch explain --as client -o json < assertion.jwt",
		RunE: func(c *cobra.Command, args []string) error {
			name := "-"
			if len(args) > 0 {
				name = args[0]
			}
			text, err := a.readInput(name)
			if err != nil {
				return err
			}
			w, server, err := a.explainer(c.Context(), dev)
			if err != nil {
				return err
			}
			defer w.Close()
			reports, err := server.explain(c.Context(), explainInput{
				token: strings.TrimSpace(string(text)), as: as, clientID: clientID, rule: rule, now: time.Now(),
			})
			if err != nil {
				return err
			}
			return a.printReports(reports)
		},
	}
	c.Flags().BoolVar(&dev, "dev", false, "the server of \"serve --dev\" in this folder")
	c.Flags().StringVar(&as, "as", "", "what it is sent as: grant or client (default: whichever finds out who it is from)")
	c.Flags().StringVar(&clientID, "client", "", "client that authenticates beside a grant")
	c.Flags().StringVar(&rule, "rule", "", "rule that the request names")
	return c
}

// explainer wires the server to the store for explaining: nothing is written, nothing listens.
func (a *app) explainer(ctx context.Context, dev bool) (*wired, *authorizationServer, error) {
	conf, err := a.loadBeside(dev)
	if err != nil {
		return nil, nil, err
	}
	if err := conf.Validate(); err != nil {
		return nil, nil, err
	}
	w, err := a.open(ctx, conf, false, nil)
	if err != nil {
		return nil, nil, err
	}
	log := slog.New(slog.DiscardHandler)
	live, err := w.admin.Live(ctx, admin.LiveOptions{ReadOnly: true})
	if err != nil {
		return nil, nil, errors.Join(err, w.Close())
	}
	server, err := newAuthorizationServer(conf, live, replayGuard(conf, w.store), log, nil)
	if err != nil {
		return nil, nil, errors.Join(err, w.Close())
	}
	return w, server, nil
}

type explainInput struct {
	token, as, clientID, rule string
	now                       time.Time
}

// explain runs every check of an assertion. Where nobody says what it is sent as, the way that finds out who it is
// from is told; where both do, the one that it was made for comes first.
func (s *authorizationServer) explain(ctx context.Context, in explainInput) ([]*assertion.Report, error) {
	if in.token == "" {
		return nil, usagef("there is nothing to explain: the assertion is empty")
	}
	var reports []*assertion.Report
	if in.as == "" || in.as == "client" {
		req, err := s.Request(url.Values{
			"grant_type": {grantClientCredentials}, "client_assertion_type": {assertionType}, "client_assertion": {in.token},
		}, in.now)
		if err != nil {
			return nil, err
		}
		if alg, ok := assertion.UnverifiedAlgorithm(in.token); ok && strings.HasPrefix(string(alg), "HS") {
			reports = append(reports, s.secretJWT.Explain(ctx, req))
		} else {
			reports = append(reports, s.privateKeyJWT.Explain(ctx, req))
		}
	}
	if in.as == "" || in.as == "grant" {
		form := url.Values{"grant_type": {grantJWTBearer}, "assertion": {in.token}}
		if in.rule != "" {
			form.Set(grant.RuleParameter, in.rule)
		}
		req, err := s.Request(form, in.now)
		if err != nil {
			return nil, err
		}
		if in.clientID != "" {
			client, err := s.live.Client(ctx, in.clientID)
			if err != nil {
				return nil, err
			}
			if client == nil {
				return nil, &codedError{exitNotFound, fmt.Errorf("there is no client %q", in.clientID)}
			}
			req.Client = client
		}
		reports = append(reports, s.jwtBearer.Explain(ctx, req))
	}
	if reports == nil {
		return nil, usagef("--as %q is neither grant nor client", in.as)
	}
	return likelier(reports), nil
}

// likelier leaves, of two reports, the one that got further.
func likelier(reports []*assertion.Report) []*assertion.Report {
	best := reports[0]
	for _, r := range reports[1:] {
		if passedChecks(r) > passedChecks(best) {
			best = r
		}
	}
	return []*assertion.Report{best}
}

// passedChecks counts the checks up to the first that did not pass.
func passedChecks(r *assertion.Report) (n int) {
	if r.Accepted {
		return 1 << 20
	}
	for _, f := range r.Findings {
		if f.Outcome != assertion.Passed {
			return n
		}
		n++
	}
	return n
}

func (a *app) printReports(reports []*assertion.Report) error {
	var err error
	for _, r := range reports {
		if a.forPeople() {
			writeReport(a.stdout, r, a.color(a.stdout))
		} else if err = a.print(r, table{rows: [][]string{{fmt.Sprint(r.Accepted)}}}); err != nil {
			return err
		}
		if !r.Accepted {
			err = &codedError{exitDenied, errors.New("")}
		}
	}
	return err
}

// writeReport writes a report for a person: what the assertion says, every check, and the verdict.
func writeReport(w io.Writer, r *assertion.Report, color bool) {
	paint := func(code, text string) string {
		if !color {
			return text
		}
		return code + text + reset
	}
	said := "says of itself"
	if !r.Verified {
		said = "says of itself (nobody has vouched for it)"
	}
	fmt.Fprintf(w, "%s\n", paint(bold, said))
	for _, s := range []struct{ name, value string }{
		{"alg", r.Says.Algorithm}, {"typ", r.Says.Type}, {"kid", r.Says.KeyID}, {"iss", r.Says.Issuer}, {"sub", r.Says.Subject},
		{"aud", r.Says.Audience}, {"exp", shown(r.Says.Expires, r.Time)}, {"iat", shown(r.Says.IssuedAt, r.Time)},
		{"nbf", shown(r.Says.NotBefore, r.Time)}, {"jti", r.Says.ID},
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
