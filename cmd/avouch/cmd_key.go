package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/avouch-oauth/avouch/admin"
)

func (a *app) keyCommand() *cobra.Command {
	c := asGroup(&cobra.Command{
		Use: "key", Short: "The server's own signing keys, and the key that seals them",
		Long: `The server signs access tokens with keys of its own. They rotate by schedule: the next one is published before it
signs, and the old one stays published until the last token it signed has expired.`,
	})
	var in admin.RotateInput
	rotate := &cobra.Command{
		Use: "rotate", Short: "Publish the next signing key, which takes over when every cached copy has it", Args: noArgs,
		RunE: a.onStore(func(c *cobra.Command, w *wired, _ []string) error {
			result, err := w.admin.RotateSigningKey(c.Context(), in)
			if err != nil {
				return err
			}
			t := signingKeyTable(append([]admin.SigningKey{result.Key}, result.Others...))
			switch {
			case in.Now:
				t.note = "the new key signs at once, and the others are withdrawn: tokens they signed end as soon as APIs fetch the keys again"
			case result.Already:
				t.note = "a next key had been published before; nothing was changed"
			default:
				t.note = "the new key takes over at " + moment(result.Key.NotBefore, "once")
			}
			return a.print(result, t)
		}),
	}
	rotate.Flags().BoolVar(&in.Now, "now", false, "for a leak: the new key signs at once, all others are withdrawn")
	rotate.Flags().StringVar(&in.Algorithm, "alg", "", "algorithm of the new key (default: as configured)")
	c.AddCommand(rotate,
		&cobra.Command{
			Use: "list", Short: "List the signing keys", Args: noArgs,
			RunE: a.onStore(func(c *cobra.Command, w *wired, _ []string) error {
				list, err := w.admin.SigningKeys(c.Context())
				if err != nil {
					return err
				}
				t := signingKeyTable(list)
				if len(list) == 0 {
					t.note = "no keys yet: the server makes the first one when it starts"
				}
				return a.print(list, t)
			}),
		},
		&cobra.Command{
			Use: "generate-seal", Short: "Print a new seal key, the one that encrypts keys and secrets at rest", Args: noArgs,
			Example: "  (umask 077; avouch key generate-seal > avouch.sealkey)",
			RunE: func(*cobra.Command, []string) error {
				_, err := fmt.Fprintln(a.stdout, admin.GenerateSealKey())
				return err
			},
		},
		&cobra.Command{
			Use: "reencrypt", Short: "Seal everything with the current seal key that is still sealed with the previous one", Args: noArgs,
			Long: "Configure the new key as seal.key and the old one as seal.previous, restart the servers, run this, then take seal.previous away.",
			RunE: a.onStore(func(c *cobra.Command, w *wired, _ []string) error {
				var bar *progress
				result, err := w.admin.Reencrypt(c.Context(), func(p admin.Progress) {
					if bar == nil {
						bar = newProgress(a.stderr, "sealing", p.Total)
					}
					bar.to(p.Done)
				})
				bar.done()
				if err != nil {
					return err
				}
				return a.print(result, table{note: fmt.Sprintf("sealed anew: %d signing keys, %d client secrets; %d were sealed with the current key already",
					result.SigningKeys, result.ClientSecrets, result.Unchanged)})
			}),
		},
	)
	return c
}

func signingKeyTable(list []admin.SigningKey) table {
	t := table{head: []string{"KID", "ALG", "STATE", "SIGNS FROM", "SIGNS UNTIL", "PUBLISHED UNTIL"}}
	for _, k := range list {
		t.rows = append(t.rows, []string{k.ID, k.Algorithm, k.State, moment(k.NotBefore, "-"), moment(k.NotAfter, "-"), moment(k.Remove, "-")})
	}
	return t
}
