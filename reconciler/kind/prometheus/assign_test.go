package prometheus

import (
	"fmt"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/kind"
)

// TestAssign: a setting is written where it holds for the cluster, and for no other.
func TestAssign(t *testing.T) {
	config := &fleet.Config{Clusters: map[fleet.ClusterName]*fleet.Declaration{}}
	for name, tier := range map[fleet.ClusterName]string{"eu": "prod", "us": "prod", "lab": "test"} {
		config.Clusters[name] = &fleet.Declaration{Cluster: &fleet.Cluster{Labels: map[string]string{"tier": tier}}}
	}
	for name, c := range map[string]struct{ kept, want string }{
		"of one cluster":              {`"clusters": {"names": ["eu"]}`, `settings.shards 3 settings.wal.compression true`},
		"of some":                     {`"clusters": {"names": ["eu", "us"]}`, `overrides [{"clusters":{"names":["eu"]},"settings":{"shards":3,"wal":{"compression":true}}}]`},
		"beside other overrides":      {`"clusters": {"names": ["eu", "us"]}, "overrides": [{"clusters": {"names": ["us"]}, "settings": {"shards": 9}}]`, `overrides.[+] {"clusters":{"names":["eu"]},"settings":{"shards":3,"wal":{"compression":true}}}`},
		"in an override of its own":   {`"clusters": {"labels": {"tier": ["prod"]}}, "overrides": [{"clusters": {"names": ["eu"]}, "settings": {"replicas": 2}}]`, `overrides.[0].settings.shards 3 overrides.[0].settings.wal.compression true`},
		"above one of more clusters":  {`"clusters": {"names": ["eu", "us"]}, "overrides": [{"clusters": {"names": ["eu"]}, "settings": {"replicas": 2}}, {"clusters": {"labels": {"tier": ["prod"]}}, "settings": {"shards": 9}}]`, `overrides.[0].settings.wal.compression true overrides.[+] {"clusters":{"names":["eu"]},"settings":{"shards":3}}`},
		"of one cluster by overrides": {`"clusters": {"names": ["eu"]}, "overrides": [{"clusters": {"labels": {"tier": ["prod"]}}, "settings": {"shards": 9}}]`, `overrides.[0].settings.shards 3 settings.wal.compression true`},
		"of other clusters above":     {`"clusters": {"names": ["eu"]}, "overrides": [{"clusters": {"labels": {"tier": ["test"]}}, "settings": {"shards": 9}}]`, `settings.shards 3 settings.wal.compression true`},
	} {
		d := &fleet.Declaration{ID: fleet.ID{Kind: "prometheus", Name: "k8s"}, Kept: "{" + c.kept + "}"}
		all, err := assign(d, config, "eu", map[string]any{"shards": 3, "wal.compression": true})
		var got []string
		for _, a := range all {
			got = append(got, strings.Join(a.At, "."), string(a.Value))
		}
		if s := strings.Join(got, " "); err != nil || s != c.want {
			t.Errorf("%s: %v\n%s\nexpected\n%s", name, err, s, c.want)
		}
	}
	if _, err := assign(&fleet.Declaration{Kept: "{}"}, config, "none", nil); err == nil {
		t.Error("a cluster that is not declared is no error")
	}
}

// TestWithin: what an API server adds to an object is no difference.
func TestWithin(t *testing.T) {
	for wanted, is := range map[string]map[string]bool{
		"{a: 1}":                {"{a: 1, b: 2}": true, "{a: 2}": false, "{}": false, "[]": false},
		"{a: {b: [{c: x}]}}":    {"{a: {b: [{c: x, d: y}]}}": true, "{a: {b: [{c: x}, {}]}}": false, "{a: {b: []}}": false},
		"{a: null, b: [1, '']}": {"{b: [1, '']}": true, "{b: ['1', '']}": false},
	} {
		for is, same := range is {
			a, _ := documents([]byte(wanted))
			b, _ := documents([]byte(is))
			if got := within(a[0], b[0]); got != same {
				t.Errorf("%s within %s: %t", wanted, is, got)
			}
		}
	}
}

// TestTakenNot: what differs in more than settings is not declared.
func TestTakenNot(t *testing.T) {
	object := "apiVersion: monitoring.coreos.com/v1\nkind: Prometheus\nmetadata: {name: k8s, namespace: monitoring}\nspec: {shards: %d, logLevel: %s, version: v3.5.0}\n"
	cluster := &fleet.Declaration{ID: fleet.ID{Kind: "cluster", Name: "eu"}, Cluster: &fleet.Cluster{Delivery: fleet.Delivery{Apply: &fleet.ApplyDelivery{}}}}
	config := &fleet.Config{Clusters: map[fleet.ClusterName]*fleet.Declaration{"eu": cluster}}
	s, err := parse("k8s", []byte(`{"owner": "platform", "why": "So.", "clusters": {"names": ["eu"]}, "onDrift": "adopt", "settings": {"version": "3.5.0", "shards": 2}, "spec": {"logLevel": "warn"}}`))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		shards         int
		level          string
		assigned, note string
	}{
		{3, "warn", `[settings shards]=3`, ""},
		{3, "info", "", "it differs in more than settings"},
		{2, "info", "", "it differs in more than settings"},
	} {
		d := &fleet.Declaration{ID: fleet.ID{Kind: "prometheus", Name: "k8s"}, Spec: s, Kept: `{"clusters": {"names": ["eu"]}}`}
		tree := fstest.MapFS{string(fleet.ObjectPath("monitoring.coreos.com/v1", "Prometheus", "monitoring", "k8s")): {Data: fmt.Appendf(nil, object, c.shards, c.level)}}
		w, err := (member{}).want(&kind.Pass{Declaration: d, Config: config, Cluster: cluster, Tree: tree})
		got := ""
		for _, a := range w.Assigned {
			got += fmt.Sprintf("%v=%s", a.At, a.Value)
		}
		if err != nil || got != c.assigned || w.TakenNot != c.note {
			t.Errorf("%d, %s: %v, %q, %q", c.shards, c.level, err, got, w.TakenNot)
		}
	}
}
