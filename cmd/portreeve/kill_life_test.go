package main

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/portreeve/portreeve/reconciler/disk"
	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/forge/sandbox"
)

// lifeConfig is what three repos go through together, so that each step there
// is happens. ledger merges by itself, each version of greet anew. In billing
// and web a person has to approve: that of billing is updated and then
// withdrawn, that of web a person works on. thank is about billing alone, is
// reworded, and merged once a person has approved it. In the end ledger has a
// merge queue: its next version is put there, and withdrawn from it.
const lifeConfig = `package fleet

fleet: {repos: ["acme/ledger", "acme/billing", "acme/web"], mode: "merge"}
fleet: policies: {"migration-whole-fleet": severity: "off", "migration-merges-untested": severity: "off"}
teams: platform: github: "acme/platform"
migrations: [string]: {owner: "platform", merge: "no-checks"}
migrations: greet: {
	title:  "Greet politely"
	why:    "Guests ask for it."
	labels: ["polite"]
	select: name: %q
	steps: [{do: "file", path: "hello.txt", content: "good %s\n"}]
}
migrations: thank: {
	title: "Say thanks"
	why:   %q
	select: name: "billing"
	steps: [{do: "file", path: "thanks.txt", content: "thanks\n"}]
}
`

// life is one play of it, with a daemon that is killed on the way.
type life struct {
	*stage
	points  *points
	repos   []fleet.RepoName
	clock   *clock
	spares  func(disk.Change) moment // instead of points of the disk; nil spares none
	data    string
	lost    bool   // the data directory is deleted at each start
	waits   int    // outcomes that wait for people when all is settled
	chapter int    // from 1
	what    string // has happened last
}

func newLife(t *testing.T, lost bool) *life {
	var repos []sandbox.Spec
	names := []fleet.RepoName{"acme/ledger", "acme/billing", "acme/web"}
	for _, name := range names {
		spec := sandbox.Spec{Name: name, Files: map[string]sandbox.File{"main.go": {Content: "package main\n"}}}
		if name != "acme/ledger" {
			spec.Rules.RequiredApprovals = 1
		}
		repos = append(repos, spec)
	}
	config := fmt.Sprintf(lifeConfig, "*", "day", "It is kind.")
	return lifeOn(newMemoryStage(t, map[string]string{"fleet.cue": config}, repos...), lost, names...)
}

func lifeOn(s *stage, lost bool, repos ...fleet.RepoName) *life {
	l := &life{stage: s, lost: lost, repos: repos, data: filepath.Join(s.dir, "data")}
	l.points = newPoints(l)
	return l
}

// play plays all chapters and looks at what has come of them.
func (l *life) play(t *testing.T) {
	t.Helper()
	kim := l.Person("kim")
	declare := func(args ...any) {
		_, err := kim.CommitFile("acme/config", "main", "fleet.cue", fmt.Sprintf(lifeConfig, args...), "Declare")
		must(t, err)
	}
	l.settle(t)

	_, err := kim.CommitFile("acme/web", "portreeve/migration/greet", "mine.txt", "mine\n", "Work on it")
	must(t, err)
	declare("*", "evening", "It is right.")
	l.settle(t)

	for _, p := range l.pulls(t, "acme/billing", "thank") {
		must(t, kim.Approve("acme/billing", p.Number))
	}
	declare("ledger", "evening", "It is right.")
	l.settle(t)
	l.queue(t, func(repo, word string) { declare(repo, word, "It is right.") })
	l.idle(t)
	l.check(t)
}

// queue has ledger's next version wait for a check, then in the queue for
// another one, and be withdrawn from there.
func (l *life) queue(t *testing.T, declare func(repo, word string)) {
	t.Helper()
	kim := l.Person("kim")
	must(t, kim.SetRules("acme/ledger", sandbox.Rules{RequiredChecks: []string{"test"}, Queue: true}))
	l.waits = 1
	declare("ledger", "night")
	l.settle(t)

	pulls := l.pulls(t, "acme/ledger", "greet")
	must(t, kim.SetStatus("acme/ledger", pulls[len(pulls)-1].HeadCommit, "test", fleet.CommitStatus{State: fleet.StatusSuccess}))
	l.settle(t)

	l.waits = 0
	declare("billing", "night")
	l.settle(t)
}

