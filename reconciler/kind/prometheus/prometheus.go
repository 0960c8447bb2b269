// Package prometheus is the kind "prometheus": a Prometheus that runs with the
// same settings on some clusters. Settings build on one another, the fleet's,
// the declaration's, and those for some of the clusters, and the nearest wins.
// They are rendered to the objects of prometheus-operator: into a file that is
// written whole, or into the fields of one that is there.
package prometheus

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/kind"
	"github.com/portreeve/portreeve/reconciler/transform"
)

// self is what the member's own problems are told of.
var self = kind.Kind{Name: "prometheus", Field: "prometheus"}

// New is the member; transforms has the one for YAML.
func New(transforms transform.Set) kind.Kind {
	m := member{transforms}
	k := self
	k.Doc = "A Prometheus that runs with the same settings on some clusters."
	k.Owns = true
	k.Decode, k.Check, k.Targets, k.Want = decode, check, targets, m.want
	k.Settings, k.Effective, k.Same, k.AdoptFile = settingsOn, effective, same, m.adoptFile
	return k
}

type member struct{ transforms transform.Set }

// targets are the clusters that are selected, through their repos.
func targets(d *fleet.Declaration, config *fleet.Config, _ []fleet.Repo) []kind.Candidate {
	s, ok := d.Spec.(*Spec)
	if !ok {
		return nil
	}
	var all []kind.Candidate
	for _, name := range clusters(config) {
		c := config.Clusters[name].Cluster
		if _, ok := s.Clusters.Selects(name, c); ok {
			one := kind.Candidate{Repo: c.Repo(), Cluster: name, Rollout: s.rollout}
			if s.rollout != nil {
				one.Wave = s.rollout.WaveOf(d.ID, name, c)
			}
			all = append(all, one)
		}
	}
	return all
}

// want is the file of the cluster's folder with the settings in it.
func (m member) want(p *kind.Pass) (kind.Want, error) {
	s, ok := p.Declaration.Spec.(*Spec)
	if !ok || p.Cluster == nil {
		return kind.Want{}, fmt.Errorf("%s has no spec, or no cluster", p.Declaration.ID)
	}
	name, c := fleet.ClusterName(p.Cluster.ID.Name), p.Cluster.Cluster
	layers := s.layers(p.Config, name, c)
	settings, err := layers.settings()
	if err != nil {
		return kind.Want{}, err
	}
	for _, f := range rules(layers, settings, s.dialect()) {
		if f.severity == fleet.Error {
			return kind.Want{}, fmt.Errorf("the settings for it can't be: %s", f.message)
		}
	}
	because, _ := s.Clusters.Selects(name, c)
	w := kind.Want{
		Because: because, Why: s.Why, Labels: s.Labels, Merge: s.Merge, AskAgain: s.askAgain,
		Decides: decides(p), CloseIsOfThis: true,
	}
	if s.State == statePaused {
		w.Paused = "paused by its declaration"
	}
	file := target{Spec: s, path: c.File(fleet.Path(s.File)), tree: p.Tree}
	if err := file.read(); err != nil {
		return kind.Want{}, err
	}
	if settings.Shards > 0 {
		if scaler, err := file.scaler(); err != nil {
			return kind.Want{}, err
		} else if scaler != "" {
			return kind.Want{}, fmt.Errorf("shards are declared, and %s sets them as well: leave one of the two", scaler)
		}
	}
	standing := s.dialect().standing(file.spec)
	places, err := layers.places(settings, s.dialect(), standing)
	if err != nil {
		return kind.Want{}, err
	}
	if _, stands := standing["version"]; s.Format != formatWhole && !stands {
		// What runs is decided elsewhere, by the chart or the host.
		places = slices.DeleteFunc(places, func(p place) bool { return p.setting == "version" })
	}
	w.Runs = s.runs(name, places, settings)
	all := changes(standing, places, s)
	if err := lossless(all, settings); err != nil {
		return kind.Want{}, err
	}
	edits, err := m.edits(&file, places)
	if err != nil {
		return kind.Want{}, err
	}
	for _, e := range edits {
		if s.Format == formatWhole || e.Path != file.path {
			if w.Whole == nil {
				w.Whole = map[fleet.Path]string{}
			}
			w.Whole[e.Path] = kind.DigestOf(e)
		}
		if same, err := file.has(&e); err != nil {
			return kind.Want{}, err
		} else if !same {
			w.Edits = append(w.Edits, e)
		}
	}
	if w.Edits == nil {
		return w, nil
	}
	w.Title = fmt.Sprintf("Change settings of Prometheus %s on %s", s.Name, name)
	if file.spec == nil {
		w.Title = fmt.Sprintf("Set up Prometheus %s on %s", s.Name, name)
		for i := range all {
			c := &all[i].cost
			c.Class, c.Why, c.Moves, c.Alone = kind.Starts, "", 0, false
		}
		slices.SortFunc(all, func(a, b change) int { return strings.Compare(a.setting, b.setting) })
	}
	for _, change := range all {
		w.Costs = append(w.Costs, change.cost)
		w.What = append(w.What, layers.told(change, file.spec != nil))
	}
	if len(w.What) == 0 {
		w.What = []string{"other fields of " + string(w.Edits[0].Path)}
	}
	w.Gates = s.gates(name, w.Costs)
	w.Facts = kind.FactsOf([]any{w.Title, w.Edits[0].Path, w.Costs})
	return w, nil
}

