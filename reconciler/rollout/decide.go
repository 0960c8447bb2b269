package rollout

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/portreeve/portreeve/reconciler/fleet"
)

// Decide decides on one item by itself; limits over many items come after, in
// Pace. It holds to four rules, whatever the item:
//
//  1. No commit by people is lost. A branch is written over a commit of ours
//     that nobody touched, or with all commits by people on top of the new
//     one, and only if it is still at the commit that was seen.
//  2. A pull request that anyone but us closed stays closed. A person's no
//     holds until the declaration asks again (askAgain). A bot's is nobody's
//     no, and may be: it is asked again once, a day later, and if a bot closes
//     that one too, people have to settle it.
//  3. An item never has two open pull requests.
//  4. While what was seen does not fit together, nothing is written.
func Decide(s Settings, i *Item) Decision {
	open := i.Pull != nil && i.Pull.State == fleet.PullOpen
	switch {
	case i.Direct != nil:
		return i.direct(s)
	case i.Pull != nil && i.Pull.BaseCommit != "" && i.Pull.BaseCommit != i.Head.Commit,
		open && i.Branch != nil && i.Branch.Commit != i.Pull.HeadCommit:
		return Decision{Outcome: i.outcome(Waiting, "looks again at the next pass", "the repo moved while it was read")}
	case i.Declaration == nil:
		return i.remove(s, Done, "its declaration is gone from the config repo")
	case i.Declaration.Frozen != nil:
		return i.frozen(i.Declaration.Frozen[0])
	case i.Want.Out != "":
		return i.remove(s, Out, i.Want.Out)
	case open && i.Want.Paused != "":
		return i.paused()
	case len(i.Want.Edits) == 0 && len(i.Want.Unreached) > 0:
		// What is open stays: an access that is lost for a day closes nothing.
		u := i.Want.Unreached[0]
		return Decision{Outcome: i.outcome(Blocked, u.Hint, "%s", u.Why)}
	case len(i.Want.Edits) == 0:
		return i.remove(s, Done, "as declared")
	case i.Clash != "":
		return Decision{Outcome: i.outcome(Blocked, "declare the path once", "%s", i.Clash)}
	case i.Want.Paused != "":
		return i.paused()
	case i.readOnly() != "":
		return Decision{Outcome: i.outcome(Failed, "make it writable again, or exclude it", "the repo is %s", i.readOnly())}
	case open && i.Hold != nil:
		return i.onHold(s)
	case open:
		return i.keep(s)
	}
	return i.open(s)
}

// frozen leaves everything as it stands, for the declaration is invalid.
func (i *Item) frozen(p fleet.Problem) Decision {
	why := p.String()
	if p.Pos == (fleet.Pos{}) {
		why = p.Message
	}
	o := i.outcome(Frozen, "mend it in the config repo; nothing to do here", "its declaration is invalid: %s", why)
	return i.still(o, "its declaration is invalid")
}

// paused leaves everything as it stands.
func (i *Item) paused() Decision {
	return i.still(i.outcome(Frozen, "goes on when its declaration says so", "%s", i.Want.Paused), i.Want.Paused)
}

// still does nothing, but for what we have put into a merge queue: that does
// not stand still, and would be merged. What a person has put there is theirs.
func (i *Item) still(o Outcome, reason string) Decision {
	d := Decision{Outcome: o}
	if i.Pull != nil && i.Pull.Queued != nil && i.Pull.Queued.By.Self && i.readOnly() == "" {
		d.Steps = i.takeOut(reason)
	}
	return d
}

// onHold leaves everything as it stands until someone acts on what policies
// found.
func (i *Item) onHold(s Settings) Decision {
	o := i.outcome(Blocked, i.Hold.Next(s.Now), "%s", i.Hold.Reason())
	o.Policies = i.Hold.Policies
	return i.still(o, i.Hold.Reason())
}

