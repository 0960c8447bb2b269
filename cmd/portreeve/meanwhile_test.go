package main

import (
	"context"
	"fmt"
	"io/fs"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/forge/sandbox"
	"github.com/portreeve/portreeve/reconciler/kind"
	"github.com/portreeve/portreeve/reconciler/rollout"
	"github.com/portreeve/portreeve/reconciler/store"
)

// meanwhileConfig wants one file, whose content is the argument.
const meanwhileConfig = `package fleet

fleet: {repos: ["acme/billing", "acme/ledger"], mode: "propose"}
teams: platform: github: "acme/platform"
migrations: greet: {
	title: "Greet politely"
	why:   "Guests ask for it."
	owner: "platform"
	steps: [{do: "file", path: "hello.txt", content: %q}]
}
`

// meanwhile is a stage with two repos.
type meanwhile struct{ *stage }

func newMeanwhile(t *testing.T) *meanwhile {
	var repos []sandbox.Spec
	for _, name := range []fleet.RepoName{"acme/billing", "acme/ledger"} {
		repos = append(repos, sandbox.Spec{Name: name, Files: map[string]sandbox.File{"main.go": {Content: "package main\n"}}})
	}
	return &meanwhile{newStage(t, map[string]string{"fleet.cue": fmt.Sprintf(meanwhileConfig, "good day\n")}, repos...)}
}

func (m *meanwhile) declare(t *testing.T, content string) {
	t.Helper()
	_, err := m.Person("kim").CommitFile("acme/config", "main", "fleet.cue", fmt.Sprintf(meanwhileConfig, content), "Change")
	must(t, err)
}

// applied takes the steps of a plan after what happens meanwhile, and gives how
// those for acme/ledger went.
func applied(t *testing.T, e *engine, meanwhile func() error) []error {
	t.Helper()
	planned, err := e.Plan(context.Background())
	must(t, err)
	must(t, meanwhile())
	var errs []error
	for _, r := range e.Applier.Run(context.Background(), planned.World, planned.Plan) {
		if r.Step.Repo == "acme/ledger" {
			errs = append(errs, r.Err)
		}
	}
	return errs
}

// TestClosedMeanwhile has a person close a pull request between a daemon's
// plan and its steps: there is no second one, and its branch stays.
func TestClosedMeanwhile(t *testing.T) {
	m := newMeanwhile(t)
	slow, quick := m.engine(t), m.engine(t)

	// A daemon was killed between its push and its pull request.
	m.Fault(func(r sandbox.Request) *sandbox.FaultAnswer {
		if r.Login == "portreeve" && r.Write && r.Kind == "rest" {
			return &sandbox.FaultAnswer{Reset: true}
		}
		return nil
	})
	quick.Once(context.Background())
	m.Fault(nil)

	errs := applied(t, slow, func() error {
		quick.Once(context.Background())
		return m.Person("kim").Close("acme/ledger", 1)
	})
	if len(errs) != 1 || fleet.ClassOf(errs[0]) != fleet.Moved {
		t.Errorf("opening: %v", errs)
	}
	if pulls, err := m.Pulls("acme/ledger"); len(pulls) != 1 {
		t.Fatalf("%d pull requests, %v", len(pulls), err)
	}

	// It is reopened, its declaration changes, and it is closed again.
	must(t, m.Person("kim").Reopen("acme/ledger", 1))
	before, err := m.Pulls("acme/ledger")
	must(t, err)
	m.declare(t, "good evening\n")
	errs = applied(t, slow, func() error { return m.Person("kim").Close("acme/ledger", 1) })
	if len(errs) != 1 || fleet.ClassOf(errs[0]) != fleet.Moved {
		t.Errorf("updating: %v", errs)
	}
	after, err := m.Pulls("acme/ledger")
	must(t, err)
	if len(after) != 1 || after[0].HeadCommit != before[0].HeadCommit {
		t.Errorf("the branch was rewritten, or there is a second pull request: %+v", after)
	}
}

