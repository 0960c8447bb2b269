package observe

import (
	"context"
	"slices"

	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/forge"
	"github.com/portreeve/portreeve/reconciler/gitrepo"
	"github.com/portreeve/portreeve/reconciler/plan"
	"github.com/portreeve/portreeve/reconciler/rollout"
)

// walked is what was found between two commits, and what came of making it
// again: both are always the same.
type walked struct {
	history  *fleet.History
	replay   string // its key
	replayed *fleet.Replayed
}

// walk reads branches that people worked on, commit by commit.
func (o *Observer) walk(ctx context.Context, r *plan.Repo, n *plan.Need) error {
	for _, branch := range n.Histories {
		h, err := o.history(ctx, r, branch)
		if err != nil {
			return err
		}
		if r.Histories == nil {
			r.Histories = map[string]*fleet.History{}
		}
		r.Histories[branch] = h
	}
	for i := range n.Replays {
		replayed, err := o.replay(ctx, r, &n.Replays[i])
		if err != nil {
			return err
		}
		if r.Replays == nil {
			r.Replays = map[string]*fleet.Replayed{}
		}
		r.Replays[n.Replays[i].Branch] = replayed
	}
	return nil
}

// history reads what a branch has and its base has not. A failure that won't
// pass by itself is an answer: it is this branch's alone.
func (o *Observer) history(ctx context.Context, r *plan.Repo, branch string) (*fleet.History, error) {
	at := slices.IndexFunc(r.Head.Branches, func(b fleet.Branch) bool { return b.Name == branch })
	if at < 0 {
		return &fleet.History{Unread: "the branch is gone"}, nil
	}
	key, head := forge.Branch{Repo: r.Listing.Name, Name: branch}, r.Head.Branches[at].Commit
	if kept := o.kept(key); kept != nil && kept.history.Base == r.Head.Commit && kept.history.Head == head {
		return kept.history, nil
	}
	h, err := o.Git.History(ctx, Remote(o.Forge, r.Listing), r.Head.Commit, head)
	switch {
	case err == nil:
		o.keep(key, &walked{history: h})
	case fleet.ClassOf(err) == fleet.Permanent:
		return &fleet.History{Unread: err.Error()}, nil
	}
	return h, err
}

// replay finds out what becomes of commits that are made again.
func (o *Observer) replay(ctx context.Context, r *plan.Repo, q *rollout.Replay) (*fleet.Replayed, error) {
	key, answer := forge.Branch{Repo: r.Listing.Name, Name: q.Branch}, q.Key()
	kept := o.kept(key)
	if kept != nil && kept.replay == answer {
		return kept.replayed, nil
	}
	base, _ := r.Tree.(*gitrepo.Snapshot)
	made, stop, err := o.Git.Replay(ctx, Remote(o.Forge, r.Listing), base, q.Edits, q.Picks)
	replayed := &fleet.Replayed{Stop: stop}
	switch {
	case fleet.ClassOf(err) == fleet.Permanent && err != nil:
		return &fleet.Replayed{Stop: &fleet.Stop{Commit: q.Picks[0].Commit, Why: err.Error()}}, nil
	case err != nil:
		return nil, err
	case stop == nil:
		replayed.Kept = made.Kept()
	}
	if kept != nil {
		o.keep(key, &walked{kept.history, answer, replayed})
	}
	return replayed, nil
}

func (o *Observer) kept(branch forge.Branch) *walked {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.walks[branch]
}

func (o *Observer) keep(branch forge.Branch, w *walked) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.walks == nil {
		o.walks = map[forge.Branch]*walked{}
	}
	o.walks[branch] = w
}
