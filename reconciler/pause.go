package reconciler

import (
	"fmt"
	"time"

	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/rollout"
	"github.com/portreeve/portreeve/reconciler/store"
)

// scarce is the part of an hourly limit below which looking gives way, and
// spare the part of it that looking leaves to writing, as writing leaves as
// much to looking: while nobody may look any more, what is withdrawn can still
// be closed in the pass that saw it.
const (
	scarce = 4  // 1 in 4
	spare  = 10 // 1 in 10
)

// worthTelling is the shortest pause between passes; less is no pause.
const worthTelling = 10 * time.Second

// longest is how long a pause may be: no limit of a forge lasts longer than an
// hour, and whoever says so is asked again.
const longest = 65 * time.Minute

// pauseAfter says until when the next pass should not begin by itself, nil if
// it may at any time. before and after are what the forge's limits left when
// the pass began to look, and when it had planned. What an hour's limit still
// carries is spread over the time until its reset, so that a large fleet is
// looked at less often rather than not at all.
func pauseAfter(now time.Time, before, after fleet.Allowance) *store.Pause {
	var p *store.Pause
	later := func(until time.Time, reason string, args ...any) {
		p = longer(p, now, until, fmt.Sprintf(reason, args...))
	}
	later(after.Blocked, "the forge asks to wait")
	for _, l := range after.Limits {
		if l.Reset.IsZero() || l.Minutes < 60 || l.Of == fleet.Creations || l.Left >= l.Most/scarce {
			continue
		}
		reset := rollout.Moment(now, l.Reset)
		carries := max(0, l.Left-l.Most/spare) / max(1, spent(before, l))
		if carries == 0 {
			later(l.Reset, "%d of the forge's %d %s an hour are left until %s, which carries no further look", l.Left, l.Most, l.Of, reset)
			continue
		}
		each := l.Reset.Sub(now) / time.Duration(carries)
		if each < worthTelling {
			continue
		}
		later(now.Add(each), "%d of the forge's %d %s an hour are left until %s, so the fleet is looked at less often",
			l.Left, l.Most, l.Of, reset)
	}
	return p
}

// spent is what looking took of a limit.
func spent(before fleet.Allowance, after fleet.Limit) int {
	for _, l := range before.Limits {
		if l.Of == after.Of && l.Minutes == after.Minutes && l.Reset.Equal(after.Reset) {
			return l.Left - after.Left
		}
	}
	return 0
}

// longer is the pause that lasts longer: the one that is given, or one until
// a moment.
func longer(p *store.Pause, now, until time.Time, reason string) *store.Pause {
	if last := now.Add(longest); until.After(last) {
		until = last
	}
	if !until.After(now) || p != nil && !until.After(p.Until) {
		return p
	}
	return &store.Pause{Until: until, Reason: reason}
}