// readOnly is why the forge takes no write to the repo, or empty.
func (i *Item) readOnly() string {
	switch {
	case i.Listing.Archived:
		return "archived"
	case i.Listing.Disabled:
		return "disabled"
	}
	return ""
}

// remove ends what is open for an item that is not wanted (any more).
func (i *Item) remove(s Settings, state State, reason string) Decision {
	d := Decision{Outcome: i.outcome(state, "", "%s", reason)}
	switch {
	case i.readOnly() != "":
		return d
	case i.Pull == nil:
		return i.tidy(s, d)
	case i.Pull.State == fleet.PullOpen:
		step := i.step(Close, reason)
		if comment := s.Closing(i.ID, reason); !i.said(comment) {
			step.Comment = comment
		}
		d.Steps = append(i.takeOut(reason), step)
		d.Outcome = i.outcome(Change, "", "closes #%d: %s", i.Pull.Number, reason)
	case i.Pull.State == fleet.PullMerged && state == Done && i.Declaration != nil:
		d.Outcome.Reason = fmt.Sprintf("%s, since #%d was merged", reason, i.Pull.Number)
	}
	return i.tidy(s, d)
}

// said reports whether we have made a comment already: a pass may have ended
// between its comment and what the comment is about. The last line tells, for
// another revision may have come in between.
func (i *Item) said(comment string) bool {
	return slices.ContainsFunc(i.Pull.Comments, func(c fleet.Comment) bool {
		return c.Author.Self && lastLine(c.Body) == lastLine(comment)
	})
}

func firstLine(s string) string {
	s, _, _ = strings.Cut(strings.TrimSpace(s), "\n")
	return strings.TrimSpace(s)
}

func lastLine(s string) string {
	s = strings.TrimSpace(s)
	return strings.TrimSpace(s[strings.LastIndexByte(s, '\n')+1:])
}

// closedByUs reports whether we closed the pull request. That we may act as a
// person who also closes pull requests by hand is why our comment counts.
func (i *Item) closedByUs(s Settings) bool {
	return i.Pull.State == fleet.PullClosed && i.Pull.ClosedBy.Self &&
		slices.ContainsFunc(i.Pull.Comments, func(c fleet.Comment) bool { return c.Author.Self && s.IsClosing(c.Body) })
}

// tidy deletes the branch of a pull request that is merged, or that we close,
// or that never came to be, unless the branch has commits by people which are
// nowhere else.
func (i *Item) tidy(s Settings, d Decision) Decision {
	if i.Branch == nil || i.Pull != nil && i.Branch.Commit != i.Pull.HeadCommit {
		return d
	}
	_, untouched := ours(i.ID, i.Branch.Message, i.Branch.Tree)
	switch {
	case i.Pull != nil && i.Pull.State == fleet.PullMerged:
	case untouched && (i.Pull == nil || i.Pull.State == fleet.PullOpen || i.closedByUs(s)):
	default:
		return d
	}
	step := i.step(DeleteBranch, "its pull request has ended")
	step.Expect = i.Branch.Commit
	if i.Pull == nil {
		step.Reason = "it is not wanted any more"
	}
	d.Steps = append(d.Steps, step)
	return d
}

// mergedJustNow is how long a merge may take to show on the base.
const mergedJustNow = 10 * time.Minute

