package simulation

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/forge"
	"github.com/portreeve/portreeve/reconciler/rollout"
)

// after holds the pass that has ended to the promises.
func (b *book) after() error {
	b.catchUp()
	says, ok := b.p.configs.at(b.pass.Revision)
	if ok {
		b.halted(says)
		b.limits(says)
	}
	if refused := b.p.forge.Counts().Refused; refused > 0 {
		b.breaks("-", "%d requests went beyond a limit of the forge", refused)
	}
	for _, key := range slices.SortedFunc(maps.Keys(b.held), compareBranches) {
		b.kept(key)
	}
	if b.pass.Plan != nil && ok {
		b.told(says)
	}
	return b.err
}

func compareBranches(x, y branchKey) int {
	return cmp.Or(strings.Compare(string(x.repo), string(y.repo)), strings.Compare(x.branch, y.branch))
}

// halted holds that nothing is written while writing is halted, and nothing
// merged by a mode that does not merge.
func (b *book) halted(says declared) {
	still := says.stop || says.badSettings || says.mode == fleet.Observe
	for _, w := range b.events {
		if w.By == ours && (still || (w.Do == "merge" || w.Do == "enqueue") && says.mode != fleet.Merge) {
			b.breaks(w.Repo, "writes are halted at revision %s, and we did %s %s", b.pass.Revision.Short(), w.Do, w.Detail)
		}
	}
}

// limits holds the limits of the fleet at each moment of the pass. What
// people open or reopen while it is under way, or in the moment before, does
// not count.
func (b *book) limits(says declared) {
	open, counted, newest := map[fleet.TeamName]int{}, map[pullKey]bool{}, map[branchKey]int{}
	for key := range b.start {
		if f := b.pulls[key]; f.openedBy != ours && b.unseen(f.since) {
			continue
		}
		branch := branchKey{key.repo, b.pulls[key].branch}
		newest[branch] = max(newest[branch], key.number)
	}
	for branch, number := range newest { // a second one, into elsewhere, is a person's
		open[says.decides(branch.repo, branch.branch)]++
		counted[pullKey{branch.repo, number}] = true
	}
	for _, w := range b.events {
		key := pullKey{w.Repo, w.Number}
		f := b.pulls[key]
		if f == nil {
			continue
		}
		team := says.decides(w.Repo, f.branch)
		switch {
		case (w.Do == "close" || w.Do == "merge") && counted[key]:
			open[team]--
			delete(counted, key)
		case w.Do == "open" && w.By == ours:
			open[team]++
			counted[key] = true
			if says.openPerTeam > 0 && team != "" && open[team] > says.openPerTeam {
				b.breaks(w.Repo, "#%d is the %dth open pull request of %s, of at most %d", w.Number, open[team], team, says.openPerTeam)
			}
			if n := b.lately(w.N, w.At); says.newPerDay > 0 && n > says.newPerDay {
				b.breaks(w.Repo, "#%d is the %dth of a day, of at most %d", w.Number, n, says.newPerDay)
			}
		}
	}
}

// lately is how many we opened in the day before the n-th write, it included.
func (b *book) lately(n int, at time.Time) (count int) {
	for _, w := range slices.Backward(b.opened) {
		if w.N <= n && w.At.Before(at.Add(-24*time.Hour)) {
			break
		}
		if w.N <= n {
			count++
		}
	}
	return count
}

// decides is the team that has to look at a branch's pull request; empty for
// what is declared no more.
func (d declared) decides(repo fleet.RepoName, branch string) fleet.TeamName {
	if o, ok := d.owners[repo]; ok {
		return o.valid.team
	}
	if repo == lanesRepo && laneOf(branch) != "" {
		if d.lanes.present && !d.lanes.broken {
			return asker
		}
		return ""
	}
	name, ok := strings.CutPrefix(branch, fleet.BranchPrefix+"migration/")
	if m := d.migrations[name]; ok && m.present && !m.broken && !m.unreadable {
		return asker
	}
	return ""
}

// about is what an outcome is told of.
type about struct {
	id     fleet.ID
	target fleet.Target
	lane   fleet.Lane
}

// told holds that everything has one outcome and a reason.
func (b *book) told(says declared) {
	told, repos := map[about]bool{}, map[fleet.RepoName]bool{}
	for i := range b.pass.Plan.Outcomes {
		o := &b.pass.Plan.Outcomes[i]
		key := about{o.Declaration, o.Target, o.Lane}
		if told[key] {
			b.breaks(o.Target.Repo, "%s has two outcomes", o.Declaration)
		}
		if o.Reason == "" || !slices.Contains(rollout.States, o.State) {
			b.breaks(o.Target.Repo, "%s has state %q and reason %q", o.Declaration, o.State, o.Reason)
		}
		told[key], repos[o.Target.Repo] = true, true
		if owner := says.owners[o.Target.Repo]; o.Declaration == ownership(o.Target.Repo) && owner.broken {
			b.enforced(o, owner)
		}
	}
	b.toldOfLanes(says, told)
	for _, repo := range b.p.repos {
		if !repos[repo] {
			b.breaks(repo, "nothing is told of the repo")
		}
		if repo == excluded {
			continue
		}
		for name, m := range says.migrations {
			key := about{id: fleet.ID{Kind: "migration", Name: name}, target: fleet.Target{Repo: repo}}
			if m.present && !m.broken && !m.unreadable && !told[key] {
				b.breaks(repo, "nothing is told of %s", key.id)
			}
		}
		if _, ok := says.owners[repo]; ok && !told[about{id: ownership(repo), target: fleet.Target{Repo: repo}}] {
			b.breaks(repo, "nothing is told of its owner")
		}
	}
}

