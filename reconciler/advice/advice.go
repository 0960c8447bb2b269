// Package advice is what the history of a Prometheus says that its settings
// should be: pure, from numbers with their evidence, and refused where they say
// too little. The sources of its rules are what Prometheus does in its
// remote-write queues, and what was learned at scale.
package advice

import (
	"fmt"
	"math"
	"time"

	"github.com/portreeve/portreeve/reconciler/fleet"
)

// Question is one number of each queue, as a query gives it.
type Question struct {
	Name string
	Expr string
}

// Questions are what has to be known of the queues of a Prometheus over a time.
// Each gives one value for each queue, by its label remote_name.
func Questions(since time.Duration) []Question {
	span := fmt.Sprintf("%dh", int(since.Hours()))
	const p = "prometheus_remote_storage_"
	return []Question{
		{"days", fmt.Sprintf(`max by (remote_name) (count_over_time(%sshards[%s:1h])) / 24`, p, span)},
		{"busy", fmt.Sprintf(`quantile_over_time(0.99, max by (remote_name) (rate(%ssent_batch_duration_seconds_sum[5m]))[%s:5m])`, p, span)},
		{"rate", fmt.Sprintf(`quantile_over_time(0.99, max by (remote_name) (rate(%ssamples_total[5m]))[%s:5m])`, p, span)},
		{"latency", fmt.Sprintf(`histogram_quantile(0.95, sum by (remote_name, le) (rate(%ssent_batch_duration_seconds_bucket[%s])))`, p, span)},
		{"reshards", fmt.Sprintf(`max by (remote_name) (changes(%sshards[%s]))`, p, span)},
		{"retried", fmt.Sprintf(`sum by (remote_name) (increase(%[1]ssamples_retried_total[%[2]s])) / sum by (remote_name) (increase(%[1]ssamples_total[%[2]s]))`, p, span)},
		{"shardsMax", fmt.Sprintf(`max by (remote_name) (%sshards_max)`, p)},
		{"shardsMin", fmt.Sprintf(`max by (remote_name) (%sshards_min)`, p)},
		{"capacity", fmt.Sprintf(`max by (remote_name) (%sshard_capacity)`, p)},
		{"send", fmt.Sprintf(`max by (remote_name) (%smax_samples_per_send)`, p)},
	}
}

// Evidence is what was found of one queue, by the questions' names; what is
// missing was not answered.
type Evidence map[string]float64

// Collect puts answers together by queue.
func Collect(into map[string]Evidence, name string, samples []fleet.Sample) {
	for _, s := range samples {
		queue := s.Labels["remote_name"]
		if into[queue] == nil {
			into[queue] = Evidence{}
		}
		if !math.IsNaN(s.Value) && !math.IsInf(s.Value, 0) {
			into[queue][name] = s.Value
		}
	}
}

// Plan is for what the queue is to be made.
type Plan struct {
	Outage  time.Duration // of the receiver, that is to be caught up
	CatchUp time.Duration // in so long
}

// Queue is what one queue should be set to.
type Queue struct {
	Name      string `json:"name"`
	MinShards int    `json:"minShards,omitempty"`
	MaxShards int    `json:"maxShards,omitempty"`
	Capacity  int    `json:"capacity,omitempty"`
	// Memory is about what the queue takes then, in bytes.
	Memory int64 `json:"memory,omitempty"`
	// Refused says why nothing is advised.
	Refused    string     `json:"refused,omitempty"`
	Confidence Confidence `json:"confidence,omitempty"`
	Evidence   []string   `json:"evidence"`
}

// Confidence is how far the evidence goes.
type Confidence string

// High is of a week and more without trouble.
const (
	High   Confidence = "high"
	Medium Confidence = "medium"
)

// Bounds of what evidence may be.
const (
	leastDays    = 3
	fullDays     = 6.9
	mostRetried  = 0.01
	saturated    = 0.9  // of the shards that there may be
	flapping     = 10.0 // reshards a day
	sampleBytes  = 88
	leastShards  = 2
	headroom     = 1.3
	rateHeadroom = 1.5
)

// For is the advice for a queue. Busy shards are the seconds that requests take in
// each second: so many shards work at a time. What an outage leaves is caught up
// by the others.
func For(name string, e Evidence, p Plan) Queue {
	q := Queue{Name: name}
	for _, need := range []string{"days", "busy", "rate", "latency", "reshards", "shardsMax", "send", "capacity"} {
		if _, ok := e[need]; !ok {
			q.Refused = "it has no history of " + need
			return q
		}
	}
	q.note("%.1f days of history", e["days"])
	q.note("%.2f shards busy at the 99th percentile, of at most %.0f", e["busy"], e["shardsMax"])
	q.note("%.0f samples a second at the 99th percentile, %.0f ms for a request at the 95th", e["rate"], 1000*e["latency"])
	perDay := e["reshards"] / e["days"]
	q.note("resharded %.1f times a day, %.2f%% of the samples sent again", perDay, 100*e["retried"])
	switch {
	case e["days"] < leastDays:
		q.Refused = fmt.Sprintf("%.1f days of history are fewer than %d", e["days"], leastDays)
		return q
	case e["retried"] > mostRetried:
		q.Refused = fmt.Sprintf("%.1f%% of the samples were sent again: what it would need with a receiver that works is not known", 100*e["retried"])
		return q
	case e["busy"] >= saturated*e["shardsMax"]:
		q.Refused = fmt.Sprintf("%.1f of %.0f shards were busy: what it would need is cut off there; raise maxShards and look again", e["busy"], e["shardsMax"])
		return q
	}
	factor := math.Max(headroom, 1+p.Outage.Seconds()/p.CatchUp.Seconds())
	n := max(leastShards, ceil(e["busy"]*factor))
	if e["latency"] > 0 {
		n = max(n, ceil(rateHeadroom*e["rate"]*e["latency"]/e["send"]))
	}
	q.MaxShards, q.MinShards = n, max(1, min(n, ceil(headroom*e["busy"])))
	if perDay > flapping {
		q.MinShards = n
		q.note("so many reshards lose what they restart: the number is fixed")
	}
	q.Capacity = int(e["capacity"])
	if send := int(e["send"]); q.Capacity < 3*send || q.Capacity > 10*send || q.Capacity%send != 0 {
		q.Capacity = 5 * send
		q.note("a capacity of %.0f holds %.1f requests; 5 are sound", e["capacity"], e["capacity"]/e["send"])
	}
	q.Memory = int64(float64(n) * (float64(q.Capacity)/e["send"] + 2) * e["send"] * sampleBytes)
	if q.Confidence = High; e["days"] < fullDays || e["retried"] > mostRetried/10 {
		q.Confidence = Medium
	}
	return q
}

// ceil is the least whole number that is not under x, but for what numbers of a
// machine leave over.
func ceil(x float64) int { return int(math.Ceil(x - 1e-9)) }

func (q *Queue) note(format string, args ...any) {
	q.Evidence = append(q.Evidence, fmt.Sprintf(format, args...))
}
