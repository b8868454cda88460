package main

import (
	"strings"

	"github.com/spf13/cobra"

	"github.com/avouch-oauth/avouch/admin"
)

func (a *app) revokeCommand() *cobra.Command {
	var dev bool
	var consent string
	c := &cobra.Command{
		Use: "revoke [FILE]", Short: "End a token, and all that was issued on the same consent", Args: atMostOne("a file with the token"),
		Long: `Reads an access token or a refresh token from FILE or standard input, whoever's it is, and ends it. If a user has
consented to it, everything that was issued on the consent ends with it: refresh tokens, and access tokens for APIs that
ask by introspection. Running servers know at once. An API that verifies tokens by itself accepts an access token until it
expires.

--consent NAME ends a consent by its name, which its access tokens have in the claim avouch_origin. No list of consents is
kept, so the name is not checked.

To end everything that a user or a client has, disable the user or the client.`,
		Example: `  avouch revoke token.txt
  avouch revoke --consent KQ3SVBJ5YYIRNXHKBPKR7ZVYE4`,
		RunE: func(c *cobra.Command, args []string) error {
			byName := c.Flags().Changed("consent")
			if byName && len(args) > 0 {
				return usagef("give either a token in a file or --consent NAME, not both")
			}
			text := ""
			if !byName {
				name := "-"
				if len(args) > 0 {
					name = args[0]
				}
				content, err := a.readInput(name)
				if err != nil {
					return err
				}
				if text = strings.TrimSpace(string(content)); text == "" {
					return usagef("there is no token: avouch revoke FILE, or on standard input")
				}
			}
			conf, err := a.loadBeside(dev)
			if err != nil {
				return err
			}
			if conf.Issuer == "" && strings.Contains(text, ".") { // an access token, which names its issuer
				return usagef("which server? name its configuration by --config, or give --dev for the one of \"serve --dev\" in this folder")
			}
			w, err := a.open(c.Context(), conf, false, nil)
			if err != nil {
				return err
			}
			defer w.Close()
			var revoked *admin.RevokeResult
			if byName {
				revoked, err = w.admin.RevokeConsent(c.Context(), consent)
			} else {
				revoked, err = w.admin.RevokeToken(c.Context(), text)
			}
			if err != nil {
				return err
			}
			what := map[string]string{"token": "this access token", "consent": "all that was issued on the same consent"}
			t := table{name: revoked.ID, rows: [][]string{{"revoked", what[revoked.Revoked]}, {revoked.Revoked, visible(revoked.ID)}}}
			t.rowIf("client", visible(revoked.ClientID))
			t.rowIf("subject", visible(revoked.Subject))
			t.rowIf("scopes", visible(revoked.Scope))
			return a.print(revoked, t)
		},
	}
	c.Flags().BoolVar(&dev, "dev", false, "the server of \"serve --dev\" in this folder")
	c.Flags().StringVar(&consent, "consent", "", "end the consent of this `NAME`, instead of a token")
	return c
}
