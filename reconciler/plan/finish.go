package plan

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/rollout"
)

// clashes finds paths of a repo that a declaration owns and another edits.
// Two owners are both held; one that patches an owned path is held alone.
func (c *computation) clashes() {
	type place struct {
		repo fleet.RepoName
		path fleet.Path
	}
	owners := map[place][]*rollout.Item{}
	for _, item := range c.items {
		for _, e := range item.Want.Edits {
			if at := (place{item.Listing.Name, e.Path}); item.Owns {
				owners[at] = append(owners[at], item)
			}
		}
	}
	type pair struct{ a, b fleet.ID }
	repos := map[pair]int{}
	first := map[pair]*rollout.Item{}
	var order []pair
	for _, item := range c.items {
		for _, e := range item.Want.Edits {
			for _, other := range owners[place{item.Listing.Name, e.Path}] {
				if other == item || item.Clash != "" {
					continue
				}
				item.Clash = fmt.Sprintf("%s is also written by %s (%s)", e.Path, other.ID, other.Declaration.Pos)
				p := pair{item.ID, other.ID}
				if repos[p]++; repos[p] == 1 {
					first[p], order = item, append(order, p)
				}
			}
		}
	}
	for _, p := range order {
		item, where := first[p], ""
		if n := repos[p] - 1; n > 0 {
			where = fmt.Sprintf(" and %d more", n)
		}
		c.problems = append(c.problems, fleet.Problem{
			Severity: fleet.Error, Code: "path-clash", Pos: item.Declaration.Pos, Declaration: item.ID.String(),
			Message: fmt.Sprintf("in %s%s, %s", item.Listing.Name, where, item.Clash), Hint: "declare the path once",
		})
	}
}

// finish puts the plan in order.
func (c *computation) finish() (*Plan, []Need) {
	config := c.world.Config
	p := &Plan{
		Revision: config.Revision, Observed: c.world.Now, Mode: config.Settings.Mode,
		Steps: append([]rollout.Step{}, c.planned...), Outcomes: append([]rollout.Outcome{}, c.outcomes...),
		Problems: fleet.SortProblems(append(append([]fleet.Problem{}, config.Problems...), c.problems...)), Repos: len(c.listings),
		Budget: c.budget, Stale: config.Stale, Import: c.imported,
	}
	for _, r := range c.world.Repos {
		if r.Err != "" {
			p.Unread++
		}
	}
	switch {
	case config.Stop:
		p.Halted = "the file " + fleet.StopFile + " stands at the root of the config repo"
	case config.Settings.Invalid != nil:
		p.Mode = fleet.Observe
		p.Halted = "the fleet's settings are invalid"
	case config.Settings.Stale != nil && p.Mode == fleet.Observe:
		p.Halted = "the fleet's settings are invalid, and no more than mode observe can be read of them"
	case p.Mode == fleet.Observe || p.Mode == "":
		p.Mode = fleet.Observe
		p.Halted = "fleet.mode is observe"
	}
	slices.SortStableFunc(p.Outcomes, func(a, b rollout.Outcome) int {
		return cmp.Or(
			strings.Compare(a.Target.String(), b.Target.String()),
			a.Declaration.Compare(b.Declaration),
			strings.Compare(string(a.Lane), string(b.Lane)),
		)
	})
	return p, c.needs.list()
}
