package kube

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/managedfields"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/portreeve/portreeve/reconciler/cluster"
	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/transform"
)

var (
	ctx  = context.Background()
	noon = time.Date(2026, time.November, 26, 12, 0, 0, 0, time.UTC)
	k8s  = fleet.ID{Kind: "prometheus", Name: "k8s"}
	path = fleet.ObjectPath("monitoring.coreos.com/v1", "Prometheus", "monitoring", "k8s")
)

// api is a cluster's API, of which the requests are counted. It stops answering
// at the request stopAt, which is carried out or not: as a lost connection would.
type api struct {
	client.Client

	mu      sync.Mutex
	reads   map[string]int // "list Prometheus"
	writes  []string
	all     int
	stopAt  int // 0 for never
	carried bool
}

var errLost = errors.New("the connection is lost")

func newAPI(has ...client.Object) *api {
	a := &api{reads: map[string]int{}}
	under := faked(has...)
	a.Client = interceptor.NewClient(under, interceptor.Funcs{
		Get: func(ctx context.Context, c client.WithWatch, key client.ObjectKey, o client.Object, opts ...client.GetOption) error {
			return a.request(a.read("get", o), func() error { return c.Get(ctx, key, o, opts...) })
		},
		List: func(ctx context.Context, c client.WithWatch, o client.ObjectList, opts ...client.ListOption) error {
			return a.request(a.read("list", o), func() error { return c.List(ctx, o, opts...) })
		},
		Create: func(ctx context.Context, c client.WithWatch, o client.Object, opts ...client.CreateOption) error {
			return a.request(a.write("create", o), func() error { return c.Create(ctx, o, opts...) })
		},
		Update: func(ctx context.Context, c client.WithWatch, o client.Object, opts ...client.UpdateOption) error {
			return a.request(a.write("update", o), func() error { return c.Update(ctx, o, opts...) })
		},
		Delete: func(ctx context.Context, c client.WithWatch, o client.Object, opts ...client.DeleteOption) error {
			return a.request(a.write("delete", o), func() error { return c.Delete(ctx, o, opts...) })
		},
		Patch: func(ctx context.Context, c client.WithWatch, o client.Object, p client.Patch, opts ...client.PatchOption) error {
			count := a.write("patch", o)
			to := client.Client(c)
			if options := (&client.PatchOptions{}).ApplyOptions(opts); options.DryRun != nil {
				count = a.read("try", o)
				options.DryRun = nil
				to, opts = copied(under, o), []client.PatchOption{options}
			}
			return a.request(count, func() error { return to.Patch(ctx, o, p, opts...) })
		},
		Apply: func(ctx context.Context, c client.WithWatch, o runtime.ApplyConfiguration, opts ...client.ApplyOption) error {
			u := &unstructured.Unstructured{}
			data, err := json.Marshal(o)
			if err == nil {
				err = u.UnmarshalJSON(data)
			}
			if err != nil {
				return err
			}
			count, to := a.write("apply", u), client.Client(c)
			if options := (&client.ApplyOptions{}).ApplyOptions(opts); options.DryRun != nil {
				count = a.read("try", u)
				options.DryRun = nil
				to, opts = copied(under, u), []client.ApplyOption{options}
			}
			return a.request(count, func() error { return to.Apply(ctx, o, opts...) })
		},
	})
	return a
}

func faked(objects ...client.Object) client.WithWatch {
	return fake.NewClientBuilder().WithScheme(runtime.NewScheme()).WithReturnManagedFields().
		WithTypeConverters(managedfields.NewDeducedTypeConverter()).WithObjects(objects...).Build()
}

// copied is a fake with a copy of an object: a fake does nothing in a dry run.
func copied(from client.Client, o client.Object) client.Client {
	live := o.DeepCopyObject().(client.Object)
	if err := from.Get(ctx, client.ObjectKeyFromObject(o), live); err != nil {
		return faked()
	}
	return faked(live)
}

