package prometheus

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// finding is what a rule has against settings.
type finding struct {
	code    string
	at      string // the setting
	message string
	hint    string
}

// Codes of findings.
const (
	codeValue   = "bad-value"
	codeMissing = "missing-field"
	codeTooNew  = "too-new" // the version does not know it
)

// judge holds the settings for one cluster against what is known to go wrong.
type judge struct {
	*settings
	layers   layered
	agent    bool
	host     bool
	findings []finding
}

func (j *judge) find(code, at, hint, format string, args ...any) {
	j.findings = append(j.findings, finding{code, at, fmt.Sprintf(format, args...), hint})
}

func (j *judge) fail(at, hint, format string, args ...any) {
	j.find(codeValue, at, hint, format, args...)
}

// rules are what is wrong with layered settings: what can't work, or loses data.
// What is only known to harm are policies (policies/settings.cue).
func rules(l layered, s *settings, d dialect) []finding {
	j := &judge{settings: s, layers: l, agent: d.agent, host: d.host}
	j.versions()
	j.names()
	j.goRuntime()
	j.remoteWrites()
	j.tsdb()
	return j.findings
}

// versions holds each setting against the version that is to run.
func (j *judge) versions() {
	if j.Version == "" {
		j.find(codeMissing, "version", `for example version: "3.5.0", here or in fleet.prometheus`, "no version is declared, so it is not known what it understands")
	}
	for _, at := range slices.Sorted(maps.Keys(j.layers)) {
		m, _, ok := mappingOf(at)
		switch {
		case !ok:
			j.fail(at, "", "unknown setting %s", at)
		case j.host && slices.Contains(onHosts, at):
			j.fail(at, "remove it", "without an operator nothing is done for %s", at)
		case j.agent && m.server:
			j.fail(at, `remove it, or declare role: "server"`, "an agent keeps no blocks, so %s is nothing to it", at)
		case m.since != "" && j.Version != "" && older(j.Version, m.since) && !(m.setting == "remoteWrite.*.protocol" && j.layers[at].value == "1.0"):
			j.find(codeTooNew, at, "remove it, or declare a newer version", "%s is there since Prometheus %s, and the version here is %s", at, strings.TrimSuffix(m.since, ".0"), j.Version)
		}
	}
}

// older reports whether a version is before another.
func older(version, than string) bool {
	a, b := numbers(version), numbers(than)
	return slices.Compare(a, b) < 0
}

func numbers(version string) []int {
	version, _, _ = strings.Cut(version, "-")
	var all []int
	for part := range strings.SplitSeq(version, ".") {
		n, _ := strconv.Atoi(part) // the schema has passed it
		all = append(all, n)
	}
	return all
}

