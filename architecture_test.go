package avouch_test

import (
	"encoding/json"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/avouch-oauth/avouch"

// level is the row of each package in the layer picture of docs/design/layout.md. A package imports only packages of
// lower rows. One that is missing here fails the test, so that nobody adds a room without saying where it stands.
var level = map[string]int{
	"internal/strictjson": 0,
	"internal/jsonwrite":  0,
	"internal/near":       0,
	"internal/scope":      0,
	"internal/rate":       0,
	"internal/pages":      0,
	"internal/panics":     0,
	"internal/remote":     0,
	"internal/urlcheck":   0,
	"internal/jose":       1,
	"internal/safehttp":   1,
	"internal/metadata":   2,
	"replay":              2,
	"handle":              2,
	"keys":                3,
	"assertion":           4,
	"token":               4,
	"":                    5,
	"trust":               5,
	"grant":               6,
	"clientauth":          6,
	"endpoint":            7,
	"explain":             7,
	"avouchtest":          6,
	"client":              6,
	"resource":            6,
	"storage":             7,
	"storage/storagetest": 8,
	"storage/sqlite":      8,
	"admin":               8,

	"cmd/avouch/internal/config": 7,
	"cmd/avouch/internal/events": 8,
	"cmd/avouch/internal/signin": 8,
	"cmd/avouch":                 9,
}

// free may import what they like from outside; all other packages are libraries and stay light.
func free(pkg string) bool {
	return strings.HasPrefix(pkg, "cmd/") || strings.HasPrefix(pkg, "storage/") || pkg == "admin"
}

// light are the halves that run in other people's programs: they see no server, no database, no rules.
var light = map[string][]string{
	"client":   {"internal/strictjson", "internal/jsonwrite", "internal/jose", "internal/safehttp", "internal/metadata", "internal/near", "internal/urlcheck", "replay", "keys", "assertion", "token"},
	"resource": {"internal/strictjson", "internal/jsonwrite", "internal/jose", "internal/safehttp", "internal/metadata", "internal/near", "internal/urlcheck", "replay", "keys", "assertion", "token"},
}

// outside are the modules that libraries may use, and which ones.
var outside = map[string][]string{
	"golang.org/x/oauth2": {"client"},
}

type listed struct {
	ImportPath string
	Standard   bool
	Imports    []string
	Deps       []string
}

func TestArrows(t *testing.T) {
	packages := list(t)
	for path, p := range packages {
		name, ours := relative(path)
		if !ours {
			continue
		}
		own, known := level[name]
		if !known {
			t.Errorf("%q is in no row of the layout: add it to level and to docs/design/layout.md", name)
			continue
		}
		for _, imported := range p.Imports {
			if other, ours := relative(imported); ours && level[other] >= own {
				t.Errorf("%q (row %d) imports %q (row %d): arrows point down only", name, own, other, level[other])
			}
		}
		if !free(name) {
			checkLight(t, name, p, packages)
		}
	}
}

// checkLight looks at everything a library pulls in, directly or not.
func checkLight(t *testing.T, name string, p listed, packages map[string]listed) {
	for _, dep := range p.Deps {
		if other, ours := relative(dep); ours {
			if allowed, limited := light[name]; limited && !slices.Contains(allowed, other) {
				t.Errorf("%q pulls in %q: it must stay light, see docs/design/layout.md", name, other)
			}
			continue
		}
		if packages[dep].Standard {
			continue
		}
		if !slices.ContainsFunc(keysOf(outside), func(m string) bool {
			return (dep == m || strings.HasPrefix(dep, m+"/")) && slices.Contains(outside[m], name)
		}) {
			t.Errorf("%q pulls in %s: libraries use the standard library and (client only) x/oauth2", name, dep)
		}
	}
}

func keysOf(m map[string][]string) []string {
	var all []string
	for k := range m {
		all = append(all, k)
	}
	return all
}

// TestServerKnowsNoAssertions keeps RFC 7523 one grant among others: what the built-in one needs, a stranger's has.
func TestServerKnowsNoAssertions(t *testing.T) {
	if slices.Contains(list(t)[module].Deps, module+"/assertion") {
		t.Error("package avouch imports assertion: grants and client authentication do, the server does not")
	}
}

// TestEventsKnowNoStore: what requests come to is never written to the store, see docs/design/events.md.
func TestEventsKnowNoStore(t *testing.T) {
	events := list(t)[module+"/cmd/avouch/internal/events"]
	for _, store := range []string{"/storage", "/storage/sqlite", "/admin"} {
		if slices.Contains(events.Deps, module+store) {
			t.Errorf("the package of events imports %s", store)
		}
	}
	if slices.Contains(events.Imports, module+"/handle") { // the server's own store, of which it sees nothing
		t.Error("the package of events imports handle")
	}
	if len(events.Deps) == 0 {
		t.Error("the package of events is not listed")
	}
}

func relative(path string) (string, bool) {
	if path == module {
		return "", true
	}
	return strings.CutPrefix(path, module+"/")
}

func list(t *testing.T) map[string]listed {
	t.Helper()
	out, err := exec.Command("go", "list", "-deps", "-json=ImportPath,Standard,Imports,Deps", "./...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	packages := map[string]listed{}
	for decoder := json.NewDecoder(strings.NewReader(string(out))); decoder.More(); {
		var p listed
		if err := decoder.Decode(&p); err != nil {
			t.Fatal(err)
		}
		packages[p.ImportPath] = p
	}
	return packages
}
