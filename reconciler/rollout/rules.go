package rollout

import (
	"fmt"
	"slices"
	"strings"

	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/transform"
)

// The gates of this file hold a pull request to what the rules of its base
// ask for, whoever it is that merges.

// passable is what the rules let no pull request do, or not this commit.
func (i *Item) passable(s Settings, _ Trailers) (Decision, bool) {
	r, n := i.Rules, i.Pull.Number
	blocked := func(next, reason string, args ...any) (Decision, bool) {
		return Decision{Outcome: i.outcome(Blocked, next, reason, args...)}, false
	}
	switch {
	case r.Unread != "":
		return blocked("let Portreeve read them, merge it by hand, or close it",
			"#%d is not merged, since what its base asks for can't be read: %s", n, r.Unread)
	case r.Locked:
		return blocked("unlock it, or close the pull request", "%s is locked, so #%d can't be merged", i.Pull.Base, n)
	case !r.Queue && i.method() == "":
		return blocked("allow one, or close it", "the repo's settings and rules together allow no way to merge #%d", n)
	case !r.Signatures || i.Pull.Signature == fleet.SignatureVerified:
		return Decision{}, true
	case i.Pull.Signature == fleet.SignatureUnverified:
		return blocked("put the public key on the account that the commit's author is, or close it",
			"commits must be signed, and the forge can't verify the signature of #%d", n)
	case s.Signs:
		return i.update("its commit must be signed"), false
	}
	return blocked("have Portreeve sign (--sign-key-file), merge it by hand, or close it",
		"commits must be signed, and that of #%d is not", n)
}

// asks reports whether the rules ask for something that is read just before a
// merge.
func (i *Item) asks() bool {
	r := i.Rules
	return r.Queue || r.Conversations || r.LastPushApproval || len(r.Deployments) > 0 || i.unapproved()
}

// unapproved reports whether approvals are required, and the forge does not
// say that they are there.
func (i *Item) unapproved() bool {
	return i.Rules.Approvals > 0 && i.Pull.Review != fleet.ReviewApproved
}

// ready is what some rules ask for, and people or other machines give.
func (i *Item) ready(Settings, Trailers) (Decision, bool) {
	if !i.asks() {
		return Decision{}, true
	}
	if i.Ready == nil {
		return i.ask(Questions{Readiness: true}), false
	}
	r, n := i.Rules, i.Pull.Number
	if missing := slices.DeleteFunc(slices.Clone(r.Deployments), func(e string) bool { return slices.Contains(i.Ready.Deployed, e) }); len(missing) > 0 {
		return Decision{Outcome: i.outcome(Waiting, "merges once it has been deployed there",
			"#%d must first be deployed to %s", n, strings.Join(missing, " and "))}, false
	}
	others, newest := 0, false
	for _, a := range i.Ready.Approvals {
		if !a.By.Self {
			others++
			newest = newest || a.Commit == i.Pull.HeadCommit
		}
	}
	switch unresolved := i.Ready.Unresolved; {
	case r.Conversations && unresolved > 0:
		return i.review("resolve them, or close it; then it merges by itself", "#%d has %s to be resolved", n, counted(unresolved, "conversation")), false
	case i.unapproved() && others < r.Approvals:
		return i.review("approve it, or close it; then it merges by itself", "#%d has %d of %s", n, others, counted(r.Approvals, "required approval")), false
	case r.LastPushApproval && !newest:
		return i.review("approve it, or close it; then it merges by itself", "#%d needs an approval of its newest commit", n), false
	}
	return Decision{}, true
}

// unheld is what the forge says of rules that nobody here can read or judge.
// A queue holds those itself, whoever put a pull request into it.
func (i *Item) unheld(Settings, Trailers) (Decision, bool) {
	n := i.Pull.Number
	switch {
	case i.Rules.Queue:
	case len(i.Rules.Unjudged) > 0:
		return i.review("merge it, or close it", "#%d is under a rule that Portreeve can't judge, and could pass by: %s",
			n, strings.Join(i.Rules.Unjudged, ", ")), false
	case i.Pull.Held:
		return Decision{Outcome: i.outcome(Blocked, "see on its page what it lacks; then it merges by itself",
			"the forge says that a rule holds #%d back, and Portreeve can't see which", n)}, false
	}
	return Decision{}, true
}

