package declare

import (
	"strings"

	"cuelang.org/go/cue/ast"
	"cuelang.org/go/cue/token"
)

// Bounds on plain data. A file beyond them may be as valid; it is evaluated
// where it can be ended.
const (
	maxDigits   = 40
	maxElements = 30_000
	maxSiblings = 4_000 // in one struct or list: CUE takes quadratic time
	maxNesting  = 64
)

// look walks the parsed file: it tells whether the file is plain data, and
// refuses what no file may hold.
func (f *file) look() {
	l := looker{file: f, plain: true}
	l.siblings(len(f.ast.Decls))
	for _, d := range f.ast.Decls {
		l.top(d)
	}
	f.plain = l.plain && l.elements <= maxElements
	f.reaches = l.reaches
	if !f.plain {
		f.survey()
	}
}

type looker struct {
	*file
	plain    bool
	reaches  bool
	group    string // the field at the top that is looked at
	elements int
	depth    int
}

func (l *looker) top(d ast.Decl) {
	switch d := d.(type) {
	case *ast.Package, *ast.ImportDecl, *ast.CommentGroup:
	case *ast.Field:
		l.group = labelName(d.Label)
		if l.group == "fleet" {
			l.field(d, 1)
		} else {
			l.field(d, 2)
		}
	case *ast.EmbedDecl:
		if !l.isDefinition(d.Expr, "#Config") {
			l.rest(d, 2)
		}
	default:
		l.rest(d, 2)
	}
}

// rest is what plain data does not hold; levels is how many levels of names
// from here on are shared with other files.
func (l *looker) rest(d ast.Decl, levels int) {
	l.plain = false
	switch d.(type) {
	case *ast.LetClause, *ast.Attribute:
	default:
		l.reaches = l.reaches || levels > 0
	}
}

// field looks at a field; levels is how many levels of names below here are
// shared with other files.
func (l *looker) field(d *ast.Field, levels int) {
	if d.Alias != nil || d.Constraint != token.ILLEGAL || len(d.Attrs) > 0 {
		l.plain = false
	}
	switch label := d.Label.(type) {
	case *ast.Ident:
		if hides(label) {
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
	}
	l.value(d.Value, levels-1)
}

func (l *looker) value(e ast.Expr, levels int) {
	l.elements++
	l.depth++
	defer func() { l.depth-- }()
	if l.depth > maxNesting {
		l.plain = false
		return
	}
	switch x := e.(type) {
	case *ast.BasicLit:
		l.literal(x)
	case *ast.ListLit:
		l.siblings(len(x.Elts))
		for _, item := range x.Elts {
			l.value(item, 0)
		}
	case *ast.StructLit:
		l.siblings(len(x.Elts))
		for _, d := range x.Elts {
			l.member(d, levels)
		}
	case *ast.UnaryExpr:
		lit, ok := x.X.(*ast.BasicLit)
		if x.Op != token.SUB || !ok || (lit.Kind != token.INT && lit.Kind != token.FLOAT) {
			l.plain = false
			return
		}
		l.literal(lit)
	case *ast.BinaryExpr:
		if x.Op != token.AND || levels > 0 || !l.isDefinition(x.X, "") {
			l.plain = false
			l.reaches = l.reaches || levels > 0
		}
		l.value(x.Y, levels)
	default:
		l.plain = false
		l.reaches = l.reaches || levels > 0
	}
}

func (l *looker) member(d ast.Decl, levels int) {
	switch d := d.(type) {
	case *ast.Field:
		l.field(d, levels)
	case *ast.CommentGroup:
	default:
		l.rest(d, levels)
	}
}

// isDefinition reports whether an expression is a definition of the schema:
// schema.#Team. An empty name stands for any.
func (f *file) isDefinition(e ast.Expr, name string) bool {
	sel, ok := e.(*ast.SelectorExpr)
	if !ok || f.schema == "" {
		return false
	}
	base, ok := sel.X.(*ast.Ident)
	if !ok || base.Name != f.schema {
		return false
	}
	f.importsUsed = true
	found, ok := sel.Sel.(*ast.Ident)
	return ok && (found.Name == name || name == "" && strings.HasPrefix(found.Name, "#"))
}

// safetyNet reports whether a pattern says no more than Load holds every
// declaration to anyhow, for the sake of CUE's own tools:
//
//	ownership: [string]: schema.#Ownership
//	teams: [N=string]: schema.#Team & {name: N}
func (l *looker) safetyNet(d *ast.Field) bool {
	definition := definitions[l.group]
	if definition == "" {
		return false
	}
	if l.isDefinition(d.Value, definition) {
		return true
	}
	both, ok := d.Value.(*ast.BinaryExpr)
	if !ok || both.Op != token.AND || !l.isDefinition(both.X, definition) || l.group != "teams" {
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
	value, ok := name.Value.(*ast.Ident)
	return ok && value.Name == patternName(d.Label)
}

// patternName is N of [N=string].
func patternName(label ast.Label) string {
	if list, ok := label.(*ast.ListLit); ok && len(list.Elts) == 1 {
		if alias, ok := list.Elts[0].(*ast.Alias); ok {
			return alias.Ident.Name
		}
	}
	return ""
}

func (l *looker) siblings(count int) {
	l.plain = l.plain && count <= maxSiblings
}

func (l *looker) literal(x *ast.BasicLit) {
	if x.Kind != token.INT && x.Kind != token.FLOAT {
		return
	}
	_, exp, ok := strings.Cut(strings.ToLower(x.Value), "e")
	if len(x.Value) > maxDigits || ok && !strings.HasPrefix(x.Value, "0x") && len(exp) > 3 {
		l.plain = false
	}
}
