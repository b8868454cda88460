package avouch_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// TestCoveragePage holds docs/rfc-coverage.md to the tests: each requirement names tests that exist, or says that it is
// departed from on purpose, and why.
func TestCoveragePage(t *testing.T) {
	page, err := os.ReadFile("docs/rfc-coverage.md")
	if err != nil {
		t.Fatal(err)
	}
	rows, faults := judgeCoverage(string(page), findTests(t, "."))
	for _, fault := range faults {
		t.Error(fault)
	}
	if rows < 100 {
		t.Errorf("the page has %d rows: something of it is not read", rows)
	}
}

// TestCoverageCanFail shows that a wrong page does not pass.
func TestCoverageCanFail(t *testing.T) {
	known := findTests(t, ".")
	const good = "| RFC 6749 §3.2 | POST only | `avouch.TestMethod` |\n"
	if rows, faults := judgeCoverage("| a | b | c |\n|---|---|---|\n"+good, known); rows != 1 || len(faults) != 0 {
		t.Errorf("a good row: %d rows, %q", rows, faults)
	}
	for _, bad := range []string{
		"| RFC 6749 §3.2 | POST only | `avouch.TestMethods` |",
		"| RFC 6749 §3.2 | POST only | `avouch.TestMethod/no_such_part_of_it` |",
		"| RFC 6749 §3.2 | POST only | `avouch.TestMethod`, `grant.TestMethod` |",
		"| RFC 6749 §3.2 | POST only | `nowhere.TestMethod` |",
		"| RFC 6749 §3.2 | POST only | `cmd/avouch.TestScripts/nowhere` |",
		"| RFC 6749 §3.2 | POST only | `TestMethod` |",
		"| RFC 6749 §3.2 | POST only | TestMethod |",
		"| RFC 6749 §3.2 | POST only | |",
		"| RFC 6749 §3.2 | POST only | deliberate departure |",
		"| RFC 6749 | POST only | `avouch.TestMethod` |",
		"| RFC 6749 §3.2 | | `avouch.TestMethod` |",
		"| RFC 6749 §3.2 | POST only |",
	} {
		if _, faults := judgeCoverage(bad+"\n", known); len(faults) == 0 {
			t.Errorf("passes: %s", bad)
		}
	}
}

// testedPackage is what a package has that a page can name.
type testedPackage struct {
	tests    map[string]bool // TestMethod, FuzzForm, ExampleSign
	literals map[string]bool // its texts, as they stand in the names of subtests
}

// findTests reads the tests of every package below root, by the package's path from the root ("avouch" for the root's).
func findTests(t *testing.T, root string) map[string]*testedPackage {
	t.Helper()
	found := map[string]*testedPackage{}
	add := func(file string) {
		name := path.Dir(filepath.ToSlash(file))
		if name == "." {
			name = "avouch"
		}
		p := found[name]
		if p == nil {
			p = &testedPackage{tests: map[string]bool{}, literals: map[string]bool{}}
			found[name] = p
		}
		p.read(t, file)
	}
	err := filepath.WalkDir(root, func(file string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == "testdata" || d.Name() == ".git"):
			return filepath.SkipDir
		case strings.HasSuffix(file, ".go"):
			add(file)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for name, p := range found {
		// transcripts are subtests by the names of their files; what judges stores and guards is a package of its own
		files, err := filepath.Glob(filepath.Join(root, name, "testdata", "*", "*.txtar"))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			p.literals[strings.TrimSuffix(filepath.Base(file), ".txtar")] = true
		}
		if judge := found["storage/storagetest"]; judge != nil && (name == "replay" || strings.HasPrefix(name, "storage/")) {
			for text := range judge.literals {
				p.literals[text] = true
			}
		}
	}
	return found
}

func (p *testedPackage) read(t *testing.T, file string) {
	t.Helper()
	parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	if strings.HasSuffix(file, "_test.go") {
		for _, d := range parsed.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && f.Recv == nil && testName.MatchString(f.Name.Name) {
				p.tests[f.Name.Name] = true
			}
		}
	}
	ast.Inspect(parsed, func(n ast.Node) bool {
		if l, ok := n.(*ast.BasicLit); ok && l.Kind == token.STRING {
			if text, err := strconv.Unquote(l.Value); err == nil {
				p.literals[strings.ReplaceAll(text, " ", "_")] = true
			}
		}
		return true
	})
}

var (
	testName     = regexp.MustCompile(`^(Test|Fuzz|Example)[A-Z_]?\w*$`)
	testInPage   = regexp.MustCompile("`([^`]*)`")
	testFullName = regexp.MustCompile(`^([\w/]+)\.((?:Test|Fuzz|Example)\w*)((?:/[^/]+)*)$`)
	section      = regexp.MustCompile(`§|RFC 9864|CVE-`)
)

// judgeCoverage reads the tables of a page, and tells what is wrong with them. A row has three cells: the section, the
// requirement, and the tests or the departure.
func judgeCoverage(page string, known map[string]*testedPackage) (rows int, faults []string) {
	lines := strings.Split(page, "\n")
	for i, line := range lines {
		if !strings.HasPrefix(line, "|") || strings.HasPrefix(line, "|---") {
			continue
		}
		if i+1 < len(lines) && strings.HasPrefix(lines[i+1], "|---") {
			continue // the head of a table
		}
		rows++
		cells := strings.Split(strings.Trim(line, "|"), "|")
		for c := range cells {
			cells[c] = strings.TrimSpace(cells[c])
		}
		fault := func(format string, args ...any) {
			faults = append(faults, fmt.Sprintf("line %d: %s: %s", i+1, fmt.Sprintf(format, args...), line))
		}
		if len(cells) != 3 || cells[1] == "" {
			fault("it has not three cells")
			continue
		}
		if !section.MatchString(cells[0]) {
			fault("no section of a specification is named")
		}
		names := testInPage.FindAllStringSubmatch(cells[2], -1)
		departure, departs := strings.CutPrefix(cells[2], "deliberate departure")
		if why, said := strings.CutPrefix(departure, ": "); departs && (!said || len(why) < 20) {
			fault("it does not say why")
		}
		if !departs && len(names) == 0 {
			fault("no test is named")
		}
		for _, n := range names {
			if m := testFullName.FindStringSubmatch(n[1]); m != nil {
				if !exists(known[m[1]], m[2], m[3]) {
					fault("there is no test %s", n[1])
				}
			} else if !departs {
				fault("%q is not the name of a test", n[1])
			}
		}
	}
	return rows, faults
}

func exists(p *testedPackage, test, subtest string) bool {
	if p == nil || !p.tests[test] {
		return false
	}
	for part := range strings.SplitSeq(strings.TrimPrefix(subtest, "/"), "/") {
		if part != "" && !p.literals[part] {
			return false
		}
	}
	return true
}
