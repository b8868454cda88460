package config

import (
	"fmt"
	"strings"
	"time"

	"github.com/goccy/go-yaml"
)

// Tree returns the configuration as nested maps for printing; secrets are hidden.
func (c *Config) Tree() map[string]any {
	root := map[string]any{}
	for _, f := range c.Fields() {
		parts := strings.Split(f.Path, ".")
		at := root
		for _, part := range parts[:len(parts)-1] {
			if at[part] == nil {
				at[part] = map[string]any{}
			}
			at = at[part].(map[string]any)
		}
		at[parts[len(parts)-1]] = printable(f.Value())
	}
	return root
}

func printable(v any) any {
	switch v := v.(type) {
	case time.Duration:
		return v.String()
	case Secret:
		return v.String()
	}
	return v
}

// YAML writes the configuration as a file could hold it, each key under its manual and its environment variable.
// Secrets stand in it as comments only.
func (c *Config) YAML() string {
	var b strings.Builder
	manual, section := Manual(), ""
	for _, f := range c.Fields() {
		parent, name, nested := strings.Cut(f.Path, ".")
		indent := ""
		if nested {
			indent = "  "
			if parent != section {
				fmt.Fprintf(&b, "%s:\n", parent)
			}
		} else {
			name = f.Path
		}
		section = parent
		for line := range strings.SplitSeq(wrap(manual[f.Path], 100), "\n") {
			fmt.Fprintf(&b, "%s# %s\n", indent, line)
		}
		fmt.Fprintf(&b, "%s# Environment: %s\n", indent, f.Env)
		text, err := yaml.MarshalWithOptions(printable(f.Value()), yaml.Flow(true))
		if err != nil {
			text = []byte(fmt.Sprint(printable(f.Value())))
		}
		if f.IsSecret() {
			fmt.Fprintf(&b, "%s# %s: %s\n", indent, name, strings.TrimSpace(string(text)))
			continue
		}
		fmt.Fprintf(&b, "%s%s: %s\n", indent, name, strings.TrimSpace(string(text)))
	}
	return b.String()
}

// wrap breaks text into lines of at most width characters.
func wrap(text string, width int) string {
	var b strings.Builder
	length := 0
	for i, word := range strings.Fields(text) {
		switch {
		case i == 0:
		case length+1+len(word) > width:
			b.WriteByte('\n')
			length = 0
		default:
			b.WriteByte(' ')
			length++
		}
		b.WriteString(word)
		length += len(word)
	}
	return b.String()
}
