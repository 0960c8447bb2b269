// Package kube delivers to Kubernetes clusters by server-side apply, under a field
// manager of its own.
//
// What was applied is written down twice on the cluster: an inventory names the
// objects, before the first apply of each, and annotations of an object say what it
// was applied for, and when. What of an object is Portreeve's the API server keeps
// itself, as managed fields: what somebody else has changed is not there any more.
package kube

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/fluxcd/pkg/ssa"
	"golang.org/x/sync/errgroup"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"

	"github.com/portreeve/portreeve/reconciler/cluster"
	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/transform"
)

// manager is the field manager.
const manager = "portreeve"

// Annotations of what was applied.
const (
	byAnnotation    = "portreeve.dev/declaration"
	wantsAnnotation = "portreeve.dev/wants"
	atAnnotation    = "portreeve.dev/applied"
	backAnnotation  = "portreeve.dev/put-back" // times, with commas between
	setAnnotation   = "portreeve.dev/set"      // the fields that were applied, as JSON
)

// Bounds.
const (
	lookers  = 16          // clusters that are looked at at a time
	lookTime = time.Minute // for one
	page     = 500         // objects of a list's page
	maxList  = 20_000      // objects of a kind
)

// Delivery applies to clusters.
type Delivery struct {
	// Connect gives a client of a cluster, by the context of a kubeconfig.
	Connect func(context string) (client.Client, error)
	Now     func() time.Time
}

// Look implements cluster.Delivery. It lists each kind of objects once for each
// cluster, whatever their number.
func (d *Delivery) Look(ctx context.Context, clusters []cluster.Cluster) map[fleet.ClusterName]cluster.Answer {
	answers := make([]cluster.Answer, len(clusters))
	var group errgroup.Group
	group.SetLimit(lookers)
	for n, c := range clusters {
		group.Go(func() error {
			ctx, cancel := context.WithTimeout(ctx, lookTime)
			defer cancel()
			seen, err := d.look(ctx, c)
			answers[n] = cluster.Answer{Seen: seen, Err: failure(c.Name, "look at the cluster", err)}
			return nil
		})
	}
	_ = group.Wait() // each answer has its own error
	out := map[fleet.ClusterName]cluster.Answer{}
	for n, c := range clusters {
		out[c.Name] = answers[n]
	}
	return out
}

func (d *Delivery) look(ctx context.Context, c cluster.Cluster) (cluster.Seen, error) {
	seen := sight{cluster.Seen{Files: map[fleet.Path]cluster.File{}, Unread: map[fleet.Path]string{}, Standing: map[fleet.ID]*fleet.Standing{}}}
	api, err := d.Connect(c.Is.Delivery.Apply.Context)
	if err != nil {
		return seen.Seen, err
	}
	inventory, err := readInventory(ctx, api, c.Is.Delivery.Apply.Namespace)
	if err != nil {
		return seen.Seen, err
	}
	var reads, refs []reference
	for _, p := range c.Reads {
		r, err := parse(p)
		if err != nil {
			return seen.Seen, err
		}
		reads = append(reads, r)
	}
	refs = append(refs, reads...)
	for _, id := range slices.SortedFunc(maps.Keys(inventory.objects), fleet.ID.Compare) {
		refs = append(refs, inventory.objects[id]...)
	}
	objects, denied, err := list(ctx, api, refs)
	if err != nil {
		return seen.Seen, err
	}
	for n, r := range reads {
		if why := denied[r.GroupVersionKind]; why != nil {
			seen.Unread[c.Reads[n]] = failure(c.Name, "look at "+r.Kind, why).Error()
			continue
		}
		if r.name != "" {
			err = seen.add(r, objects[r])
		}
		for other, live := range objects {
			if r.name == "" && other.GroupVersionKind == r.GroupVersionKind && other.namespace == r.namespace {
				err = errors.Join(err, seen.add(other, live))
			}
		}
		if err != nil {
			return seen.Seen, err
		}
	}
	for id, all := range inventory.objects {
		s := &fleet.Standing{}
		for _, r := range all {
			add(s, standing(id, r, objects[r]))
			s.Objects = append(s.Objects, r.path())
		}
		seen.Standing[id] = s
	}
	return seen.Seen, nil
}