// open opens a pull request where none is open.
func (i *Item) open(s Settings) Decision {
	if d, ended := i.ended(s); ended {
		return d
	}
	if i.Hold != nil {
		return i.onHold(s)
	}
	if d, drifted := i.leave(s); drifted {
		return d
	}
	step := i.step(Open, i.opening())
	step.Number = 0
	change := i.outcome(Change, "", "opens a pull request")
	if i.Branch == nil {
		return Decision{Outcome: change, Steps: []Step{i.commit(step, "")}}
	}
	trailers, untouched := ours(i.ID, i.Branch.Message, i.Branch.Tree)
	before := i.Pull != nil && i.Pull.HeadCommit == i.Branch.Commit // it is an ended pull request's
	switch {
	case before && i.Pull.State == fleet.PullMerged:
	case !untouched:
		return Decision{Outcome: i.outcome(Blocked, "delete the branch, or open a pull request from it",
			"the branch %s has commits by people and no open pull request", i.Branch.Name)}
	case !before && trailers.Spec == i.Hash() && trailers.Base == i.Head.Commit:
		// Pushed by a pass that ended before the pull request: the branch is
		// as wanted, so nothing is pushed again.
		step.Expect, step.SpecHash = i.Branch.Commit, trailers.Spec
		return Decision{
			Outcome: i.outcome(Change, "", "opens a pull request for the branch that is there"),
			Steps:   []Step{i.text(step)},
		}
	}
	return Decision{Outcome: change, Steps: []Step{i.commit(step, i.Branch.Commit)}}
}

// ended is what the branch's last pull request's end asks for, if that is not to
// open another.
func (i *Item) ended(s Settings) (Decision, bool) {
	switch {
	case i.Pull == nil:
		return Decision{}, false
	case i.Pull.State == fleet.PullMerged:
		t, ours := ParseTrailers(i.Pull.HeadMessage)
		if s.Now.Sub(i.Pull.Closed) > mergedJustNow || ours && t.Spec != i.Hash() {
			return Decision{}, false
		}
		until := i.Pull.Closed.Add(mergedJustNow).UTC().Format("15:04 UTC")
		return Decision{Outcome: i.outcome(Waiting, "looks again; from "+until+" on it opens another",
			"#%d was merged just now, and its base does not show it (yet)", i.Pull.Number)}, true
	case i.closedByUs(s):
		return Decision{}, false
	}
	return i.declined(s)
}

func (i *Item) opening() string {
	if i.Want.Because != "" {
		return i.Want.Because
	}
	return "not as declared"
}

// keep looks after an open pull request.
func (i *Item) keep(s Settings) Decision {
	trailers, untouched := ours(i.ID, i.Pull.HeadMessage, i.Pull.HeadTree)
	if i.Pull.Base != i.Listing.DefaultBranch {
		return Decision{Outcome: i.outcome(Blocked, fmt.Sprintf("point it at %s, or close it", i.Listing.DefaultBranch),
			"#%d goes into %s, not into %s", i.Pull.Number, i.Pull.Base, i.Listing.DefaultBranch)}
	}
	if i.Pull.Queued != nil {
		return i.queued(s)
	}
	if !untouched && i.History == nil {
		return i.ask(Questions{History: true})
	}
	var w work
	if !untouched {
		w = i.work()
		trailers = w.ours
	}
	switch conflict := i.Pull.Mergeable == fleet.MergeableConflict; {
	case (untouched || w.found) && trailers.Spec != i.Hash():
		return i.anew(w, changed)
	case conflict && (untouched && trailers.Base == i.Head.Commit || w.newest):
		return Decision{Outcome: i.outcome(Waiting, "looks again soon",
			"#%d was made on its base's newest commit, and the forge does not show it yet", i.Pull.Number)}
	case conflict:
		return i.anew(w, conflicts)
	}
	d := i.merge(s, trailers, untouched)
	updates := slices.ContainsFunc(d.Steps, func(s Step) bool { return s.Action == Update })
	if !i.SameText && !updates && d.Questions == (Questions{}) {
		d.Steps = append([]Step{i.text(i.step(Reword, "its text has changed"))}, d.Steps...)
	}
	return d
}

// Why a pull request is made anew.
const (
	changed   = "its declaration, or the files that it changes, are others now"
	conflicts = "it conflicts with its base"
)

// update makes the pull request's commit anew, over one that nobody touched.
func (i *Item) update(why string) Decision {
	return Decision{
		Outcome: i.outcome(Change, "", "updates #%d: %s", i.Pull.Number, why),
		Steps:   []Step{i.commit(i.step(Update, why), i.Pull.HeadCommit)},
	}
}
