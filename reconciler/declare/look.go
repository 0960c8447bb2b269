package declare

import (
	"slices"
	"strconv"

	"cuelang.org/go/cue"
	"cuelang.org/go/cue/ast"
	"cuelang.org/go/cue/token"

	"github.com/portreeve/portreeve/reconciler/fleet"
)

// What the reporter asks of the user's text and value. The text comes first:
// it is there even where the value is an error.

func selectors(path []string) cue.Path {
	var sels []cue.Selector
	for _, element := range path {
		if isIndex(element) {
			i, _ := strconv.Atoi(element)
			sels = append(sels, cue.Index(i))
		} else {
			sels = append(sels, cue.Str(plainName(element)))
		}
	}
	return cue.MakePath(sels...)
}

func (r *reporter) lookup(path []string) cue.Value {
	return r.value.LookupPath(selectors(path))
}

func (r *reporter) exprs(path []string) []ast.Expr {
	if len(path) > 0 {
		if p, ok := r.places[pathText(path)]; ok {
			return []ast.Expr{p.expr}
		}
		return nil
	}
	var all []ast.Expr
	for _, n := range r.at.nodes {
		all = append(all, n.Value)
	}
	return all
}

func (r *reporter) kind(path []string) cue.Kind {
	for _, e := range r.exprs(path) {
		if kind := exprKind(e); kind != cue.BottomKind {
			return kind
		}
	}
	return r.lookup(path).IncompleteKind()
}

func exprKind(e ast.Expr) cue.Kind {
	switch x := e.(type) {
	case *ast.StructLit:
		return cue.StructKind
	case *ast.ListLit:
		return cue.ListKind
	case *ast.BasicLit:
		_, kind, _ := literalWords(x)
		return kind
	case *ast.UnaryExpr:
		return exprKind(x.X)
	case *ast.ParenExpr:
		return exprKind(x.X)
	case *ast.BinaryExpr:
		if x.Op == token.AND {
			return exprKind(x.Y)
		}
	}
	return cue.BottomKind
}

// names are the fields of the struct at path, sorted.
func (r *reporter) names(path []string) []string {
	var all []string
	prefix := len(path)
	for _, e := range r.exprs(path) {
		all = append(all, fieldNames(e)...)
	}
	if iter, err := r.lookup(path[:prefix]).Fields(); err == nil {
		for iter.Next() {
			all = append(all, iter.Selector().Unquoted())
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

func fieldNames(e ast.Expr) []string {
	var all []string
	switch x := e.(type) {
	case *ast.StructLit:
		for _, d := range x.Elts {
			f, ok := d.(*ast.Field)
			if !ok || f.Constraint != token.ILLEGAL {
				continue
			}
			if name := labelName(f.Label); name != "" && name[0] != '_' && name[0] != '#' {
				all = append(all, name)
			}
		}
	case *ast.ParenExpr:
		return fieldNames(x.X)
	case *ast.BinaryExpr:
		if x.Op == token.AND {
			return append(fieldNames(x.X), fieldNames(x.Y)...)
		}
	}
	return all
}

func (r *reporter) length(path []string) int {
	for _, e := range r.exprs(path) {
		if list, ok := e.(*ast.ListLit); ok {
			return len(list.Elts)
		}
	}
	n, _ := r.lookup(path).Len().Int64()
	return int(n)
}

// do is the value of the field "do" of the struct at path.
func (r *reporter) do(path []string) string {
	below := append(path[:len(path):len(path)], "do")
	if p, ok := r.places[pathText(below)]; ok {
		if lit, ok := p.expr.(*ast.BasicLit); ok {
			return labelName(lit)
		}
	}
	name, _ := r.lookup(below).String()
	return name
}

// labelPos is where a field's name stands.
func (r *reporter) labelPos(path []string) fleet.Pos {
	name := plainName(path[len(path)-1])
	for _, e := range r.exprs(path[:len(path)-1]) {
		if pos := labelPos(e, name); pos.IsValid() {
			return position(pos)
		}
	}
	if pos := r.lookup(path).Pos(); pos.IsValid() {
		return position(pos)
	}
	return r.pos(path)
}

func labelPos(e ast.Expr, name string) token.Pos {
	switch x := e.(type) {
	case *ast.StructLit:
		for _, d := range x.Elts {
			if f, ok := d.(*ast.Field); ok && labelName(f.Label) == name {
				return f.Label.Pos()
			}
		}
	case *ast.ParenExpr:
		return labelPos(x.X, name)
	case *ast.BinaryExpr:
		if pos := labelPos(x.X, name); pos.IsValid() {
			return pos
		}
		return labelPos(x.Y, name)
	}
	return token.NoPos
}

// candidates are the fields that a struct may have.
func (s *shape) candidates() []string {
	all := slices.Clone(s.order)
	for _, v := range s.variants {
		all = append(all, v.order...)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

func (s *shape) exampleHint() string {
	if s.example == "" || s.form != "" {
		return ""
	}
	return "for example " + s.example
}
