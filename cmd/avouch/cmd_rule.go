package main

import (
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/avouch-oauth/avouch/admin"
)

func (a *app) ruleCommand() *cobra.Command {
	c := asGroup(&cobra.Command{Use: "rule", Short: "What the assertions of an issuer are worth"})
	c.AddCommand(
		a.ruleAddCommand(),
		&cobra.Command{
			Use: "list", Short: "List rules", Args: noArgs,
			RunE: a.onStore(func(c *cobra.Command, w *wired, _ []string) error {
				list, err := w.admin.Rules(c.Context())
				if err != nil {
					return err
				}
				t := table{head: []string{"NAME", "OF", "SUBJECT", "AS CLIENT", "AS SUBJECT", "SCOPE", "STATE"}}
				for _, r := range list {
					t.rows = append(t.rows, ruleRow(r))
				}
				if len(list) == 0 {
					t.note = "no rules yet: avouch rule add NAME --issuer ISSUER --subject SUB --as-client CLIENT"
				}
				return a.print(list, t)
			}),
		},
		showCommand(a, ruleRecord(), "Show one rule", (*admin.Admin).Rule, ruleDetails),
		switchCommand(a, ruleRecord(), "disable", "Take a rule out of force, at once", (*admin.Admin).DisableRule),
		switchCommand(a, ruleRecord(), "enable", "Put a rule back into force", (*admin.Admin).EnableRule),
		removeCommand(a, ruleRecord(), "Remove a rule", (*admin.Admin).RemoveRule),
	)
	return c
}

func (a *app) ruleAddCommand() *cobra.Command {
	var meta admin.RuleMetadata
	var scope, defaultScope []string
	var lifetime time.Duration
	c := &cobra.Command{
		Use: "add NAME", Short: "Say what one subject of an issuer gets", Args: exactly(1, "a name for the rule"),
		Example: `  avouch rule add deploys --issuer github --subject repo:acme/shop:ref:refs/heads/main --as-client deployer --scope deploy:run
  avouch rule add batch --client billing --subject alice --scope invoices:read`,
		RunE: a.onStore(func(c *cobra.Command, w *wired, args []string) error {
			meta.Name = args[0]
			meta.Scope, meta.DefaultScope = strings.Join(scope, " "), strings.Join(defaultScope, " ")
			meta.TokenLifetime = admin.Duration(lifetime)
			r, err := w.admin.AddRule(c.Context(), meta)
			if err != nil {
				return err
			}
			return a.print(r, ruleDetails(r))
		}),
	}
	flags := c.Flags()
	flags.StringVar(&meta.Issuer, "issuer", "", "`NAME` of the issuer")
	flags.StringVar(&meta.Client, "client", "", "`ID` of a client that signs for itself, in place of an issuer")
	flags.StringVar(&meta.Subject, "subject", "", "its sub, exactly")
	flags.StringToStringVar(&meta.Claims, "claim", nil, "further string claims it must have, as `NAME=VALUE`")
	flags.StringVar(&meta.AsClient, "as-client", "", "client the token is issued to (default: the one that authenticates beside the assertion)")
	flags.StringVar(&meta.AsSubject, "as-subject", "", "sub of the token (default ISSUER/SUB; = takes the sub as it is)")
	flags.BoolVar(&meta.Nobody, "nobody", false, "it speaks for nobody: the token's sub is the client's id")
	flags.BoolVar(&meta.RequireClient, "require-client", false, "the client must authenticate beside the assertion")
	flags.StringSliceVar(&scope, "scope", nil, "scopes it may ask for")
	flags.StringSliceVar(&defaultScope, "default-scope", nil, "scopes it gets when it asks for none")
	flags.StringSliceVar(&meta.Audiences, "audience", nil, "resources it may ask for; the first is its default")
	flags.DurationVar(&lifetime, "token-lifetime", 0, "life of its access tokens")
	flags.StringVar(&meta.Mode, "mode", "", "enforce (default) or audit: told, never applied")
	return c
}

func ruleRow(r admin.Rule) []string {
	of, state := "issuer "+r.Issuer, enabled(r.Disabled)
	if r.Client != "" {
		of = "client " + r.Client
	}
	if r.Mode == "audit" && !r.Disabled {
		state = "audit"
	}
	subject := r.AsSubject
	if r.Nobody {
		subject = "(nobody)"
	}
	return []string{r.Name, of, orDash(r.Subject), orDash(r.AsClient), orDash(subject), orDash(r.Scope), state}
}

func ruleDetails(r *admin.Rule) table {
	row := ruleRow(*r)
	t := table{}
	for i, label := range []string{"name", "of", "subject", "as client", "as subject", "scope", "state"} {
		t.rows = append(t.rows, []string{label, row[i]})
	}
	for name, value := range r.Claims {
		t.rows = append(t.rows, []string{"claim " + name, value})
	}
	return t
}
