package kube

import (
	"fmt"
	"maps"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"

	carry "github.com/portreeve/portreeve/reconciler/apply"
	"github.com/portreeve/portreeve/reconciler/cluster"
	"github.com/portreeve/portreeve/reconciler/declare"
	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/forge"
	"github.com/portreeve/portreeve/reconciler/internal/promise"
	"github.com/portreeve/portreeve/reconciler/kind"
	clusterkind "github.com/portreeve/portreeve/reconciler/kind/cluster"
	"github.com/portreeve/portreeve/reconciler/kind/prometheus"
	"github.com/portreeve/portreeve/reconciler/observe"
	"github.com/portreeve/portreeve/reconciler/plan"
	"github.com/portreeve/portreeve/reconciler/rollout"
)

const (
	passClusters  = 500
	passInstances = 20
	passWest      = 10 // of the clusters, that the last declaration is about
)

// noForge is a forge without a repo.
type noForge struct{ forge.Forge }

func (noForge) Allowance() fleet.Allowance { return fleet.Allowance{} }

// memo keeps all.
type memo map[string][]byte

func (m memo) Get(key string) ([]byte, bool) { v, ok := m[key]; return v, ok }
func (m memo) Put(key string, value []byte)  { m[key] = value }

// passes are whole passes over clusters whose requests are counted, from the config
// repo's text on.
type passes struct {
	loader   *declare.Loader
	apis     map[string]*api
	memo     memo
	observer *observe.Observer
	applier  *carry.Applier
}

func newPasses() *passes {
	p := &passes{loader: declare.NewLoader(passKinds()), apis: map[string]*api{}, memo: memo{}}
	d := &Delivery{Connect: func(name string) (client.Client, error) { return p.apis[name], nil }, Now: func() time.Time { return noon }}
	set := cluster.Set{Kube: d}
	p.observer = &observe.Observer{Forge: noForge{}, Now: func() time.Time { return noon }, Clusters: set}
	p.applier = &carry.Applier{Forge: noForge{}, Now: func() time.Time { return noon }, Clusters: set}
	return p
}

func passKinds() kind.Set { return kind.Set{clusterkind.New(), prometheus.New(nil)} }

// declared is a config repo of so many clusters. The last declaration, with so many
// replicas, is about the first of them alone.
func declared(clusters, replicas int) fstest.MapFS {
	var s strings.Builder
	s.WriteString(`package fleet
fleet: {org: "acme", mode: "merge", policies: {"restarts-alone": severity: "off", "data-at-risk": severity: "off", "targets-moved": severity: "off"}}
teams: platform: contact: "#platform"
clusters: {
`)
	for n := range clusters {
		region := "east"
		if n < passWest {
			region = "west"
		}
		fmt.Fprintf(&s, "\"c-%d\": {owner: \"platform\", labels: region: %q, delivery: apply: context: \"c-%d\"}\n", n, region, n)
	}
	s.WriteString("}\nprometheus: {\n")
	for n := range passInstances {
		regions, count := `"east", "west"`, 2
		if n == passInstances-1 {
			regions, count = `"west"`, replicas
		}
		fmt.Fprintf(&s, "\"p-%d\": {owner: \"platform\", why: \"Order.\", clusters: labels: region: [%s], settings: {version: \"3.5.0\", replicas: %d}}\n", n, regions, count)
	}
	s.WriteString("}\n")
	return fstest.MapFS{"fleet.cue": {Data: []byte(s.String())}}
}

// pass observes, plans and carries out.
func (p *passes) pass(t testing.TB, files fstest.MapFS) *plan.Plan {
	t.Helper()
	w := &plan.World{Now: noon, Config: p.loader.Load(files), Repos: map[fleet.RepoName]*plan.Repo{}}
	if fleet.HasErrors(w.Config.Problems) {
		t.Fatal(w.Config.Problems)
	}
	for range 8 {
		planned, needs := plan.Compute(w, passKinds(), p.memo)
		if len(needs) == 0 {
			for _, r := range p.applier.Run(ctx, w, planned) {
				if r.Err != nil {
					t.Fatal(r.Err)
				}
			}
			return planned
		}
		if err := p.observer.Answer(ctx, w, needs); err != nil {
			t.Fatal(err)
		}
	}
	t.Fatal("planning goes on asking")
	return nil
}

