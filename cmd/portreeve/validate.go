package main

import (
	"github.com/spf13/cobra"

	"github.com/portreeve/portreeve/reconciler/declare"
	"github.com/portreeve/portreeve/reconciler/fleet"
)

func validateCommand() *cobra.Command {
	var format string
	cmd := &cobra.Command{
		Use:   "validate [PATH]",
		Short: "Check the declarations in a folder",
		Long: `Validate checks all declarations below PATH, as they lie there. It talks to
nobody. Each problem is told with file, line and column, all at once.`,
		Example: `  portreeve validate
  portreeve validate --output github   annotations in GitHub Actions`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			problems, err := declare.Validate(place(args), kinds())
			if err != nil {
				return outside(err)
			}
			if err := declare.Print(cmd.OutOrStdout(), problems, format); err != nil {
				return outside(err)
			}
			if fleet.HasErrors(problems) {
				return &exitError{status: exitProblems}
			}
			return nil
		},
	}
	outputFlag(cmd, &format, "text", "json", "github")
	return cmd
}
