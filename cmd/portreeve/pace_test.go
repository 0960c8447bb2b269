package main

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"sync"
	"testing"
	"testing/fstest"
	"testing/synctest"
	"time"

	"github.com/portreeve/portreeve/cmd/internal/members"
	"github.com/portreeve/portreeve/reconciler"
	"github.com/portreeve/portreeve/reconciler/apply"
	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/forge"
	"github.com/portreeve/portreeve/reconciler/forge/github"
	"github.com/portreeve/portreeve/reconciler/forge/sandbox"
	"github.com/portreeve/portreeve/reconciler/gitrepo"
	"github.com/portreeve/portreeve/reconciler/observe"
	"github.com/portreeve/portreeve/reconciler/rollout"
	"github.com/portreeve/portreeve/reconciler/source"
	"github.com/portreeve/portreeve/reconciler/store"
)

// paced is a daemon that talks to a forge through GitHub's client and the
// forge's HTTP skin, in one process and by a clock that moves whenever all
// wait: hours are over in no time. Its methods belong into a synctest bubble.
type paced struct {
	*sandbox.Forge
	t      *testing.T
	carry  http.RoundTripper
	repos  int
	passes []*store.Pass
	// answered is told of each answer over HTTP; it may be nil.
	answered func(*http.Request, *http.Response)
}

// latency is how long a request is on its way.
const latency = 200 * time.Millisecond

// RoundTrip carries a request of the daemon, which takes a while.
func (p *paced) RoundTrip(req *http.Request) (*http.Response, error) {
	time.Sleep(latency)
	resp, err := p.carry.RoundTrip(req)
	if err == nil && p.answered != nil {
		p.answered(req, resp)
	}
	return resp, err
}

// fixed is a config repo that never changes.
type fixed struct{ tree *source.Tree }

func (f fixed) Current(context.Context) (*source.Tree, error) { return f.tree, nil }
func (f fixed) Last() *source.Tree                            { return f.tree }
func (f fixed) Watch(ctx context.Context, _ func()) error     { <-ctx.Done(); return nil }
func (f fixed) LastChanged(context.Context, *source.Tree, string, int, int) (fleet.Revision, error) {
	return f.tree.Revision, nil
}

func (f fixed) Before(context.Context, *source.Tree, fleet.Revision) (fleet.Revision, int, error) {
	return "", 0, nil
}

func (f fixed) At(context.Context, *source.Tree, fleet.Revision) (*source.Tree, error) {
	return f.tree, nil
}

const pacedConfig = `package fleet

fleet: {org: "acme", mode: "propose", policies: "repos-changed": severity: "off"}
teams: platform: github: "acme/platform"
migrations: greet: {
	title: "Greet politely"
	why:   "Guests ask for it."
	owner: "platform"
	select: file: "hello.txt"
	steps: [{do: "replace", paths: ["hello.txt"], pattern: "^hi", with: "good day"}]
}
`

// newPaced makes a forge with so many repos to migrate.
func newPaced(t *testing.T, repos int, limits sandbox.Limits) *paced {
	f, err := sandbox.New(sandbox.Options{Limits: &limits})
	must(t, err)
	f.AddUser("portreeve", "token-of-portreeve", true)
	for n := range repos {
		must(t, f.CreateRepo(sandbox.Spec{
			Name: fleet.RepoName(fmt.Sprintf("acme/r%04d", n)), Files: map[string]sandbox.File{"hello.txt": {Content: "hi\n"}},
		}))
	}
	return &paced{Forge: f, t: t, carry: f.RoundTripper(), repos: repos}
}

// run runs the daemon until a pass says so, and gives its passes.
func (p *paced) run(interval time.Duration, until func(*store.Pass) bool) []*store.Pass {
	client, err := github.New(github.Options{
		BaseURL: "http://127.0.0.1:1/", HTTP: p,
		Token: func(context.Context) (string, error) { return "token-of-portreeve", nil },
	})
	must(p.t, err)
	git := gitrepo.New(gitrepo.Options{HTTP: &http.Client{Transport: p}})
	ctx, stop := context.WithCancel(p.t.Context())
	defer stop()
	r := &reconciler.Reconciler{
		Source: fixed{&source.Tree{Revision: "9f3c2d1", Files: fstest.MapFS{"fleet.cue": {Data: []byte(pacedConfig)}}}},
		Kinds:  members.Kinds(), Forge: client, Log: slog.New(slog.DiscardHandler), Now: time.Now, Memo: memories{},
		Observer: &observe.Observer{Forge: client, Git: git, Now: time.Now},
		Applier:  &apply.Applier{Forge: client, Git: git, Author: gitrepo.Signature{Name: "P", Email: "p@noreply.invalid"}, Now: time.Now},
		Publish: func(pass *store.Pass) {
			p.passes = append(p.passes, pass)
			if until(pass) {
				stop()
			}
		},
	}
	must(p.t, r.Run(ctx, interval, nil))
	return p.passes
}

// memories keep wants.
type memories map[string][]byte

func (m memories) Get(key string) ([]byte, bool) { b, ok := m[key]; return b, ok }
func (m memories) Put(key string, value []byte)  { m[key] = value }

// opened is how many pull requests a pass opened.
func opened(pass *store.Pass) (n int) {
	for _, d := range pass.Done {
		if d.Err == "" && d.Action == string(rollout.Open) {
			n++
		}
	}
	return n
}

