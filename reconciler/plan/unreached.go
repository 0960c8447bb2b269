package plan

import (
	"fmt"

	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/kind"
)

// unreached tells which accounts declarations name that can't own code: each
// once, where it is named, however many repos it is about. That nobody may look
// is told once for all.
func (c *computation) unreached() {
	c.lacking(func(l *fleet.Loan, u kind.Unreached) bool { return l.Access == fleet.AccessGrant && u.Code == noWrite })
	defer c.lacking(func(*fleet.Loan, kind.Unreached) bool { return true })
	type place struct {
		by    fleet.ID
		field string
		code  string
	}
	first := map[place]kind.Unreached{}
	repos := map[place]int{}
	var order []place
	for _, item := range c.items {
		seen := map[place]bool{}
		for _, u := range item.Want.Unreached {
			at := place{u.By, u.Field, u.Code}
			if seen[at] {
				continue
			}
			seen[at] = true
			if repos[at]++; repos[at] == 1 {
				first[at], order = u, append(order, at)
			}
		}
	}
	for _, at := range order {
		d := c.world.Config.Declaration(at.by)
		k, ok := c.kinds.Find(at.by.Kind)
		if d == nil || !ok {
			continue
		}
		u := first[at]
		p := kind.ProblemAt(k, d, u.Code, u.Field, u.Hint, "%s", u.Why)
		if n := repos[at] - 1; n > 0 {
			p.Message += fmt.Sprintf(", and so it is in %d more", n)
		}
		c.problems = append(c.problems, p)
	}
	if c.unreadAccess != "" {
		c.problems = append(c.problems, fleet.Problem{
			Severity: fleet.Warning, Code: "access-unread", Pos: c.world.Config.Settings.Pos, Field: "fleet",
			Message: "whether code owners are there, and may write, can't be read, so their lines are written unchecked: " + c.unreadAccess,
		})
	}
}
