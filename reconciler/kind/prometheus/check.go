package prometheus

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/kind"
)

func sortedKeys[K cmp.Ordered, V any](m map[K]V) []K { return slices.Sorted(maps.Keys(m)) }

// clusters are those that are declared, by name.
func clusters(config *fleet.Config) []fleet.ClusterName { return sortedKeys(config.Clusters) }

// check holds a declaration against the others: whether its clusters are there,
// and whether the settings that come together for each are sound.
func check(d *fleet.Declaration, config *fleet.Config) []fleet.Problem {
	problems := kind.CheckTeam(self, d, config, "owner", d.Owner)
	if d.Kept == "" {
		return problems
	}
	s, err := parse(d.ID.Name, []byte(d.Kept))
	if err != nil {
		return append(problems, kind.ProblemAt(self, d, "bad-field", "", "", "%s", err))
	}
	problems = append(problems, unknown(d, config, "clusters", s.Clusters)...)
	for i, o := range s.Overrides {
		problems = append(problems, unknown(d, config, fmt.Sprintf("overrides[%d].clusters", i), o.Clusters)...)
	}
	return append(problems, s.sound(d, config)...)
}

// unknown are the problems that clusters are named that there are not.
func unknown(d *fleet.Declaration, config *fleet.Config, field string, c fleet.ClusterSelection) []fleet.Problem {
	var problems []fleet.Problem
	for i, name := range c.Names {
		problems = append(problems, kind.CheckCluster(self, d, config, fmt.Sprintf("%s.names[%d]", field, i), name)...)
	}
	return problems
}

// sound holds the settings of each cluster against the rules. Those of clusters
// that the same overrides are for are one; where there is no cluster, those for
// all are held against them.
func (s *Spec) sound(d *fleet.Declaration, config *fleet.Config) []fleet.Problem {
	var problems []fleet.Problem
	told := map[finding]bool{}
	about := s.eachLayered(config, func(_ fleet.ClusterName, l layered) {
		settings, err := l.settings()
		if err != nil {
			problems = append(problems, kind.ProblemAt(self, d, "bad-field", fromSettings, "", "%s", err))
			return
		}
		for _, f := range rules(l, settings, s.dialect()) {
			if told[f] {
				continue
			}
			told[f] = true
			problems = append(problems, l.problem(d, f))
		}
	})
	for _, name := range clusters(config) {
		c := config.Clusters[name].Cluster
		if _, ok := s.Clusters.Selects(name, c); !ok {
			continue
		}
		if c.Delivery.Files != nil && s.Format != formatHost {
			problems = append(problems, kind.ProblemAt(self, d, "bad-value", "format", fmt.Sprintf("declare one for it with format: %q", formatHost),
				"cluster %s gets files for a host, and format %q is of an operator's object", name, s.Format))
		}
		if c.Delivery.Apply != nil && s.Format != formatWhole {
			problems = append(problems, kind.ProblemAt(self, d, "bad-value", "format", "leave format out, or reach the cluster through the repo that has the file",
				"to cluster %s whole objects are applied, and format %q is of a file", name, s.Format))
		}
	}
	if !about && len(s.Clusters.Names) == 0 {
		p := kind.ProblemAt(self, d, "no-cluster", "clusters", "see the labels of the clusters", "no cluster has these labels")
		p.Severity = fleet.Warning
		problems = append(problems, p)
	}
	return problems
}

// overridden says which overrides are for a cluster.
func (s *Spec) overridden(name fleet.ClusterName, c *fleet.Cluster) string {
	var key strings.Builder
	for i, o := range s.Overrides {
		if _, ok := o.Clusters.Selects(name, c); ok {
			fmt.Fprintf(&key, "%d ", i)
		}
	}
	return key.String()
}

// problem is a finding at the place where the setting was written.
func (l layered) problem(d *fleet.Declaration, f finding) fleet.Problem {
	field := l.field(f.at)
	message := f.message
	if field == "" {
		message += " (in " + fromFleet + ")"
	}
	return kind.ProblemAt(self, d, f.code, field, f.hint, "%s", message)
}
