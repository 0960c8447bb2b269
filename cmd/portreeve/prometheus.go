package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/portreeve/portreeve/cmd/internal/members"
	"github.com/portreeve/portreeve/reconciler/advice"
	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/kind"
	"github.com/portreeve/portreeve/reconciler/metrics"
	"github.com/portreeve/portreeve/reconciler/rollout"
	"github.com/portreeve/portreeve/reconciler/store"
)

func prometheusCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "prometheus",
		Short: "Show what declared Prometheuses run with, how they fare, and what they should",
		Long:  `Prometheus asks the Prometheuses that are declared. "portreeve adopt prometheus" declares those that are there.`,
		Example: `  portreeve prometheus show k8s
  portreeve prometheus advise k8s --cluster eu-1 --since 7d
  portreeve prometheus compare k8s --cluster eu-1`,
	}
	cmd.AddCommand(prometheusShowCommand(), prometheusAdviseCommand(), prometheusCompareCommand())
	return cmd
}

// observed is what the commands have in common.
type observed struct {
	asking
	config, cluster, api, format string
}

func (o *observed) flags(cmd *cobra.Command) {
	o.asking.flags(cmd)
	cmd.Flags().StringVar(&o.config, "config", ".", "the config repo: `PATH` or URL")
	cmd.Flags().StringVar(&o.cluster, "cluster", "", "only the one on this cluster, by its `NAME`")
	cmd.Flags().StringVar(&o.api, "api", "", "`URL` of its API, in place of the declared one; {cluster} stands for the cluster")
	outputFlag(cmd, &o.format, "table", "json")
	cmd.Args = func(_ *cobra.Command, args []string) error {
		if len(args) != 1 {
			return usagef("%s takes the name of one declaration, as in: portreeve prometheus %s k8s", cmd.Name(), cmd.Name())
		}
		return nil
	}
}

// placed is a Prometheus on a cluster.
type placed struct {
	cluster fleet.ClusterName
	kind.Settings
}

// placed are those of a declaration.
func (o *observed) placed(ctx context.Context, name string) ([]placed, error) {
	config, err := o.declared(ctx, o.config)
	if config == nil {
		return nil, outside(err)
	}
	k, _ := members.Kinds().Find("prometheus")
	d := config.Declaration(fleet.ID{Kind: k.Name, Name: name})
	if d == nil {
		var known []string
		for _, other := range config.Declarations {
			if other.ID.Kind == k.Name {
				known = append(known, other.ID.Name)
			}
		}
		return nil, usagef("no prometheus %q is declared%s", name, hinted(fleet.DidYouMean(name, known)))
	}
	if len(d.Frozen) > 0 {
		return nil, &exitError{exitProblems, fmt.Errorf("%s", d.Frozen[0].String())}
	}
	var all []placed
	var names []string
	for _, candidate := range k.Targets(d, config, nil) {
		names = append(names, string(candidate.Cluster))
		if o.cluster != "" && string(candidate.Cluster) != o.cluster {
			continue
		}
		settings, err := k.Settings(d, config, candidate.Cluster)
		if err != nil {
			return nil, &exitError{exitProblems, err}
		}
		settings.Forgets = settings.Forgets && o.api == ""
		settings.API = cmp.Or(strings.ReplaceAll(o.api, "{cluster}", string(candidate.Cluster)), settings.API)
		all = append(all, placed{candidate.Cluster, settings})
	}
	if len(all) == 0 {
		return nil, usagef("%s runs on no such cluster%s", d.ID, hinted(fleet.DidYouMean(o.cluster, names)))
	}
	return all, nil
}

func hinted(hint string) string {
	if hint == "" {
		return ""
	}
	return "; " + hint
}