// idle changes nothing that is declared, until clones that are not needed any
// more have been removed in spite of all deaths: each is met at one change of
// the config repo alone.
func (l *life) idle(t *testing.T) {
	t.Helper()
	l.chapter++
	for n := range 15 {
		_, err := l.Person("kim").CommitFile("acme/config", "main", "README.md", fmt.Sprint("Day ", n, "\n"), "Say the day")
		must(t, err)
		l.settleOn(t)
		if clones, err := os.ReadDir(filepath.Join(l.data, "config")); err == nil && len(clones) <= 2 {
			return
		}
	}
	t.Errorf("what deaths left of clones is not removed")
}

// settle starts the daemon, and again after each death, until nothing is left
// to do.
func (l *life) settle(t *testing.T) {
	t.Helper()
	l.chapter++
	l.settleOn(t)
}

func (l *life) settleOn(t *testing.T) {
	t.Helper()
	for range 500 {
		if l.lost {
			must(t, os.RemoveAll(l.data))
		}
		v := victim{onForge: l.points.forge, onDisk: l.points.disk, waits: l.waits, clock: l.clock}
		if l.spares != nil {
			v.onDisk = l.spares
		}
		if v.run(t, l.stage, l.data) {
			return
		}
		l.never(t)
		if found := halfThere(t, l.data); found != nil {
			t.Fatalf("%s leaves what is not whole: %q", l.what, found)
		}
	}
	t.Fatalf("%s: it does not settle", l.what)
}

// never holds what may not be so at any time: two open pull requests of one
// branch.
func (l *life) never(t *testing.T) {
	t.Helper()
	for _, repo := range l.repos {
		all, err := l.Pulls(repo)
		must(t, err)
		open := map[string]int{}
		for _, p := range all {
			if p.State == fleet.PullOpen {
				open[p.Head]++
			}
			if open[p.Head] > 1 {
				t.Fatalf("%s: %s has %d open pull requests of %s", l.what, repo, open[p.Head], p.Head)
			}
		}
	}
}

func (l *life) pulls(t *testing.T, repo fleet.RepoName, migration string) (of []fleet.PullRequest) {
	t.Helper()
	all, err := l.Pulls(repo)
	must(t, err)
	for _, p := range all {
		if p.Head == "portreeve/migration/"+migration {
			of = append(of, p)
		}
	}
	return of
}

func (l *life) check(t *testing.T) {
	t.Helper()
	for _, want := range []struct {
		repo      fleet.RepoName
		migration string
		states    []fleet.PullState
	}{
		{"acme/ledger", "greet", []fleet.PullState{fleet.PullMerged, fleet.PullMerged, fleet.PullClosed}},
		{"acme/billing", "greet", []fleet.PullState{fleet.PullClosed, fleet.PullOpen}},
		{"acme/billing", "thank", []fleet.PullState{fleet.PullMerged}},
		{"acme/web", "greet", []fleet.PullState{fleet.PullClosed}},
	} {
		var got []fleet.PullState
		for _, p := range l.pulls(t, want.repo, want.migration) {
			got = append(got, p.State)
		}
		if !slices.Equal(got, want.states) {
			t.Errorf("%s: the pull requests of %s in %s are %v, expected %v", l.what, want.migration, want.repo, got, want.states)
		}
	}
	for place, want := range map[string]string{
		"acme/ledger main hello.txt": "good evening\n", "acme/billing main thanks.txt": "thanks\n", "acme/billing main hello.txt": "",
		"acme/web portreeve/migration/greet mine.txt":  "mine\n",
		"acme/web portreeve/migration/greet hello.txt": "good evening\n",
	} {
		at := strings.Fields(place)
		if content, err := l.ReadFile(fleet.RepoName(at[0]), at[1], at[2]); content != want {
			t.Errorf("%s: %s holds %q, expected %q; %v", l.what, place, content, want, err)
		}
	}
	if thank := l.pulls(t, "acme/billing", "thank"); len(thank) == 1 && !strings.Contains(thank[0].Body, "It is right") {
		t.Errorf("%s: the pull request still says %q", l.what, thank[0].Body)
	}
	l.once(t)
}

// once holds that nothing was done twice that shows.
func (l *life) once(t *testing.T) {
	t.Helper()
	done := map[string]int{}
	for _, w := range l.Counts().WritesBy("portreeve") {
		switch w.Do {
		case "open", "comment", "close", "merge":
			done[fmt.Sprintf("%s %s#%d", w.Do, w.Repo, w.Number)]++
		}
	}
	for _, what := range slices.Sorted(maps.Keys(done)) {
		if done[what] > 1 {
			t.Errorf("%s: done %d times: %s", l.what, done[what], what)
		}
	}
}
