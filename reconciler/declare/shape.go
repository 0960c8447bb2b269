package declare

import (
	"cmp"
	"fmt"
	"io/fs"
	"strings"
	"sync"

	"cuelang.org/go/cue/ast"
	"cuelang.org/go/cue/literal"
	"cuelang.org/go/cue/parser"
	"cuelang.org/go/cue/token"

	"github.com/portreeve/portreeve/schema"
)

// shape is what the schema says of a value, as far as words for people need
// it. CUE decides whether a value is right; the shape says what was expected
// and which fields there are.
type shape struct {
	kind     string   // "string", "int", "bool", "list", "struct"; empty is anything
	enum     []string // the strings it may be
	form     string   // "owner/name", from a "Form:" in the comment
	example  string   // as CUE, from an "Example:" in the comment
	nonEmpty bool
	matches  bool     // a regular expression, besides
	bounds   []string // ">=0"
	elem     *shape   // of a list, or of a struct with free names
	fields   map[string]*shape
	order    []string // of fields
	required map[string]bool
	// variants are the shapes by the value of the field "do".
	variants map[string]*shape
}

// shapes gives the shape of every definition: "#Team".
var shapes = sync.OnceValue(func() map[string]*shape {
	r := shapeReader{exprs: map[string]*ast.Field{}, done: map[string]*shape{}}
	for _, f := range schemaFiles() {
		for _, d := range f.Decls {
			if field, ok := d.(*ast.Field); ok {
				r.exprs[labelName(field.Label)] = field
			}
		}
	}
	for name := range r.exprs {
		r.named(name)
	}
	for _, ref := range r.refs {
		ref.resolve(r.done)
	}
	return r.done
})

// schemaFiles parses the embedded schema; it is part of the program, so that
// a mistake in it is a panic.
func schemaFiles() []*ast.File {
	var files []*ast.File
	names, err := fs.Glob(schema.FS, "*.cue")
	for _, name := range names {
		data, readErr := schema.FS.ReadFile(name)
		f, parseErr := parser.ParseFile(schemaDir+name, data, parser.ParseComments)
		if readErr != nil || parseErr != nil {
			panic(fmt.Sprint("declare: embedded schema: ", readErr, parseErr))
		}
		files = append(files, f)
	}
	if err != nil || len(files) == 0 {
		panic("declare: embedded schema is empty")
	}
	return files
}

type shapeReader struct {
	exprs map[string]*ast.Field
	done  map[string]*shape
	refs  []reference
}

// reference is a shape that is a definition's, filled in at the end because
// definitions are recursive.
type reference struct {
	to   *shape
	name string
}

func (r reference) resolve(definitions map[string]*shape) {
	own := *r.to
	*r.to = *definitions[r.name]
	r.to.form = cmp.Or(own.form, r.to.form)
	r.to.example = cmp.Or(own.example, r.to.example)
}

// named is the shape of a definition, made once, so that recursion ends.
func (r *shapeReader) named(name string) *shape {
	if s, ok := r.done[name]; ok {
		return s
	}
	field, ok := r.exprs[name]
	if !ok {
		return &shape{}
	}
	s := &shape{}
	r.done[name] = s
	r.into(s, field.Value)
	readForm(s, field)
	return s
}

// into reads an expression of the schema into s.
func (r *shapeReader) into(s *shape, expr ast.Expr) {
	switch x := expr.(type) {
	case *ast.Ident:
		r.ident(s, x)
	case *ast.ParenExpr:
		r.into(s, x.X)
	case *ast.BinaryExpr:
		r.into(s, x.X)
		r.into(s, x.Y)
		if x.Op == token.OR && len(s.enum) == 0 {
			s.kind = "" // a choice of types: its form says it
		}
	case *ast.UnaryExpr:
		r.unary(s, x)
	case *ast.BasicLit:
		if text, err := literal.Unquote(x.Value); err == nil && x.Kind == token.STRING {
			s.kind = "string"
			s.enum = append(s.enum, text)
		}
	case *ast.ListLit:
		s.kind = "list"
		for _, e := range x.Elts {
			if rest, ok := e.(*ast.Ellipsis); ok && rest.Type != nil {
				s.elem = &shape{}
				r.into(s.elem, rest.Type)
			} else if !ok {
				s.nonEmpty = true
			}
		}
	case *ast.StructLit:
		r.structure(s, x)
	}
}

func (r *shapeReader) ident(s *shape, x *ast.Ident) {
	switch x.Name {
	case "string", "int", "bool", "number":
		s.kind = x.Name
	case "_":
	default:
		r.refs = append(r.refs, reference{s, x.Name})
	}
}

