package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/avouch-oauth/avouch"
	"github.com/avouch-oauth/avouch/admin"
	"github.com/avouch-oauth/avouch/assertion"
	"github.com/avouch-oauth/avouch/grant"
)

const assertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

func (a *app) explainCommand() *cobra.Command {
	var dev bool
	var as, clientID, rule, at string
	c := &cobra.Command{
		Use: "explain [FILE]", Short: "Say of an assertion, check by check, why the server accepts or refuses it", Args: atMostOne("a file with the assertion"),
		Long: `Runs every check of an assertion against the state of the server and says what each found, what it wanted, and what
to do where the miss is near. Nothing is spent: whether the assertion was used before is not looked at.

FILE, or standard input, has the assertion, or the body of the whole token request (grant_type=...&assertion=...): then
both the client's assertion and the grant are explained, as one request; the scopes and resources it asks for are not
looked at. An assertion that has expired since is judged as it was then with --at.

Exit code 0 means that it would be accepted, 3 that it would be refused.`,
		Example: `  avouch explain assertion.jwt
  avouch explain --at 2026-11-24T03:12:00Z assertion.jwt
  avouch explain --as client -o json < assertion.jwt
  avouch explain request-body.txt`,
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
			now, err := parsePast(at)
			if err != nil {
				return err
			}
			in := explainInput{as: as, clientID: clientID, rule: rule, now: now}
			form, err := formOf(string(text))
			if err != nil {
				return err
			}
			var x *explanation
			if form != nil {
				if as != "" || clientID != "" || rule != "" {
					return usagef("--as, --client and --rule are for an assertion alone: a whole request says by itself what it is")
				}
				x, err = server.explainRequest(c.Context(), form, now)
			} else {
				in.token = strings.TrimSpace(string(text))
				x, err = server.explainAssertion(c.Context(), in)
			}
			if err != nil {
				return err
			}
			hintUnknown(c.Context(), w.admin, x.reports)
			return a.printExplanation(x, form != nil)
		},
	}
	c.Flags().BoolVar(&dev, "dev", false, "the server of \"serve --dev\" in this folder")
	c.Flags().StringVar(&as, "as", "", "what it is sent as, grant or client (default: whichever finds out who it is from)")
	c.Flags().StringVar(&clientID, "client", "", "client that authenticates beside a grant")
	completeWords(c, "as", "grant", "client")
	a.completeFlag(c, "client", clientRecord())
	c.Flags().StringVar(&rule, "rule", "", "rule that the request names")
	a.completeFlag(c, "rule", ruleRecord())
	c.Flags().StringVar(&at, "at", "", "`TIME` of the request, as in the log, or how long ago, such as 20m (default: now); keys and rules are those of today")
	return c
}

// explainer wires the server to the store for explaining: nothing is written, nothing listens.
func (a *app) explainer(ctx context.Context, dev bool) (*wired, *authorizationServer, error) {
	conf, err := a.loadBeside(dev)
	if err != nil {
		return nil, nil, err
	}
	if conf.Issuer == "" {
		return nil, nil, usagef("which server? name its configuration by --config, or give --dev for the one of \"serve --dev\" in this folder")
	}
	if err := conf.Validate(); err != nil {
		return nil, nil, usage(err)
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
	server, err := newAuthorizationServer(conf, wiring{live: live, admin: w.admin, handles: w.store, guard: replayGuard(conf, w.store), log: log})
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
		reports = append(reports, s.explainClient(ctx, req))
	}
	if in.as == "" || in.as == "grant" {
		req, err := s.grantRequest(ctx, in)
		if err != nil {
			return nil, err
		}
		reports = append(reports, s.jwtBearer.Explain(ctx, req))
	}
	if reports == nil {
		return nil, usagef("--as %q is neither grant nor client", in.as)
	}
	return likelier(reports), nil
}

// grantRequest is the request that an assertion would be the grant of.
func (s *authorizationServer) grantRequest(ctx context.Context, in explainInput) (*avouch.Request, error) {
	form := url.Values{"grant_type": {grantJWTBearer}, "assertion": {in.token}}
	if in.rule != "" {
		form.Set(grant.RuleParameter, in.rule)
	}
	req, err := s.Request(form, in.now)
	if err != nil || in.clientID == "" {
		return req, err
	}
	client, err := s.live.Client(ctx, in.clientID)
	if err != nil {
		return nil, err
	}
	if client == nil {
		return nil, &codedError{exitNotFound, fmt.Errorf("there is no client %q", in.clientID)}
	}
	req.Client = client
	return req, nil
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
