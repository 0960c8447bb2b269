package prometheus

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Layers that settings come from, in the words of the config repo.
const (
	fromFleet    = "fleet.prometheus"
	fromSettings = "settings"
)

// leaf is one setting with the layer that it comes from: fromFleet, fromSettings
// or "overrides[0].settings".
type leaf struct {
	value any // a text, a json.Number or a bool
	from  string
}

// layered are settings by their paths, "remoteWrite.mimir.maxShards": values that
// build on one another, of which the nearest won.
type layered map[string]leaf

// field is the path in the declaration of a setting, or of its nearest parent
// that is set by the same layer; of the fleet's settings it is empty.
func (l layered) field(at string) string {
	from := l[at].from
	if from == "" {
		for _, p := range slices.Sorted(maps.Keys(l)) {
			if strings.HasPrefix(p, at+".") && l[p].from != fromFleet {
				return l[p].from + "." + at
			}
		}
		return fromSettings
	}
	if from == fromFleet {
		return ""
	}
	return from + "." + at
}

// nearer is the one of two settings that comes from the nearer layer, of one
// layer the first: it is the one that made the two not fit.
func (l layered) nearer(a, b string) string {
	rank := func(at string) int {
		switch from := l[at].from; from {
		case "":
			return -1
		case fromFleet:
			return 0
		case fromSettings:
			return 1
		default:
			n := 0
			_, _ = fmt.Sscanf(from, "overrides[%d]", &n) // as layers writes it
			return 2 + n
		}
	}
	if rank(b) > rank(a) {
		return b
	}
	return a
}

// rivals are settings of which the nearer takes the place of the other.
var rivals = [][2]string{{"bearerToken", "basicAuth"}, {"basicAuth", "bearerToken"}}

// add lays the settings of a nearer layer over those there are.
func (l layered) add(from string, settings map[string]any) {
	leaves := map[string]any{}
	flatten("", settings, leaves)
	for at := range leaves {
		name, rest, ok := strings.Cut(strings.TrimPrefix(at, remoteWritePrefix), ".")
		if !ok || !strings.HasPrefix(at, remoteWritePrefix) {
			continue
		}
		for _, r := range rivals {
			if strings.HasPrefix(rest, r[0]+".") {
				maps.DeleteFunc(l, func(p string, _ leaf) bool { return strings.HasPrefix(p, remoteWritePrefix+name+"."+r[1]+".") })
			}
		}
	}
	for at, value := range leaves {
		l[at] = leaf{value, from}
	}
}

const remoteWritePrefix = "remoteWrite."

func flatten(at string, value any, into map[string]any) {
	object, ok := value.(map[string]any)
	if !ok {
		into[at] = value
		return
	}
	for name, v := range object {
		below := name
		if at != "" {
			below = at + "." + name
		}
		flatten(below, v, into)
	}
}

// settings are the layered settings as values of their types.
func (l layered) settings() (*settings, error) {
	values := map[string]any{}
	for at, leaf := range l {
		values[at] = leaf.value
	}
	data, err := json.Marshal(nested(values))
	if err != nil {
		return nil, err
	}
	s := &settings{}
	if err := json.Unmarshal(data, s); err != nil {
		return nil, fmt.Errorf("the settings can't be read: %w", err)
	}
	return s, nil
}

// nested are settings by their paths as they are written.
func nested(settings map[string]any) map[string]any {
	tree := map[string]any{}
	for _, at := range sortedKeys(settings) {
		parts := strings.Split(at, ".")
		m := tree
		for _, p := range parts[:len(parts)-1] {
			below, ok := m[p].(map[string]any)
			if !ok {
				below = map[string]any{}
				m[p] = below
			}
			m = below
		}
		m[parts[len(parts)-1]] = settings[at]
	}
	return tree
}
