package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/portreeve/portreeve/cmd/internal/check"
	"github.com/portreeve/portreeve/cmd/internal/members"
	"github.com/portreeve/portreeve/reconciler/declare"
	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/held"
	"github.com/portreeve/portreeve/reconciler/source"
)

func validateCommand() *cobra.Command {
	var v check.Validate
	cmd := &cobra.Command{
		Use:   "validate [PATH]",
		Short: "Check the declarations in a folder",
		Long: `Validate checks all declarations below PATH, as they lie there or, with
--staged, as the next commit will hold them. It talks to nobody. Each problem
is told with file, line and column, all at once. In a Git repo it also says as of
which commit what is invalid stays in force, until it is mended.`,
		Example: `  portreeve validate
  portreeve validate --staged          in a Git hook
  portreeve validate --output github   annotations in GitHub Actions`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			v.Dir = place(args)
			return checked(cmd, func(ctx context.Context, w io.Writer) error {
				err := v.Run(ctx, w)
				if errors.Is(err, check.ErrProblems) && v.Output == "text" {
					printMeanwhile(ctx, w, &v)
				}
				return err
			})
		},
	}
	shared(cmd, v.Flags)
	outputFlag(cmd, &v.Output, check.Outputs...)
	return cmd
}

// lookBack is how long validate looks for what is in force meanwhile.
const lookBack = 5 * time.Second

// printMeanwhile says of what is invalid how it is held, or would be if it were
// committed; of what is staged alone, how it is at HEAD. Where that can't be
// told in time, it says what holds in general.
func printMeanwhile(ctx context.Context, w io.Writer, v *check.Validate) {
	ctx, cancel := context.WithTimeout(ctx, lookBack)
	defer cancel()
	src := source.Files(v.Dir)
	if v.Staged {
		src = source.Dir(v.Dir)
	}
	tree, err := src.Current(ctx)
	if err != nil {
		return // which the problems say
	}
	l := declare.NewLoader(members.Kinds())
	if !v.NoCache {
		l.Dir = declare.CacheDir()
	}
	r := &held.Reader{Source: src, Kinds: members.Kinds(), Load: l.Load}
	all, err := r.Stale(ctx, tree)
	all = slices.DeleteFunc(all, func(s fleet.Stale) bool { return s.Revision == "" }) // new: there is nothing to hold
	switch {
	case err != nil:
		fmt.Fprintln(w, "\nUntil it is mended, ownership, teams and settings stay as they were when last valid, and migrations are frozen.")
	case len(all) > 0:
		fmt.Fprintln(w, "\nUntil it is mended:")
		var t table
		for i := range all {
			t.add(staleWord(&all[i]), all[i].What(), all[i].How())
		}
		t.print(w)
	}
}

func fmtCommand() *cobra.Command {
	var f check.Format
	cmd := &cobra.Command{
		Use:   "fmt [PATH...]",
		Short: "Write declarations in CUE's standard format",
		Long: `Fmt writes the files of the config repo below each PATH, or the files that are
named, in CUE's standard format; what they say stays the same, comments
included. Files below cue.mod are left alone, and symlinks are not followed.
The names of the files that were changed are printed.`,
		Example: `  portreeve fmt
  portreeve fmt --check ownership      exit with 1 if something is not formatted
  portreeve fmt --check --staged       in a Git hook`,
		RunE: func(cmd *cobra.Command, args []string) error {
			f.Paths = args
			return checked(cmd, f.Run)
		},
	}
	shared(cmd, f.Flags)
	outputFlag(cmd, &f.Output, check.Outputs...)
	return cmd
}

// shared adds flags that portreeve-validate has, too.
func shared(cmd *cobra.Command, flags func(*flag.FlagSet)) {
	set := flag.NewFlagSet(cmd.Name(), flag.ContinueOnError)
	flags(set)
	cmd.Flags().AddGoFlagSet(set)
}

// checked runs what portreeve-validate does, too, and gives its exit status.
func checked(cmd *cobra.Command, run func(context.Context, io.Writer) error) error {
	err := run(cmd.Context(), cmd.OutOrStdout())
	use := (*check.UseError)(nil)
	switch {
	case errors.Is(err, check.ErrProblems):
		return &exitError{status: exitProblems}
	case errors.As(err, &use):
		return &exitError{exitUsage, err}
	}
	return outside(err)
}
