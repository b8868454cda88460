package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/avouch-oauth/avouch/admin"
)

// record is a kind of record that is named by one argument: what its commands call it, and how its names are listed.
type record struct {
	kind  string // "client"
	arg   string // "ID", as in usage lines
	what  string // "the id of a client"
	names func(ctx context.Context, a *admin.Admin) ([]string, error)
}

// complete completes the name of a record on the command line; what stands behind a tab is shown beside it.
func (a *app) complete(r record) cobra.CompletionFunc {
	return func(c *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
		if len(args) > 0 {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		w, err := a.operations(c.Context(), false)
		if err != nil {
			return nil, cobra.ShellCompDirectiveError
		}
		defer w.Close()
		names, err := r.names(c.Context(), w.admin)
		if err != nil {
			return nil, cobra.ShellCompDirectiveError
		}
		return names, cobra.ShellCompDirectiveNoFileComp
	}
}

// completeFlag completes the value of a flag that names a record.
func (a *app) completeFlag(c *cobra.Command, flag string, r record) {
	names := a.complete(r)
	err := c.RegisterFlagCompletionFunc(flag, func(c *cobra.Command, _ []string, part string) ([]string, cobra.ShellCompDirective) {
		return names(c, nil, part)
	})
	if err != nil {
		panic(err) // the flag is registered just before
	}
}

// completeWords completes the value of a flag that is one of a few words.
func completeWords(c *cobra.Command, flag string, words ...string) {
	if err := c.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(words, cobra.ShellCompDirectiveNoFileComp)); err != nil {
		panic(err) // the flag is registered just before
	}
}

// switchCommand disables or enables a record.
func switchCommand[T any](a *app, r record, verb, short string, do func(*admin.Admin, context.Context, string) (*T, error)) *cobra.Command {
	return &cobra.Command{
		Use: verb + " " + r.arg, Short: short, Args: exactly(1, r.what), ValidArgsFunction: a.complete(r),
		RunE: a.onStore(func(c *cobra.Command, w *wired, args []string) error {
			changed, err := do(w.admin, c.Context(), args[0])
			if err != nil {
				return err
			}
			return a.print(changed, table{
				rows: [][]string{{args[0], verb + "d"}},
				note: fmt.Sprintf("%s %s is %sd; running servers see it within a second", r.kind, args[0], verb),
			})
		}),
	}
}

// removeCommand removes a record.
func removeCommand(a *app, r record, short string, do func(*admin.Admin, context.Context, string) error) *cobra.Command {
	return &cobra.Command{
		Use: "remove " + r.arg, Short: short, Args: exactly(1, r.what), ValidArgsFunction: a.complete(r),
		RunE: a.onStore(func(c *cobra.Command, w *wired, args []string) error {
			if err := do(w.admin, c.Context(), args[0]); err != nil {
				return err
			}
			return a.print(map[string]string{"removed": args[0]}, table{name: args[0], note: r.kind + " " + args[0] + " is removed"})
		}),
	}
}

// showCommand shows one record.
func showCommand[T any](a *app, r record, short string, get func(*admin.Admin, context.Context, string) (*T, error), details func(*T) table) *cobra.Command {
	return &cobra.Command{
		Use: "show " + r.arg, Short: short, Args: exactly(1, r.what), ValidArgsFunction: a.complete(r),
		RunE: a.onStore(func(c *cobra.Command, w *wired, args []string) error {
			found, err := get(w.admin, c.Context(), args[0])
			if err != nil {
				return err
			}
			return a.print(found, details(found))
		}),
	}
}

func clientRecord() record {
	return record{"client", "ID", "the id of a client", func(ctx context.Context, a *admin.Admin) ([]string, error) {
		page, err := a.Clients(ctx, "", 1000)
		if err != nil {
			return nil, err
		}
		return namesOf(page.Clients, func(c admin.Client) string { return c.ID + "\t" + c.Name }), nil
	}}
}

func issuerRecord() record {
	return record{"issuer", "NAME", "the name of an issuer", func(ctx context.Context, a *admin.Admin) ([]string, error) {
		list, err := a.Issuers(ctx)
		return namesOf(list, func(i admin.Issuer) string { return i.Name + "\t" + i.URL }), err
	}}
}

func ruleRecord() record {
	return record{"rule", "NAME", "the name of a rule", func(ctx context.Context, a *admin.Admin) ([]string, error) {
		list, err := a.Rules(ctx)
		return namesOf(list, func(r admin.Rule) string { return r.Name }), err
	}}
}

func namesOf[T any](list []T, name func(T) string) []string {
	names := make([]string, len(list))
	for i := range list {
		names[i] = name(list[i])
	}
	return names
}
