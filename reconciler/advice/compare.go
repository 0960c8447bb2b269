package advice

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/portreeve/portreeve/reconciler/fleet"
)

// Measure is a number that tells how a Prometheus fares: less is better.
type Measure struct {
	Name string
	Unit Unit
	// Expr is the query of it, over a time up to that at which it is asked. It gives
	// one value, or one for each queue, by its label remote_name.
	Expr string
	// Floor is up to where it harms nobody, however much it has grown.
	Floor float64
	// Told says that more of it is told and is no harm by itself.
	Told bool
}

// Unit is what a measure is counted in.
type Unit string

// Units of measures.
const (
	Seconds Unit = "s"
	Bytes   Unit = "MiB"
	Rate    Unit = "MiB/s"
	Times   Unit = "times"
	Percent Unit = "%"
)

// Measures are what a change of settings can make worse, over a time. What a
// Prometheus has no history of is left out. What Go's garbage collection costs in
// processor time it does not say itself: the bytes that it scans stand for it. How
// full its volume is the kubelet says; where nobody scrapes that, the blocks are held
// against volume, which is declared, in bytes, or 0. A compaction needs as much of it
// free as the blocks take that it makes one of.
func Measures(span time.Duration, volume float64) []Measure {
	over := fmt.Sprintf("%dm", int(span.Minutes()))
	of := func(expr string) string { return strings.ReplaceAll(expr, "SPAN", over) }
	const own = ` and on (job, instance) prometheus_build_info`
	const remote = "prometheus_remote_storage_"
	claim := func(what string) string {
		return `label_replace(kubelet_volume_stats_` + what + `_bytes{persistentvolumeclaim=~"prom.+-db-.+"}, "pod", "$1", "persistentvolumeclaim", ".+-db-(.+)")`
	}
	full := of(`max(max_over_time((100 * (1 - ` + claim("available") + ` / ` + claim("capacity") + `) and on (namespace, pod) prometheus_build_info{pod!=""})[SPAN:5m]))`)
	if volume > 0 {
		full += of(fmt.Sprintf(` or max(max_over_time(prometheus_tsdb_storage_blocks_bytes[SPAN])) / %g`, volume/100))
	}
	return []Measure{
		{"write-ahead log, a sync", Seconds, of(`max(increase(prometheus_tsdb_wal_fsync_duration_seconds_sum[SPAN]) / increase(prometheus_tsdb_wal_fsync_duration_seconds_count[SPAN]))`), 0.05, false},
		{"compaction, each", Seconds, of(`max(increase(prometheus_tsdb_compaction_duration_seconds_sum[SPAN]) / increase(prometheus_tsdb_compaction_duration_seconds_count[SPAN]))`), 10, false},
		{"blocks on disk", Bytes, of(`max(max_over_time(prometheus_tsdb_storage_blocks_bytes[SPAN]))`), 0, true},
		{"volume in use, at most", Percent, full, 80, false},
		{"garbage collection scans", Rate, of(`max(avg_over_time((rate(go_gc_cycles_total_gc_cycles_total[5m]) * go_gc_scan_total_bytes` + own + `)[SPAN:1m]))`), 100 << 20, false},
		{"collections that Go had to bound", Times, of(`max(changes(go_gc_limiter_last_enabled_gc_cycle[SPAN])` + own + `)`), 0, false},
		{"restarts", Times, of(`max(changes(process_start_time_seconds[SPAN])` + own + `)`), 1, false}, // one may be the change itself
		{"killed for its memory", Times, of(`sum(max_over_time(kube_pod_container_status_last_terminated_reason{reason="OOMKilled", container="prometheus"}[SPAN]))`), 0, false},
		{"behind, at most", Seconds, of(`max by (remote_name) (max_over_time((` + remote + `queue_highest_timestamp_seconds - ` + remote + `queue_highest_sent_timestamp_seconds)[SPAN:1m]))` +
			` or max by (remote_name) (max_over_time((` + remote + `highest_timestamp_in_seconds - ignoring (remote_name, url) group_right () ` + remote + `queue_highest_sent_timestamp_seconds)[SPAN:1m]))`), 30, false},
		{"resharded", Times, of(`max by (remote_name) (changes(` + remote + `shards[SPAN]))`), 1, false},
		{"samples dropped", Times, of(`sum by (remote_name) (increase(` + remote + `samples_dropped_total{reason!="dropped_series"}[SPAN]))`), 0, false},
	}
}

// Fared is a measure before and after a change.
type Fared struct {
	Measure string  `json:"measure"`
	Queue   string  `json:"queue,omitempty"`
	Unit    Unit    `json:"unit"`
	Before  float64 `json:"before"`
	After   float64 `json:"after"`
	// Verdict is "worse", "better", or empty for neither.
	Verdict Verdict `json:"verdict,omitempty"`
}

// Verdict is what a change did to a measure.
type Verdict string

// Verdicts.
const (
	Worse  Verdict = "worse"
	Better Verdict = "better"
)

// noticeable is by how much a measure has to grow, or to shrink, to be told apart
// from what it does by itself; a share, by how many points.
const (
	noticeable       = 1.25
	noticeablePoints = 5
)

// Compare holds a measure before a change against the one after it, queue by queue.
// Where there is none of both there is nothing to compare.
func Compare(m Measure, before, after []fleet.Sample) []Fared {
	was := map[string]Evidence{}
	Collect(was, "before", before)
	Collect(was, "after", after)
	var all []Fared
	for queue, e := range was {
		from, known := e["before"]
		to, knownNow := e["after"]
		if !known || !knownNow {
			continue
		}
		f := Fared{Measure: m.Name, Queue: queue, Unit: m.Unit, Before: from, After: to}
		more := func(a, b float64) bool {
			if m.Unit == Percent {
				return a > m.Floor && a > b+noticeablePoints
			}
			return a > m.Floor && a > noticeable*b
		}
		switch {
		case m.Told:
		case more(to, from):
			f.Verdict = Worse
		case more(from, to):
			f.Verdict = Better
		}
		all = append(all, f)
	}
	slices.SortFunc(all, func(a, b Fared) int { return strings.Compare(a.Queue, b.Queue) })
	return all
}
