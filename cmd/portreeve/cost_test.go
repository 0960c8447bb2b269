package main

import (
	"fmt"
	"testing"

	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/forge/sandbox"
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
	e.Once(t.Context()) // sees what the first has made, and says so in the commit status
	before := f.Counts()
	if pass := e.Once(t.Context()); pass.Err != "" || len(pass.Done) != 0 {
		t.Fatalf("a settled pass took %d steps: %s", len(pass.Done), pass.Err)
	}
	cost := f.Counts().Since(before)
	if len(cost.Writes) != 0 {
		t.Errorf("a settled pass wrote: %+v", cost.Writes)
	}
	if pages := (repos + 1 + 99) / 100; cost.RESTTotal() > pages {
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
