package plan

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/rollout"
)

// Times after a merge.
const (
	lookedAt = 24 * time.Hour   // in which it is asked whether it runs so
	overdue  = 30 * time.Minute // after which somebody has to see why it does not
)

// effective holds what runs against what is declared, of what was merged or written
// lately: a file that is as declared changes nothing before whatever watches it has
// brought it to the cluster. Until then its wave is not through.
func (c *computation) effective(decisions []rollout.Decision) {
	for n, item := range c.items {
		runs := item.Want.Runs
		at, landed := item.Landed()
		if runs == nil || decisions[n].Outcome.State != rollout.Done || at.IsZero() {
			continue
		}
		age := c.world.Now.Sub(at)
		if age > lookedAt && (item.Direct == nil || !item.Direct.Standing.Restart) {
			continue
		}
		running, asked := c.world.Running[runs.API]
		o := &decisions[n].Outcome
		switch {
		case !asked:
			c.needs.running[runs.API] = true
			o.State, o.Reason, o.Next = rollout.Waiting, "it is being asked what it runs with", ""
			continue
		case running.Unread != "":
			o.Reason = fmt.Sprintf("%s, and whether it runs so is not known: %s can't be asked: %s", landed, runs.API, running.Unread)
		default:
			differs := c.differs(item, *running)
			if differs == "" {
				if item.Direct != nil {
					o.Reason, o.Next = "as declared, and it runs so", ""
				}
				continue
			}
			o.Reason = fmt.Sprintf("%s, and it does not run so: %s", landed, differs)
		}
		if restart := item.Direct != nil && item.Direct.Standing.Restart; restart {
			o.State, o.Next = rollout.Blocked, "restart it: that takes effect with a restart alone"
			continue
		}
		if o.State, o.Next = rollout.Waiting, "looks again at each pass"; age > overdue {
			o.State, o.Next = rollout.Blocked, "see what brings the file to the cluster, and whether it was taken there"
		}
	}
}

// differs says in what something runs otherwise than an item wants it.
func (c *computation) differs(item *rollout.Item, running fleet.Running) string {
	k, ok := c.kinds.Find(item.ID.Kind)
	if !ok || k.Effective == nil {
		return ""
	}
	has, err := k.Effective(running)
	if err != nil {
		return err.Error()
	}
	first, more := "", 0
	for _, name := range slices.Sorted(maps.Keys(item.Want.Runs.Settings)) {
		want := item.Want.Runs.Settings[name]
		is, said := has[name]
		switch {
		case said && k.Same(want, is):
		case first != "":
			more++
		case said:
			first = fmt.Sprintf("%s is %s, declared is %s", name, is, want)
		default:
			first = fmt.Sprintf("%s is not set, declared is %s", name, want)
		}
	}
	if more > 0 {
		first += fmt.Sprintf(" and %d more", more)
	}
	return first
}
