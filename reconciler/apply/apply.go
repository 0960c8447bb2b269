// Package apply carries out a plan. Every step names what it expects to
// find, so that any of them may be repeated, and a step that finds something
// else fails as fleet.Moved and is planned anew.
package apply

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/portreeve/portreeve/reconciler/cluster"
	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/forge"
	"github.com/portreeve/portreeve/reconciler/gitrepo"
	"github.com/portreeve/portreeve/reconciler/observe"
	"github.com/portreeve/portreeve/reconciler/plan"
	"github.com/portreeve/portreeve/reconciler/report"
	"github.com/portreeve/portreeve/reconciler/rollout"
)

// repos is the default of Workers.
const repos = 8

// stepTime bounds one step.
const stepTime = 2 * time.Minute

// lostTime is how much of each worker's time a pass loses to steps that the
// outside lets fail, most of all by not answering. Then the rest is put off.
const lostTime = 5 * time.Minute

// Applier carries out plans.
type Applier struct {
	Forge  forge.Forge
	Git    *gitrepo.Client
	Author gitrepo.Signature // When is set at each commit
	// SignOff has the author sign each commit off, as projects under the
	// Developer Certificate of Origin ask.
	SignOff bool
	Now     func() time.Time
	// Workers is how many repos are written at once, by default 8; with 1 the
	// steps are taken in the order of the plan.
	Workers int
	// Before is told of each step before it is taken; it may be nil.
	Before func(step *rollout.Step)
	// Progress is told of each step that has been taken; it may be nil.
	Progress func(result Result, done, of int)

	// Clusters reaches clusters that are reached through no repo.
	Clusters cluster.Set

	mu      sync.Mutex
	refused map[string]rollout.Refusal
	hung    map[fleet.Target]bool // a step took long, and failed
}

// Result is a step and how it went.
type Result struct {
	Step rollout.Step
	URL  string // of the pull request, where it is known
	Err  error
}

// Run takes the steps of a plan: those of one repo or cluster in their order, a
// failed one ending that repo's; many at once. A plan that is halted has none
// taken. Run returns early, after the steps under way, when ctx ends, and when
// a limit of the forge stands in a step's way: it would stand in that of all
// others. Those that had not begun by then have no result. When too much time
// is lost to steps that fail, those that are left fail as put off; repos that
// made it so come last in the next plan.
func (a *Applier) Run(ctx context.Context, w *plan.World, p *plan.Plan) []Result {
	if p.Halted != "" {
		return nil
	}
	var order []fleet.Target
	by := map[fleet.Target][]int{}
	for n, s := range p.Steps {
		if len(by[s.Target()]) == 0 {
			order = append(order, s.Target())
		}
		by[s.Target()] = append(by[s.Target()], n)
	}
	order = a.hungLast(order)
	results := make([]Result, len(p.Steps))
	var group errgroup.Group
	workers := cmp.Or(a.Workers, repos)
	group.SetLimit(workers)
	var lost atomic.Int64
	var mu sync.Mutex
	var limited atomic.Bool
	done := 0
	for _, target := range order {
		group.Go(func() error {
			for _, n := range by[target] {
				if ctx.Err() != nil || limited.Load() {
					return nil
				}
				step := &p.Steps[n]
				if lost.Load() > int64(workers)*int64(lostTime) {
					results[n] = Result{Step: *step, Err: putOff(step)}
				} else {
					began := a.Now()
					results[n] = a.step(ctx, w, step)
					lost.Add(int64(a.note(&results[n], a.Now().Sub(began))))
				}
				mu.Lock()
				done++
				if a.Progress != nil {
					a.Progress(results[n], done, len(p.Steps))
				}
				mu.Unlock()
				if results[n].Err != nil {
					if fleet.ClassOf(results[n].Err) == fleet.Limited {
						limited.Store(true)
					}
					return nil // the rest of this repo is planned anew
				}
			}
			return nil
		})
	}
	_ = group.Wait() // no goroutine returns an error
	taken := results[:0]
	for _, r := range results {
		if r.Step.Action != "" {
			taken = append(taken, r)
		}
	}
	return taken
}