// rightOwners is whether the forge takes CODEOWNERS as it would be: what it
// finds wrong there it passes over, and a broader line decides.
func (i *Item) rightOwners(Settings, Trailers) (Decision, bool) {
	if !slices.ContainsFunc(i.Want.Edits, func(e transform.Edit) bool { return !e.Delete && slices.Contains(transform.OwnersFiles, e.Path) }) {
		return Decision{}, true
	}
	switch {
	case i.Wrong == nil:
		return i.ask(Questions{Wrong: true}), false
	case len(*i.Wrong) == 0:
		return Decision{}, true
	}
	e, more := (*i.Wrong)[0], ""
	if n := len(*i.Wrong) - 1; n > 0 {
		more = fmt.Sprintf(", and %d more", n)
	}
	return Decision{Outcome: i.outcome(Blocked, "mend its declaration, or what the line names; then it merges by itself",
		"in #%d the forge finds in %s:%d: %s (%s)%s", i.Pull.Number, e.Path, e.Line, e.Kind, e.Source, more)}, false
}

// left is whether the merge queue has lost this commit before. Then it is not
// put there again, unless something has changed that counts.
func (i *Item) left(s Settings, trailers Trailers) (Decision, bool) {
	if i.Ready == nil || i.Ready.Dequeued == nil || !i.Rules.Queue {
		return Decision{}, true
	}
	d, n := i.Ready.Dequeued, i.Pull.Number
	const again = "add it to the queue again, or close it"
	switch {
	case d.Reason == fleet.DequeuedByHand && d.By.Self:
		return Decision{}, true // for a reason that holds no more
	case d.Reason == fleet.DequeuedByHand:
		return i.review(again, "%s took #%d out of the merge queue", d.By.Login, n), false
	case d.Reason == fleet.DequeuedMerged && s.Now.Sub(d.At) < mergedJustNow:
		return Decision{Outcome: i.outcome(Waiting, "looks again soon", "the merge queue is just merging #%d", n)}, false
	case d.Reason == fleet.DequeuedConflict && trailers.Base != i.Head.Commit:
		return i.update("it conflicted in the merge queue"), false
	case d.Reason == fleet.DequeuedConflict:
		return Decision{Outcome: i.outcome(Waiting, "is made anew once its base has moved on",
			"#%d conflicted with another pull request in the merge queue", n)}, false
	case d.Reason == fleet.DequeuedChecks:
		return Decision{Outcome: i.outcome(Blocked, "mend the repo, then "+again,
			"the merge queue took #%d out: merged into %s, its checks failed or took too long", n, i.Pull.Base)}, false
	}
	return Decision{Outcome: i.outcome(Blocked, again, "the merge queue took #%d out (%s)", n, strings.ReplaceAll(d.Said, "_", " "))}, false
}

// queued is a pull request in a merge queue. A push would take it out, so it
// is left as it is, unless we have put it there and may not merge it any more.
func (i *Item) queued(s Settings) Decision {
	q, n := i.Pull.Queued, i.Pull.Number
	if q.By.Self && !i.automatic(s) {
		step := i.step(Dequeue, "it is to be merged by hand")
		return Decision{Outcome: i.outcome(Change, "", "takes #%d out of the merge queue: it is to be merged by hand", n), Steps: []Step{step}}
	}
	reason := fmt.Sprintf("#%d is %s in the merge queue", n, ordinal(q.Position))
	if !q.By.Self {
		reason += ", put there by " + q.By.Login
	}
	if q.State == fleet.QueueChecking {
		reason += "; its checks run there"
	}
	next := "the queue merges it"
	if q.Estimate > 0 {
		next += fmt.Sprintf(", in about %s by its own estimate", counted(max(1, int(q.Estimate.Minutes())), "minute"))
	}
	return Decision{Outcome: i.outcome(Waiting, next, "%s", reason)}
}

// takeOut is the step before a pull request is left alone, or closed: what we
// have put into a queue would be merged nevertheless.
func (i *Item) takeOut(reason string) []Step {
	if i.Pull == nil || i.Pull.State != fleet.PullOpen || i.Pull.Queued == nil {
		return nil
	}
	return []Step{i.step(Dequeue, reason)}
}
