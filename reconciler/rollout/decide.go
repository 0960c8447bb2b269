package rollout

import (
	"fmt"
	"slices"
	"strings"

	"github.com/portreeve/portreeve/reconciler/fleet"
)

// Decide decides on one item by itself; limits over many items come after, in
// Pace. It holds to three rules, whatever the item:
//
//  1. A branch is written only over a commit of ours that nobody touched, and
//     only if it is still at the commit that was seen.
//  2. A pull request that a person closed is never opened again.
//  3. An item never has two open pull requests.
func Decide(s Settings, i *Item) Decision {
	open := i.Pull != nil && i.Pull.State == fleet.PullOpen
	if i.Pull != nil && i.Pull.BaseCommit != "" && i.Pull.BaseCommit != i.Head.Commit {
		return Decision{Outcome: i.outcome(Waiting, "looks again at once", "the repo moved while it was read")}
	}
	switch {
	case i.Declaration == nil:
		return i.remove(s, Done, "its declaration is gone from the config repo")
	case i.Declaration.Frozen != nil:
		return Decision{Outcome: i.outcome(Frozen, "mend it in the config repo; nothing to do here",
			"its declaration is invalid: %s", i.Declaration.Frozen[0])}
	case i.Want.Out != "":
		return i.remove(s, Out, i.Want.Out)
	case len(i.Want.Edits) == 0:
		return i.remove(s, Done, "as declared")
	case i.Clash != "":
		return Decision{Outcome: i.outcome(Blocked, "declare the path once", "%s", i.Clash)}
	case i.Want.Paused != "":
		return Decision{Outcome: i.outcome(Frozen, "goes on when its declaration says so", "%s", i.Want.Paused)}
	case i.Listing.Archived:
		return Decision{Outcome: i.outcome(Failed, "unarchive the repo, or exclude it", "the repo is archived")}
	case open:
		return i.keep(s)
	}
	return i.open(s)
}

// remove ends what is open for an item that is not wanted (any more).
func (i *Item) remove(s Settings, state State, reason string) Decision {
	d := Decision{Outcome: i.outcome(state, "", "%s", reason)}
	if i.Pull == nil {
		return d
	}
	if i.Pull.State == fleet.PullOpen {
		step := i.step(Close, reason)
		if comment := s.Closing(i.ID, reason); !i.said(comment) {
			step.Comment = comment
		}
		d.Steps = append(d.Steps, step)
		d.Outcome = i.outcome(Change, "", "closes #%d: %s", i.Pull.Number, reason)
	}
	if i.Pull.State == fleet.PullMerged && state == Done {
		d.Outcome.Reason = fmt.Sprintf("%s, since #%d was merged", reason, i.Pull.Number)
	}
	return i.tidy(d)
}

// said reports whether we have made a comment already: a pass may have ended
// between its comment and what the comment is about.
func (i *Item) said(comment string) bool {
	return slices.ContainsFunc(i.Pull.Comments, func(c fleet.Comment) bool {
		return c.Author.Self && strings.TrimSpace(c.Body) == strings.TrimSpace(comment)
	})
}

// tidy deletes the branch of a pull request that is merged, or that we close,
// unless the branch has commits by people which are nowhere else.
func (i *Item) tidy(d Decision) Decision {
	if i.Branch == nil || i.Branch.Commit != i.Pull.HeadCommit {
		return d
	}
	_, untouched := ours(i.ID, i.Branch.Message, i.Branch.Tree)
	switch {
	case i.Pull.State == fleet.PullMerged:
	case untouched && i.Pull.State == fleet.PullOpen:
	case untouched && i.Pull.State == fleet.PullClosed && i.Pull.ClosedBy.Self:
	default:
		return d
	}
	d.Steps = append(d.Steps, i.step(DeleteBranch, "its pull request has ended"))
	return d
}

