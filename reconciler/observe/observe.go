// Package observe builds the world that planning sees: what the forge lists,
// where each repo stands, and the answers to what planning asks, in batches.
// What fails for one repo is noted in that repo and harms no other.
package observe

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/portreeve/portreeve/reconciler/cluster"
	"github.com/portreeve/portreeve/reconciler/declare"
	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/forge"
	"github.com/portreeve/portreeve/reconciler/gitrepo"
	"github.com/portreeve/portreeve/reconciler/metrics"
	"github.com/portreeve/portreeve/reconciler/plan"
)

// Observer reads the world. It keeps between passes only what can't have
// changed (ended pull requests whose branch is gone, and what stands between
// two commits), the catalog for as long as its interval, and for some minutes who
// may own code; and which repos could not be read last time: those are read after
// the others.
type Observer struct {
	Forge forge.Forge
	Git   *gitrepo.Client
	Now   func() time.Time
	// ConfigRepo is the config repo's name on the forge; empty for none.
	ConfigRepo fleet.RepoName
	// Settle and Signs are plan.World's.
	Settle time.Duration
	Signs  bool
	// Catalog makes the reader of the catalog that settings name; nil for none.
	// CatalogWait is how long a pass waits for it.
	Catalog     func(*fleet.Backstage) Catalog
	CatalogWait time.Duration
	// Metrics asks Prometheuses.
	Metrics metrics.Client
	// Clusters reaches those that are reached through no repo.
	Clusters cluster.Set
	// Progress is told what is under way; it may be nil.
	Progress func(doing string, done, of int)
	// Workers is how many repos are read over Git at once, by default 16; with
	// 1 the order is always the same.
	Workers int

	mu    sync.Mutex
	ended map[forge.Branch]*fleet.PullRequest
	bad   map[fleet.RepoName]bool
	walks map[forge.Branch]*walked
	may   map[forge.Account]reached
	past  map[forge.File]past

	looked *look // at the catalog; of one pass at a time
}

// World lists the fleet and reads where each repo stands. It fails only if
// the fleet can't be listed.
func (o *Observer) World(ctx context.Context, config *fleet.Config) (*plan.World, error) {
	o.progress("listing repos", 0, 0)
	listed, err := o.Forge.Repos(ctx, config.Settings.Org, config.Settings.Repos)
	if err != nil {
		return nil, err
	}
	w := &plan.World{Now: o.Now(), Config: config, ConfigRepo: o.ConfigRepo, Repos: make(map[fleet.RepoName]*plan.Repo, len(listed)), Settle: o.Settle, Signs: o.Signs, TakeOver: declare.TakeOver, Assign: declare.Assign}
	var names []fleet.RepoName
	for _, listing := range listed {
		r := &plan.Repo{Listing: listing, Out: config.Settings.Excludes(listing.Name), Pulls: map[string]*fleet.PullRequest{}}
		w.Repos[listing.Name] = r
		if r.Out == "" {
			names = append(names, listing.Name)
		}
	}
	if err := o.renamed(ctx, w, listed); err != nil {
		return nil, err
	}
	o.progress("reading heads", 0, len(names))
	asked := names
	if o.ConfigRepo != "" && !slices.Contains(names, o.ConfigRepo) {
		asked = append(slices.Clone(names), o.ConfigRepo)
	}
	heads := o.Forge.Heads(ctx, asked)
	for _, name := range names {
		r := w.Repos[name]
		r.Head = heads[name].Value
		note(r, heads[name].Err)
	}
	answer := heads[o.ConfigRepo]
	if answer.Err == nil {
		w.ConfigHead = answer.Value
	}
	if err := o.configRepo(ctx, w, answer.Err); err != nil {
		return nil, err
	}
	o.catalog(ctx, w)
	o.recall(w)
	w.Allowance = o.Forge.Allowance()
	return w, ctx.Err()
}

