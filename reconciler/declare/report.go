package declare

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"cuelang.org/go/cue"
	"cuelang.org/go/cue/ast"
	"cuelang.org/go/cue/errors"
	"cuelang.org/go/cue/token"

	"github.com/portreeve/portreeve/reconciler/fleet"
)

// reporter words what is wrong with one declaration.
type reporter struct {
	at       *entry
	value    cue.Value // as the user wrote it, without the schema
	shape    *shape
	places   places
	problems []fleet.Problem
}

func newReporter(at *entry, v cue.Value) *reporter {
	return &reporter{at: at, value: v, shape: shapes()[definitions[at.field]], places: at.places()}
}

// owner is the "owner" that the text or the value gives.
func (r *reporter) owner() fleet.TeamName {
	owner, _ := r.lookup([]string{"owner"}).String()
	return fleet.TeamName(owner)
}

// report turns CUE's errors into problems: one for each path, at the user's
// text. What CUE tells only of the first mistake, missing and unknown fields,
// is looked for again.
func (r *reporter) report(err error) []fleet.Problem {
	if r.otherDefinition() {
		return r.problems
	}
	r.walk(nil, r.shape)
	done := map[string]bool{}
	for _, one := range errors.Errors(err) {
		path := r.path(one.Path())
		key := pathText(path)
		if r.said(key) || done[key] {
			continue
		}
		format, _ := one.Msg()
		if strings.HasPrefix(format, "required field missing") && r.misses(path) {
			continue
		}
		if strings.HasPrefix(format, "field is required") || strings.HasPrefix(format, "field not allowed") {
			r.field(path, one)
			continue
		}
		done[key] = true
		r.wrong(path, one)
	}
	if len(r.problems) == 0 {
		code, words, hint := worded(err)
		r.add(code, nil, r.at.pos, hint, "%s", words)
	}
	return fleet.SortProblems(r.problems)
}

// path is an error's path below the declaration.
func (r *reporter) path(path []string) []string {
	switch {
	case len(path) > 0 && strings.HasPrefix(path[0], "#"):
		return path[1:]
	case len(path) > 0 && path[0] == r.at.field && r.at.name == "":
		return path[1:]
	case len(path) > 1 && path[0] == r.at.field && plainName(path[1]) == r.at.name:
		return path[2:]
	}
	return path
}

// said reports whether a problem at the field was found already.
func (r *reporter) said(key string) bool {
	full := r.full(key)
	return slices.ContainsFunc(r.problems, func(p fleet.Problem) bool { return p.Field == full })
}

// full is a field's path from the top.
func (r *reporter) full(key string) string {
	full := r.at.field
	if r.at.name != "" {
		full += "." + r.at.name
	}
	switch {
	case key == "":
		return full
	case key[0] == '[':
		return full + key
	}
	return full + "." + key
}

func (r *reporter) add(code string, path []string, pos fleet.Pos, hint, format string, args ...any) {
	r.problems = append(r.problems, fleet.Problem{
		Severity: fleet.Error, Code: code, Pos: pos, Field: r.full(pathText(path)),
		Message: fmt.Sprintf(format, args...), Hint: hint,
	})
}

// pos is the user's position of a field, or of its nearest parent.
func (r *reporter) pos(path []string) fleet.Pos {
	for n := len(path); n > 0; n-- {
		if p, ok := r.places[pathText(path[:n])]; ok {
			return p.pos
		}
	}
	return r.at.pos
}

// posOf is like pos, and asks the error where the text does not give the
// field.
func (r *reporter) posOf(path []string, err errors.Error) fleet.Pos {
	if p, ok := r.places[pathText(path)]; ok {
		return p.pos
	}
	for _, pos := range append([]token.Pos{err.Position()}, err.InputPositions()...) {
		if pos.IsValid() && !strings.HasPrefix(pos.Filename(), schemaDir) {
			return position(pos)
		}
	}
	return r.pos(path)
}

// walk finds unknown and missing fields of the struct at path and below.
func (r *reporter) walk(path []string, s *shape) {
	s = s.variant(func() string { return r.do(path) })
	kind := r.kind(path)
	switch {
	case kind == cue.ListKind && s.kind == "list" && s.elem != nil:
		for i := range r.length(path) {
			r.walk(append(path[:len(path):len(path)], strconv.Itoa(i)), s.elem)
		}
	case kind == cue.StructKind && s.kind == "struct":
		names := r.names(path)
		if s.variants != nil && r.noStep(path, names, s) {
			return
		}
		for _, name := range s.order {
			if s.required[name] && !slices.Contains(names, name) && !r.swallowed(path, name) {
				r.missing(path, name, s)
			}
		}
		for _, name := range names {
			r.child(path, name, s)
		}
	}
}