func (a *api) read(verb string, o runtime.Object) func() {
	return func() { a.reads[verb+" "+strings.TrimSuffix(o.GetObjectKind().GroupVersionKind().Kind, "List")]++ }
}

func (a *api) write(verb string, o client.Object) func() {
	return func() {
		a.writes = append(a.writes, verb+" "+o.GetObjectKind().GroupVersionKind().Kind+" "+o.GetName())
	}
}

func (a *api) request(count func(), do func() error) error {
	a.mu.Lock()
	a.all++
	n, stopAt := a.all, a.stopAt
	count()
	a.mu.Unlock()
	switch {
	case stopAt == 0 || n < stopAt:
		return do()
	case n == stopAt && a.carried:
		_ = do() // whose answer is lost
	}
	return errLost
}

// since resets what is counted, and gives it.
func (a *api) since() (reads map[string]int, writes []string) {
	reads, writes = a.reads, a.writes
	a.reads, a.writes, a.all = map[string]int{}, nil, 0
	return reads, writes
}

func (a *api) delivery() *Delivery {
	return &Delivery{Connect: func(string) (client.Client, error) { return a, nil }, Now: func() time.Time { return noon }}
}

func (a *api) object(t *testing.T) *unstructured.Unstructured {
	t.Helper()
	o := empty()
	switch err := a.Client.Get(ctx, client.ObjectKeyFromObject(o), o); {
	case apierrors.IsNotFound(err):
		return nil
	case err != nil:
		t.Fatal(err)
	}
	return o
}

// people have somebody else set a field of the spec.
func (a *api) people(t *testing.T, who, field string, value any) {
	t.Helper()
	o := a.object(t)
	if o == nil {
		o = empty()
	}
	if err := unstructured.SetNestedField(o.Object, value, "spec", field); err != nil {
		t.Fatal(err)
	}
	err := a.Update(ctx, o, client.FieldOwner(who))
	if apierrors.IsNotFound(err) {
		err = a.Create(ctx, o, client.FieldOwner(who))
	}
	if err != nil {
		t.Fatal(err)
	}
}

func empty() *unstructured.Unstructured {
	o := &unstructured.Unstructured{}
	o.SetGroupVersionKind(schema.GroupVersionKind{Group: "monitoring.coreos.com", Version: "v1", Kind: "Prometheus"})
	o.SetNamespace("monitoring")
	o.SetName("k8s")
	return o
}

func wantedOf(p fleet.Path, spec string) []transform.Edit {
	r, err := parse(p)
	if err != nil {
		panic(err)
	}
	return []transform.Edit{{Path: p, Content: []byte("# Written by Portreeve.\n" + "apiVersion: " + r.GroupVersion().String() + "\nkind: " + r.Kind +
		"\nmetadata:\n  name: " + r.name + "\n  namespace: " + r.namespace + "\nspec:\n" + spec)}}
}

const (
	two  = "  replicas: 2\n  shards: 2\n"
	four = "  replicas: 2\n  shards: 4\n"
)

var eu = cluster.Cluster{
	Name: "eu-1", Reads: []fleet.Path{path},
	Is: &fleet.Cluster{Delivery: fleet.Delivery{Apply: &fleet.ApplyDelivery{Context: "eu-1", Namespace: "portreeve"}}},
}

func look(t *testing.T, d *Delivery) cluster.Answer {
	t.Helper()
	answer := d.Look(ctx, []cluster.Cluster{eu})["eu-1"]
	if answer.Err != nil {
		t.Fatal(answer.Err)
	}
	return answer
}

func change(seen cluster.Answer, wants, spec string) cluster.Change {
	return cluster.Change{Declaration: k8s, Wants: wants, Edits: wantedOf(path, spec), Was: seen.Files}
}