// allOpen is true of the pass after which all are open.
func (p *paced) allOpen() func(*store.Pass) bool {
	sum := 0
	return func(pass *store.Pass) bool {
		sum += opened(pass)
		if began := p.passes[0].Started; time.Since(began) > 6*time.Hour {
			p.t.Errorf("after %v only %d are open", time.Since(began), sum)
			return true
		}
		return sum == p.repos
	}
}

// TestLimitsAreNeverExceeded opens more pull requests than the forge grants in
// three minutes, with its published limits in force. Nothing is refused, and each is opened when the first pass said it would be.
func TestLimitsAreNeverExceeded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPaced(t, 250, sandbox.GitHubLimits())
		passes := p.run(30*time.Minute, p.allOpen())
		if n := p.Counts().Refused; n != 0 {
			t.Errorf("the forge refused %d requests", n)
		}
		promised := map[fleet.RepoName]*rollout.Turn{}
		for i := range passes[0].Plan.Outcomes {
			if o := &passes[0].Plan.Outcomes[i]; o.Turn != nil {
				promised[o.Target.Repo] = o.Turn
			}
		}
		if len(promised) != p.repos-opened(passes[0]) {
			t.Errorf("%d have a turn, while %d were opened at once", len(promised), opened(passes[0]))
		}
		t.Logf("%d passes in %v", len(passes), passes[len(passes)-1].Finished.Sub(passes[0].Started))
		for repo, turn := range promised {
			pulls, err := p.Pulls(repo)
			must(t, err)
			if late := pulls[0].Created.Sub(turn.At); late < -time.Second || late > time.Minute {
				t.Errorf("%s was opened at %v, and was to be at %v", repo, pulls[0].Created, turn.At)
			}
		}
	})
}

// TestSharedIdentity has another program write as the same user, half of what
// the forge grants. The daemon can't know, so it is refused; then it sends
// nothing until the forge wants to be asked again, says so, and comes to its
// end.
func TestSharedIdentity(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPaced(t, 120, sandbox.GitHubLimits())
		member := p.As("portreeve")
		must(t, p.CreateRepo(sandbox.Spec{Name: "other/talk", Files: map[string]sandbox.File{"a": {Content: "a"}}}))
		p.AddUser("kim", "token-of-kim", false)
		_, err := p.Person("kim").CommitFile("other/talk", "talk", "a", "b", "Change")
		must(t, err)
		number, err := p.Person("kim").OpenPull("other/talk", forge.NewPull{Text: forge.Text{Title: "Talk"}, Head: "talk", Base: "main"})
		must(t, err)
		ctx, stop := context.WithCancel(t.Context())
		var other sync.WaitGroup
		other.Go(func() {
			for n := 1; ctx.Err() == nil; n++ {
				_ = member.Comment(ctx, "other/talk", number, "hello") // refused at times, as we are
				if time.Sleep(500 * time.Millisecond); n%40 == 0 {
					time.Sleep(40 * time.Second)
				}
			}
		})
		defer other.Wait()
		defer stop()
		var mu sync.Mutex
		refusals, refused, until := 0, time.Time{}, time.Time{}
		p.Fault(func(q sandbox.Request) *sandbox.FaultAnswer {
			mu.Lock()
			defer mu.Unlock()
			if now := time.Now(); (q.Kind == "rest" || q.Kind == "graphql") && now.After(refused.Add(latency)) && now.Before(until) {
				t.Errorf("asked %s %v before the forge wanted to be", q.Route, until.Sub(now))
			}
			return nil
		})
		p.answered = func(_ *http.Request, resp *http.Response) {
			mu.Lock()
			defer mu.Unlock()
			if after, err := strconv.Atoi(resp.Header.Get("Retry-After")); err == nil && resp.StatusCode == http.StatusForbidden {
				refusals++
				refused = time.Now()
				until = refused.Add(time.Duration(after) * time.Second)
			}
		}
		passes := p.run(time.Minute, p.allOpen())
		told := 0
		for _, pass := range passes {
			if pass.Pause != nil && pass.Unbegun > 0 {
				told++
			}
		}
		if refusals == 0 || told == 0 {
			t.Errorf("%d refusals, told of in %d passes", refusals, told)
		}
		t.Logf("%d refusals in %v", refusals, passes[len(passes)-1].Finished.Sub(passes[0].Started))
	})
}

// TestLookingGivesWay has an hour's limit that carries only some passes. They
// are then made less often, so that no request is refused, and say why.
func TestLookingGivesWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		limits := sandbox.GitHubLimits()
		limits.GraphQL = 100
		p := newPaced(t, 30, limits)
		began := time.Now()
		passes := p.run(10*time.Second, func(*store.Pass) bool { return time.Since(began) > 2*time.Hour })
		if n := p.Counts().Refused; n != 0 {
			t.Errorf("the forge refused %d requests", n)
		}
		paused := 0
		for n, pass := range passes {
			if pass.Err != "" {
				t.Errorf("pass %d: %s", n, pass.Err)
			}
			if pass.Pause != nil {
				paused++
			}
			if n > 0 && pass.Started.Sub(passes[n-1].Finished) > 65*time.Minute {
				t.Errorf("nothing was looked at for %v", pass.Started.Sub(passes[n-1].Finished))
			}
		}
		if paused == 0 {
			t.Error("no pass tells of a pause")
		}
		t.Logf("%d passes in 2 hours, %d of them followed by a pause", len(passes), paused)
	})
}
