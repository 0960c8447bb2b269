package kube

import (
	"errors"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/portreeve/portreeve/reconciler/cluster"
	"github.com/portreeve/portreeve/reconciler/fleet"
)

// TestFailure: what passes by itself is told from what does not.
func TestFailure(t *testing.T) {
	what := schema.GroupResource{Group: "monitoring.coreos.com", Resource: "prometheuses"}
	for name, c := range map[string]struct {
		err   error
		class fleet.Class
		says  string
	}{
		"expired":   {apierrors.NewUnauthorized("token has expired"), fleet.Transient, "does not take the credentials, or they have expired"},
		"forbidden": {apierrors.NewForbidden(what, "k8s", errors.New("no")), fleet.Permanent, "forbids it"},
		"invalid":   {apierrors.NewInvalid(schema.GroupKind{Kind: "Prometheus"}, "k8s", nil), fleet.Permanent, "invalid"},
		"typed":     {apierrors.NewInternalError(errors.New("failed to create typed patch object (x): .spec.shard: field not declared in schema")), fleet.Permanent, "not declared"},
		"internal":  {apierrors.NewInternalError(errors.New("etcd is away")), fleet.Transient, "etcd is away"},
		"busy":      {apierrors.NewTooManyRequests("slow down", 1), fleet.Transient, "slow down"},
		"conflict":  {apierrors.NewConflict(what, "k8s", errors.New("it was changed")), fleet.Moved, "changed"},
		"no kind":   {&meta.NoKindMatchError{GroupKind: schema.GroupKind{Kind: "Prometheus"}}, fleet.Permanent, "no matches"},
		"lost":      {&url.Error{Op: "Get", URL: "https://127.0.0.1:1/api", Err: errors.New("connection refused")}, fleet.Transient, "can't be reached"},
		"ours":      {moved("it is gone"), fleet.Moved, "it is gone"},
	} {
		err := failure("eu-1", "look at the cluster", c.err)
		if fleet.ClassOf(err) != c.class || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v: %v", name, fleet.ClassOf(err), err)
		}
	}
	if failure("eu-1", "look", nil) != nil {
		t.Error("nothing is a failure")
	}
}

// TestUnwell: what the operator says of an object is heard.
func TestUnwell(t *testing.T) {
	for status, want := range map[string]string{
		`{}`: "no controller has said anything of it",
		`{"conditions": [{"type": "Available", "status": "True", "observedGeneration": 2}, {"type": "Reconciled", "status": "True", "observedGeneration": 2}]}`:                "",
		`{"conditions": [{"type": "Available", "status": "True", "observedGeneration": 1}]}`:                                                                                   "its controller has not seen the change",
		`{"conditions": [{"type": "Available", "status": "False", "observedGeneration": 2, "reason": "NoPodReady", "message": "shard 0: pod k8s-0: unschedulable\nshard 1"}]}`: "it is not available: shard 0: pod k8s-0: unschedulable",
		`{"conditions": [{"type": "Reconciled", "status": "False", "reason": "Failed"}]}`:                                                                                      "it is not reconciled: Failed",
		`{"conditions": [{"type": "Somethings", "status": "False"}]}`:                                                                                                          "",
	} {
		o := &unstructured.Unstructured{}
		if err := o.UnmarshalJSON([]byte(`{"apiVersion": "v1", "kind": "X", "metadata": {"generation": 2}, "status": ` + status + `}`)); err != nil {
			t.Fatal(err)
		}
		if got := unwell(o); got != want {
			t.Errorf("%s: %q, want %q", status, got, want)
		}
	}
}

