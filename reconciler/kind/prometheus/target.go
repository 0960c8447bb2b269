package prometheus

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/transform"
)

// target is the file in which the settings stand.
type target struct {
	*Spec
	path fleet.Path
	tree fs.FS
	// applied says that the file is an object of a cluster's API, of which what
	// Portreeve has applied counts.
	applied bool
	own     any // that part of the object

	text       []byte // nil for no file
	executable bool
	environs   []byte // of environmentFile; nil for no file
	docs       []any  // that the file holds
	object     any    // the one in which they stand
	spec       any    // the operator's spec in it; nil for none
}

// read reads the file and finds the object in it.
func (t *target) read() error {
	if err := transform.CheckTarget(t.tree, t.path); err != nil {
		return err
	}
	entry, err := transform.Lookup(t.tree, t.path)
	if err != nil {
		return err
	}
	if entry == nil {
		if t.Format != formatWhole {
			return fmt.Errorf("there is no %s, and its declaration says that one is there (format %q)", t.path, t.Format)
		}
		return nil
	}
	text, ok, err := transform.ReadText(t.tree, t.path)
	switch {
	case err != nil:
		return err
	case !ok:
		return fmt.Errorf("%s is too large, or no text", t.path)
	}
	t.text, t.executable = text, transform.IsExecutable(entry)
	if t.docs, err = documents(text); err != nil {
		return fmt.Errorf("%s: %w", t.path, err)
	}
	for _, doc := range t.docs {
		if t.Format == formatValues || t.Format == formatHost || t.is(doc) {
			t.object = doc
			break
		}
	}
	if t.applied {
		if err := t.readApplied(); err != nil {
			return err
		}
	}
	switch {
	case t.object != nil:
		t.spec, _ = valueAt(t.object, t.At)
		if t.Format == formatHost {
			return t.readEnvironment()
		}
	case t.Format != formatWhole:
		return fmt.Errorf("there is no %s %s in %s", t.kind(), t.Name, t.path)
	case len(t.docs) > 0:
		return fmt.Errorf("%s is there, and holds no %s %s: declare another file, or move it away", t.path, t.kind(), t.Name)
	}
	return nil
}

// readApplied reads what Portreeve has applied of the object.
func (t *target) readApplied() error {
	text, err := fs.ReadFile(t.tree, string(fleet.AppliedPath(t.path)))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	docs, wrong := documents(text)
	if err = errors.Join(err, wrong); err != nil || len(docs) != 1 {
		return err
	}
	t.own = docs[0]
	return nil
}

// others are the settings that stand in the object and are neither declared nor
// were applied: they are none of the declaration's, and stay.
func (t *target) others(standing map[string]place, places []place) {
	if !t.applied {
		return
	}
	spec, _ := valueAt(t.own, t.At)
	own := t.dialect().standing(spec)
	for setting := range standing {
		_, applied := own[setting]
		declared := slices.ContainsFunc(places, func(p place) bool { return p.setting == setting })
		if !applied && !declared {
			delete(standing, setting)
		}
	}
}

// scalers are where a cluster has the objects that set the number of shards by
// themselves.
func (s *Spec) scalers() []fleet.Path {
	return []fleet.Path{
		fleet.ObjectsPath("autoscaling/v2", "HorizontalPodAutoscaler", s.Namespace),
		fleet.ObjectsPath("keda.sh/v1alpha1", "ScaledObject", s.Namespace),
	}
}

// beside is how many files of the folder are looked at for what scales the object.
const beside = 100

// scaler is what sets the number of shards by itself, in the file or beside it;
// empty for nothing. Two that set it would undo one another.
func (t *target) scaler() (string, error) {
	dir := ""
	if d := path.Dir(string(t.path)); d != "." {
		dir = transform.QuoteGlob(d) + "/"
	}
	globs := []string{dir + "*.yaml", dir + "*.yml"}
	if t.applied {
		globs = nil
		for _, p := range t.scalers() {
			globs = append(globs, transform.QuoteGlob(string(p))+"*.yaml")
		}
	}
	files, err := transform.Files(t.tree, globs...)
	if err != nil {
		return "", err
	}
	var unread transform.Questions
	found := ""
	for _, name := range files[:min(len(files), beside)] {
		text, ok, err := transform.ReadText(t.tree, name)
		if unread.Ask(err) {
			continue
		}
		if err != nil {
			return "", err
		}
		docs, err := documents(text)
		if !ok || err != nil {
			continue // it is none of ours
		}
		for _, doc := range docs {
			kindOf, _ := valueAt(doc, "kind")
			of, _ := valueAt(doc, "spec.scaleTargetRef.kind")
			named, _ := valueAt(doc, "spec.scaleTargetRef.name")
			scales := kindOf == "HorizontalPodAutoscaler" || kindOf == "ScaledObject"
			if scales && of == t.kind() && named == t.Name && found == "" {
				if found = fmt.Sprintf("the %s in %s", kindOf, name); t.applied {
					found = fmt.Sprintf("the %s %s", kindOf, strings.TrimSuffix(path.Base(string(name)), ".yaml"))
				}
			}
		}
	}
	return found, unread.Err()
}

// is reports whether a document is the object.
func (t *target) is(doc any) bool {
	kindOf, _ := valueAt(doc, "kind")
	name, _ := valueAt(doc, "metadata.name")
	return kindOf == t.kind() && name == t.Name
}

func (t *target) apiVersion() string {
	if t.Role == roleAgent {
		return "monitoring.coreos.com/v1alpha1"
	}
	return "monitoring.coreos.com/v1"
}

