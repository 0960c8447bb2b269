package schema

import (
	"fmt"
	"strings"

	"cuelang.org/go/cue/ast"
	"cuelang.org/go/cue/literal"
	"cuelang.org/go/cue/token"
)

// Type is what a value may be, as far as words for people need it. CUE alone
// decides whether a value is right.
type Type struct {
	// Kind is string, int, number, bool, list, map (a struct whose names are
	// free), struct, or any; empty for a choice, and for Ref alone.
	Kind     string   `json:"kind,omitempty"`
	Ref      string   `json:"ref,omitempty"`      // the definition it is
	Elem     *Type    `json:"elem,omitempty"`     // of a list or a map
	Enum     []string `json:"enum,omitempty"`     // the strings that it may be
	Either   []Type   `json:"either,omitempty"`   // a choice of types
	NonEmpty bool     `json:"nonEmpty,omitempty"` // string or list
	Bounds   []string `json:"bounds,omitempty"`   // ">=0"
	Pattern  string   `json:"pattern,omitempty"`  // a regular expression
}

// Resolve is the type behind names: what a definition that is no struct says.
func (t Type) Resolve() Type {
	for t.Ref != "" && t.Kind == "" {
		d, ok := Find(t.Ref)
		if !ok || d.Type == nil {
			return Type{Kind: "struct", Ref: t.Ref}
		}
		t = *d.Type
	}
	return t
}

// typeOf reads an expression of the schema, and notes which definitions it
// names.
func (r *reader) typeOf(e ast.Expr) Type {
	switch x := e.(type) {
	case *ast.Ident:
		return r.name(x.Name)
	case *ast.ParenExpr:
		return r.typeOf(x.X)
	case *ast.UnaryExpr:
		return unary(x)
	case *ast.BasicLit:
		if text, err := literal.Unquote(x.Value); err == nil && x.Kind == token.STRING {
			return Type{Kind: "string", Enum: []string{text}}
		}
	case *ast.BinaryExpr:
		if x.Op == token.OR {
			return either(r.typeOf(x.X), r.typeOf(x.Y))
		}
		return both(r.typeOf(x.X), r.typeOf(x.Y))
	case *ast.ListLit:
		return r.list(x)
	case *ast.StructLit:
		return r.structType(x)
	case *ast.CallExpr: // or([for name, _ in _steps {name}]): the variants say which
		return Type{Kind: "string", NonEmpty: true}
	}
	return Type{Kind: "any"}
}

func (r *reader) name(name string) Type {
	switch {
	case name == "_":
		return Type{Kind: "any"}
	case strings.HasPrefix(name, "#"):
		r.named = append(r.named, name)
		return Type{Ref: name}
	}
	return Type{Kind: name}
}

func unary(x *ast.UnaryExpr) Type {
	lit, ok := x.X.(*ast.BasicLit)
	switch {
	case !ok:
	case x.Op == token.NEQ && lit.Value == `""`:
		return Type{Kind: "string", NonEmpty: true}
	case x.Op == token.MAT:
		pattern, _ := literal.Unquote(lit.Value)
		return Type{Kind: "string", Pattern: pattern}
	case lit.Kind == token.INT:
		return Type{Bounds: []string{x.Op.String() + strings.ReplaceAll(lit.Value, "_", "")}}
	}
	return Type{Kind: "any"}
}

func (r *reader) list(x *ast.ListLit) Type {
	t := Type{Kind: "list"}
	for _, e := range x.Elts {
		rest, ok := e.(*ast.Ellipsis)
		switch {
		case !ok:
			t.NonEmpty = true
		case rest.Type != nil:
			elem := r.typeOf(rest.Type)
			t.Elem = &elem
		}
	}
	return t
}

func (r *reader) structType(x *ast.StructLit) Type {
	for _, d := range x.Elts {
		if f, ok := d.(*ast.Field); ok {
			if _, pattern := f.Label.(*ast.ListLit); pattern {
				elem := r.typeOf(f.Value)
				return Type{Kind: "map", Elem: &elem}
			}
		}
	}
	return Type{Kind: "struct"}
}

// both is what two types say together.
func both(a, b Type) Type {
	if a.Kind == "" && a.Ref == "" {
		a.Kind = b.Kind
	}
	if a.Ref == "" {
		a.Ref = b.Ref
	}
	if a.Elem == nil {
		a.Elem = b.Elem
	}
	if a.Pattern == "" {
		a.Pattern = b.Pattern
	}
	a.NonEmpty = a.NonEmpty || b.NonEmpty
	a.Enum, a.Bounds = append(a.Enum, b.Enum...), append(a.Bounds, b.Bounds...)
	return a
}

func either(a, b Type) Type {
	if len(a.Enum) > 0 && len(b.Enum) > 0 {
		a.Enum = append(a.Enum, b.Enum...)
		return a
	}
	all := a.Either
	if all == nil {
		all = []Type{a}
	}
	return Type{Either: append(all, b)}
}

// Words says in words what a value of the type is. link words a definition's
// name, and quote an exact text.
func (t Type) Words(link func(definition string) string, quote func(text string) string) string {
	switch {
	case t.Ref != "" && t.Kind == "":
		return link(t.Ref)
	case len(t.Enum) > 0:
		words := make([]string, len(t.Enum))
		for i, e := range t.Enum {
			words[i] = quote(fmt.Sprintf("%q", e))
		}
		return strings.Join(words, " or ")
	case len(t.Either) > 0:
		words := make([]string, len(t.Either))
		for i, e := range t.Either {
			words[i] = e.Words(link, quote)
		}
		return strings.Join(words, " or ")
	}
	words := map[string]string{
		"int": "whole number", "bool": "true or false", "any": "any value", "map": "struct of free names", "struct": "struct",
	}[t.Kind]
	if words == "" {
		words = t.Kind
	}
	if t.NonEmpty {
		words += ", not empty"
	}
	if t.Pattern != "" {
		words += " that matches " + quote(t.Pattern)
	}
	if len(t.Bounds) > 0 {
		words += ", " + quote(strings.Join(t.Bounds, " and "))
	}
	if t.Elem != nil {
		words += ", each " + t.Elem.Words(link, quote)
	}
	return words
}
