package avouch_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// TestErrorCodesDocumented holds the table of docs/errors.md to the code: every OAuth error code is there, with the
// status that follows from it and those that are set by hand.
func TestErrorCodesDocumented(t *testing.T) {
	want := map[string]bool{}
	for name := range codesOf(t) {
		status := http.StatusBadRequest
		switch name {
		case "invalid_client", "invalid_token":
			status = http.StatusUnauthorized
		case "server_error":
			status = http.StatusInternalServerError
		case "temporarily_unavailable":
			status = http.StatusServiceUnavailable
		}
		want[name+" "+strconv.Itoa(status)] = true
	}
	byHand := regexp.MustCompile(`Status:\s+http\.Status(\w+)`)
	names := map[string]int{
		"RequestEntityTooLarge": 413, "RequestTimeout": 408, "MethodNotAllowed": 405, "TooManyRequests": 429,
		"Forbidden": 403,
	}
	for _, file := range glob(t, "*.go", "clientauth/*.go", "grant/*.go") {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		for _, m := range byHand.FindAllStringSubmatch(readFile(t, file), -1) {
			code := "invalid_request"
			if strings.HasPrefix(file, "clientauth/") {
				code = "invalid_client"
			}
			if names[m[1]] == 0 {
				t.Errorf("%s sets a status that this test does not know: %s", file, m[1])
			}
			want[code+" "+strconv.Itoa(names[m[1]])] = true
		}
	}

	got := map[string]bool{}
	row := regexp.MustCompile("(?m)^\\| `(\\w+)` \\| ([0-9, ]+) \\|")
	for _, m := range row.FindAllStringSubmatch(readFile(t, "docs/errors.md"), -1) {
		for status := range strings.SplitSeq(m[2], ",") {
			got[m[1]+" "+strings.TrimSpace(status)] = true
		}
	}
	if !maps.Equal(got, want) {
		t.Errorf("the page has\n%q\nthe code has\n%q", slices.Sorted(maps.Keys(got)), slices.Sorted(maps.Keys(want)))
	}
}

// codesOf are the values of the constants of type Code.
func codesOf(t *testing.T) map[string]bool {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "error.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]bool{}
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok {
			return true
		}
		if typ, ok := spec.Type.(*ast.Ident); ok && typ.Name == "Code" {
			value, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
			if err != nil {
				t.Fatal(err)
			}
			found[value] = true
		}
		return true
	})
	if len(found) < 9 {
		t.Fatalf("found %d codes", len(found))
	}
	return found
}
