package main

import (
	"fmt"
	"strings"
	"testing"

	"github.com/portreeve/portreeve/reconciler/apply"
	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/forge/sandbox"
	"github.com/portreeve/portreeve/reconciler/rollout"
)

// TestSettledCost holds a pass over a settled fleet to its price: a list page
// for each 100 repos, the points of reading the heads and the open pull
// requests, and no write at all.
func TestSettledCost(t *testing.T) {
	const repos, open = 120, 30
	config := `package fleet

fleet: {org: "acme", mode: "merge"}
teams: platform: github: "acme/platform"
migrations: greet: {
	title: "Greet politely"
	why:   "Guests ask for it."
	owner: "platform"
	select: topic: "guests"
	steps: [{do: "file", path: "hello.txt", content: "good day\n"}]
}
`
	var specs []sandbox.Spec
	for n := range repos {
		spec := sandbox.Spec{Name: fleet.RepoName(fmt.Sprintf("acme/r%03d", n)), Files: map[string]sandbox.File{"main.go": {Content: "package main\n"}}}
		if n < open {
			spec.Topics = []string{"guests"}
		}
		specs = append(specs, spec)
	}
	f := newStage(t, map[string]string{"fleet.cue": config}, specs...)
	e := f.engine(t)
	if pass := e.Once(t.Context()); pass.Err != "" || len(pass.Done) != open {
		t.Fatalf("the first pass took %d steps: %s", len(pass.Done), pass.Err)
	}
	for range 2 { // sees what was made, tells the team of it, and says so in the commit status
		e.Once(t.Context())
	}
	before := f.Counts()
	if pass := e.Once(t.Context()); pass.Err != "" || len(pass.Done) != 0 {
		t.Fatalf("a settled pass took %d steps: %s", len(pass.Done), pass.Err)
	}
	cost := f.Counts().Since(before)
	if len(cost.Writes) != 0 {
		t.Errorf("a settled pass wrote: %+v", cost.Writes)
	}
	// One more is for the issues in the config repo, free while none is new.
	if pages := (repos+1+99)/100 + 1; cost.RESTTotal() > pages {
		t.Errorf("%d REST requests, expected at most %d: %v", cost.RESTTotal(), pages, cost.REST)
	}
	// GitHub counts a point for each 100 connections that a query walks: two
	// for a head (its branches, its checks), six for a pull request.
	if points := 2 + 1 + 2; cost.GraphQLPoints > points {
		t.Errorf("%d GraphQL points, expected at most %d", cost.GraphQLPoints, points)
	}
	if cost.Git["git-upload-pack"]+cost.Git["git-receive-pack"] != 0 {
		t.Errorf("objects went over Git: %v", cost.Git)
	}
}

// costConfig takes the why, the content, and who merges.
const costConfig = `package fleet

fleet: {repos: ["acme/closes", "acme/merges", "acme/queues"], mode: "merge", limits: removals: "100%%"}
fleet: policies: "migration-merges-untested": severity: "off"
teams: platform: github: "acme/platform"
migrations: greet: {
	title: "Greet politely"
	why:   %q
	owner: "platform"
	select: topic: "guests"
	steps: [{do: "file", path: "hello.txt", content: %q}]
	labels: ["greeting"]
	merge: %q
}
`

// TestStepsCostNoMore holds each step to what planning takes it to cost at most,
// as the forge counts it. Whatever a step costs more would be missing later.
func TestStepsCostNoMore(t *testing.T) {
	var specs []sandbox.Spec
	for _, name := range []fleet.RepoName{"acme/closes", "acme/merges", "acme/queues"} {
		specs = append(specs, sandbox.Spec{
			Name: name, Topics: []string{"guests"}, Files: map[string]sandbox.File{"main.go": {Content: "package main\n"}},
		})
	}
	specs[2].Rules = sandbox.Rules{RequiredChecks: []string{"test"}, Queue: true}
	f := newStage(t, map[string]string{"fleet.cue": fmt.Sprintf(costConfig, "Guests ask.", "hi\n", "manual")}, specs...)
	e := f.engine(t)
	e.Applier.Workers, e.Observer.Settle = 1, 0
	var before sandbox.Counts
	seen := map[rollout.Action]int{}
	e.Applier.Before = func(*rollout.Step) { before = f.Counts() }
	e.Applier.Progress = func(r apply.Result, _, _ int) {
		seen[r.Step.Action]++
		took, most := costOf(f.Counts().Since(before)), r.Step.Cost()
		for _, u := range []fleet.Unit{fleet.Creations, fleet.Requests, fleet.Points, fleet.Queries} {
			if took.Of(u) > most.Of(u) {
				t.Errorf("%s took %d %s, and was planned with %d", r.Step.Action, took.Of(u), u, most.Of(u))
			}
		}
	}
	declare := func(why, content, merge string) {
		_, err := f.Person("kim").CommitFile("acme/config", "main", "fleet.cue", fmt.Sprintf(costConfig, why, content, merge), "Change")
		must(t, err)
	}
	pass := func() {
		if pass := e.Once(t.Context()); pass.Err != "" {
			t.Fatal(pass.Err)
		}
	}
	pass()
	declare("Guests insist.", "hi\n", "manual")
	pass()
	declare("Guests insist.", "good day\n", "manual")
	pass()
	must(t, f.Person("kim").SetTopics("acme/closes"))
	pass()
	waits, err := f.Pull("acme/queues", 1)
	must(t, err)
	must(t, f.Person("kim").SetStatus("acme/queues", waits.HeadCommit, "test", fleet.CommitStatus{State: fleet.StatusSuccess}))
	declare("Guests insist.", "good day\n", "no-checks")
	pass()
	pass()
	declare("Guests insist.", "good day\n", "manual")
	pass()
	for _, a := range []rollout.Action{rollout.Open, rollout.Reword, rollout.Update, rollout.Close, rollout.DeleteBranch, rollout.Merge, rollout.Enqueue, rollout.Dequeue} {
		if seen[a] == 0 {
			t.Errorf("no step to %s was taken: %v", a, seen)
		}
	}
}

// costOf is what the forge was asked, by its own rules.
func costOf(c sandbox.Counts) (cost fleet.Cost) {
	for route, n := range c.REST {
		points := 5
		if strings.HasPrefix(route, "GET ") {
			points = 1
		}
		cost = cost.Plus(fleet.Cost{Requests: n, Points: n * points})
	}
	cost.Queries = c.GraphQLPoints
	for _, w := range c.WritesBy("portreeve") {
		if w.Do == "open" || w.Do == "comment" {
			cost.Creations++
		}
	}
	return cost
}
