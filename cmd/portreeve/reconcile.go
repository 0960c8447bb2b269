package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/rollout"
	"github.com/portreeve/portreeve/reconciler/store"
)

func reconcileCommand() *cobra.Command {
	var c connection
	var format string
	cmd := &cobra.Command{
		Use:   "reconcile [PATH]",
		Short: "Make one pass: plan, write what the plan says, tell",
		Long: `Reconcile makes one pass over the fleet and ends. PATH is the config repo: a
URL, or a folder whose committed HEAD counts. What is written is bounded by
fleet.mode and fleet.limits; nothing is written in mode observe.`,
		Example: `  portreeve reconcile https://github.com/acme/config
  portreeve reconcile --output json . > pass.json`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			bar := newProgress()
			e, err := newEngine(&c, place(args), true, true, logger(cmd.ErrOrStderr(), false), bar)
			if err != nil {
				return err
			}
			defer e.Close()
			pass := e.Once(cmd.Context())
			bar.clear()
			if format == "json" {
				err = printJSON(cmd.OutOrStdout(), pass)
			} else {
				printPass(cmd.OutOrStdout(), pass)
			}
			if err != nil {
				return err
			}
			return passStatus(pass)
		},
	}
	c.flags(cmd)
	outputFlag(cmd, &format, "table", "json")
	return cmd
}

// passStatus is how a command exits after a pass.
func passStatus(pass *store.Pass) error {
	if pass.Err != "" {
		return &exitError{exitOutside, fmt.Errorf("the pass ended early: %s", pass.Err)}
	}
	for _, d := range pass.Done {
		if d.Err != "" {
			return &exitError{exitOutside, fmt.Errorf("not all steps were taken; the next pass tries again")}
		}
	}
	if fleet.HasErrors(pass.Problems) {
		return &exitError{status: exitProblems}
	}
	if pass.Plan.Unread > 0 {
		return unread(pass.Plan)
	}
	return nil
}

// printPass prints what a pass did, and where it leaves the fleet.
func printPass(w io.Writer, pass *store.Pass) {
	if pass.Plan == nil {
		printProblems(w, pass.Problems)
		return
	}
	fmt.Fprintf(w, "revision %s · in mode %s\n", pass.Revision.Short(), pass.Plan.Mode)
	printProblems(w, pass.Problems)
	printStale(w, pass.Plan.Stale)
	var t table
	for _, d := range pass.Done {
		detail := strings.Join(d.What, "; ")
		if d.URL != "" {
			detail = d.URL
		}
		if d.Err != "" {
			detail = "FAILED " + d.Err
		}
		t.add(d.Action, d.Target().String(), laned(d.Declaration, d.Lane), detail)
	}
	for i := range pass.Plan.Outcomes {
		switch o := &pass.Plan.Outcomes[i]; o.State {
		case rollout.Failed, rollout.Blocked, rollout.Frozen, rollout.Waiting:
			t.add(string(o.State), orDash(o.Target.String()), declaration(o), detail(o))
		}
	}
	t.print(w)
	fmt.Fprintln(w, planSummary(pass.Plan))
	printWaits(w, pass)
	if pass.Plan.Halted != "" {
		fmt.Fprintf(w, "Nothing was written: %s.\n", pass.Plan.Halted)
	}
}
