package simulation

import (
	"context"
	"maps"
	"time"

	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/forge"
	"github.com/portreeve/portreeve/reconciler/rollout"
)

// lag is how far what the forge answers may be behind what was written to it,
// as where reads are answered by a copy of what writes go to. What a person
// did within it nobody can know of; what we did ourselves we wait for.
const lag = 5 * time.Second

// lags is how many of a hundred reads may be behind.
const lags = 20

// lagging is the forge, of which some reads tell what was true a moment ago.
type lagging struct {
	forge.Forge
	p      *play
	quiet  bool // looks by itself
	heads  past[fleet.RepoName, fleet.Head]
	pulls  past[forge.Branch, *fleet.PullRequest]
	rules  past[fleet.RepoName, fleet.Rules]
	ready  past[forge.Pull, fleet.Readiness]
	opened []version[fleet.Openings]
	stale  map[fleet.RepoName]bool // whose rules this pass was told as they were before

	planned map[forge.Branch]forge.Answer[*fleet.PullRequest] // what planning was told
}

func newLagging(p *play) *lagging {
	return &lagging{
		Forge: p.forge.As(ours), p: p,
		heads: past[fleet.RepoName, fleet.Head]{}, pulls: past[forge.Branch, *fleet.PullRequest]{},
		rules: past[fleet.RepoName, fleet.Rules]{}, ready: past[forge.Pull, fleet.Readiness]{},
		stale:   map[fleet.RepoName]bool{},
		planned: map[forge.Branch]forge.Answer[*fleet.PullRequest]{},
	}
}

// version is what was true at a moment.
type version[V any] struct {
	at    time.Time
	value V
}

// past is what was true of late.
type past[K comparable, V any] map[K][]version[V]

func (h past[K, V]) note(p *play, key K, a forge.Answer[V]) {
	if a.Err == nil {
		h[key] = later(p, h[key], a.Value)
	}
}

// later adds what is true now, and forgets what is too long ago.
func later[V any](p *play, known []version[V], value V) []version[V] {
	for len(known) > 0 && p.now.Sub(known[0].at) >= lag {
		known = known[1:]
	}
	return append(known, version[V]{p.now, value})
}

// behind is one of what was true of late, and whether it is not the newest.
func behind[V any](p *play, known []version[V]) (V, bool) {
	n := len(known) - 1
	if p.trouble && n > 0 && p.chance(lags) {
		if old := p.rng.IntN(n + 1); old < n {
			p.result.Behind++
			return known[old].value, true
		}
	}
	return known[n].value, false
}

// answer puts what was true a moment ago into some answers, and tells of which.
func (h past[K, V]) answer(p *play, keys []K, answers map[K]forge.Answer[V]) (old []K) {
	for _, key := range keys { // in order: one seed, one log
		a := answers[key]
		h.note(p, key, a)
		if a.Err != nil {
			continue
		}
		is := false
		if a.Value, is = behind(p, h[key]); is {
			old = append(old, key)
		}
		answers[key] = a
	}
	return old
}

// look notes what is true of a repo just before something is done there.
func (l *lagging) look(repo fleet.RepoName) {
	if !l.p.trouble {
		return
	}
	l.quiet = true
	defer func() { l.quiet = false }()
	ctx := context.Background()
	if l.heads[repo] != nil {
		l.heads.note(l.p, repo, l.Forge.Heads(ctx, []fleet.RepoName{repo})[repo])
	}
	if l.rules[repo] != nil {
		l.rules.note(l.p, repo, l.Forge.Rules(ctx, []fleet.RepoName{repo})[repo])
	}
	ids := []fleet.ID{ownership(repo)}
	for _, name := range l.p.asked() {
		ids = append(ids, fleet.ID{Kind: "migration", Name: name})
	}
	var names []string
	for _, id := range ids {
		names = append(names, fleet.BranchName(id, ""))
	}
	for _, c := range clusters {
		names = append(names, fleet.BranchName(laned, fleet.Lane(c)))
	}
	for _, name := range names {
		branch := forge.Branch{Repo: repo, Name: name}
		if l.pulls[branch] != nil {
			l.pulls.note(l.p, branch, l.Forge.PullRequests(ctx, []forge.Branch{branch})[branch])
		}
	}
}

func (l *lagging) Heads(ctx context.Context, repos []fleet.RepoName) map[fleet.RepoName]forge.Answer[fleet.Head] {
	got := l.Forge.Heads(ctx, repos)
	l.heads.answer(l.p, repos, got)
	return got
}

func (l *lagging) PullRequests(ctx context.Context, branches []forge.Branch) map[forge.Branch]forge.Answer[*fleet.PullRequest] {
	got := l.Forge.PullRequests(ctx, branches)
	if action := l.p.book.begun.action; action != "" && action == l.p.o.Blind {
		return l.blind(action, branches, got)
	}
	for _, old := range l.pulls.answer(l.p, branches, got) {
		if begun := &l.p.book.begun; begun.branch == (branchKey{old.Repo, old.Name}) {
			begun.behind = true
		}
	}
	if l.p.book.begun.action == "" {
		maps.Copy(l.planned, got)
	}
	return got
}

// blind answers a look before a step with what it would like to find.
func (l *lagging) blind(action rollout.Action, branches []forge.Branch, got map[forge.Branch]forge.Answer[*fleet.PullRequest]) map[forge.Branch]forge.Answer[*fleet.PullRequest] {
	for _, b := range branches {
		if got[b] = l.planned[b]; action == rollout.DeleteBranch {
			got[b] = forge.Answer[*fleet.PullRequest]{}
		}
	}
	return got
}

func (l *lagging) Rules(ctx context.Context, repos []fleet.RepoName) map[fleet.RepoName]forge.Answer[fleet.Rules] {
	got := l.Forge.Rules(ctx, repos)
	for _, old := range l.rules.answer(l.p, repos, got) {
		l.stale[old] = true
	}
	return got
}

func (l *lagging) Readiness(ctx context.Context, pulls []forge.Pull) map[forge.Pull]forge.Answer[fleet.Readiness] {
	got := l.Forge.Readiness(ctx, pulls)
	for _, old := range l.ready.answer(l.p, pulls, got) {
		l.stale[old.Repo] = true
	}
	return got
}

func (l *lagging) OpenedSince(ctx context.Context, owners []string, since time.Time) (fleet.Openings, error) {
	got, err := l.Forge.OpenedSince(ctx, owners, since)
	if err == nil {
		l.opened = later(l.p, l.opened, got)
		got, _ = behind(l.p, l.opened)
	}
	return got, err
}
