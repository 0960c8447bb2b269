package declare

import (
	"maps"
	"slices"

	"cuelang.org/go/cue/ast"
)

// forbidden are the attributes that make CUE leave out a file or a field, or
// read another file in its place: what a revision declares would then depend
// on flags, or on what is no declaration. Others mean nothing here.
var forbidden = map[string]bool{"if": true, "ignore": true, "extern": true, "embed": true}

// survey looks at a file that is not plain: it refuses attributes, and notes
// the names by which the file may refer to others.
func (f *file) survey() {
	names := map[string]bool{}
	var visit func(n ast.Node) bool
	visit = func(n ast.Node) bool {
		switch x := n.(type) {
		case *ast.Attribute:
			f.attribute(x)
		case *ast.Package, *ast.ImportDecl:
			return false
		case *ast.Ident:
			names[x.Name] = true
		case *ast.SelectorExpr:
			ast.Walk(x.X, visit, nil)
			return false
		case *ast.Field:
			for _, a := range x.Attrs {
				f.attribute(a)
			}
			if _, written := x.Label.(*ast.Ident); !written {
				ast.Walk(x.Label, visit, nil)
			}
			if x.Value != nil {
				ast.Walk(x.Value, visit, nil)
			}
			return false
		}
		return true
	}
	ast.Walk(f.ast, visit, nil)
	f.refers = slices.Sorted(maps.Keys(names))
}

func (f *file) attribute(a *ast.Attribute) {
	if forbidden[a.Name()] {
		f.refuse("forbidden-attribute", a.Pos(), "remove it", "attribute %q is not allowed", "@"+a.Name())
	}
}
