package ownership

import (
	"fmt"
	"slices"
	"strings"

	"github.com/portreeve/portreeve/reconciler/fleet"
)

// change is a pattern whose owners differ from what the old file says.
type change struct {
	pattern  string
	old, new []string
	was, is  bool // the pattern stands in the old file, in the new one
}

// changes compares two files by their patterns, in the new file's order, what
// is gone last.
func changes(old, now []rule) []change {
	before := map[string]rule{}
	for _, r := range old {
		before[normal(r.pattern)] = r // a later line of one pattern wins
	}
	var all []change
	after := map[string]bool{}
	for _, r := range now {
		o, was := before[normal(r.pattern)]
		after[normal(r.pattern)] = true
		if !was || !sameOwners(o.owners, r.owners) {
			all = append(all, change{r.pattern, o.owners, r.owners, was, true})
		}
	}
	for _, r := range old {
		if n := normal(r.pattern); !after[n] {
			after[n] = true
			all = append(all, change{r.pattern, before[n].owners, nil, true, false})
		}
	}
	return all
}

// removed are the owners that stand in the old file and nowhere in the new.
func removed(old, now []rule) []string {
	stay := map[string]bool{}
	for _, r := range now {
		for _, owner := range r.owners {
			stay[strings.ToLower(owner)] = true
		}
	}
	var gone []string
	for _, r := range old {
		for _, owner := range r.owners {
			if !stay[strings.ToLower(owner)] {
				gone = append(gone, owner)
			}
		}
	}
	slices.Sort(gone)
	return slices.Compact(gone)
}

// handlesIn are all owners of lines, sorted.
func handlesIn(rules []rule) []string {
	var all []string
	for _, r := range rules {
		all = append(all, r.owners...)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// sameOwners compares as GitHub does: by set, and without regard to case.
func sameOwners(a, b []string) bool {
	if slices.Equal(a, b) {
		return true
	}
	fold := func(list []string) []string {
		var all []string
		for _, s := range list {
			all = append(all, strings.ToLower(s))
		}
		slices.Sort(all)
		return slices.Compact(all)
	}
	return slices.Equal(fold(a), fold(b))
}

// line says what a change does, in the words of the config repo.
func (c change) line(names names) string {
	switch {
	case !c.is:
		return fmt.Sprintf("%s: removed, was %s", c.pattern, names.list(c.old))
	case !c.was:
		return fmt.Sprintf("%s: new, %s", c.pattern, names.list(c.new))
	}
	return fmt.Sprintf("%s: %s → %s", c.pattern, names.list(c.old), names.list(c.new))
}

// facts are what its words are made from.
func (c change) facts(names names) any {
	return []any{c.pattern, names.all(c.old), names.all(c.new), c.was, c.is}
}

// names turns a handle back into what people call the team.
type names map[string]string

func namesOf(teams map[fleet.TeamName]fleet.Team, call func(fleet.Team) string) names {
	n := names{}
	for _, t := range teams {
		if t.GitHub == "" {
			continue
		}
		handle := strings.ToLower(handlesOf(t)[0])
		if old, ok := n[handle]; !ok || call(t) < old {
			n[handle] = call(t)
		}
	}
	return n
}

func (n names) of(handle string) string {
	if name, ok := n[strings.ToLower(handle)]; ok {
		return name
	}
	return handle
}

func (n names) list(handles []string) string {
	if len(handles) == 0 {
		return "nobody"
	}
	return strings.Join(n.all(handles), ", ")
}

func (n names) all(handles []string) []string {
	var all []string
	for _, h := range handles {
		all = append(all, n.of(h))
	}
	return all
}

// title words a pull request: the one change there is, or the owner.
func title(repo fleet.Repo, owner string, all []change, labels names) string {
	short := repo.Name.Short()
	if len(all) != 1 || !all[0].was && all[0].pattern == "*" {
		return fmt.Sprintf("Owners of %s: %s", short, owner)
	}
	c := all[0]
	where := c.pattern
	if where == "*" {
		where = short
	}
	switch {
	case !c.is:
		return fmt.Sprintf("Owners of %s: as for the rest, no longer %s", where, labels.list(c.old))
	case len(c.new) == 0:
		return fmt.Sprintf("Owners of %s: nobody", where)
	}
	to := labels.of(c.new[0])
	if len(c.new) > 1 {
		to += ", with " + labels.list(c.new[1:])
	}
	if c.was && len(c.old) > 0 && labels.of(c.old[0]) != labels.of(c.new[0]) {
		to = labels.of(c.old[0]) + " → " + to
	}
	return fmt.Sprintf("Owners of %s: %s", where, to)
}
