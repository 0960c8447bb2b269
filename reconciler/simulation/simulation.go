package simulation

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"time"

	"github.com/portreeve/portreeve/reconciler"
	"github.com/portreeve/portreeve/reconciler/apply"
	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/forge"
	"github.com/portreeve/portreeve/reconciler/forge/sandbox"
	"github.com/portreeve/portreeve/reconciler/gitrepo"
	"github.com/portreeve/portreeve/reconciler/kind"
	"github.com/portreeve/portreeve/reconciler/observe"
	"github.com/portreeve/portreeve/reconciler/rollout"
)

// Options are what is played.
type Options struct {
	Seed   uint64
	Repos  int
	Passes int // with people and faults; it then comes to rest by itself
	Kinds  kind.Set
	// Few has fewer declarations, for a large fleet: the forge lets 500 pull
	// requests be opened an hour, so what is declared decides how long it takes.
	Few bool
	// Faults is how many of a hundred requests fail; by default 30.
	Faults int
	// Weather has them come in spells: of none, of a few, and of Faults. So
	// more comes to pass that faults can then hit.
	Weather bool
	// Blind is an action before which the look at its pull request finds
	// nothing new, as if it were left out.
	Blind rollout.Action
}

// Result is what was played, and what for.
type Result struct {
	Log                                []byte
	Passes, Resting                    int // Resting are those after people and faults ended
	Requests, Faults, Acts, Steps, Bad int // Bad are the steps that failed
	Refused                            int // requests that a limit refused by itself
	Again                              int // commits by people that were made again
	Asked                              int // pull requests that asked once more
	Behind                             int // reads that were answered with what was true a moment before
	Simulated                          time.Duration
	States                             map[rollout.State]int // at rest
	Actions                            map[string]int        // steps that went well, by action
}

// ours is whom the reconciler acts as.
const ours = "portreeve"

// settle is how long more checks are waited for.
const settle = 30 * time.Second

// play is one simulation under way.
type play struct {
	o       Options
	rng     *rand.Rand
	began   time.Time
	now     time.Time
	forge   *sandbox.Forge
	repos   []fleet.RepoName
	rulesOf map[fleet.RepoName]sandbox.Rules
	ciOf    map[fleet.RepoName][]sandbox.CheckSpec
	// methodsOf are the ways to merge that the settings allow; none for all.
	methodsOf map[fleet.RepoName][]fleet.MergeMethod
	configs   *configs
	engine    *reconciler.Reconciler
	book      *book
	lagging   *lagging
	journal   journal
	result    Result

	trouble bool               // people act and requests fail
	faults  int                // of a hundred, now
	inPass  bool               //
	preempt context.CancelFunc // of the pass under way
}

// Run plays a simulation. Its error is the first promise that was broken,
// with the seed and what had happened in the repo.
func Run(ctx context.Context, o Options) (*Result, error) {
	if o.Faults == 0 {
		o.Faults = 30
	}
	p := &play{
		o: o, rulesOf: map[fleet.RepoName]sandbox.Rules{}, ciOf: map[fleet.RepoName][]sandbox.CheckSpec{},
		methodsOf: map[fleet.RepoName][]fleet.MergeMethod{}, rng: rand.New(rand.NewPCG(o.Seed, 0x706f727472656576)),
		began: time.Date(2026, time.March, 2, 8, 0, 0, 0, time.UTC),
	}
	p.now = p.began
	p.result.Actions = map[string]int{}
	p.journal.clock = func() time.Duration { return p.now.Sub(p.began) }
	err := p.setUp()
	if err == nil {
		p.trouble, p.faults = true, o.Faults
		p.forge.Fault(p.fault)
		for p.result.Passes < o.Passes && err == nil {
			p.people()
			err = p.pass(ctx)
		}
	}
	if err == nil {
		err = p.rest(ctx)
	}
	p.result.Log = p.journal.text.Bytes()
	p.result.Simulated = p.now.Sub(p.began)
	p.result.Refused = p.forge.Counts().Refused
	if err != nil {
		err = fmt.Errorf("seed %d, %d repos, pass %d: %w", o.Seed, o.Repos, p.result.Passes, err)
	}
	return &p.result, err
}

