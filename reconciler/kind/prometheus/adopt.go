package prometheus

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strconv"
	"strings"

	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/kind"
	"github.com/portreeve/portreeve/reconciler/transform"
)

// adoptFile makes a declaration of a file of a cluster's repo, after which the
// file needs no change: what it says is tried, and what would change something is
// left out.
func (m member) adoptFile(a kind.FileToAdopt) (kind.AdoptedFile, error) {
	cluster := a.Config.Clusters[a.Cluster]
	if cluster == nil {
		return kind.AdoptedFile{}, fmt.Errorf("no cluster %q is declared", a.Cluster)
	}
	below, ok := strings.CutPrefix(string(a.File), string(cluster.Cluster.File(""))+"/")
	applied := cluster.Cluster.Delivery.Apply != nil
	if root := cluster.Cluster.File(""); !ok && root != "" && root != "." {
		return kind.AdoptedFile{}, fmt.Errorf("%s is not below %s, the folder of cluster %s", a.File, root, a.Cluster)
	} else if !ok {
		below = string(a.File)
	}
	text, ok, err := transform.ReadText(a.Tree, a.File)
	switch {
	case applied && errors.Is(err, fs.ErrNotExist):
		return kind.AdoptedFile{}, fmt.Errorf("there is no such object on %s", a.Cluster)
	case err != nil:
		return kind.AdoptedFile{}, err
	case !ok:
		return kind.AdoptedFile{}, fmt.Errorf("%s is too large, or no text", a.File)
	}
	docs, err := documents(text)
	if err != nil {
		return kind.AdoptedFile{}, fmt.Errorf("%s: %w", a.File, err)
	}
	f, spec, err := found(docs, a.Object)
	if err != nil {
		return kind.AdoptedFile{}, fmt.Errorf("%s %w", a.File, err)
	}
	f.Owner, f.Clusters.Names, f.File = cluster.Owner, []fleet.ClusterName{a.Cluster}, below
	f.Why = fmt.Sprintf("So it stood in %s when it was adopted.", path.Base(below))
	if applied { // an object as Portreeve applies it, and in no file
		f.File, f.Format = "", ""
		f.Why = fmt.Sprintf("So it stood on %s when it was adopted.", a.Cluster)
	}
	d := dialect{agent: f.Role == roleAgent, host: f.Format == formatHost}
	if d.host {
		t := target{Spec: &Spec{fields: f}, path: a.File, tree: a.Tree, spec: spec}
		if err := t.readEnvironment(); err != nil {
			return kind.AdoptedFile{}, err
		}
	}
	out := kind.AdoptedFile{Name: adoptedName(f.Name, below)}
	settings := map[string]any{}
	standing := d.standing(spec)
	for _, name := range sortedKeys(standing) {
		if value, why := declarable(d, standing[name]); why != "" {
			out.Left = append(out.Left, name+": "+why)
		} else {
			settings[name] = value
		}
	}
	if a.Version != "" {
		settings["version"] = a.Version
	}
	return m.tried(a, out, f, settings)
}

// objectNamed is the place of an object of a cluster that people name:
// "Prometheus/monitoring/k8s".
func objectNamed(name string) (fleet.Path, error) {
	parts := strings.Split(name, "/")
	if len(parts) == 3 && parts[1] != "" && parts[2] != "" {
		t := target{Spec: &Spec{}}
		switch parts[0] {
		case "PrometheusAgent":
			t.Role = roleAgent
			fallthrough
		case "Prometheus":
			return fleet.ObjectPath(t.apiVersion(), parts[0], parts[1], parts[2]), nil
		}
	}
	return "", fmt.Errorf("found object %q, expected Prometheus/NAMESPACE/NAME or PrometheusAgent/NAMESPACE/NAME", name)
}

// found is the object that documents hold, and its spec.
func found(docs []any, object string) (fields, any, error) {
	for _, doc := range docs {
		kindOf, _ := valueAt(doc, "kind")
		name, _ := valueAt(doc, "metadata.name")
		namespace, _ := valueAt(doc, "metadata.namespace")
		f := fields{Name: fmt.Sprint(name)}
		if ns, ok := namespace.(string); ok && ns != "monitoring" {
			f.Namespace = ns
		}
		switch kindOf {
		case "Prometheus":
			f.Format = formatManifest
		case "PrometheusAgent":
			f.Format, f.Role = formatManifest, roleAgent
		case "HelmRelease":
			f.Format = formatRelease
		case nil:
			f.Name, f.Namespace = "", ""
			if _, ok := valueAt(doc, specAt[formatValues]); ok {
				f.Format = formatValues
			} else if m, ok := doc.(map[string]any); ok && (m["global"] != nil || m["scrape_configs"] != nil || m["remote_write"] != nil) {
				f.Format = formatHost
			}
		}
		spec, ok := valueAt(doc, specAt[f.Format])
		if f.Format != "" && ok && (object == "" || f.Name == object) {
			return f, spec, nil
		}
	}
	if object != "" {
		return fields{}, nil, fmt.Errorf("holds no Prometheus %q", object)
	}
	return fields{}, nil, fmt.Errorf("holds no Prometheus, no PrometheusAgent, no HelmRelease or values with prometheus.prometheusSpec, and no configuration of a Prometheus")
}

