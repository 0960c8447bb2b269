package plan_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/portreeve/portreeve/reconciler/declare"
	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/internal/promise"
	"github.com/portreeve/portreeve/reconciler/plan"
)

// Sizes of a fleet of clusters.
const (
	benchClusters  = 500
	benchRepos     = 10
	benchInstances = 20
)

// clustersOf is a config repo with so many Prometheuses on all of so many
// clusters, the first with a number of shards.
func clustersOf(shards int) fstest.MapFS {
	var s strings.Builder
	s.WriteString("package fleet\n\nfleet: {org: \"acme\", mode: \"merge\", prometheus: version: \"3.5.0\"}\nteams: obs: github: \"acme/obs\"\nclusters: {\n")
	for i := range benchClusters {
		fmt.Fprintf(&s, "\t\"c-%d\": {owner: \"obs\", labels: size: \"s%d\", delivery: pullRequest: {repo: \"acme/gitops-%d\", folder: \"c-%d\"}}\n", i, i%5, i%benchRepos, i)
	}
	s.WriteString("}\nprometheus: {\n")
	for i := range benchInstances {
		n := 4
		if i == 0 {
			n = shards
		}
		fmt.Fprintf(&s, "\t\"p-%d\": {owner: \"obs\", why: \"w\", clusters: labels: size: [\"s0\", \"s1\", \"s2\", \"s3\", \"s4\"], settings: {replicas: 2, remoteWrite: mimir: {url: \"https://mimir.example/push\", minShards: %d, maxShards: %d}}, overrides: [{clusters: labels: size: [\"s0\"], settings: replicas: 3}]}\n", i, n, n)
	}
	s.WriteString("}\n")
	return fstest.MapFS{"fleet.cue": {Data: []byte(s.String())}}
}

// BenchmarkClusters plans for 500 clusters with 20 Prometheuses each, from the
// text of the config repo on: settled, when nothing may be written, and with one
// declaration changed, when just its clusters may be touched and computed anew.
func BenchmarkClusters(b *testing.B) {
	loader := declare.NewLoader(kinds())
	m := newMemo()
	w := &plan.World{Now: now, Repos: map[fleet.RepoName]*plan.Repo{}}
	world := func(shards int) {
		w.Config = loader.Load(clustersOf(shards))
		for _, d := range w.Config.Declarations {
			d.Revision = "r1"
		}
	}
	world(4)
	trees := map[fleet.RepoName]*snapshot{}
	for i := range benchRepos {
		name := fleet.RepoName(fmt.Sprintf("acme/gitops-%d", i))
		trees[name] = newSnapshot()
		trees[name].files["README.md"] = &fstest.MapFile{Data: []byte("x")}
		w.Repos[name] = &plan.Repo{Listing: fleet.Repo{Name: name, DefaultBranch: "main"}, Tree: trees[name], Pulls: map[string]*fleet.PullRequest{}}
	}
	stand := func() {
		for name, r := range w.Repos {
			r.Head = fleet.Head{Commit: trees[name].Commit(), Tree: trees[name].Tree()}
		}
	}
	stand()
	for c := range benchClusters {
		for p := range benchInstances {
			branch := fleet.BranchName(fleet.ID{Kind: "prometheus", Name: fmt.Sprintf("p-%d", p)}, fleet.Lane(fmt.Sprintf("c-%d", c)))
			w.Repos[fleet.RepoName(fmt.Sprintf("acme/gitops-%d", c%benchRepos))].Pulls[branch] = nil
		}
	}
	const lanes = benchClusters * benchInstances
	p, needs := plan.Compute(w, kinds(), m)
	if len(needs) > 0 || p.Count("change") != lanes {
		b.Fatalf("%d needs, %d changes, %v", len(needs), p.Count("change"), p.Problems)
	}
	for _, s := range p.Steps {
		for _, e := range s.Edits {
			trees[s.Repo].files[string(e.Path)] = &fstest.MapFile{Data: e.Content}
			trees[s.Repo].loaded[string(e.Path)] = true
		}
	}
	stand()
	if p, _ := plan.Compute(w, kinds(), m); len(p.Steps) > 0 || p.Count("done") != lanes {
		b.Fatalf("settled: %d steps, %d done", len(p.Steps), p.Count("done"))
	}
	b.Run("settled", func(b *testing.B) {
		done := promise.Within(b, 5*time.Second)
		for b.Loop() {
			m.misses = 0
			world(4)
			if p, needs := plan.Compute(w, kinds(), m); len(needs)+len(p.Steps)+m.misses > 0 {
				b.Fatalf("%d needs, %d steps, %d computed anew", len(needs), len(p.Steps), m.misses)
			}
		}
		done()
	})
	b.Run("one changed", func(b *testing.B) {
		done := promise.Within(b, 5*time.Second)
		shards := 4
		for b.Loop() {
			m.misses = 0
			shards = 5 + shards%40
			world(shards)
			p, needs := plan.Compute(w, kinds(), m)
			if len(needs) > 0 || p.Count("change") != benchClusters || m.misses > benchClusters {
				b.Fatalf("%d needs, %d changes, %d computed anew", len(needs), p.Count("change"), m.misses)
			}
		}
		done()
	})
}
