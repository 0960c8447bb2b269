package declare

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"

	"cuelang.org/go/cue/ast"
	"cuelang.org/go/cue/literal"
	"cuelang.org/go/cue/token"
)

// What is written out in the simplest way: names and texts, whole numbers in
// decimal digits, lists, and structs that name each field once.

// plainFields are the fields of a struct.
func plainFields(x *ast.StructLit) (map[string]ast.Expr, bool) {
	fields := make(map[string]ast.Expr, len(x.Elts))
	for _, d := range x.Elts {
		f, ok := d.(*ast.Field)
		if !ok || f.Constraint != token.ILLEGAL || f.Alias != nil || len(f.Attrs) > 0 {
			return nil, false
		}
		name := labelName(f.Label)
		if name == "" || fields[name] != nil || hides(f.Label) || !isPrintable(name) {
			return nil, false
		}
		fields[name] = f.Value
	}
	return fields, true
}

func isPrintable(name string) bool {
	return strings.IndexFunc(name, func(r rune) bool { return r < ' ' || r > '~' }) < 0
}

func onString(ok func(string) bool) accepts {
	return func(e ast.Expr) bool {
		s, is := plainString(e)
		return is && ok(s)
	}
}

func plainString(e ast.Expr) (string, bool) {
	lit, ok := e.(*ast.BasicLit)
	if !ok || lit.Kind != token.STRING || lit.Value[0] != '"' {
		return "", false
	}
	s, err := literal.Unquote(lit.Value)
	return s, err == nil && !strings.ContainsRune(s, '\uFFFD')
}

func plainInt(e ast.Expr) (int64, bool) {
	sign := int64(1)
	if x, ok := e.(*ast.UnaryExpr); ok && x.Op == token.SUB {
		sign, e = -1, x.X
	}
	lit, ok := e.(*ast.BasicLit)
	if !ok || lit.Kind != token.INT || len(lit.Value) > 18 || len(lit.Value) > 1 && lit.Value[0] == '0' {
		return 0, false
	}
	n, err := strconv.ParseInt(lit.Value, 10, 64)
	return sign * n, err == nil && (sign > 0 || n != 0)
}

// appendJSON appends a value as JSON, its fields in the order in which they
// are written. It gives nil where the value is not written in the simplest
// way.
func appendJSON(b []byte, e ast.Expr) []byte {
	switch x := e.(type) {
	case *ast.BasicLit:
		switch x.Kind {
		case token.TRUE, token.FALSE, token.NULL:
			return append(b, x.Value...)
		case token.STRING:
			if s, ok := plainString(x); ok {
				return appendString(b, s)
			}
		}
	case *ast.ListLit:
		b = append(b, '[')
		for i, item := range x.Elts {
			if i > 0 {
				b = append(b, ',')
			}
			if b = appendJSON(b, item); b == nil {
				return nil
			}
		}
		return append(b, ']')
	case *ast.StructLit:
		return appendObject(b, x)
	}
	if n, ok := plainInt(e); ok {
		return strconv.AppendInt(b, n, 10)
	}
	return nil
}

func appendObject(b []byte, x *ast.StructLit) []byte {
	if _, ok := plainFields(x); !ok {
		return nil
	}
	b = append(b, '{')
	for i, d := range x.Elts {
		f := d.(*ast.Field)
		if i > 0 {
			b = append(b, ',')
		}
		b = append(appendString(b, labelName(f.Label)), ':')
		if b = appendJSON(b, f.Value); b == nil {
			return nil
		}
	}
	return append(b, '}')
}

func appendString(b []byte, s string) []byte {
	buffer := bytes.NewBuffer(b)
	enc := json.NewEncoder(buffer)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(s) // of a text, into memory
	return bytes.TrimSuffix(buffer.Bytes(), []byte("\n"))
}

// accepted is what a plain file declares, if CUE has nothing against any of
// it.
func (f *file) accepted() ([]value, bool) {
	if len(f.problems) > 0 || !f.importsUsed || f.imported > 1 { // plain data uses one at most
		return nil, false
	}
	values := make([]value, 0, len(f.entries))
	for _, e := range f.entries {
		if len(e.nodes) != 1 {
			return nil, false
		}
		expr := e.nodes[0].Value
		if both, ok := expr.(*ast.BinaryExpr); ok && f.isDefinition(both.X, definitions[e.field]) {
			expr = both.Y
		}
		accept := acceptors()[definitions[e.field]]
		if accept == nil || !accept(expr) {
			return nil, false
		}
		data := appendJSON(make([]byte, 0, 256), expr)
		if data == nil {
			return nil, false
		}
		values = append(values, value{spot: e.spot, fields: e.places().positions(), json: data})
	}
	return values, true
}
