package main

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/report"
	"github.com/portreeve/portreeve/reconciler/rollout"
	"github.com/portreeve/portreeve/reconciler/store"
)

func whyCommand() *cobra.Command {
	var a asking
	var format, config string
	cmd := &cobra.Command{
		Use:   "why TARGET",
		Short: "Say what state one repo or cluster is in, why, and what happens next",
		Long: `Why answers for one repo, or one cluster, and for every declaration: what state
it is in, why, and what happens next or who has to act. It always answers, also for what is
left out. What waits for a limit has a place in its queue: "next" says when its
turn comes under the limits as they are, if nothing comes before it that is not
there yet, or how many of its team's pull requests have to end first.`,
		Example: `  portreeve why acme/ledger --url http://127.0.0.1:8080
  portreeve why acme/ledger --config https://github.com/acme/config
  portreeve why eu-1`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usagef("why takes one target, as in: portreeve why acme/ledger")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			pass, err := a.pass(cmd.Context(), config)
			if err != nil {
				return err
			}
			found := outcomesOf(pass, args[0])
			if len(found) == 0 {
				return noTarget(pass, args[0])
			}
			if format == "json" {
				return printJSON(cmd.OutOrStdout(), found)
			}
			printWhy(cmd.OutOrStdout(), args[0], pass, found)
			return nil
		},
	}
	a.flags(cmd)
	cmd.Flags().StringVar(&config, "config", ".", "the config repo: `PATH` or URL")
	outputFlag(cmd, &format, "table", "json")
	return cmd
}

// outcomesOf are a target's outcomes, and of declarations that are too broken
// to tell their targets.
func outcomesOf(pass *store.Pass, target string) []rollout.Outcome {
	var found, unsure []rollout.Outcome
	for _, o := range pass.Plan.Outcomes {
		switch name := o.Target.String(); {
		case strings.EqualFold(name, target), o.Lane != "" && strings.EqualFold(string(o.Lane), target):
			found = append(found, o)
		case name == "" && o.State == rollout.Frozen:
			o.Reason = "it may be about this repo; " + o.Reason
			unsure = append(unsure, o)
		}
	}
	if found == nil {
		return nil
	}
	return append(found, unsure...)
}

// noTarget says that nothing is known of a target.
func noTarget(pass *store.Pass, target string) error {
	var names []string
	for _, o := range pass.Plan.Outcomes {
		names = append(names, o.Target.String())
		if o.Lane != "" {
			names = append(names, string(o.Lane))
		}
	}
	err := fmt.Errorf("%s is no target: no declaration names it, and the forge lists no such repo in the fleet", target)
	near := target
	for _, name := range names {
		if strings.HasSuffix(strings.ToLower(name), "/"+strings.ToLower(target)) {
			near = name // its owner was left out
			break
		}
	}
	hint := fleet.DidYouMean(target, names)
	if near != target {
		hint = fmt.Sprintf("did you mean %q?", near)
	}
	if hint != "" {
		err = fmt.Errorf("%w; %s", err, hint)
	}
	return &exitError{exitUsage, err}
}

// printWhy prints one target's outcomes.
func printWhy(w io.Writer, target string, pass *store.Pass, outcomes []rollout.Outcome) {
	head := target
	for _, o := range outcomes {
		if o.Declaration.Kind == "ownership" && o.Target.Cluster == "" && o.Decides != "" { // a cluster has namespaces of many
			head += " · owner " + string(o.Decides)
			break
		}
	}
	fmt.Fprintln(w, safe(head))
	if pass.Plan.Halted != "" {
		fmt.Fprintf(w, "nothing is written: %s\n", pass.Plan.Halted)
	}
	printWaits(w, pass)
	if made := pass.Plan.Import; made != nil && slices.ContainsFunc(outcomes, func(o rollout.Outcome) bool { return o.Pos.File == fleet.ImportFile }) {
		fmt.Fprintln(w, safe(made.Line(pass.Finished)))
	}
	for i := range pass.Plan.Stale {
		s := &pass.Plan.Stale[i]
		about := s.Kind == fleet.SettingsKind || s.Kind == fleet.TeamKind &&
			slices.ContainsFunc(outcomes, func(o rollout.Outcome) bool { return string(o.Decides) == s.Name })
		if about {
			fmt.Fprintln(w, safe(fmt.Sprintf("%s  STALE, %s: %s", s.What(), s.How(), s.Why())))
		}
	}
	for i := range outcomes {
		printOutcome(w, target, &outcomes[i])
	}
}

// printOutcome prints one outcome. Of a declaration that is invalid it says
// first that, and then what is so all the same.
func printOutcome(w io.Writer, target string, o *rollout.Outcome) {
	line := declaration(o) + "  " + strings.ToUpper(string(o.State))
	t := table{indent: "  "}
	if name := o.Target.String(); name != "" && !strings.EqualFold(name, target) {
		t.add("in", name) // of a cluster its repo
	}
	next := o.Next
	switch s := o.Stale; {
	case s == nil:
		t.add("why", o.Reason)
	case s.Held:
		line = declaration(o) + "  STALE, " + s.How() + "  " + strings.ToUpper(string(o.State))
		t.add("why", s.Why())
		t.add("now", o.Reason)
		if next == "" {
			next = "nothing to do here"
		}
		next = "fix the config repo; " + next
	default:
		line += ", " + s.How()
		t.add("why", o.Reason)
	}
	if o.Pull != nil {
		line += fmt.Sprintf("  #%d %s", o.Pull.Number, o.Pull.URL)
	}
	fmt.Fprintln(w, safe(line))
	if o.Because != "" {
		t.add("here", o.Because)
	}
	for _, what := range o.What {
		t.add("what", what)
	}
	if o.Effect != nil {
		for _, line := range report.Effect(o.Effect) {
			t.add("what", line)
		}
	}
	if next != "" {
		t.add("next", next)
	}
	if o.Pos.File != "" {
		where := o.Pos.String()
		if o.Revision != "" {
			where += " at " + o.Revision.Short()
		}
		t.add("from", where)
	}
	t.print(w)
}
