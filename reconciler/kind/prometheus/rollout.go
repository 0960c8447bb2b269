package prometheus

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/kind"
)

// rolloutFields are a rollout as it is written.
type rolloutFields struct {
	Waves []struct {
		Clusters fleet.ClusterSelection `json:"clusters"`
		Share    string                 `json:"share"`
	} `json:"waves"`
	Soak    string `json:"soak"`
	Windows []struct {
		Days     []string `json:"days"`
		From     string   `json:"from"`
		Until    string   `json:"until"`
		Timezone string   `json:"timezone"`
	} `json:"windows"`
	Gates []struct {
		Query string `json:"query"`
		Why   string `json:"why"`
		API   string `json:"api"`
	} `json:"gates"`
	MaxFailures int    `json:"maxFailures"`
	Resume      string `json:"resume"` // counts by being changed
}

var weekdays = []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}

// rollout is what is written as planning takes it; nil for none.
func (f *rolloutFields) rollout(source kind.Source, api string) (*fleet.Rollout, []fleet.Problem) {
	if f == nil {
		return nil, nil
	}
	var problems []fleet.Problem
	report := func(field, hint, format string, args ...any) {
		problems = append(problems, source.Problem(self, codeValue, "rollout."+field, hint, format, args...))
	}
	r := &fleet.Rollout{MaxFailures: f.MaxFailures}
	for i, w := range f.Waves {
		share, err := fleet.ParseShare(w.Share)
		named := len(w.Clusters.Names)+len(w.Clusters.Labels) > 0
		if named == (w.Share != "") || w.Share != "" && (err != nil || !share.Percent || share.Number == 0) {
			report(fmt.Sprintf("waves[%d]", i), `for example {share: "25%"}`, "a wave is either clusters or a share of them")
		}
		r.Waves = append(r.Waves, fleet.Wave{Clusters: w.Clusters, Share: share.Number})
	}
	for i, g := range f.Gates {
		if g.API == "" && api == "" {
			report(fmt.Sprintf("gates[%d]", i), "declare api, here or for the whole declaration", "nobody is named whom to ask")
		}
	}
	if f.Soak != "" {
		soak, err := duration(f.Soak)
		if err != nil || soak > 90*24*time.Hour {
			report("soak", "", "soak %q is no time of up to 90 days", f.Soak)
		}
		r.Soak = soak
	}
	for i, w := range f.Windows {
		field := fmt.Sprintf("windows[%d]", i)
		window := fleet.Window{From: minutes(w.From), Until: minutes(w.Until), Timezone: w.Timezone}
		if window.From < 0 || window.Until <= window.From {
			report(field+".until", "write two windows for a night", "the window ends (%s) before it begins (%s)", w.Until, w.From)
		}
		if _, err := time.LoadLocation(w.Timezone); err != nil || w.Timezone == "Local" {
			report(field+".timezone", `for example "Europe/London"`, "unknown time zone %q", w.Timezone)
		}
		for j, day := range w.Days {
			n := slices.Index(weekdays, day)
			if n < 0 {
				report(fmt.Sprintf("%s.days[%d]", field, j), fleet.DidYouMean(day, weekdays), "day is one of %q, not %q", weekdays, day)
			}
			window.Days = append(window.Days, time.Weekday(max(0, n)))
		}
		r.Windows = append(r.Windows, window)
	}
	return r, problems
}

// minutes are those of the day at a time such as "09:30"; -1 for no time.
func minutes(text string) int {
	hours, rest, _ := strings.Cut(text, ":")
	h, err := strconv.Atoi(hours)
	m, err2 := strconv.Atoi(rest)
	if err != nil || err2 != nil || h < 0 || m < 0 || m > 59 || h*60+m > 24*60 {
		return -1
	}
	return h*60 + m
}

// lagging is how many seconds a queue may be behind before a change that restarts
// it waits: what is behind would be lost.
const lagging = 30

// queueGates are open while every queue is up to date. What a queue has seen (since
// 3.7) stands still while it is full, so that what came in for all of them counts as
// well, as long as something waits in it.
var queueGates = []fleet.Gate{
	{Why: "it does not scrape its own metrics, so nobody knows whether its queues are behind", Query: fleet.Query{
		Expr: `absent(prometheus_remote_storage_shards)`,
	}},
	{Why: "the queue {remote_name} is {value} s behind", Query: fleet.Query{
		Expr: fmt.Sprintf(
			`max by (remote_name) ((prometheus_remote_storage_queue_highest_timestamp_seconds - prometheus_remote_storage_queue_highest_sent_timestamp_seconds > %[1]d)`+
				` or ((prometheus_remote_storage_highest_timestamp_in_seconds - ignoring (remote_name, url) group_right ()`+
				` prometheus_remote_storage_queue_highest_sent_timestamp_seconds > %[1]d) and prometheus_remote_storage_samples_pending > 0))`, lagging),
	}},
	{Why: "the queue {remote_name} has dropped samples in the last 5 minutes", Query: fleet.Query{
		Expr: `sum by (remote_name) (increase(prometheus_remote_storage_samples_dropped_total{reason!="dropped_series"}[5m])) > 0`,
	}},
	{Why: "the queue {remote_name} has had to send again in the last 5 minutes", Query: fleet.Query{
		Expr: `sum by (remote_name) (increase(prometheus_remote_storage_samples_retried_total[5m])) > 0`,
	}},
}

// agentGates are those of an agent, which keeps no history to be asked for.
var agentGates = []fleet.Gate{{Why: "the queue {remote_name} is {value} s behind", Query: fleet.Query{Behind: lagging}}}

// gates are those of a change on a cluster, of what stands there.
func (s *Spec) gates(name fleet.ClusterName, costs []kind.Cost, standing any) []fleet.Gate {
	var all []fleet.Gate
	add := func(g fleet.Gate, api string) {
		g.Query.URL = strings.ReplaceAll(api, "{cluster}", string(name))
		all = append(all, g)
	}
	touches := func(c kind.Cost) bool { return c.Class != kind.Reload && c.Class != kind.Starts }
	if s.API != "" && s.dialect().queues(standing) && slices.ContainsFunc(costs, touches) {
		gates := queueGates
		if s.Role == roleAgent {
			gates = agentGates
		}
		for _, g := range gates {
			add(g, s.API)
		}
	}
	if s.Rollout != nil {
		for _, g := range s.Rollout.Gates {
			add(fleet.Gate{Query: fleet.Query{Expr: g.Query}, Why: g.Why}, cmp.Or(g.API, s.API))
		}
	}
	return all
}