// TestNewerRevision has a newer revision come in while the very first pass
// waits for the forge: that pass ends, and tells of no step, nor of a plan that
// is all questions.
func TestNewerRevision(t *testing.T) {
	m := newMeanwhile(t)
	e := m.engine(t)
	waiting, release := make(chan struct{}), make(chan struct{})
	var once sync.Once
	m.Fault(func(r sandbox.Request) *sandbox.FaultAnswer {
		if r.Kind == "git" && r.Repo == "acme/ledger" {
			held := false
			once.Do(func() { held = true })
			if held {
				close(waiting)
				<-release
			}
		}
		return nil
	})
	passes := make(chan *store.Pass, 100)
	e.Publish = func(p *store.Pass) { passes <- p }
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- e.Run(ctx, time.Hour, nil) }()
	<-waiting
	m.declare(t, "good evening\n")
	first := <-passes
	close(release)
	if first.Err != "a newer revision came in" || len(first.Done) != 0 || first.Plan != nil {
		t.Errorf("the first pass: %q, %+v, %+v", first.Err, first.Done, first.Plan)
	}
	second := <-passes
	if second.Err != "" || second.Revision == first.Revision || len(second.Done) != 2 {
		t.Errorf("the second pass: %q, %+v", second.Err, second.Done)
	}
	stop()
	must(t, <-ended)
}

// TestStoppedBetweenSteps stops the daemon while it takes its first step: that
// one is ended, and the steps that had not begun are not told as failed.
func TestStoppedBetweenSteps(t *testing.T) {
	m := newMeanwhile(t)
	e := m.engine(t)
	look, err := e.Plan(context.Background())
	must(t, err)
	for i := range look.Plan.Steps { // one after the other
		look.Plan.Steps[i].Repo = "acme/ledger"
	}
	ctx, stop := context.WithCancel(context.Background())
	e.Applier.Before = func(*rollout.Step) { stop() }
	results := e.Applier.Run(ctx, look.World, look.Plan)
	if len(look.Plan.Steps) != 2 || len(results) != 1 || results[0].Err != nil {
		t.Errorf("of %d steps: %+v", len(look.Plan.Steps), results)
	}
}

// TestAsksWithoutEnd has planning ask for ever more of one repo: that repo is
// told, none of its steps is taken, and the others go on.
func TestAsksWithoutEnd(t *testing.T) {
	m := newMeanwhile(t)
	files := map[string]*sandbox.File{}
	for n := range 60 {
		files[fmt.Sprintf("f/%d", n)] = &sandbox.File{Content: fmt.Sprint(n)}
	}
	_, err := m.Person("kim").CommitFiles("acme/ledger", "main", files, "Add files")
	must(t, err)
	e := m.engine(t)
	var asked atomic.Int64
	for i := range e.Kinds {
		want := e.Kinds[i].Want
		e.Kinds[i].Want = func(p *kind.Pass) (kind.Want, error) {
			if p.Repo.Name == "acme/ledger" {
				if _, err := fs.ReadFile(p.Tree, fmt.Sprintf("f/%d", asked.Add(1))); err != nil {
					return kind.Want{}, err
				}
			}
			return want(p)
		}
	}
	look, err := e.Plan(context.Background())
	must(t, err)
	for _, s := range look.Plan.Steps {
		if s.Repo == "acme/ledger" {
			t.Errorf("a step on half an answer: %+v", s)
		}
	}
	if len(look.Plan.Steps) != 1 {
		t.Errorf("the other repo has %d steps", len(look.Plan.Steps))
	}
	for _, o := range look.Plan.Outcomes {
		if o.Target.Repo == "acme/ledger" && (o.State != rollout.Waiting || !strings.Contains(o.Reason, "asked for more")) {
			t.Errorf("told as %s: %s", o.State, o.Reason)
		}
	}
}

// TestLabelsAreNotLost has the forge fail between a pull request and its labels:
// they come in the next pass. What a person takes off then stays off.
func TestLabelsAreNotLost(t *testing.T) {
	m := newMeanwhile(t)
	labelled := strings.Replace(fmt.Sprintf(meanwhileConfig, "good day\n"), "owner:", `labels: ["polite"], owner:`, 1)
	_, err := m.Person("kim").CommitFile("acme/config", "main", "fleet.cue", labelled, "Label them")
	must(t, err)
	e := m.engine(t)
	m.Fault(func(r sandbox.Request) *sandbox.FaultAnswer {
		if strings.HasSuffix(r.Route, "/labels") {
			return &sandbox.FaultAnswer{Reset: true}
		}
		return nil
	})
	e.Once(t.Context())
	m.Fault(nil)
	for _, want := range []string{"[polite]", "[]"} {
		e.Once(t.Context())
		pulls, err := m.Pulls("acme/ledger")
		if err != nil || len(pulls) != 1 || fmt.Sprint(pulls[0].Labels) != want {
			t.Fatalf("want the labels %s: %+v, %v", want, pulls, err)
		}
		_ = m.Person("kim").Unlabel("acme/ledger", 1, "polite") // in the end there is none
	}
}
