package rollout

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"time"

	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/kind"
	"github.com/portreeve/portreeve/reconciler/transform"
)

// Item is all that deciding on one (declaration, repo, lane) may know.
type Item struct {
	ID          fleet.ID
	Lane        fleet.Lane
	Declaration *fleet.Declaration // nil when it is gone from the config repo
	Owns        bool               // its kind owns the paths that it writes
	Want        kind.Want
	// Rollout is how the declaration goes over its clusters, and Wave the one that
	// this is of; nil where it goes at once.
	Rollout *fleet.Rollout
	Wave    int

	// Direct is set for a cluster that is reached through no repo; what is said of
	// a repo is then empty.
	Direct *Direct

	Listing fleet.Repo
	Head    fleet.Head
	Branch  *fleet.Branch      // nil when there is none
	Pull    *fleet.PullRequest // newest of Branch's name, nil when there is none
	Rules   *fleet.Rules       // nil while unknown
	Ready   *fleet.Readiness   // of Pull, nil while unknown
	// Wrong is what the forge finds wrong in the CODEOWNERS of Pull's head, and
	// not in its base's; nil while unknown.
	Wrong *[]fleet.OwnersError
	// Editions are the newest states, on the base, of the files of CODEOWNERS
	// that were asked about.
	Editions map[fleet.Path][]fleet.Edition
	// Workflows tells whether a workflow of the repo runs on pull requests;
	// nil while unknown.
	Workflows *bool

	// History is what Pull's branch has and its base has not, and Replayed
	// what becomes of the commits by people when ours is made anew beneath
	// them; nil while unknown.
	History  *fleet.History
	Replayed *fleet.Replayed

	// BotCloses is how many pull requests in a row bots had closed before Pull
	// was opened, as its text says.
	BotCloses int

	// Clash says which other declaration owns a path that this one edits.
	Clash string
	// Hold says why nothing new is done, if policies want it so; nil if they
	// do not.
	Hold *Hold

	// Text is the wanted text of the pull request; SameText says that the
	// pull request shows it already, if in other words.
	Text     Text
	SameText bool
}

// Text is what a pull request should say.
type Text struct {
	Title, Body, Message string
	// Labels are to be put on: all when it is opened, later those that the
	// declaration has begun to name. What a person took off stays off.
	Labels []string
}

// Questions are what deciding can't go on without.
type Questions struct {
	Rules     bool
	Workflows bool
	Readiness bool
	Wrong     bool
	Editions  fleet.Path // of which the history is to be read
	History   bool
	Replay    *Replay
}

// Replay asks what becomes of the commits of a branch when ours is made anew
// beneath them: Edits on Base, and then Picks.
type Replay struct {
	Branch string
	Head   fleet.CommitID // of the branch
	Base   fleet.CommitID
	Edits  []transform.Edit
	Picks  []fleet.Pick
}

// Key is one for questions with one answer.
func (r *Replay) Key() string {
	h := sha256.New()
	fmt.Fprintf(h, "%s\n%s\n\n", r.Head, r.Base) // which say what the picks are
	for _, e := range r.Edits {
		fmt.Fprintf(h, "%q %t %t %d\n", e.Path, e.Delete, e.Executable, len(e.Content))
		_, _ = h.Write(e.Content) // a hash never fails
	}
	return hex.EncodeToString(h.Sum(nil))
}

// Settings are what holds for all items of a pass.
type Settings struct {
	Now  time.Time
	Mode fleet.Mode
	// OnDrift counts where a want says nothing of it; empty is to enforce.
	OnDrift fleet.Drift
	// Settle is how long a commit's first checks are given to be followed by
	// others, where no list of required ones says what is to come.
	Settle time.Duration
	// Signs says that the commits that are made now are signed.
	Signs bool
	// Revision of the config repo, for comments.
	Revision fleet.Revision
	// Closing words the comment on a pull request that we close. Its last
	// line depends on the reason alone.
	Closing func(id fleet.ID, reason string) string
	// IsClosing reports whether a comment is one that Closing worded.
	IsClosing func(comment string) bool
}

