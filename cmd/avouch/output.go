package main

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/goccy/go-yaml"
)

// table is how a person sees a result: a heading and rows. The first column is the name that -o name prints.
type table struct {
	head []string
	rows [][]string
	// name, where the table is about one thing, is what -o name prints.
	name string
	// note is said below the table, to people only.
	note string
}

// rowIf adds a row where there is something to say.
func (t *table) rowIf(label, value string) {
	if value != "" {
		t.rows = append(t.rows, []string{label, value})
	}
}

// outputFormats are the values of --output.
var outputFormats = []string{"table", "json", "yaml", "name"}

// checkFormat judges --output and AVOUCH_FORMAT.
func (a *app) checkFormat() error {
	if a.format != "" && !slices.Contains(outputFormats, a.format) {
		return usagef("output format %q is not one of %s", a.format, strings.Join(outputFormats, ", "))
	}
	return nil
}

// print writes a result in the format that was asked for: value as JSON or YAML, or as the table.
func (a *app) print(value any, t table) error {
	switch a.format {
	case "", "table":
		return t.write(a.stdout)
	case "json":
		encoder := json.NewEncoder(a.stdout)
		encoder.SetIndent("", "  ")
		encoder.SetEscapeHTML(false)
		return encoder.Encode(value)
	case "yaml":
		// by way of JSON, so that both formats have the same names
		text, err := json.Marshal(value)
		if err != nil {
			return err
		}
		text, err = yaml.JSONToYAML(text)
		if err != nil {
			return err
		}
		_, err = a.stdout.Write(text)
		return err
	case "name":
		if t.name != "" {
			_, err := fmt.Fprintln(a.stdout, t.name)
			return err
		}
		for _, row := range t.rows {
			fmt.Fprintln(a.stdout, row[0])
		}
		return nil
	}
	return a.checkFormat()
}

func (t table) write(w io.Writer) error {
	tw := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	if len(t.rows) > 0 && t.head != nil {
		fmt.Fprintln(tw, strings.Join(t.head, "\t"))
	}
	for _, row := range t.rows {
		fmt.Fprintln(tw, strings.Join(row, "\t"))
	}
	if err := tw.Flush(); err != nil {
		return err
	}
	if t.note != "" {
		fmt.Fprintln(w, t.note)
	}
	return nil
}

// forPeople reports whether the output is a table: then hints may stand beside it.
func (a *app) forPeople() bool { return a.format == "" || a.format == "table" }