// step takes one step.
func (a *Applier) step(ctx context.Context, w *plan.World, s *rollout.Step) Result {
	r, repo := Result{Step: *s}, w.Repos[s.Repo]
	if s.Branch != "" && s.Action != rollout.Open {
		if pull := repo.Pulls[s.Branch]; pull != nil {
			r.URL = pull.URL
		}
	}
	if a.Before != nil {
		a.Before(s)
	}
	// A step that has begun is ended, also when ctx is: half a step costs
	// the next pass more than its own end costs this one.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), stepTime)
	defer cancel()
	if s.Cluster != "" {
		r.Err = a.onCluster(ctx, w, s)
		return r
	}
	if s.Branch == "" { // it is about no pull request, and the repo may not be of the fleet
		r.URL, r.Err = a.aside(ctx, s)
		return r
	}
	if r.Err = a.asPlanned(ctx, repo, s); r.Err != nil {
		return r
	}
	text := forge.Text{Title: s.Title, Body: s.Body, Labels: s.Labels}
	switch s.Action {
	case rollout.Open:
		if r.Err = a.push(ctx, repo, s); r.Err == nil {
			r.URL, r.Err = a.open(ctx, s)
		}
	case rollout.Update:
		if r.Err = a.push(ctx, repo, s); r.Err == nil {
			r.Err = a.Forge.EditPull(ctx, s.Repo, s.Number, text)
		}
	case rollout.Reword:
		r.Err = a.Forge.EditPull(ctx, s.Repo, s.Number, text)
	case rollout.Merge:
		r.Err = a.Forge.MergePull(ctx, s.Repo, s.Number, s.Expect, s.Method)
	case rollout.Enqueue:
		r.Err = a.Forge.EnqueuePull(ctx, s.Repo, s.Number, s.Expect)
	case rollout.Dequeue:
		r.Err = a.Forge.DequeuePull(ctx, s.Repo, s.Number)
	case rollout.Close:
		if s.Comment != "" {
			r.Err = a.Forge.Comment(ctx, s.Repo, s.Number, s.Comment)
		}
		if r.Err == nil {
			r.Err = a.Forge.ClosePull(ctx, s.Repo, s.Number)
		}
	case rollout.DeleteBranch:
		r.Err = a.Git.Push(ctx, observe.Remote(a.Forge, repo.Listing), nil, gitrepo.RefUpdate{Branch: s.Branch, Old: s.Expect})
	default:
		r.Err = fmt.Errorf("apply: unknown action %q", s.Action)
	}
	return r
}

// open opens a pull request. Its labels are another write, and its text tells
// of them only then: so it is seen if they were never put on.
func (a *Applier) open(ctx context.Context, s *rollout.Step) (url string, err error) {
	text := forge.Text{Title: s.Title, Body: report.Unlabelled(s.Body)}
	opened, err := a.Forge.OpenPull(ctx, s.Repo, forge.NewPull{Text: text, Head: s.Branch, Base: s.BaseBranch})
	if err == nil && len(s.Labels) > 0 {
		err = a.Forge.EditPull(ctx, s.Repo, opened.Number, forge.Text{Body: s.Body, Labels: s.Labels})
	}
	return opened.URL, err
}

// aside takes a step that is about no pull request.
func (a *Applier) aside(ctx context.Context, s *rollout.Step) (url string, err error) {
	switch s.Action {
	case rollout.OpenIssue:
		opened, err := a.Forge.OpenIssue(ctx, s.Repo, forge.NewIssue{Title: s.Title, Body: s.Body})
		return opened.URL, err
	case rollout.EditIssue:
		return "", a.Forge.EditIssue(ctx, s.Repo, s.Number, s.Body)
	case rollout.Grant:
		return "", a.Forge.Grant(ctx, s.Repo, s.Login)
	case rollout.Revoke:
		return "", a.Forge.Revoke(ctx, s.Repo, s.Login, s.Before)
	}
	return "", fmt.Errorf("apply: unknown action %q", s.Action)
}

// push makes the step's commit and moves the branch to it. A step without
// edits has its commit on the branch already.
func (a *Applier) push(ctx context.Context, repo *plan.Repo, s *rollout.Step) error {
	if len(s.Edits) == 0 {
		return nil
	}
	remote := observe.Remote(a.Forge, repo.Listing)
	base, ok := repo.Tree.(*gitrepo.Snapshot)
	if !ok {
		var err error
		if base, err = a.Git.Open(ctx, remote, s.Base); err != nil {
			return err
		}
	}
	author := a.Author
	author.When = a.Now()
	commit, err := a.commit(ctx, remote, base, s, author, func(tree fleet.TreeID) string {
		t := rollout.Trailers{Declaration: s.Declaration, Spec: s.SpecHash, Base: s.Base, Tree: tree}
		if a.SignOff {
			t.SignOff = author.String()
		}
		return t.Append(s.Message)
	})
	if err != nil {
		return err
	}
	return a.Git.Push(ctx, remote, commit, gitrepo.RefUpdate{Branch: s.Branch, Old: s.Expect, New: commit.ID})
}

// commit makes the step's commit, and on top of it those that are picked.
func (a *Applier) commit(ctx context.Context, remote gitrepo.Remote, base *gitrepo.Snapshot, s *rollout.Step, by gitrepo.Signature, message func(fleet.TreeID) string) (*gitrepo.Commit, error) {
	if len(s.Picks) == 0 {
		if err := a.Git.Load(ctx, remote, base, gitrepo.CommitPaths(s.Edits)); err != nil {
			return nil, err
		}
		return a.Git.Commit(base, s.Edits, by, message)
	}
	replayed, stop, err := a.Git.Replay(ctx, remote, base, s.Edits, s.Picks)
	switch {
	case err != nil:
		return nil, err
	case stop != nil: // it was planned on what the same replay gave
		return nil, &fleet.Failure{Class: fleet.Permanent, Op: string(s.Action), On: string(s.Repo), Err: errors.New(stop.Why)}
	}
	return a.Git.CommitReplayed(replayed, by, message)
}
