package declare

import (
	"maps"
	"slices"
	"strings"

	"cuelang.org/go/cue"
	"cuelang.org/go/cue/ast"
	"cuelang.org/go/cue/errors"

	"github.com/portreeve/portreeve/reconciler/fleet"
)

// values takes the declarations out of a built package.
func (e *evaluator) values(root cue.Value, files []*file, entries []*entry, generated bool) []value {
	var out []value
	for _, entry := range entries {
		if !entry.taken && !entry.file.broken {
			out = append(out, e.one(entry, root.LookupPath(entry.path())))
		}
	}
	if generated {
		out = append(out, unknownGroups(root, files)...)
		for _, g := range generations(root, files) {
			out = append(out, e.one(g.at, g.value))
		}
	}
	return out
}

// right is values of a package that is right, held to the schema as a whole.
// It reports false where that can't be.
func (e *evaluator) right(root cue.Value, files []*file, entries []*entry, generated bool) ([]value, bool) {
	made := make([]generation, 0, len(entries))
	for _, entry := range entries {
		if entry.file.broken {
			return nil, false
		}
		made = append(made, generation{entry, root.LookupPath(entry.path())})
	}
	if generated {
		if len(unknownGroups(root, files)) > 0 {
			return nil, false
		}
		made = append(made, generations(root, files)...)
	}
	out := make([]value, 0, len(made))
	for _, g := range made {
		data, err := g.value.MarshalJSON()
		if err != nil {
			return nil, false
		}
		v := value{spot: g.at.spot, fields: g.at.places().positions(), json: data}
		v.end = max(v.end, v.pos.Line)
		out = append(out, v)
	}
	return out, true
}

func (e *entry) path() cue.Path {
	path := []cue.Selector{cue.Str(e.field)}
	if e.name != "" {
		path = append(path, cue.Str(e.name))
	}
	return cue.MakePath(path...)
}

// generation is a declaration, written out or made by the language.
type generation struct {
	at    *entry
	value cue.Value
}

// generations are what a package declares besides what its text names.
func generations(root cue.Value, files []*file) []generation {
	var out []generation
	known := func(field, name string) bool {
		return slices.ContainsFunc(files, func(f *file) bool { return f.named[[2]string{field, name}] != nil })
	}
	add := func(field, name string, v cue.Value) {
		if !known(field, name) {
			out = append(out, generation{&entry{spot: spot{field: field, name: name, pos: standsAt(v)}}, v})
		}
	}
	for _, field := range slices.Sorted(maps.Keys(definitions)) {
		group := root.LookupPath(cue.MakePath(cue.Str(field)))
		if field == "fleet" {
			if group.Exists() {
				add(field, "", group)
			}
			continue
		}
		iter, err := group.Fields()
		for err == nil && iter.Next() {
			add(field, iter.Selector().Unquoted(), iter.Value())
		}
	}
	return out
}

// standsAt is where a value stands in the text of a config repo, which it may
// have in common with the schema.
func standsAt(v cue.Value) fleet.Pos {
	_, parts := v.Expr()
	for _, part := range parts {
		if pos := part.Pos(); pos.IsValid() && !strings.HasPrefix(pos.Filename(), schemaDir) {
			return position(pos)
		}
	}
	return position(v.Pos())
}

// unknownGroups reports what the language made at the top that nothing is
// known of. What stands there as text is reported with its file.
func unknownGroups(root cue.Value, files []*file) []value {
	var out []value
	iter, err := root.Fields()
	for err == nil && iter.Next() {
		name := iter.Selector().Unquoted()
		written := func(f *file) bool { return slices.Contains(f.makes, name) }
		if _, ok := definitions[name]; ok || slices.ContainsFunc(files, written) {
			continue
		}
		pos := position(iter.Value().Pos())
		out = append(out, value{spot: spot{pos: pos}, problems: []fleet.Problem{unknownGroup(name, pos, slices.Collect(maps.Keys(definitions)))}})
	}
	return out
}

// others finds what "cue vet -c" says of a package besides what is said of its
// declarations: of fields that are hidden, and of a whole that does not fit.
func (e *evaluator) others(root cue.Value, files []*file, said []value) {
	bad := map[[2]string]bool{}
	for _, v := range said {
		if fleet.HasErrors(v.problems) {
			bad[[2]string{v.field, v.name}] = true
		}
	}
	for _, one := range errors.Errors(root.Validate(checks...)) {
		at, in := blame(one, files)
		if in == nil {
			if len(bad) > 0 || slices.ContainsFunc(files, func(f *file) bool { return len(f.problems) > 0 }) {
				continue // a consequence, of no place of its own
			}
			in = files[0]
		}
		if bad[namedBy(one.Path())] || len(bad) > 0 && in.entryAt(at) != nil {
			continue
		}
		pos := position(at)
		pos.File = in.path
		code, words, hint := worded(one)
		in.problems = append(in.problems, fleet.Problem{
			Severity: fleet.Error, Code: code, Pos: pos, Field: strings.Join(one.Path(), "."), Message: words, Hint: hint,
		})
		in.partial = in.partial || in.reaches
	}
}

// namedBy is what an error's path leads to: a group and a name in it.
func namedBy(path []string) [2]string {
	switch {
	case len(path) > 0 && path[0] == "fleet":
		return [2]string{"fleet", ""}
	case len(path) > 1:
		return [2]string{path[0], plainName(path[1])}
	}
	return [2]string{}
}

// one holds one declaration against its definition.
func (e *evaluator) one(at *entry, v cue.Value) value {
	r := newReporter(at, v)
	out := value{spot: at.spot, fields: r.places.positions()}
	out.owner, out.end = r.owner(), max(at.end, at.pos.Line)
	u := e.defs.LookupPath(cue.MakePath(cue.Def(definitions[at.field]))).Unify(v)
	err := u.Validate(cue.Concrete(true), cue.All())
	if err == nil {
		out.json, err = u.MarshalJSON()
	}
	if err != nil {
		out.problems = r.report(err)
		out.json = r.mended()
	}
	return out
}

// writtenOwner is the "owner" that a declaration's text gives, also where the
// declaration is invalid.
func (e *entry) writtenOwner() fleet.TeamName {
	for _, n := range e.nodes {
		if owner := ownerIn(n.Value); owner != "" {
			return fleet.TeamName(strings.TrimSpace(owner))
		}
	}
	return ""
}

func ownerIn(e ast.Expr) string {
	switch x := e.(type) {
	case *ast.ParenExpr:
		return ownerIn(x.X)
	case *ast.BinaryExpr:
		if owner := ownerIn(x.X); owner != "" {
			return owner
		}
		return ownerIn(x.Y)
	case *ast.StructLit:
		for _, d := range x.Elts {
			if f, ok := d.(*ast.Field); ok && labelName(f.Label) == "owner" {
				owner, _ := literalString(f.Value)
				return owner
			}
		}
	}
	return ""
}
