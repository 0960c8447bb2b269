package declare

import (
	"regexp"
	"strconv"
	"strings"
	"sync"

	"cuelang.org/go/cue/ast"
	"cuelang.org/go/cue/token"
)

// Most declarations are plain data that is right. Of those, reading the schema
// tells so in a small part of the time that CUE takes. It is CUE that decides:
// what is accepted here it would accept, which a test holds to it, and what is
// not, be it wrong or only unusual, it is asked about.

// accepts reports whether CUE has nothing against a value that is written out.
type accepts func(e ast.Expr) bool

// acceptors are the definitions of the schema, as far as they are understood.
var acceptors = sync.OnceValue(func() map[string]accepts {
	c := acceptCompiler{exprs: map[string]ast.Expr{}, done: map[string]*accepts{}}
	for _, f := range schemaFiles() {
		for _, d := range f.Decls {
			if field, ok := d.(*ast.Field); ok {
				c.exprs[labelName(field.Label)] = field.Value
			}
		}
	}
	all := map[string]accepts{}
	for name := range c.exprs {
		all[name] = c.named(name)
	}
	return all
})

func never(ast.Expr) bool { return false }

// acceptCompiler turns expressions of the schema into acceptors.
type acceptCompiler struct {
	exprs map[string]ast.Expr
	done  map[string]*accepts // being made, or made
}

// named is the acceptor of a definition; definitions are recursive.
func (c *acceptCompiler) named(name string) accepts {
	p, ok := c.done[name]
	if !ok {
		e, known := c.exprs[name]
		if !known {
			return never
		}
		p = new(accepts)
		c.done[name] = p
		*p = c.expr(e)
	}
	return func(e ast.Expr) bool { return (*p)(e) }
}

func (c *acceptCompiler) expr(e ast.Expr) accepts {
	switch x := e.(type) {
	case *ast.ParenExpr:
		return c.expr(x.X)
	case *ast.Ident:
		return c.ident(x.Name)
	case *ast.BasicLit:
		if want, ok := plainString(x); ok {
			return onString(func(s string) bool { return s == want })
		}
	case *ast.UnaryExpr:
		return c.bound(x)
	case *ast.BinaryExpr:
		a, b := c.expr(x.X), c.expr(x.Y)
		switch {
		case x.Op == token.AND:
			return func(e ast.Expr) bool { return a(e) && b(e) }
		case x.Op == token.OR && scalarOnly(x.X) && scalarOnly(x.Y):
			return func(e ast.Expr) bool { return a(e) || b(e) }
		}
	case *ast.ListLit:
		return c.list(x)
	case *ast.StructLit:
		return c.structure(x)
	}
	return never
}

// scalarOnly reports whether what an expression accepts is no struct or list:
// a choice between those may add fields.
func scalarOnly(e ast.Expr) bool {
	switch x := e.(type) {
	case *ast.ParenExpr:
		return scalarOnly(x.X)
	case *ast.BinaryExpr:
		return scalarOnly(x.X) && scalarOnly(x.Y)
	case *ast.Ident:
		return x.Name == "string" || x.Name == "bool" || x.Name == "int" || x.Name == "number"
	case *ast.BasicLit, *ast.UnaryExpr:
		return true
	}
	return false
}

func (c *acceptCompiler) ident(name string) accepts {
	switch name {
	case "_":
		return func(e ast.Expr) bool { return appendJSON(nil, e) != nil }
	case "string":
		return onString(func(string) bool { return true })
	case "int", "number":
		return func(e ast.Expr) bool { _, ok := plainInt(e); return ok }
	case "bool":
		return func(e ast.Expr) bool {
			lit, ok := e.(*ast.BasicLit)
			return ok && (lit.Kind == token.TRUE || lit.Kind == token.FALSE)
		}
	}
	return c.named(name)
}

// bound is !="", =~"pattern", >=1 and <=1.
func (c *acceptCompiler) bound(x *ast.UnaryExpr) accepts {
	if lit, ok := x.X.(*ast.BasicLit); ok {
		text, isText := plainString(lit)
		switch {
		case x.Op == token.NEQ && isText:
			return onString(func(s string) bool { return s != text })
		case x.Op == token.MAT && isText:
			if re, err := regexp.Compile(text); err == nil {
				return onString(re.MatchString)
			}
		case x.Op == token.GEQ, x.Op == token.LEQ:
			if limit, err := strconv.ParseInt(strings.ReplaceAll(lit.Value, "_", ""), 10, 64); err == nil {
				return func(e ast.Expr) bool {
					n, ok := plainInt(e)
					return ok && (x.Op == token.GEQ && n >= limit || x.Op == token.LEQ && n <= limit)
				}
			}
		}
	}
	return never
}

