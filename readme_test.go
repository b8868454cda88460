package avouch_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestSnippets holds the Go snippets of README and guide to the example programs and to the examples of the packages:
// each stands in one of them, word for word but for its indentation, so that it compiles and is run by a test. What a
// page shows as text stands there as checked output.
func TestSnippets(t *testing.T) {
	sources := exampleSources(t)
	for _, page := range glob(t, "README.md", "docs/guide/*.md") {
		text := readFile(t, page)
		for _, snippet := range blocks(text, "go") {
			if !standsIn(snippet, "", sources) {
				t.Errorf("%s: this snippet stands in no example:\n%s", page, snippet)
			}
		}
		if name := filepath.Base(page); name == "explain.md" || name == "changes.md" {
			continue // its output is that of the command: cmd/avouch has the test
		}
		for _, output := range blocks(text, "text") {
			if !standsIn(output, "// ", sources) && !standsIn(output, "// Output: ", sources) {
				t.Errorf("%s: this is the output of no example:\n%s", page, output)
			}
		}
	}
	if n := len(blocks(readFile(t, "README.md"), "go")); n < 4 {
		t.Errorf("the README has %d snippets; there were four call sites", n)
	}
}

// TestSnippetsCanFail shows that a wrong snippet is found out.
func TestSnippetsCanFail(t *testing.T) {
	source := []string{"func f() {\n\tif x {\n\t\ty()\n\n\t\tz()\n\t}\n}\n// Output:\n// 1\n// 2\n"}
	for snippet, want := range map[string]bool{
		"if x {\n\ty()\n": true, "y()\n\nz()\n": true, "\ty()\n\n\tz()\n": true, "y()\nz()\n": false, "if y {\n": false, "\ty()\n}\n": false,
	} {
		if got := standsIn(snippet, "", source); got != want {
			t.Errorf("%q: %v", snippet, got)
		}
	}
	if !standsIn("1\n2\n", "// ", source) || standsIn("2\n1\n", "// ", source) {
		t.Error("outputs are not compared")
	}
	if got := blocks("```go\na\n```\n\n```sh\nb\n```\n", "go"); len(got) != 1 || got[0] != "a\n" {
		t.Errorf("blocks are %q", got)
	}
}

func exampleSources(t *testing.T) (sources []string) {
	t.Helper()
	for _, file := range glob(t, "examples/*/*.go", "example*_test.go", "*/example*_test.go") {
		sources = append(sources, readFile(t, file))
	}
	return sources
}

// standsIn reports whether the lines of a snippet follow each other in one of the sources, behind a prefix and at one
// depth of indentation.
func standsIn(snippet, prefix string, sources []string) bool {
	for depth := range 5 {
		indent := strings.Repeat("\t", depth) + prefix
		var b strings.Builder
		for line := range strings.Lines(snippet) {
			if line != "\n" {
				b.WriteString(indent)
			}
			b.WriteString(line)
		}
		for _, source := range sources {
			if strings.Contains("\n"+source, "\n"+b.String()) {
				return true
			}
		}
	}
	return false
}

// blocks are the fenced blocks of a page in one language.
func blocks(page, language string) (found []string) {
	for _, m := range regexp.MustCompile("(?ms)^```"+language+"\n(.*?)^```").FindAllStringSubmatch(page, -1) {
		found = append(found, m[1])
	}
	return found
}

// glob finds the files of some patterns, at least one each.
func glob(t *testing.T, patterns ...string) (files []string) {
	t.Helper()
	for _, pattern := range patterns {
		found, err := filepath.Glob(pattern)
		if err != nil || len(found) == 0 {
			t.Fatalf("no file %s: %v", pattern, err)
		}
		files = append(files, found...)
	}
	return files
}

func readFile(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestDocumentationLinks follows every relative link of the documentation, to the heading that it names.
func TestDocumentationLinks(t *testing.T) {
	link := regexp.MustCompile(`\]\(([^)#]*)(?:#([^)]*))?\)`)
	for _, page := range glob(t, "*.md", "docs/*.md", "docs/*/*.md", "examples/*.md") {
		for _, m := range link.FindAllStringSubmatch(readFile(t, page), -1) {
			if strings.Contains(m[1], "://") {
				continue
			}
			target := page
			if m[1] != "" {
				target = filepath.Join(filepath.Dir(page), m[1])
			}
			info, err := os.Stat(target)
			if err != nil {
				t.Errorf("%s links to %s, which is not there", page, m[1])
				continue
			}
			if m[2] != "" && (info.IsDir() || !anchors(readFile(t, target))[m[2]]) {
				t.Errorf("%s links to %s#%s, and there is no such heading", page, m[1], m[2])
			}
		}
	}
}

// anchors are the names that the headings of a page have in links.
func anchors(page string) map[string]bool {
	found := map[string]bool{}
	for _, m := range regexp.MustCompile(`(?m)^#+ (.*)$`).FindAllStringSubmatch(page, -1) {
		name := regexp.MustCompile(`[^\p{L}\p{N}_ -]`).ReplaceAllString(strings.ToLower(m[1]), "")
		found[strings.ReplaceAll(name, " ", "-")] = true
	}
	return found
}