func (r *shapeReader) unary(s *shape, x *ast.UnaryExpr) {
	lit, ok := x.X.(*ast.BasicLit)
	switch {
	case !ok:
	case lit.Value == `""`:
		s.kind, s.nonEmpty = "string", true
	case x.Op == token.MAT:
		s.kind, s.matches = "string", true
	default:
		s.bounds = append(s.bounds, x.Op.String()+strings.ReplaceAll(lit.Value, "_", ""))
	}
}

func (r *shapeReader) structure(s *shape, x *ast.StructLit) {
	if s.kind != "struct" { // or else x is embedded
		s.kind, s.fields, s.required = "struct", map[string]*shape{}, map[string]bool{}
	}
	for _, d := range x.Elts {
		switch d := d.(type) {
		case *ast.Field:
			child := &shape{}
			r.into(child, d.Value)
			readForm(child, d)
			if _, ok := d.Label.(*ast.ListLit); ok {
				s.elem = child
				continue
			}
			name := labelName(d.Label)
			s.fields[name] = child
			s.order = append(s.order, name)
			s.required[name] = d.Constraint == token.NOT
		case *ast.EmbedDecl:
			switch x := d.Expr.(type) {
			case *ast.IndexExpr:
				r.variants(s)
			case *ast.Ident:
				if lit, ok := r.exprs[x.Name].Value.(*ast.StructLit); ok {
					r.structure(s, lit)
				}
			}
		}
	}
}

// variants reads the union of steps, the one union that the schema has.
func (r *shapeReader) variants(s *shape) {
	s.variants = map[string]*shape{}
	members := r.exprs["_steps"].Value.(*ast.StructLit)
	do := &shape{kind: "string"}
	for _, d := range members.Elts {
		if f, ok := d.(*ast.Field); ok {
			name := labelName(f.Label)
			s.variants[name] = r.named(f.Value.(*ast.Ident).Name)
			do.enum = append(do.enum, name)
		}
	}
	s.fields["do"] = do
}

// each is what the form of a list, or of a struct with free names, is the form
// of: its elements.
func (s *shape) each() *shape {
	if s.elem != nil && len(s.fields) == 0 {
		return s.elem
	}
	return s
}

// readForm takes "Form: …" and "Example: …" out of a field's comment.
func readForm(s *shape, field *ast.Field) {
	for _, group := range ast.Comments(field) {
		for line := range strings.Lines(group.Text()) {
			if _, form, ok := strings.Cut(line, "Form: "); ok {
				form, _, _ = strings.Cut(form, ". ")
				s.each().form = strings.TrimSpace(form)
			}
			if _, example, ok := strings.Cut(line, "Example: "); ok {
				s.example = strings.TrimSpace(example)
			}
		}
	}
}

// at is the shape of the value at path below one of shape s, and nil where
// the schema says nothing. do answers the value of the field "do" of the
// struct at a path.
func (s *shape) at(path []string, do func(path []string) string) *shape {
	for i, name := range path {
		s = s.variant(func() string { return do(path[:i]) })
		next := s.fields[plainName(name)]
		if next == nil {
			next = s.elem
		}
		if next == nil {
			return nil
		}
		s = next
	}
	return s.variant(func() string { return do(path) })
}

// variant is the member of a union that "do" names.
func (s *shape) variant(do func() string) *shape {
	if s.variants == nil {
		return s
	}
	if v, ok := s.variants[do()]; ok {
		return v
	}
	return s
}

// expected is what the schema wants, in words.
func (s *shape) expected() string {
	switch {
	case s.form != "":
		return s.form
	case len(s.enum) == 1:
		return fmt.Sprintf("%q", s.enum[0])
	case len(s.enum) > 1:
		quoted := make([]string, len(s.enum))
		for i, e := range s.enum {
			quoted[i] = fmt.Sprintf("%q", e)
		}
		return "one of " + strings.Join(quoted, ", ")
	case s.kind == "":
		return "another value"
	case s.nonEmpty && s.kind == "list":
		return "list of at least one element"
	case s.nonEmpty:
		return "string that is not empty"
	case len(s.bounds) == 2:
		return fmt.Sprintf("whole number from %s to %s", strings.TrimPrefix(s.bounds[0], ">="), strings.TrimPrefix(s.bounds[1], "<="))
	case s.kind == "int":
		return strings.Join(append([]string{"whole number"}, s.bounds...), " ")
	case s.kind == "bool":
		return "true or false"
	case s.kind == "struct":
		return "fields in { }"
	}
	return s.kind
}
