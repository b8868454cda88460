package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/spf13/cobra"

	"github.com/avouch-oauth/avouch/admin"
)

func (a *app) applyCommand() *cobra.Command {
	var file string
	var prune, dryRun bool
	c := &cobra.Command{
		Use: "apply -f FILE", Short: "Make clients, issuers and rules as a file says", Args: noArgs,
		Long: `Compares the file (YAML or JSON) with the store, and creates, updates and, with --prune, deletes what differs.
Clients have the member names of RFC 7591. Secrets and keys may be named by file, relative to the file itself.
Applying the same file twice changes nothing the second time. What "avouch export" writes is such a file:

  clients:
    - client_id: shop
      grant_types: [client_credentials, 'urn:ietf:params:oauth:grant-type:jwt-bearer']
      scope: orders:read orders:write
      keys:
        - file: shop.pub.pem
    - client_id: legacy
      token_endpoint_auth_method: client_secret_basic
      scope: orders:read
      secrets:
        - file: legacy.secret
  issuers:
    - name: idp
      issuer: https://idp.example.com
      discovery: true
  rules:
    - name: ci
      issuer: idp
      subject: build-4711
      as_client: shop
      scope: orders:write`,
		Example: `  avouch apply -f state.yaml --dry-run
  avouch apply -f state.yaml
  avouch export | avouch apply -f - --store other.db`,
		RunE: func(c *cobra.Command, _ []string) error {
			w, plan, err := a.plan(c, file, prune, true)
			if err != nil {
				return err
			}
			defer w.Close()
			if dryRun {
				return a.printPlan(plan, "would be changed")
			}
			bar := newProgress(a.stderr, "applying", len(plan.Steps))
			result, err := w.admin.Apply(c.Context(), plan, func(p admin.Progress) { bar.to(p.Done) })
			bar.done()
			if err != nil {
				if result != nil && result.Applied > 0 {
					err = fmt.Errorf("%w\n%d of %d changes are done; apply the file again to do the rest", err, result.Applied, result.Total)
				}
				return err
			}
			return a.printPlan(plan, "changed")
		},
	}
	c.Flags().StringVarP(&file, "file", "f", "", "`FILE` to apply, - for standard input")
	c.Flags().BoolVar(&prune, "prune", false, "delete what the file does not name")
	c.Flags().BoolVar(&dryRun, "dry-run", false, "only say what would be changed")
	return c
}

func (a *app) diffCommand() *cobra.Command {
	var file string
	var prune bool
	c := &cobra.Command{
		Use: "diff -f FILE", Short: "Say what apply would change", Args: noArgs,
		Long: "Exit code 0 means that nothing differs, 1 that something does, and a greater one that it could not be told.",
		RunE: func(c *cobra.Command, _ []string) error {
			w, plan, err := a.plan(c, file, prune, false)
			if exitCode(err) == exitError {
				return &codedError{exitUsage, err}
			}
			if err != nil {
				return err
			}
			defer w.Close()
			if err := a.printPlan(plan, "would be changed"); err != nil {
				return err
			}
			if len(plan.Steps) > 0 {
				return &codedError{exitError, errors.New("")}
			}
			return nil
		},
	}
	c.Flags().StringVarP(&file, "file", "f", "", "`FILE` to compare, - for standard input")
	c.Flags().BoolVar(&prune, "prune", false, "as apply --prune would")
	return c
}

func (a *app) exportCommand() *cobra.Command {
	return &cobra.Command{
		Use: "export", Short: "Write the whole state as a file that apply reads", Args: noArgs,
		Long: "Secrets stand in it as hashes, or sealed: good only for the same seal key. There are no private keys in it.",
		RunE: a.onStore(func(c *cobra.Command, w *wired, _ []string) error {
			document, err := w.admin.Export(c.Context())
			if err != nil {
				return err
			}
			if a.forPeople() {
				a.format = "yaml"
			}
			return a.print(document, table{})
		}),
	}
}

// plan reads a document and compares it with the store.
func (a *app) plan(c *cobra.Command, file string, prune, create bool) (*wired, *admin.Plan, error) {
	if file == "" {
		return nil, nil, usagef("name the file by -f FILE")
	}
	text, err := a.readUpTo(file, maxDocument)
	if err != nil {
		return nil, nil, err
	}
	document, err := parseDocument(text, prune)
	if err != nil {
		return nil, nil, usage(fmt.Errorf("%s: %w", file, placed(err, file, text)))
	}
	w, err := a.operations(c.Context(), create)
	if err != nil {
		return nil, nil, err
	}
	dir := "."
	if file != "-" {
		dir = filepath.Dir(file)
	}
	plan, err := w.admin.Plan(c.Context(), document, admin.PlanOptions{
		Prune: prune,
		ReadFile: func(name string) ([]byte, error) {
			if !filepath.IsAbs(name) {
				name = filepath.Join(dir, name)
			}
			return a.readInput(name)
		},
	})
	if err != nil {
		return nil, nil, errors.Join(placed(err, file, text), w.Close())
	}
	return w, plan, nil
}

// parseDocument reads YAML or JSON. JSON goes to the strict reader as it is; YAML is read with its own positions told,
// then judged by the same reader. One that says nothing is refused where what it does not name is deleted.
func parseDocument(text []byte, prune bool) (*admin.Document, error) {
	asJSON := text
	if trimmed := strings.TrimSpace(string(text)); !strings.HasPrefix(trimmed, "{") || !json.Valid(text) {
		var err error
		if asJSON, err = yaml.YAMLToJSON(text); err != nil {
			return nil, err
		}
	}
	document, err := admin.ParseDocument(asJSON)
	if err == nil && prune && isEmpty(asJSON) { // a template that came out empty
		err = errors.New("it says nothing, and --prune would delete everything; clients: [] says that this is meant")
	}
	return document, err
}

// isEmpty reports whether a document has none of its lists, not even an empty one.
func isEmpty(document []byte) bool {
	var lists map[string]json.RawMessage
	if err := json.Unmarshal(document, &lists); err != nil {
		return len(bytes.TrimSpace(document)) == 0
	}
	for _, list := range lists {
		if string(list) != "null" {
			return false
		}
	}
	return true
}

func (a *app) printPlan(plan *admin.Plan, what string) error {
	t := table{}
	sign := map[string]string{"create": "+", "update": "~", "delete": "-"}
	for _, s := range plan.Steps {
		t.rows = append(t.rows, []string{sign[s.Action] + " " + s.Kind + " " + s.ID})
		for _, f := range s.Fields {
			t.rows = append(t.rows, []string{"    " + f.Field + ": " + orDash(f.Old) + " -> " + orDash(f.New)})
		}
	}
	t.note = fmt.Sprintf("%d %s, %d as they should be", len(plan.Steps), what, plan.Unchanged)
	if a.color(a.stdout) {
		paint(t.rows)
	}
	return a.print(plan, t)
}

// paint colours the lines of a plan as diffs are.
func paint(rows [][]string) {
	colors := map[byte]string{'+': green, '-': red, '~': yellow}
	for _, row := range rows {
		if c := colors[row[0][0]]; c != "" {
			row[0] = c + row[0] + reset
		}
	}
}
