package observe

import (
	"cmp"
	"context"
	"fmt"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/forge"
	"github.com/portreeve/portreeve/reconciler/gitrepo"
	"github.com/portreeve/portreeve/reconciler/plan"
)

// fetches is the default of Workers; more gains nothing.
const fetches = 16

// fetchTime bounds how long repos are read in one round of questions. Each
// request has a bound of its own, but many repos that hang would add up.
const fetchTime = 5 * time.Minute

// fetch reads trees, files and branches of many repos at once.
func (o *Observer) fetch(ctx context.Context, w *plan.World, needs []plan.Need) {
	if len(needs) == 0 {
		return
	}
	byRepo := map[fleet.RepoName]*plan.Need{}
	var order []fleet.RepoName
	for _, n := range needs {
		if byRepo[n.Repo] == nil {
			byRepo[n.Repo] = &plan.Need{}
			order = append(order, n.Repo)
		}
		all := byRepo[n.Repo]
		all.Tree, all.All, all.Files = all.Tree || n.Tree, all.All || n.All, append(all.Files, n.Files...)
		all.Histories, all.Replays = append(all.Histories, n.Histories...), append(all.Replays, n.Replays...)
	}
	order = o.badLast(order)
	bounded, cancel := context.WithTimeout(ctx, fetchTime)
	defer cancel()
	var group errgroup.Group
	group.SetLimit(cmp.Or(o.Workers, fetches))
	var mu sync.Mutex
	done := 0
	for _, name := range order {
		r, need := w.Repos[name], byRepo[name]
		group.Go(func() error {
			err := o.inTime(ctx, bounded, r, need)
			note(r, err) // each goroutine has a repo of its own
			mu.Lock()
			defer mu.Unlock()
			done++
			o.progress("reading repos", done, len(order))
			return nil
		})
	}
	_ = group.Wait() // no goroutine returns an error
}

// inTime reads a repo until bounded ends, and remembers whether that went well.
// One that had not begun by then is not to blame.
func (o *Observer) inTime(ctx, bounded context.Context, r *plan.Repo, need *plan.Need) error {
	late := &fleet.Failure{
		Class: fleet.Transient, Op: "read", On: string(r.Listing.Name),
		Err: fmt.Errorf("reading repos took longer than %v", fetchTime),
	}
	if bounded.Err() != nil && ctx.Err() == nil {
		return late
	}
	err := o.read(bounded, r, need)
	if ctx.Err() != nil {
		return err
	}
	o.markBad(r.Listing.Name, err)
	if err != nil && bounded.Err() != nil {
		return late
	}
	return err
}

// badLast puts those that could not be read last time at the end.
func (o *Observer) badLast(order []fleet.RepoName) []fleet.RepoName {
	o.mu.Lock()
	defer o.mu.Unlock()
	var good, bad []fleet.RepoName
	for _, name := range order {
		if o.bad[name] {
			bad = append(bad, name)
		} else {
			good = append(good, name)
		}
	}
	return append(good, bad...)
}

func (o *Observer) markBad(name fleet.RepoName, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if err == nil {
		delete(o.bad, name)
		return
	}
	if o.bad == nil {
		o.bad = map[fleet.RepoName]bool{}
	}
	o.bad[name] = true
}

func (o *Observer) read(ctx context.Context, r *plan.Repo, need *plan.Need) error {
	if need.Tree || need.All || len(need.Files) > 0 || len(need.Replays) > 0 {
		if err := o.readTree(ctx, r, need); err != nil {
			return err
		}
	}
	return o.walk(ctx, r, need)
}

func (o *Observer) readTree(ctx context.Context, r *plan.Repo, need *plan.Need) (err error) {
	remote := Remote(o.Forge, r.Listing)
	tree, known := r.Tree.(*gitrepo.Snapshot)
	switch {
	case need.All && known:
		err = o.Git.List(ctx, remote, tree)
	case need.All:
		tree, err = o.Git.Snapshot(ctx, remote, r.Head.Commit)
	case !known:
		tree, err = o.Git.Open(ctx, remote, r.Head.Commit)
	}
	if err != nil {
		return err
	}
	r.Tree = tree
	return o.Git.Load(ctx, remote, tree, need.Files)
}

// Remote is how to reach a repo of a forge over Git.
func Remote(f forge.Forge, listing fleet.Repo) gitrepo.Remote {
	return gitrepo.Remote{
		Name: listing.Name, URL: listing.CloneURL,
		Auth: func(ctx context.Context) (string, string, error) { return f.Credentials(ctx, listing.Name) },
	}
}