// Decision is what was decided on an item.
type Decision struct {
	Outcome   Outcome
	Steps     []Step
	Questions Questions
}

// Target is what the item is about.
func (i *Item) Target() fleet.Target {
	if i.Direct != nil {
		return fleet.Target{Cluster: i.Direct.Cluster}
	}
	return fleet.Target{Repo: i.Listing.Name}
}

// BranchName is the item's branch.
func (i *Item) BranchName() string { return fleet.BranchName(i.ID, i.Lane) }

// Hash is what the item's commit is for: it changes when the commit has to be
// made anew. It covers the declaration's effect and the paths that are
// edited, and for owned paths what of their content counts, too. It does not cover the
// content of patched paths, which follows the base: a base that moves on
// causes no commit of its own.
func (i *Item) Hash() string {
	h := sha256.New()
	if i.Declaration != nil {
		fmt.Fprintf(h, "%s\n%s\n", i.ID, i.Declaration.SpecHash)
	}
	for _, e := range i.Want.Edits {
		fmt.Fprintf(h, "%q %t\n", e.Path, e.Delete)
		if i.Owns && !e.Delete {
			content := e.Counted()
			fmt.Fprintf(h, "%t %d\n", e.Executable, len(content))
			_, _ = h.Write(content) // a hash never fails
		}
	}
	return hex.EncodeToString(h.Sum(nil)[:8])
}

// outcome starts an outcome of the item.
func (i *Item) outcome(state State, next, reason string, args ...any) Outcome {
	o := Outcome{
		Declaration: i.ID, Target: i.Target(), Lane: i.Lane,
		State: state, Reason: fmt.Sprintf(reason, args...), Next: next,
		Because: i.Want.Because, What: i.Want.What, Effect: i.Want.Effect, Costs: i.Want.Costs, Decides: i.Want.Decides,
	}
	if i.Direct != nil {
		o.Lane = "" // the target is the lane
	}
	if i.Declaration != nil {
		o.Pos, o.Revision, o.Stale = i.Declaration.Pos, i.Declaration.Revision, i.Declaration.Stale
	}
	o.Landed, _ = i.Landed()
	if i.Pull != nil {
		o.Pull = &PullRef{i.Pull.Number, i.Pull.URL, i.Pull.State}
	}
	return o
}

// step starts a step of the item.
func (i *Item) step(action Action, reason string) Step {
	s := Step{
		Action: action, Declaration: i.ID, Repo: i.Listing.Name, Lane: i.Lane,
		Reason: reason, What: i.Want.What, Branch: i.BranchName(),
		BaseBranch: i.Listing.DefaultBranch,
	}
	if i.Direct != nil {
		s.Cluster, s.Lane, s.Branch = i.Direct.Cluster, "", ""
	}
	if i.Declaration != nil {
		s.Pos = i.Declaration.Pos
	}
	if i.Pull != nil {
		s.Number, s.Expect = i.Pull.Number, i.Pull.HeadCommit
	}
	return s
}

// commit fills in the commit that a step pushes.
func (i *Item) commit(s Step, expect fleet.CommitID) Step {
	s.Base, s.Expect, s.Edits = i.Head.Commit, expect, i.Want.Edits
	s.Message, s.SpecHash = i.Text.Message, i.Hash()
	return i.text(s)
}

// text fills in what the pull request says.
func (i *Item) text(s Step) Step {
	s.Title, s.Body, s.Labels = i.Text.Title, i.Text.Body, i.Text.Labels
	return s
}

// Age says how long ago t was, in the unit people would use.
func Age(now, t time.Time) string {
	d := now.Sub(t)
	switch {
	case d < 2*time.Minute:
		return "under 2 minutes"
	case d < 2*time.Hour:
		return fmt.Sprintf("%d minutes", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%d hours", int(d.Hours()))
	}
	return fmt.Sprintf("%d days", int(d.Hours()/24))
}
