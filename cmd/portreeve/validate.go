package main

import (
	"context"
	"errors"
	"flag"
	"io"

	"github.com/spf13/cobra"

	"github.com/portreeve/portreeve/cmd/internal/check"
)

func validateCommand() *cobra.Command {
	var v check.Validate
	cmd := &cobra.Command{
		Use:   "validate [PATH]",
		Short: "Check the declarations in a folder",
		Long: `Validate checks all declarations below PATH, as they lie there or, with
--staged, as the next commit will hold them. It talks to nobody. Each problem
is told with file, line and column, all at once.`,
		Example: `  portreeve validate
  portreeve validate --staged          in a Git hook
  portreeve validate --output github   annotations in GitHub Actions`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			v.Dir = place(args)
			return checked(cmd, v.Run)
		},
	}
	shared(cmd, v.Flags)
	outputFlag(cmd, &v.Output, check.Outputs...)
	return cmd
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
