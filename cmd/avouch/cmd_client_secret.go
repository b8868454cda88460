package main

import (
	"time"

	"github.com/spf13/cobra"

	"github.com/avouch-oauth/avouch/admin"
)

func (a *app) clientSecretCommand() *cobra.Command {
	c := asGroup(&cobra.Command{Use: "secret", Short: "Shared secrets of a client that has not moved to keys yet"})
	var in admin.AddSecretInput
	var file string
	var lifetime time.Duration
	add := &cobra.Command{
		Use: "add CLIENT", Short: "Add a secret, shown once; --overlap ends the old ones", Args: exactly(1, "the id of a client"),
		ValidArgsFunction: a.complete(clientRecord()),
		RunE: a.onStore(func(c *cobra.Command, w *wired, args []string) error {
			if file == "" && a.format == "name" {
				return usagef("-o name would not show the secret, and it is shown once: choose another output format")
			}
			if file != "" {
				value, err := readSecret(a, file)
				if err != nil {
					return err
				}
				in.Secret = &admin.SecretInput{Value: value}
			}
			if lifetime > 0 {
				in.Expires = time.Now().Add(lifetime)
			}
			added, err := w.admin.AddClientSecret(c.Context(), args[0], in)
			if err != nil {
				return err
			}
			t := table{name: added.ID, rows: [][]string{{"id", added.ID}, {"expires", moment(added.Expires, "never")}}}
			if added.Value != "" {
				t.rows = append(t.rows, []string{"secret, shown this once", added.Value})
			}
			return a.print(added, t)
		}),
	}
	add.Flags().StringVar(&in.Label, "label", "", "label, for people")
	add.Flags().StringVar(&file, "secret-file", "", "`FILE` with a secret of your own, 32 bytes or more; - for standard input")
	add.Flags().DurationVar(&lifetime, "lifetime", 0, "how long it is good (default: for ever)")
	add.Flags().DurationVar(&in.Overlap, "overlap", 0, "end all other secrets of the client after this time (default: they stay)")
	c.AddCommand(add, &cobra.Command{
		Use: "remove CLIENT SECRET-ID", Short: "End a secret at once", Args: exactly(2, "the id of a client and of its secret"),
		ValidArgsFunction: a.complete(clientRecord()),
		RunE: a.onStore(func(c *cobra.Command, w *wired, args []string) error {
			if err := w.admin.RemoveClientSecret(c.Context(), args[0], args[1]); err != nil {
				return err
			}
			return a.print(map[string]string{"removed": args[1]}, table{note: "the secret is ended"})
		}),
	})
	return c
}