func (j *judge) names() {
	for _, name := range slices.Sorted(maps.Keys(j.ExternalLabels)) {
		if !labelName.MatchString(name) {
			j.fail("externalLabels."+name, "", "%q is no name of a label", name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(j.RemoteWrite)) {
		if !queueName.MatchString(name) {
			j.fail(remoteWritePrefix+name, "", `found name %q, expected at most 63 letters, digits, "-" and "_"`, name)
		}
	}
}

func (j *judge) goRuntime() {
	memory, memoryErr := amount(j.Resources.Memory, kubernetesUnits)
	if j.gogcOff() && (j.Runtime.MemoryLimit == "" || memoryErr != nil) {
		j.fail("runtime.gogc", `declare resources.memory and runtime.memoryLimit: "80%"`, "with gogc off nothing is collected until a memory limit is near, and there is none")
	}
	if j.Runtime.MemoryLimit == "" {
		return
	}
	_, limit, err := j.memoryLimit()
	if err != nil {
		j.fail("runtime.memoryLimit", `for example "80%" beside resources.memory: "16Gi", or "12GiB"`, "%s", err)
		return
	}
	if memoryErr != nil {
		return
	}
	if share := limit / memory; share > 0.95 {
		j.fail("runtime.memoryLimit", "", "Go's memory limit is %.0f%% of what the container may use, at most 95%% can be sound: the container is killed before the garbage is collected", 100*share)
	}
}

func (j *judge) remoteWrites() {
	var total float64
	for _, name := range slices.Sorted(maps.Keys(j.RemoteWrite)) {
		w := j.RemoteWrite[name]
		if w == nil {
			j.find(codeMissing, remoteWritePrefix+name, "", "remote write %s says nothing", name)
			continue
		}
		j.remoteWrite(remoteWritePrefix+name+".", name, w)
		total += w.queueBytes()
	}
	memory, err := amount(j.Resources.Memory, kubernetesUnits)
	if err == nil && total > memory/10 {
		j.fail("remoteWrite", "fewer shards, or a smaller capacity", "the queues can take %.0f MiB, more than a tenth of the memory (%s)", total/(1<<20), j.Resources.Memory)
	}
}

func (j *judge) remoteWrite(at, name string, w *remoteWrite) {
	if w.URL == "" {
		j.find(codeMissing, at+"url", "", "remote write %s has no url", name)
	}
	if strings.HasPrefix(w.URL, "http://") && (w.BearerToken != nil || w.BasicAuth != nil) {
		j.fail(at+"url", "use https", "remote write %s would send its credentials in the clear", name)
	}
	least, most := w.shards()
	if least > most {
		j.fail(j.layers.nearer(at+"maxShards", at+"minShards"), "", "minShards (%d) is over maxShards (%d)", least, most)
	}
	lower, lowErr := duration(w.MinBackoff)
	upper, upErr := duration(w.MaxBackoff)
	if lowErr == nil && upErr == nil && lower > upper {
		j.fail(j.layers.nearer(at+"minBackoff", at+"maxBackoff"), "", "minBackoff (%s) is over maxBackoff (%s)", w.MinBackoff, w.MaxBackoff)
	}
}

func (j *judge) tsdb() {
	if size, err := strconv.Atoi(strings.TrimSuffix(j.WAL.SegmentSize, "MB")); err == nil && (size < 10 || size > 256) {
		j.fail("wal.segmentSize", "", "found %s, expected 10MB to 256MB", j.WAL.SegmentSize)
	}
	least, most := defaultMinBlock, time.Duration(0)
	for _, d := range []struct {
		at, text string
		into     *time.Duration
	}{
		{"blocks.minDuration", j.Blocks.MinDuration, &least},
		{"blocks.maxDuration", j.Blocks.MaxDuration, &most},
		{"retention.time", j.Retention.Time, new(time.Duration)},
	} {
		if d.text == "" {
			continue
		}
		value, err := duration(d.text)
		if err != nil || value == 0 {
			j.fail(d.at, "", "%q is no time that blocks can have", d.text)
			return
		}
		*d.into = value
	}
	if most > 0 && least > most {
		j.fail("blocks.maxDuration", "", "blocks of at least %s can't be of at most %s", inWords(least), inWords(most))
	}
	size, sizeErr := amount(j.Retention.Size, prometheusUnits)
	volume, volumeErr := amount(j.Volume, kubernetesUnits)
	if sizeErr == nil && volumeErr == nil && size > 0.85*volume {
		j.fail(j.layers.nearer("retention.size", "volume"), "", "a retention of %s is %.0f%% of the volume (%s), and at most 85%% leaves room for the write-ahead log and for compaction", j.Retention.Size, 100*size/volume, j.Volume)
	}
}

// power reports whether d is base times a power of three.
func power(d, base time.Duration) bool {
	for ; d > base; d /= 3 {
		if d%3 != 0 {
			return false
		}
	}
	return d == base
}

// nearest is the longest time of a block that is not over d.
func nearest(d, base time.Duration) time.Duration {
	for base*3 <= d {
		base *= 3
	}
	return base
}

// inWords is a duration as Prometheus reads it.
func inWords(d time.Duration) string {
	for _, u := range []struct {
		unit time.Duration
		name string
	}{{24 * time.Hour, "d"}, {time.Hour, "h"}, {time.Minute, "m"}, {time.Second, "s"}} {
		if d >= u.unit && d%u.unit == 0 {
			return fmt.Sprint(int64(d/u.unit)) + u.name
		}
	}
	return fmt.Sprint(d.Milliseconds()) + "ms"
}