// open opens a pull request where none is open.
func (i *Item) open(s Settings) Decision {
	if i.Pull != nil {
		switch {
		case i.Pull.State == fleet.PullClosed && !i.Pull.ClosedBy.Self && !i.Pull.ClosedBy.Bot:
			return Decision{Outcome: i.outcome(Declined, "nothing, unless someone reopens it",
				"%s closed #%d on %s", i.Pull.ClosedBy.Login, i.Pull.Number, i.Pull.Closed.UTC().Format("2 January 2006"))}
		case i.Pull.State == fleet.PullMerged && i.mergedHere():
			return Decision{Outcome: i.outcome(Waiting, "looks again soon",
				"#%d was merged, and the forge does not show it yet", i.Pull.Number)}
		}
	}
	step := i.step(Open, i.opening())
	step.Number = 0
	expect := fleet.CommitID("")
	if i.Branch != nil {
		expect = i.Branch.Commit
		trailers, untouched := ours(i.ID, i.Branch.Message, i.Branch.Tree)
		ended := i.Pull != nil && i.Pull.HeadCommit == i.Branch.Commit && i.Pull.State == fleet.PullMerged
		switch {
		case ended:
		case !untouched:
			return Decision{Outcome: i.outcome(Blocked, "delete the branch, or open a pull request from it",
				"the branch %s has commits by people and no open pull request", i.Branch.Name)}
		case i.Pull == nil && trailers.Spec == i.Hash() && trailers.Base == i.Head.Commit:
			// Pushed by a pass that ended before the pull request: the
			// branch is as wanted, so nothing is pushed again.
			step.Expect = expect
			step.SpecHash = trailers.Spec
			return Decision{Outcome: i.outcome(Change, "", "opens a pull request for the branch that is there"),
				Steps: []Step{i.text(step)}}
		}
	}
	return Decision{Outcome: i.outcome(Change, "", "opens a pull request"), Steps: []Step{i.commit(step, expect)}}
}

func (i *Item) opening() string {
	if i.Want.Because != "" {
		return i.Want.Because
	}
	return "not as declared"
}

// mergedHere reports whether the newest pull request was merged on the very
// base that is seen now, so that its merge is yet to be seen.
func (i *Item) mergedHere() bool {
	t, ok := ParseTrailers(i.Pull.HeadMessage)
	return ok && t.Base == i.Head.Commit
}

// keep looks after an open pull request.
func (i *Item) keep(s Settings) Decision {
	trailers, untouched := ours(i.ID, i.Pull.HeadMessage, i.Pull.HeadTree)
	if i.Pull.Base != i.Listing.DefaultBranch {
		return Decision{Outcome: i.outcome(Blocked, fmt.Sprintf("point it at %s, or close it", i.Listing.DefaultBranch),
			"#%d goes into %s, not into %s", i.Pull.Number, i.Pull.Base, i.Listing.DefaultBranch)}
	}
	why := ""
	switch conflict := i.Pull.Mergeable == fleet.MergeableConflict; {
	case untouched && trailers.Spec != i.Hash():
		why = "the declaration has changed"
	case untouched && conflict && trailers.Base != i.Head.Commit:
		why = "it conflicts with its base"
	case !untouched && conflict:
		return Decision{Outcome: i.outcome(Blocked, "merge its base into it, or remove the commits by people",
			"#%d conflicts with its base and has commits by people", i.Pull.Number)}
	case conflict:
		return Decision{Outcome: i.outcome(Waiting, "looks again soon",
			"#%d was made on its base's newest commit, and the forge does not show it yet", i.Pull.Number)}
	}
	if why != "" {
		return i.update(why)
	}
	d := i.merge(s, trailers, untouched)
	if !i.SameText && d.Questions == (Questions{}) {
		d.Steps = append([]Step{i.text(i.step(Reword, "its text has changed"))}, d.Steps...)
	}
	return d
}

// update makes the pull request's commit anew.
func (i *Item) update(why string) Decision {
	return Decision{
		Outcome: i.outcome(Change, "", "updates #%d: %s", i.Pull.Number, why),
		Steps:   []Step{i.commit(i.step(Update, why), i.Pull.HeadCommit)},
	}
}
