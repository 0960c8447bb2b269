package github

import (
	"time"

	"github.com/portreeve/portreeve/reconciler/fleet"
)

// allowance is what all limits leave, as far as they are known.
func (b *budget) allowance() fleet.Allowance {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := b.now()
	var a fleet.Allowance
	if b.blocked.After(now) {
		a.Blocked = b.blocked
	}
	for n := range b.creation {
		a.Limits = append(a.Limits, b.creation[n].limitOf(now, fleet.Creations))
	}
	a.Limits = append(a.Limits, b.points[core].limitOf(now, fleet.Points), b.points[graphql].limitOf(now, fleet.Queries))
	for _, r := range []resource{core, graphql} {
		if limit, known := b.primary[r].limitOf(now, units[r]); known {
			a.Limits = append(a.Limits, limit)
		}
	}
	return a
}

// units are the planner's words for what primary limits count.
var units = map[resource]fleet.Unit{core: fleet.Requests, graphql: fleet.Queries}

// limitOf is the limit as planning sees it. After a reset all of it is there,
// whether or not the forge has said so yet.
func (p *primary) limitOf(now time.Time, of fleet.Unit) (fleet.Limit, bool) {
	if !p.known {
		return fleet.Limit{}, false
	}
	l := fleet.Limit{Of: of, Minutes: 60, Most: max(p.most, p.remaining, 1)}
	l.Left = max(0, l.Most-p.held)
	if left, known := p.left(now); known {
		l.Left, l.Reset = max(0, left), p.reset
		l.Back = []fleet.Return{{At: p.reset, Units: l.Most - l.Left}}
	}
	return l, true
}

// limitOf is the window as planning sees it.
func (w *window) limitOf(now time.Time, of fleet.Unit) fleet.Limit {
	l := fleet.Limit{Of: of, Minutes: int(w.span / time.Minute), Most: w.limit, Left: max(0, w.left(now))}
	for _, e := range w.spent {
		l.Back = append(l.Back, fleet.Return{At: e.at.Add(w.span), Units: e.units})
	}
	if w.held > 0 {
		l.Back = append(l.Back, fleet.Return{At: now.Add(w.span), Units: w.held})
	}
	return l
}
