package declare

import (
	"fmt"
	"slices"
	"strings"

	"cuelang.org/go/cue/ast"
	"cuelang.org/go/cue/errors"
	"cuelang.org/go/cue/literal"
	"cuelang.org/go/cue/parser"
	"cuelang.org/go/cue/token"

	"github.com/portreeve/portreeve/reconciler/fleet"
)

// packageName is the package that every file of a config repo is of.
const packageName = "fleet"

// schemaDir stands before the names of the schema's files in positions, so
// that none is taken for one of the user's. No path in a repo begins so.
const schemaDir = "\x00schema/"

// file is a file of the config repo, parsed and looked at.
type file struct {
	source
	ast      *ast.File
	entries  []*entry
	named    map[[2]string]*entry
	problems []fleet.Problem
	fate
	plain, reaches bool
	makes, refers  []string
	schema         string // the name that the schema is imported by
	imported       int    // how many imports it has
	importsUsed    bool   // as far as is known; CUE takes one that is not for a mistake
	bared          bool   // of definitions that it names; see bare
}

// entry is a declaration, a team or the settings, in a file's tree.
type entry struct {
	spot
	file  *file
	nodes []*ast.Field // the same name may be written in parts
	taken bool         // out of its file, for a mistake that kept all from being built
}

// sheet is what is kept of the file.
func (f *file) sheet() *sheet {
	s := &sheet{
		path: f.path, id: f.id, size: len(f.data), problems: f.problems, fate: f.fate,
		plain: f.plain, reaches: f.reaches, makes: f.makes, refers: f.refers,
	}
	for _, e := range f.entries {
		e.owner = e.writtenOwner()
		s.entries = append(s.entries, e.spot)
	}
	return s
}

// holds reports whether a position lies within the entry.
func (e *entry) holds(pos token.Pos) bool {
	return slices.ContainsFunc(e.nodes, func(n *ast.Field) bool {
		return pos.Filename() == e.file.path && n.Pos().Offset() <= pos.Offset() && pos.Offset() < n.End().Offset()
	})
}

// parse reads one file. groups are the top-level fields that hold named
// things.
func parse(src source, groups []string) *file {
	f := &file{source: src, named: map[[2]string]*entry{}}
	tree, err := parser.ParseFile(src.path, src.data)
	f.ast = tree
	f.index(groups)
	if err != nil {
		f.syntax(err)
		f.recover(groups)
	} else {
		f.indented(groups)
		f.clause()
		f.imports()
		f.look()
		f.partial = f.partial || f.broken && f.reaches
	}
	sortEntries(f.entries)
	slices.Sort(f.makes)
	f.makes = slices.Compact(f.makes)
	return f
}

// refuse reports a problem that keeps the file from being evaluated.
func (f *file) refuse(code string, pos token.Pos, hint, format string, args ...any) {
	at := fleet.Top(f.path)
	if pos.IsValid() {
		at = position(pos)
		at.File = f.path
	}
	f.broken = true
	f.problems = append(f.problems, fleet.Problem{
		Severity: fleet.Error, Code: code, Pos: at, Message: fmt.Sprintf(format, args...), Hint: hint,
	})
}

func position(pos token.Pos) fleet.Pos {
	if !pos.IsValid() {
		return fleet.Pos{}
	}
	p := pos.Position()
	return fleet.Pos{File: p.Filename, Line: p.Line, Column: p.Column}
}

// breakDown marks a file that can't be evaluated.
func (f *file) breakDown(err error) {
	pos := token.NoPos
	if e := errors.Error(nil); errors.As(err, &e) {
		pos, _ = blame(e, []*file{f})
	}
	f.partial = f.partial || f.reaches
	code, words, hint := worded(err)
	f.refuse(code, pos, hint, "%s", words)
}

func (f *file) clause() {
	for _, d := range f.ast.Decls {
		p, ok := d.(*ast.Package)
		if !ok {
			continue
		}
		if p.Name.Name != packageName {
			f.refuse("no-package", p.Name.Pos(), "write package fleet", "found package %q, expected %q", p.Name.Name, packageName)
		}
		return
	}
	f.refuse("no-package", token.NoPos, `write "package fleet" on its first line`, "has no package clause")
}