// enforced holds that ownership with a mistake is enforced as it was before.
func (b *book) enforced(o *rollout.Outcome, says owner) {
	if o.Stale == nil || !o.Stale.Held || o.Decides != "" && o.Decides != says.valid.team {
		b.breaks(o.Target.Repo, "%s has a mistake, and is decided by %q instead of %q, marked %+v", o.Declaration, o.Decides, says.valid.team, o.Stale)
	}
}

func ownership(repo fleet.RepoName) fleet.ID { return fleet.ID{Kind: "ownership", Name: repo.Short()} }

// watched is the forge, with a look at each merge that we ask for.
type watched struct {
	forge.Forge
	p *play
}

func (w *watched) MergePull(ctx context.Context, repo fleet.RepoName, number int, head fleet.CommitID, method fleet.MergeMethod) error {
	if pr, err := w.p.forge.Pull(repo, number); err == nil && pr.HeadCommit == head && pr.State == fleet.PullOpen && !w.p.book.begun.behind {
		if why := w.p.unfit(pr); why != "" {
			w.p.book.breaks(repo, "we merge #%d, %s", number, why)
		}
		if err := w.p.forge.Forbids(repo, number, method); err != nil && !w.p.lagging.stale[repo] {
			w.p.book.breaks(repo, "we merge #%d against a rule: %v", number, err)
		}
	}
	return w.Forge.MergePull(ctx, repo, number, head, method)
}

func (w *watched) EnqueuePull(ctx context.Context, repo fleet.RepoName, number int, head fleet.CommitID) error {
	if pr, err := w.p.forge.Pull(repo, number); err == nil && pr.HeadCommit == head && pr.State == fleet.PullOpen && pr.Queued == nil && !w.p.book.begun.behind {
		if why := w.p.unfit(pr); why != "" {
			w.p.book.breaks(repo, "we put #%d into the queue, %s", number, why)
		}
		if err := w.p.forge.ForbidsQueue(repo, number); err != nil && !w.p.lagging.stale[repo] {
			w.p.book.breaks(repo, "we put #%d into the queue against a rule: %v", number, err)
		}
	}
	return w.Forge.EnqueuePull(ctx, repo, number, head)
}

// unfit is why Portreeve must not merge a pull request, or empty.
func (p *play) unfit(pr fleet.PullRequest) string {
	if !untouched(pr.Head, pr.HeadMessage, pr.HeadTree) {
		return "whose head is not ours, or was touched"
	}
	switch {
	case pr.Draft:
		return "which is a draft"
	case pr.Review == fleet.ReviewChangesRequested:
		return "in which changes are asked for"
	}
	required, apps := p.rulesOf[pr.Repo].RequiredChecks, p.rulesOf[pr.Repo].CheckApps
	states := map[fleet.CheckState]int{}
	reported := map[string]bool{}
	for _, c := range pr.Checks {
		if app := apps[c.Name]; app != 0 && c.App != app {
			continue
		}
		reported[c.Name] = true
		if len(required) == 0 || slices.Contains(required, c.Name) {
			states[c.State]++
		}
	}
	for _, name := range required {
		if !reported[name] {
			return "whose required check " + name + " has not reported"
		}
	}
	for _, c := range p.ciOf[pr.Repo] {
		if len(required) == 0 && len(reported) > 0 && !c.Never && !reported[c.Name] {
			return "whose check " + c.Name + " is about to begin"
		}
	}
	switch {
	case states[fleet.CheckFailure] > 0:
		return "which has a red check"
	case states[fleet.CheckPending] > 0:
		return "which has a pending check"
	case states[fleet.CheckSuccess] == 0 && len(required) == 0 && p.policyOf(pr) != fleet.MergeAlways:
		return "which nothing has tested"
	}
	return ""
}

// untouched reports whether a branch's commit is one that we made for it.
func untouched(branch, message string, tree fleet.TreeID) bool {
	t, ok := rollout.ParseTrailers(message)
	branch, _, _ = strings.Cut(branch, "--")
	return ok && t.Tree == tree && fleet.BranchName(t.Declaration, "") == branch
}

// policyOf is who merges a pull request, by the revision read last.
func (p *play) policyOf(pr fleet.PullRequest) fleet.MergePolicy {
	says := p.configs.newest().says
	if p.configs.read != nil {
		says, _ = p.configs.at(p.configs.read.Revision)
	}
	if name, ok := strings.CutPrefix(pr.Head, fleet.BranchPrefix+"migration/"); ok {
		return says.migrations[name].merge
	}
	if laneOf(pr.Head) != "" {
		return says.lanes.merge
	}
	return says.owners[pr.Repo].valid.merge
}
