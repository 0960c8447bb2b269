package prometheus

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/kind"
)

// settingsOn are those of a declaration on a cluster, in the order of the table.
func settingsOn(d *fleet.Declaration, config *fleet.Config, name fleet.ClusterName) (kind.Settings, error) {
	s, ok := d.Spec.(*Spec)
	cluster := config.Clusters[name]
	if !ok || cluster == nil {
		return kind.Settings{}, fmt.Errorf("%s is not declared for cluster %s", d.ID, name)
	}
	if _, selected := s.Clusters.Selects(name, cluster.Cluster); !selected {
		return kind.Settings{}, fmt.Errorf("%s is not declared for cluster %s", d.ID, name)
	}
	l := s.layers(config, name, cluster.Cluster)
	settings, err := l.settings()
	if err != nil {
		return kind.Settings{}, err
	}
	places, err := l.places(settings, s.dialect(), nil)
	if err != nil {
		return kind.Settings{}, err
	}
	out := kind.Settings{API: strings.ReplaceAll(s.API, "{cluster}", string(name)), Shards: settings.Shards, GOGCOff: settings.gogcOff(), Forgets: s.Role == roleAgent}
	if memory, err := amount(settings.Resources.Memory, kubernetesUnits); err == nil {
		out.Memory = memory
	}
	if volume, err := amount(settings.Volume, kubernetesUnits); err == nil {
		out.Volume = volume
	}
	for _, p := range places {
		if slices.ContainsFunc(out.All, func(o kind.Setting) bool { return o.Name == p.setting }) {
			continue // it stands in two places
		}
		from := strings.TrimSuffix(l[p.setting].from, "."+fromSettings)
		if from == "" {
			from = "default"
		}
		out.All = append(out.All, kind.Setting{Name: p.setting, Value: p.declared, From: from})
	}
	return out, nil
}

// effective are the settings with which a Prometheus runs, as it says itself: its
// configuration and flags are those that it has without an operator, too.
func effective(r fleet.Running) (map[string]string, error) {
	docs, err := documents([]byte(r.Config))
	if err != nil || len(docs) > 1 {
		return nil, fmt.Errorf("its configuration can't be read: %w", err)
	}
	tree := map[string]any{}
	if len(docs) == 1 {
		if m, ok := docs[0].(map[string]any); ok {
			tree = m
		}
	}
	for name, value := range r.Flags {
		tree["--"+name] = value
	}
	if r.MemoryLimit > 0 && r.MemoryLimit < math.MaxInt64 {
		tree["$GOMEMLIMIT"] = fmt.Sprintf("%dMiB", int64(r.MemoryLimit)>>20)
	}
	all := map[string]string{"version": r.Version}
	for name, p := range (dialect{host: true}).standing(tree) {
		all[name] = p.declared
	}
	// Its configuration says what it was told, and the queues what came of it.
	for name, q := range r.Queues {
		for field, value := range map[string]float64{"minShards": q.MinShards, "maxShards": q.MaxShards, "capacity": q.Capacity} {
			at := remoteWritePrefix + name + "." + field
			if _, told := all[at]; told && value > 0 {
				all[at] = strconv.FormatFloat(value, 'f', -1, 64)
			}
		}
	}
	if r.GOGC != "" {
		all["runtime.gogc"] = r.GOGC
		if n, err := strconv.Atoi(r.GOGC); err == nil && n < 0 {
			all["runtime.gogc"] = "off"
		}
	}
	return all, nil
}

// runs is with what a Prometheus has to run, as far as it can say so itself.
func (s *Spec) runs(name fleet.ClusterName, places []place, settings *settings) *kind.Runs {
	if s.API == "" {
		return nil
	}
	r := &kind.Runs{API: strings.ReplaceAll(s.API, "{cluster}", string(name)), Settings: map[string]string{"version": settings.Version}}
	for _, p := range places {
		// Secrets are mounted elsewhere by each way of running it.
		if !saidOfItself(p.setting) || strings.HasSuffix(p.setting, ".secret") {
			continue
		}
		r.Settings[p.setting] = p.declared
	}
	return r
}

// saidOfItself reports whether a setting shows in what a Prometheus says.
func saidOfItself(setting string) bool {
	m, _, ok := mappingOf(setting)
	return ok && hostOf[m.setting] != ""
}

// same reports whether a value that something runs with is a declared one. What it
// does not say contradicts nothing.
func same(declared, is string) bool {
	if a, b := declared, is; a == b || b == "" {
		return true
	}
	a, b := declared, is
	if x, err := duration(a); err == nil {
		y, err := duration(b)
		return err == nil && x == y
	}
	if !strings.HasSuffix(a, "B") {
		return false
	}
	for _, units := range []map[string]float64{goUnits, prometheusUnits} {
		x, err := amount(a, units)
		y, err2 := amount(b, units)
		if err == nil && err2 == nil {
			return math.Abs(x-y) < 1<<20 // it is told in whole MiB
		}
	}
	return false
}
