package sandbox

import (
	"cmp"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/go-git/go-git/v5/plumbing"

	"github.com/portreeve/portreeve/reconciler/fleet"
)

// queueEntry is a pull request in the merge queue of its repo's default
// branch. A group is one pull request, and one group is tried at a time: the
// first entry is merged with the base's newest commit, CI runs on that, and
// once the required checks have passed there, the base moves to it. The group
// has a commit, and no branch to fetch it by.
type queueEntry struct {
	id   int64
	pull *pull
	by   *user
	at   time.Time

	base, head plumbing.Hash // of the group, zero until it is tried
	begun      time.Time
}

// queueUser is whom the queue merges as, and removes what it can't merge.
var queueUser = &user{id: 2, login: "github-merge-queue", bot: true}

// Why a pull request left the queue, in GitHub's words.
const (
	leftByHand   = "manual"
	leftChecks   = "failed_checks"
	leftTimeout  = "checks_timed_out"
	leftConflict = "merge_conflict"
	leftMerged   = "merged"
	leftCleared  = "queue_cleared"
)

// entry is the pull request's place in the queue, nil if it is in none.
func (p *pull) entry() *queueEntry {
	for _, e := range p.repo.queue {
		if e.pull == p {
			return e
		}
	}
	return nil
}

// position is counted from 1.
func (e *queueEntry) position() int { return 1 + slices.Index(e.pull.repo.queue, e) }

func (e *queueEntry) state() string {
	if e.head.IsZero() {
		return "QUEUED"
	}
	return "AWAITING_CHECKS"
}

// estimate is how long checks take for it and those before it.
func (e *queueEntry) estimate() time.Duration {
	var longest time.Duration
	for _, spec := range e.pull.repo.ci {
		longest = max(longest, spec.After)
	}
	return time.Duration(e.position()) * longest
}

func unprocessable(message string) error { return &Refusal{Status: 422, Message: message} }

// enqueue puts a pull request at the end of the queue.
func (r *repo) enqueue(who *user, p *pull, expected string) (*queueEntry, error) {
	if err := r.canMerge(p, mergeRequest{method: r.methods[0]}); err != nil {
		return nil, unprocessable("Pull request is not mergeable: " + err.Error())
	}
	switch {
	case !r.rules.Queue || p.base != r.defaultBranch:
		return nil, unprocessable("Pull request's base branch has no merge queue")
	case expected != "" && expected != p.headOID.String():
		return nil, unprocessable("Pull request's head has changed")
	case p.entry() != nil:
		return nil, unprocessable("Pull request is already in the queue")
	}
	if err := r.obeysRules(p); err != nil && !r.forge.mayBypass(who) {
		return nil, unprocessable("Pull request is not ready: " + err.Error())
	}
	e := &queueEntry{id: r.forge.newID(), pull: p, by: who, at: r.forge.time()}
	r.queue = append(r.queue, e)
	p.note(event{kind: eventEnqueued, by: who})
	p.touch(who, "enqueue", short(p.headOID))
	return e, nil
}

// leaveQueue takes a pull request out of the queue; it may be in none. What
// comes after it is tried anew.
func (r *repo) leaveQueue(p *pull, who *user, reason string) *queueEntry {
	e := p.entry()
	if e == nil {
		return nil
	}
	r.queue = slices.DeleteFunc(r.queue, func(o *queueEntry) bool { return o == e })
	p.note(event{kind: eventDequeued, by: who, reason: reason, before: e.base})
	p.quietly(who, "dequeue", reason)
	p.announceAs(who, "dequeued", obj{"reason": hookReasons[reason]})
	return e
}

// hookReasons are the same words as webhooks have them.
var hookReasons = map[string]string{
	leftByHand: "MANUAL", leftChecks: "CI_FAILURE", leftTimeout: "CI_TIMEOUT", leftConflict: "MERGE_CONFLICT",
	leftMerged: "MERGE", leftCleared: "QUEUE_CLEARED",
}

// settle does what is due by itself: what people have told the forge to merge
// once it may, and the queue.
func (r *repo) settle() error {
	if r.archived {
		return nil
	}
	for _, p := range r.pulls {
		if p.autoMerge == nil || p.state != fleet.PullOpen || p.entry() != nil {
			continue
		}
		if err := r.mergeByItself(p); err != nil {
			return err
		}
	}
	for len(r.queue) > 0 {
		e := r.queue[0]
		if !r.rules.Queue {
			r.leaveQueue(e.pull, queueUser, leftCleared)
			continue
		}
		if more, err := r.try(e); err != nil || !more {
			return err
		}
	}
	return nil
}

func (r *repo) mergeByItself(p *pull) error {
	who, q := p.autoMerge, mergeRequest{method: r.methods[0]}
	if r.canMerge(p, q) != nil || r.obeysRules(p) != nil {
		return nil
	}
	p.autoMerge = nil
	if r.rules.Queue && p.base == r.defaultBranch {
		_, err := r.enqueue(who, p, "")
		return err
	}
	_, err := r.mergePull(who, p, q)
	return unlessRefused(err)
}

// unlessRefused leaves what is nobody's answer.
func unlessRefused(err error) error {
	if _, refused := errors.AsType[*Refusal](err); refused {
		return nil
	}
	return err
}

// try brings the first entry on, and says whether it has left the queue.
func (r *repo) try(e *queueEntry) (left bool, err error) {
	p, tip := e.pull, r.heads[r.defaultBranch]
	if e.head.IsZero() || e.base != tip {
		if p.merging, err = r.tryMerge(tip, p.headOID); err != nil {
			return false, err
		}
		e.head = plumbing.ZeroHash
		if p.merging.state != fleet.MergeableConflict {
			e.head, err = r.merged(queueUser, p, mergeRequest{method: cmp.Or(r.rules.QueueMethod, fleet.MergeCommit)})
		}
		if e.head.IsZero() || err != nil {
			r.leaveQueue(p, queueUser, leftConflict)
			return true, unlessRefused(err)
		}
		e.base, e.begun = tip, r.forge.now()
		r.begin(e.head)
	}
	states := slices.Collect(maps.Values(r.required(r.checks(e.head))))
	switch {
	case slices.Contains(states, "failing"):
		r.leaveQueue(p, queueUser, leftChecks)
	case !slices.Contains(states, "expected") && !slices.Contains(states, "pending"):
		return true, r.land(queueUser, p, e.head)
	case r.forge.now().Sub(e.begun) >= cmp.Or(r.rules.QueueTimeout, time.Hour):
		r.leaveQueue(p, queueUser, leftTimeout)
	default:
		return false, nil
	}
	return true, nil
}