// renamed looks which names that the config uses lead to a repo of another
// name. Only those are asked for that the listing lacks.
func (o *Observer) renamed(ctx context.Context, w *plan.World, listed []fleet.Repo) error {
	w.Renamed = map[fleet.RepoName]fleet.RepoName{}
	note := func(found []fleet.Repo) {
		for _, r := range found {
			for _, former := range r.Formerly {
				w.Renamed[former] = r.Name
			}
		}
	}
	note(listed)
	known := map[string]bool{} // names that differ in case alone are one
	for _, r := range listed {
		known[strings.ToLower(string(r.Name))] = true
		for _, former := range r.Formerly {
			known[strings.ToLower(string(former))] = true
		}
	}
	var missing []fleet.RepoName
	for _, d := range w.Config.Declarations {
		repo := d.Owns
		if d.Cluster != nil {
			repo = d.Cluster.Repo()
		}
		if name := strings.ToLower(string(repo)); name != "" && d.Frozen == nil && !known[name] {
			missing = append(missing, repo)
			known[name] = true
		}
	}
	if len(missing) == 0 || w.Config.Settings.Invalid != nil {
		return nil
	}
	slices.Sort(missing)
	found, err := o.Forge.Repos(ctx, "", missing)
	note(found)
	return err
}

// Answer answers what planning needs, into the world. A repo that can't
// answer is marked with the reason, so that it isn't asked again.
func (o *Observer) Answer(ctx context.Context, w *plan.World, needs []plan.Need) error {
	var fetch []plan.Need
	var branches []forge.Branch
	var rules []fleet.RepoName
	var ready []forge.Pull
	var collaborators []fleet.RepoName
	var accounts []forge.Account
	var commits []forge.Commit
	var files []forge.File
	for _, n := range needs {
		switch {
		case n.OpenedToday:
			o.openedToday(ctx, w)
		case n.ConfigRepo:
			o.showConfigRepo(ctx, w)
		case n.Collaborators:
			collaborators = append(collaborators, n.Repo)
		case n.Issues:
			o.issues(ctx, w)
		case len(n.Queries) > 0:
			o.queries(ctx, w, n.Queries)
		case len(n.Running) > 0:
			o.running(ctx, w, n.Running)
		case len(n.Clusters) > 0:
			o.clusters(ctx, w, n.Clusters)
		case len(n.Trials) > 0:
			o.try(ctx, w, n.Trials)
		case n.Rules:
			rules = append(rules, n.Repo)
		case len(n.Accounts) > 0:
			for _, name := range n.Accounts {
				accounts = append(accounts, forge.Account{Repo: n.Repo, Name: name})
			}
		case len(n.Branches) == 0:
			fetch = append(fetch, n)
		}
		for _, path := range n.Editions {
			files = append(files, forge.File{Repo: n.Repo, Path: path})
		}
		for _, id := range n.Wrong {
			commits = append(commits, forge.Commit{Repo: n.Repo, ID: id})
		}
		for _, number := range n.Ready {
			ready = append(ready, forge.Pull{Repo: n.Repo, Number: number})
		}
		for _, b := range n.Branches {
			branches = append(branches, forge.Branch{Repo: n.Repo, Name: b})
		}
	}
	o.pulls(ctx, w, branches)
	o.rules(ctx, w, rules)
	o.access(ctx, w, accounts)
	o.ready(ctx, w, ready)
	o.collaborators(ctx, w, collaborators)
	o.wrong(ctx, w, commits)
	o.editions(ctx, w, files)
	o.fetch(ctx, w, fetch)
	w.Allowance = o.Forge.Allowance() // the answers had their price
	return ctx.Err()
}

// rules that we are not let read keep from merging, and from nothing else.
func (o *Observer) rules(ctx context.Context, w *plan.World, repos []fleet.RepoName) {
	if len(repos) == 0 {
		return
	}
	o.progress("reading branch rules", 0, len(repos))
	answers := o.Forge.Rules(ctx, repos)
	for _, name := range repos {
		r, answer := w.Repos[name], answers[name]
		if answer.Err != nil && fleet.ClassOf(answer.Err) == fleet.Permanent {
			r.Rules = &fleet.Rules{Unread: answer.Err.Error()}
			continue
		}
		r.Rules = &answer.Value
		note(r, answer.Err)
	}
}

