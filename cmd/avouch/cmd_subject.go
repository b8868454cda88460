package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/avouch-oauth/avouch/admin"
)

func (a *app) subjectCommand() *cobra.Command {
	c := asGroup(&cobra.Command{
		Use: "subject", Short: "Users and other subjects, as far as they are locked out",
		Long: `The server keeps no list of users. It can be told of a subject for whom there are to be no more tokens, whoever asks:
the sub of the tokens, exactly. That of an assertion stands behind the name of its issuer, as in ci/alice.`,
	})
	c.AddCommand(
		a.subjectDisableCommand(),
		switchCommand(a, subjectRecord(), "enable", "Give tokens for a subject again", (*admin.Admin).EnableSubject),
		a.subjectListCommand(),
	)
	return c
}

func subjectRecord() record {
	return record{"subject", "SUB", "the sub of tokens, such as ISSUER/SUB", func(ctx context.Context, a *admin.Admin) ([]string, error) {
		page, err := a.Subjects(ctx, "", 1000)
		if err != nil {
			return nil, err
		}
		return namesOf(page.Subjects, func(s admin.Subject) string { return s.ID + "\t" + s.Note }), nil
	}}
}

func (a *app) subjectDisableCommand() *cobra.Command {
	var note string
	c := &cobra.Command{
		Use: "disable SUB", Short: "Refuse every token for a subject, at once", Args: exactly(1, subjectRecord().what),
		Long: `Refuses every token for a subject, whoever asks for it, and says of those that are there that they are not active
where an API asks by introspection. An API that verifies tokens by itself takes them until they expire.`,
		Example: `  avouch subject disable ci/alice --note "left the company"`,
		RunE: a.onStore(func(c *cobra.Command, w *wired, args []string) error {
			s, err := w.admin.DisableSubject(c.Context(), args[0], note)
			if err != nil {
				return err
			}
			return a.print(s, table{
				rows: [][]string{{s.ID, "disabled"}},
				note: fmt.Sprintf("subject %s is disabled; running servers see it within a second", s.ID),
			})
		}),
	}
	c.Flags().StringVar(&note, "note", "", "why, for people")
	return c
}

func (a *app) subjectListCommand() *cobra.Command {
	var limit int
	var after string
	c := &cobra.Command{
		Use: "list", Short: "List the subjects that are disabled", Args: noArgs,
		RunE: a.onStore(func(c *cobra.Command, w *wired, _ []string) error {
			page, err := w.admin.Subjects(c.Context(), after, limit)
			if err != nil {
				return err
			}
			t := table{head: []string{"SUB", "STATE", "SINCE", "NOTE"}}
			for _, s := range page.Subjects {
				t.rows = append(t.rows, []string{s.ID, enabled(s.Disabled), moment(s.Created, "-"), orDash(s.Note)})
			}
			switch {
			case page.Next != "":
				t.note = "more: avouch subject list --after " + page.Next
			case len(t.rows) == 0:
				t.note = "no subject is disabled"
			}
			return a.print(page, t)
		}),
	}
	c.Flags().IntVar(&limit, "limit", 100, "at most so many")
	c.Flags().StringVar(&after, "after", "", "subjects greater than `SUB`")
	return c
}
