package prometheus

import (
	"math"
	"slices"
	"time"

	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/kind"
)

// facts are what a declaration sets on its clusters, for policies: amounts as
// numbers, and defaults of Prometheus filled in. policies/README.md lists them.
func facts(d *fleet.Declaration, config *fleet.Config) []kind.Facts {
	if d.Kept == "" {
		return nil
	}
	s, err := parse(d.ID.Name, []byte(d.Kept))
	if err != nil {
		return nil
	}
	var all []kind.Facts
	s.eachLayered(config, func(_ fleet.ClusterName, l layered) {
		if settings, err := l.settings(); err == nil {
			all = append(all, kind.Facts{Values: settings.facts(l), Field: func(setting string) (field, note string) {
				if field = l.field(setting); field == "" {
					return "", "in " + fromFleet
				}
				return field, ""
			}})
		}
	})
	return all
}

func (s *settings) facts(l layered) map[string]any {
	out := map[string]any{
		"version": s.Version, "replicas": s.Replicas, "shards": max(1, s.Shards), "gogcOff": s.gogcOff(),
		"externalLabels": s.ExternalLabels, "memory": int64(0), "memoryLimitPercent": 0, "blocks": nil,
	}
	if memory, err := amount(s.Resources.Memory, kubernetesUnits); err == nil {
		out["memory"] = int64(memory)
		if _, limit, err := s.memoryLimit(); s.Runtime.MemoryLimit != "" && err == nil && memory > 0 {
			out["memoryLimitPercent"] = int(math.Ceil(100*limit/memory - 0.1)) // but for what rounding leaves
		}
	}
	seconds := func(text string) int64 {
		d, err := duration(text)
		if err != nil {
			return 0
		}
		return int64(d.Seconds())
	}
	out["retention"] = seconds(s.Retention.Time)
	if most := time.Duration(seconds(s.Blocks.MaxDuration)) * time.Second; most > 0 {
		least := time.Duration(seconds(s.Blocks.MinDuration)) * time.Second
		if least == 0 {
			least = defaultMinBlock
		}
		out["blocks"] = map[string]any{
			"max": inWords(most), "seconds": int64(most.Seconds()), "longest": inWords(nearest(most, least)),
			"even": power(most, least), "retention": seconds(s.Retention.Time),
		}
	}
	queues := []map[string]any{}
	for _, name := range sortedKeys(s.RemoteWrite) {
		w := s.RemoteWrite[name]
		if w == nil {
			continue
		}
		least, most := w.shards()
		capacity, send := w.sizes()
		sized, at := "", remoteWritePrefix+name+"."
		if w.Capacity+w.MaxSamplesPerSend > 0 {
			sized = l.nearer(at+"capacity", at+"maxSamplesPerSend")
		}
		queues = append(queues, map[string]any{
			"name": name, "url": w.URL, "minShards": least, "maxShards": most, "capacity": capacity, "maxSamplesPerSend": send,
			"sized": sized, "http2": w.HTTP2, "sampleAgeLimit": seconds(w.SampleAgeLimit),
		})
	}
	out["remoteWrite"] = queues
	return out
}

// eachLayered gives the layers of the clusters that a declaration is about: once of
// those that the same overrides are for, and where there is no cluster, those for all.
func (s *Spec) eachLayered(config *fleet.Config, do func(fleet.ClusterName, layered)) (found bool) {
	seen := []string{}
	for _, name := range clusters(config) {
		c := config.Clusters[name].Cluster
		if _, ok := s.Clusters.Selects(name, c); !ok {
			continue
		}
		if key := s.overridden(name, c); !slices.Contains(seen, key) {
			seen = append(seen, key)
			do(name, s.layers(config, name, c))
		}
	}
	if len(seen) == 0 {
		do("", s.layers(config, "", nil))
	}
	return len(seen) > 0
}