func (t *target) kind() string {
	switch {
	case t.Format == formatRelease:
		return "HelmRelease"
	case t.Role == roleAgent:
		return "PrometheusAgent"
	}
	return "Prometheus"
}

// has reports whether the tree is as an edit wants it.
func (t *target) has(edit *transform.Edit) (bool, error) {
	if edit.Path != t.path && t.environs != nil {
		have, want := variables(t.environs), variables(edit.Content)
		for _, name := range sortedKeys(have) {
			if _, declared := want[name]; !declared && !strings.HasPrefix(string(t.environs), written) {
				return false, fmt.Errorf("%s is there, people write it, and it says %s, which is not declared", edit.Path, name)
			}
		}
		return canonical(have) == canonical(want), nil
	}
	if t.Format != formatWhole {
		return transform.Holds(t.tree, *edit)
	}
	if t.applied {
		return canonical(t.own) == string(edit.Counts), nil
	}
	return len(t.docs) == 1 && canonical(t.docs[0]) == string(edit.Counts), nil
}

func canonical(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		return ""
	}
	return string(b)
}

// places are where settings are to stand in it.
func (t *target) places(l layered, s *settings, standing map[string]place) ([]place, error) {
	places, err := l.places(s, t.dialect(), standing)
	if _, stands := standing["version"]; t.Format != formatWhole && !stands {
		// What runs is decided elsewhere, by the chart or the host.
		places = slices.DeleteFunc(places, func(p place) bool { return p.setting == "version" })
	}
	return places, err
}

// edits are the wanted states of files, sorted by path; what of them counts are
// the fields that are declared.
func (m member) edits(t *target, places []place) ([]transform.Edit, error) {
	if t.Format == formatWhole {
		edit, err := t.whole(places)
		if err != nil {
			return nil, err
		}
		return []transform.Edit{*edit}, nil
	}
	var edits []transform.Edit
	edit, err := m.patch(t, places)
	if err != nil {
		return nil, err
	}
	if edit != nil {
		edits = append(edits, *edit)
	}
	if t.Format == formatHost {
		edits = append(edits, *t.environment(places))
	}
	transform.Sort(edits)
	return edits, nil
}

// whole is the file written whole.
func (t *target) whole(places []place) (*transform.Edit, error) {
	spec := map[string]any{}
	for name, value := range t.Spec.Spec {
		spec[name] = value
	}
	for _, p := range places {
		setAt(spec, p.at, p.value)
	}
	object := map[string]any{
		"apiVersion": t.apiVersion(), "kind": t.kind(),
		"metadata": map[string]any{"name": t.Name, "namespace": t.Namespace},
		"spec":     spec,
	}
	text, err := yaml.Dump(numbered(object), yaml.WithIndent(2))
	if err != nil {
		return nil, err
	}
	if !t.applied {
		text = append([]byte(written), text...)
	}
	return &transform.Edit{
		Path: t.path, Content: text, Counts: []byte(canonical(object)), Executable: t.executable,
	}, nil
}

// numbered has numbers as YAML writes them.
func numbered(v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := make(map[string]any, len(v))
		for name, item := range v {
			out[name] = numbered(item)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, item := range v {
			out[i] = numbered(item)
		}
		return out
	case json.Number:
		if n, err := strconv.ParseInt(v.String(), 10, 64); err == nil {
			return n
		}
		f, _ := v.Float64() // JSON has passed it
		return f
	}
	return v
}

// patch sets the declared fields in the file, and leaves every other byte.
func (m member) patch(t *target, places []place) (*transform.Edit, error) {
	var set []map[string]any
	for _, p := range places {
		if outside(p.at) {
			continue
		}
		set = append(set, map[string]any{"at": t.below(p.at), "value": p.value})
		if _, tagged := valueAt(t.spec, "image.tag"); tagged && p.setting == "version" {
			set = append(set, map[string]any{"at": t.below("image.tag"), "value": p.value})
		}
	}
	for _, name := range sortedKeys(t.Spec.Spec) {
		set = append(set, map[string]any{"at": t.below(name), "value": t.Spec.Spec[name]})
	}
	if len(set) == 0 {
		return nil, nil
	}
	fields := map[string]any{"path": t.path, "set": set}
	if remove := t.replaced(places); remove != nil {
		fields["remove"] = remove
	}
	if t.Format != formatValues && t.Format != formatHost {
		fields["document"] = map[string]any{"kind": t.kind(), "metadata.name": t.Name}
	}
	step, err := m.transforms.Step("yaml", fields)
	if err != nil {
		return nil, err
	}
	edits, err := step.Edits(t.tree)
	if err != nil {
		return nil, err
	}
	edit := transform.Edit{Path: t.path, Content: t.text, Executable: t.executable}
	if len(edits) > 0 {
		edit = edits[0]
	}
	edit.Counts = []byte(canonical(set))
	return &edit, nil
}

// below is a path in the document.
func (t *target) below(at string) string {
	if t.At == "" {
		return at
	}
	return t.At + "." + at
}

// replaced are the ways of authentication that would stand beside a declared one.
func (t *target) replaced(places []place) []string {
	var all []string
	for _, p := range places {
		queue, field, ok := strings.Cut(p.at, "].")
		for _, r := range [][2]string{
			{"authorization.", "basicAuth"}, {"basicAuth.", "authorization"}, {"authorization.", "basic_auth"}, {"basic_auth.", "authorization"},
		} {
			gone := t.below(queue + "]." + r[1])
			if ok && strings.HasPrefix(field, r[0]) && !slices.Contains(all, gone) {
				all = append(all, gone)
			}
		}
	}
	return all
}
