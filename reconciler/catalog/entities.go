package catalog

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/kind"
)

// annotationOurs marks an entity that Portreeve serves, so that no import
// takes it for what the catalog knows by itself.
const annotationOurs = "portreeve/declaration"

// DefaultNamespace is that of entities whose namespace nobody names.
const DefaultNamespace = "default"

// CheckNamespace says why there can't be a namespace of that name.
func CheckNamespace(name string) error {
	if !namePattern.MatchString(name) {
		return fmt.Errorf("found namespace %.80q, expected at most 63 letters and digits, with single characters of -_. between", name)
	}
	return nil
}

// served is an entity as it is written.
type served struct {
	APIVersion string         `yaml:"apiVersion"`
	Kind       string         `yaml:"kind"`
	Metadata   servedMetadata `yaml:"metadata"`
	Spec       any            `yaml:"spec"`
}

type servedMetadata struct {
	Name        string            `yaml:"name"`
	Namespace   string            `yaml:"namespace,omitempty"`
	Title       string            `yaml:"title,omitempty"`
	Annotations map[string]string `yaml:"annotations"`
}

type servedGroup struct {
	Type     string         `yaml:"type"`
	Profile  *servedProfile `yaml:"profile,omitempty"`
	Parent   string         `yaml:"parent,omitempty"`
	Children []string       `yaml:"children"`
}

type servedProfile struct {
	DisplayName string `yaml:"displayName"`
}

type servedComponent struct {
	Type      string `yaml:"type"`
	Lifecycle string `yaml:"lifecycle"`
	Owner     string `yaml:"owner"`
}

// Entities writes who owns what as entities of a catalog, in YAML: a Group for
// each team, and a Component for each repo that is declared, or of those listed
// has an owner by default. The same input gives the same bytes. What has come
// from a catalog is left out, for there it is already. Owners of paths are left
// out, too: no entity stands for a part of a repo.
func Entities(config *fleet.Config, listed []fleet.Repo, namespace string) []byte {
	w := &writer{config: config, namespace: namespace, taken: map[string]bool{}}
	w.metadata = namespace
	if namespace == DefaultNamespace {
		w.metadata = ""
	}
	w.text.WriteString("# Made by Portreeve from what the config repo declares.\n")
	teams := make([]fleet.Team, 0, len(config.Teams))
	for _, t := range config.Teams {
		teams = append(teams, t)
	}
	slices.SortFunc(teams, func(a, b fleet.Team) int { return strings.Compare(string(a.Name), string(b.Name)) })
	for _, t := range teams {
		if t.Pos.File != fleet.ImportFile {
			w.group(t)
		}
	}
	for _, d := range config.Declarations {
		if owners := kind.Owners(config, d.Owns); len(owners) > 0 && owners[0] == d && d.Pos.File != fleet.ImportFile {
			w.component(d, d.ID.Name, d.Owns)
		}
	}
	for _, repo := range slices.SortedFunc(slices.Values(listed), func(a, b fleet.Repo) int { return strings.Compare(string(a.Name), string(b.Name)) }) {
		if d := kind.Owning(config, repo); d != nil && d.Default != nil && !repo.Archived && d.Pos.File != fleet.ImportFile {
			name := repo.Name.Short()
			if w.isTaken("Component", name) {
				name = repo.Name.Owner() + "." + name
			}
			w.component(d, name, repo.Name)
		}
	}
	return w.text.Bytes()
}

type writer struct {
	config    *fleet.Config
	namespace string
	metadata  string // the namespace as it is written: nothing for the default
	taken     map[string]bool
	text      bytes.Buffer
}

func (w *writer) group(t fleet.Team) {
	e := served{Kind: "Group", Metadata: servedMetadata{Title: t.Title, Annotations: map[string]string{annotationOurs: "team/" + string(t.Name)}}}
	spec := servedGroup{Type: "team", Children: []string{}}
	if t.Title != "" {
		spec.Profile = &servedProfile{t.Title}
	}
	if t.GitHub != "" {
		e.Metadata.Annotations[annotationTeam] = strings.TrimPrefix(t.GitHub, "@")
	}
	if parent, ok := w.config.Teams[t.Parent]; ok {
		spec.Parent = w.groupOf(parent)
	}
	e.Spec = spec
	w.entity(e, string(t.Name))
}

func (w *writer) component(d *fleet.Declaration, name string, repo fleet.RepoName) {
	w.entity(served{
		Kind:     "Component",
		Metadata: servedMetadata{Annotations: map[string]string{annotationOurs: d.ID.String(), annotationSlug: string(repo)}},
		Spec:     servedComponent{Type: "repository", Lifecycle: "production", Owner: w.groupOf(kind.TeamsOf(w.config, d)[d.Owner])},
	}, name)
}

// groupOf is the reference of a team's group: one of ours, or the one that the
// team was imported from, which the settings name, or whose namespace its name
// begins with unless that is the default one.
func (w *writer) groupOf(t fleet.Team) string {
	namespace, name := w.namespace, string(t.Name)
	if t.Pos.File == fleet.ImportFile {
		if b := w.config.Settings.Backstage; b != nil {
			for _, ref := range slices.Sorted(maps.Keys(b.Teams)) {
				if b.Teams[ref] == t.Name {
					return strings.ToLower(ref)
				}
			}
		}
		namespace = DefaultNamespace
		if before, after, ok := strings.Cut(name, "."); ok {
			namespace, name = before, after
		}
	}
	return strings.ToLower("group:" + namespace + "/" + entityName(name))
}

// entity writes one, unless its name is taken: names of ours may be a
// character longer than the catalog's, and are told apart by case.
func (w *writer) entity(e served, name string) {
	e.APIVersion, e.Metadata.Name, e.Metadata.Namespace = "backstage.io/v1alpha1", entityName(name), w.metadata
	if w.isTaken(e.Kind, name) {
		return
	}
	w.taken[takenKey(e.Kind, name)] = true
	w.text.WriteString("---\n")
	encoder := yaml.NewEncoder(&w.text)
	encoder.SetIndent(2)
	if err := errors.Join(encoder.Encode(e), encoder.Close()); err != nil {
		panic(err) // strings only, into memory
	}
}

func (w *writer) isTaken(kind, name string) bool { return w.taken[takenKey(kind, name)] }

func takenKey(kind, name string) string { return strings.ToLower(kind + " " + entityName(name)) }

// entityName is a name of ours as the catalog takes it.
func entityName(name string) string {
	return cmp.Or(strings.TrimRight(name[:min(len(name), 63)], "-_."), "unnamed")
}
