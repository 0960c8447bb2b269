package prometheus

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/kind"
	"github.com/portreeve/portreeve/reconciler/transform"
)

// Spec is a decoded declaration.
type Spec struct {
	fields
	askAgain time.Time
	rollout  *fleet.Rollout // nil for all at once
}

// Roles, formats and states.
const (
	roleServer = "server"
	roleAgent  = "agent"

	formatWhole    = "whole"
	formatManifest = "manifest"
	formatValues   = "values"
	formatRelease  = "helmRelease"
	formatHost     = "prometheus"

	stateActive = "active"
	statePaused = "paused"
)

// specAt is where the fields of the operator's spec stand in a file of a format;
// of the format of a host they stand at its root.
var specAt = map[string]string{
	formatWhole: "spec", formatManifest: "spec",
	formatValues: "prometheus.prometheusSpec", formatRelease: "spec.values.prometheus.prometheusSpec",
}

// fields are a declaration as it is written.
type fields struct {
	Owner     fleet.TeamName         `json:"owner"`
	Why       string                 `json:"why"`
	Clusters  fleet.ClusterSelection `json:"clusters"`
	Role      string                 `json:"role"`
	Name      string                 `json:"name"`
	Namespace string                 `json:"namespace"`
	File      string                 `json:"file"`
	Format    string                 `json:"format"`
	At        string                 `json:"at"`
	Settings  map[string]any         `json:"settings"`
	Overrides []override             `json:"overrides"`
	Spec      map[string]any         `json:"spec"`
	Labels    []string               `json:"labels"`
	Merge     fleet.MergePolicy      `json:"merge"`
	State     string                 `json:"state"`
	OnDrift   fleet.Drift            `json:"onDrift"`
	AskAgain  string                 `json:"askAgain"`
	API       string                 `json:"api"`
	Rollout   *rolloutFields         `json:"rollout"`
}

type override struct {
	Clusters fleet.ClusterSelection `json:"clusters"`
	Settings map[string]any         `json:"settings"`
}

// effect is what the spec hash covers. What stands in the file counts by
// itself: a change for one cluster is none for another.
type effect struct{ Role, Name, Namespace, File, Format, At string }

