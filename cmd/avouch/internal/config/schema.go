package config

import (
	_ "embed"
	"go/ast"
	"go/parser"
	"go/token"
	"strings"
	"time"
)

// source is the file with the struct: its comments are the manual, so they are read from here and never written twice.
//
//go:embed config.go
var source string

// Manual returns the comment of every key by its path.
func Manual() map[string]string {
	file, err := parser.ParseFile(token.NewFileSet(), "config.go", source, parser.ParseComments)
	if err != nil {
		panic("config: its own source does not parse: " + err.Error()) // it was compiled
	}
	structs := map[string]*ast.StructType{}
	for _, d := range file.Decls {
		if g, ok := d.(*ast.GenDecl); ok {
			for _, s := range g.Specs {
				if t, ok := s.(*ast.TypeSpec); ok {
					if st, ok := t.Type.(*ast.StructType); ok {
						structs[t.Name.Name] = st
					}
				}
			}
		}
	}
	manual := map[string]string{}
	var walk func(st *ast.StructType, prefix string)
	walk = func(st *ast.StructType, prefix string) {
		for _, f := range st.Fields.List {
			path := prefix + strings.Split(f.Tag.Value, `"`)[1]
			if name, ok := f.Type.(*ast.Ident); ok && structs[name.Name] != nil {
				walk(structs[name.Name], path+".")
				continue
			}
			manual[path] = strings.Join(strings.Fields(f.Doc.Text()), " ")
		}
	}
	walk(structs["Config"], "")
	return manual
}

// Schema returns the JSON Schema (2020-12) of the configuration file, for editors.
func Schema() map[string]any {
	c, manual := Default(), Manual()
	root := object("Configuration of the avouch server")
	for _, f := range c.Fields() {
		parts := strings.Split(f.Path, ".")
		at := root["properties"].(map[string]any)
		for _, part := range parts[:len(parts)-1] {
			if at[part] == nil {
				at[part] = object("")
			}
			at = at[part].(map[string]any)["properties"].(map[string]any)
		}
		if f.IsSecret() {
			continue // never in the file
		}
		at[parts[len(parts)-1]] = leafSchema(f, manual[f.Path])
	}
	root["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	return root
}

func object(description string) map[string]any {
	o := map[string]any{"type": "object", "additionalProperties": false, "properties": map[string]any{}}
	if description != "" {
		o["description"] = description
	}
	return o
}

func leafSchema(f Field, doc string) map[string]any {
	leaf := map[string]any{"description": doc + " Environment: " + f.Env + "."}
	switch v := f.Value().(type) {
	case bool:
		leaf["type"], leaf["default"] = "boolean", v
	case int:
		leaf["type"], leaf["minimum"], leaf["default"] = "integer", 0, v
	case []string:
		leaf["type"], leaf["items"] = "array", map[string]any{"type": "string"}
	case time.Duration:
		leaf["type"], leaf["default"], leaf["pattern"] = "string", v.String(), `^([0-9]+(\.[0-9]+)?(ns|us|ms|s|m|h))+$`
	case string:
		leaf["type"] = "string"
		if v != "" {
			leaf["default"] = v
		}
	}
	return leaf
}
