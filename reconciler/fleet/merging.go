package fleet

import "time"

// Rules are what a repo asks of a pull request into its default branch, by
// its settings, branch protection, and the rulesets of repo and organisation.
// Whether the identity that reads them may pass them by is of no account: who
// may, must not.
type Rules struct {
	// Unread says why they can't be read, and what would let them be; empty
	// if they were. While they are unread nothing is merged.
	Unread string

	RequiredChecks []RequiredCheck // sorted by name, then App; each once
	UpToDate       bool            // a head must contain its base's newest commit
	// MergeMethods are those that settings and rules both allow.
	MergeMethods []MergeMethod
	Approvals    int // by people who may write
	// LastPushApproval asks for an approval of the newest commit by another
	// than who pushed it.
	LastPushApproval bool
	Conversations    bool     // must be resolved
	Signatures       bool     // of commits must be verified
	Deployments      []string // environments that the head must be deployed to; sorted
	Locked           bool     // nothing is merged at all
	Queue            bool     // merges go through a merge queue
	// Unjudged are further rules, by the forge's names, sorted, which nobody
	// here can judge, and which would not hold our identity up.
	Unjudged []string
}

// RequiredCheck is a check that must be green.
type RequiredCheck struct {
	Name string
	App  int64 // that must have reported it; 0 for any
}

// By reports whether a check is the one that is required: one of its name
// that another App reported is not.
func (r RequiredCheck) By(c Check) bool {
	return c.Name == r.Name && (r.App == 0 || c.App == r.App)
}

// MergeMethod is how a pull request becomes part of its base.
type MergeMethod string

const (
	MergeCommit MergeMethod = "merge"
	MergeSquash MergeMethod = "squash"
	MergeRebase MergeMethod = "rebase"
)

// Signature is the forge's word on a commit's signature.
type Signature string

const (
	SignatureNone       Signature = "" // it has none
	SignatureVerified   Signature = "verified"
	SignatureUnverified Signature = "unverified"
)

// QueueEntry is a pull request's place in a merge queue.
type QueueEntry struct {
	Position int // from 1
	State    QueueState
	By       Actor // who put it there
	Since    time.Time
	// Estimate is how long the forge thinks that it takes; 0 if it can't say.
	Estimate time.Duration
}

// QueueState is what a merge queue does with an entry.
type QueueState string

const (
	QueueWaiting     QueueState = "waiting"     // for those before it
	QueueChecking    QueueState = "checking"    // checks run on it, merged
	QueueMergeable   QueueState = "mergeable"   // it is about to be merged
	QueueUnmergeable QueueState = "unmergeable" // it is about to be removed
	QueueLocked      QueueState = "locked"      // it is being merged
)

// Readiness is what a pull request has of that which only some rules ask for.
// It is read just before a merge, and only where it counts.
type Readiness struct {
	Unresolved int // conversations
	// Approvals are those that count: each of somebody who may write, and
	// who has said nothing else since.
	Approvals []Approval
	Deployed  []string // environments that the head is deployed to, sorted
	// Dequeued is how the pull request left the merge queue, nil if it was in
	// none, or has been there, or at another head, since.
	Dequeued *Dequeued
}

// Approval is an approving review.
type Approval struct {
	By     Actor
	Commit CommitID // that was looked at
}

// Dequeued is the removal of a pull request from a merge queue.
type Dequeued struct {
	At     time.Time
	By     Actor
	Reason DequeueReason
	Said   string // the forge's word for it
}

// DequeueReason is why a merge queue lost a pull request.
type DequeueReason string

const (
	DequeuedByHand   DequeueReason = "by-hand"
	DequeuedChecks   DequeueReason = "checks"   // failed, merged into the base, or took too long
	DequeuedConflict DequeueReason = "conflict" // with the base, or with one before it
	DequeuedMerged   DequeueReason = "merged"   // which may show a moment before the merge
	DequeuedOther    DequeueReason = "other"
)
