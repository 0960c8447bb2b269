package prometheus

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/kind"
)

// assign says where settings of a cluster are written, by their paths: in the
// declaration's settings if it is about that cluster alone, in what it overrides for
// that cluster alone, or else in one more override. What a nearer layer says of a
// setting would win, so it is never written below one.
func assign(d *fleet.Declaration, config *fleet.Config, cluster fleet.ClusterName, settings map[string]any) ([]fleet.Assignment, error) {
	var s fields
	dec := json.NewDecoder(strings.NewReader(d.Kept))
	dec.UseNumber()
	if err := dec.Decode(&s); err != nil {
		return nil, fmt.Errorf("%s can't be read: %w", d.ID, err)
	}
	is := config.Clusters[cluster]
	if is == nil {
		return nil, fmt.Errorf("no cluster %q is declared", cluster)
	}
	about := 0
	for name, c := range config.Clusters {
		if _, ok := s.Clusters.Selects(name, c.Cluster); ok {
			about++
		}
	}
	var all []fleet.Assignment
	add := func(value any, at ...string) error {
		text, err := json.Marshal(value)
		all = append(all, fleet.Assignment{At: at, Value: text})
		return err
	}
	more := map[string]any{}
	for _, setting := range sortedKeys(settings) {
		path := strings.Split(setting, ".")
		own, above := -1, -1 // the last that is for the cluster alone, and the last that says it
		for i, o := range s.Overrides {
			if _, ok := o.Clusters.Selects(cluster, is.Cluster); !ok {
				continue
			}
			if says(o.Settings, path) {
				above = i
			}
			if about == 1 && says(o.Settings, path) || len(o.Clusters.Labels) == 0 && slices.Equal(o.Clusters.Names, []fleet.ClusterName{cluster}) {
				own = i
			}
		}
		var err error
		switch {
		case own >= 0 && own >= above:
			err = add(settings[setting], append([]string{"overrides", fmt.Sprintf("[%d]", own), "settings"}, path...)...)
		case about == 1 && above < 0:
			err = add(settings[setting], append([]string{"settings"}, path...)...)
		default:
			more[setting] = settings[setting]
		}
		if err != nil {
			return nil, err
		}
	}
	if len(more) == 0 {
		return all, nil
	}
	entry := map[string]any{"clusters": map[string]any{"names": []any{cluster}}, "settings": nested(more)}
	if s.Overrides == nil {
		return all, add([]any{entry}, "overrides")
	}
	return all, add(entry, "overrides", "[+]")
}

// says reports whether settings say something at a path.
func says(settings map[string]any, path []string) bool {
	v, ok := settings[path[0]]
	if len(path) == 1 || !ok {
		return ok
	}
	below, _ := v.(map[string]any)
	return says(below, path[1:])
}

// taken is what the declaration would have to say for a cluster to be as declared.
func (m member) taken(p *kind.Pass, t *target, l layered, standing map[string]place, changed []change, w *kind.Want) error {
	cluster := fleet.ClusterName(p.Cluster.ID.Name)
	settings := map[string]any{}
	for _, c := range changed {
		if c.from == "" {
			return fmt.Errorf("%s is not set there any more, and it takes a person to undeclare it", c.setting)
		}
		value, why := declarable(t.dialect(), standing[c.setting])
		if why != "" {
			return fmt.Errorf("%s: %s", c.setting, why)
		}
		settings[c.setting] = value
		w.AssignedWhat = append(w.AssignedWhat, fmt.Sprintf("%s %s, in place of %s", c.setting, c.from, c.to))
	}
	slices.Sort(w.AssignedWhat)
	so := maps.Clone(l)
	so.add(fromSettings, nested(settings))
	if same, err := m.standsSo(t, so, standing); err != nil {
		return err
	} else if !same {
		return errors.New("it differs in more than settings")
	}
	all, err := assign(p.Declaration, p.Config, cluster, settings)
	w.Assigned = all
	return err
}

// standsSo reports whether a target is as layers declare it.
func (m member) standsSo(t *target, l layered, standing map[string]place) (bool, error) {
	s, err := l.settings()
	if err != nil {
		return false, err
	}
	if wrong := rules(l, s, t.dialect()); len(wrong) > 0 {
		return false, fmt.Errorf("the settings can't be: %s", wrong[0].message)
	}
	places, err := t.places(l, s, standing)
	if err != nil {
		return false, err
	}
	edits, err := m.edits(t, places)
	if err != nil {
		return false, err
	}
	for i := range edits {
		if t.applied { // whoever has set it so
			docs, err := documents(edits[i].Content)
			if err != nil || len(docs) != 1 || !within(docs[0], t.object) {
				return false, err
			}
			continue
		}
		if same, err := t.has(&edits[i]); err != nil || !same {
			return false, err
		}
	}
	return true, nil
}

// within reports whether a value holds all that is wanted of it: an API server adds
// defaults.
func within(wanted, is any) bool {
	switch wanted := wanted.(type) {
	case map[string]any:
		is, ok := is.(map[string]any)
		for name, v := range wanted {
			ok = ok && within(v, is[name])
		}
		return ok
	case []any:
		is, ok := is.([]any)
		ok = ok && len(is) == len(wanted)
		for i := range wanted {
			ok = ok && within(wanted[i], is[i])
		}
		return ok
	}
	return canonical(wanted) == canonical(is)
}