func prometheusShowCommand() *cobra.Command {
	var o observed
	cmd := &cobra.Command{
		Use:   "show NAME",
		Short: "Show what is declared, what stands in the file, and what runs, side by side",
		Long: `Show draws each setting of a declared Prometheus on each of its clusters: what is
declared, and by which layer; what stands in its file; and with what it runs, as
its own API says. A setting of which the three are not one is marked. What a
Prometheus does not say of itself (replicas, resources, volumes) has no third.`,
		Example: `  portreeve prometheus show k8s
  portreeve prometheus show k8s --cluster eu-1 --config https://github.com/acme/config`,
		RunE: func(cmd *cobra.Command, args []string) error {
			all, err := o.placed(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			pass, err := o.pass(cmd.Context(), o.config)
			if err != nil {
				return err
			}
			var shown []shownPrometheus
			for _, p := range all {
				shown = append(shown, show(cmd.Context(), args[0], p, pass))
			}
			if o.format == "json" {
				return printJSON(cmd.OutOrStdout(), shown)
			}
			for i := range shown {
				shown[i].print(cmd.OutOrStdout())
			}
			return nil
		},
	}
	o.flags(cmd)
	return cmd
}

// shownPrometheus is a Prometheus on a cluster with its settings.
type shownPrometheus struct {
	Name     string            `json:"name"`
	Cluster  fleet.ClusterName `json:"cluster"`
	State    string            `json:"state"`
	Reason   string            `json:"reason"`
	Unasked  string            `json:"unasked,omitempty"` // why it was not asked what it runs with
	Settings []shownSetting    `json:"settings"`
}

// shownSetting is a setting: InFile and Runs are empty for none, and nil where
// they are not known.
type shownSetting struct {
	kind.Setting
	InFile  *string `json:"inFile"`
	Runs    *string `json:"runs"`
	Differs bool    `json:"differs"`
}

// isOf reports whether an outcome is that of a Prometheus on a cluster.
func isOf(o *rollout.Outcome, name string, on fleet.ClusterName) bool {
	return o.Declaration.Kind == "prometheus" && o.Declaration.Name == name && (string(o.Lane) == string(on) || o.Target.Cluster == on)
}

func show(ctx context.Context, name string, p placed, pass *store.Pass) shownPrometheus {
	s := shownPrometheus{Name: name, Cluster: p.cluster, State: "unknown", Settings: []shownSetting{}}
	inFile := map[string]string{}
	known := false
	for _, o := range pass.Plan.Outcomes {
		if isOf(&o, name, p.cluster) {
			s.State, s.Reason, known = string(o.State), o.Reason, true
			for _, c := range o.Costs {
				inFile[c.Field] = c.From
			}
		}
	}
	var runs map[string]string
	if p.API == "" {
		s.Unasked = "its api is not declared"
	} else {
		running, err := (&metrics.Client{}).Running(ctx, p.API)
		if err == nil {
			k, _ := members.Kinds().Find("prometheus")
			runs, err = k.Effective(running)
		}
		if err != nil {
			s.Unasked = p.API + " can't be asked: " + err.Error()
		}
	}
	for _, setting := range p.All {
		row := shownSetting{Setting: setting}
		if known {
			value, differs := inFile[setting.Name]
			if !differs {
				value = setting.Value
			}
			row.InFile, row.Differs = &value, differs
		}
		if value, said := runs[setting.Name]; said {
			row.Runs = &value
			row.Differs = row.Differs || value != setting.Value
		}
		s.Settings = append(s.Settings, row)
	}
	return s
}

func (s *shownPrometheus) print(w io.Writer) {
	fmt.Fprintln(w, safe(fmt.Sprintf("prometheus/%s (%s)  %s  %s", s.Name, s.Cluster, strings.ToUpper(s.State), s.Reason)))
	if s.Unasked != "" {
		fmt.Fprintln(w, safe("  what it runs with is not known: "+s.Unasked))
	}
	t := table{indent: "  "}
	t.add("", "setting", "declared", "by", "in its file", "runs with")
	or := func(v *string) string {
		switch {
		case v == nil:
			return "-"
		case *v == "":
			return "none"
		}
		return *v
	}
	for _, row := range s.Settings {
		mark := ""
		if row.Differs {
			mark = "≠"
		}
		t.add(mark, row.Name, row.Value, row.From, or(row.InFile), or(row.Runs))
	}
	t.print(w)
}

func prometheusAdviseCommand() *cobra.Command {
	var o observed
	var since string
	var write bool
	plan := advice.Plan{Outage: 30 * time.Minute, CatchUp: time.Hour}
	cmd := &cobra.Command{
		Use:   "advise NAME",
		Short: "Say what its own history says that its queues, memory and shards should be",
		Long: `Advise asks a Prometheus for the history of its remote-write queues, and says how
many shards each needs: so many as are busy at the 99th percentile, and more, so
that what an outage of the receiver leaves is caught up in time. And it asks for the
heap that is live after each collection, and says which memory limit of Go is sound,
and how much memory, or how many scrape shards, that heap needs. It shows the
evidence, and refuses where that says too little: less than three days, more than
1% of the samples sent again, shards that were all busy, or a process that was
restarted more than once a day.

With --write it is written into the declaration, in the folder that --config names,
comments kept: into its settings where it runs on one cluster, else into an override
for the cluster. More memory, or more scrape shards, are not: which of the two is
yours to say.`,
		Example: `  portreeve prometheus advise k8s --since 7d
  portreeve prometheus advise k8s --cluster eu-1 --write
  portreeve prometheus advise k8s --cluster eu-1 --api http://127.0.0.1:9090 --outage 1h --catch-up 2h`,
		RunE: func(cmd *cobra.Command, args []string) error {
			span, err := days(since)
			switch {
			case err != nil:
				return err
			case plan.Outage < 0 || plan.CatchUp <= 0:
				return usagef("--outage and --catch-up are times such as 30m")
			case write && isURL(o.config):
				return usagef("--write writes into a folder, not into %s", o.config)
			}
			all, err := o.placed(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			var advised []advisedPrometheus
			for _, p := range all {
				one, err := advise(cmd.Context(), args[0], p, span, plan)
				if err != nil {
					return err
				}
				advised = append(advised, one)
			}
			if o.format == "json" {
				if err := printJSON(cmd.OutOrStdout(), advised); err != nil || !write {
					return err
				}
				return o.write(cmd, args[0], all, advised)
			}
			for i := range advised {
				advised[i].print(cmd.OutOrStdout())
			}
			if !write {
				return nil
			}
			return o.write(cmd, args[0], all, advised)
		},
	}
	o.flags(cmd)
	cmd.Flags().BoolVar(&write, "write", false, "write it into the declaration")
	cmd.Flags().StringVar(&since, "since", "7d", "the `TIME` of history to look at, in days (7d) or hours (36h)")
	cmd.Flags().DurationVar(&plan.Outage, "outage", plan.Outage, "the `TIME` of an outage of the receiver that is to be caught up")
	cmd.Flags().DurationVar(&plan.CatchUp, "catch-up", plan.CatchUp, "in which `TIME`")
	return cmd
}

// days reads a time of whole days or hours.
func days(text string) (time.Duration, error) {
	digits, unit := text[:max(0, len(text)-1)], time.Hour
	switch {
	case strings.HasSuffix(text, "d"):
		unit = 24 * time.Hour
	case !strings.HasSuffix(text, "h"):
		digits = ""
	}
	n := 0
	if _, err := fmt.Sscanf(digits, "%d", &n); err != nil || n < 1 || n > 10_000 || fmt.Sprint(n) != digits {
		return 0, usagef("--since takes days or hours, such as 7d or 36h, not %q", text)
	}
	return time.Duration(n) * unit, nil
}

// advisedPrometheus is what a Prometheus and its queues should be.
type advisedPrometheus struct {
	Name    string            `json:"name"`
	Cluster fleet.ClusterName `json:"cluster"`
	Queues  []advice.Queue    `json:"queues"`
	Process advice.Process    `json:"process"`
	sizing  advice.Sizing
}

// historyWait is how long a question over days may take.
const historyWait = 2 * time.Minute

func advise(ctx context.Context, name string, p placed, since time.Duration, plan advice.Plan) (advisedPrometheus, error) {
	out := advisedPrometheus{Name: name, Cluster: p.cluster, Queues: []advice.Queue{}}
	if p.API == "" {
		return out, usagef("prometheus/%s declares no api: declare it, or name it with --api", name)
	}
	if p.Forgets {
		return out, forgets(name)
	}
	found, err := history(ctx, p.API, advice.Questions(since))
	if err != nil {
		return out, err
	}
	for _, queue := range slices.Sorted(maps.Keys(found)) {
		out.Queues = append(out.Queues, advice.For(queue, found[queue], plan))
	}
	if found, err = history(ctx, p.API, advice.ProcessQuestions(since)); err != nil {
		return out, err
	}
	out.sizing = advice.Sizing{Memory: p.Memory, GOGCOff: p.GOGCOff, Shards: max(1, p.Shards)}
	out.Process = advice.ForProcess(found[""], out.sizing)
	return out, nil
}

// forgets says that one can't be asked about the past.
func forgets(name string) error {
	return usagef("prometheus/%s is an agent, which keeps no history: name with --api a Prometheus that scrapes it", name)
}

// history asks a Prometheus questions about a time.
func history(ctx context.Context, api string, questions []advice.Question) (map[string]advice.Evidence, error) {
	client := &metrics.Client{Wait: historyWait}
	found := map[string]advice.Evidence{}
	for _, q := range questions {
		samples, err := client.Ask(ctx, fleet.Query{URL: api, Expr: q.Expr})
		if err != nil {
			return nil, outside(fmt.Errorf("%s: ask for %s: %w", api, q.Name, err))
		}
		advice.Collect(found, q.Name, samples)
	}
	return found, nil
}

func (a *advisedPrometheus) print(w io.Writer) {
	fmt.Fprintln(w, safe(fmt.Sprintf("prometheus/%s (%s)", a.Name, a.Cluster)))
	if len(a.Queues) == 0 {
		fmt.Fprintln(w, "  it has no history of remote-write queues: does it scrape its own metrics?")
	}
	for _, q := range a.Queues {
		t := table{indent: "  "}
		if q.Refused != "" {
			t.add(q.Name, "no advice: "+q.Refused)
		} else {
			t.add(q.Name, fmt.Sprintf("minShards: %d, maxShards: %d, capacity: %d · about %d MiB · confidence %s",
				q.MinShards, q.MaxShards, q.Capacity, q.Memory>>20, q.Confidence))
		}
		for _, e := range q.Evidence {
			t.add("", e)
		}
		t.print(w)
	}
	t := table{indent: "  "}
	t.add("process", a.process())
	for _, e := range a.Process.Evidence {
		t.add("", e)
	}
	t.print(w)
}

// process is what the process should be, on one line.
func (a *advisedPrometheus) process() string {
	p := &a.Process
	if p.Refused != "" {
		return "no advice: " + p.Refused
	}
	needs := "the memory that is declared is enough"
	if memory := fmt.Sprintf("%gGi", float64(p.Memory)/(1<<30)); p.Shards > a.sizing.Shards {
		needs = fmt.Sprintf("resources.memory: %s, or shards: %d", memory, p.Shards)
	}
	return fmt.Sprintf("runtime.memoryLimit: %s, %s · confidence %s", p.MemoryLimit, needs, p.Confidence)
}
