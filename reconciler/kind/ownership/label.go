package ownership

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/kind"
	"github.com/portreeve/portreeve/reconciler/transform"
)

// ownerLabel is the label of a namespace that says whose it is.
const ownerLabel = "portreeve.dev/owner"

// labelValue is what the value of a label can be, after Kubernetes' rules.
var labelValue = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$`)

// onClusters are the clusters on which namespaces are labelled: those to which is
// applied. Elsewhere a namespace stands in a repo, or there is none.
func (s *Spec) onClusters(config *fleet.Config) []kind.Candidate {
	var all []kind.Candidate
	for name := range s.Namespaces {
		if c := config.Clusters[name]; c != nil && c.Cluster.Delivery.Apply != nil {
			all = append(all, kind.Candidate{Cluster: name, Reads: s.places(name)})
		}
	}
	slices.SortFunc(all, func(a, b kind.Candidate) int { return cmp.Compare(a.Cluster, b.Cluster) })
	return all
}

// places are those of the namespaces on a cluster.
func (s *Spec) places(on fleet.ClusterName) []fleet.Path {
	var all []fleet.Path
	for _, name := range s.Namespaces[on] {
		all = append(all, fleet.ObjectPath("v1", "Namespace", "", name))
	}
	slices.Sort(all)
	return all
}

// wantOn is what is wanted of a cluster: that its namespaces say whose they are. One
// that is not there is not made.
func (s *Spec) wantOn(p *kind.Pass) (kind.Want, error) {
	on := fleet.ClusterName(p.Cluster.ID.Name)
	w := kind.Want{
		Because: "it owns namespaces there", Why: s.Why, Merge: fleet.MergeManual, Decides: s.Owner, AskAgain: s.again, OnDrift: s.OnDrift,
		TakenNot: "it says whose the namespaces are, and only people decide that",
		Title:    fmt.Sprintf("Owner of namespaces on %s: %s", on, s.Owner), Objects: s.places(on),
	}
	if !labelValue.MatchString(string(s.Owner)) {
		return kind.Want{}, fmt.Errorf("%q can't be the value of a label, so no namespace can say that it is the owner", s.Owner)
	}
	w.All = kind.FactsOf([]any{s.Owner, w.Objects})
	var edits []transform.Edit
	var missing []string
	differs := false
	for _, place := range w.Objects {
		switch _, err := fs.Stat(p.Tree, string(place)); {
		case errors.Is(err, fs.ErrNotExist):
			missing = append(missing, fmt.Sprintf("namespace %s is not there", strings.TrimSuffix(path.Base(string(place)), ".yaml")))
			continue
		case err != nil:
			return kind.Want{}, err
		}
		has, err := labelled(p.Tree, place)
		if err != nil {
			return kind.Want{}, err
		}
		name := strings.TrimSuffix(path.Base(string(place)), ".yaml")
		if has != string(s.Owner) {
			differs = true
			w.What = append(w.What, fmt.Sprintf("namespace %s: label %s %s", name, ownerLabel, s.Owner))
		}
		edits = append(edits, transform.Edit{Path: place, Content: fmt.Appendf(nil, "apiVersion: v1\nkind: Namespace\nmetadata:\n  labels:\n    %s: %q\n  name: %q\n", ownerLabel, s.Owner, name)})
	}
	if edits == nil {
		return kind.Want{Out: "none of its namespaces is there"}, nil
	}
	if differs { // all of them, so that they say of one declaration the same
		w.Edits, w.What = edits, append(w.What, missing...)
		w.Facts = kind.FactsOf(w.What)
	}
	return w, nil
}

// labelled is the owner that we have given a namespace; empty for none.
func labelled(tree fs.FS, place fleet.Path) (string, error) {
	text, err := fs.ReadFile(tree, string(fleet.AppliedPath(place)))
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	var applied struct {
		Metadata struct {
			Labels map[string]string `yaml:"labels"`
		} `yaml:"metadata"`
	}
	if err == nil {
		err = yaml.Unmarshal(text, &applied)
	}
	return applied.Metadata.Labels[ownerLabel], err
}