// sight is what is seen of a cluster.
type sight struct{ cluster.Seen }

// add adds an object, and what of it is ours; nil is none.
func (s sight) add(r reference, live *unstructured.Unstructured) error {
	if live == nil {
		return nil
	}
	is, own, err := texts(live)
	if err != nil {
		return err
	}
	s.Files[r.path()] = cluster.File{Content: is}
	if own != nil {
		s.Files[fleet.AppliedPath(r.path())] = cluster.File{Content: own}
	}
	return nil
}

// reference names an object of a cluster, or without a name all of a kind in a
// namespace.
type reference struct {
	schema.GroupVersionKind
	namespace, name string
}

// parse is the inverse of fleet.ObjectPath, and of fleet.ObjectsPath.
func parse(p fleet.Path) (reference, error) {
	parts := strings.Split(string(p), "/")
	if len(parts) != 5 || slices.Contains(parts[:4], "") {
		return reference{}, fmt.Errorf("%w: %q is the place of no object", errBad, p)
	}
	name, ok := strings.CutSuffix(parts[4], ".yaml")
	if ok == (name == "") {
		return reference{}, fmt.Errorf("%w: %q is the place of no object", errBad, p)
	}
	r := reference{schema.GroupVersionKind{Group: parts[0], Version: parts[1], Kind: parts[2]}, parts[3], name}
	if r.Group == fleet.CoreGroup {
		r.Group = ""
	}
	if r.namespace == fleet.NoNamespace {
		r.namespace = ""
	}
	return r, nil
}

func (r reference) path() fleet.Path {
	return fleet.ObjectPath(r.GroupVersion().String(), r.Kind, r.namespace, r.name)
}

func (r reference) String() string {
	if r.namespace == "" {
		return r.Kind + " " + r.name
	}
	return r.Kind + " " + r.namespace + "/" + r.name
}

// lasts reports whether an object is never removed, whoever has made it: with a
// namespace goes all that is in it.
func (r reference) lasts() bool { return r.Group == "" && r.Kind == "Namespace" }

// list lists the objects of the kinds that some are of, once for each kind: those
// of one namespace, if all are there. A kind that the cluster does not know has none;
// those that it forbids are denied.
func list(ctx context.Context, api client.Client, refs []reference) (found map[reference]*unstructured.Unstructured, denied map[schema.GroupVersionKind]error, err error) {
	namespaces := map[schema.GroupVersionKind]map[string]bool{}
	var order []schema.GroupVersionKind
	for _, r := range refs {
		if namespaces[r.GroupVersionKind] == nil {
			namespaces[r.GroupVersionKind] = map[string]bool{}
			order = append(order, r.GroupVersionKind)
		}
		namespaces[r.GroupVersionKind][r.namespace] = true
	}
	found, denied = map[reference]*unstructured.Unstructured{}, map[schema.GroupVersionKind]error{}
	for _, of := range order {
		options := &client.ListOptions{Limit: page}
		if some := slices.Collect(maps.Keys(namespaces[of])); len(some) == 1 {
			options.Namespace = some[0]
		}
		for count := 0; ; {
			var some unstructured.UnstructuredList
			some.SetGroupVersionKind(of.GroupVersion().WithKind(of.Kind + "List"))
			err := api.List(ctx, &some, options)
			if meta.IsNoMatchError(err) || apierrors.IsNotFound(err) {
				break
			}
			if apierrors.IsForbidden(err) {
				denied[of] = err
				break
			}
			if err != nil {
				return nil, nil, err
			}
			for i := range some.Items {
				o := &some.Items[i]
				found[reference{of, o.GetNamespace(), o.GetName()}] = o
			}
			if count += len(some.Items); count > maxList {
				return nil, nil, fmt.Errorf("%w: it has more than %d objects of kind %s", errBad, maxList, of.Kind)
			}
			if options.Continue = some.GetContinue(); options.Continue == "" {
				break
			}
		}
	}
	return found, denied, nil
}

