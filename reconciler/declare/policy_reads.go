package declare

import (
	"encoding/json"
	"slices"

	"cuelang.org/go/cue/ast"
)

// reads are the fields at the top of a rule's subject that the rule looks at;
// all of it where that can't be told from its text.
func reads(lit *ast.StructLit) (names []string, whole bool) {
	w := readsWalker{names: []string{}, labels: map[ast.Node]bool{}}
	for _, d := range lit.Elts {
		if f, ok := d.(*ast.Field); ok && labelName(f.Label) == "subject" {
			w.declared(f)
		}
	}
	ast.Walk(lit, w.node, nil)
	if w.whole {
		return nil, true
	}
	slices.Sort(w.names)
	return slices.Compact(w.names), false
}

type readsWalker struct {
	names  []string
	labels map[ast.Node]bool // nodes that are no use of the subject by themselves
	whole  bool
}

// declared takes the fields that the rule demands of its subject.
func (w *readsWalker) declared(f *ast.Field) {
	w.labels[f.Label] = true
	switch value := f.Value.(type) {
	case *ast.StructLit:
		for _, d := range value.Elts {
			switch d := d.(type) {
			case *ast.Field:
				w.name(labelName(d.Label))
			case *ast.Ellipsis:
			default:
				w.whole = true
			}
		}
	case *ast.Ident:
		w.whole = w.whole || value.Name != "_"
	default:
		w.whole = true
	}
}

// name notes a field; one that is not written out may be any.
func (w *readsWalker) name(name string) {
	w.whole = w.whole || name == ""
	w.names = append(w.names, name)
}

// node looks for uses of the subject: subject.NAME reads that field, and any
// other use may read all.
func (w *readsWalker) node(n ast.Node) bool {
	switch x := n.(type) {
	case *ast.SelectorExpr:
		if base, ok := x.X.(*ast.Ident); ok && base.Name == "subject" {
			w.labels[base] = true
			w.name(labelName(x.Sel))
		}
		w.whole = w.whole || labelName(x.Sel) == "subject"
	case *ast.BasicLit:
		w.whole = w.whole || labelName(x) == "subject" && !w.labels[x]
	case *ast.Ident:
		w.whole = w.whole || x.Name == "subject" && !w.labels[x]
	}
	return true
}

// subject is what a law is shown of a declaration: the fields that it reads, in
// the order of their names. Two that are the same are judged the same.
func (l law) subject(fields map[string]json.RawMessage) string {
	shown := fields
	if !l.Whole {
		shown = map[string]json.RawMessage{}
		for _, name := range l.Reads {
			if value, ok := fields[name]; ok {
				shown[name] = value
			}
		}
	}
	data, err := json.Marshal(shown)
	if err != nil {
		panic("declare: what was JSON is none: " + err.Error())
	}
	return string(data)
}
