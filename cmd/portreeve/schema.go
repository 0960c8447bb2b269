package main

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"

	"github.com/spf13/cobra"

	"github.com/portreeve/portreeve/cmd/internal/disk"
	"github.com/portreeve/portreeve/cmd/internal/release"
	"github.com/portreeve/portreeve/reconciler/declare"
	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/schema"
)

func schemaCommand() *cobra.Command {
	var format string
	var check, write bool
	cmd := &cobra.Command{
		Use:   "schema [PATH]",
		Short: "Print the schema, or keep a config repo's copy of it",
		Long: `Schema prints the CUE definitions that declarations are held to.

A config repo has a copy of them below cue.mod/pkg, so that CUE's own tools and
editors agree with portreeve, offline. --update writes the copy of the config
repo PATH anew; --check says whether it is older or newer than this program or
was edited, and exits with 1 then.`,
		Example: `  portreeve schema
  portreeve schema --update            after an upgrade of portreeve
  portreeve schema --check ../config`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			switch {
			case check:
				return checkSchema(cmd.OutOrStdout(), place(args), format)
			case write:
				return updateSchema(cmd.OutOrStdout(), place(args), format)
			case len(args) > 0:
				return usagef("PATH goes with --update or --check")
			}
			return printSchema(cmd.OutOrStdout(), format)
		},
	}
	cmd.Flags().BoolVar(&write, "update", false, "write the config repo's copy anew")
	cmd.Flags().BoolVar(&check, "check", false, "say how the config repo's copy differs, and exit with 1 if it does")
	cmd.MarkFlagsMutuallyExclusive("update", "check")
	outputFlag(cmd, &format, "text", "json")
	return cmd
}

// printSchema prints the definitions as one file of CUE.
func printSchema(w io.Writer, format string) error {
	defs := schema.Files(release.Version())
	maps.DeleteFunc(defs, func(name string, _ []byte) bool { return path.Ext(name) != ".cue" })
	if format == "json" {
		texts := map[string]string{}
		for name, data := range defs {
			texts[name] = string(data)
		}
		return printJSON(w, map[string]any{"importPath": schema.ImportPath, "version": release.Version(), "files": texts})
	}
	var b bytes.Buffer
	for i, name := range slices.Sorted(maps.Keys(defs)) {
		text := defs[name]
		if i > 0 { // of one package
			_, text, _ = bytes.Cut(text, []byte("package schema\n"))
		}
		b.Write(text)
	}
	_, err := b.WriteTo(w)
	return outside(err)
}

func checkSchema(w io.Writer, dir, format string) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return outside(err)
	}
	defer root.Close()
	found, err := schema.Compare(root.FS(), release.Version())
	if err != nil {
		return outside(err)
	}
	if format == "json" {
		err = printJSON(w, found)
	} else {
		err = outside(declare.Print(w, declare.SeenFrom(dir, copyProblems(found)), format))
	}
	if err == nil && found.State != schema.Current {
		return &exitError{status: exitProblems}
	}
	return err
}

// copyProblems says what is the matter with a copy, at each file of it.
func copyProblems(found schema.Copy) []fleet.Problem {
	what, hint := found.Words()
	if what == "" {
		return nil
	}
	names := found.Files
	if len(names) == 0 {
		names = []string{schema.CopyDir}
	}
	var problems []fleet.Problem
	for _, name := range names {
		problems = append(problems, fleet.Problem{
			Severity: fleet.Error, Code: "schema-copy", Pos: fleet.Pos{File: name}, Message: what, Hint: hint,
		})
	}
	return problems
}

// updateSchema writes the copy anew, if it differs.
func updateSchema(w io.Writer, dir, format string) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return outside(err)
	}
	defer root.Close()
	before, err := schema.Compare(root.FS(), release.Version())
	if err != nil {
		return outside(err)
	}
	written := []string{}
	if before.State != schema.Current {
		if written, err = writeSchema(root); err != nil {
			return outside(err)
		}
	}
	after, err := schema.Compare(root.FS(), release.Version())
	if err != nil {
		return outside(err)
	}
	if format == "json" {
		err = printJSON(w, map[string]any{"before": before, "changed": written, "after": after})
	} else {
		for _, name := range written {
			fmt.Fprintln(w, filepath.ToSlash(filepath.Join(dir, name)))
		}
		err = outside(declare.Print(w, declare.SeenFrom(dir, copyProblems(after)), format))
	}
	if err == nil && after.State != schema.Current {
		return &exitError{status: exitProblems} // what someone else put there
	}
	return err
}

// writeSchema writes the copy below root, and removes what the version that
// wrote it before had and this one has not. It gives the names of the files.
func writeSchema(root *os.Root) ([]string, error) {
	stale, err := schema.Stale(root.FS())
	if err != nil {
		return nil, err
	}
	copied := schema.Files(release.Version())
	var done []string
	for _, base := range slices.Sorted(maps.Keys(copied)) {
		name := path.Join(schema.CopyDir, base)
		if err := disk.Write(root, name, copied[base]); err != nil {
			return nil, err
		}
		done = append(done, name)
	}
	for _, name := range stale {
		if err := root.Remove(name); err != nil {
			return nil, err
		}
		done = append(done, name)
	}
	return done, nil
}
