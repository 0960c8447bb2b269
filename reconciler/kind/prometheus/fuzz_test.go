package prometheus_test

import (
	"encoding/json"
	"path/filepath"
	"testing"
	"testing/fstest"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/kind"
	"github.com/portreeve/portreeve/reconciler/kind/prometheus"
	"github.com/portreeve/portreeve/reconciler/transform"
	"github.com/portreeve/portreeve/reconciler/transform/yaml"
)

// FuzzAdopt: whatever a file of a cluster holds, it is declared so that nothing of
// it changes, or refused.
func FuzzAdopt(f *testing.F) {
	cases, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(cases) == 0 {
		f.Fatal(err)
	}
	for _, name := range cases {
		archive, err := txtar.ParseFile(name)
		if err != nil {
			f.Fatal(err)
		}
		for _, file := range archive.Files {
			if ext := filepath.Ext(file.Name); ext == ".yaml" || ext == ".yml" {
				f.Add(file.Data, []byte("GOMEMLIMIT=1GiB\nARGS=\"--storage.tsdb.retention.time=15d\"\n"))
			}
		}
	}
	f.Add([]byte("kind: Prometheus\nmetadata: {name: x}\nspec: &a {shards: 1e3, remoteWrite: [{name: \"a.b\", url: *a}], externalLabels: {\"a.b\": c, ? d : e}}\n"), []byte("=\nARGS=\n#"))
	k := prometheus.New(transform.Set{yaml.New()})
	config := &fleet.Config{Declarations: []*fleet.Declaration{{
		ID: fleet.ID{Kind: fleet.ClusterKind, Name: "c"}, Owner: "obs",
		Cluster: &fleet.Cluster{Delivery: fleet.Delivery{PullRequest: &fleet.PullDelivery{Repo: "acme/c"}}}, Spec: true,
	}}}
	kind.Index(config)
	f.Fuzz(func(t *testing.T, file, environment []byte) {
		tree := fstest.MapFS{"f.yaml": {Data: file}, "f.env": {Data: environment}}
		adopted, err := k.AdoptFile(kind.FileToAdopt{Config: config, Cluster: "c", Tree: tree, File: "f.yaml", Version: "3.5.0"})
		if err != nil {
			return
		}
		data, err := json.Marshal(adopted.Fields)
		if err != nil {
			t.Fatal(err)
		}
		decoded, problems := k.Decode(kind.Source{ID: fleet.ID{Kind: "prometheus", Name: adopted.Name}, JSON: data})
		if fleet.HasErrors(problems) {
			return // what no declaration may say, the command tells
		}
		d := &fleet.Declaration{ID: fleet.ID{Kind: "prometheus", Name: adopted.Name}, Spec: decoded.Spec}
		want, err := k.Want(&kind.Pass{Declaration: d, Config: config, Repo: fleet.Repo{Name: "acme/c"}, Cluster: config.Clusters["c"], Tree: tree})
		if err != nil || len(want.Edits) > 0 {
			t.Errorf("%s\nwould be changed: %v %v\n%s", file, want.What, err, data)
		}
	})
}