func apply(t *testing.T, d *Delivery, wants, spec string) {
	t.Helper()
	if err := d.Apply(ctx, eu, change(look(t, d), wants, spec)); err != nil {
		t.Fatal(err)
	}
}

// TestApply: what is applied is seen, with what of it is ours, by whom others
// manage a part, and what they have changed.
func TestApply(t *testing.T) {
	a := newAPI()
	d := a.delivery()
	if seen := look(t, d); len(seen.Files) != 0 || len(seen.Standing) != 0 {
		t.Fatalf("on an empty cluster there is %v and %v", seen.Files, seen.Standing)
	}
	a.since()
	apply(t, d, "w2", two)
	if _, writes := a.since(); !slices.Equal(writes, []string{"create ConfigMap " + inventoryName, "patch Prometheus k8s"}) {
		t.Errorf("it wrote %q, want the inventory first", writes)
	}
	expect := func(own string, stands fleet.Standing) {
		t.Helper()
		seen := look(t, d)
		if got := string(seen.Files[fleet.AppliedPath(path)].Content); !strings.HasSuffix(got, "spec:\n"+own) {
			t.Errorf("of ours there is\n%s\nwant\n%s", got, own)
		}
		stands.Objects = []fleet.Path{path}
		if got := *seen.Standing[k8s]; !reflect.DeepEqual(got, stands) {
			t.Errorf("it stands as\n%+v, want\n%+v", got, stands)
		}
	}
	const silent = "no controller has said anything of it"
	expect(two, fleet.Standing{Wants: "w2", At: noon, Unwell: silent})

	a.people(t, "kubectl-edit", "retention", "10d")
	expect(two, fleet.Standing{Wants: "w2", At: noon, Unwell: silent, Shared: "kubectl-edit"})
	a.people(t, "kubectl-edit", "shards", int64(7))
	expect("  replicas: 2\n", fleet.Standing{Wants: "w2", At: noon, Unwell: silent, Shared: "kubectl-edit"})

	// What was never ours is not taken from others; what they took is ours again, told.
	theirs := change(look(t, d), "w3", two+"  retention: 15d\n")
	a.since()
	if trial := d.Try(ctx, eu, theirs); !strings.HasSuffix(trial.Taken, "otherwise: kubectl-edit (.spec.retention)") || trial.Next == "" {
		t.Errorf("tried, it says %+v", trial)
	}
	if err := d.Apply(ctx, eu, theirs); fleet.ClassOf(err) != fleet.Moved {
		t.Errorf("applied over what others set: %v", err)
	}
	if _, writes := a.since(); writes != nil {
		t.Errorf("it wrote %q", writes)
	}
	three := change(look(t, d), "w3", "  shards: 3\n  replicas: 2\n")
	if trial := d.Try(ctx, eu, three); !slices.Equal(trial.Overrides, []string{"kubectl-edit (.spec.shards)"}) || trial.Taken != "" {
		t.Errorf("tried with another value, it says %+v", trial)
	}
	ours := change(look(t, d), "w2", two)
	ours.Ours = true
	trial := d.Try(ctx, eu, ours)
	if !slices.Equal(trial.Overrides, []string{"kubectl-edit (.spec.shards)"}) || trial.Taken != "" || trial.Refused != "" || trial.Unread != "" {
		t.Errorf("tried as ours, it says %+v", trial)
	}
	if shown := trial.Shows[path]; !strings.Contains(string(shown.Before), "shards: 7") || !strings.Contains(string(shown.After), "shards: 2") ||
		!strings.Contains(string(shown.After), "retention: 10d") {
		t.Errorf("it shows\n%s\nand\n%s", shown.Before, shown.After)
	}
	if _, writes := a.since(); writes != nil {
		t.Errorf("trying wrote %q", writes)
	}
	if err := d.Apply(ctx, eu, ours); err != nil {
		t.Fatal(err)
	}
	expect(two, fleet.Standing{Wants: "w2", At: noon, Unwell: silent, Shared: "kubectl-edit", PutBack: []time.Time{noon}})
	a.people(t, "kubectl-edit", "shards", int64(7))
	ours = change(look(t, d), "w2", two)
	if ours.Ours = true; d.Apply(ctx, eu, ours) != nil {
		t.Error("it is not put back again")
	}
	expect(two, fleet.Standing{Wants: "w2", At: noon, Unwell: silent, Shared: "kubectl-edit", PutBack: []time.Time{noon, noon}})
	if got, _, _ := unstructured.NestedString(a.object(t).Object, "spec", "retention"); got != "10d" {
		t.Errorf("what others set is %q", got)
	}

	// What is wanted no more is taken out, by the API server.
	apply(t, d, "w1", "  replicas: 2\n")
	expect("  replicas: 2\n", fleet.Standing{Wants: "w1", At: noon, Unwell: silent, Shared: "kubectl-edit"})
}

