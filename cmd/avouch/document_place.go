package main

import (
	"errors"
	"fmt"
	"regexp"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"

	"github.com/avouch-oauth/avouch/admin"
)

// placed puts the place in the file before each fault of a document: a member that is missing has that of what it is
// missing from.
func placed(err error, file string, text []byte) error {
	refused, ok := errors.AsType[*admin.Error](err)
	if !ok || refused.Kind != "document" {
		return err
	}
	tree, parseErr := parser.ParseBytes(text, 0)
	if parseErr != nil {
		return err
	}
	for i, f := range refused.Faults {
		if f.Field == "" {
			continue
		}
		if at := place(tree, f.Field); at != nil {
			refused.Faults[i].Field = fmt.Sprintf("%s:%d:%d: %s", file, at.GetToken().Position.Line, at.GetToken().Position.Column, f.Field)
		}
	}
	return err
}

// lastStep is the last step of the path of a member: ".scope" or "[3]".
var lastStep = regexp.MustCompile(`(\.[^.\[\]]+|\[[0-9]+\])$`)

// place finds the value of a member, or else of the nearest thing around it.
func place(tree *ast.File, member string) ast.Node {
	for path := "$." + member; path != "$"; {
		if p, err := yaml.PathString(path); err == nil {
			if node, err := p.FilterFile(tree); err == nil && node != nil && node.GetToken() != nil {
				return node
			}
		}
		shorter := lastStep.ReplaceAllString(path, "")
		if shorter == path {
			break
		}
		path = shorter
	}
	return nil
}
