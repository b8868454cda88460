package main

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/avouch-oauth/avouch/admin"
)

func (a *app) registrationCommand() *cobra.Command {
	c := asGroup(&cobra.Command{Use: "registration", Short: "Who may register clients by himself (RFC 7591)"})
	tokens := asGroup(&cobra.Command{
		Use: "token", Short: "Initial access tokens: who shows one may register a client",
		Long: `An initial access token lets a partner, or a program, register its own client. It is made here, shown once, and kept
as a hash. The clients that it has registered stay when it is revoked.`,
	})
	tokens.AddCommand(a.initialTokenAddCommand(), a.initialTokenListCommand(), a.initialTokenRevokeCommand())
	c.AddCommand(tokens)
	return c
}

func initialTokenRecord() record {
	return record{"initial access token", "ID", "the id of an initial access token", func(ctx context.Context, a *admin.Admin) ([]string, error) {
		list, err := a.InitialTokens(ctx)
		return namesOf(list, func(t admin.InitialToken) string { return t.ID + "\t" + t.Label }), err
	}}
}

func (a *app) initialTokenAddCommand() *cobra.Command {
	var in admin.InitialTokenInput
	var lifetime time.Duration
	var unlimited bool
	c := &cobra.Command{
		Use: "add", Short: "Make an initial access token and show it once", Args: noArgs,
		Example: `  avouch registration token add --label partner --uses 5 --lifetime 168h`,
		RunE: func(c *cobra.Command, _ []string) error {
			switch {
			case a.format == "name":
				return usagef("-o name would not show the token, and it is shown once: choose another output format")
			case unlimited && c.Flags().Changed("uses"):
				return usagef("--uses and --unlimited exclude each other")
			case !unlimited && in.Uses < 1:
				return usagef("--uses must be 1 or more; see --unlimited")
			case lifetime < 0:
				return usagef("--lifetime must not be negative")
			}
			if unlimited {
				in.Uses = -1
			}
			if lifetime > 0 {
				in.Expires = time.Now().Add(lifetime)
			}
			w, err := a.operations(c.Context(), true)
			if err != nil {
				return err
			}
			defer w.Close()
			made, err := w.admin.CreateInitialToken(c.Context(), in)
			if err != nil {
				return err
			}
			return a.print(made, table{rows: [][]string{
				{"id", made.ID},
				{"registers", usesLeft(made.Uses)},
				{"expires", moment(made.Expires, "never")},
				{"token, shown this once", made.Token},
			}})
		},
	}
	c.Flags().StringVar(&in.Label, "label", "", "label, for people")
	c.Flags().Int64Var(&in.Uses, "uses", 1, "how many clients it may register")
	c.Flags().BoolVar(&unlimited, "unlimited", false, "it may register any number of clients")
	c.Flags().DurationVar(&lifetime, "lifetime", 7*24*time.Hour, "how long it is good; 0 is for ever")
	return c
}

func (a *app) initialTokenListCommand() *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List the initial access tokens", Args: noArgs,
		RunE: a.onStore(func(c *cobra.Command, w *wired, _ []string) error {
			list, err := w.admin.InitialTokens(c.Context())
			if err != nil {
				return err
			}
			t := table{head: []string{"ID", "LABEL", "REGISTERS", "EXPIRES", "CREATED"}}
			now := time.Now()
			for _, token := range list {
				expires := moment(token.Expires, "never")
				if !token.Expires.IsZero() && !token.Expires.After(now) {
					expires += " (over)"
				}
				t.rows = append(t.rows, []string{token.ID, orDash(token.Label), usesLeft(token.Uses), expires, moment(token.Created, "-")})
			}
			if len(list) == 0 {
				t.note = "no initial access tokens: avouch registration token add"
			}
			return a.print(list, t)
		}),
	}
}

func (a *app) initialTokenRevokeCommand() *cobra.Command {
	r := initialTokenRecord()
	return &cobra.Command{
		Use: "revoke ID", Short: "End an initial access token at once", Args: exactly(1, r.what), ValidArgsFunction: a.complete(r),
		RunE: a.onStore(func(c *cobra.Command, w *wired, args []string) error {
			if err := w.admin.RevokeInitialToken(c.Context(), args[0]); err != nil {
				return err
			}
			return a.print(map[string]string{"revoked": args[0]}, table{
				name: args[0], note: fmt.Sprintf("%s %s is revoked; the clients that it has registered stay", r.kind, args[0]),
			})
		}),
	}
}

// usesLeft says how many clients a token may still register.
func usesLeft(n int64) string {
	switch {
	case n < 0:
		return "any number"
	case n == 0:
		return "none: used up"
	}
	return strconv.FormatInt(n, 10)
}