// index notes what the file declares at its top.
func (f *file) index(groups []string) {
	for _, d := range f.ast.Decls {
		field, ok := d.(*ast.Field)
		if !ok {
			continue
		}
		name := labelName(field.Label)
		switch {
		case name == "fleet":
			f.note(name, "", field.Label, field)
		case slices.Contains(groups, name):
			f.members(name, field.Value)
		case name != "":
			f.makes = append(f.makes, name)
			if name[0] != '_' && name[0] != '#' {
				f.unknownTop(name, field.Label, groups)
			}
		}
	}
}

// unknownTop reports a field at the top that nothing is known of. What else
// the file declares is not harmed.
func (f *file) unknownTop(name string, label ast.Node, groups []string) {
	f.partial = true
	f.problems = append(f.problems, unknownGroup(name, position(label.Pos()), append([]string{"fleet"}, groups...)))
}

func unknownGroup(name string, pos fleet.Pos, known []string) fleet.Problem {
	slices.Sort(known)
	hint := fleet.DidYouMean(name, known)
	if hint == "" {
		hint = "expected one of " + strings.Join(known, ", ")
	}
	return fleet.Problem{
		Severity: fleet.Error, Code: "unknown-field", Pos: pos, Field: name,
		Message: fmt.Sprintf("unknown field %q", name), Hint: hint,
	}
}

func (f *file) members(group string, value ast.Expr) {
	switch x := value.(type) {
	case *ast.StructLit:
		for _, d := range x.Elts {
			if field, ok := d.(*ast.Field); ok {
				f.member(group, field)
			}
		}
	case *ast.BinaryExpr:
		f.members(group, x.X)
		f.members(group, x.Y)
	case *ast.ParenExpr:
		f.members(group, x.X)
	case *ast.BasicLit, *ast.ListLit:
		f.partial = true
		f.problems = append(f.problems, fleet.Problem{
			Severity: fleet.Error, Code: "wrong-type", Pos: position(value.Pos()), Field: group,
			Message: fmt.Sprintf("found %s, expected names", kindWords(exprKind(value))), Hint: "write " + group + ": NAME: {…}",
		})
	}
}

func (f *file) member(group string, field *ast.Field) {
	name := labelName(field.Label)
	if lit, ok := field.Label.(*ast.BasicLit); ok && name == "" {
		f.problems = append(f.problems, fleet.Problem{
			Severity: fleet.Error, Code: "bad-name", Pos: position(lit.Pos()), Field: group,
			Message: "the name is empty",
		})
	}
	if name != "" && !hides(field.Label) {
		f.note(group, name, field.Label, field)
	}
}

func (f *file) note(group, name string, label ast.Node, node *ast.Field) {
	end := position(node.End()).Line
	if e := f.named[[2]string{group, name}]; e != nil {
		e.nodes, e.end = append(e.nodes, node), max(end, e.end)
		return
	}
	pos := position(label.Pos())
	pos.File = f.path
	f.enter(&entry{spot: spot{field: group, name: name, pos: pos, end: end}, nodes: []*ast.Field{node}})
}

func (f *file) enter(e *entry) {
	e.file = f
	f.entries = append(f.entries, e)
	f.named[[2]string{e.field, e.name}] = e
}

// hides reports whether a label is of a hidden field or a definition.
func hides(label ast.Label) bool {
	id, ok := label.(*ast.Ident)
	return ok && (strings.HasPrefix(id.Name, "_") || strings.HasPrefix(id.Name, "#"))
}

// labelName is the name of a label that is written out, else empty.
func labelName(label ast.Label) string {
	switch l := label.(type) {
	case *ast.Ident:
		return l.Name
	case *ast.BasicLit:
		if name, err := literal.Unquote(l.Value); err == nil {
			return name
		}
	}
	return ""
}