// Try implements cluster.Delivery: a dry run, which the API server judges as it
// would the apply.
func (d *Delivery) Try(ctx context.Context, at cluster.Cluster, c cluster.Change) fleet.Trial {
	t, err := d.try(ctx, at, c)
	if err != nil {
		var f *fleet.Failure
		if errors.As(failure(at.Name, "try", err), &f); f.Class == fleet.Permanent {
			return fleet.Trial{Refused: f.Err.Error(), Next: "change the declaration, or the cluster"}
		}
		return fleet.Trial{Unread: err.Error()}
	}
	return t
}

func (d *Delivery) try(ctx context.Context, at cluster.Cluster, c cluster.Change) (fleet.Trial, error) {
	t := fleet.Trial{Shows: map[fleet.Path]fleet.Shown{}}
	api, err := d.Connect(at.Is.Delivery.Apply.Context)
	if err != nil {
		return t, err
	}
	for _, e := range c.Edits {
		wanted, r, err := wanted(e.Path, e.Content)
		if err != nil {
			return t, err
		}
		live := &unstructured.Unstructured{}
		live.SetGroupVersionKind(r.GroupVersionKind)
		err = api.Get(ctx, client.ObjectKeyFromObject(wanted), live)
		if apierrors.IsNotFound(err) {
			live, err = nil, nil
		}
		if err != nil {
			return t, err
		}
		if live != nil {
			if by := live.GetAnnotations()[byAnnotation]; by != "" && by != c.Declaration.String() {
				t.Taken, t.Next = fmt.Sprintf("%s is there by %s", r, by), "withdraw it there; what is withdrawn is let go of at the next pass"
				return t, nil
			}
			if by := managedBy(live); by != "" && !r.lasts() {
				t.Taken = fmt.Sprintf("%s is managed by %s, which would undo it", r, by)
				t.Next = "reach the cluster through the repo that it watches (delivery pullRequest), or take the object out of there"
				return t, nil
			}
		}
		conflicts, over, err := dryRun(ctx, api, wanted, live)
		if err != nil {
			return t, err
		}
		if len(conflicts) > 0 && !c.Ours {
			t.Taken = fmt.Sprintf("%s is there, and others set a part of it otherwise: %s", r, strings.Join(conflicts, ", "))
			t.Next = "declare what is there (portreeve adopt prometheus), or have them let go of it"
			return t, nil
		}
		t.Overrides = slices.Concat(t.Overrides, conflicts, over)
		_, before, after, err := ssa.NewResourceManager(api, nil, ssa.Owner{Field: manager}).Diff(ctx, wanted, ssa.DefaultDiffOptions())
		if err != nil {
			return t, err
		}
		shown := fleet.Shown{}
		if before != nil && after != nil {
			if shown.Before, err = text(bare(before)); err != nil {
				return t, err
			}
			shown.After, err = text(bare(after))
		} else if live == nil {
			shown.After = e.Content
		}
		if err != nil {
			return t, err
		}
		t.Shows[e.Path] = shown
	}
	return t, nil
}

