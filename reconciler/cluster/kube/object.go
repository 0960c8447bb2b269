package kube

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"
	"sigs.k8s.io/structured-merge-diff/v6/typed"
	kubeyaml "sigs.k8s.io/yaml"

	"github.com/portreeve/portreeve/reconciler/fleet"
)

// errBad is what does not pass by itself.
var errBad = errors.New("it can't be used")

func moved(why string) error {
	return &fleet.Failure{Class: fleet.Moved, Op: "apply", On: "object", Err: errors.New(why)}
}

// failure is an error of a cluster in our words; nil stays nil.
func failure(on fleet.ClusterName, op string, err error) error {
	if f := (*fleet.Failure)(nil); err == nil || errors.As(err, &f) {
		return err
	}
	f := &fleet.Failure{Class: fleet.Transient, Op: op, On: string(on), Err: err}
	lost := net.Error(nil)
	switch {
	case apierrors.IsUnauthorized(err): // a renewed one is taken up
		f.Err = errors.New("its API server does not take the credentials, or they have expired")
	case apierrors.IsForbidden(err):
		f.Class, f.Err = fleet.Permanent, fmt.Errorf("its API server forbids it: %w", err)
	case strings.Contains(err.Error(), "failed to create typed patch object"):
		// A field that it does not know, or of another type: it says so as if it were
		// its own failure.
		f.Class = fleet.Permanent
	case apierrors.IsInvalid(err), apierrors.IsBadRequest(err), apierrors.IsNotFound(err),
		meta.IsNoMatchError(err), errors.Is(err, errBad):
		f.Class = fleet.Permanent
	case apierrors.IsConflict(err):
		f.Class = fleet.Moved
	case errors.As(err, &lost):
		f.Err = fmt.Errorf("its API server can't be reached: %w", err)
	}
	return f
}

// wanted is the object that an edit wants.
func wanted(p fleet.Path, content []byte) (*unstructured.Unstructured, reference, error) {
	r, err := parse(p)
	if err != nil {
		return nil, r, err
	}
	o := &unstructured.Unstructured{}
	data, err := kubeyaml.YAMLToJSON(content)
	if err == nil {
		err = o.UnmarshalJSON(data)
	}
	if err != nil {
		return nil, r, fmt.Errorf("%w: %s: %w", errBad, r, err)
	}
	if o.GroupVersionKind() != r.GroupVersionKind || o.GetNamespace() != r.namespace || o.GetName() != r.name {
		return nil, r, fmt.Errorf("%w: %s does not hold what its place says", errBad, p)
	}
	return o, r, nil
}

// ourDomain begins the names of labels that are Portreeve's.
const ourDomain = "portreeve.dev/"

// bare is an object without what its cluster says of it. Of its labels there are
// those of Portreeve.
func bare(o *unstructured.Unstructured) map[string]any {
	out := map[string]any{}
	for name, v := range o.Object {
		if name != "metadata" && name != "status" {
			out[name] = v
		}
	}
	metadata, labels := map[string]any{"name": o.GetName()}, map[string]any{}
	if o.GetNamespace() != "" {
		metadata["namespace"] = o.GetNamespace()
	}
	for name, value := range o.GetLabels() {
		if strings.HasPrefix(name, ourDomain) {
			labels[name] = value
			metadata["labels"] = labels
		}
	}
	out["metadata"] = metadata
	return out
}

func text(v any) ([]byte, error) { return yaml.Dump(v, yaml.WithIndent(2)) }

// texts are an object as it is, and what of it was applied by us; nil for nothing.
func texts(o *unstructured.Unstructured) (is, own []byte, err error) {
	if is, err = text(bare(o)); err != nil {
		return nil, nil, err
	}
	set, err := ours(o)
	if err != nil || set == nil {
		return is, nil, err
	}
	part, err := typed.DeducedParseableType.FromUnstructured(o.Object)
	if err != nil {
		return nil, nil, err
	}
	value := part.ExtractItems(set.Leaves(), typed.WithAppendKeyFields()).AsValue().Unstructured()
	kept, _ := value.(map[string]any)
	applied := &unstructured.Unstructured{Object: map[string]any{}}
	maps.Copy(applied.Object, kept)
	applied.SetGroupVersionKind(o.GroupVersionKind())
	applied.SetNamespace(o.GetNamespace())
	applied.SetName(o.GetName())
	own, err = text(bare(applied))
	return is, own, err
}

// ours are the fields that were applied by us; nil for none.
func ours(o *unstructured.Unstructured) (*fieldpath.Set, error) {
	for _, m := range o.GetManagedFields() {
		if m.Manager == manager && m.Operation == metav1.ManagedFieldsOperationApply && m.Subresource == "" {
			return fields(m)
		}
	}
	return nil, nil
}

// setBy are the fields that an object sets, for setAnnotation; a list counts as one.
func setBy(o *unstructured.Unstructured) (string, error) {
	is, err := typed.DeducedParseableType.FromUnstructured(o.Object)
	if err != nil {
		return "", err
	}
	set, err := is.ToFieldSet()
	if err != nil {
		return "", err
	}
	var all []string
	set.Leaves().Iterate(func(p fieldpath.Path) {
		all = append(all, p.String())
	})
	slices.Sort(all)
	text, err := json.Marshal(all)
	return string(text), err
}