// list is [...X], and [_, ...]: a list of at least so many.
func (c *acceptCompiler) list(x *ast.ListLit) accepts {
	var first []accepts
	rest := accepts(nil)
	for _, item := range x.Elts {
		switch item := item.(type) {
		case *ast.Ellipsis:
			rest = func(ast.Expr) bool { return true }
			if item.Type != nil {
				rest = c.expr(item.Type)
			}
		default:
			first = append(first, c.expr(item))
		}
	}
	return func(e ast.Expr) bool {
		list, ok := e.(*ast.ListLit)
		if !ok || len(list.Elts) < len(first) || rest == nil && len(list.Elts) > len(first) {
			return false
		}
		for i, item := range list.Elts {
			one := rest
			if i < len(first) {
				one = first[i]
			}
			if !one(item) {
				return false
			}
		}
		return true
	}
}

// structure is a struct whose fields are known, or named by who writes it.
func (c *acceptCompiler) structure(x *ast.StructLit) accepts {
	s := &structRule{fields: map[string]accepts{}}
	if !c.collect(s, x) {
		return never
	}
	return s.accepts
}

// collect adds the fields of a struct of the schema, and reports whether it
// has understood all of it.
func (c *acceptCompiler) collect(s *structRule, x *ast.StructLit) bool {
	for _, d := range x.Elts {
		switch d := d.(type) {
		case *ast.Field:
			one := c.expr(d.Value)
			if list, ok := d.Label.(*ast.ListLit); ok {
				if len(list.Elts) != 1 || s.any != nil {
					return false
				}
				if id, ok := list.Elts[0].(*ast.Ident); !ok || id.Name != "string" {
					return false
				}
				s.any = one
				continue
			}
			name := labelName(d.Label)
			if name == "" || s.fields[name] != nil {
				return false
			}
			s.fields[name] = one
			if d.Constraint != token.OPTION { // what is not written, CUE would add
				s.required = append(s.required, name)
			}
		case *ast.EmbedDecl:
			if !c.embed(s, d.Expr) {
				return false
			}
		default:
			return false
		}
	}
	return true
}

// embed is #Definition, whose fields are added, or _steps[do]: one of several
// structs, by the value of a field that all of them have.
func (c *acceptCompiler) embed(s *structRule, e ast.Expr) bool {
	switch x := e.(type) {
	case *ast.Ident:
		lit, ok := c.exprs[x.Name].(*ast.StructLit)
		return ok && c.collect(s, lit)
	case *ast.IndexExpr:
		of, ok := x.X.(*ast.Ident)
		by, ok2 := x.Index.(*ast.Ident)
		if !ok || !ok2 {
			return false
		}
		all, ok := c.exprs[of.Name].(*ast.StructLit)
		if !ok || s.variants != nil || len(s.fields) != 1 || s.fields[by.Name] == nil {
			return false
		}
		s.by, s.variants = by.Name, map[string]accepts{}
		for _, d := range all.Elts {
			f, ok := d.(*ast.Field)
			if !ok {
				return false
			}
			s.variants[labelName(f.Label)] = c.expr(f.Value)
		}
		return true
	}
	return false
}

// structRule is a struct of the schema.
type structRule struct {
	fields   map[string]accepts
	required []string
	any      accepts // of fields with other names
	// variants decide alone, by the text of the field by.
	by       string
	variants map[string]accepts
}

func (s *structRule) accepts(e ast.Expr) bool {
	x, ok := e.(*ast.StructLit)
	if !ok {
		return false
	}
	fields, ok := plainFields(x)
	if !ok {
		return false
	}
	if s.variants != nil {
		do, _ := plainString(fields[s.by])
		one := s.variants[do]
		return one != nil && one(e)
	}
	for _, name := range s.required {
		if fields[name] == nil {
			return false
		}
	}
	for name, value := range fields {
		one := s.fields[name]
		if one == nil {
			one = s.any
		}
		if one == nil || !one(value) {
			return false
		}
	}
	return true
}
