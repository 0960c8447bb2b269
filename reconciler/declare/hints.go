package declare

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"cuelang.org/go/cue"
	"cuelang.org/go/cue/ast"
	"cuelang.org/go/cue/errors"
	"cuelang.org/go/cue/token"

	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/schema"
)

// typeHint says how to make a value of another type one that is expected.
func (s *shape) typeHint(found string, kind cue.Kind) string {
	text := strings.Trim(found, `"`)
	number, _ := strconv.Atoi(text)
	switch {
	case s.kind == "string" && len(s.enum) == 0 && s.form == "" && (kind == cue.IntKind || kind == cue.FloatKind):
		return fmt.Sprintf("put it in quotes: %q", found)
	case s.kind == "int" && kind == cue.StringKind && strconv.Itoa(number) == text,
		s.kind == "bool" && kind == cue.StringKind && (text == "true" || text == "false"):
		return "leave out the quotes: " + text
	case s.kind == "list" && (kind == cue.StringKind || kind == cue.IntKind):
		return fmt.Sprintf("write a list: [%s]", found)
	case s.kind == "list" && kind == cue.StructKind:
		return "write a list: [{…}]"
	case s.kind == "struct" && kind == cue.StringKind && s.fields["owner"] != nil:
		return fmt.Sprintf("write {owner: %s}", found)
	case s.kind == "string" && kind == cue.BytesKind:
		return "write it in double quotes"
	case s.kind == "string" && kind == cue.ListKind:
		return "write one, without [ ]"
	case len(s.enum) > 0:
		return ""
	}
	return s.exampleHint()
}

// address is a repo's name in an address of it.
var address = regexp.MustCompile(`^(?:https?://|ssh://|git@)[^/:]+[/:]([A-Za-z0-9-]+/[A-Za-z0-9._-]+?)(?:\.git)?/?$`)

// valueHint says how to mend a value of the right type.
func (s *shape) valueHint(found string) string {
	text := strings.Trim(found, `"`)
	if len(s.enum) > 0 {
		return fleet.DidYouMean(text, s.enum)
	}
	if m := address.FindStringSubmatch(text); m != nil && s.form == `"owner/name"` {
		return fmt.Sprintf("write %q", m[1])
	}
	if name, ok := strings.CutPrefix(text, "@"); ok && s.form != "" && s.kind == "string" {
		return fmt.Sprintf("write %q", name)
	}
	return s.exampleHint()
}

// otherDefinition reports one of the schema's definitions that is not the one
// of the place where it stands: all else would follow from it.
func (r *reporter) otherDefinition() bool {
	want := definitions[r.at.field]
	for _, n := range r.at.nodes {
		both, ok := n.Value.(*ast.BinaryExpr)
		if !ok || both.Op != token.AND {
			continue
		}
		sel, ok := both.X.(*ast.SelectorExpr)
		if !ok || r.at.file == nil {
			continue
		}
		base, ok := sel.X.(*ast.Ident)
		name := labelName(sel.Sel)
		if ok && base.Name == r.at.file.schema && name != want && strings.HasPrefix(name, "#") {
			r.add("unknown-field", nil, position(sel.Pos()), fmt.Sprintf("write %s.%s", base.Name, want),
				"found the definition %s, which is not that of %s", name, r.at.field)
			return true
		}
	}
	return false
}

// noStep reports a step that does not say which it is: its fields can't be
// judged.
func (r *reporter) noStep(path, names []string, s *shape) bool {
	if slices.Contains(names, "do") {
		return false
	}
	steps := s.fields["do"].enum
	for _, name := range names {
		below := append(path[:len(path):len(path)], name)
		switch near := fleet.Nearest(name, []string{"do"}); {
		case slices.Contains(steps, name) && !slices.Contains(names, "paths"):
			r.add("missing-field", append(path[:len(path):len(path)], "do"), r.labelPos(below),
				fmt.Sprintf("write {do: %q, …}, with its fields beside it", name), "the step's name %q stands as a field", name)
			return true
		case near != "":
			r.add("unknown-field", below, r.labelPos(below), `did you mean "do"?`, "unknown field %q", name)
			return true
		}
	}
	r.missing(path, "do", s)
	return true
}

// misses reports whether a field below path was found to be missing.
func (r *reporter) misses(path []string) bool {
	full := r.full(pathText(path))
	return slices.ContainsFunc(r.problems, func(p fleet.Problem) bool {
		return strings.HasPrefix(p.Field, full) && (p.Code == "missing-field" || p.Code == "unknown-field")
	})
}

// unvalued is the name of a field without a value: the next line's field
// counts as its value.
func (r *reporter) unvalued(path []string) string {
	p, ok := r.places[pathText(path)]
	if !ok || len(path) == 0 {
		return ""
	}
	inner := unbraced(p.expr)
	if inner == nil || position(inner.Pos()).Line == p.pos.Line {
		return ""
	}
	return plainName(path[len(path)-1])
}