// dryRun tries an apply that takes no field from anybody, and tells whose it would
// have to take: "kubectl-edit (.spec.remoteWrite)". What was ours before beside them,
// for both had set it alike, it may change; and what they have taken since it was
// applied, which are over.
func dryRun(ctx context.Context, api client.Client, o, live *unstructured.Unstructured) (conflicts, over []string, err error) {
	err = api.Apply(ctx, client.ApplyConfigurationFromUnstructured(o.DeepCopy()), client.DryRunAll, client.FieldOwner(manager))
	status := apierrors.APIStatus(nil)
	if !apierrors.IsConflict(err) || !errors.As(err, &status) || status.Status().Details == nil {
		return nil, nil, err
	}
	own, applied := map[string]bool{}, []string(nil)
	if live != nil {
		set, err := ours(live)
		if err != nil {
			return nil, nil, err
		}
		if set != nil {
			set.Iterate(func(p fieldpath.Path) { own[p.String()] = true })
		}
		_ = json.Unmarshal([]byte(live.GetAnnotations()[setAnnotation]), &applied) // that of others is none
	}
	known := false
	for _, cause := range status.Status().Details.Causes {
		if cause.Type != metav1.CauseTypeFieldManagerConflict {
			continue
		}
		known = true
		who := fmt.Sprintf("%s (%s)", strings.Trim(strings.TrimPrefix(strings.SplitN(cause.Message, " using ", 2)[0], "conflict with "), `"`), cause.Field)
		switch {
		case own[cause.Field]:
		case slices.ContainsFunc(applied, func(field string) bool { return below(cause.Field, field) }):
			over = append(over, who)
		default:
			conflicts = append(conflicts, who)
		}
	}
	if !known {
		return nil, nil, err
	}
	return conflicts, over, nil
}

// below reports whether a field is another, or a part of it.
func below(field, other string) bool {
	rest, ok := strings.CutPrefix(field, other)
	return ok && (rest == "" || rest[0] == '.' || rest[0] == '[')
}

// Apply implements cluster.Delivery.
func (d *Delivery) Apply(ctx context.Context, at cluster.Cluster, c cluster.Change) error {
	return failure(at.Name, "apply", d.apply(ctx, at, c))
}

func (d *Delivery) apply(ctx context.Context, at cluster.Cluster, c cluster.Change) error {
	api, err := d.Connect(at.Is.Delivery.Apply.Context)
	if err != nil {
		return err
	}
	var ready []*putting
	var all []reference
	for _, e := range c.Edits {
		p, err := prepare(ctx, api, c, e)
		if err != nil {
			return err
		}
		ready, all = append(ready, p), append(all, p.reference)
	}
	inventory, err := readInventory(ctx, api, at.Is.Delivery.Apply.Namespace)
	if err != nil {
		return err
	}
	if err := inventory.add(ctx, api, c.Declaration, all); err != nil {
		return err
	}
	for _, p := range ready {
		if err := p.put(ctx, api, c, d.Now()); err != nil {
			return err
		}
	}
	var gone []reference
	for _, p := range c.Gone {
		r, err := parse(p)
		if err == nil {
			err = release(ctx, api, c.Declaration, r)
		}
		if err != nil {
			return err
		}
		gone = append(gone, r)
	}
	return inventory.remove(ctx, api, c.Declaration, gone)
}

// putting is an object that is to be put on a cluster.
type putting struct {
	reference
	wanted, live *unstructured.Unstructured // live is nil for none
}

// prepare finds whether an object may be applied: it is as it was seen, and takes
// nothing from others.
func prepare(ctx context.Context, api client.Client, c cluster.Change, e transform.Edit) (*putting, error) {
	wanted, r, err := wanted(e.Path, e.Content)
	if err != nil {
		return nil, err
	}
	live, err := asSeen(ctx, api, r, c.Was[e.Path], c.Declaration)
	if err != nil {
		return nil, err
	}
	if !c.Ours {
		conflicts, _, err := dryRun(ctx, api, wanted, live)
		if err == nil && conflicts != nil {
			err = moved("others manage a part of it by now: " + strings.Join(conflicts, ", "))
		}
		if err != nil {
			return nil, err
		}
	}
	return &putting{r, wanted, live}, nil
}