// told is a change as people read it, with the layer that it comes from.
func (l layered) told(c change, runs bool) string {
	var b strings.Builder
	b.WriteString(c.setting)
	switch {
	case c.to == "":
		fmt.Fprintf(&b, " %s goes", c.from)
	case c.from == "":
		fmt.Fprintf(&b, " %s", c.to)
	default:
		fmt.Fprintf(&b, " %s → %s", c.from, c.to)
	}
	if from := l[c.setting].from; from != "" && from != fromSettings {
		fmt.Fprintf(&b, " (%s)", strings.TrimSuffix(from, "."+fromSettings))
	}
	if runs {
		fmt.Fprintf(&b, ": %s", c.cost.Class)
		if c.cost.Why != "" {
			fmt.Fprintf(&b, ", %s", c.cost.Why)
		}
	}
	return b.String()
}

// lossless refuses what would leave samples where nobody can ask for them, or
// can't be done.
func lossless(all []change, s *settings) error {
	for _, c := range all {
		switch {
		case c.setting == "shards" && c.from != "" && c.cost.Class == kind.DataAtRisk && len(s.RemoteWrite) == 0:
			return fmt.Errorf(`shards %s → %d: what the shards that go have kept would be lost; declare shardRetention: "retain", or a remote write`, c.from, max(1, s.Shards))
		case c.setting == "volume" && c.from != "" && c.to != "":
			from, fromErr := amount(c.from, kubernetesUnits)
			to, toErr := amount(c.to, kubernetesUnits)
			if fromErr == nil && toErr == nil && to < from {
				return fmt.Errorf("volume %s → %s: a volume can't be made smaller", c.from, c.to)
			}
		}
	}
	return nil
}

// decides is the team that decides in the repo: the one that owns it, else the
// one that runs the cluster.
func decides(p *kind.Pass) fleet.TeamName {
	if team, ok := kind.OwnerOf(p.Config, p.Repo); ok {
		return team
	}
	return p.Cluster.Owner
}

