package plan

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/kind"
	"github.com/portreeve/portreeve/reconciler/rollout"
	"github.com/portreeve/portreeve/reconciler/transform"
)

// clashes finds paths of a repo that a declaration owns, or says all of, and
// another edits so that it would be undone. Two such are both held; one that
// patches what is another's is held alone.
func (c *computation) clashes() {
	type place struct {
		target fleet.Target
		path   fleet.Path
	}
	owners := map[place][]owner{}
	for _, item := range c.items {
		if item.Want.Out != "" || item.Want.Paused != "" {
			continue
		}
		whole := maps.Clone(item.Want.Whole)
		for _, e := range item.Want.Edits {
			if item.Owns && whole[e.Path] == "" {
				if whole == nil {
					whole = map[fleet.Path]string{}
				}
				whole[e.Path] = kind.DigestOf(e)
			}
		}
		for p, wants := range whole {
			at := place{item.Target(), p}
			owners[at] = append(owners[at], owner{item, wants})
		}
	}
	type pair struct{ a, b fleet.ID }
	repos := map[pair]int{}
	first := map[pair]*rollout.Item{}
	var order []pair
	for _, item := range c.items {
		for _, e := range item.Want.Edits {
			for _, other := range owners[place{item.Target(), e.Path}] {
				if other.Item == item || item.Clash != "" || !other.undoes(item, e) {
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
			Message: fmt.Sprintf("in %s%s, %s", item.Target(), where, item.Clash), Hint: "declare the path once",
		})
	}
}

// owner is a declaration that says all that a path of a repo holds.
type owner struct {
	*rollout.Item
	wants string // as kind.DigestOf gives it
}

// undoes reports whether the owner would undo an edit of another declaration.
// A patch of what the owner has yet to write is none of its affairs: it comes
// later, to what is there by then.
func (o owner) undoes(item *rollout.Item, e transform.Edit) bool {
	switch {
	case kind.DigestOf(e) == o.wants, item.Owns && !o.Owns:
		return false
	case o.Owns, item.Want.Whole[e.Path] != "":
		return true
	}
	return !slices.ContainsFunc(o.Want.Edits, func(own transform.Edit) bool { return own.Path == e.Path })
}

// finish puts the plan in order.
func (c *computation) finish() (*Plan, []Need) {
	config := c.world.Config
	p := &Plan{
		Revision: config.Revision, Observed: c.world.Now, Mode: config.Settings.Mode,
		Steps: append([]rollout.Step{}, c.planned...), Outcomes: append([]rollout.Outcome{}, c.outcomes...),
		Problems: fleet.SortProblems(append(append([]fleet.Problem{}, config.Problems...), c.problems...)), Repos: len(c.listings),
		Budget: Budget{c.paced.Spends, c.world.Allowance, c.paced.Last}, Stale: config.Stale, Import: c.imported,
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
