package declare

import (
	"strings"

	"cuelang.org/go/cue/ast"
	"cuelang.org/go/cue/token"
)

// Bounds on any file, plain ones too.
const (
	maxDigits   = 40
	maxElements = 30_000
	maxSiblings = 4_000 // in one struct or list: CUE takes quadratic time
	maxNesting  = 64
)

// look walks the parsed file once: it refuses what no file may hold, and
// tells whether the file is plain data.
func (f *file) look() {
	l := looker{file: f, plain: true}
	l.siblings(f.ast, len(f.ast.Decls))
	for _, d := range f.ast.Decls {
		l.top(d)
	}
	f.plain = l.plain
	f.reaches = l.reaches
	if l.elements > maxElements {
		f.refuse("too-large", token.NoPos, "split it into several files", "has more than %d values", maxElements)
	}
}

type looker struct {
	*file
	plain    bool
	reaches  bool
	elements int
	depth    int
	tooDeep  bool
}

func (l *looker) top(d ast.Decl) {
	switch d := d.(type) {
	case *ast.Package, *ast.ImportDecl, *ast.CommentGroup:
	case *ast.Attribute:
		l.attribute(d)
	case *ast.BadDecl:
		l.plain = false
	case *ast.Field:
		l.field(d, 2)
	default:
		l.plain = false
		l.reaches = l.reaches || !isLet(d)
		l.walk(d)
	}
}

func isLet(d ast.Decl) bool {
	_, ok := d.(*ast.LetClause)
	return ok
}

// field looks at a field; levels is how many levels of names below here are
// shared with other files.
func (l *looker) field(d *ast.Field, levels int) {
	for _, a := range d.Attrs {
		l.attribute(a)
	}
	if d.Alias != nil || d.Constraint != token.ILLEGAL {
		l.plain = false
	}
	switch label := d.Label.(type) {
	case *ast.Ident:
		if strings.HasPrefix(label.Name, "_") || strings.HasPrefix(label.Name, "#") {
			l.plain = false
			levels = 0
		}
	case *ast.BasicLit:
	default:
		if levels == 1 && l.safetyNet(d) {
			return
		}
		l.plain = false
		l.reaches = l.reaches || levels > 0
		l.walk(d.Label)
	}
	l.value(d.Value, levels-1)
}

func (l *looker) value(e ast.Expr, levels int) {
	l.elements++
	l.depth++
	defer func() { l.depth-- }()
	if l.depth > maxNesting {
		if !l.tooDeep {
			l.tooDeep = true
			l.refuse("too-large", e.Pos(), "", "values are nested more than %d deep", maxNesting)
		}
		return
	}
	switch x := e.(type) {
	case *ast.BasicLit:
		l.literal(x)
	case *ast.ListLit:
		l.siblings(x, len(x.Elts))
		for _, item := range x.Elts {
			l.value(item, 0)
		}
	case *ast.StructLit:
		l.siblings(x, len(x.Elts))
		for _, d := range x.Elts {
			l.member(d, levels)
		}
	case *ast.UnaryExpr:
		lit, ok := x.X.(*ast.BasicLit)
		if x.Op != token.SUB || !ok || (lit.Kind != token.INT && lit.Kind != token.FLOAT) {
			l.plain = false
		}
		l.walk(x.X)
	case *ast.BinaryExpr:
		if x.Op != token.AND || !l.isDefinition(x.X) {
			l.plain = false
			l.reaches = l.reaches || levels > 0
			l.walk(x.X)
		}
		l.value(x.Y, levels)
	default:
		l.plain = false
		l.reaches = l.reaches || levels > 0
		l.walk(e)
	}
}

func (l *looker) member(d ast.Decl, levels int) {
	switch d := d.(type) {
	case *ast.Field:
		l.field(d, levels)
	case *ast.CommentGroup:
	default:
		l.plain = false
		l.reaches = l.reaches || levels > 0 && !isLet(d)
		l.walk(d)
	}
}

// isDefinition reports whether an expression is a definition of the schema:
// schema.#Team.
func (l *looker) isDefinition(e ast.Expr) bool {
	sel, ok := e.(*ast.SelectorExpr)
	if !ok || l.schema == "" {
		return false
	}
	base, ok := sel.X.(*ast.Ident)
	if !ok || base.Name != l.schema {
		return false
	}
	name, ok := sel.Sel.(*ast.Ident)
	return ok && strings.HasPrefix(name.Name, "#")
}

// safetyNet reports whether a pattern says no more than Load holds every
// declaration to anyhow, for the sake of CUE's own tools:
//
//	ownership: [string]: schema.#Ownership
//	teams: [N=string]: schema.#Team & {name: N}
func (l *looker) safetyNet(d *ast.Field) bool {
	if l.isDefinition(d.Value) {
		return true
	}
	both, ok := d.Value.(*ast.BinaryExpr)
	if !ok || both.Op != token.AND || !l.isDefinition(both.X) {
		return false
	}
	lit, ok := both.Y.(*ast.StructLit)
	if !ok || len(lit.Elts) != 1 {
		return false
	}
	name, ok := lit.Elts[0].(*ast.Field)
	if !ok || labelName(name.Label) != "name" {
		return false
	}
	_, ok = name.Value.(*ast.Ident)
	return ok
}

func (l *looker) siblings(n ast.Node, count int) {
	if count > maxSiblings {
		l.refuse("too-large", n.Pos(), "split it into several files", "has more than %d elements", maxSiblings)
	}
}

func (l *looker) attribute(a *ast.Attribute) {
	l.refuse("forbidden-attribute", a.Pos(), "remove it", "attribute %q is not allowed", "@"+a.Name())
}

func (l *looker) literal(x *ast.BasicLit) {
	if x.Kind != token.INT && x.Kind != token.FLOAT {
		return
	}
	if _, exp, ok := strings.Cut(strings.ToLower(x.Value), "e"); len(x.Value) > maxDigits ||
		ok && !strings.HasPrefix(x.Value, "0x") && len(exp) > 3 {
		l.refuse("too-large", x.Pos(), "", "a number has at most %d digits", maxDigits)
	}
}

// walk looks at what is not plain data for what no file may hold.
func (l *looker) walk(n ast.Node) {
	ast.Walk(n, func(n ast.Node) bool {
		l.elements++
		switch x := n.(type) {
		case *ast.Attribute:
			l.attribute(x)
		case *ast.ListLit:
			l.siblings(x, len(x.Elts))
		case *ast.StructLit:
			l.siblings(x, len(x.Elts))
		case *ast.BasicLit:
			l.literal(x)
		}
		return true
	}, nil)
}