// TestHostileInventory: an inventory that is not as it was written is told, and
// nothing is done by it.
func TestHostileInventory(t *testing.T) {
	for name, data := range map[string]map[string]any{
		"no text":         {"prometheus.k8s": "x"},
		"no object":       {"prometheus.k8s": `{"declaration": "prometheus/k8s", "objects": ["../../secrets"]}`},
		"no objects":      {"prometheus.k8s": `{"declaration": "prometheus/k8s", "objects": []}`},
		"a whole kind":    {"prometheus.k8s": `{"declaration": "prometheus/k8s", "objects": ["monitoring.coreos.com/v1/Prometheus/monitoring/"]}`},
		"by another name": {"prometheus.x": `{"declaration": "prometheus/k8s", "objects": ["monitoring.coreos.com/v1/Prometheus/monitoring/k8s.yaml"]}`},
	} {
		a := newAPI()
		apply(t, a.delivery(), "w", two)
		i, err := readInventory(ctx, a, "portreeve")
		if err != nil {
			t.Fatal(err)
		}
		i.is.Object["data"] = data
		if err := a.Update(ctx, i.is); err != nil {
			t.Fatal(err)
		}
		a.since()
		d := a.delivery()
		answer := d.Look(ctx, []cluster.Cluster{eu})["eu-1"]
		if fleet.ClassOf(answer.Err) != fleet.Permanent || !strings.Contains(answer.Err.Error(), "is not as it was written") {
			t.Errorf("%s: %v", name, answer.Err)
		}
		if err := d.LetGo(ctx, eu, k8s); fleet.ClassOf(err) != fleet.Permanent {
			t.Errorf("%s: %v", name, err)
		}
		if _, writes := a.since(); writes != nil {
			t.Errorf("%s: it wrote %q", name, writes)
		}
	}
	// And one that names what somebody else has made removes nothing.
	a := newAPI()
	a.people(t, "kubectl-create", "shards", int64(2))
	i, err := readInventory(ctx, a, "portreeve")
	if err != nil {
		t.Fatal(err)
	}
	r, _ := parse(path)
	if err := i.add(ctx, a, k8s, []reference{r}); err != nil {
		t.Fatal(err)
	}
	if err := a.delivery().LetGo(ctx, eu, k8s); err != nil || a.object(t) == nil {
		t.Errorf("what others made was removed: %v", err)
	}
}

// TestKubeconfig: a file that changes is read anew, and what is missing is said.
func TestKubeconfig(t *testing.T) {
	file := filepath.Join(t.TempDir(), "kubeconfig")
	write := func(name, server string) {
		t.Helper()
		text := "apiVersion: v1\nkind: Config\nclusters: [{name: it, cluster: {server: " + server + "}}]\ncontexts: [{name: " + name + ", context: {cluster: it}}]\n"
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	connect := Kubeconfig(file)
	bad := func(name, says string) {
		t.Helper()
		if _, err := connect(name); !errors.Is(err, errBad) || !strings.Contains(err.Error(), says) || strings.Contains(err.Error(), file) {
			t.Errorf("of context %q it says %v", name, err)
		}
	}
	if _, err := connect("eu-1"); fleet.ClassOf(failure("eu-1", "look", err)) != fleet.Transient {
		t.Errorf("of no file it says %v", err)
	}
	write("eu-1", "https://127.0.0.1:1")
	first := connected(t, connect, "eu-1")
	if connected(t, connect, "eu-1") != first {
		t.Error("it connects anew, and nothing has changed")
	}
	bad("eu-2", `no context "eu-2"`)
	write("eu-2", "https://127.0.0.1:2")
	connected(t, connect, "eu-2")
	bad("eu-1", `no context "eu-1"`)
	bad("", "names no context, and the program runs in no cluster")
	if _, err := Kubeconfig("")("eu-1"); !errors.Is(err, errBad) || !strings.Contains(err.Error(), "no --kubeconfig is given") {
		t.Errorf("without a file: %v", err)
	}
	if err := os.WriteFile(file, []byte("token: secret-of-mine: {"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := connect("eu-2"); !errors.Is(err, errBad) || strings.Contains(err.Error(), "secret") {
		t.Errorf("of what is no kubeconfig it says %v", err)
	}
}

func connected(t *testing.T, connect func(string) (client.Client, error), name string) client.Client {
	t.Helper()
	c, err := connect(name)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// FuzzParse: whatever the place, an object of it has that place, and no part leads
// elsewhere.
func FuzzParse(f *testing.F) {
	f.Add(string(path))
	f.Add("a/b/c/d/.yaml")
	f.Add("autoscaling/v2/HorizontalPodAutoscaler/monitoring/")
	f.Fuzz(func(t *testing.T, p string) {
		r, err := parse(fleet.Path(p))
		if err != nil || r.name == "" {
			return
		}
		for _, part := range []string{r.Group, r.Version, r.Kind, r.namespace, r.name} {
			if strings.Contains(part, "/") {
				t.Errorf("%q has a part %q", p, part)
			}
		}
		if again, err := parse(r.path()); err == nil && again != r {
			t.Errorf("%q is %v, and %q is %v", p, r, r.path(), again)
		}
	})
}