// target is the file in which the settings stand.
type target struct {
	*Spec
	path fleet.Path
	tree fs.FS

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

// beside is how many files of the folder are looked at for what scales the object.
const beside = 100

// scaler is what sets the number of shards by itself, in the file or beside it;
// empty for nothing. Two that set it would undo one another.
func (t *target) scaler() (string, error) {
	dir := ""
	if d := path.Dir(string(t.path)); d != "." {
		dir = transform.QuoteGlob(d) + "/"
	}
	files, err := transform.Files(t.tree, dir+"*.yaml", dir+"*.yml")
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
				found = fmt.Sprintf("the %s in %s", kindOf, name)
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
	return len(t.docs) == 1 && canonical(t.docs[0]) == string(edit.Counts), nil
}

func canonical(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		return ""
	}
	return string(b)
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
		"apiVersion": "monitoring.coreos.com/v1", "kind": t.kind(),
		"metadata": map[string]any{"name": t.Name, "namespace": t.Namespace},
		"spec":     spec,
	}
	if t.Role == roleAgent {
		object["apiVersion"] = "monitoring.coreos.com/v1alpha1"
	}
	text, err := yaml.Dump(numbered(object), yaml.WithIndent(2))
	if err != nil {
		return nil, err
	}
	return &transform.Edit{
		Path: t.path, Content: append([]byte(written), text...), Counts: []byte(canonical(object)), Executable: t.executable,
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
	fields := map[string]any{"do": "yaml", "path": t.path, "set": set}
	if remove := t.replaced(places); remove != nil {
		fields["remove"] = remove
	}
	if t.Format != formatValues && t.Format != formatHost {
		fields["document"] = map[string]any{"kind": t.kind(), "metadata.name": t.Name}
	}
	data, err := json.Marshal(fields)
	if err != nil {
		return nil, err
	}
	yamlStep, ok := m.transforms.Find("yaml")
	if !ok {
		return nil, errors.New("there is no transform yaml here")
	}
	step, err := yamlStep.Decode(data)
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

const written = "# Portreeve writes this file, and undoes what is edited here: change what is declared.\n"

// environment is the file beside prometheus.yml that an init system reads: the
// variables, and as $ARGS the flags.
func (t *target) environment(places []place) *transform.Edit {
	var variables, flags []string
	for _, p := range places {
		if name, ok := strings.CutPrefix(p.at, "$"); ok {
			variables = append(variables, fmt.Sprintf("%s=%s\n", name, text(p.value)))
		}
		if strings.HasPrefix(p.at, "--") {
			flags = append(flags, flag(p))
		}
	}
	content := written + strings.Join(variables, "") + fmt.Sprintf("ARGS=%q\n", strings.Join(flags, " "))
	return &transform.Edit{Path: t.environmentFile(), Content: []byte(content), Counts: []byte(content[len(written):])}
}

// flag is a flag as a command line has it.
func flag(p place) string {
	switch v := p.value.(type) {
	case bool:
		if v {
			return p.at
		}
		return "--no-" + strings.TrimPrefix(p.at, "--")
	default:
		return p.at + "=" + text(v)
	}
}

func (t *target) environmentFile() fleet.Path {
	return fleet.Path(strings.TrimSuffix(string(t.path), path.Ext(string(t.path))) + ".env")
}

// readEnvironment adds the variables and flags to what stands in prometheus.yml.
func (t *target) readEnvironment() error {
	name := t.environmentFile()
	if err := transform.CheckTarget(t.tree, name); err != nil {
		return err
	}
	content, _, err := transform.ReadText(t.tree, name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	spec, ok := t.spec.(map[string]any)
	if err != nil || !ok {
		return err
	}
	t.environs = content
	maps.Copy(spec, variables(content))
	return nil
}

// variables are what such a file says: variables by "$NAME" and flags by "--NAME".
func variables(content []byte) map[string]any {
	all := map[string]any{}
	for line := range strings.Lines(string(content)) {
		variable, value, ok := strings.Cut(strings.TrimSpace(line), "=")
		switch {
		case !ok || strings.HasPrefix(variable, "#"):
		case variable != "ARGS":
			all["$"+variable] = value
		default:
			for arg := range strings.FieldsSeq(strings.Trim(value, `"`)) {
				name, v, valued := strings.Cut(arg, "=")
				switch {
				case valued:
					all[name] = v
				case strings.HasPrefix(name, "--no-"):
					all["--"+strings.TrimPrefix(name, "--no-")] = false
				default:
					all[name] = true
				}
			}
		}
	}
	return all
}
