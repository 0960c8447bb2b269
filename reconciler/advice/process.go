package advice

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// ProcessQuestions are what has to be known of the processes of a Prometheus over a
// time. Each gives one value, the highest of all replicas and shards. Others that it
// scrapes are processes of Go as well: only those with Prometheus's build count.
func ProcessQuestions(since time.Duration) []Question {
	span := fmt.Sprintf("%dh", int(since.Hours()))
	const own = ` and on (job, instance) prometheus_build_info`
	return []Question{
		{"days", fmt.Sprintf(`max(count_over_time((go_gc_heap_live_bytes%s)[%s:1h])) / 24`, own, span)},
		{"live", fmt.Sprintf(`max(quantile_over_time(0.99, (go_gc_heap_live_bytes%s)[%s:5m]))`, own, span)},
		{"restarts", fmt.Sprintf(`max(changes(process_start_time_seconds[%s])%s)`, span, own)},
		{"series", fmt.Sprintf(`max(quantile_over_time(0.99, prometheus_tsdb_head_series[%s:5m]))`, span)},
	}
}

// Sizing is how a Prometheus is declared.
type Sizing struct {
	Memory  float64 // of its container, in bytes; 0 for not declared
	GOGCOff bool
	Shards  int // of scraping
}

// Limit is Go's memory limit by an advice, in bytes of whole MiB.
func (s Sizing) Limit(p Process) int64 {
	percent, err := strconv.Atoi(strings.TrimSuffix(p.MemoryLimit, "%"))
	if err != nil {
		return 0
	}
	return int64(s.Memory*float64(percent)/100/(1<<20)) << 20
}

// Process is how large a Prometheus should be.
type Process struct {
	// MemoryLimit is Go's, as a share of the container's memory: "90%".
	MemoryLimit string `json:"memoryLimit,omitempty"`
	// Memory is the least that the container needs with the shards that are declared,
	// in bytes, and Shards how many are needed with the memory that is declared: one
	// of the two is to be changed, if either is more than declared.
	Memory     int64      `json:"memory,omitempty"`
	Shards     int        `json:"shards,omitempty"`
	Refused    string     `json:"refused,omitempty"`
	Confidence Confidence `json:"confidence,omitempty"`
	Evidence   []string   `json:"evidence"`
}

// Bounds of a process. A heap that is live for the most part of the limit is
// collected again and again without gaining room.
const (
	limitShare    = 0.9
	limitShareOff = 0.8 // with gogc off, where the heap always grows up to it
	liveShare     = 0.7 // of the limit
	killed        = 1.0 // restarts a day
)

// ForProcess is the advice for the processes of a Prometheus: from the heap that
// is live after a collection, which is what it needs at least, however it collects.
// Fewer shards are never advised: what they have kept would go.
func ForProcess(e Evidence, s Sizing) Process {
	p := Process{Evidence: []string{}}
	for _, need := range []string{"days", "live", "restarts"} {
		if _, ok := e[need]; !ok {
			p.Refused = "it has no history of " + map[string]string{"days": "its heap", "live": "its heap", "restarts": "its restarts"}[need]
			return p
		}
	}
	perDay := e["restarts"] / e["days"]
	p.note("%.1f days of history, %.1f restarts a day", e["days"], perDay)
	p.note("%.0f MiB of heap live at the 99th percentile", e["live"]/(1<<20))
	if series, ok := e["series"]; ok && series > 0 {
		p.note("%.0f series in memory, %.1f KiB of heap for each", series, e["live"]/series/1024)
	}
	switch {
	case e["days"] < leastDays:
		p.Refused = fmt.Sprintf("%.1f days of history are fewer than %d", e["days"], leastDays)
		return p
	case perDay > killed:
		p.Refused = fmt.Sprintf("it was restarted %.1f times a day: if it was killed for its memory, what it would need is cut off there", perDay)
		return p
	case s.Memory == 0:
		p.Refused = "resources.memory is not declared, so there is nothing to hold its heap against"
		return p
	}
	share := limitShare
	if s.GOGCOff {
		share = limitShareOff
	}
	shards := max(1, s.Shards)
	p.MemoryLimit = fmt.Sprintf("%.0f%%", 100*share)
	const unit = 1 << 28 // a quarter of a GiB
	p.Memory = int64(ceil(e["live"]/liveShare/share/unit)) * unit
	p.Shards = max(shards, ceil(float64(shards)*e["live"]/(liveShare*share*s.Memory)))
	p.note("live is %.0f%% of Go's limit of %s of %.0f MiB; up to %.0f%% is sound", 100*e["live"]/(share*s.Memory), p.MemoryLimit, s.Memory/(1<<20), 100*liveShare)
	if multiple := (p.Shards + shards - 1) / shards * shards; p.Shards > shards && multiple != p.Shards {
		p.note("%d shards, a multiple, move %.0f%% of the targets, and %d move %.0f%%", multiple, 100*moved(shards, multiple), p.Shards, 100*moved(shards, p.Shards))
	}
	if p.Confidence = High; e["days"] < fullDays || e["restarts"] > 0 {
		p.Confidence = Medium
	}
	return p
}

// moved is the share of the targets that go to another shard.
func moved(from, to int) float64 {
	a, b := from, to
	for b != 0 {
		a, b = b, a%b
	}
	return 1 - math.Min(float64(from), float64(to))/float64(from*to/a)
}

func (p *Process) note(format string, args ...any) {
	p.Evidence = append(p.Evidence, fmt.Sprintf(format, args...))
}
