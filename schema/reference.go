package schema

import (
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"sync"

	"cuelang.org/go/cue/ast"
	"cuelang.org/go/cue/literal"
	"cuelang.org/go/cue/parser"
	"cuelang.org/go/cue/token"
)

// Root is the definition of a whole config repo.
const Root = "#Config"

// Definition is one definition of the schema, as its comment and those of its
// fields describe it.
type Definition struct {
	Name   string  `json:"name"` // "#Team"
	Doc    string  `json:"doc"`
	Form   string  `json:"form,omitempty"`   // of a text: "owner/name"
	Type   *Type   `json:"type,omitempty"`   // of one that is no struct
	Fields []Field `json:"fields,omitempty"` // as they are written
	// Choice is the field whose value chooses one of Variants, by name.
	Choice   string   `json:"choice,omitempty"`
	Variants []Choice `json:"variants,omitempty"`
}

// Choice is a way in which a definition goes on.
type Choice struct {
	Value      string `json:"value"`      // "replace"
	Definition string `json:"definition"` // "#Replace"
}

// Field is a field of a definition.
type Field struct {
	Name     string `json:"name"`
	Doc      string `json:"doc"` // without what stands apart below
	Type     Type   `json:"type"`
	Required bool   `json:"required"`
	Default  string `json:"default,omitempty"` // in words or as CUE
	Example  string `json:"example,omitempty"` // as CUE
	Form     string `json:"form,omitempty"`    // in words
}

// Kind is a sort of named declaration: a field of Root that holds them.
type Kind struct {
	Name       string // "migration", one of them
	Field      string // "migrations"
	Definition Definition
}

// Find is the definition of that name.
func Find(name string) (Definition, bool) {
	i := slices.IndexFunc(Reference(), func(d Definition) bool { return d.Name == name })
	if i < 0 {
		return Definition{}, false
	}
	return Reference()[i], true
}

// Kinds are the sorts of named declarations, as Root lists them.
func Kinds() []Kind {
	var kinds []Kind
	root, _ := Find(Root)
	for _, f := range root.Fields {
		if f.Type.Kind != "map" || f.Type.Elem.Ref == "" {
			continue
		}
		d, _ := Find(f.Type.Elem.Ref)
		name := strings.ToLower(d.Name[1:2]) + d.Name[2:]
		kinds = append(kinds, Kind{Name: name, Field: f.Name, Definition: d})
	}
	return kinds
}

// Reference is every definition of the schema: Root first, the others in the
// order in which a reader comes upon them from there. The schema is part of
// the program, so that a mistake in it is a panic.
var Reference = sync.OnceValue(func() []Definition {
	r := reader{exprs: map[string]*ast.Field{}, seen: map[string]bool{}}
	for _, f := range parsed() {
		for _, d := range f.Decls {
			if field, ok := d.(*ast.Field); ok {
				r.exprs[label(field.Label)] = field
			}
		}
	}
	for next := []string{Root}; len(next) > 0; {
		name := next[0]
		next = next[1:]
		if !r.seen[name] {
			r.seen[name], r.named = true, nil
			r.done = append(r.done, r.definition(name))
			next = append(r.named, next...)
		}
	}
	return r.done
})

func parsed() []*ast.File {
	names, err := fs.Glob(FS, "*.cue")
	if err != nil || len(names) == 0 {
		panic("schema: nothing is embedded")
	}
	files := make([]*ast.File, len(names))
	for i, name := range names {
		data, err := FS.ReadFile(name)
		if err == nil {
			files[i], err = parser.ParseFile(name, data, parser.ParseComments)
		}
		if err != nil {
			panic(fmt.Sprintf("schema: %s: %v", name, err))
		}
	}
	return files
}

// reader walks the schema from Root.
type reader struct {
	exprs map[string]*ast.Field
	seen  map[string]bool
	named []string // by the definition that is being read
	done  []Definition
}

func (r *reader) definition(name string) Definition {
	field, ok := r.exprs[name]
	if !ok {
		panic("schema: no definition " + name)
	}
	note := readNote(field)
	d := Definition{Name: name, Doc: note.doc, Form: note.form}
	lit, ok := field.Value.(*ast.StructLit)
	if !ok {
		t := r.typeOf(field.Value)
		d.Type = &t
		return d
	}
	r.structure(&d, lit)
	return d
}

func (r *reader) structure(d *Definition, lit *ast.StructLit) {
	for _, decl := range lit.Elts {
		switch decl := decl.(type) {
		case *ast.Field:
			if label(decl.Label) != "" { // no pattern
				d.Fields = append(d.Fields, r.field(decl))
			}
		case *ast.EmbedDecl:
			switch x := decl.Expr.(type) {
			case *ast.Ident: // the fields of another definition
				if other, ok := r.exprs[x.Name].Value.(*ast.StructLit); ok {
					r.structure(d, other)
				}
			case *ast.IndexExpr: // _steps[do]
				r.variants(d, x)
			}
		}
	}
}

func (r *reader) field(f *ast.Field) Field {
	note := readNote(f)
	return Field{
		Name: label(f.Label), Doc: note.doc, Form: note.form, Default: note.standard, Example: note.example,
		Type: r.typeOf(f.Value), Required: f.Constraint != token.OPTION,
	}
}

// variants reads a choice by the value of a field: the members of a hidden
// struct, by name.
func (r *reader) variants(d *Definition, x *ast.IndexExpr) {
	members, ok := x.X.(*ast.Ident)
	choice, ok2 := x.Index.(*ast.Ident)
	if !ok || !ok2 {
		panic("schema: " + d.Name + " is chosen in a way that the reference does not know")
	}
	d.Choice = choice.Name
	for _, decl := range r.exprs[members.Name].Value.(*ast.StructLit).Elts {
		if f, ok := decl.(*ast.Field); ok {
			name := f.Value.(*ast.Ident).Name
			d.Variants = append(d.Variants, Choice{label(f.Label), name})
			r.named = append(r.named, name)
		}
	}
}

func label(l ast.Label) string {
	switch l := l.(type) {
	case *ast.Ident:
		return l.Name
	case *ast.BasicLit:
		if name, err := literal.Unquote(l.Value); err == nil {
			return name
		}
	}
	return ""
}

// note is a comment, taken apart.
type note struct{ doc, form, standard, example string }

// readNote takes a field's comment apart: sentences, then "Form: …", "Default:
// …" and "Example: …", each to the end of its part.
func readNote(f *ast.Field) note {
	var n note
	for _, group := range ast.Comments(f) {
		if !group.Doc {
			continue
		}
		into := &n.doc
		for line := range strings.Lines(group.Text()) {
			for rest := strings.TrimSpace(line); rest != ""; {
				var part string
				part, rest, into = n.next(rest, into)
				*into = strings.TrimSpace(*into + " " + part)
				if rest != "" {
					into = nil
				}
			}
		}
	}
	n.form, n.standard = strings.TrimSuffix(n.form, "."), strings.TrimSuffix(n.standard, ".")
	return n
}

// next cuts the text before the next marker off; into is where it belongs.
func (n *note) next(text string, into *string) (part, rest string, to *string) {
	marks := map[string]*string{"Form: ": &n.form, "Default: ": &n.standard, "Example: ": &n.example}
	for mark, to := range marks {
		if after, ok := strings.CutPrefix(text, mark); ok {
			text, into = after, to
			break
		}
	}
	end := len(text)
	for mark := range marks {
		if i := strings.Index(text, " "+mark); i >= 0 {
			end = min(end, i)
		}
	}
	return text[:end], strings.TrimSpace(text[end:]), into
}
