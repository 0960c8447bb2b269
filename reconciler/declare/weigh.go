package declare

import (
	"math"
	"slices"
	"strings"

	"cuelang.org/go/cue/ast"
	"cuelang.org/go/cue/literal"
	"cuelang.org/go/cue/token"
)

// weigher estimates what evaluating a file comes to.
type weigher struct {
	file    *file
	roots   map[string][]ast.Node // what the package's files declare at the top
	memo    map[ast.Node]float64
	busy    map[ast.Node]bool
	choices int
	entries float64 // of the package
	refused bool
}

func (w *weigher) add(f *file) {
	for _, d := range f.ast.Decls {
		if field, ok := d.(*ast.Field); ok {
			if name := labelName(field.Label); name != "" {
				w.roots[name] = append(w.roots[name], field.Value)
			}
		}
	}
}

func (w *weigher) refuse(pos token.Pos, format string, args ...any) {
	if !w.refused {
		w.file.tooMuch(pos, format, args...)
	}
	w.refused = true
}

// node is the weight of a node that references lead to, made once. A value
// that contains itself has none.
func (w *weigher) node(n ast.Node, at token.Pos) float64 {
	if weight, ok := w.memo[n]; ok {
		return weight
	}
	if w.busy[n] {
		w.refuse(at, "refers to what it stands in")
		return 0
	}
	w.busy[n] = true
	weight := 0.0
	switch x := n.(type) {
	case ast.Expr:
		weight = w.expr(x)
	case *ast.Field:
		weight = w.expr(x.Value)
	case *ast.LetClause:
		weight = w.expr(x.Expr)
	case *ast.ForClause:
		weight = w.expr(x.Source)
	}
	delete(w.busy, n)
	w.memo[n] = math.Min(weight, math.MaxFloat64/1e9)
	return w.memo[n]
}

func (w *weigher) decl(d ast.Decl) float64 {
	switch d := d.(type) {
	case *ast.Field:
		weight := 1.0
		switch label := d.Label.(type) {
		case *ast.Ident, *ast.BasicLit:
		case *ast.ListLit: // a pattern: for each name that it matches
			return (1 + w.entries) * (1 + w.node(d.Value, d.Pos()))
		case ast.Expr:
			weight += w.expr(label)
		}
		return weight + w.node(d.Value, d.Pos())
	case *ast.EmbedDecl:
		return w.expr(d.Expr)
	case *ast.Comprehension:
		return w.comprehension(d)
	case *ast.LetClause:
		return w.node(d.Expr, d.Pos())
	case *ast.Ellipsis:
		if d.Type != nil {
			return w.expr(d.Type)
		}
	case ast.Expr:
		return w.expr(d)
	}
	return 1
}

// comprehension is as often its body as its sources are long.
func (w *weigher) comprehension(c *ast.Comprehension) float64 {
	times := 1.0
	for _, clause := range c.Clauses {
		switch x := clause.(type) {
		case *ast.ForClause:
			times *= 1 + w.length(x.Source)
		case *ast.IfClause:
			times += w.expr(x.Condition)
		case *ast.LetClause:
			times += w.expr(x.Expr)
		}
	}
	return times * (1 + w.expr(c.Value))
}

func (w *weigher) expr(e ast.Expr) float64 {
	switch x := e.(type) {
	case nil:
		return 0
	case *ast.BasicLit:
		return 1 + float64(len(x.Value))/16
	case *ast.Ident:
		return w.ident(x)
	case *ast.SelectorExpr:
		return w.selector(x)
	case *ast.IndexExpr:
		return w.expr(x.X) + w.expr(x.Index)
	case *ast.SliceExpr:
		return w.expr(x.X)
	case *ast.ParenExpr:
		return w.expr(x.X)
	case *ast.UnaryExpr:
		return 1 + w.expr(x.X)
	case *ast.BinaryExpr:
		return w.binary(x)
	case *ast.Interpolation:
		return w.all(x.Elts)
	case *ast.CallExpr:
		return w.call(x)
	case *ast.ListLit:
		return w.all(x.Elts)
	case *ast.StructLit:
		weight := 1.0
		for _, d := range x.Elts {
			weight += w.decl(d)
		}
		return weight
	case *ast.Comprehension:
		return w.comprehension(x)
	case *ast.Ellipsis:
		return 1 + w.expr(x.Type)
	case *ast.Alias:
		return w.expr(x.Expr)
	}
	return 1
}

func (w *weigher) all(exprs []ast.Expr) float64 {
	weight := 1.0
	for _, e := range exprs {
		weight += w.expr(e)
	}
	return weight
}

func (w *weigher) binary(x *ast.BinaryExpr) float64 {
	if x.Op == token.OR {
		w.choices++
		if !scalar(x.X) || !scalar(x.Y) {
			w.choices += structChoice - 1
		}
	}
	if x.Op == token.MUL && !(numeric(x.X) && numeric(x.Y)) {
		w.refuse(x.OpPos, `"*" is allowed between written numbers only`)
	}
	return 1 + w.expr(x.X) + w.expr(x.Y)
}

