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
	var found *ast.Field
	ast.Walk(tree, func(n ast.Node) bool {
		if f, ok := n.(*ast.Field); ok && position(f.Label.Pos()) == pos {
			found = f
		}
		return found == nil
	}, nil)
	if found == nil {
		return nil, fmt.Errorf("no declaration begins at %s any more", pos)
	}
	e := &editing{text: text}
	if text, err = e.set(found.Value, at, value); err != nil {
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

// set sets what is below an expression.
func (e *editing) set(in ast.Expr, at []string, value string) ([]byte, error) {
	if both, ok := in.(*ast.BinaryExpr); ok && both.Op == token.AND { // schema.#Definition & {…}
		in = both.Y
	}
	switch x := in.(type) {
	case *ast.StructLit:
		return e.setField(x, at, value)
	case *ast.ListLit:
		return e.setElement(x, at, value)
	}
	return nil, errNotWritten
}

func (e *editing) setField(s *ast.StructLit, at []string, value string) ([]byte, error) {
	found := fields(s, at[0])
	switch {
	case len(found) == 0 && strings.HasPrefix(at[0], "["):
		return nil, errNotWritten
	case len(found) == 0:
		return e.into(s, leading(at, value)), nil
	case len(at) == 1 && len(found) > 1:
		return nil, fmt.Errorf("%s stands twice there", at[0])
	case len(at) == 1:
		return e.put(found[0].Value.Pos().Offset(), found[0].Value.End().Offset(), value), nil
	}
	below := found[0]
	for _, f := range found { // of several, the one that has more of the path
		if x, ok := f.Value.(*ast.StructLit); ok && len(fields(x, at[1])) > 0 {
			below = f
		}
	}
	return e.set(below.Value, at[1:], value)
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
	return e.set(l.Elts[n], at[1:], value)
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
