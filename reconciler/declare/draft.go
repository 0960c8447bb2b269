package declare

import (
	"bytes"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"cuelang.org/go/cue/ast"
	"cuelang.org/go/cue/literal"
	"cuelang.org/go/cue/parser"

	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/schema"
)

// Draft is a declaration that is being written.
type Draft struct {
	Kind   schema.Kind
	Name   string
	Values map[string]string // CUE, by field
}

// File is a file that holds the declaration alone, each field below what the
// schema says of it. If named is set the definition is named, for editors;
// CUE's own tools then need the config repo's copy of the schema.
func (d Draft) File(named bool) ([]byte, []fleet.Problem) {
	head, prefix := "package "+packageName+"\n\n", ""
	if named {
		head += fmt.Sprintf("import %q\n\n", schema.ImportPath)
		prefix = path.Base(schema.ImportPath)
	}
	return Format(d.Kind.Field+"/"+d.Name+".cue", []byte(head+d.text(prefix)))
}

// Append is the file with the declaration at its end. What is in the file
// stays as it is.
func (d Draft) Append(name string, data []byte) ([]byte, []fleet.Problem) {
	tree, err := parser.ParseFile(name, data)
	if err != nil {
		f := &file{source: source{path: name, data: data}}
		f.syntax(err)
		return nil, f.problems
	}
	prefix := ""
	for spec := range tree.ImportSpecs() {
		if full, err := literal.Unquote(spec.Path.Value); err == nil && full == schema.ImportPath {
			prefix = path.Base(full)
			if spec.Name != nil {
				prefix = spec.Name.Name
			}
		}
	}
	block, problems := Format(name, []byte(d.text(prefix)))
	if len(problems) > 0 {
		return nil, problems
	}
	data = bytes.TrimRight(data, "\n")
	return append(data[:len(data):len(data)], append([]byte("\n\n"), block...)...), nil
}

// text is the declaration, with the definition named if the schema is
// imported by a name.
func (d Draft) text(prefix string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s: ", d.Kind.Field, Label(d.Name))
	if prefix != "" {
		fmt.Fprintf(&b, "%s.%s & ", prefix, d.Kind.Definition.Name)
	}
	b.WriteString("{\n")
	var more []string
	for _, f := range d.Kind.Definition.Fields {
		value, ok := d.Values[f.Name]
		if !ok {
			more = append(more, f.Name)
			continue
		}
		comment(&b, f.Doc)
		fmt.Fprintf(&b, "%s: %s\n\n", Label(f.Name), value)
	}
	if len(more) > 0 {
		comment(&b, "It may also have "+strings.Join(more, ", ")+`: see "portreeve docs".`)
	}
	b.WriteString("}\n")
	return b.String()
}

// Expr is CUE for a value of JSON's sorts.
func Expr(v any) string {
	switch v := v.(type) {
	case map[string]any:
		var b strings.Builder
		b.WriteString("{\n")
		for _, field := range slices.Sorted(maps.Keys(v)) {
			label, value := Label(field), v[field]
			for {
				alone, ok := value.(map[string]any)
				if !ok || len(alone) != 1 {
					break
				}
				for below, of := range alone {
					label, value = label+": "+Label(below), of
				}
			}
			fmt.Fprintf(&b, "%s: %s\n", label, Expr(value))
		}
		return b.String() + "}"
	case []any:
		var all []string
		for _, item := range v {
			all = append(all, Expr(item))
		}
		return "[" + strings.Join(all, ", ") + "]"
	case string:
		return literal.String.Quote(v)
	}
	return fmt.Sprint(v)
}

// Label is a field's name, quoted if it has to be.
func Label(of string) string {
	if ast.StringLabelNeedsQuoting(of) {
		return literal.String.Quote(of)
	}
	return of
}

// comment writes a text as lines of a comment.
func comment(b *strings.Builder, text string) {
	const width = 76
	line := ""
	for _, word := range strings.Fields(text) {
		if line != "" && len(line)+1+len(word) > width {
			b.WriteString("// " + line + "\n")
			line = ""
		}
		line = strings.TrimSpace(line + " " + word)
	}
	if line != "" {
		b.WriteString("// " + line + "\n")
	}
}

// Literal is CUE for what a person wrote for a value of a type: a text as it
// is or in quotes, a list of texts with commas between, and anything else as
// CUE, of which a struct may lack its braces.
func Literal(t schema.Type, text string) (string, error) {
	text = strings.TrimSpace(text)
	t = t.Resolve()
	for _, one := range t.Either { // of a text and something else
		if one.Kind != "string" && isLiteral(text) {
			return text, nil
		}
	}
	switch {
	case t.Kind == "string" || len(t.Either) > 0:
		if _, err := literal.Unquote(text); err == nil && isLiteral(text) {
			return text, nil
		}
		return literal.String.Quote(text), nil
	case t.Kind == "bool" && text != "true" && text != "false":
		return "", fmt.Errorf("found %s, expected true or false", quote(text))
	case t.Kind == "list" && t.Elem != nil && t.Elem.Resolve().Kind == "string" && !strings.HasPrefix(text, "["):
		var items []string
		for item := range strings.SplitSeq(text, ",") {
			one, err := Literal(*t.Elem, item)
			if err != nil {
				return "", err
			}
			items = append(items, one)
		}
		return "[" + strings.Join(items, ", ") + "]", nil
	}
	if _, err := parser.ParseExpr("value", text); err == nil {
		return text, nil
	}
	if in := "{" + text + "}"; t.Kind == "struct" || t.Kind == "map" {
		if _, err := parser.ParseExpr("value", in); err == nil {
			return in, nil
		}
	}
	return "", fmt.Errorf("found %s, expected %s, written in CUE", quote(text), t.Words(strings.ToLower, func(s string) string { return s }))
}

// isLiteral reports whether a text is one literal of CUE.
func isLiteral(text string) bool {
	expr, err := parser.ParseExpr("value", text)
	if err != nil {
		return false
	}
	_, ok := expr.(*ast.BasicLit)
	return ok
}
