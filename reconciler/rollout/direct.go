package rollout

import (
	"fmt"
	"strings"
	"time"

	"github.com/portreeve/portreeve/reconciler/fleet"
)

// Direct is a cluster that gets its configuration from the daemon itself.
type Direct struct {
	Cluster  fleet.ClusterName
	Seen     fleet.TreeID    // what it holds, as planning sees it
	Standing *fleet.Standing // what the declaration has put there; nil for nothing
	// Gone are objects that the declaration has put there and wants no more.
	Gone []fleet.Path
	// Removes says that what is let go of is removed.
	Removes bool
}

// Times that what was put on a cluster gets to be well.
const (
	unwellFor = 30 * time.Minute // after which it has failed
	unwellBy  = 24 * time.Hour   // after which it is not the change that it is unwell by
)

// stands is what the declaration has put there, and whether that is what it wants
// now.
func (i *Item) stands() (at fleet.Standing, same bool) {
	if i.Direct == nil || i.Direct.Standing == nil {
		return fleet.Standing{}, false
	}
	at = *i.Direct.Standing
	return at, at.Wants == i.Want.All && i.Want.All != ""
}

// Landed is when what is wanted came to its target, and by what; zero where that
// is not known.
func (i *Item) Landed() (at time.Time, by string) {
	if stands, same := i.stands(); same {
		return stands.At, "it was written"
	}
	if p := i.Pull; p != nil && p.State == fleet.PullMerged {
		return p.Closed, fmt.Sprintf("#%d was merged", p.Number)
	}
	return time.Time{}, ""
}

// direct decides on a cluster that gets its configuration from the daemon itself.
// There is no pull request in which somebody could say no: what was reviewed is
// the config repo, so nothing is done in any mode but the last.
func (i *Item) direct(s Settings) Decision {
	at, same := i.stands()
	so := len(i.Want.Edits) == 0 && len(i.Direct.Gone) == 0
	drifted := same && at.Refused == "" && len(i.Want.Edits) > 0
	switch {
	case i.Declaration == nil:
		return i.leaves(s, Done, "its declaration is gone from the config repo")
	case i.Declaration.Frozen != nil:
		return i.frozen(i.Declaration.Frozen[0])
	case i.Want.Out != "":
		return i.leaves(s, Out, i.Want.Out)
	case at.Begun: // what is there may be half of it
		return i.apply(s, "writing it was begun, and did not come to its end")
	case so && same && at.Restart:
		return Decision{Outcome: i.outcome(Done, "restart what runs there, if nobody has", "as declared; it takes effect with a restart, since %s", at.At.UTC().Format("2 January 15:04 UTC"))}
	case so && !same && i.Direct.Standing != nil && !i.Direct.Removes && i.Hold == nil && i.Want.Paused == "" && s.Mode == fleet.Merge:
		// Else what somebody changes there next would not be told as drift. Of an
		// applied object what is ours stands with what it was applied for.
		return i.apply(s, "others have made it as declared, which is written down")
	case so && same && at.Unwell != "":
		return Decision{Outcome: i.unwell(s.Now.Sub(at.At), at.Unwell)}
	case so:
		return Decision{Outcome: i.outcome(Done, "", "as declared")}
	case i.Clash != "":
		return Decision{Outcome: i.outcome(Blocked, "declare the path once", "%s", i.Clash)}
	case i.Want.Paused != "":
		return i.paused()
	case drifted && (i.OnDrift(s) != fleet.DriftEnforce || i.fought(s, at) >= WarTimes):
		return i.leaveStanding(s, at)
	case i.Hold != nil:
		return i.onHold(s)
	case same && at.Refused != "" && !at.Touched:
		return Decision{Outcome: i.outcome(Failed, "change the declaration, or what stands there",
			"what runs there did not take it, and has again what it had: %s", at.Refused)}
	case i.Want.Unsafe != "":
		return Decision{Outcome: i.outcome(Failed, "see the cluster and the declaration", "%s", i.Want.Unsafe)}
	case drifted:
		d := i.apply(s, "somebody has changed it")
		for n := range d.Steps {
			d.Steps[n].Ours = true
		}
		return d
	}
	return i.apply(s, i.opening())
}

// fought is how often what was put on a cluster was changed by others, and put back,
// in the last 30 days and since it was last asked to.
func (i *Item) fought(s Settings, at fleet.Standing) int {
	n := 0
	for _, t := range at.PutBack {
		if s.Now.Sub(t) < warWindow && !t.Before(i.again(s)) {
			n++
		}
	}
	return n
}

