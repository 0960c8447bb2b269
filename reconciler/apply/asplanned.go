package apply

import (
	"context"
	"errors"
	"slices"

	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/forge"
	"github.com/portreeve/portreeve/reconciler/plan"
	"github.com/portreeve/portreeve/reconciler/rollout"
)

// Why a step is planned anew.
var (
	errNotAsPlanned = errors.New("its pull request has been opened, closed or merged since it was read")
	errNotReady     = errors.New("what its pull request has of reviews, checks or rules has changed since it was read")
)

// asPlanned looks whether the branch's pull request is still the one
// that was planned on, for those steps which neither a branch's commit nor a
// pull request's guards: in a large fleet minutes lie in between, and whoever
// has closed a pull request meanwhile shall find neither another one, nor its
// branch rewritten, nor our word on why we closed it; and whoever has reopened
// one shall not find it closed again, because its branch is gone. What is
// merged must also still be what the rules let be merged: of an identity that
// may pass them by the forge would not ask it.
func (a *Applier) asPlanned(ctx context.Context, repo *plan.Repo, s *rollout.Step) error {
	if s.Action == rollout.Reword || s.Action == rollout.Dequeue {
		return nil
	}
	branch := forge.Branch{Repo: s.Repo, Name: s.Branch}
	answer := a.Forge.PullRequests(ctx, []forge.Branch{branch})[branch]
	if answer.Err != nil {
		return answer.Err
	}
	before, now := repo.Pulls[s.Branch], answer.Value
	same := (before == nil) == (now == nil) && (now == nil || before.Number == now.Number && before.State == now.State)
	if s.Action == rollout.DeleteBranch { // after a step of the same plan that ended it
		same = now == nil || now.State == fleet.PullMerged || now.State == fleet.PullClosed && now.ClosedBy.Self
	}
	switch {
	case !same:
		return moved(s, errNotAsPlanned)
	case (s.Action == rollout.Merge || s.Action == rollout.Enqueue) && !asReady(repo.Rules, before, now):
		return moved(s, errNotReady)
	}
	return nil
}

func moved(s *rollout.Step, why error) error {
	return &fleet.Failure{Class: fleet.Moved, Op: string(s.Action), On: string(s.Repo), Err: why}
}

// asReady reports whether nothing has come up against a merge. What the forge
// still works out after its base moved tells nothing, where there are rules
// that it alone would tell of.
func asReady(r *fleet.Rules, before, now *fleet.PullRequest) bool {
	sees := r.UpToDate || r.Conversations || r.LastPushApproval || r.Approvals > 0 || len(r.Deployments) > 0
	switch {
	case now.Draft != before.Draft, now.Review != before.Review, now.AutoMerge != nil, now.Queued != nil && !r.Queue,
		now.Base != before.Base:
		return false
	case !r.Queue && (now.Held || sees && now.Mergeable != fleet.MergeableYes),
		r.UpToDate && !r.Queue && now.BaseCommit != before.BaseCommit:
		return false
	}
	return slices.EqualFunc(now.Checks, before.Checks, func(x, y fleet.Check) bool {
		return x.Name == y.Name && x.State == y.State && x.App == y.App
	})
}