func (o *Observer) ready(ctx context.Context, w *plan.World, pulls []forge.Pull) {
	if len(pulls) == 0 {
		return
	}
	o.progress("reading what pull requests lack", 0, len(pulls))
	answers := o.Forge.Readiness(ctx, pulls)
	for _, pull := range pulls {
		r, answer := w.Repos[pull.Repo], answers[pull]
		note(r, answer.Err)
		if r.Ready == nil {
			r.Ready = map[int]*fleet.Readiness{}
		}
		r.Ready[pull.Number] = &answer.Value
	}
}

func (o *Observer) openedToday(ctx context.Context, w *plan.World) {
	var owners []string
	for name := range w.Repos {
		if !slices.Contains(owners, name.Owner()) {
			owners = append(owners, name.Owner())
		}
	}
	slices.Sort(owners)
	opened, err := o.Forge.OpenedSince(ctx, owners, w.Now.Add(-24*time.Hour))
	if err != nil {
		w.Uncounted = err.Error()
	}
	w.OpenedToday = &opened
}

// collaborators that we are not let read keep from giving access, and from
// nothing else.
func (o *Observer) collaborators(ctx context.Context, w *plan.World, repos []fleet.RepoName) {
	if len(repos) == 0 {
		return
	}
	o.progress("reading collaborators", 0, len(repos))
	for name, answer := range o.Forge.Collaborators(ctx, repos) {
		if answer.Err != nil {
			answer.Value.Unread = answer.Err.Error()
		}
		w.Repos[name].Collaborators = &answer.Value
	}
}

func (o *Observer) issues(ctx context.Context, w *plan.World) {
	o.progress("reading issues", 0, 0)
	issues, err := o.Forge.Issues(ctx, w.ConfigRepo)
	if err != nil {
		w.IssuesUnread = err.Error()
	}
	w.Issues = &issues
}

func (o *Observer) pulls(ctx context.Context, w *plan.World, branches []forge.Branch) {
	if len(branches) == 0 {
		return
	}
	o.progress("reading pull requests", 0, len(branches))
	answers := o.Forge.PullRequests(ctx, branches)
	for _, branch := range branches { // in order: of two reasons not to read a repo, the first stays
		r, answer := w.Repos[branch.Repo], answers[branch]
		note(r, answer.Err)
		r.Pulls[branch.Name] = answer.Value
		o.remember(r, branch, answer)
	}
}

// remember keeps an ended pull request whose branch is gone: it can only be
// reopened once the branch is back, which the next heads would show.
func (o *Observer) remember(r *plan.Repo, branch forge.Branch, answer forge.Answer[*fleet.PullRequest]) {
	pull := answer.Value
	if answer.Err != nil || pull == nil || pull.State == fleet.PullOpen || hasBranch(r, branch.Name) {
		return
	}
	kept := *pull
	kept.BaseCommit = "" // of that moment alone
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.ended == nil {
		o.ended = map[forge.Branch]*fleet.PullRequest{}
	}
	o.ended[branch] = &kept
}

// recall puts what is remembered into the world, and forgets the rest.
func (o *Observer) recall(w *plan.World) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for branch := range o.walks {
		if r := w.Repos[branch.Repo]; r == nil || r.Err == "" && !hasBranch(r, branch.Name) {
			delete(o.walks, branch)
		}
	}
	for branch, pull := range o.ended {
		r := w.Repos[branch.Repo]
		if r == nil || hasBranch(r, branch.Name) {
			delete(o.ended, branch)
			continue
		}
		r.Pulls[branch.Name] = pull
	}
}

// Forget drops what is remembered of a branch that is about to be written.
func (o *Observer) Forget(branch forge.Branch) {
	o.mu.Lock()
	defer o.mu.Unlock()
	delete(o.ended, branch)
}

func hasBranch(r *plan.Repo, name string) bool {
	return slices.ContainsFunc(r.Head.Branches, func(b fleet.Branch) bool { return b.Name == name })
}

// note marks a repo that could not be read; the first reason stays.
func note(r *plan.Repo, err error) {
	if err == nil || r.Err != "" {
		return
	}
	r.Err, r.Permanent = err.Error(), fleet.ClassOf(err) == fleet.Permanent
}

func (o *Observer) progress(doing string, done, of int) {
	if o.Progress != nil {
		o.Progress(doing, done, of)
	}
}
