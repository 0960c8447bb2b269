package rollout

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/portreeve/portreeve/reconciler/fleet"
)

// Lagging is a target of a declaration that is no item: it could not be read, or
// what is wanted of it is not known. Its wave is not through.
type Lagging struct {
	ID     fleet.ID
	Lane   fleet.Lane
	Wave   int
	State  State
	Reason string
}

// Trip is that the change of a declaration has failed on more clusters than it
// may, so that nothing more of it is done until the declaration changes.
type Trip struct {
	Declaration *fleet.Declaration
	Failures    []string // "eu-1: in #7 test fails"
}

// Roll holds back what is not yet to change of declarations that go over their
// clusters in waves. What is open already stays, and what ends ends. It
// guarantees, as far as Portreeve acts by itself, three things:
//
//  1. Nothing of a wave changes before all of those before it is as declared, or
//     a person said no, and has been so for the soak time.
//  2. Nothing changes outside the windows.
//  3. Where a change has failed on more clusters than it may, nothing changes
//     any more: also when the failure has passed, until somebody has changed the
//     declaration. tripped says of those that were written down why nothing
//     changes, and is asked only where something would.
//
// items and decisions run in parallel. It gives those that have tripped now.
func Roll(s Settings, items []*Item, decisions []Decision, lagging []Lagging, tripped func(*fleet.Declaration) string) []Trip {
	byID := map[fleet.ID]*rolling{}
	var order []*rolling
	for n, i := range items {
		if i.Rollout == nil || i.Declaration == nil || i.Declaration.Frozen != nil {
			continue
		}
		r := byID[i.ID]
		if r == nil {
			r = &rolling{Rollout: i.Rollout, declaration: i.Declaration, now: s.Now}
			byID[i.ID] = r
			order = append(order, r)
		}
		r.add(i, &decisions[n])
	}
	for _, l := range lagging {
		if r := byID[l.ID]; r != nil {
			r.lag(l)
		}
	}
	var trips []Trip
	for _, r := range order {
		over := len(r.failures) > r.MaxFailures
		if !over && !slices.ContainsFunc(r.members, func(m member) bool { return changes(m.decision) }) {
			continue
		}
		switch why := tripped(r.declaration); {
		case why != "":
			r.halt(why)
		case over:
			r.halt("the breaker has tripped: " + strings.Join(r.failures, "; "))
			trips = append(trips, Trip{r.declaration, r.failures})
		default:
			r.roll()
		}
	}
	return trips
}

// rolling is a declaration that goes in waves.
type rolling struct {
	*fleet.Rollout
	declaration *fleet.Declaration
	now         time.Time

	members  []member
	failures []string
	unready  []unready
}

type member struct {
	*Item
	decision *Decision
}

// unready is what a wave is not through for.
type unready struct {
	wave int
	why  string
}

func (r *rolling) add(i *Item, d *Decision) {
	r.members = append(r.members, member{i, d})
	o := &d.Outcome
	failed := ""
	switch {
	case o.State == Failed:
		failed = o.Reason
	case i.Pull != nil && i.Pull.State == fleet.PullOpen && !changes(d): // else it is made anew
		if c := slices.IndexFunc(i.Pull.Checks, func(c fleet.Check) bool { return c.State == fleet.CheckFailure }); c >= 0 {
			failed = fmt.Sprintf("in #%d %s fails", i.Pull.Number, i.Pull.Checks[c].Name)
		}
	}
	switch {
	case failed != "":
		r.failures = append(r.failures, string(i.Lane)+": "+failed)
	case o.State == Done, o.State == Out, o.State == Declined:
	default:
		r.unready = append(r.unready, unready{i.Wave, string(i.Lane)})
	}
}

func (r *rolling) lag(l Lagging) {
	switch l.State {
	case Failed:
		r.failures = append(r.failures, string(l.Lane)+": "+l.Reason)
	case Out:
	default:
		r.unready = append(r.unready, unready{l.Wave, string(l.Lane)})
	}
}

// changes reports whether a decision changes something, as against ending it.
func changes(d *Decision) bool {
	return slices.ContainsFunc(d.Steps, func(s Step) bool {
		return slices.Contains([]Action{Open, Update, Merge, Enqueue, Apply}, s.Action)
	})
}

// halt holds all back.
func (r *rolling) halt(why string) {
	for _, m := range r.members {
		if changes(m.decision) {
			*m.decision = Decision{Outcome: m.outcome(Blocked, "see what failed, and change the declaration, or rollout.resume in it: only a commit resumes it", "%s", why)}
		}
	}
}

// roll holds back those whose time has not come.
func (r *rolling) roll() {
	closed := r.Closed(r.now)
	for _, m := range r.members {
		if !changes(m.decision) {
			continue
		}
		switch waits, until := r.before(m.Wave); {
		case waits != "":
			*m.decision = Decision{Outcome: m.outcome(Waiting, "goes on once that is done", "it is of wave %d of %d, and %s", m.Wave, len(r.Waves)+1, waits)}
		case until.After(r.now):
			*m.decision = Decision{Outcome: m.outcome(Waiting, "goes on about "+Moment(r.now, until), "it is of wave %d of %d, and the wave before it soaks", m.Wave, len(r.Waves)+1)}
		case !closed.IsZero():
			*m.decision = Decision{Outcome: m.outcome(Waiting, "goes on about "+Moment(r.now, closed), "it is outside the windows in which it may change")}
		}
	}
}

// before says what a wave waits for, and until when those before it soak.
func (r *rolling) before(wave int) (waits string, until time.Time) {
	var first unready
	count := 0
	for _, u := range r.unready {
		switch {
		case u.wave >= wave, first.wave > 0 && u.wave > first.wave:
		case first.wave == u.wave:
			count++
		default:
			first, count = u, 0
		}
	}
	if first.wave > 0 {
		waits = fmt.Sprintf("wave %d is not through: %s", first.wave, first.why)
		if count > 0 {
			waits += fmt.Sprintf(" and %d more", count)
		}
		return waits, until
	}
	for _, m := range r.members {
		if at, _ := m.Landed(); m.Wave < wave && !at.IsZero() {
			if soaked := at.Add(r.Soak); soaked.After(until) {
				until = soaked
			}
		}
	}
	return "", until
}
