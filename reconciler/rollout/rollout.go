// Package rollout decides what happens now: from what a declaration wants of
// a target, what the target is seen to be, and the clock, it derives the
// state, the reason and the changes. It knows the whole life of a pull
// request and all limits on pace, for every kind alike, and it is pure.
package rollout

import (
	"fmt"
	"time"

	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/kind"
	"github.com/portreeve/portreeve/reconciler/transform"
)

// State is the one state of a (declaration, target, lane).
type State string

const (
	// Done: the target is as declared.
	Done State = "done"
	// Change: something is done about it in this pass; see the changes.
	Change State = "change"
	// Waiting: it goes on by itself, after a check, a limit, a moment.
	Waiting State = "waiting"
	// Review: an open pull request waits for people of the target.
	Review State = "review"
	// Blocked: it goes on only once a person acts; Next says who and how.
	Blocked State = "blocked"
	// Declined: a person said no.
	Declined State = "declined"
	// Frozen: the declaration is invalid at HEAD, paused, or writes are
	// halted; what is open stays.
	Frozen State = "frozen"
	// Failed: the target can't be read or edited.
	Failed State = "failed"
	// Out: the declaration does not concern the target; Reason says why.
	Out State = "out"
)

// States lists every state, the ones that need a person first.
var States = []State{Failed, Blocked, Frozen, Declined, Review, Waiting, Change, Done, Out}

// Outcome is what a person is told of a (declaration, target, lane).
type Outcome struct {
	Declaration fleet.ID     `json:"declaration"`
	Target      fleet.Target `json:"target"`
	Lane        fleet.Lane   `json:"lane,omitempty"`
	State       State        `json:"state"`
	// Reason says why it is so, without a final stop.
	Reason string `json:"reason"`
	// Next says what happens next, or who has to do what.
	Next string `json:"next,omitempty"`
	// Turn is when a change that waits for a limit comes.
	Turn *Turn `json:"turn,omitempty"`
	// Policies are those that hold it.
	Policies []string `json:"policies,omitempty"`
	// Because says why the target is one: "has go.mod".
	Because  string         `json:"because,omitempty"`
	What     []string       `json:"what,omitempty"`
	Effect   *kind.Effect   `json:"effect,omitempty"` // of what is not done yet
	Costs    []kind.Cost    `json:"costs,omitempty"`  // of what is not done yet
	Decides  fleet.TeamName `json:"decides,omitempty"`
	Pos      fleet.Pos      `json:"pos"`
	Revision fleet.Revision `json:"revision,omitempty"`
	// Stale is set when the declaration is invalid in the config repo: it is
	// enforced as it was at an older revision, or frozen.
	Stale *fleet.Stale `json:"stale,omitempty"`
	// Drift is set where somebody undid on the base what was as declared, and it
	// is left so.
	Drift *Drift   `json:"drift,omitempty"`
	Pull  *PullRef `json:"pullRequest,omitempty"`
	// Landed is when what was last done for it came to its target; zero where that is
	// not known.
	Landed time.Time `json:"landed,omitzero"`
}

// PullRef names a pull request.
type PullRef struct {
	Number int             `json:"number"`
	URL    string          `json:"url"`
	State  fleet.PullState `json:"state"`
}

// Action is the sort of a step.
type Action string

// Actions, in the order in which one repo's are carried out.
const (
	Open         Action = "open"          // push a branch, open its pull request
	Update       Action = "update"        // push the branch anew, set the text
	Reword       Action = "reword"        // set the text alone
	Merge        Action = "merge"         //
	Enqueue      Action = "enqueue"       // into the merge queue
	Dequeue      Action = "dequeue"       // out of it
	Close        Action = "close"         // comment why, close
	DeleteBranch Action = "delete-branch" // of a merged or closed pull request
	OpenIssue    Action = "open-issue"    // in the config repo, to ask people something, or to write it down
	EditIssue    Action = "edit-issue"    // one of those
	Grant        Action = "grant"         // write access
	Revoke       Action = "revoke"        // what was granted
	Apply        Action = "apply"         // to a cluster that is reached through no repo
	LetGo        Action = "let-go"        // of what was applied to one
)

// Refusal is the target's no to a step: the forge's rules, a hook, a file
// that can't be edited so. The step is not tried again before Until, unless
// something about it changes.
type Refusal struct {
	Reason string
	Until  time.Time
}

// Key is one for steps that would do the same to the same.
func (s *Step) Key() string {
	if s.Cluster != "" {
		return fmt.Sprintf("%s %s on %s at %s for %s", s.Action, s.Declaration, s.Cluster, s.Seen, s.Wants)
	}
	return fmt.Sprintf("%s %s %s #%d at %s on %s for %s", s.Action, s.Repo, s.Branch, s.Number, s.Expect, s.Base, s.SpecHash)
}

// Target is what the step is about.
func (s *Step) Target() fleet.Target { return fleet.Target{Repo: s.Repo, Cluster: s.Cluster} }

// Step is one write that would bring the world nearer to what is wanted.
// Each names what it expects to find, and fails as fleet.Moved otherwise.
type Step struct {
	Action      Action         `json:"action"`
	Declaration fleet.ID       `json:"declaration"`
	Repo        fleet.RepoName `json:"repo"`
	// Cluster is that of Apply and LetGo, which are about no repo.
	Cluster fleet.ClusterName `json:"cluster,omitempty"`
	Lane    fleet.Lane        `json:"lane,omitempty"`
	Reason  string            `json:"reason"`
	What    []string          `json:"what,omitempty"`
	Pos     fleet.Pos         `json:"pos"`
	Branch  string            `json:"branch"`

	// Of Open and Update: the commit to build on, the branch's commit that
	// is expected (empty: no such branch), and the edits. Message lacks the
	// trailers, which apply adds once the tree is known.
	Base     fleet.CommitID   `json:"base,omitempty"`
	Expect   fleet.CommitID   `json:"expect,omitempty"`
	Edits    []transform.Edit `json:"-"`
	Message  string           `json:"message,omitempty"`
	SpecHash string           `json:"specHash,omitempty"`
	// Picks are made again on top of that commit, and Keeps are those of them
	// that are commits by people.
	Picks []fleet.Pick     `json:"-"`
	Keeps []fleet.CommitID `json:"keeps,omitempty"`

	// Of Apply, beside Edits: what the cluster was seen to hold, what is wanted of
	// it, where what runs there is told to reload (empty for nowhere), the files that a
	// restart alone takes up, and whether what others have changed since is put back.
	Seen     fleet.TreeID `json:"-"`
	Wants    string       `json:"wants,omitempty"`
	Reload   string       `json:"reload,omitempty"`
	Restarts []fleet.Path `json:"restarts,omitempty"`
	Gone     []fleet.Path `json:"gone,omitempty"`
	Ours     bool         `json:"ours,omitempty"`

	// Of Grant and Revoke: whose access, and the role that they had Before.
	Login  string     `json:"login,omitempty"`
	Before fleet.Role `json:"before,omitempty"`

	// Of all but Open. Expect is the commit the pull request must be at.
	Number int `json:"number,omitempty"`

	Title      string            `json:"title,omitempty"`
	Body       string            `json:"body,omitempty"`
	Labels     []string          `json:"labels,omitempty"`
	BaseBranch string            `json:"baseBranch,omitempty"`
	Method     fleet.MergeMethod `json:"method,omitempty"`
	Comment    string            `json:"comment,omitempty"`
}
