package config

import (
	"fmt"
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// readYAML sets fields from a YAML file. Every fault is told with file, line and column.
func readYAML(name string, text []byte, fields []Field) []error {
	file, err := parser.ParseBytes(text, 0, parser.AllowDuplicateMapKey()) // told by us, with all other faults
	if err != nil {
		return []error{fmt.Errorf("%s is not YAML: %w", name, err)}
	}
	r := yamlReader{name: name, fields: fields}
	for i, doc := range file.Docs {
		if i > 0 {
			r.fault(doc.Body, "a second document; put everything into one")
			break
		}
		if doc.Body != nil {
			r.mapping(doc.Body, "")
		}
	}
	return r.faults
}

type yamlReader struct {
	name   string
	fields []Field
	seen   []string
	faults []error
}

func (r *yamlReader) fault(at ast.Node, format string, args ...any) {
	position := r.name
	if at != nil && at.GetToken() != nil {
		position = fmt.Sprintf("%s:%d:%d", r.name, at.GetToken().Position.Line, at.GetToken().Position.Column)
	}
	r.faults = append(r.faults, fmt.Errorf("%s: %s", position, fmt.Sprintf(format, args...)))
}

func (r *yamlReader) mapping(node ast.Node, prefix string) {
	var pairs []*ast.MappingValueNode
	switch n := node.(type) {
	case *ast.MappingNode:
		pairs = n.Values
	case *ast.MappingValueNode:
		pairs = []*ast.MappingValueNode{n}
	case *ast.NullNode, *ast.CommentGroupNode:
		return
	default:
		r.fault(node, "%s must have keys under it", strings.TrimSuffix(prefix, "."))
		return
	}
	for _, pair := range pairs {
		r.pair(pair, prefix+pair.Key.String())
	}
}

func (r *yamlReader) pair(pair *ast.MappingValueNode, path string) {
	if slices.Contains(r.seen, path) {
		r.fault(pair.Key, "%s is given twice", path)
		return
	}
	r.seen = append(r.seen, path)
	if i := slices.IndexFunc(r.fields, func(f Field) bool { return f.Path == path }); i >= 0 {
		r.leaf(r.fields[i], pair.Value)
		return
	}
	if slices.ContainsFunc(r.fields, func(f Field) bool { return strings.HasPrefix(f.Path, path+".") }) {
		r.mapping(pair.Value, path+".")
		return
	}
	hint := ""
	if near := nearest(path, r.fields); near != "" {
		hint = "; did you mean " + near + "?"
	}
	r.fault(pair.Key, "unknown key %s%s", path, hint)
}

func (r *yamlReader) leaf(f Field, value ast.Node) {
	if f.IsSecret() {
		r.fault(value, "%s is a secret and must not stand in this file: give %s, or %sfile with the path of a file", f.Path, f.Env, f.Path)
		return
	}
	if list, ok := value.(*ast.SequenceNode); ok && f.IsList() {
		var items []string
		for _, item := range list.Values {
			text, ok := scalar(item)
			if !ok {
				r.fault(item, "%s: every item must be a string", f.Path)
				return
			}
			items = append(items, text)
		}
		f.setList(items)
		return
	}
	text, ok := scalar(value)
	if !ok || f.IsList() {
		r.fault(value, "%s: %s expected", f.Path, kindName(f))
		return
	}
	if err := f.Set(text); err != nil {
		r.fault(value, "%v", err)
	}
}

func kindName(f Field) string {
	if f.IsList() {
		return "a list"
	}
	return "a single value"
}

// scalar returns the text of a scalar node. Anchors, aliases and tags have no place in a configuration this small.
func scalar(n ast.Node) (string, bool) {
	switch n := n.(type) {
	case *ast.StringNode:
		return n.Value, true
	case *ast.LiteralNode:
		return n.Value.Value, true
	case *ast.BoolNode, *ast.IntegerNode, *ast.FloatNode:
		return n.GetToken().Value, true
	}
	return "", false
}

// nearest returns the key path that differs from path by one or two letters, or "".
func nearest(path string, fields []Field) string {
	best, bestDistance := "", 3
	for _, f := range fields {
		if d := distance(path, f.Path); d < bestDistance {
			best, bestDistance = f.Path, d
		}
	}
	return best
}

// distance is the Levenshtein distance of two short strings.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, row[j]+1, diagonal+1)
		}
	}
	return row[len(b)]
}
