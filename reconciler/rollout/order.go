package rollout

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/portreeve/portreeve/reconciler/fleet"
)

// sort is the sort of a decision's steps; the sorts are in their order.
type sort int

const (
	ending sort = iota
	leaving
	merging
	updating
	rewording
	openings
	tidying // costs the forge a look
	sorts
)

// verbs say what becomes of a pull request.
var verbs = [sorts]string{"closed", "taken out of the merge queue", "merged", "updated", "reworded", "opened", "tidied up after"}

// sortOf is by the step that weighs most: a pull request is reworded before
// it is merged, and its branch deleted after it was closed.
func sortOf(d *Decision) sort {
	least := tidying
	for _, s := range d.Steps {
		switch s.Action {
		case Close, LetGo:
			least = min(least, ending)
		case Dequeue:
			least = min(least, leaving)
		case Merge, Enqueue, Apply:
			least = min(least, merging)
		case Update:
			least = min(least, updating)
		case Reword:
			least = min(least, rewording)
		case Open:
			least = min(least, openings)
		}
	}
	return least
}

// queue puts the items with steps in the order in which they are served.
type queue struct {
	items     []*Item
	decisions []Decision
	// served is when pull requests were opened for a group, and for a team in
	// it; of those that are known.
	served map[group]service
}

// service is how often and when last a group was served. Forges tell times in
// whole seconds, in which many are served.
type service struct {
	last  time.Time
	times int
}

func (s service) compare(o service) int {
	return cmp.Or(s.last.Compare(o.last), cmp.Compare(s.times, o.times))
}

// group is who takes turns with others: a declaration, or all of a kind that
// owns paths, since each of those is about one repo; and a team in it.
type group struct {
	id   fleet.ID
	team fleet.TeamName
}

func groupOf(i *Item) group {
	if i.Owns {
		return group{id: fleet.ID{Kind: i.ID.Kind}}
	}
	return group{id: i.ID}
}

func teamOf(i *Item) group {
	g := groupOf(i)
	g.team = i.Want.Decides
	return g
}

func newQueue(items []*Item, decisions []Decision, opened *fleet.Openings) *queue {
	q := &queue{items, decisions, map[group]service{}}
	type branch struct {
		repo fleet.RepoName
		name string
	}
	told := map[branch]time.Time{}
	if opened != nil {
		for _, o := range opened.Told {
			told[branch{o.Repo, o.Branch}] = o.At
		}
	}
	for _, i := range items {
		at := told[branch{i.Listing.Name, i.BranchName()}]
		if i.Pull != nil && i.Pull.Created.After(at) {
			at = i.Pull.Created
		}
		if at.IsZero() {
			continue
		}
		for _, g := range []group{groupOf(i), teamOf(i)} {
			s := q.served[g]
			s.times++
			if at.After(s.last) {
				s.last = at
			}
			q.served[g] = s
		}
	}
	return q
}

// order is the indexes of the items with steps.
func (q *queue) order() (order []int) {
	var buckets [sorts][2][]int
	for n := range q.decisions {
		if len(q.decisions[n].Steps) == 0 {
			continue
		}
		patches := 1
		if q.items[n].Owns {
			patches = 0
		}
		s := sortOf(&q.decisions[n])
		buckets[s][patches] = append(buckets[s][patches], n)
	}
	for s := range sorts {
		for _, some := range buckets[s] {
			order = append(order, q.turns(s, some, groupOf, func(all []int) []int {
				return q.turns(s, all, teamOf, q.longest)
			})...)
		}
	}
	return order
}

// turns lets groups take turns, one item each.
func (q *queue) turns(s sort, some []int, by func(*Item) group, within func([]int) []int) []int {
	members := map[group][]int{}
	var groups []group
	for _, n := range some {
		g := by(q.items[n])
		if members[g] == nil {
			groups = append(groups, g)
		}
		members[g] = append(members[g], n)
	}
	first := map[group]*Item{}
	for g, all := range members {
		members[g] = within(all)
		first[g] = q.items[members[g][0]]
	}
	slices.SortFunc(groups, func(a, b group) int {
		served := 0
		if s == openings {
			served = q.served[a].compare(q.served[b])
		}
		return cmp.Or(served, first[a].changed().Compare(first[b].changed()), a.id.Compare(b.id), cmp.Compare(a.team, b.team))
	})
	out := make([]int, 0, len(some))
	for round := 0; len(out) < len(some); round++ {
		for _, g := range groups {
			if round < len(members[g]) {
				out = append(out, members[g][round])
			}
		}
	}
	return out
}

// longest puts the longest waiting first: the older pull request, then the
// older declaration.
func (q *queue) longest(some []int) []int {
	some = slices.Clone(some)
	slices.SortFunc(some, func(x, y int) int {
		a, b := q.items[x], q.items[y]
		return cmp.Or(a.since().Compare(b.since()), a.changed().Compare(b.changed()),
			cmp.Compare(a.Listing.Name, b.Listing.Name), strings.Compare(a.BranchName(), b.BranchName()))
	})
	return some
}

// since is since when the item's pull request has been open.
func (i *Item) since() time.Time {
	if i.Pull == nil || i.Pull.State != fleet.PullOpen {
		return time.Time{}
	}
	return i.Pull.Created
}

// changed is when the item's declaration was last changed.
func (i *Item) changed() time.Time {
	if i.Declaration == nil {
		return time.Time{}
	}
	return i.Declaration.Changed
}
