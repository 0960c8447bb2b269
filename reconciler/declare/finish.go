package declare

import (
	"cmp"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"strings"
	"sync"

	"github.com/bmatcuk/doublestar/v4"

	"cuelang.org/go/cue/ast"

	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/kind"
)

// duplicates reports names that stand in two files. Which of them is meant
// can't be told, so neither is used.
func (b *builder) duplicates(files []*member) {
	type key struct{ field, name string }
	first := make(map[key]*spot, len(b.byID))
	more := map[key][]spot{}
	for _, f := range files {
		for i := range f.entries {
			e := &f.entries[i]
			k := key{e.field, e.name}
			if first[k] != nil {
				more[k] = append(more[k], *e)
			} else {
				first[k] = e
			}
		}
	}
	keys := slices.SortedFunc(maps.Keys(more), func(a, b key) int {
		return cmp.Or(cmp.Compare(a.field, b.field), cmp.Compare(a.name, b.name))
	})
	for _, k := range keys {
		b.duplicate(append([]spot{*first[k]}, more[k]...))
	}
}

func (b *builder) duplicate(entries []spot) {
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
	switch k, ok := b.kinds.ByField(first.field); {
	case first.field == "fleet":
		b.problems(problems)
		b.badSettings(first.pos, problems)
	case first.field == "teams":
		b.problems(problems)
		b.badTeam(fleet.TeamName(first.name), first.pos, problems)
	case ok:
		if d := b.byID[fleet.ID{Kind: k.Name, Name: first.name}]; d != nil {
			d.Pos, d.End = first.pos, first.end
			b.freeze(d.Declaration, problems)
		}
	}
}

// finish holds the declarations against one another.
func (b *builder) finish() *fleet.Config {
	c := b.config
	all := b.all
	c.Declarations = make([]*fleet.Declaration, 0, len(all))
	for _, d := range all {
		c.Declarations = append(c.Declarations, d.Declaration)
	}
	b.parents()
	kind.Index(c)
	found := make([][]fleet.Problem, len(all))
	inTwo(len(found), func(i int) {
		d := all[i]
		switch k, ok := b.kinds.Find(d.ID.Kind); {
		case ok && len(d.Frozen) == 0:
			found[i] = b.check(k, d.Declaration)
		case ok && d.value != nil: // what can be told of it even so
			found[i] = b.checkRest(k, d)
		}
	})
	b.bench.settings(found)
	frozen := false
	for i, d := range all {
		fit := len(d.Frozen) == 0
		b.freeze(d.Declaration, found[i])
		frozen = frozen || fit && len(d.Frozen) > 0
		switch {
		case d.value == nil || !fit:
		case len(d.Frozen) > 0:
			d.Draft = &fleet.Draft{Spec: d.value.spec, SpecHash: d.value.specHash}
		default:
			d.Spec, d.SpecHash = d.value.spec, d.value.specHash
		}
	}
	if frozen {
		kind.Index(c) // without those that the checks have frozen
	}
	b.problems(doubleTeams(c.Teams))
	for name := range b.badTeams {
		delete(c.Teams, name)
	}
	switch {
	case b.settings:
	case len(c.Unreadable) > 0:
		b.badSettings(fleet.Pos{}, []fleet.Problem{problem("unreadable", fleet.Pos{File: c.Unreadable[0]}, "fleet", "",
			"the file can't be read whole, and may hold the settings")})
	default:
		missing := problem("no-settings", fleet.Pos{}, "fleet", `write fleet: org: "acme" in fleet.cue`,
			`no file declares "fleet": there are no repos to look at`)
		missing.Severity = fleet.Warning
		b.problems([]fleet.Problem{missing})
	}
	c.Problems = fleet.SortProblems(c.Problems)
	slices.Sort(c.Unreadable)
	c.Unreadable = slices.Compact(c.Unreadable)
	slices.Sort(c.Broken)
	return c
}

// check leaves out what a kind says of a team that is invalid: it saw only
// what was left of it.
func (b *builder) check(k kind.Kind, d *fleet.Declaration) []fleet.Problem {
	bad := b.toBadTeams(k.Field, d)
	problems := slices.DeleteFunc(k.Check(d, b.config), func(p fleet.Problem) bool {
		return slices.ContainsFunc(bad, func(b fleet.Problem) bool { return b.Pos == p.Pos })
	})
	return append(problems, bad...)
}

// doubleTeams warns of teams that are one team on GitHub: limits and pages
// count them apart.
func doubleTeams(teams map[fleet.TeamName]fleet.Team) []fleet.Problem {
	var problems []fleet.Problem
	first := map[string]fleet.Team{}
	for _, name := range slices.Sorted(maps.Keys(teams)) {
		team := teams[name]
		key := strings.ToLower(team.GitHub)
		other, twice := first[key]
		switch {
		case key == "":
		case twice:
			problems = append(problems, fleet.Problem{
				Severity: fleet.Warning, Code: "double-team", Pos: team.Pos, Field: "teams." + string(name) + ".github",
				Message: fmt.Sprintf("team %q is %s on GitHub, and so is %q, at %s", name, team.GitHub, other.Name, other.Pos), Hint: "keep one of them",
			})
		default:
			first[key] = team
		}
	}
	return problems
}

// checkRest is what of check holds for a declaration that is frozen anyhow. A
// valid one is told nothing of it: a bad declaration harms only itself.
func (b *builder) checkRest(k kind.Kind, d *declared) []fleet.Problem {
	var problems []fleet.Problem
	for _, r := range d.Refs {
		if r.Team != "" {
			problems = append(problems, kind.CheckTeam(k, d.Declaration, b.config, r.Field, r.Team)...)
		}
	}
	repo := d.value.owns
	others := slices.Concat(kind.Owners(b.config, repo), b.invalid[strings.ToLower(string(repo))])
	return append(problems, kind.CheckOwners(k, d.Declaration, repo, others)...)
}

// toBadTeams freezes what refers to a team that is declared and invalid: it is
// not unknown, but there is no telling who it is.
func (b *builder) toBadTeams(field string, d *fleet.Declaration) []fleet.Problem {
	if len(b.badTeams) == 0 {
		return nil
	}
	var problems []fleet.Problem
	for _, r := range d.Refs {
		if pos, bad := b.badTeams[r.Team]; bad {
			problems = append(problems, problem("invalid-team", d.FieldPos(r.Field), field+"."+d.ID.Name+"."+r.Field,
				"mend it there", "team %q is invalid, at %s", r.Team, pos))
		}
	}
	return problems
}

// inTwo calls do for each of n, in two goroutines where there are two
// processors.
func inTwo(n int, do func(i int)) {
	var workers sync.WaitGroup
	step := min(2, runtime.GOMAXPROCS(0))
	for w := range step {
		workers.Go(func() {
			for i := w; i < n; i += step {
				do(i)
			}
		})
	}
	workers.Wait()
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
