package declare

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/bmatcuk/doublestar/v4"

	"cuelang.org/go/cue/ast"

	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/kind"
)

// duplicates reports names that stand in two files. Which of them is meant
// can't be told, so neither is used.
func (l *loader) duplicates(files []*file) {
	type key struct{ field, name string }
	seen := map[key][]*entry{}
	for _, f := range files {
		for _, e := range f.entries {
			k := key{e.field, e.name}
			seen[k] = append(seen[k], e)
		}
	}
	keys := slices.SortedFunc(maps.Keys(seen), func(a, b key) int {
		return cmp.Or(cmp.Compare(a.field, b.field), cmp.Compare(a.name, b.name))
	})
	for _, k := range keys {
		if len(seen[k]) > 1 {
			l.duplicate(seen[k])
		}
	}
}

func (l *loader) duplicate(entries []*entry) {
	first := entries[0]
	what := fmt.Sprintf("%q of %s", first.name, first.field)
	field := first.field + "." + first.name
	if first.name == "" {
		what, field = fmt.Sprintf("%q", first.field), first.field
	}
	var problems []fleet.Problem
	for i, e := range entries {
		other := entries[(i+1)%len(entries)]
		problems = append(problems, problem("duplicate", e.pos, field, "keep one of them",
			"%s is declared twice, also at %s", what, other.pos))
	}
	switch k, ok := l.kinds.ByField(first.field); {
	case first.field == "fleet":
		l.problems(problems)
		l.badSettings(first.pos, problems)
	case first.field == "teams":
		l.problems(problems)
		l.badTeam(fleet.TeamName(first.name), first.pos, problems)
	case ok:
		if d := l.byID[fleet.ID{Kind: k.Name, Name: first.name}]; d != nil {
			d.Pos, d.End = first.pos, first.end
			l.freeze(d, problems)
		}
	}
}

// finish holds the declarations against one another.
func (l *loader) finish() *fleet.Config {
	c := l.config
	c.Declarations = slices.SortedFunc(maps.Values(l.byID), func(a, b *fleet.Declaration) int {
		return a.ID.Compare(b.ID)
	})
	for _, d := range c.Declarations {
		if len(d.Frozen) > 0 {
			d.Spec, d.SpecHash = nil, ""
		}
	}
	kind.Index(c)
	found := make([][]fleet.Problem, len(c.Declarations))
	inTwo(len(found), func(i int) {
		d := c.Declarations[i]
		switch k, ok := l.kinds.Find(d.ID.Kind); {
		case ok && len(d.Frozen) == 0:
			found[i] = l.check(k, d)
		case ok && d.Owner != "" && d.Fields != nil: // what can be told of it even so
			found[i] = kind.CheckTeam(k, d, c, "owner", d.Owner)
		}
	})
	for i, d := range c.Declarations {
		fit := len(d.Frozen) == 0
		l.freeze(d, found[i])
		if fit && len(d.Frozen) > 0 {
			d.Draft = &fleet.Draft{Spec: d.Spec, SpecHash: d.SpecHash}
			d.Spec, d.SpecHash = nil, ""
		}
	}
	kind.Index(c) // without those that the checks have frozen
	for name := range l.badTeams {
		delete(c.Teams, name)
	}
	switch {
	case l.settings:
	case len(c.Unreadable) > 0:
		l.badSettings(fleet.Pos{}, []fleet.Problem{problem("unreadable", fleet.Pos{File: c.Unreadable[0]}, "fleet", "",
			"the file can't be read whole, and may hold the settings")})
	default:
		missing := problem("no-settings", fleet.Pos{}, "fleet", `write fleet: org: "acme" in fleet.cue`,
			`no file declares "fleet": there are no repos to look at`)
		missing.Severity = fleet.Warning
		l.problems([]fleet.Problem{missing})
	}
	c.Problems = fleet.SortProblems(c.Problems)
	slices.Sort(c.Unreadable)
	c.Unreadable = slices.Compact(c.Unreadable)
	slices.Sort(c.Broken)
	return c
}

// check leaves out what a kind says of a team that is invalid: it saw only
// what was left of it.
func (l *loader) check(k kind.Kind, d *fleet.Declaration) []fleet.Problem {
	bad := l.toBadTeams(k.Field, d)
	problems := slices.DeleteFunc(k.Check(d, l.config), func(p fleet.Problem) bool {
		return slices.ContainsFunc(bad, func(b fleet.Problem) bool { return b.Pos == p.Pos })
	})
	return append(problems, bad...)
}

// toBadTeams freezes what refers to a team that is declared and invalid: it is
// not unknown, but there is no telling who it is.
func (l *loader) toBadTeams(field string, d *fleet.Declaration) []fleet.Problem {
	if len(l.badTeams) == 0 {
		return nil
	}
	var tree any
	if json.Unmarshal(l.json[d.ID], &tree) != nil {
		return nil
	}
	var problems []fleet.Problem
	for path, team := range references("", tree) {
		if pos, bad := l.badTeams[team]; bad {
			problems = append(problems, problem("invalid-team", d.FieldPos(path), field+"."+d.ID.Name+"."+path,
				"mend it there", "team %q is invalid, at %s", team, pos))
		}
	}
	return problems
}

// references are the teams that a declaration names, by path.
func references(path string, tree any) map[string]fleet.TeamName {
	found := map[string]fleet.TeamName{}
	switch x := tree.(type) {
	case map[string]any:
		for name, child := range x {
			below := joinName(path, name)
			if team, ok := child.(string); ok && name == "owner" {
				found[below] = fleet.TeamName(team)
			}
			if list, ok := child.([]any); ok && name == "coOwners" {
				for i, item := range list {
					team, _ := item.(string)
					found[fmt.Sprintf("%s[%d]", below, i)] = fleet.TeamName(team)
				}
			}
			maps.Copy(found, references(below, child))
		}
	case []any:
		for i, child := range x {
			maps.Copy(found, references(fmt.Sprintf("%s[%d]", path, i), child))
		}
	}
	return found
}

func joinName(path, name string) string {
	switch {
	case !isIdent(name):
		return path + "[" + strconv.Quote(name) + "]"
	case path == "":
		return name
	}
	return path + "." + name
}

func validGlob(glob string) bool { return doublestar.ValidatePattern(glob) }

func literalString(e ast.Expr) (string, bool) {
	lit, ok := e.(*ast.BasicLit)
	if !ok {
		return "", false
	}
	name := labelName(lit)
	return name, name != ""
}
