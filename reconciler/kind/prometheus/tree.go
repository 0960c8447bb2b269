package prometheus

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"
)

// step is a part of a path: a key, and where it leads to a list the name of the
// element.
type step struct{ key, name string }

var stepForm = regexp.MustCompile(`([^.\[]+)(?:\[name=([^\]]*)\])?\.?`)

// steps reads a path, "remoteWrite[name=mimir].queueConfig.maxShards".
func steps(at string) []step {
	var all []step
	for _, m := range stepForm.FindAllStringSubmatch(at, -1) {
		all = append(all, step{m[1], m[2]})
	}
	return all
}

// valueAt is what stands at a path, or as a flag or a variable.
func valueAt(tree any, at string) (any, bool) {
	if outside(at) {
		m, _ := tree.(map[string]any)
		v, ok := m[at]
		return v, ok
	}
	for _, s := range steps(at) {
		m, ok := tree.(map[string]any)
		if !ok {
			return nil, false
		}
		if tree, ok = m[s.key]; !ok {
			return nil, false
		}
		if s.name != "" {
			if tree, ok = named(tree, s.name); !ok {
				return nil, false
			}
		}
	}
	return tree, tree != nil
}

func named(list any, name string) (any, bool) {
	items, _ := list.([]any)
	for _, item := range items {
		if m, ok := item.(map[string]any); ok && m["name"] == name {
			return m, true
		}
	}
	return nil, false
}

// namesAt are the names that stand in the place of a path's "*"; one that is
// empty where it has none.
func namesAt(tree any, at string) []string {
	before, _, wild := strings.Cut(at, "*")
	if !wild {
		return []string{""}
	}
	before, list := strings.CutSuffix(before, "[name=")
	value, _ := valueAt(tree, strings.TrimSuffix(before, "."))
	if !list {
		m, _ := value.(map[string]any)
		return slices.Sorted(maps.Keys(m))
	}
	var names []string
	items, _ := value.([]any)
	for _, item := range items {
		m, _ := item.(map[string]any)
		if name, ok := m["name"].(string); ok && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

// setAt puts a value at a path, and makes what is missing above it.
func setAt(tree map[string]any, at string, value any) {
	all := steps(at)
	for i, s := range all {
		last := i == len(all)-1
		if s.name != "" {
			items, _ := tree[s.key].([]any)
			item, ok := named(items, s.name)
			if !ok {
				item = map[string]any{"name": s.name}
				tree[s.key] = append(items, item)
			}
			tree = item.(map[string]any)
			continue
		}
		if last {
			tree[s.key] = value
			return
		}
		below, ok := tree[s.key].(map[string]any)
		if !ok {
			below = map[string]any{}
			tree[s.key] = below
		}
		tree = below
	}
}

// outside reports whether a place is a flag or a variable, and in no file of YAML.
func outside(at string) bool { return strings.HasPrefix(at, "--") || strings.HasPrefix(at, "$") }

// documents are what a YAML file holds, in the types of JSON.
func documents(text []byte) ([]any, error) {
	loader, err := yaml.NewLoader(bytes.NewReader(text))
	if err != nil {
		return nil, err
	}
	var all []any
	for {
		node := new(yaml.Node)
		err := loader.Load(node)
		if errors.Is(err, io.EOF) {
			return all, nil
		}
		if err != nil {
			return nil, fmt.Errorf("it is not valid YAML: %s", strings.TrimPrefix(err.Error(), "yaml: "))
		}
		budget := 200_000 // aliases can stand for very much
		v, err := plain(node, &budget)
		if err != nil {
			return nil, err
		}
		all = append(all, v)
	}
}

// plain is a node's value.
func plain(n *yaml.Node, budget *int) (any, error) {
	if *budget--; *budget < 0 {
		return nil, errors.New("it is too large")
	}
	switch n.Kind {
	case yaml.DocumentNode:
		if len(n.Content) == 0 {
			return nil, nil
		}
		return plain(n.Content[0], budget)
	case yaml.AliasNode:
		return plain(n.Alias, budget)
	case yaml.MappingNode:
		m := map[string]any{}
		for i := 0; i+1 < len(n.Content); i += 2 {
			v, err := plain(n.Content[i+1], budget)
			if err != nil {
				return nil, err
			}
			m[n.Content[i].Value] = v
		}
		return m, nil
	case yaml.SequenceNode:
		list := make([]any, 0, len(n.Content))
		for _, c := range n.Content {
			v, err := plain(c, budget)
			if err != nil {
				return nil, err
			}
			list = append(list, v)
		}
		return list, nil
	}
	switch n.ShortTag() {
	case "!!null":
		return nil, nil
	case "!!bool":
		return strings.EqualFold(n.Value, "true"), nil
	case "!!int", "!!float":
		var number json.Number
		if json.Unmarshal([]byte(n.Value), &number) == nil {
			return number, nil
		}
	}
	return n.Value, nil
}