// declarable is a setting that stands in a file as it is declared, or why it can't
// be.
func declarable(d dialect, p place) (value any, why string) {
	m, _, ok := mappingOf(p.setting)
	if !ok {
		return nil, "there is no such setting"
	}
	value = d.read(m, p.value)
	switch {
	case d.host && strings.HasSuffix(p.setting, ".secret"):
		return nil, "it stands in a file of the host"
	case strings.HasSuffix(p.setting, ".url") && shown(m, text(p.value)) != text(p.value):
		return nil, "it holds a login, which is never declared"
	case m.setting == "runtime.gogc":
		if fmt.Sprint(value) == "0" {
			return nil, "0 collects all the time"
		}
	case p.setting == "runtime.memoryLimit":
		if _, err := amount(p.declared, goUnits); err != nil {
			return nil, err.Error()
		}
	}
	switch v := value.(type) {
	case string, bool:
		return v, ""
	case json.Number:
		if strings.HasPrefix(m.setting, "resources") || m.setting == "volume" {
			return v.String(), ""
		}
		if _, err := strconv.Atoi(v.String()); err == nil {
			return v, ""
		}
	}
	return nil, "it is no value of a setting"
}

// adoptedName is a name for the declaration.
func adoptedName(object, file string) string {
	name := object
	if name == "" {
		name = strings.TrimSuffix(path.Base(file), path.Ext(file))
	}
	name = strings.Trim(notOfName.Replace(strings.ToLower(name)), "-")
	if len(name) < 2 {
		name = "prometheus"
	}
	return name[:min(len(name), 60)]
}

var notOfName = strings.NewReplacer(".", "-", "_", "-", "--", "-")

// tried is the declaration, without what would change the file.
func (m member) tried(a kind.FileToAdopt, out kind.AdoptedFile, f fields, settings map[string]any) (kind.AdoptedFile, error) {
	const rounds = 5 // each leaves something out
	for range rounds {
		f.Settings = nested(settings)
		data, err := json.Marshal(f)
		if err != nil {
			return out, err
		}
		s, err := parse(out.Name, data)
		if err != nil {
			return out, err
		}
		cluster := a.Config.Clusters[a.Cluster]
		want, err := m.want(&kind.Pass{
			Declaration: &fleet.Declaration{ID: fleet.ID{Kind: self.Name, Name: out.Name}, Spec: s}, Config: a.Config,
			Repo: fleet.Repo{Name: cluster.Cluster.Repo()}, Cluster: cluster, Tree: a.Tree,
		})
		if err != nil {
			return out, err
		}
		// What others have set so is applied all the same, and nothing changes by it.
		if len(want.Edits) == 0 || cluster.Cluster.Delivery.Apply != nil && len(want.Costs) == 0 {
			return filled(out, f), nil
		}
		left := len(settings)
		for _, c := range want.Costs {
			if _, ok := settings[c.Field]; ok && c.Field != "version" {
				delete(settings, c.Field)
				out.Left = append(out.Left, fmt.Sprintf("%s: declared it would be %s, and %s stands there", c.Field, c.To, c.From))
			}
		}
		if len(settings) == left {
			return out, fmt.Errorf("what it says can't be declared so that nothing changes: %s", strings.Join(want.What, "; "))
		}
	}
	return out, fmt.Errorf("what it says can't be declared so that nothing changes")
}

// filled are the fields of the declaration that are not as they are left out.
func filled(out kind.AdoptedFile, f fields) kind.AdoptedFile {
	out.Fields = map[string]any{
		"owner": string(f.Owner), "why": f.Why, "clusters": map[string]any{"names": []any{string(f.Clusters.Names[0])}},
		"settings": f.Settings,
	}
	for name, value := range map[string]string{"file": f.File, "format": f.Format, "role": f.Role, "name": f.Name, "namespace": f.Namespace} {
		if value != "" && !(name == "name" && value == out.Name) {
			out.Fields[name] = value
		}
	}
	return out
}