func fields(m metav1.ManagedFieldsEntry) (*fieldpath.Set, error) {
	set := &fieldpath.Set{}
	if m.FieldsV1 == nil {
		return set, nil
	}
	return set, set.FromJSON(bytes.NewReader(m.FieldsV1.GetRawBytes()))
}

// managedBy is what else brings an object to its cluster and would undo what is
// applied; empty for nothing.
func managedBy(o *unstructured.Unstructured) string {
	labels, annotations := o.GetLabels(), o.GetAnnotations()
	switch {
	case labels["helm.toolkit.fluxcd.io/name"] != "":
		return "Flux (HelmRelease " + labels["helm.toolkit.fluxcd.io/name"] + ")"
	case labels["kustomize.toolkit.fluxcd.io/name"] != "":
		return "Flux (Kustomization " + labels["kustomize.toolkit.fluxcd.io/name"] + ")"
	case annotations["argocd.argoproj.io/tracking-id"] != "", labels["argocd.argoproj.io/instance"] != "":
		return "Argo CD"
	case annotations["meta.helm.sh/release-name"] != "":
		return "Helm (release " + annotations["meta.helm.sh/release-name"] + ")"
	case labels["app.kubernetes.io/managed-by"] == "Helm":
		return "Helm"
	}
	for _, m := range o.GetManagedFields() {
		switch m.Manager {
		case "helm", "helm-controller", "kustomize-controller", "argocd-controller", "argocd-application-controller":
			if m.Subresource == "" {
				return m.Manager
			}
		}
	}
	return ""
}

// add adds what is known of one more object.
func add(s, other *fleet.Standing) {
	switch {
	case other.Wants == "": // it is not there
		return
	case s.At.IsZero():
		s.Wants = other.Wants
	case s.Wants != other.Wants: // some are as they were before
		s.Wants = ""
	}
	if other.At.After(s.At) {
		s.At = other.At
	}
	if len(other.PutBack) > len(s.PutBack) {
		s.PutBack = other.PutBack
	}
	s.Shared, s.Unwell = cmp.Or(s.Shared, other.Shared), cmp.Or(s.Unwell, other.Unwell)
}

// standing is what is known of an object that a declaration has applied; live is nil
// where it is not there.
func standing(id fleet.ID, r reference, live *unstructured.Unstructured) *fleet.Standing {
	s := &fleet.Standing{}
	if live == nil || live.GetAnnotations()[byAnnotation] != id.String() {
		return s
	}
	s.Wants = live.GetAnnotations()[wantsAnnotation]
	s.At, _ = time.Parse(time.RFC3339, live.GetAnnotations()[atAnnotation]) // that of others is none
	for one := range strings.SplitSeq(live.GetAnnotations()[backAnnotation], ",") {
		if at, err := time.Parse(time.RFC3339, one); err == nil {
			s.PutBack = append(s.PutBack, at)
		}
	}
	var others []string
	for _, m := range live.GetManagedFields() {
		if m.Manager != manager && m.Subresource == "" && !slices.Contains(others, m.Manager) {
			if set, err := fields(m); err != nil || manages(set) {
				others = append(others, m.Manager)
			}
		}
	}
	slices.Sort(others)
	s.Shared = strings.Join(others, ", ")
	if s.Unwell = unwell(live); r.lasts() {
		// No controller says how a namespace is, and it is its cluster's.
		s.Shared = cmp.Or(s.Shared, "its cluster")
		if live.GetDeletionTimestamp() == nil {
			s.Unwell = ""
		}
	}
	return s
}

// manages reports whether fields are more than metadata and status, which
// controllers write as well.
func manages(set *fieldpath.Set) bool {
	found := false
	set.Leaves().Iterate(func(p fieldpath.Path) {
		if len(p) > 0 && p[0].FieldName != nil && *p[0].FieldName != "metadata" && *p[0].FieldName != "status" {
			found = true
		}
	})
	return found
}

// unwell says in what what an object stands for is not well (yet), by its status as
// controllers write it: conditions that are not true, and those of a generation
// before this one.
func unwell(o *unstructured.Unstructured) string {
	if o.GetDeletionTimestamp() != nil {
		return "it is being deleted"
	}
	conditions, _, _ := unstructured.NestedSlice(o.Object, "status", "conditions")
	if len(conditions) == 0 {
		return "no controller has said anything of it"
	}
	for _, c := range conditions {
		var condition struct {
			Type, Status, Reason, Message string
			ObservedGeneration            int64
		}
		if data, err := json.Marshal(c); err != nil || json.Unmarshal(data, &condition) != nil {
			continue
		}
		switch {
		case !slices.Contains([]string{"Available", "Reconciled", "Ready"}, condition.Type):
		case condition.ObservedGeneration < o.GetGeneration() && condition.ObservedGeneration > 0:
			return "its controller has not seen the change"
		case condition.Status != "True":
			why := condition.Message
			if why == "" {
				why = condition.Reason
			}
			return strings.TrimSpace(fmt.Sprintf("it is not %s: %s", strings.ToLower(condition.Type), firstLine(why)))
		}
	}
	return ""
}

// firstLine is the first line of what a controller says, bounded.
func firstLine(s string) string {
	s, _, _ = strings.Cut(strings.TrimSpace(s), "\n")
	if len(s) > 300 {
		s = strings.ToValidUTF8(s[:300], "") + "…"
	}
	return s
}
