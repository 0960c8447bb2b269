package main

import (
	"io"

	"github.com/spf13/cobra"

	"github.com/portreeve/portreeve/schema"
)

func docsCommand() *cobra.Command {
	var format, write string
	cmd := &cobra.Command{
		Use:   "docs",
		Short: "Print the reference of all fields that declarations may have",
		Long: `Docs prints what every field of a declaration is: its type, whether it is
required, its default, an example. It is made of the schema's own comments.`,
		Example: `  portreeve docs | less
  portreeve docs --write fields.md
  portreeve docs --output json | jq '.[] | select(.name == "#Migration")'`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if format == "json" {
				return printJSON(cmd.OutOrStdout(), schema.Reference())
			}
			if write != "" {
				return outside(writeFile(write, []byte(schema.Markdown())))
			}
			_, err := io.WriteString(cmd.OutOrStdout(), schema.Markdown())
			return outside(err)
		},
	}
	cmd.Flags().StringVar(&write, "write", "", "write the Markdown to `FILE` instead")
	outputFlag(cmd, &format, "markdown", "json")
	cmd.MarkFlagsMutuallyExclusive("write", "output")
	return cmd
}
