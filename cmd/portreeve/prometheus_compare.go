package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/portreeve/portreeve/reconciler/advice"
	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/metrics"
	"github.com/portreeve/portreeve/reconciler/store"
)

// Times of a comparison.
const (
	settling  = 10 * time.Minute // after a change, that counts for neither side
	leastSpan = time.Hour
)

func prometheusCompareCommand() *cobra.Command {
	var o observed
	var at string
	var span time.Duration
	cmd := &cobra.Command{
		Use:   "compare NAME",
		Short: "Say how a Prometheus fared before and after its last change, by its own history",
		Long: `Compare asks a Prometheus for its own history before and after a change: how long
its write-ahead log takes to sync, and a compaction; what its blocks take on disk, and
how full its volume is, by the kubelet or by what is declared of it; what the garbage collection scans, and whether Go had to bound it; restarts, and
kills for its memory, where kube-state-metrics is scraped; how far its remote-write
queues were behind, and how often they were resharded. What is worse by more than a
quarter, and more than harms nobody, is marked.

The change is the last that came to its cluster: a merge, or a write. Of both sides
it takes the same time, at most --span, and of the first 10 minutes after the change
nothing. It ends with status 1 where something is worse.`,
		Example: `  portreeve prometheus compare k8s
  portreeve prometheus compare k8s --cluster eu-1 --at 2026-11-20T12:00:00Z --span 48h`,
		RunE: func(cmd *cobra.Command, args []string) error {
			change := time.Time{}
			if at != "" {
				var err error
				if change, err = time.Parse(time.RFC3339, at); err != nil {
					return usagef("--at takes a time such as 2026-11-20T12:00:00Z, not %q", at)
				}
			}
			if span < leastSpan {
				return usagef("--span takes a time of at least %s, not %s", leastSpan, span)
			}
			all, err := o.placed(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			pass := &store.Pass{}
			if change.IsZero() {
				if pass, err = o.pass(cmd.Context(), o.config); err != nil {
					return err
				}
			}
			var compared []comparedPrometheus
			worse := false
			for _, p := range all {
				one, err := compare(cmd.Context(), args[0], p, pass, change, span, time.Now())
				if err != nil {
					return err
				}
				compared = append(compared, one)
				worse = worse || one.Worse > 0
			}
			if o.format == "json" {
				err = printJSON(cmd.OutOrStdout(), compared)
			} else {
				for i := range compared {
					compared[i].print(cmd.OutOrStdout())
				}
			}
			if err == nil && worse {
				return &exitError{exitProblems, errors.New("something is worse than it was before the change")}
			}
			return err
		},
	}
	o.flags(cmd)
	cmd.Flags().StringVar(&at, "at", "", "the `TIME` of the change, as in 2026-11-20T12:00:00Z; by default that of the last")
	cmd.Flags().DurationVar(&span, "span", 24*time.Hour, "the longest `TIME` before it, and after it, to look at")
	return cmd
}

// comparedPrometheus is how a Prometheus on a cluster fared.
type comparedPrometheus struct {
	Name     string            `json:"name"`
	Cluster  fleet.ClusterName `json:"cluster"`
	At       time.Time         `json:"at,omitzero"` // of the change
	Span     string            `json:"span,omitempty"`
	Refused  string            `json:"refused,omitempty"` // why nothing is compared
	Measures []advice.Fared    `json:"measures"`
	Worse    int               `json:"worse"`
}

func compare(ctx context.Context, name string, p placed, pass *store.Pass, at time.Time, span time.Duration, now time.Time) (comparedPrometheus, error) {
	out := comparedPrometheus{Name: name, Cluster: p.cluster, At: at, Measures: []advice.Fared{}}
	if p.API == "" {
		return out, usagef("prometheus/%s declares no api: declare it, or name it with --api", name)
	}
	if p.Forgets {
		return out, forgets(name)
	}
	if out.At.IsZero() && pass.Plan != nil {
		for _, o := range pass.Plan.Outcomes {
			if isOf(&o, name, p.cluster) {
				out.At = o.Landed
			}
		}
	}
	if out.At.IsZero() {
		out.Refused = "no change of it is known; name its time with --at"
		return out, nil
	}
	after := now.Sub(out.At.Add(settling)).Truncate(time.Minute)
	if span = min(span, after); span < leastSpan {
		out.Refused = fmt.Sprintf("it was changed at %s, and %s after that there is too little to compare", out.At.UTC().Format("2 January 15:04 UTC"), settling+leastSpan)
		return out, nil
	}
	out.Span = span.String()
	client := &metrics.Client{Wait: historyWait}
	for _, m := range advice.Measures(span, p.Volume) {
		var sides [2][]fleet.Sample
		for i, end := range []time.Time{out.At, out.At.Add(settling + span)} {
			samples, err := client.Ask(ctx, fleet.Query{URL: p.API, Expr: m.Expr, At: end})
			if err != nil {
				return out, outside(fmt.Errorf("%s: ask for %s: %w", p.API, m.Name, err))
			}
			sides[i] = samples
		}
		for _, f := range advice.Compare(m, sides[0], sides[1]) {
			out.Measures = append(out.Measures, f)
			if f.Verdict == advice.Worse {
				out.Worse++
			}
		}
	}
	if len(out.Measures) == 0 {
		out.Refused = "it has no history of both sides of the change: does it scrape its own metrics?"
	}
	return out, nil
}

func (c *comparedPrometheus) print(w io.Writer) {
	head := fmt.Sprintf("prometheus/%s (%s)", c.Name, c.Cluster)
	if c.Refused != "" {
		fmt.Fprintln(w, safe(head+"  nothing to compare: "+c.Refused))
		return
	}
	held := "it held"
	if c.Worse > 0 {
		held = strings.ToUpper(count(c.Worse, "measure") + " worse")
	}
	fmt.Fprintln(w, safe(fmt.Sprintf("%s  changed %s, %s before and after  %s", head, c.At.UTC().Format("2 January 15:04 UTC"), c.Span, held)))
	t := table{indent: "  "}
	t.add("", "before", "after", "")
	for _, f := range c.Measures {
		what := f.Measure
		if f.Queue != "" {
			what += " (" + f.Queue + ")"
		}
		t.add(what, amountOf(f.Before, f.Unit), amountOf(f.After, f.Unit), string(f.Verdict))
	}
	t.print(w)
}

// amountOf is a value with its unit.
func amountOf(value float64, unit advice.Unit) string {
	switch unit {
	case advice.Bytes, advice.Rate:
		return fmt.Sprintf("%.1f %s", value/(1<<20), unit)
	case advice.Percent:
		return fmt.Sprintf("%.0f%%", value)
	case advice.Times:
		return fmt.Sprint(math.Round(value))
	}
	return fmt.Sprintf("%.3g %s", value, unit)
}
