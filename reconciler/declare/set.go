package declare

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"cuelang.org/go/cue/ast"
	"cuelang.org/go/cue/format"
	"cuelang.org/go/cue/parser"
	"cuelang.org/go/cue/token"

	"github.com/portreeve/portreeve/reconciler/fleet"
)

// Assign sets fields of a declaration, one after the other, as Set does.
func Assign(text []byte, pos fleet.Pos, all []fleet.Assignment) ([]byte, error) {
	for _, a := range all {
		var value any
		dec := json.NewDecoder(bytes.NewReader(a.Value))
		dec.UseNumber() // as it is written
		if err := dec.Decode(&value); err != nil {
			return nil, fmt.Errorf("%s: %w", strings.Join(a.At, "."), err)
		}
		var err error
		if text, err = Set(text, pos, a.At, Expr(value)); err != nil {
			return nil, err
		}
	}
	return text, nil
}

// Set sets a field of a declaration where it is written, to a value in CUE, and
// adds it where it is not written yet. pos is where the declaration's name stands
// in the file with that text; at are names, "[0]" for an element of a list, and
// "[+]" for one more at its end. What is not edited stays byte for byte, comments
// too. The error says why it can't be done, for people.
func Set(text []byte, pos fleet.Pos, at []string, value string) ([]byte, error) {
	formatted, err := format.Source(text)
	neat := err == nil && bytes.Equal(formatted, text)
	tree, err := parser.ParseFile(pos.File, text, parser.ParseComments)
	if err != nil {
		return nil, fmt.Errorf("%s can't be read", pos.File)
	}
	parts := partsOf(tree, pos)
	if parts == nil {
		return nil, fmt.Errorf("no declaration begins at %s any more", pos)
	}
	e := &editing{text: text}
	if text, err = e.set(parts, at, value); err != nil {
		return nil, fmt.Errorf("%s can't be set at %s: %w", strings.Join(at, "."), pos, err)
	}
	if formatted, err = format.Source(text); err != nil {
		return nil, fmt.Errorf("the edit would leave %s unreadable", pos.File)
	}
	if neat {
		text = formatted
	}
	return text, nil
}

var errNotWritten = errors.New("it is not written out there, and only a person can edit that")

// partsOf are what a declaration is written as in its file, the part at pos first; nil
// where there is none.
func partsOf(tree *ast.File, pos fleet.Pos) (parts []ast.Expr) {
	var group, name string
	each := func(do func(group string, f *ast.Field)) {
		for _, d := range tree.Decls {
			f, ok := d.(*ast.Field)
			if !ok {
				continue
			}
			if s, ok := unwrapped(f.Value).(*ast.StructLit); ok {
				for _, d := range s.Elts {
					if below, ok := d.(*ast.Field); ok {
						do(labelName(f.Label), below)
					}
				}
			}
		}
	}
	each(func(in string, f *ast.Field) {
		if position(f.Label.Pos()) == pos {
			group, name, parts = in, labelName(f.Label), []ast.Expr{f.Value}
		}
	})
	each(func(in string, f *ast.Field) {
		if parts != nil && in == group && labelName(f.Label) == name && f.Value != parts[0] {
			parts = append(parts, f.Value)
		}
	})
	return parts
}

// unwrapped is what a definition is held against: of schema.#Definition & {…} the
// struct.
func unwrapped(x ast.Expr) ast.Expr {
	if both, ok := x.(*ast.BinaryExpr); ok && both.Op == token.AND {
		return both.Y
	}
	return x
}

// set sets what is below expressions that come together to one value.
func (e *editing) set(parts []ast.Expr, at []string, value string) ([]byte, error) {
	var structs []*ast.StructLit
	for _, in := range parts {
		switch x := unwrapped(in).(type) {
		case *ast.StructLit:
			structs = append(structs, x)
		case *ast.ListLit:
			return e.setElement(x, at, value)
		}
	}
	if len(structs) == 0 || strings.HasPrefix(at[0], "[") {
		return nil, errNotWritten
	}
	var found []ast.Expr
	for _, s := range structs {
		for _, f := range fields(s, at[0]) {
			found = append(found, f.Value)
		}
	}
	switch {
	case len(found) == 0:
		return e.into(structs[0], leading(at, value)), nil
	case len(at) > 1:
		return e.set(found, at[1:], value)
	case len(found) > 1:
		return nil, fmt.Errorf("%s stands twice there", at[0])
	}
	return e.put(found[0].Pos().Offset(), found[0].End().Offset(), value), nil
}

func (e *editing) setElement(l *ast.ListLit, at []string, value string) ([]byte, error) {
	if at[0] == "[+]" && len(at) == 1 {
		if len(l.Elts) == 0 {
			return e.put(l.Lbrack.Offset()+1, l.Rbrack.Offset(), value), nil
		}
		end := l.Elts[len(l.Elts)-1].End().Offset()
		return e.put(end, end, ", "+value), nil
	}
	n, err := strconv.Atoi(strings.Trim(at[0], "[]"))
	if err != nil || n < 0 || n >= len(l.Elts) || len(at) == 1 {
		return nil, errNotWritten
	}
	return e.set(l.Elts[n:n+1], at[1:], value)
}

// into adds a field to a struct, which may have no braces as yet.
func (e *editing) into(s *ast.StructLit, field string) []byte {
	if s.Lbrace.IsValid() {
		return e.add(s, field)
	}
	from, to := s.Elts[0].Pos().Offset(), s.Elts[len(s.Elts)-1].End().Offset()
	return e.put(from, to, "{\n"+string(e.text[from:to])+"\n"+field+"\n}")
}

// leading is a field with what leads to it: "a: b: 1".
func leading(at []string, value string) string {
	var b strings.Builder
	for _, part := range at {
		b.WriteString(Label(part) + ": ")
	}
	return b.String() + value
}
