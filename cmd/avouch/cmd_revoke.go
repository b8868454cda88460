package main

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/avouch-oauth/avouch/grant"
	"github.com/avouch-oauth/avouch/handle"
	"github.com/avouch-oauth/avouch/keys"
	"github.com/avouch-oauth/avouch/storage"
	"github.com/avouch-oauth/avouch/token"
)

func (a *app) revokeCommand() *cobra.Command {
	var dev bool
	c := &cobra.Command{
		Use: "revoke [FILE]", Short: "End a token, and all that was issued on the same consent", Args: atMostOne("a file with the token"),
		Long: `Reads an access token or a refresh token from FILE or standard input, whoever's it is, and ends it. Where a user has
consented to it, all that was issued on his consent ends with it: refresh tokens, and access tokens for those who ask by
introspection. Running servers know at once. An API that verifies tokens by itself takes an access token until it expires.

To end all that a user or a client has, disable the one or the other.`,
		Example: "  avouch revoke token.txt",
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
			now := time.Now()
			found, err := issued(c.Context(), now, w.store, token.Verifier{
				Issuer: w.conf.Issuer, Keys: server.live.PublicKeys(now), Algorithms: []keys.Algorithm{keys.ES256, keys.EdDSA, keys.RS256, keys.PS256}, AnyAudience: true,
			}, strings.TrimSpace(string(text)))
			if err != nil {
				return err
			}
			ended, err := end(c.Context(), now, w.store, found)
			if err != nil {
				return err
			}
			what := map[string]string{"token": "this access token", "consent": "all that was issued on the same consent"}
			return a.print(map[string]any{"revoked": ended, "client_id": found.ClientID, "sub": found.Subject, "scope": strings.Join(found.Scopes, " ")}, table{
				name: ended,
				rows: [][]string{{"revoked", what[ended]}, {"client", found.ClientID}, {"subject", found.Subject}, {"scopes", strings.Join(found.Scopes, " ")}},
			})
		},
	}
	c.Flags().BoolVar(&dev, "dev", false, "the server of \"serve --dev\" in this folder")
	return c
}

// issued is what the server has said in a token, or of it. What it cannot have issued ends nothing: whoever hands a token
// to an operator may have made it up.
func issued(ctx context.Context, now time.Time, store storage.Store, v token.Verifier, text string) (*token.Claims, error) {
	if text == "" {
		return nil, usagef("there is no token: avouch revoke FILE, or on standard input")
	}
	if !strings.Contains(text, ".") {
		c, _, err := new(grant.RefreshToken).Lookup(ctx, store, now, text)
		if err == nil && c == nil {
			err = &codedError{exitNotFound, errors.New("no refresh token like this is there: it is unknown, or has expired; nothing was revoked")}
		}
		return c, err
	}
	c, err := v.Verify(ctx, now, text)
	if refused, ok := errors.AsType[*token.Error](err); ok && refused.Fault == token.Expired {
		return nil, &codedError{exitNotFound, errors.New("the access token has expired; nothing was revoked: a refresh token beside it ends what it was issued with")}
	} else if ok {
		return nil, &codedError{exitNotFound, errors.New("this server has issued no such access token; nothing was revoked: " + refused.Error())}
	}
	return c, err
}

// end revokes a token, or the consent that it rests on.
func end(ctx context.Context, now time.Time, store storage.Store, c *token.Claims) (ended string, err error) {
	if c.Origin.Family != "" {
		return "consent", handle.EndFamily(ctx, store, now, c.Origin.Family)
	}
	const remember = 2 * time.Minute // longer than it lives: clocks of other processes may be behind
	return "token", store.Revoke(ctx, now, c.Expires.Add(remember), handle.TokenID(c.ID))
}
