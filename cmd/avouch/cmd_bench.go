package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/avouch-oauth/avouch/assertion"
	"github.com/avouch-oauth/avouch/keys"
)

func (a *app) benchCommand() *cobra.Command {
	var f tokenFlags
	var requests, connections int
	c := &cobra.Command{
		Use: "bench", Short: "Measure how many tokens a second a server gives", Args: noArgs,
		Long: `Signs assertions in advance, each good for one request, then sends them to the token endpoint over a number of
connections and says how many were answered a second, and how fast. Signing is not part of what is measured.`,
		Example: "  avouch bench --dev --requests 20000 --connections 16",
		RunE: func(c *cobra.Command, _ []string) error {
			if err := f.complete(a); err != nil {
				return err
			}
			if f.whole != nil {
				return usagef("whose key is it, and at which server? give --client and --issuer")
			}
			if requests < 1 || requests > 10_000_000 || connections < 1 || connections > 10_000 {
				return usagef("--requests must be between 1 and 10000000, --connections between 1 and 10000")
			}
			text, err := os.ReadFile(f.keyFile)
			if err != nil {
				return err
			}
			key, err := keys.ParsePrivate(text)
			if err != nil {
				return err
			}
			bodies, err := a.presign(c.Context(), key, f, requests)
			if err != nil {
				return err
			}
			tokenURL := orDefault(f.tokenURL, f.issuer+tokenPath)
			bar := newProgress(a.stderr, "asking", requests)
			result, err := newLoad(tokenURL, bodies, connections).run(c.Context(), bar.to)
			bar.done()
			if err != nil {
				return err
			}
			t := table{rows: [][]string{
				{"requests", fmt.Sprint(result.Requests)},
				{"a second", fmt.Sprintf("%.0f", result.PerSecond)},
				{"p50", fmt.Sprintf("%.2f ms", result.P50)},
				{"p99", fmt.Sprintf("%.2f ms", result.P99)},
				{"slowest", fmt.Sprintf("%.2f ms", result.Max)},
				{"answers", fmt.Sprint(result.Statuses)},
			}}
			if result.FirstBad != "" {
				t.note = "first refusal: " + result.FirstBad
			}
			if err := a.print(result, t); err != nil {
				return err
			}
			if result.Statuses["200"] != result.Requests {
				return &codedError{exitError, errors.New("not all requests were answered with a token")}
			}
			return nil
		},
	}
	flags := c.Flags()
	flags.BoolVar(&f.dev, "dev", false, "the demo client of \"serve --dev\" in this folder")
	flags.StringVar(&f.issuer, "issuer", "", "issuer `URL` (default: the configured one)")
	flags.StringVar(&f.tokenURL, "token-url", "", "token endpoint (default: the issuer's /oauth/token)")
	flags.StringVar(&f.clientID, "client", "", "`ID` of the client")
	flags.StringVar(&f.keyFile, "key", "", "`FILE` with its private key")
	flags.StringVar(&f.grantType, "grant", grantClientCredentials, "client_credentials or jwt-bearer")
	flags.StringVar(&f.subject, "subject", "", "with --grant jwt-bearer: who the token is to speak for")
	flags.IntVar(&requests, "requests", 10_000, "how many requests to send")
	flags.IntVar(&connections, "connections", 16, "over how many connections")
	return c
}

// presign makes the bodies of token requests, each with an assertion of its own.
func (a *app) presign(ctx context.Context, key *keys.Private, f tokenFlags, n int) ([]string, error) {
	bar := newProgress(a.stderr, "signing", n)
	defer bar.done()
	bodies := make([]string, n)
	for i := range bodies {
		claims := assertion.Claims{Issuer: f.clientID, Subject: f.clientID, Audience: f.issuer, Lifetime: 30 * time.Minute, Type: "client-authentication+jwt"}
		if f.grantType != grantClientCredentials {
			claims.Subject, claims.Type = f.subject, ""
		}
		signed, err := assertion.Sign(claims, key)
		if err != nil {
			return nil, err
		}
		form := authenticated(signed)
		if f.grantType != grantClientCredentials {
			form = url.Values{"grant_type": {grantJWTBearer}, "assertion": {signed}}
		}
		bodies[i] = form.Encode()
		bar.to(i + 1)
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
	}
	return bodies, nil
}
