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
			if item.Owns {
				owners[place{item.Listing.Name, e.Path}] = append(owners[place{item.Listing.Name, e.Path}], item)
			}
		}
	}
	for _, item := range c.items {
		for _, e := range item.Want.Edits {
			for _, other := range owners[place{item.Listing.Name, e.Path}] {
				if other == item || other.Declaration == nil || item.Declaration == nil {
					continue
				}
				item.Clash = fmt.Sprintf("%s is also written by %s (%s)", e.Path, other.ID, other.Declaration.Pos)
				c.problems = append(c.problems, problemf(item.Declaration, "path-clash", "declare the path once",
					"in %s, %s", item.Listing.Name, item.Clash))
			}
		}
	}
}

// finish puts the plan in order.
func (c *computation) finish() (*Plan, []Need) {
	config := c.world.Config
	p := &Plan{
		Revision: config.Revision, Observed: c.world.Now, Mode: config.Settings.Mode, Steps: c.planned,
		Outcomes: c.outcomes, Repos: len(c.listings),
		Problems: fleet.SortProblems(append(slices.Clone(config.Problems), c.problems...)),
	}
	switch {
	case config.Stop:
		p.Halted = "the file " + fleet.StopFile + " stands at the root of the config repo"
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
