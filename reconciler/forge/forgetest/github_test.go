package forgetest_test

import (
	"context"
	"errors"
	"fmt"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/forge"
	"github.com/portreeve/portreeve/reconciler/forge/forgetest"
	"github.com/portreeve/portreeve/reconciler/forge/github"
	"github.com/portreeve/portreeve/reconciler/forge/sandbox"
)

func TestGitHub(t *testing.T) {
	forgetest.Run(t, func(t *testing.T) forgetest.World {
		_, w := githubWorld(t)
		return w
	})
}

// Rules that a ruleset holds are the same rules, whether it is the repo's or
// the organisation's.
func TestGitHubRulesets(t *testing.T) {
	for name, as := range map[string]sandbox.Rules{"repo": {Ruleset: true}, "organisation": {Ruleset: true, OfOrg: true}} {
		t.Run(name, func(t *testing.T) {
			forgetest.RunRules(t, func(t *testing.T) forgetest.World {
				f, w := sandboxWorld(t, as)
				w.Forge = githubClient(t, f)
				return w
			})
		})
	}
}

// A review by code owners that is asked for is told as any other, and comes up
// against a merge.
func TestGitHubCodeOwners(t *testing.T) {
	for _, ruleset := range []bool{false, true} {
		f, w := githubWorld(t)
		must(t, f.CreateRepo(sandbox.Spec{
			Name: "acme/ledger", Files: map[string]sandbox.File{"CODEOWNERS": {Content: "* @acme/payments\n"}},
			Rules: sandbox.Rules{CodeOwners: true, Ruleset: ruleset},
		}))
		f.AddTeam("acme/payments", person)
		key := forge.Branch{Repo: "acme/ledger", Name: "portreeve/ownership/x"}
		head, err := w.Commit(key.Repo, key.Name, map[string]string{"CODEOWNERS": "* @acme/a\n"}, "Name the owners")
		must(t, err)
		opened, err := w.Forge.OpenPull(t.Context(), key.Repo, forge.NewPull{Text: forge.Text{Title: "T"}, Head: key.Name, Base: "main"})
		must(t, err)
		read := func() *fleet.PullRequest { return w.Forge.PullRequests(t.Context(), []forge.Branch{key})[key].Value }
		if p := read(); p.Review != fleet.ReviewRequired {
			t.Errorf("review %q", p.Review)
		}
		if err := w.Forge.MergePull(t.Context(), key.Repo, opened.Number, head, fleet.MergeSquash); fleet.ClassOf(err) != fleet.Permanent {
			t.Errorf("merged without its owners: %v", err)
		}
		must(t, w.Approve(key.Repo, opened.Number))
		if p := read(); p.Review != fleet.ReviewApproved {
			t.Errorf("review %q", p.Review)
		}
		must(t, w.Forge.MergePull(t.Context(), key.Repo, opened.Number, head, fleet.MergeSquash))
	}
}

// Whichever way an App reports a check, it is told which App it was.
func TestGitHubTellsTheAppsOfChecks(t *testing.T) {
	f, w := githubWorld(t)
	must(t, f.CreateRepo(sandbox.Spec{Name: "acme/ledger", Files: map[string]sandbox.File{"a": {Content: "a"}}, CI: []sandbox.CheckSpec{
		{Name: "run"}, {Name: "run of another", App: 7}, {Name: "status", Status: true}, {Name: "status of another", Status: true, App: 7},
	}}))
	head, err := w.Commit("acme/ledger", "portreeve/ownership/x", map[string]string{"CODEOWNERS": "* @acme/a\n"}, "Name the owners")
	must(t, err)
	_, err = w.Forge.OpenPull(t.Context(), "acme/ledger", forge.NewPull{Text: forge.Text{Title: "T"}, Head: "portreeve/ownership/x", Base: "main"})
	must(t, err)
	must(t, w.Report("acme/ledger", head, fleet.Check{Name: "status of a person", State: fleet.CheckSuccess}))
	branches := ourBranches([]fleet.RepoName{"acme/ledger"})
	for name, member := range map[string]forge.Forge{"sandbox": f.As(bot), "github": w.Forge} {
		a := member.PullRequests(t.Context(), branches)[branches[0]]
		must(t, a.Err)
		var apps []int64
		for _, c := range a.Value.Checks {
			apps = append(apps, c.App)
		}
		if fmt.Sprint(apps) != "[15368 7 15368 7 0]" {
			t.Errorf("%s: %+v", name, a.Value.Checks)
		}
	}
}

