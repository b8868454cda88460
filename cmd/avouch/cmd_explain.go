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
	"github.com/avouch-oauth/avouch/explain"
	"github.com/avouch-oauth/avouch/grant"
)

// explainInput is what explain is asked about.
type explainInput struct {
	token string     // an assertion alone; or
	form  url.Values // the form of a whole request

	as       string // what the assertion is sent as: grant, client, or "" for the one that was meant
	clientID string // client that authenticates by credentials that are not in it
	rule     string // rule that the request with the assertion names
	now      time.Time
}

func (a *app) explainCommand() *cobra.Command {
	var dev bool
	var in explainInput
	var at string
	c := &cobra.Command{
		Use: "explain [FILE]", Short: "Say why the server accepts or refuses an assertion or a token request", Args: atMostOne("a file with the assertion"),
		Long: `Asks the server of this configuration what it would answer, and says why: every check of an assertion, what it found,
what it wanted, and how to fix a near miss. Nothing is spent, counted or changed. No secret is compared, and whether
something was used before is not asked.

FILE, or standard input, has an assertion, or the body of a whole token request (grant_type=...). A whole request is
decided as the server would: client, grant, scope, resource and consent included. An assertion that has expired since is
judged as it was then with --at.

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
			if in.form, err = formOf(string(text)); err != nil {
				return err
			}
			in.token = strings.TrimSpace(string(text))
			if in.now, err = parsePast(at); err != nil {
				return err
			}
			w, server, err := a.explainer(c.Context(), dev)
			if err != nil {
				return err
			}
			defer w.Close()
			x, err := server.explain(c.Context(), in)
			if err != nil {
				return err
			}
			hintUnknown(c.Context(), w.admin, x.Reports)
			return a.printExplanation(x, in.form != nil)
		},
	}
	c.Flags().BoolVar(&dev, "dev", false, "the server of \"serve --dev\" in this folder")
	c.Flags().StringVar(&in.as, "as", "", "what an assertion is sent as, grant or client (default: whichever finds out who it is from)")
	c.Flags().StringVar(&in.clientID, "client", "", "client that authenticates beside it, such as by an Authorization header")
	completeWords(c, "as", "grant", "client")
	a.completeFlag(c, "client", clientRecord())
	c.Flags().StringVar(&in.rule, "rule", "", "rule that the request with an assertion names")
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
	server, err := newAuthorizationServer(conf, wiring{live: live, admin: w.admin, handles: w.store, guard: replayGuard(conf, w.store), log: log, dev: dev})
	if err != nil {
		return nil, nil, errors.Join(err, w.Close())
	}
	return w, server, nil
}

// explain asks the server about an assertion or a whole request.
func (s *authorizationServer) explain(ctx context.Context, in explainInput) (*explain.Explanation, error) {
	client, err := s.explainedClient(ctx, in)
	if err != nil {
		return nil, err
	}
	if in.form != nil {
		return s.explainer.Request(ctx, in.form, client, in.now)
	}
	if in.token == "" {
		return nil, usagef("there is nothing to explain: the assertion is empty")
	}
	more := url.Values{}
	if in.rule != "" {
		more.Set(grant.RuleParameter, in.rule)
	}
	switch in.as {
	case "client":
		return s.explainer.ClientAssertion(ctx, in.token, in.now)
	case "grant":
		return s.explainer.Grant(ctx, in.token, more, client, in.now)
	case "":
		asClient, err := s.explainer.ClientAssertion(ctx, in.token, in.now)
		if err != nil {
			return nil, err
		}
		asGrant, err := s.explainer.Grant(ctx, in.token, more, client, in.now)
		return explain.Further(asClient, asGrant), err
	}
	return nil, usagef("--as %q is neither grant nor client", in.as)
}

// explainedClient is the client that --client names. A request that says by itself who sends it takes none.
func (s *authorizationServer) explainedClient(ctx context.Context, in explainInput) (*avouch.Client, error) {
	if in.form != nil && (in.as != "" || in.rule != "") {
		return nil, usagef("--as and --rule are for an assertion alone: a whole request says by itself what it is")
	}
	if in.clientID == "" {
		return nil, nil
	}
	if in.form.Has("client_secret") || in.form.Has("client_assertion") {
		return nil, usagef("--client is for a client whose credentials are not in the file: this request has some")
	}
	client, err := s.live.Client(ctx, in.clientID)
	if err != nil {
		return nil, err
	}
	if client == nil {
		return nil, &codedError{exitNotFound, fmt.Errorf("there is no client %q", in.clientID)}
	}
	return client, nil
}