// TestNamespaces: a namespace gets a label and loses it, and is never made nor
// removed.
func TestNamespaces(t *testing.T) {
	namespace := func(name string, labels map[string]string) *unstructured.Unstructured {
		o := &unstructured.Unstructured{}
		o.SetGroupVersionKind(schema.GroupVersionKind{Version: "v1", Kind: "Namespace"})
		o.SetName(name)
		o.SetLabels(labels)
		return o
	}
	a := newAPI()
	for _, o := range []*unstructured.Unstructured{
		namespace("books", map[string]string{"tier": "prod"}), namespace("ledger", nil), namespace("theirs", map[string]string{"portreeve.dev/owner": "web"}),
	} {
		if err := a.Create(ctx, o, client.FieldOwner("kubectl-create")); err != nil {
			t.Fatal(err)
		}
	}
	d := a.delivery()
	id := fleet.ID{Kind: "ownership", Name: "ledger"}
	at := eu
	place := func(name string) fleet.Path { return fleet.ObjectPath("v1", "Namespace", "", name) }
	at.Reads = []fleet.Path{place("books"), place("ledger"), place("none"), place("theirs")}
	looked := func() cluster.Answer {
		t.Helper()
		answer := d.Look(ctx, []cluster.Cluster{at})["eu-1"]
		if answer.Err != nil || len(answer.Unread) > 0 {
			t.Fatal(answer.Err, answer.Unread)
		}
		return answer
	}
	wants := func(wants, owner string, names ...string) cluster.Change {
		c := cluster.Change{Declaration: id, Wants: wants, Was: looked().Files}
		for _, name := range names {
			c.Edits = append(c.Edits, transform.Edit{Path: place(name), Content: []byte("apiVersion: v1\nkind: Namespace\nmetadata: {name: " + name + ", labels: {portreeve.dev/owner: " + owner + "}}\n")})
		}
		return c
	}
	has := func(name string, want map[string]string) {
		t.Helper()
		o := namespace(name, nil)
		if err := a.Get(ctx, client.ObjectKeyFromObject(o), o); err != nil || !maps.Equal(o.GetLabels(), want) {
			t.Errorf("%s has the labels %v (%v), want %v", name, o.GetLabels(), err, want)
		}
	}
	a.since()
	if err := d.Apply(ctx, at, wants("w1", "payments", "books", "ledger")); err != nil {
		t.Fatal(err)
	}
	if reads, writes := a.since(); !slices.Equal(writes, []string{"create ConfigMap " + inventoryName, "patch Namespace books", "patch Namespace ledger"}) || reads["list Namespace"] != 1 {
		t.Errorf("it read %v and wrote %q", reads, writes)
	}
	has("books", map[string]string{"tier": "prod", "portreeve.dev/owner": "payments"})
	has("ledger", map[string]string{"portreeve.dev/owner": "payments"})
	seen := looked()
	if own := string(seen.Files[fleet.AppliedPath(place("books"))].Content); !strings.Contains(own, "portreeve.dev/owner: payments") || strings.Contains(own, "tier") {
		t.Errorf("of ours there is\n%s", own)
	}
	stands := &fleet.Standing{Wants: "w1", At: noon, Shared: "its cluster", Objects: []fleet.Path{place("books"), place("ledger")}}
	if !reflect.DeepEqual(seen.Standing[id], stands) {
		t.Errorf("it stands as %+v", seen.Standing[id])
	}

	// What others say of one is not taken from them, nor what another declaration has.
	for name, want := range map[string]string{"theirs": "kubectl-create (.metadata.labels.portreeve.dev/owner)", "books": "Namespace books is there by ownership/ledger"} {
		c := wants("w2", "payments", name)
		if name == "books" {
			c.Declaration.Name = "other"
		}
		if trial := d.Try(ctx, at, c); !strings.Contains(trial.Taken, want) || trial.Next == "" {
			t.Errorf("of %s it says %+v", name, trial)
		}
	}

	// One that is declared no more loses its label, and nothing else.
	c := wants("w3", "platform", "ledger")
	c.Gone = []fleet.Path{place("books")}
	if err := d.Apply(ctx, at, c); err != nil {
		t.Fatal(err)
	}
	has("books", map[string]string{"tier": "prod"})
	has("ledger", map[string]string{"portreeve.dev/owner": "platform"})
	if got := looked().Standing[id]; got.Wants != "w3" || len(got.Objects) != 1 {
		t.Errorf("it stands as %+v", got)
	}
	if err := d.LetGo(ctx, at, id); err != nil {
		t.Fatal(err)
	}
	has("ledger", nil)
	has("theirs", map[string]string{"portreeve.dev/owner": "web"})
	if got := looked().Standing; len(got) > 0 {
		t.Errorf("it stands as %+v", got)
	}

	// Who may not list them is told so of them alone.
	forbidden := interceptor.NewClient(a.Client.(client.WithWatch), interceptor.Funcs{
		List: func(ctx context.Context, c client.WithWatch, o client.ObjectList, opts ...client.ListOption) error {
			if o.GetObjectKind().GroupVersionKind().Kind == "NamespaceList" {
				return apierrors.NewForbidden(schema.GroupResource{Resource: "namespaces"}, "", errors.New("no"))
			}
			return c.List(ctx, o, opts...)
		},
	})
	d.Connect = func(string) (client.Client, error) { return forbidden, nil }
	at.Reads = []fleet.Path{place("ledger"), path}
	answer := d.Look(ctx, []cluster.Cluster{at})["eu-1"]
	if answer.Err != nil || len(answer.Unread) != 1 || !strings.Contains(answer.Unread[place("ledger")], "forbids it") {
		t.Errorf("%v, %v", answer.Err, answer.Unread)
	}
}

