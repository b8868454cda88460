package avouch_test

import (
	"strings"
	"testing"
)

// wholePages are pages of the guide whose blocks, one after the other, are files that compile and are tested: a reader who
// pastes them in order has all of it.
var wholePages = map[string][]string{
	"docs/guide/from-nothing.md":              {"examples/from-nothing/main.go"},
	"docs/guide/writing-a-store.md":           {"examples/own-store/store.go", "examples/own-store/main.go", "examples/own-store/store_test.go"},
	"docs/guide/testing-a-grant.md":           {"examples/custom-grant/main_test.go"},
	"docs/guide/own-grant-and-client-auth.md": {"examples/custom-grant/main.go", "examples/custom-client-auth/main.go"},
}

// TestPagesAreWhole holds them to that.
func TestPagesAreWhole(t *testing.T) {
	for page, files := range wholePages {
		for _, file := range files {
			if missing := lacks(readFile(t, page), readFile(t, file)); missing != "" {
				t.Errorf("whoever pastes the blocks of %s gets %s without, or not in its place:\n%s", page, file, missing)
			}
		}
	}
	if n := strings.Count(readFile(t, "examples/own-store/store.go"), "\n"); n >= 160 {
		t.Errorf("the store of one's own has %d lines; the guide says that it is under 160", n)
	}
}

// TestPagesAreWholeCanFail shows that a page with a hole is found out.
func TestPagesAreWholeCanFail(t *testing.T) {
	const file = "package p\n\nfunc f() {\n\tx()\n}\n\nfunc g() {\n}\n"
	page := func(blocks ...string) string { return "```go\n" + strings.Join(blocks, "```\ntext\n```go\n") + "```\n" }
	if missing := lacks(page("package p\n", "other()\n", "func f() {\n\tx()\n}\n", "func g() {\n}\n"), file); missing != "" {
		t.Errorf("a page with everything lacks %q", missing)
	}
	for _, bad := range []string{
		page("package p\n", "func g() {\n}\n"),
		page("package p\n", "func f() {\n\tx()\n}\n"),
		page("package p\n", "func g() {\n}\n", "func f() {\n\tx()\n}\n"),
		page("package p\n", "func f() {\n}\n", "func g() {\n}\n"),
		page(),
	} {
		if lacks(bad, file) == "" {
			t.Errorf("a page that is not whole passes:\n%s", bad)
		}
	}
}

// lacks returns the part of a file that the blocks of a page do not have in its place, "" where they have all of it.
// Blocks of other things may stand between.
func lacks(page, file string) string {
	rest := strings.TrimSpace(file)
	for _, block := range blocks(page, "go") {
		if after, ok := strings.CutPrefix(rest, strings.TrimSpace(block)); ok {
			rest = strings.TrimSpace(after)
		}
	}
	return rest
}