// githubWorld is the sandbox behind HTTP.
func githubWorld(t testing.TB) (*sandbox.Forge, forgetest.World) {
	f, w := sandboxWorld(t, sandbox.Rules{})
	w.Forge = githubClient(t, f)
	return f, w
}

func githubClient(t testing.TB, f *sandbox.Forge) *github.Client {
	server := httptest.NewServer(f.Handler())
	t.Cleanup(server.Close)
	c, err := github.New(github.Options{
		BaseURL: server.URL,
		Token:   func(context.Context) (string, error) { return token, nil },
		Backoff: func(int) time.Duration { return time.Millisecond },
		Wait:    time.Second,
	})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// Every second request fails in one way or another, and each read is
// answered all the same.
func TestGitHubReadsThroughFaults(t *testing.T) {
	for name, fault := range map[string]sandbox.FaultAnswer{
		"500":     {Status: 500},
		"502":     {Status: 502},
		"503":     {Status: 503},
		"504":     {Status: 504},
		"reset":   {Reset: true},
		"half":    {Half: true},
		"latency": {Latency: 20 * time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			f, w := githubWorld(t)
			repos := faultyFleet(t, w)
			var n atomic.Int32
			f.Fault(func(sandbox.Request) *sandbox.FaultAnswer {
				if n.Add(1)%2 == 0 {
					return nil
				}
				return &fault
			})
			for repo, a := range w.Forge.Heads(t.Context(), repos) {
				if a.Err != nil || a.Value.Commit == "" {
					t.Errorf("%s: %+v", repo, a)
				}
			}
			for b, a := range w.Forge.PullRequests(t.Context(), ourBranches(repos)) {
				if a.Err != nil || a.Value == nil {
					t.Errorf("%s: %+v", b, a)
				}
			}
			listed, err := w.Forge.Repos(t.Context(), w.Org, nil)
			if err != nil || len(listed) != len(repos) {
				t.Errorf("%d repos, %v", len(listed), err)
			}
		})
	}
}

// A write whose answer is lost is Transient, and is not made twice; an open
// pull request is found.
func TestGitHubWritesThroughFaults(t *testing.T) {
	for name, fault := range map[string]sandbox.FaultAnswer{
		"lost answer": {Done: true, Reset: true},
		"half answer": {Half: true},
		"done, 502":   {Done: true, Status: 502},
		"502":         {Status: 502},
		"reset":       {Reset: true},
	} {
		t.Run(name, func(t *testing.T) {
			f, w := githubWorld(t)
			repo := faultyFleet(t, w)[0]
			open := w.Forge.PullRequests(t.Context(), ourBranches([]fleet.RepoName{repo}))
			number := open[forge.Branch{Repo: repo, Name: "portreeve/ownership/x"}].Value.Number
			f.Fault(func(q sandbox.Request) *sandbox.FaultAnswer {
				if !q.Write || q.Kind != "rest" {
					return nil
				}
				return &fault
			})
			before := f.Counts()
			err := w.Forge.Comment(t.Context(), repo, number, "once")
			if err == nil || fleet.ClassOf(err) != fleet.Transient {
				t.Errorf("comment: %v", err)
			}
			after := f.Counts().Since(before)
			if n := len(after.WritesBy(bot)); n > 1 {
				t.Errorf("%d comments", n)
			}
			opened, err := w.Forge.OpenPull(t.Context(), repo, forge.NewPull{
				Text: forge.Text{Title: "T"}, Head: "portreeve/ownership/x", Base: "main",
			})
			if err != nil || opened.Number != number {
				t.Errorf("open: %+v, %v; want %d", opened, err, number)
			}
		})
	}
}

