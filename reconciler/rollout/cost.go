package rollout

import "github.com/portreeve/portreeve/reconciler/fleet"

// What the requests of a step take, as GitHub counts them.
var (
	read    = fleet.Cost{Requests: 1, Points: 1}
	write   = fleet.Cost{Requests: 1, Points: 5}
	look    = fleet.Cost{Queries: 1} // at the branch's pull request, before it is written or merged
	content = fleet.Cost{Creations: 1}
)

// Cost is what the step takes at most of the forge's limits, whatever answers
// it is given. What it does over Git takes nothing.
func (s *Step) Cost() fleet.Cost {
	labels := fleet.Cost{}
	if len(s.Labels) > 0 {
		labels = write
	}
	switch s.Action {
	case Open: // labels are told of in its text; if it is refused, two reads tell whether one is open already
		return look.Plus(content).Plus(write).Plus(labels).Plus(labels).Plus(read).Plus(read)
	case Update:
		return look.Plus(write).Plus(labels)
	case Reword:
		return write.Plus(labels)
	case Merge: // if it is refused, a read tells why
		return look.Plus(write).Plus(read)
	case Enqueue: // what it is, the change, and if that is refused, what it is now
		return look.Plus(fleet.Cost{Queries: 3})
	case Dequeue:
		return fleet.Cost{Queries: 3}
	case Close:
		cost := look.Plus(write).Plus(read)
		if s.Comment != "" {
			cost = cost.Plus(content).Plus(write)
		}
		return cost
	case EditIssue, Grant:
		return write
	case Revoke: // what there is, and an invitation as well as a role
		return read.Plus(read).Plus(read).Plus(write).Plus(write)
	case OpenIssue: // looked for before, of which most is free
		return read.Plus(content).Plus(write)
	case DeleteBranch: // over Git, but for the look
		return look
	}
	return fleet.Cost{}
}

// cost is that of all steps of a decision.
func (d *Decision) cost() (sum fleet.Cost) {
	for n := range d.Steps {
		sum = sum.Plus(d.Steps[n].Cost())
	}
	return sum
}