func (r *reporter) child(path []string, name string, s *shape) {
	element := name
	if !isIdent(name) {
		element = strconv.Quote(name)
	}
	below := append(path[:len(path):len(path)], element)
	next := s.fields[name]
	switch {
	case next != nil:
		r.walk(below, next)
	case s.elem != nil:
		r.walk(below, s.elem)
	default:
		r.unknown(below, s, r.labelPos(below))
	}
}

func (r *reporter) unknown(path []string, s *shape, pos fleet.Pos) {
	name := plainName(path[len(path)-1])
	candidates := s.candidates()
	if slices.Contains(candidates, name) {
		if s.variants == nil {
			r.add("unknown-field", path, pos, "take it out, or the other definition", "field %q is not one of a definition that is written here, too", name)
		}
		return
	}
	hint := fleet.DidYouMean(name, candidates)
	if hint == "" && len(candidates) > 0 {
		hint = "expected one of " + strings.Join(candidates, ", ")
	}
	r.add("unknown-field", path, pos, hint, "unknown field %q", name)
}

func (r *reporter) missing(path []string, name string, s *shape) {
	hint := ""
	if field := s.fields[name]; field.example != "" {
		hint = fmt.Sprintf("for example %s: %s", name, field.example)
	} else if field.kind != "" {
		hint = "expected " + field.expected()
	}
	r.add("missing-field", append(path[:len(path):len(path)], name), r.pos(path), hint, "missing required field %q", name)
}

// field words an unknown or missing field that only CUE saw.
func (r *reporter) field(path []string, err errors.Error) {
	if len(path) == 0 {
		return
	}
	parent, name := path[:len(path)-1], plainName(path[len(path)-1])
	s := r.shape.at(parent, r.do)
	format, _ := err.Msg()
	switch {
	case s == nil && len(r.problems) > 0: // a consequence
	case s != nil && s.variants != nil && r.misses(parent):
	case s == nil:
		r.foreign(path, err)
	case strings.HasPrefix(format, "field is required") && s.fields[name] != nil:
		r.missing(parent, name, s)
	default:
		r.unknown(path, s, r.posOf(path, err))
	}
}

// wrong words a value that is not as the schema wants it.
func (r *reporter) wrong(path []string, err errors.Error) {
	pos := r.posOf(path, err)
	s := r.shape.at(path, r.do)
	found, kind, ok := r.found(path)
	switch other := r.other(path, err); {
	case r.unvalued(path) != "":
		r.add("missing-value", path, pos, "write a value after the colon", "%q has no value", r.unvalued(path))
	case r.dashed(path) != "":
		r.add("wrong-type", path, pos, fmt.Sprintf("write a list: [%s]", r.dashed(path)), `found "-" before a string`)
	case ok && found == "_" && !r.concrete(path):
		r.add("incomplete", path, pos, s.exampleHint(), "what this refers to has no value")
	case ok && !r.concrete(path):
		r.add("incomplete", path, pos, s.exampleHint(), "found the type %s, expected a value", found)
	case ok && s != nil && s.takes(found, kind) && other.File != "":
		r.add("bad-value", path, pos, "keep one of them", "found %s, and another value at %s", found, other)
	case ok && s != nil && s.takes(found, kind):
		r.foreign(path, err)
	case ok && s != nil && s.kind != "" && !fits(kind, s.kind):
		r.add("wrong-type", path, pos, s.typeHint(found, kind), "found %s, expected %s", withKind(kind, found), s.expected())
	case ok && s != nil && (s.kind != "" || s.form != ""):
		r.add("bad-value", path, pos, s.valueHint(found), "found %s, expected %s", found, s.expected())
	default:
		r.foreign(path, err)
	}
}

// other is another place of the user's that an error speaks of.
func (r *reporter) other(path []string, err errors.Error) fleet.Pos {
	at := r.posOf(path, err)
	for _, pos := range err.InputPositions() {
		if p := position(pos); pos.IsValid() && p != at && !strings.HasPrefix(p.File, schemaDir) {
			return p
		}
	}
	return fleet.Pos{}
}

// concrete reports whether the user wrote a value, and not a type.
func (r *reporter) concrete(path []string) bool {
	if p, ok := r.places[pathText(path)]; ok {
		if _, isLit := p.expr.(*ast.BasicLit); isLit {
			return true
		}
	}
	v := r.lookup(path)
	return v.IsConcrete() || v.IncompleteKind() == cue.BottomKind
}
