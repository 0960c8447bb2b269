package rollout

import (
	"fmt"
	"time"

	"github.com/portreeve/portreeve/reconciler/fleet"
)

// Direct is a cluster that gets its configuration from the daemon itself.
type Direct struct {
	Cluster  fleet.ClusterName
	Seen     fleet.TreeID    // what it holds, as planning sees it
	Standing *fleet.Standing // what the declaration has put there; nil for nothing
}

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
	switch {
	case i.Declaration == nil:
		return i.leaves(s, Done, "its declaration is gone from the config repo")
	case i.Declaration.Frozen != nil:
		return i.frozen(i.Declaration.Frozen[0])
	case i.Want.Out != "":
		return i.leaves(s, Out, i.Want.Out)
	case at.Begun: // what is there may be half of it
		return i.apply(s, "writing it was begun, and did not come to its end")
	case len(i.Want.Edits) == 0 && same && at.Restart:
		return Decision{Outcome: i.outcome(Done, "restart what runs there, if nobody has", "as declared; it takes effect with a restart, since %s", at.At.UTC().Format("2 January 15:04 UTC"))}
	case len(i.Want.Edits) == 0:
		return Decision{Outcome: i.outcome(Done, "", "as declared")}
	case i.Clash != "":
		return Decision{Outcome: i.outcome(Blocked, "declare the path once", "%s", i.Clash)}
	case i.Want.Paused != "":
		return i.paused()
	case i.Hold != nil:
		return i.onHold(s)
	case same && at.Refused != "" && !at.Touched:
		return Decision{Outcome: i.outcome(Failed, "change the declaration, or what stands there",
			"what runs there did not take it, and has again what it had: %s", at.Refused)}
	case same && at.Refused == "" && i.OnDrift(s) != fleet.DriftEnforce:
		return Decision{Outcome: i.outcome(Blocked, "declare it so, or change it back; onDrift says only to report it", "drift: somebody has changed what was written on %s",
			at.At.UTC().Format("2 January"))}
	case same && at.Refused == "":
		return i.apply(s, "somebody has changed it")
	}
	return i.apply(s, i.opening())
}

// apply writes what is wanted.
func (i *Item) apply(s Settings, why string) Decision {
	if s.Mode != fleet.Merge {
		return Decision{Outcome: i.outcome(Blocked, `set fleet.mode to "merge"`, "it would be written, and fleet.mode is %s", s.Mode)}
	}
	step := i.step(Apply, why)
	step.Edits, step.Wants = i.Want.Edits, i.Want.All
	if i.Want.Runs != nil {
		step.Reload = i.Want.Runs.API
	}
	step.Restarts, step.Seen = i.Want.Restarts, i.Direct.Seen
	return Decision{Outcome: i.outcome(Change, "", "writes it: %s", why), Steps: []Step{step}}
}

// leaves lets go of what a declaration has put there that is about it no more.
// What people had there before they have still: it is left as it is.
func (i *Item) leaves(s Settings, state State, reason string) Decision {
	d := Decision{Outcome: i.outcome(state, "", "%s", reason)}
	if i.Direct.Standing == nil {
		return d
	}
	if s.Mode != fleet.Merge {
		d.Outcome = i.outcome(Blocked, `set fleet.mode to "merge"`, "%s; it would be let go of, and fleet.mode is %s", reason, s.Mode)
		return d
	}
	d.Outcome = i.outcome(Change, "", "lets go of it, and leaves what is there: %s", reason)
	d.Steps = []Step{i.step(LetGo, reason)}
	return d
}