func (p *play) setUp() (err error) {
	clock := func() time.Time { return p.now }
	if p.forge, err = sandbox.New(sandbox.Options{Now: clock}); err != nil {
		return err
	}
	if err := p.makeFleet(); err != nil {
		return err
	}
	p.configs = newConfigs(p)
	if err := p.configs.commit("Declare"); err != nil {
		return err
	}
	p.book = newBook(p)
	p.lagging = newLagging(p)
	p.restart()
	return nil
}

// restart makes a new process, without anything that the old one remembered.
func (p *play) restart() {
	clock := func() time.Time { return p.now }
	member := forge.Forge(&watched{p.lagging, p})
	git := gitrepo.New(gitrepo.Options{HTTP: &http.Client{Transport: p.forge.RoundTripper()}})
	p.engine = &reconciler.Reconciler{
		Source: p.configs, Kinds: p.o.Kinds, Forge: member,
		Observer: &observe.Observer{Forge: member, Git: git, Now: clock, ConfigRepo: configRepo, Settle: settle, Workers: 1},
		Applier: &apply.Applier{
			Forge: member, Git: git, Author: gitrepo.Signature{Name: "Portreeve", Email: "portreeve@noreply.invalid"},
			Now: clock, Workers: 1, Before: p.begins,
		},
		Memo: memo{}, Log: slog.New(slog.DiscardHandler), Now: clock,
	}
}

// memo keeps wants in memory.
type memo map[string][]byte

func (m memo) Get(key string) ([]byte, bool) { b, ok := m[key]; return b, ok }

func (m memo) Put(key string, value []byte) { m[key] = value }

// pass makes one pass and holds what it did to the promises.
func (p *play) pass(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	p.result.Passes++
	p.journal.add("", "pass %d", p.result.Passes)
	p.book.before()
	clear(p.lagging.stale)
	p.inPass, p.preempt = true, cancel
	pass := p.engine.Once(ctx)
	p.inPass = false
	unsettled, wrote := false, len(pass.Done) > 0
	for _, d := range pass.Done {
		p.result.Steps++
		if d.Err != "" {
			p.result.Bad++
			p.journal.add(d.Repo, "step %s %s: %s", d.Action, d.Declaration, d.Err)
			continue
		}
		unsettled = true
		p.result.Actions[d.Action]++
		p.journal.add(d.Repo, "step %s %s", d.Action, d.Declaration)
	}
	if pass.Err != "" {
		p.journal.add("", "pass ended early: %s", pass.Err)
	}
	p.book.pass = pass
	p.journal.outcomes(pass)
	if err := p.book.after(); err != nil {
		return err
	}
	if wrote { // as Run does: what we wrote ourselves has to be seen
		p.now = p.now.Add(lag)
	}
	p.now = p.now.Add(p.wait(unsettled))
	return nil
}

// wait is until when nothing is due for the reconciler.
func (p *play) wait(unsettled bool) time.Duration {
	if !p.trouble {
		return 0
	}
	switch n := p.rng.IntN(100); {
	case unsettled && n < 50:
		return 0
	case n > 80:
		return time.Duration(1+p.rng.IntN(20)) * time.Second // somebody woke it
	case n < 3:
		return time.Duration(p.rng.IntN(30)) * time.Hour // the daemon was down
	case n < 25:
		return time.Duration(p.rng.IntN(90)) * time.Minute
	}
	return time.Duration(1+p.rng.IntN(600)) * time.Second
}

// chance is true in n of a hundred cases.
func (p *play) chance(n int) bool { return p.rng.IntN(100) < n }

func pick[T any](p *play, of []T) T { return of[p.rng.IntN(len(of))] }
