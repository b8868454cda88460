package main

import (
	"encoding/json"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/avouch-oauth/avouch/cmd/avouch/internal/config"
)

func (a *app) configCommand() *cobra.Command {
	c := asGroup(&cobra.Command{Use: "config", Short: "Check, show and describe the configuration"})
	c.AddCommand(
		&cobra.Command{
			Use: "validate", Short: "Tell every fault of the configuration at once", Args: noArgs,
			RunE: func(*cobra.Command, []string) error {
				conf, err := a.load(nil)
				if err != nil {
					return err
				}
				if err := conf.Validate(); err != nil {
					return err
				}
				return a.print(map[string]bool{"valid": true}, table{note: "the configuration is valid"})
			},
		},
		&cobra.Command{
			Use: "print", Short: "Show the configuration in force, with where each key can be set", Args: noArgs,
			RunE: func(*cobra.Command, []string) error {
				conf, err := a.load(nil)
				if err != nil {
					return err
				}
				if a.format == "json" {
					return a.print(conf.Tree(), table{})
				}
				_, err = fmt.Fprint(a.stdout, conf.YAML())
				return err
			},
		},
		&cobra.Command{
			Use: "schema", Short: "Print the JSON Schema of the configuration file, for editors", Args: noArgs,
			RunE: func(*cobra.Command, []string) error {
				encoder := json.NewEncoder(a.stdout)
				encoder.SetIndent("", "  ")
				return encoder.Encode(config.Schema())
			},
		},
	)
	return c
}