// TestAdopted: what others have set and is declared so is ours as well, and may be
// changed by what is declared then; what they have set beside it may not.
func TestAdopted(t *testing.T) {
	a := newAPI()
	d := a.delivery()
	a.people(t, "kubectl-create", "shards", int64(2))
	a.people(t, "kubectl-create", "replicas", int64(2))
	a.people(t, "kubectl-create", "retention", "10d")
	apply(t, d, "w2", two)
	if trial := d.Try(ctx, eu, change(look(t, d), "w4", four)); trial.Taken != "" || trial.Unread != "" || trial.Refused != "" || trial.Overrides != nil {
		t.Errorf("tried, it says %+v", trial)
	}
	apply(t, d, "w4", four)
	if got, _, _ := unstructured.NestedInt64(a.object(t).Object, "spec", "shards"); got != 4 {
		t.Errorf("there are %d shards", got)
	}
	if trial := d.Try(ctx, eu, change(look(t, d), "w", four+"  retention: 15d\n")); !strings.Contains(trial.Taken, "kubectl-create (.spec.retention)") {
		t.Errorf("tried, it says %+v", trial)
	}
}

// TestMoved: over what is another than it was seen to be nothing is written.
func TestMoved(t *testing.T) {
	a := newAPI()
	d := a.delivery()
	seen := look(t, d)
	a.people(t, "kubectl-edit", "shards", int64(2))
	a.since()
	if err := d.Apply(ctx, eu, change(seen, "w", two)); fleet.ClassOf(err) != fleet.Moved {
		t.Errorf("where something is by now: %v", err)
	}
	seen = look(t, d)
	if err := a.Delete(ctx, a.object(t)); err != nil {
		t.Fatal(err)
	}
	if err := d.Apply(ctx, eu, change(seen, "w", two)); fleet.ClassOf(err) != fleet.Moved {
		t.Errorf("where it is gone: %v", err)
	}
	if _, writes := a.since(); len(writes) != 1 { // the deletion
		t.Errorf("it wrote %q", writes)
	}
	// What another declaration has applied is not taken over.
	apply(t, d, "w", two)
	other := change(look(t, d), "w", two)
	other.Declaration.Name = "other"
	if err := d.Apply(ctx, eu, other); fleet.ClassOf(err) != fleet.Permanent || !strings.Contains(err.Error(), "by prometheus/k8s") {
		t.Errorf("over another declaration's: %v", err)
	}
}