// put applies it.
func (p *putting) put(ctx context.Context, api client.Client, c cluster.Change, now time.Time) error {
	set, err := setBy(p.wanted)
	if err != nil {
		return err
	}
	annotations := map[string]string{
		byAnnotation: c.Declaration.String(), wantsAnnotation: c.Wants, atAnnotation: now.UTC().Format(time.RFC3339), setAnnotation: set,
	}
	if c.Ours {
		var all []string
		for _, at := range standing(c.Declaration, p.reference, p.live).PuttingBack(now) {
			all = append(all, at.Format(time.RFC3339))
		}
		annotations[backAnnotation] = strings.Join(all, ",")
	}
	p.wanted.SetAnnotations(annotations)
	_, err = ssa.NewResourceManager(api, nil, ssa.Owner{Field: manager}).Apply(ctx, p.wanted, ssa.DefaultApplyOptions())
	return err
}

// asSeen is an object as it is, nil for none; one that is another than it was seen to
// be is reported as fleet.Moved.
func asSeen(ctx context.Context, api client.Client, r reference, was cluster.File, id fleet.ID) (*unstructured.Unstructured, error) {
	live := &unstructured.Unstructured{}
	live.SetGroupVersionKind(r.GroupVersionKind)
	err := api.Get(ctx, client.ObjectKey{Namespace: r.namespace, Name: r.name}, live)
	switch {
	case apierrors.IsNotFound(err):
		if was.Content != nil {
			return nil, moved("it is gone")
		}
		return nil, nil
	case err != nil:
		return nil, err
	}
	is, _, err := texts(live)
	switch {
	case err != nil:
		return nil, err
	case string(is) != string(was.Content):
		return nil, moved(fmt.Sprintf("%s is another than it was when it was read", r))
	case live.GetAnnotations()[byAnnotation] != "" && live.GetAnnotations()[byAnnotation] != id.String():
		return nil, fmt.Errorf("%w: %s is there by %s", errBad, r, live.GetAnnotations()[byAnnotation])
	}
	return live, nil
}

// LetGo implements cluster.Delivery. It deletes the object, unless somebody else
// manages a part of it: then it gives up its own fields alone.
func (d *Delivery) LetGo(ctx context.Context, at cluster.Cluster, id fleet.ID) error {
	return failure(at.Name, "remove", d.letGo(ctx, at, id))
}

func (d *Delivery) letGo(ctx context.Context, at cluster.Cluster, id fleet.ID) error {
	api, err := d.Connect(at.Is.Delivery.Apply.Context)
	if err != nil {
		return err
	}
	inventory, err := readInventory(ctx, api, at.Is.Delivery.Apply.Namespace)
	if err != nil {
		return err
	}
	all := inventory.objects[id]
	for _, r := range all {
		if err := release(ctx, api, id, r); err != nil {
			return err
		}
	}
	return inventory.remove(ctx, api, id, all)
}

// release deletes an object that a declaration has put there, or gives up what is
// ours of it.
func release(ctx context.Context, api client.Client, id fleet.ID, r reference) error {
	live := &unstructured.Unstructured{}
	live.SetGroupVersionKind(r.GroupVersionKind)
	switch err := api.Get(ctx, client.ObjectKey{Namespace: r.namespace, Name: r.name}, live); {
	case apierrors.IsNotFound(err), meta.IsNoMatchError(err):
		return nil
	case err != nil:
		return err
	case live.GetAnnotations()[byAnnotation] != id.String() || live.GetDeletionTimestamp() != nil:
		return nil
	}
	var err error
	if standing(id, r, live).Shared != "" {
		nothing := &unstructured.Unstructured{}
		nothing.SetGroupVersionKind(r.GroupVersionKind)
		nothing.SetNamespace(r.namespace)
		nothing.SetName(r.name)
		err = api.Apply(ctx, client.ApplyConfigurationFromUnstructured(nothing), client.FieldOwner(manager), client.ForceOwnership)
	} else {
		uid, version := live.GetUID(), live.GetResourceVersion() // as it was looked at, and no other of its name
		err = api.Delete(ctx, live, client.Preconditions{UID: &uid, ResourceVersion: &version}, client.PropagationPolicy(metav1.DeletePropagationBackground))
	}
	if apierrors.IsNotFound(err) {
		return nil
	}
	return err
}