func TestGitHubHearsLimits(t *testing.T) {
	for _, kind := range []sandbox.LimitKind{sandbox.LimitPrimary, sandbox.LimitSecondary} {
		t.Run(string(kind), func(t *testing.T) {
			f, w := githubWorld(t)
			repos := faultyFleet(t, w)
			f.Fault(func(sandbox.Request) *sandbox.FaultAnswer {
				return &sandbox.FaultAnswer{Limit: kind, RetryAfter: 10 * time.Minute}
			})
			var failure *fleet.Failure
			for _, err := range []error{
				w.Forge.Comment(t.Context(), repos[0], 1, "x"),
				w.Forge.Heads(t.Context(), repos)[repos[0]].Err,
			} {
				failure, _ = errors.AsType[*fleet.Failure](err)
				if failure == nil || failure.Class != fleet.Limited {
					t.Fatalf("%v", err)
				}
				if d := time.Until(failure.Until); d < 9*time.Minute || d > 11*time.Minute {
					t.Errorf("until %v from now", d)
				}
			}
			f.Fault(nil)
			asked := f.Counts().RESTTotal()
			if err := w.Forge.Comment(t.Context(), repos[0], 1, "x"); fleet.ClassOf(err) != fleet.Limited {
				t.Errorf("%v", err)
			}
			if f.Counts().RESTTotal() != asked {
				t.Error("the forge was asked before it wanted to be")
			}
			unit := map[sandbox.LimitKind]fleet.Unit{sandbox.LimitPrimary: fleet.Requests, sandbox.LimitSecondary: fleet.Creations}[kind]
			if a := w.Forge.Allowance(); a.More(unit).IsZero() {
				t.Errorf("%+v", a)
			}
		})
	}
}

// The forge grants 80 creations a minute, and never has to refuse one.
func TestGitHubKeepsToContentCreation(t *testing.T) {
	f, w := githubWorld(t)
	repo := faultyFleet(t, w)[0] // opened 12
	limited := 0
	for i := range 90 {
		if err := w.Forge.Comment(t.Context(), repo, 1, fmt.Sprint(i)); fleet.ClassOf(err) == fleet.Limited && err != nil {
			limited++
		} else if err != nil {
			t.Fatal(err)
		}
	}
	if limited != 90+12-80 {
		t.Errorf("%d were limited", limited)
	}
	if n := f.Counts().Refused; n != 0 {
		t.Errorf("the forge refused %d", n)
	}
}

// What is read again unchanged is free, and batches are few.
func TestGitHubReadsCheaply(t *testing.T) {
	f, w := githubWorld(t)
	repos := faultyFleet(t, w)
	read := func() {
		w.Forge.Heads(t.Context(), repos)
		w.Forge.PullRequests(t.Context(), ourBranches(repos))
		w.Forge.Rules(t.Context(), repos)
		if _, err := w.Forge.Repos(t.Context(), w.Org, nil); err != nil {
			t.Fatal(err)
		}
	}
	read()
	before := f.Counts()
	read()
	again := f.Counts().Since(before)
	if again.GraphQL != 3 || again.NotModified != again.RESTTotal() {
		t.Errorf("%d queries; %d of %d requests were free", again.GraphQL, again.NotModified, again.RESTTotal())
	}
}

// faultyFleet is a dozen repos with a pull request each, before any fault.
func faultyFleet(t testing.TB, w forgetest.World) []fleet.RepoName {
	var repos []fleet.RepoName
	for i := range 12 {
		repo := fleet.RepoName(fmt.Sprintf("%s/repo-%02d", w.Org, i))
		must(t, w.CreateRepo(repo, map[string]string{"README.md": "x\n"}))
		_, err := w.Commit(repo, "portreeve/ownership/x", map[string]string{"CODEOWNERS": "* @acme/a\n"}, "Name the owners")
		must(t, err)
		_, err = w.Forge.OpenPull(t.Context(), repo, forge.NewPull{
			Text: forge.Text{Title: "T"}, Head: "portreeve/ownership/x", Base: "main",
		})
		must(t, err)
		repos = append(repos, repo)
	}
	return repos
}

func ourBranches(repos []fleet.RepoName) []forge.Branch {
	var out []forge.Branch
	for _, repo := range repos {
		out = append(out, forge.Branch{Repo: repo, Name: "portreeve/ownership/x"})
	}
	return out
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
