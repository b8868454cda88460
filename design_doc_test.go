package avouch_test

import (
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestDesignIndex: every design page is in the index.
func TestDesignIndex(t *testing.T) {
	index := readFile(t, "docs/design/README.md")
	for _, page := range glob(t, "docs/design/*.md") {
		if name := filepath.Base(page); name != "README.md" && !strings.Contains(index, "]("+name+")") {
			t.Errorf("docs/design/README.md lacks %s", name)
		}
	}
}

// TestDependenciesHaveReasons: docs/design/dependencies.md names the modules that go.mod asks for, each with a package
// that does import it, and no others.
func TestDependenciesHaveReasons(t *testing.T) {
	direct, _, _ := strings.Cut(readFile(t, "go.mod"), "\n)")
	want := map[string]bool{}
	for _, m := range regexp.MustCompile(`(?m)^\t(\S+) v`).FindAllStringSubmatch(direct, -1) {
		want[m[1]] = true
	}
	got := map[string]bool{}
	rows := regexp.MustCompile("(?m)^\\| `([^`]+)` \\| ([^|]+) \\| ([^|]+) \\|$").FindAllStringSubmatch(readFile(t, "docs/design/dependencies.md"), -1)
	for _, row := range rows {
		got[row[1]] = true
		for _, m := range regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(row[2], -1) {
			imported := false
			for _, file := range append(glob(t, m[1]+"/*.go"), globAny(t, m[1]+"/internal/*/*.go")...) {
				imported = imported || strings.Contains(readFile(t, file), `"`+row[1])
			}
			if !imported {
				t.Errorf("%s does not import %s", m[1], row[1])
			}
		}
	}
	if !maps.Equal(got, want) {
		t.Errorf("the page has\n%q\ngo.mod has\n%q", slices.Sorted(maps.Keys(got)), slices.Sorted(maps.Keys(want)))
	}
}

// globAny is glob for a pattern that may have no file.
func globAny(t *testing.T, pattern string) []string {
	t.Helper()
	files, err := filepath.Glob(pattern)
	if err != nil {
		t.Fatal(err)
	}
	return files
}