// TestManagedBy: what another manager brings to the cluster is refused, with who
// that is and the way out.
func TestManagedBy(t *testing.T) {
	for name, c := range map[string]struct {
		labels, annotations map[string]string
		manager             string
		by                  string
	}{
		"helm":          {annotations: map[string]string{"meta.helm.sh/release-name": "kps"}, by: "Helm (release kps)"},
		"helm's label":  {labels: map[string]string{"app.kubernetes.io/managed-by": "Helm"}, by: "Helm"},
		"flux helm":     {labels: map[string]string{"helm.toolkit.fluxcd.io/name": "kps"}, by: "Flux (HelmRelease kps)"},
		"flux":          {labels: map[string]string{"kustomize.toolkit.fluxcd.io/name": "apps"}, by: "Flux (Kustomization apps)"},
		"argo":          {annotations: map[string]string{"argocd.argoproj.io/tracking-id": "x"}, by: "Argo CD"},
		"argo's label":  {labels: map[string]string{"argocd.argoproj.io/instance": "x"}, by: "Argo CD"},
		"by the fields": {manager: "argocd-controller", by: "argocd-controller"},
		"people":        {manager: "kubectl-edit"},
	} {
		a := newAPI()
		o := empty()
		o.Object["spec"] = map[string]any{"replicas": int64(2)}
		o.SetLabels(c.labels)
		o.SetAnnotations(c.annotations)
		manager := c.manager
		if manager == "" {
			manager = "somebody"
		}
		if err := a.Create(ctx, o, client.FieldOwner(manager)); err != nil {
			t.Fatal(err)
		}
		d := a.delivery()
		trial := d.Try(ctx, eu, change(look(t, d), "w", two))
		switch {
		case trial.Unread != "" || trial.Refused != "":
			t.Errorf("%s: %+v", name, trial)
		case c.by == "" && trial.Taken != "":
			t.Errorf("%s: %s", name, trial.Taken)
		case c.by != "" && (trial.Taken != "Prometheus monitoring/k8s is managed by "+c.by+", which would undo it" || !strings.Contains(trial.Next, "pullRequest")):
			t.Errorf("%s: %q, %q", name, trial.Taken, trial.Next)
		}
	}
}