// swallowed reports whether a field that the struct at path lacks stands as
// the value of one that has none.
func (r *reporter) swallowed(path []string, name string) bool {
	for _, sibling := range r.names(path) {
		element := sibling
		if !isIdent(element) {
			element = strconv.Quote(element)
		}
		below := append(path[:len(path):len(path)], element)
		if r.unvalued(below) != "" && slices.Contains(r.names(below), name) && !r.takesFields(below) {
			return true
		}
	}
	return false
}

func (r *reporter) takesFields(path []string) bool {
	s := r.shape.at(path, r.do)
	return s != nil && (s.kind == "struct" || s.kind == "")
}

// dashed is the string behind a "-", as YAML writes an element of a list.
func (r *reporter) dashed(path []string) string {
	p, ok := r.places[pathText(path)]
	if !ok {
		return ""
	}
	minus, ok := p.expr.(*ast.UnaryExpr)
	if !ok || minus.Op != token.SUB {
		return ""
	}
	lit, ok := minus.X.(*ast.BasicLit)
	if !ok || lit.Kind != token.STRING {
		return ""
	}
	return quote(labelName(lit))
}

// cueWords are CUE's messages that need other words, and what to do.
var cueWords = []struct {
	at                *regexp.Regexp
	code, words, hint string
}{
	{regexp.MustCompile(`^reference "?(schema)"? not found`), "unknown-reference", `"$1" is not imported`, fmt.Sprintf("write import %q", schema.ImportPath)},
	{regexp.MustCompile(`^reference "?(yes|on)"? not found`), "unknown-reference", `nothing is named "$1"`, "write true"},
	{regexp.MustCompile(`^reference "?(no|off)"? not found`), "unknown-reference", `nothing is named "$1"`, "write false"},
	{regexp.MustCompile(`^reference "?(list|math|net|path|regexp|strconv|strings|struct|time)"? not found`), "unknown-reference", `"$1" is not imported`, `write import "$1"`},
	{regexp.MustCompile(`^reference "?([^"]*)"? not found`), "unknown-reference", `nothing is named "$1"`, `a string needs quotes: "$1"`},
	{regexp.MustCompile(`^imported and not used: "(.*)"`), "import", `"$1" is imported and not used`, "take the import out"},
	{regexp.MustCompile(`^undefined field: (#\w+)`), "unknown-reference", "there is no definition $1", ""},
	{regexp.MustCompile(`^(?:undefined field|field not found): (.+)`), "unknown-reference", "there is no field $1", "is it spelt so where it is declared?"},
	{regexp.MustCompile(`^(?:conflicting values|cannot use|invalid value|mismatched types|invalid operand).*$`), "bad-value", "the values that meet here do not fit", "keep one of them"},
	{regexp.MustCompile(`^(?:incomplete value|non-concrete value).*$`), "incomplete", "is no value yet", "write a value"},
	{regexp.MustCompile(`^(?:structural cycle|cycle).*$`), "cycle", "refers to itself", "write the value out"},
}

// worded is what CUE alone can say, in words for people.
func worded(err error) (code, words, hint string) {
	e := errors.Error(nil)
	if !errors.As(err, &e) {
		return "bad-value", err.Error(), ""
	}
	format, args := e.Msg()
	message := strings.TrimSuffix(strings.ReplaceAll(fmt.Sprintf(format, args...), schemaDir, "schema/"), ":")
	for _, w := range cueWords {
		if m := w.at.FindStringSubmatch(message); m != nil {
			fill := strings.NewReplacer("$1", append(m, "")[1])
			return w.code, fill.Replace(w.words), fill.Replace(w.hint)
		}
	}
	return "bad-value", message, ""
}

// foreign reports what the schema has no words for.
func (r *reporter) foreign(path []string, err errors.Error) {
	code, words, hint := worded(err)
	if hint == "" {
		hint = r.definitionHint(words)
	}
	r.add(code, path, r.posOf(path, err), hint, "%s", words)
}

// definitionHint is the definition of the schema that one that is not there
// was meant to be.
func (r *reporter) definitionHint(words string) string {
	name, ok := strings.CutPrefix(words, "there is no definition ")
	if !ok {
		return ""
	}
	want := definitions[r.at.field]
	near := fleet.Nearest(name, definitionNames())
	switch {
	case near != "" && near != want:
		return fmt.Sprintf("did you mean %q?", near)
	case r.at.file == nil || r.at.file.schema == "" || want == "":
		return ""
	}
	return fmt.Sprintf("write %s.%s", r.at.file.schema, want)
}

func definitionNames() []string {
	var names []string
	for name := range shapes() {
		names = append(names, name)
	}
	return names
}

// buildProblem words a mistake that kept a package from being built.
func buildProblem(e *entry, err errors.Error, pos token.Pos) fleet.Problem {
	r := reporter{at: e}
	code, words, hint := worded(err)
	if hint == "" {
		hint = r.definitionHint(words)
	}
	r.add(code, nil, position(pos), hint, "%s", words)
	return r.problems[0]
}
