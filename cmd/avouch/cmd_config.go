package main

import (
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/avouch-oauth/avouch/cmd/avouch/internal/config"
)

func (a *app) configCommand() *cobra.Command {
	c := asGroup(&cobra.Command{Use: "config", Short: "Check, show and describe the configuration"})
	c.AddCommand(
		&cobra.Command{
			Use: "validate", Short: "Tell every fault of the configuration at once", Args: noArgs,
			Long: `Judges the values, and tells every fault at once. Files that are missing on this machine are told too, and are no fault
of the configuration: the exit code is 0, so that it can be validated elsewhere.`,
			RunE: func(*cobra.Command, []string) error {
				conf, err := a.load(nil)
				if err = errors.Join(err, conf.Validate()); err != nil {
					return usage(err)
				}
				here := a.missingHere(conf)
				t := table{note: "the configuration is valid"}
				if len(here) > 0 {
					t.note += "; but on this machine, and as this user, the server would not start:\n  " + strings.Join(here, "\n  ")
				}
				return a.print(struct {
					Valid bool     `json:"valid"`
					Here  []string `json:"here,omitempty"` // why the server would not start on this machine
				}{true, here}, t)
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

// missingHere tells what a server with this configuration would not find on this machine.
func (a *app) missingHere(conf config.Config) (faults []string) {
	if conf.TLS.Cert != "" {
		if _, err := tls.LoadX509KeyPair(conf.TLS.Cert, conf.TLS.Key); err != nil {
			faults = append(faults, "tls.cert, tls.key: "+err.Error())
		}
	}
	if _, err := a.sealerRequired(conf); err != nil {
		faults = append(faults, err.Error())
	}
	if err := checkEvents(conf); err != nil {
		faults = append(faults, err.Error())
	}
	if info, err := os.Stat(filepath.Dir(conf.Store.Path)); err != nil {
		faults = append(faults, "store.path: "+err.Error())
	} else if !info.IsDir() {
		faults = append(faults, "store.path: "+filepath.Dir(conf.Store.Path)+" is no folder")
	}
	return faults
}