// leaveStanding leaves what somebody has changed as it is.
func (i *Item) leaveStanding(s Settings, at fleet.Standing) Decision {
	drift := &Drift{Path: i.Want.Edits[0].Path, Written: at.At}
	var o Outcome
	switch onDrift := i.OnDrift(s); onDrift {
	case fleet.DriftReport:
		o = i.outcome(Blocked, "declare it so, or change it back; onDrift says only to report it", "drift: %s", drift)
	case fleet.DriftAdopt: // planning says how it goes on
		o = i.outcome(Blocked, "", "drift: %s", drift)
	default:
		drift.Times = i.fought(s, at) + 1
		o = i.outcome(Blocked, "agree on it, then change the declaration; or have it ask again (askAgain)",
			"an edit war: %s, the %s time in 30 days", drift, ordinal(drift.Times))
	}
	o.Drift = drift
	return Decision{Outcome: o}
}

// apply writes what is wanted.
func (i *Item) apply(s Settings, why string) Decision {
	if s.Mode != fleet.Merge {
		return Decision{Outcome: i.outcome(Blocked, `set fleet.mode to "merge"`, "it would be written, and fleet.mode is %s", s.Mode)}
	}
	step := i.step(Apply, why)
	step.Edits, step.Gone, step.Wants = i.Want.Edits, i.Direct.Gone, i.Want.All
	if i.Want.Runs != nil {
		step.Reload = i.Want.Runs.API
	}
	step.Restarts, step.Seen = i.Want.Restarts, i.Direct.Seen
	return Decision{Outcome: i.outcome(Change, "", "writes it: %s", why), Steps: []Step{step}}
}

// unwell tells of what is as declared and not well, so long after it was written.
func (i *Item) unwell(since time.Duration, why string) Outcome {
	switch {
	case since < unwellFor:
		return i.outcome(Waiting, "looks again at each pass", "as declared, and what runs by it is not well yet: %s", why)
	case since < unwellBy:
		return i.outcome(Failed, "see the cluster, or change the declaration", "as declared, and what runs by it did not get well: %s", why)
	}
	return i.outcome(Blocked, "see the cluster", "as declared, and what runs by it is not well: %s", why)
}

// Tried goes on by what came of trying on the cluster what a decision would do; ask
// is the step that nobody has tried yet. What can't be tried is not done.
func Tried(i *Item, d Decision, trials map[string]*fleet.Trial) (tried Decision, ask *Step) {
	if i.Direct == nil || !changes(&d) {
		return d, nil
	}
	switch t := trials[d.Steps[0].Key()]; {
	case t == nil:
		return Decision{Outcome: i.outcome(Waiting, "", "it is being tried on the cluster")}, &d.Steps[0]
	case t.Unread != "":
		return Decision{Outcome: i.outcome(Waiting, "tries again at the next pass", "it could not be tried on the cluster: %s", t.Unread)}, nil
	case t.Refused != "":
		return Decision{Outcome: i.outcome(Failed, t.Next, "the cluster does not take it: %s", t.Refused)}, nil
	case t.Taken != "":
		return Decision{Outcome: i.outcome(Blocked, t.Next, "%s", t.Taken)}, nil
	case len(t.Overrides) > 0:
		d.Outcome.Reason += ", over what was set by " + strings.Join(t.Overrides, ", ")
	}
	return d, nil
}

// removes reports whether what the declaration has put there is removed with it.
func (i *Item) removes() bool {
	return i.Direct.Removes && i.Direct.Standing != nil && i.Direct.Standing.Shared == ""
}

// leaves lets go of what a declaration has put there that is about it no more.
// What people had there before they have still, or manage a part of, is left as it
// is; what is the declaration's alone goes.
func (i *Item) leaves(s Settings, state State, reason string) Decision {
	d := Decision{Outcome: i.outcome(state, "", "%s", reason)}
	if i.Direct.Standing == nil {
		return d
	}
	if s.Mode != fleet.Merge {
		d.Outcome = i.outcome(Blocked, `set fleet.mode to "merge"`, "%s; it would go, and fleet.mode is %s", reason, s.Mode)
		return d
	}
	d.Outcome = i.outcome(Change, "", "lets go of it, and leaves what is there: %s", reason)
	switch shared := i.Direct.Standing.Shared; {
	case i.removes():
		d.Outcome.Reason = "removes it: " + reason
	case i.Direct.Removes:
		d.Outcome.Reason = fmt.Sprintf("gives up what it set, and leaves the rest, of which %s manages a part: %s", shared, reason)
	}
	d.Steps = []Step{i.step(LetGo, reason)}
	return d
}
