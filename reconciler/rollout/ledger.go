package rollout

import (
	"slices"
	"time"

	"github.com/portreeve/portreeve/reconciler/fleet"
)

// opening is the unit of fleet.limits.newPerDay, and updatesOf that of
// fleet.limits.updatesPerHour. A decision takes at most one of one of them.
const opening fleet.Unit = "openings"

func updatesOf(team fleet.TeamName) fleet.Unit { return fleet.Unit("updates of " + team) }

// reserve is the part of each hourly limit that steps leave alone: with it the
// next passes look. Whoever writes until nothing is left is blind until the
// hour is over, and can't even see what it was told to stop.
const reserve = 10 // 1 in 10

// ledger is all limits that the clock alone lifts. Whoever asks it for units
// gets a moment and holds the units from then on, so that nobody who asks later
// can take what was promised before.
type ledger struct {
	now    time.Time
	from   time.Time // nothing is sent before
	meters []*meter
}

// meter is one limit, ahead of time.
type meter struct {
	fleet.Limit
	left int            // for steps; below 0, so many are promised of what comes back
	back []fleet.Return // the soonest first, from next on
	next int
	when time.Time // of what came back last
}

func newLedger(now time.Time, a fleet.Allowance) *ledger {
	l := &ledger{now: now, from: now}
	if a.Blocked.After(now) {
		l.from = a.Blocked
	}
	for _, limit := range a.Limits {
		l.add(limit)
	}
	return l
}

func (l *ledger) add(limit fleet.Limit) {
	m := &meter{Limit: limit, left: limit.Left, back: slices.Clone(limit.Back), when: l.now}
	if limit.Minutes >= 60 && (limit.Of == fleet.Requests || limit.Of == fleet.Queries) {
		m.left -= limit.Most / reserve
	}
	l.meters = append(l.meters, m)
}

// take promises units from the moment on that they are all there, and says
// which limit was the last in the way: nil if there is none, or if the forge
// asked to wait. The moment is zero if they will never be there.
func (l *ledger) take(c fleet.Cost, own fleet.Unit) (at time.Time, by *meter) {
	if c == (fleet.Cost{}) {
		return l.now, nil
	}
	at = l.from
	units := func(m *meter) int {
		if m.Of == own {
			return 1
		}
		return c.Of(m.Of)
	}
	for _, m := range l.meters {
		if units(m) == 0 {
			continue
		}
		t := m.earliest(units(m))
		if t.IsZero() {
			return t, m
		}
		if t.After(at) {
			at, by = t, m
		}
	}
	for _, m := range l.meters {
		m.promise(at, units(m))
	}
	return at, by
}

// earliest is when so many units are there. What came back before that stays
// counted: later askers need still more.
func (m *meter) earliest(units int) time.Time {
	for m.left < units && m.next < len(m.back) {
		m.left += m.back[m.next].Units
		m.when = m.back[m.next].At
		m.next++
	}
	if m.left < units {
		return time.Time{}
	}
	return m.when
}

// promise takes units at a moment, and notes when they come back.
func (m *meter) promise(at time.Time, units int) {
	if units == 0 {
		return
	}
	m.left -= units
	back := fleet.Return{At: at.Add(m.Span()), Units: units}
	if at.Before(m.Reset) {
		back.At = m.Reset
	}
	n := len(m.back)
	for n > m.next && m.back[n-1].At.After(back.At) {
		n--
	}
	m.back = slices.Insert(m.back, n, back)
}
