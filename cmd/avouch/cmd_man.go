package main

import (
	"os"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"
)

func (a *app) manCommand() *cobra.Command {
	return &cobra.Command{
		Use: "man DIR", Short: "Write the man pages of every command into a folder", Args: exactly(1, "a folder for the pages"),
		Example: "  avouch man /usr/local/share/man/man1",
		RunE: func(c *cobra.Command, args []string) error {
			if err := os.MkdirAll(args[0], 0o755); err != nil {
				return err
			}
			c.Root().DisableAutoGenTag = true
			// a fixed date makes the pages reproducible
			date := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
			return doc.GenManTree(c.Root(), &doc.GenManHeader{Title: "AVOUCH", Section: "1", Source: "avouch", Date: &date}, args[0])
		},
	}
}