// TestLetGo: what is a declaration's alone is deleted, what others have a part in
// is left to them, and what was deleted by others is forgotten.
func TestLetGo(t *testing.T) {
	for name, c := range map[string]struct {
		before func(*testing.T, *api)
		writes []string
		left   []string // fields of the spec; nil for no object
	}{
		"alone": {writes: []string{"delete Prometheus k8s", "update ConfigMap " + inventoryName}},
		"shared": {
			before: func(t *testing.T, a *api) { a.people(t, "kubectl-edit", "retention", "10d") },
			writes: []string{"apply Prometheus k8s", "update ConfigMap " + inventoryName}, // the fake has no schema, and takes their field as well: e2e asks a real server
		},
		"gone": {
			before: func(t *testing.T, a *api) {
				if err := a.Delete(ctx, a.object(t)); err != nil {
					t.Fatal(err)
				}
			},
			writes: []string{"update ConfigMap " + inventoryName},
		},
		"made anew by others": {
			before: func(t *testing.T, a *api) {
				if err := a.Delete(ctx, a.object(t)); err != nil {
					t.Fatal(err)
				}
				a.people(t, "kubectl-create", "retention", "10d")
			},
			writes: []string{"update ConfigMap " + inventoryName}, left: []string{"retention"},
		},
	} {
		a := newAPI()
		d := a.delivery()
		apply(t, d, "w", two)
		if c.before != nil {
			c.before(t, a)
		}
		a.since()
		if err := d.LetGo(ctx, eu, k8s); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if _, writes := a.since(); !slices.Equal(writes, c.writes) {
			t.Errorf("%s: it wrote %q, want %q", name, writes, c.writes)
		}
		var left []string
		if o := a.object(t); o != nil {
			spec, _, _ := unstructured.NestedMap(o.Object, "spec")
			left = slices.Sorted(maps.Keys(spec))
		}
		if !slices.Equal(left, c.left) {
			t.Errorf("%s: left are %q, want %q", name, left, c.left)
		}
		if seen := look(t, d); len(seen.Standing) != 0 {
			t.Errorf("%s: it is not forgotten: %v", name, seen.Standing)
		}
		a.since()
		if err := d.LetGo(ctx, eu, k8s); err != nil {
			t.Errorf("%s, again: %v", name, err)
		}
		if _, writes := a.since(); writes != nil {
			t.Errorf("%s, again: it wrote %q", name, writes)
		}
	}
}

// TestKilled: a connection that is lost at any request, before or after it was
// carried out, leaves nothing applied of which nobody knows, and the next pass
// brings it to its end.
func TestKilled(t *testing.T) {
	for _, carried := range []bool{false, true} {
		for at := 1; ; at++ {
			a := newAPI()
			d := a.delivery()
			apply(t, d, "w2", two)
			life := func() error {
				seen := d.Look(ctx, []cluster.Cluster{eu})["eu-1"]
				if seen.Err != nil {
					return seen.Err
				}
				if s := seen.Standing[k8s]; s == nil {
					apply(t, a.delivery(), "w2", two)
				} else if s.Wants == "w2" {
					if err := d.Apply(ctx, eu, change(seen, "w4", four)); err != nil {
						return err
					}
				}
				if err := d.LetGo(ctx, eu, k8s); err != nil {
					return err
				}
				return d.Apply(ctx, eu, change(cluster.Answer{}, "w4", four))
			}
			a.since()
			a.stopAt, a.carried = at, carried
			err := life()
			a.stopAt = 0
			seen := look(t, d)
			o := a.object(t)
			if o != nil && seen.Standing[k8s] == nil {
				t.Fatalf("stopped at %d (%t), the object is there and not known of", at, carried)
			}
			if err == nil {
				if at < 10 {
					t.Fatalf("it took %d requests alone", at-1)
				}
				break
			}
			if fleet.ClassOf(err) != fleet.Transient {
				t.Errorf("stopped at %d (%t): %v", at, carried, err)
			}
			apply(t, d, "w4", four)
			if s := look(t, d).Standing[k8s]; s == nil || s.Wants != "w4" || a.object(t) == nil {
				t.Errorf("stopped at %d (%t), and gone on: %+v", at, carried, s)
			}
		}
	}
}
