package fleet

import (
	"cmp"
	"maps"
	"path"
	"slices"
	"strings"
)

// ClusterKind is the name of the kind that declares clusters.
const ClusterKind = "cluster"

// Cluster is a cluster as it is declared: a place where configuration runs, and
// how it gets there.
type Cluster struct {
	Labels   map[string]string `json:"labels,omitempty"`
	Delivery Delivery          `json:"delivery"`
}

// Delivery is how a cluster gets its configuration. Exactly one field is set.
type Delivery struct {
	PullRequest *PullDelivery  `json:"pullRequest,omitempty"`
	Files       *FilesDelivery `json:"files,omitempty"`
	Apply       *ApplyDelivery `json:"apply,omitempty"`
}

// ApplyDelivery is a server-side apply to the cluster's own API.
type ApplyDelivery struct {
	// Context is that of the daemon's kubeconfig; empty is the cluster in which the
	// daemon runs.
	Context string `json:"context,omitempty"`
	// Namespace is where it is written down what was applied.
	Namespace string `json:"namespace"`
}

// PullDelivery is a pull request to the repo that the cluster's GitOps agent
// watches.
type PullDelivery struct {
	Repo   RepoName `json:"repo"`
	Folder Path     `json:"folder,omitempty"` // of the cluster in the repo; empty is the root
}

// FilesDelivery is files in a folder that is mounted at the daemon, which whatever
// runs by them is told to reload.
type FilesDelivery struct {
	Folder Path `json:"folder"` // below the daemon's folder of such files
}

// Direct reports whether the cluster gets its configuration from the daemon
// itself, through no repo.
func (c *Cluster) Direct() bool { return c.Delivery.PullRequest == nil }

// Repo is the repo through which the cluster is configured; empty for none.
func (c *Cluster) Repo() RepoName {
	if c.Delivery.PullRequest == nil {
		return ""
	}
	return c.Delivery.PullRequest.Repo
}

// CoreGroup stands for the API group that has no name, and NoNamespace for the
// namespace of objects that are in none, in the places of objects.
const (
	CoreGroup   = "core"
	NoNamespace = "-"
)

// ObjectPath is the place of a Kubernetes object in what is seen of a cluster. Of one
// in no namespace that is empty.
func ObjectPath(apiVersion, kind, namespace, name string) Path {
	if !strings.Contains(apiVersion, "/") {
		apiVersion = path.Join(CoreGroup, apiVersion)
	}
	return Path(path.Join(apiVersion, kind, cmp.Or(namespace, NoNamespace), name+".yaml"))
}

// ObjectsPath is the place of all objects of a kind in a namespace.
func ObjectsPath(apiVersion, kind, namespace string) Path {
	return Path(path.Join(apiVersion, kind, namespace) + "/")
}

// AppliedPath is the place of what Portreeve has applied of an object.
func AppliedPath(object Path) Path { return object + ".applied" }

// File is the place of a file of the cluster's folder: in Repo, or where there is
// none in what is seen of the cluster itself.
func (c *Cluster) File(below Path) Path {
	if c.Delivery.PullRequest == nil {
		return below
	}
	return Path(path.Join(string(c.Delivery.PullRequest.Folder), string(below)))
}

// ClusterSelection selects clusters: those that are named, and those that have
// all the labels, each with one of its values.
type ClusterSelection struct {
	Names  []ClusterName       `json:"names,omitempty"`
	Labels map[string][]string `json:"labels,omitempty"`
}

// Selects says whether a cluster is selected, and in a few words why. A
// selection that says nothing selects none.
func (s *ClusterSelection) Selects(name ClusterName, c *Cluster) (because string, ok bool) {
	if slices.Contains(s.Names, name) {
		return "named", true
	}
	if len(s.Labels) == 0 {
		return "", false
	}
	var has []string
	for _, label := range slices.Sorted(maps.Keys(s.Labels)) {
		value, there := c.Labels[label]
		if !there || !slices.Contains(s.Labels[label], value) {
			return "", false
		}
		has = append(has, label+"="+value)
	}
	return "labelled " + strings.Join(has, ", "), true
}
