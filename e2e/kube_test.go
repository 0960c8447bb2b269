package e2e

import (
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
	"go.yaml.in/yaml/v4"

	"github.com/portreeve/portreeve/e2e/kube"
)

// TestOperatorObjects: a real API server with prometheus-operator's own
// definitions takes every object that the kind prometheus writes in its cases,
// field by field.
func TestOperatorObjects(t *testing.T) {
	server, err := kube.Start(t.TempDir())
	must(t, err)
	t.Cleanup(server.Close)
	must(t, server.Define("prometheuses", "prometheusagents"))
	_, err = server.Do(http.MethodPost, "/api/v1/namespaces", "application/json", []byte(`{"metadata": {"name": "monitoring"}}`))
	must(t, err)

	// It can refuse: a field that is not known, and a value of the wrong sort.
	for _, wrong := range []string{"shard: 2", "shards: many", "remoteWrite: [{url: u, queueConfig: {maxShard: 2}}]", "retentionSize: 80 gigabytes"} {
		text := "apiVersion: monitoring.coreos.com/v1\nkind: Prometheus\nmetadata: {name: wrong}\nspec: {" + wrong + "}\n"
		if server.Apply("Prometheus", "monitoring", "wrong", []byte(text)) == nil {
			t.Errorf("it takes %q", wrong)
		}
	}
	taken := 0
	for name, specs := range rendered(t) {
		for _, o := range specs {
			text, err := yaml.Dump(o.object)
			must(t, err)
			if err := server.Apply(o.kind, "monitoring", "k8s", text); err != nil {
				t.Errorf("%s: %v\n%s", name, err, text)
			}
			taken++
		}
	}
	if taken < 8 {
		t.Errorf("%d objects were tried", taken)
	}
}

type object struct {
	kind   string
	object map[string]any
}

// rendered are the objects that the cases write, and those that a chart makes of
// the values that they write.
func rendered(t *testing.T) map[string][]object {
	cases, err := filepath.Glob("../reconciler/kind/prometheus/testdata/*.txtar")
	must(t, err)
	all := map[string][]object{}
	for _, file := range cases {
		archive, err := txtar.ParseFile(file)
		must(t, err)
		for _, f := range archive.Files {
			if !strings.HasPrefix(f.Name, "after/") || !strings.HasSuffix(f.Name, ".yaml") {
				continue
			}
			var doc map[string]any
			must(t, yaml.Load(f.Data, &doc))
			o := object{kind: "Prometheus", object: map[string]any{"apiVersion": "monitoring.coreos.com/v1", "kind": "Prometheus"}}
			if doc["kind"] == "PrometheusAgent" {
				o.kind, o.object["kind"], o.object["apiVersion"] = "PrometheusAgent", "PrometheusAgent", "monitoring.coreos.com/v1alpha1"
			}
			o.object["metadata"] = map[string]any{"name": "k8s", "namespace": "monitoring"}
			spec := specIn(doc)
			if spec == nil {
				t.Errorf("%s: no spec in %s", file, f.Name)
				continue
			}
			delete(spec, "image") // the chart makes a text of its parts
			o.object["spec"] = spec
			all[filepath.Base(file)] = append(all[filepath.Base(file)], o)
		}
	}
	return all
}

// specIn is the operator's spec in a document: of an object, or below
// prometheusSpec of values.
func specIn(doc map[string]any) map[string]any {
	kind, _ := doc["kind"].(string)
	if slices.Contains([]string{"Prometheus", "PrometheusAgent"}, kind) {
		spec, _ := doc["spec"].(map[string]any)
		return spec
	}
	for name, v := range doc {
		below, ok := v.(map[string]any)
		if !ok {
			continue
		}
		if name == "prometheusSpec" {
			return below
		}
		if found := specIn(below); found != nil {
			return found
		}
	}
	return nil
}