// scalar reports whether an expression is of written texts, numbers and the
// names of basic types.
func scalar(e ast.Expr) bool {
	switch x := e.(type) {
	case *ast.BasicLit:
		return true
	case *ast.Ident:
		return x.Node == nil && !strings.HasPrefix(x.Name, "#") && !strings.HasPrefix(x.Name, "_")
	case *ast.ParenExpr:
		return scalar(x.X)
	case *ast.UnaryExpr:
		return scalar(x.X)
	case *ast.BinaryExpr:
		return scalar(x.X) && scalar(x.Y)
	}
	return false
}

// numeric reports whether an expression is made of written numbers alone.
func numeric(e ast.Expr) bool {
	switch x := e.(type) {
	case *ast.BasicLit:
		return x.Kind == token.INT || x.Kind == token.FLOAT
	case *ast.ParenExpr:
		return numeric(x.X)
	case *ast.UnaryExpr:
		return numeric(x.X)
	case *ast.BinaryExpr:
		return numeric(x.X) && numeric(x.Y)
	}
	return false
}

func (w *weigher) call(x *ast.CallExpr) float64 {
	weight := w.all(x.Args) + w.expr(x.Fun)
	switch fun := x.Fun.(type) {
	case *ast.SelectorExpr:
		base, ok := fun.X.(*ast.Ident)
		if !ok || w.file.importPath(base.Name) == "" {
			w.refuse(x.Pos(), "calls what is no function of a package")
		}
		if slices.Contains(squaring, labelName(fun.Sel)) {
			return weight * weight
		}
	case *ast.Ident:
		if len(w.targets(fun)) > 0 {
			w.refuse(x.Pos(), "calls what is no function of a package")
		}
		if fun.Name == "or" || strings.HasPrefix(fun.Name, "match") {
			w.choices += structChoice
		}
	default:
		w.refuse(x.Pos(), "calls what is no function of a package")
	}
	return weight
}

// importPath is the path of the package that a file imports by a name.
func (f *file) importPath(name string) string {
	for spec := range f.ast.ImportSpecs() {
		full, _ := literal.Unquote(spec.Path.Value)
		base := full[strings.LastIndex(full, "/")+1:]
		if spec.Name != nil {
			base = spec.Name.Name
		}
		if base == name {
			return full
		}
	}
	return ""
}

func (w *weigher) ident(x *ast.Ident) float64 {
	weight := 1.0
	for _, n := range w.targets(x) {
		weight += w.node(n, x.Pos())
	}
	return weight
}

// targets are the values that a name stands for.
func (w *weigher) targets(x *ast.Ident) []ast.Node {
	_, top := x.Scope.(*ast.File)
	switch n := x.Node.(type) {
	case nil:
		return w.roots[x.Name]
	case *ast.ImportSpec:
		return nil
	case *ast.Field:
		return []ast.Node{n.Value}
	default:
		if roots := w.roots[x.Name]; top && roots != nil {
			return roots
		}
		return []ast.Node{n}
	}
}

// length is how many elements the source of a loop has.
func (w *weigher) length(e ast.Expr) float64 {
	elements := 0
	for _, n := range append(w.follow(e), ast.Node(e)) {
		switch x := n.(type) {
		case *ast.StructLit:
			elements += len(x.Elts)
			if slices.ContainsFunc(x.Elts, func(d ast.Decl) bool { f, ok := d.(*ast.Field); return !ok || labelName(f.Label) == "" }) {
				return w.expr(e)
			}
		case *ast.ListLit:
			elements += len(x.Elts)
			if slices.ContainsFunc(x.Elts, func(e ast.Expr) bool { _, ok := e.(*ast.BasicLit); return !ok }) {
				return w.expr(e)
			}
		default:
			if n != ast.Node(e) || elements == 0 {
				return w.expr(e)
			}
		}
	}
	return float64(elements)
}

// selector follows a.b.c as far as it is written out, so that it weighs what
// it names and not all that stands beside it.
func (w *weigher) selector(x *ast.SelectorExpr) float64 {
	if base, ok := x.X.(*ast.Ident); ok && forbidden[w.file.importPath(base.Name)+"."+labelName(x.Sel)] {
		w.refuse(x.Pos(), "%s.%s is not allowed", base.Name, labelName(x.Sel))
	}
	nodes := w.follow(x)
	if nodes == nil {
		return w.expr(x.X)
	}
	weight := 1.0
	for _, n := range nodes {
		weight += w.node(n, x.Pos())
	}
	return weight
}

// follow finds the values that a chain of selectors leads to; nil where that
// can't be told.
func (w *weigher) follow(e ast.Expr) []ast.Node {
	switch x := e.(type) {
	case *ast.Ident:
		return w.targets(x)
	case *ast.SelectorExpr:
		var found []ast.Node
		for _, n := range w.follow(x.X) {
			lit, ok := n.(*ast.StructLit)
			if !ok {
				return nil
			}
			for _, d := range lit.Elts {
				f, ok := d.(*ast.Field)
				if !ok {
					return nil
				}
				name := labelName(f.Label)
				if name == "" {
					return nil
				}
				if name == labelName(x.Sel) {
					found = append(found, f.Value)
				}
			}
		}
		return found
	}
	return nil
}