var (
	labelName = regexp.MustCompile(`^[a-zA-Z_][a-zA-Z0-9_]*$`)
	queueName = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9_-]{0,61}[A-Za-z0-9])?$`)
)

func decode(source kind.Source) (kind.Decoded, []fleet.Problem) {
	s, err := parse(source.ID.Name, source.JSON)
	if err != nil {
		return kind.Decoded{}, source.FieldProblems(self, "bad-field", "", err)
	}
	d := kind.Decoded{Owner: s.Owner, Refs: []fleet.Ref{{Field: "owner", Team: s.Owner}}}
	again, problems := source.AskAgain(self, s.AskAgain)
	s.askAgain = again
	problems = append(problems, source.CheckMerge(self, s.Merge)...)
	problems = append(problems, s.problems(source)...)
	rollout, wrong := s.Rollout.rollout(source, s.API)
	s.rollout, problems = rollout, append(problems, wrong...)
	if fleet.HasErrors(problems) {
		return d, problems
	}
	d.Kept, d.Spec = string(source.JSON), s
	d.Effect = effect{s.Role, s.Name, s.Namespace, s.File, s.Format, s.At}
	return d, problems
}

// parse reads a declaration and fills in what is left out.
func parse(name string, data []byte) (*Spec, error) {
	s := &Spec{}
	if err := transform.DecodeFields(data, &s.fields); err != nil {
		return nil, err
	}
	dec := json.NewDecoder(bytes.NewReader(data)) // once more, with numbers as they are written
	dec.UseNumber()
	if err := dec.Decode(&s.fields); err != nil {
		return nil, err
	}
	s.Role = cmp.Or(s.Role, roleServer)
	s.Name = cmp.Or(s.Name, name)
	s.Namespace = cmp.Or(s.Namespace, "monitoring")
	s.File = cmp.Or(s.File, path.Join("prometheus", s.Name+".yaml"))
	s.Format = cmp.Or(s.Format, formatWhole)
	s.State = cmp.Or(s.State, stateActive)
	s.OnDrift = cmp.Or(s.OnDrift, fleet.DriftEnforce)
	s.At = cmp.Or(s.At, specAt[s.Format])
	s.Labels = slices.Compact(slices.Sorted(slices.Values(s.Labels)))
	return s, nil
}

// dialect is how the settings are written.
func (s *Spec) dialect() dialect {
	return dialect{agent: s.Role == roleAgent, host: s.Format == formatHost}
}

// problems are what is wrong with the declaration by itself, settings aside.
func (s *Spec) problems(source kind.Source) []fleet.Problem {
	var problems []fleet.Problem
	report := func(code, field, hint, format string, args ...any) {
		problems = append(problems, source.Problem(self, code, field, hint, format, args...))
	}
	for _, f := range []struct{ name, value string }{{"owner", string(s.Owner)}, {"why", s.Why}} {
		if f.value == "" {
			report("missing-field", f.name, "", "%s is required", f.name)
		}
	}
	choice := func(field, value string, of ...string) {
		if !slices.Contains(of, value) {
			report("bad-value", field, fleet.DidYouMean(value, of), "%s is one of %q, not %q", field, of, value)
		}
	}
	choice("role", s.Role, roleServer, roleAgent)
	choice("format", s.Format, formatWhole, formatManifest, formatValues, formatRelease, formatHost)
	choice("onDrift", string(s.OnDrift), string(fleet.DriftEnforce), string(fleet.DriftReport), string(fleet.DriftAdopt))
	choice("state", s.State, stateActive, statePaused)
	if err := transform.CheckPath(s.File); err != nil {
		report("bad-path", "file", "", "file %s", err)
	}
	if s.Format == formatWhole && s.At != "spec" || s.Format == formatHost && s.At != "" {
		report("bad-value", "at", "leave it out", "format %q has its fields in one place", s.Format)
	}
	if s.Format == formatHost && len(s.Spec) > 0 {
		report("bad-value", "spec", "leave it out", "format %q has no object of an operator", s.Format)
	}
	selection := func(field string, c fleet.ClusterSelection) {
		if len(c.Names) == 0 && len(c.Labels) == 0 {
			report("missing-field", field, `for example names: ["eu-1"], or labels: tier: ["prod"]`, "%s selects none", field)
		}
	}
	selection("clusters", s.Clusters)
	for i, o := range s.Overrides {
		selection(fmt.Sprintf("overrides[%d].clusters", i), o.Clusters)
	}
	for _, name := range slices.Sorted(maps.Keys(s.Spec)) {
		for _, m := range mappings {
			if top := steps(m.at[0])[0].key; top == name {
				report("bad-value", "spec."+name, "say it by settings."+m.setting, "%s is what settings are for", name)
				break
			}
		}
	}
	return problems
}

// layers are the settings that hold for a cluster, which may be nil: what holds
// for all.
func (s *Spec) layers(config *fleet.Config, name fleet.ClusterName, c *fleet.Cluster) layered {
	l := layered{}
	l.add(fromFleet, fleetSettings(config))
	l.add(fromSettings, s.Settings)
	for i, o := range s.Overrides {
		if c == nil {
			break
		}
		if _, ok := o.Clusters.Selects(name, c); ok {
			l.add(fmt.Sprintf("overrides[%d].settings", i), o.Settings)
		}
	}
	return l
}

// fleetSettings are those with which every Prometheus begins. The schema has
// passed them.
func fleetSettings(config *fleet.Config) map[string]any {
	var settings map[string]any
	if config.Settings.Prometheus != "" {
		dec := json.NewDecoder(strings.NewReader(config.Settings.Prometheus))
		dec.UseNumber()
		if dec.Decode(&settings) != nil {
			return nil
		}
	}
	return settings
}
