package main

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/avouch-oauth/avouch/cmd/avouch/internal/config"
)

// TestLogIsFitForATerminal: one line of ASCII for a record, and in JSON nothing lost.
func TestLogIsFitForATerminal(t *testing.T) {
	for _, text := range []string{
		"plain", "two\nlines", "\r\n{\"level\":\"ERROR\"}\n", "\x1b[2J\x1b]0;t\a", "\u009b2J", "\x7f", "\u202eevil\u2066", "zero\u200bwidth\ufeff", "\u2028\u2029",
		"J\u00fcrgen", "\u65e5\u672c", "\U0001f600", "not UTF-8 \xff\xc0\xaf", "\x00", `quote " and \ backslash`,
	} {
		for _, format := range []string{"text", "json"} {
			var out bytes.Buffer
			newLogger(&out, config.Log{Level: "info", Format: format}).Info(text, "value", text, text, 1)
			line, rest, _ := strings.Cut(out.String(), "\n")
			if rest != "" || strings.IndexFunc(line, func(r rune) bool { return r < 0x20 || r > 0x7e }) >= 0 {
				t.Errorf("%s of %q: %q", format, text, out.String())
			}
			if format == "text" {
				continue
			}
			var record map[string]any
			if err := json.Unmarshal(out.Bytes(), &record); err != nil || record["value"] != strings.ToValidUTF8(text, "\ufffd") && !strings.Contains(text, "\xff") {
				t.Errorf("%q is read back as %q (%v)", text, record["value"], err)
			}
		}
	}
}
