package prometheus

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/portreeve/portreeve/reconciler/kind"
)

// change is one setting that a file has otherwise than declared.
type change struct {
	setting  string
	from, to string // as they would be declared; empty for none
	cost     kind.Cost
}

// changes are what would change, the dearest first. Of a file that is written
// whole what is not declared goes.
func changes(before map[string]place, after []place, s *Spec) []change {
	wanted := map[string]place{}
	for _, p := range after {
		if wanted[p.setting].at == "" { // the first of its places
			wanted[p.setting] = p
		}
	}
	names := slices.Collect(maps.Keys(wanted))
	if s.Format == formatWhole {
		for name := range before {
			if _, ok := wanted[name]; !ok {
				names = append(names, name)
			}
		}
	}
	var all []change
	for _, name := range names {
		c := change{setting: name}
		was, had := before[name]
		is, has := wanted[name]
		if had {
			c.from = was.declared
		}
		if has {
			c.to = is.declared
		}
		if had == has && c.from == c.to {
			continue
		}
		if c.cost = costOf(c, before, wanted); s.Format == formatHost && c.cost.Class == kind.PodRestart {
			c.cost.Why, c.cost.Alone = "somebody has to restart it", false
		}
		all = append(all, c)
	}
	slices.SortFunc(all, func(a, b change) int {
		return cmp.Or(cmp.Compare(dearness(a), dearness(b)), strings.Compare(a.setting, b.setting))
	})
	return all
}

func dearness(c change) int { return slices.Index(kind.Classes, c.cost.Class) }

// costOf is what a change does to what runs.
func costOf(c change, before, after map[string]place) kind.Cost {
	cost := kind.Cost{Field: c.setting, From: c.from, To: c.to, Class: kind.PodRestart}
	m, name, ok := mappingOf(c.setting)
	if ok {
		cost.Class = m.class
	}
	switch {
	case strings.HasPrefix(c.setting, remoteWritePrefix):
		queue := remoteWritePrefix + name + ".url"
		if _, had := before[queue]; !had {
			cost.Class, cost.Why = kind.Starts, "a new queue"
		} else if _, has := after[queue]; !has {
			cost.Why = "the queue ends, and what waits in it is lost"
		} else {
			cost.Why = "what waits in it is lost"
		}
	case strings.HasPrefix(c.setting, "externalLabels."):
		cost.Why = "of all queues, and what waits in them is lost; all series are others from then on"
	case c.setting == "shards":
		shards(&cost, c, after)
	case c.setting == "replicas":
		from, to := number(c.from), number(c.to)
		if to > from {
			cost.Class, cost.Why = kind.Starts, fmt.Sprintf("%d more of each shard", to-from)
		} else {
			cost.Why = fmt.Sprintf("%d of each shard go", from-to)
		}
	case c.setting == "retention.time":
		from, fromErr := duration(c.from)
		to, toErr := duration(c.to)
		if fromErr == nil && toErr == nil && to < from {
			cost.Class, cost.Why = kind.DataAtRisk, "older samples are deleted"
		}
	case c.setting == "retention.size":
		from, fromErr := amount(c.from, prometheusUnits)
		to, toErr := amount(c.to, prometheusUnits)
		if toErr == nil && (fromErr != nil || to < from) {
			cost.Class, cost.Why = kind.DataAtRisk, "the oldest samples are deleted where there are more"
		}
	}
	if cost.Class == kind.PodRestart {
		cost.Alone = number(replicasOf(before)) == 1
	}
	return cost
}

// shards is what another number of scrape shards does: a target goes to the shard
// that its hash modulo their number names, so that of a to b shards only
// min/lcm of the targets stay.
func shards(cost *kind.Cost, c change, after map[string]place) {
	from, to := max(1, number(c.from)), max(1, number(c.to))
	stay := float64(min(from, to)) / float64(from/gcd(from, to)*to)
	cost.Moves = int(math.Round(100 * (1 - stay)))
	cost.Why = fmt.Sprintf("%d%% of the targets move", cost.Moves)
	if to < from {
		if after["shardRetention"].declared == "retain" {
			cost.Why += "; the shards that go are kept, with their data"
		} else {
			cost.Class = kind.DataAtRisk
			cost.Why += "; what the shards that go have kept can't be asked for any more"
		}
	}
	if from == to {
		cost.Class, cost.Why, cost.Moves = kind.Reload, "as many as there are", 0
	}
}

func gcd(a, b int) int {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

// replicasOf is how many replicas an object has, as it is declared.
func replicasOf(spec map[string]place) string {
	if p, ok := spec["replicas"]; ok {
		return p.declared
	}
	return ""
}

// number is a whole number that is declared; 1 where nothing is.
func number(text string) int {
	n, err := strconv.Atoi(text)
	if err != nil {
		return 1
	}
	return n
}
