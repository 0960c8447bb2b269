package declare

import (
	"maps"
	"slices"
	"strings"

	"github.com/portreeve/portreeve/reconciler/fleet"
)

// parents holds that each team's parent is a team, and that none is, by way of
// its parents, a part of itself.
func (b *builder) parents() {
	teams := b.config.Teams
	var known []string
	for name := range teams {
		known = append(known, string(name))
	}
	for _, name := range slices.Sorted(maps.Keys(b.teams)) {
		parent := teams[name].Parent
		if parent == "" {
			continue
		}
		report := func(code, hint, format string, args ...any) {
			v := b.teams[name]
			p := problem(code, v.at("parent"), "teams."+string(name)+".parent", hint, format, args...)
			b.problems([]fleet.Problem{p})
			b.badTeam(name, v.pos, []fleet.Problem{p})
		}
		if _, ok := teams[parent]; !ok {
			hint := fleet.DidYouMean(string(parent), known)
			if hint == "" {
				hint = "declare it under teams"
			}
			report("unknown-team", hint, "unknown team %q", parent)
		} else if circle := circleOf(teams, name); circle != nil {
			report("cycle", "leave out one of the parents", "team %q is a part of itself: %s", name, strings.Join(circle, " → "))
		}
	}
}

// circleOf is the way from a team by its parents back to itself, nil if there
// is none.
func circleOf(teams map[fleet.TeamName]fleet.Team, name fleet.TeamName) []string {
	way := []string{string(name)}
	for at := teams[name].Parent; at != "" && len(way) <= len(teams); at = teams[at].Parent {
		way = append(way, string(at))
		if at == name {
			return way
		}
	}
	return nil
}