// many is 500 clusters with all that is declared applied to them, and running.
func many(t testing.TB) *passes {
	p := newPasses()
	kinds := []int{0, passWest} // one cluster of each sort, whose state the others get
	for n := range passWest + 1 {
		p.apis[fmt.Sprintf("c-%d", n)] = newAPI()
	}
	p.pass(t, declared(passWest+1, 2))
	var has [2][]client.Object
	for i, n := range kinds {
		a := p.apis[fmt.Sprintf("c-%d", n)]
		for _, of := range []schema.GroupVersionKind{
			{Version: "v1", Kind: "ConfigMapList"}, {Group: "monitoring.coreos.com", Version: "v1", Kind: "PrometheusList"},
		} {
			var list unstructured.UnstructuredList
			list.SetGroupVersionKind(of)
			if err := a.List(ctx, &list); err != nil {
				t.Fatal(err)
			}
			for j := range list.Items {
				o := &list.Items[j]
				o.SetResourceVersion("")
				if of.Kind == "PrometheusList" {
					o.Object["status"] = map[string]any{"conditions": []any{map[string]any{"type": "Available", "status": "True"}}}
				}
				has[i] = append(has[i], o)
			}
		}
	}
	for n := range passClusters {
		i := 1
		if n < passWest {
			i = 0
		}
		p.apis[fmt.Sprintf("c-%d", n)] = newAPI(has[i]...)
	}
	return p
}

const passObjects = passClusters*(passInstances-1) + passWest

// TestPass500: a pass over 500 clusters of 20 objects, of which nothing has changed,
// takes one list for each cluster and kind, and no write. One declaration that has
// changed touches its own clusters, and no other.
func TestPass500(t *testing.T) {
	p := many(t)
	planned := p.pass(t, declared(passClusters, 2))
	if len(planned.Steps) > 0 || planned.Count(rollout.Done) != passObjects {
		t.Fatalf("%d steps, %d of %d done", len(planned.Steps), planned.Count(rollout.Done), passObjects)
	}
	unchanged := map[string]int{"get ConfigMap": 1, "list Prometheus": 1, "list HorizontalPodAutoscaler": 1, "list ScaledObject": 1}
	for name, a := range p.apis {
		if reads, writes := a.since(); !maps.Equal(reads, unchanged) || writes != nil {
			t.Fatalf("%s was read by %v and written by %q, want %v", name, reads, writes, unchanged)
		}
	}
	planned = p.pass(t, declared(passClusters, 3))
	if len(planned.Steps) != passWest {
		t.Fatalf("%d steps, want %d", len(planned.Steps), passWest)
	}
	written := 0
	for n := range passClusters {
		reads, writes := p.apis[fmt.Sprintf("c-%d", n)].since()
		switch {
		case n < passWest && len(writes) == 1 && writes[0] == fmt.Sprintf("patch Prometheus p-%d", passInstances-1):
			written++
		case n < passWest || writes != nil || !maps.Equal(reads, unchanged):
			t.Errorf("c-%d was read by %v and written by %q", n, reads, writes)
		}
	}
	if written != passWest {
		t.Errorf("%d clusters were written, want %d", written, passWest)
	}
}

// BenchmarkPass is a pass over 500 clusters of 20 objects, of which nothing has
// changed; the stubs' part is in it.
func BenchmarkPass(b *testing.B) {
	p := many(b)
	files := declared(passClusters, 2)
	done := promise.Within(b, 10*time.Second)
	defer done()
	for b.Loop() {
		if planned := p.pass(b, files); len(planned.Steps) > 0 || planned.Count(rollout.Done) != passObjects {
			b.Fatalf("%d steps", len(planned.Steps))
		}
	}
}
