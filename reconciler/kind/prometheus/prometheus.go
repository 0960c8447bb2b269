// Package prometheus is the kind "prometheus": a Prometheus that runs with the
// same settings on some clusters. Settings build on one another, the fleet's,
// the declaration's, and those for some of the clusters, and the nearest wins.
// They are rendered to the objects of prometheus-operator: into a file that is
// written whole, or into the fields of one that is there.
package prometheus

import (
	"fmt"
	"io/fs"
	"slices"
	"strconv"
	"strings"

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
	k.Facts, k.Settings, k.Effective, k.Same, k.Assign, k.AdoptFile, k.ObjectNamed = facts, settingsOn, effective, same, assign, m.adoptFile, objectNamed
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
			if c.Direct() {
				one.Reads = s.reads(c)
			}
			if s.rollout != nil {
				one.Wave = s.rollout.WaveOf(d.ID, name, c)
			}
			all = append(all, one)
		}
	}
	return all
}

// reads are the files of a cluster that want looks at.
func (s *Spec) reads(c *fleet.Cluster) []fleet.Path {
	file := s.target(c, nil)
	if c.Delivery.Apply != nil {
		return append([]fleet.Path{file.path}, s.scalers()...)
	}
	return []fleet.Path{file.path, file.environmentFile()}
}

// target is where the settings stand on a cluster.
func (s *Spec) target(c *fleet.Cluster, tree fs.FS) target {
	file := target{Spec: s, path: c.File(fleet.Path(s.File)), tree: tree}
	if c.Delivery.Apply != nil {
		file.applied = true
		file.path = fleet.ObjectPath(file.apiVersion(), file.kind(), s.Namespace, s.Name)
	}
	return file
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
	if wrong := rules(layers, settings, s.dialect()); len(wrong) > 0 {
		return kind.Want{}, fmt.Errorf("the settings for it can't be: %s", wrong[0].message)
	}
	because, _ := s.Clusters.Selects(name, c)
	w := kind.Want{
		Because: because, Why: s.Why, Labels: s.Labels, Merge: s.Merge, AskAgain: s.askAgain,
		Decides: decides(p), CloseIsOfThis: true, OnDrift: s.OnDrift,
	}
	if s.State == statePaused {
		w.Paused = "paused by its declaration"
	}
	file := s.target(c, p.Tree)
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
	places, err := file.places(layers, settings, standing)
	if err != nil {
		return kind.Want{}, err
	}
	file.others(standing, places)
	places, then := retainFirst(standing, places, settings)
	w.Runs = s.runs(name, places, settings)
	if c.Direct() {
		w.All, w.Restarts = kind.FactsOf(all(s, places)), []fleet.Path{file.environmentFile()}
	}
	changed := changes(standing, places, s)
	if err := lossless(changed, settings); err != nil && !c.Direct() {
		return kind.Want{}, err
	} else if err != nil { // and where somebody else has done it, that is told all the same
		w.Unsafe = err.Error()
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
		for i := range changed {
			c := &changed[i].cost
			c.Class, c.Why, c.Moves, c.Alone = kind.Starts, "", 0, false
		}
		slices.SortFunc(changed, func(a, b change) int { return strings.Compare(a.setting, b.setting) })
	}
	for _, change := range changed {
		w.Costs = append(w.Costs, change.cost)
		w.What = append(w.What, layers.told(change, file.spec != nil))
	}
	if then != "" {
		w.What = append(w.What, then)
	}
	switch {
	case len(w.What) > 0:
	case file.applied && file.own == nil:
		w.What = []string{"holds what is set as declared already"}
	case file.applied:
		w.What = []string{"other fields of " + file.kind() + " " + s.Namespace + "/" + s.Name}
	default:
		w.What = []string{"other fields of " + string(w.Edits[0].Path)}
	}
	if c.Direct() && s.OnDrift == fleet.DriftAdopt {
		if err := m.taken(p, &file, layers, standing, changed, &w); err != nil {
			w.TakenNot = err.Error()
		}
	}
	w.Gates = s.gates(name, w.Costs, file.spec)
	w.Facts = kind.FactsOf([]any{w.Title, w.Edits[0].Path, w.Costs})
	return w, nil
}

// all are all the values that are to stand on a cluster, and where.
func all(s *Spec, places []place) any {
	values := map[string]any{}
	for _, p := range places {
		values[p.at] = p.value
	}
	return []any{s.Role, s.Name, s.Namespace, s.File, s.Format, s.Spec, values}
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

// retainFirst leaves the number of shards as it stands where fewer are declared, and
// that those that go are kept does not stand there yet: whoever reads the file later,
// or is rolled back by one, must never see fewer shards without it. then says what
// comes once it stands there.
func retainFirst(standing map[string]place, places []place, s *settings) (first []place, then string) {
	was := standing["shards"]
	n, err := strconv.Atoi(was.declared)
	if least := max(1, s.Shards); err != nil || n <= least || s.ShardRetention != "retain" || standing["shardRetention"].declared == "retain" {
		return places, ""
	}
	first = slices.Clone(places)
	for i := range first {
		if first[i].setting == "shards" {
			first[i] = was
			return first, fmt.Sprintf("shards %d → %d only then, so that what the shards that go have kept is kept", n, max(1, s.Shards))
		}
	}
	return places, ""
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
