package declare

import (
	"fmt"
	"strconv"
	"strings"

	"cuelang.org/go/cue/ast"
	"cuelang.org/go/cue/literal"
	"cuelang.org/go/cue/token"

	"github.com/portreeve/portreeve/reconciler/fleet"
)

// place is where the text of a file gives a field.
type place struct {
	pos  fleet.Pos // of a scalar itself, else of its name
	expr ast.Expr
}

// places are the fields of a declaration by their path below it:
// "steps[0].path", `paths["/deploy/"].owner`.
type places map[string]place

func (e *entry) places() places {
	p := places{}
	for _, n := range e.nodes {
		p.expr(nil, n.Value)
	}
	return p
}

func (p places) expr(path []string, e ast.Expr) {
	switch x := e.(type) {
	case *ast.ParenExpr:
		p.expr(path, x.X)
	case *ast.BinaryExpr:
		if x.Op == token.AND {
			p.expr(path, x.X)
			p.expr(path, x.Y)
		}
	case *ast.StructLit:
		for _, d := range x.Elts {
			f, ok := d.(*ast.Field)
			if !ok || labelName(f.Label) == "" {
				continue
			}
			name := labelName(f.Label)
			if !isIdent(name) {
				name = strconv.Quote(name)
			}
			p.put(append(path[:len(path):len(path)], name), f.Label.Pos(), f.Value)
		}
	case *ast.ListLit:
		for i, item := range x.Elts {
			p.put(append(path[:len(path):len(path)], strconv.Itoa(i)), item.Pos(), item)
		}
	}
}

func (p places) put(path []string, label token.Pos, value ast.Expr) {
	pos := label
	switch value.(type) {
	case *ast.BasicLit, *ast.UnaryExpr, *ast.Interpolation, *ast.Ident, *ast.SelectorExpr:
		pos = value.Pos()
	}
	key := pathText(path)
	if _, ok := p[key]; !ok {
		p[key] = place{position(pos), value}
	}
	p.expr(path, value)
}

func (p places) positions() map[string]fleet.Pos {
	fields := make(map[string]fleet.Pos, len(p))
	for path, at := range p {
		fields[path] = at.pos
	}
	return fields
}

// pathText joins a path whose elements are names, quoted where they are no
// identifiers, and indexes.
func pathText(path []string) string {
	var b strings.Builder
	for _, name := range path {
		switch {
		case name[0] == '"':
			fmt.Fprintf(&b, "[%s]", name)
		case name[0] >= '0' && name[0] <= '9':
			fmt.Fprintf(&b, "[%s]", name)
		case b.Len() == 0:
			b.WriteString(name)
		default:
			b.WriteString("." + name)
		}
	}
	return b.String()
}

// isIdent reports whether a name needs no quotes in a path.
func isIdent(name string) bool {
	for i, c := range name {
		letter := c == '_' || c == '$' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
		if !letter && (i == 0 || c < '0' || c > '9') {
			return false
		}
	}
	return name != ""
}

// plainName is a path's element without its quotes.
func plainName(element string) string {
	if strings.HasPrefix(element, `"`) {
		if name, err := literal.Unquote(element); err == nil {
			return name
		}
	}
	return element
}

func isIndex(element string) bool { return element != "" && element[0] >= '0' && element[0] <= '9' }
