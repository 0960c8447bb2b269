package published

import (
	"fmt"
	"slices"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/parser"
)

// Subset holds another schema to this one: each type, field, argument and
// value in it is there in this one too, and of the same type. It names every
// fault.
func (g *GraphQL) Subset(name, text string) ([]string, error) {
	doc, err := parser.ParseSchema(&ast.Source{Name: name, Input: text})
	if err != nil {
		return nil, err
	}
	var faults []string
	for _, def := range doc.Definitions {
		published := g.schema.Types[def.Name]
		switch {
		case published == nil:
			faults = append(faults, def.Name+": is not published")
		case published.Kind != def.Kind:
			faults = append(faults, fmt.Sprintf("%s: is %s, published as %s", def.Name, def.Kind, published.Kind))
		default:
			faults = append(faults, subset(def, published)...)
		}
	}
	return faults, nil
}

func subset(def, published *ast.Definition) []string {
	var faults []string
	fault := func(at, format string, args ...any) {
		faults = append(faults, def.Name+"."+at+": "+fmt.Sprintf(format, args...))
	}
	for _, name := range slices.Concat(def.Interfaces, def.Types) {
		if !slices.Contains(published.Interfaces, name) && !slices.Contains(published.Types, name) {
			fault(name, "%s is not published as one", name)
		}
	}
	for _, v := range def.EnumValues {
		if published.EnumValues.ForName(v.Name) == nil {
			fault(v.Name, "is not published")
		}
	}
	for _, f := range def.Fields {
		if strings.HasPrefix(f.Name, "__") {
			continue
		}
		there := published.Fields.ForName(f.Name)
		if there == nil {
			fault(f.Name, "is not published")
			continue
		}
		if f.Type.String() != there.Type.String() {
			fault(f.Name, "is %s, published as %s", f.Type, there.Type)
		}
		for _, a := range f.Arguments {
			arg := there.Arguments.ForName(a.Name)
			if arg == nil {
				fault(f.Name, "argument %s is not published", a.Name)
			} else if a.Type.String() != arg.Type.String() {
				fault(f.Name, "argument %s is %s, published as %s", a.Name, a.Type, arg.Type)
			}
		}
		for _, a := range there.Arguments {
			if a.Type.NonNull && a.DefaultValue == nil && f.Arguments.ForName(a.Name) == nil {
				fault(f.Name, "argument %s is required", a.Name)
			}
		}
	}
	return faults
}
