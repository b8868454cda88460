package main

import (
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/avouch-oauth/avouch/admin"
)

func (a *app) ruleCommand() *cobra.Command {
	c := asGroup(&cobra.Command{Use: "rule", Short: "What the assertions of an issuer are worth"})
	c.AddCommand(
		a.ruleAddCommand(),
		a.ruleUpdateCommand(),
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

// ruleFlags are the flags of a rule, shared by add and update.
type ruleFlags struct {
	meta                admin.RuleMetadata
	scope, defaultScope []string
	lifetime            time.Duration
}

func (f *ruleFlags) register(a *app, c *cobra.Command) {
	flags := c.Flags()
	flags.StringVar(&f.meta.Issuer, "issuer", "", "`NAME` of the issuer")
	flags.StringVar(&f.meta.Client, "client", "", "`ID` of a client that signs for itself, in place of an issuer")
	flags.StringVar(&f.meta.Subject, "subject", "", "its sub, exactly")
	flags.StringToStringVar(&f.meta.Claims, "claim", nil, "further string claims it must have, as `NAME=VALUE`")
	flags.StringVar(&f.meta.AsClient, "as-client", "", "client the token is issued to (default: the one that authenticates beside the assertion)")
	flags.StringVar(&f.meta.AsSubject, "as-subject", "", "sub of the token (default ISSUER/SUB; = takes the sub as it is)")
	flags.BoolVar(&f.meta.Nobody, "nobody", false, "it speaks for nobody: the token's sub is the client's id")
	flags.BoolVar(&f.meta.RequireClient, "require-client", false, "the client must authenticate beside the assertion")
	flags.StringSliceVar(&f.scope, "scope", nil, "scopes it may ask for")
	flags.StringSliceVar(&f.defaultScope, "default-scope", nil, "scopes it gets when it asks for none")
	flags.StringSliceVar(&f.meta.Audiences, "audience", nil, "resources it may ask for; the first is its default")
	flags.DurationVar(&f.lifetime, "token-lifetime", 0, "life of its access tokens")
	flags.StringVar(&f.meta.Mode, "mode", "", "enforce (default) or audit: told, never applied")
	a.completeFlag(c, "issuer", issuerRecord())
	a.completeFlag(c, "client", clientRecord())
	a.completeFlag(c, "as-client", clientRecord())
	completeWords(c, "mode", "enforce", "audit")
}

// apply puts the flags that were given into meta.
func (f *ruleFlags) apply(flags *pflag.FlagSet, meta *admin.RuleMetadata) {
	for name, put := range map[string]func(){
		"issuer":         func() { meta.Issuer, meta.Client = f.meta.Issuer, f.meta.Client },
		"client":         func() { meta.Issuer, meta.Client = f.meta.Issuer, f.meta.Client },
		"subject":        func() { meta.Subject = f.meta.Subject },
		"claim":          func() { meta.Claims = f.meta.Claims },
		"as-client":      func() { meta.AsClient = f.meta.AsClient },
		"as-subject":     func() { meta.AsSubject = f.meta.AsSubject },
		"nobody":         func() { meta.Nobody = f.meta.Nobody },
		"require-client": func() { meta.RequireClient = f.meta.RequireClient },
		"scope":          func() { meta.Scope = strings.Join(f.scope, " ") },
		"default-scope":  func() { meta.DefaultScope = strings.Join(f.defaultScope, " ") },
		"audience":       func() { meta.Audiences = f.meta.Audiences },
		"token-lifetime": func() { meta.TokenLifetime = admin.Duration(f.lifetime) },
		"mode":           func() { meta.Mode = f.meta.Mode },
	} {
		if flags.Changed(name) {
			put()
		}
	}
}

func (a *app) ruleAddCommand() *cobra.Command {
	var f ruleFlags
	c := &cobra.Command{
		Use: "add NAME", Short: "Say what one subject of an issuer gets", Args: exactly(1, "a name for the rule"),
		Example: `  avouch rule add deploys --issuer github --subject repo:acme/shop:ref:refs/heads/main --as-client deployer --scope deploy:run
  avouch rule add batch --client billing --subject alice --scope invoices:read`,
		RunE: a.onStore(func(c *cobra.Command, w *wired, args []string) error {
			meta := admin.RuleMetadata{Name: args[0]}
			f.apply(c.Flags(), &meta)
			r, err := w.admin.AddRule(c.Context(), meta)
			if err != nil {
				return err
			}
			return a.printRule(c, w, r)
		}),
	}
	f.register(a, c)
	return c
}

func (a *app) ruleUpdateCommand() *cobra.Command {
	var f ruleFlags
	c := &cobra.Command{
		Use: "update NAME", Short: "Change a rule; flags that are not given change nothing", Args: exactly(1, "the name of a rule"),
		ValidArgsFunction: a.complete(ruleRecord()),
		RunE: a.onStore(func(c *cobra.Command, w *wired, args []string) error {
			r, err := w.admin.Rule(c.Context(), args[0])
			if err != nil {
				return err
			}
			f.apply(c.Flags(), &r.RuleMetadata)
			if r, err = w.admin.UpdateRule(c.Context(), r.Revision, r.RuleMetadata); err != nil {
				return err
			}
			return a.printRule(c, w, r)
		}),
	}
	f.register(a, c)
	return c
}

// printRule prints a rule that was saved, and says where its client could make nothing of it.
func (a *app) printRule(c *cobra.Command, w *wired, r *admin.Rule) error {
	t := ruleDetails(r)
	if id := orDefault(r.AsClient, r.Client); id != "" {
		if client, err := w.admin.Client(c.Context(), id); err == nil {
			if beyond := beyondScope(r.Scope, client.Scope); len(beyond) > 0 {
				t.note = fmt.Sprintf("\nnote: the scope of client %s is %s, and a token never has more: of this rule it cannot have %s",
					id, orDefault(client.Scope, "empty"), strings.Join(beyond, " "))
			}
			t.note += audienceNote(r, client, orDefault(w.conf.Token.Audience, w.conf.Issuer))
		}
	}
	return a.print(r, t)
}

// audienceNote returns what the client of a rule cannot have of the rule's audiences, "" if it can have all. own is the
// server's audience, "" if it is not configured here.
func audienceNote(r *admin.Rule, c *admin.Client, own string) string {
	limit, what := c.Audiences, "has the audiences "+strings.Join(c.Audiences, " ")
	switch {
	case c.AnyAudience:
		return ""
	case len(limit) == 0 && own == "":
		return ""
	case len(limit) == 0:
		limit, what = []string{own}, "has no audiences, so it gets tokens for "+own+" only"
	}
	beyond := slices.DeleteFunc(slices.Clone(r.Audiences), func(a string) bool { return slices.Contains(limit, a) })
	if len(beyond) == 0 {
		return ""
	}
	step := strings.Join(slices.Concat(limit, beyond), ",")
	return fmt.Sprintf("\nnote: client %s %s: of this rule it cannot have %s; allow it: avouch client update %s --audience %s",
		c.ID, what, strings.Join(beyond, " "), c.ID, step)
}

// beyondScope are the scopes that a ceiling does not have.
func beyondScope(scope, ceiling string) []string {
	has := strings.Fields(ceiling)
	return slices.DeleteFunc(strings.Fields(scope), func(s string) bool { return slices.Contains(has, s) })
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

// ruleDetails is a rule as a person reads it, with what holds where nothing is said.
func ruleDetails(r *admin.Rule) table {
	row := ruleRow(*r)
	asClient, asSubject := r.AsClient, r.AsSubject
	switch {
	case asClient == "" && r.Client != "":
		asClient = r.Client + ", which signs for itself"
	case asClient == "":
		asClient = "the one that authenticates"
	}
	switch {
	case r.Nobody:
		asSubject = "nobody: the client itself"
	case asSubject == "=":
		asSubject = r.Subject
	case asSubject == "" && r.Issuer != "":
		asSubject = r.Issuer + "/" + r.Subject
	case asSubject == "":
		asSubject = "client:" + url.PathEscape(r.Client) + "/" + r.Subject
	}
	t := table{name: r.Name, rows: [][]string{{"name", r.Name}, {"of", row[1]}, {"subject", row[2]}}}
	for _, name := range slices.Sorted(maps.Keys(r.Claims)) {
		t.rowIf("claim "+name, r.Claims[name])
	}
	t.rows = append(t.rows, []string{"as client", asClient}, []string{"as subject", asSubject}, []string{"scope", row[5]})
	t.rowIf("default scope", r.DefaultScope)
	t.rowIf("audiences", strings.Join(r.Audiences, " "))
	if r.TokenLifetime != 0 {
		t.rowIf("token lifetime", time.Duration(r.TokenLifetime).String())
	}
	if r.RequireClient {
		t.rowIf("client", "must authenticate")
	}
	t.rows = append(t.rows, []string{"state", row[6]})
	return t
}
