package main

import (
	"fmt"
	"io"
	"maps"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/portreeve/portreeve/cmd/internal/disk"
	"github.com/portreeve/portreeve/reconciler"
	"github.com/portreeve/portreeve/reconciler/declare"
	"github.com/portreeve/portreeve/reconciler/fleet"
)

func adoptCommand() *cobra.Command {
	var c connection
	var only []string
	var format string
	var write bool
	cmd := &cobra.Command{
		Use:   "adopt [DIR]",
		Short: "Declare the owners that the fleet's repos have already",
		Long: `Adopt reads CODEOWNERS and catalog-info.yaml of the fleet that the config repo in
the folder DIR is about, and makes declarations of them, with the teams that they
need. It tries each: once they are merged, the plan has nothing to do for them.
What a repo has stays byte for byte as it is until a declaration of it changes.

What can't be declared so is listed, by file and line, with the reason: such a
repo is left alone. Repos that are declared already are, too.

Without --write nothing is written. With it each repo gets a file ownership/NAME.cue
and each new team a file teams/NAME.cue; no file that is there is written over, and
what was adopted before is not adopted again.

What a cluster has is declared by "portreeve adopt prometheus".`,
		Example: `  portreeve adopt
  portreeve adopt --repo 'svc-*' --write
  portreeve adopt --output json | jq -r '.remarks[] | select(.bars) | "\(.repo): \(.why)"'
  portreeve adopt prometheus eu-1 eu-1/monitoring/stack.yaml --checkout ../clusters`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			where := place(args)
			if isURL(where) {
				return usagef("adopt writes files: expected a folder, found %s", where)
			}
			for _, glob := range only {
				if _, err := path.Match(glob, ""); err != nil {
					return usagef("--repo %q can't be read as a glob", glob)
				}
			}
			return adopt(cmd, &c, where, only, write, format)
		},
	}
	cmd.AddCommand(adoptPrometheusCommand())
	c.flags(cmd)
	cmd.Flags().StringArrayVar(&only, "repo", nil, "`GLOB` on a repo's name, with its owner where it holds a slash; all repos if empty, may be given many times")
	cmd.Flags().BoolVar(&write, "write", false, "write the files into DIR")
	outputFlag(cmd, &format, "table", "json")
	return cmd
}

func adopt(cmd *cobra.Command, c *connection, where string, only []string, write bool, format string) error {
	bar := newProgress()
	e, err := newEngine(c, where, false, true, logger(cmd.ErrOrStderr(), false), bar)
	if err != nil {
		return err
	}
	defer e.Close()
	wanted := func(name fleet.RepoName) bool {
		return len(only) == 0 || slices.ContainsFunc(only, func(glob string) bool { return fleet.MatchesName(glob, name) })
	}
	a, err := e.Adopt(cmd.Context(), wanted)
	bar.clear()
	switch {
	case err != nil:
		return outside(err)
	case a.Adoption == nil:
		printProblems(cmd.ErrOrStderr(), a.Config.Problems)
		return &exitError{exitProblems, fmt.Errorf("mend the declarations first: what is invalid may name repos and teams, too")}
	case a.Repos == 0 && len(only) > 0:
		return usagef("no repo of the fleet matches --repo %s", strings.Join(only, " "))
	}
	if write {
		if err := writeAdopted(where, a.Adoption); err != nil {
			return outside(err)
		}
	}
	if format == "json" {
		err = printJSON(cmd.OutOrStdout(), tellAdopted(a, write))
	} else {
		printAdopted(cmd.OutOrStdout(), a, write)
	}
	if err == nil && len(a.Unread) > 0 {
		err = outside(fmt.Errorf("%s could not be read", count(len(a.Unread), "repo")))
	}
	return err
}

// writeAdopted writes the files in their order, each whole.
func writeAdopted(where string, a *declare.Adoption) error {
	root, err := os.OpenRoot(where)
	if err != nil {
		return err
	}
	defer root.Close()
	for _, edit := range a.Edits {
		if _, err := root.Lstat(string(edit.Path)); err == nil {
			return fmt.Errorf("%s is there by now; run adopt again", edit.Path)
		}
		if err := disk.Write(root, string(edit.Path), edit.Content); err != nil {
			return err
		}
	}
	return nil
}

// printAdopted prints what was found, for people.
func printAdopted(w io.Writer, a *reconciler.Adoption, written bool) {
	fmt.Fprintf(w, "%s looked at · %s, %s\n", count(a.Repos, "repo"), count(len(a.Made), "declaration"), count(len(a.Teams), "new team"))
	var t table
	for _, d := range a.Made {
		paths := ""
		if d.Paths > 0 {
			paths = ", " + count(d.Paths, "path")
		}
		t.add(string(d.File), string(d.Repo), string(d.Owner)+paths)
	}
	t.print(w)
	printRemarks(w, "adopted, but for:", a, false)
	printRemarks(w, "not adopted:", a, true)
	if len(a.Unread) > 0 {
		fmt.Fprintln(w, "\nnot read:")
		t := table{indent: "  "}
		for _, name := range slices.Sorted(maps.Keys(a.Unread)) {
			t.add(string(name), a.Unread[name])
		}
		t.print(w)
	}
	switch n := len(a.Edits); {
	case n == 0:
		fmt.Fprintln(w, "\nThere is nothing to write.")
	case written:
		fmt.Fprintf(w, "\n%s written. The plan has nothing to do for them.\n", count(n, "file"))
	default:
		fmt.Fprintf(w, "\nNothing was written; --write writes %s.\n", count(n, "file"))
	}
}

// printRemarks prints the remarks that bar their repos, or those that don't on
// repos that were adopted. Many that are alike are one line.
func printRemarks(w io.Writer, head string, a *reconciler.Adoption, bars bool) {
	barred, alike := map[fleet.RepoName]bool{}, map[string]int{}
	for _, r := range a.Remarks {
		barred[r.Repo] = barred[r.Repo] || r.Bars
		alike[r.Why]++
	}
	t := table{indent: "  "}
	told := map[string]bool{}
	for _, r := range a.Remarks {
		switch {
		case r.Bars != bars || !bars && barred[r.Repo] || told[r.Why]:
		case r.File == "" && alike[r.Why] >= many:
			told[r.Why] = true
			t.add(count(alike[r.Why], "repo"), r.Why)
		case r.File == "":
			t.add(string(r.Repo), r.Why)
		default:
			t.add(string(r.Repo), placeOf(r)+": "+r.Why)
		}
	}
	if len(t.rows) > 0 {
		fmt.Fprintln(w, "\n"+head)
		t.print(w)
	}
}

func placeOf(r declare.AdoptedRemark) string {
	if r.Line == 0 {
		return string(r.File)
	}
	return fmt.Sprintf("%s:%d", r.File, r.Line)
}

// adopted is what adopt found, for other programs.
type adopted struct {
	Repos        int              `json:"repos"` // looked at
	Written      bool             `json:"written"`
	Declarations []adoptedOne     `json:"declarations"`
	Teams        []fleet.TeamName `json:"teams"` // that are new
	Files        []adoptedFile    `json:"files"` // in the order in which they are written
	Remarks      []adoptedRemark  `json:"remarks"`
	Unread       []adoptedRemark  `json:"unread"`
}

type adoptedOne struct {
	ID    fleet.ID       `json:"declaration"`
	Repo  fleet.RepoName `json:"repo"`
	File  fleet.Path     `json:"file"`
	Owner fleet.TeamName `json:"owner"`
	Paths int            `json:"paths"`
}

type adoptedFile struct {
	Path    fleet.Path `json:"path"`
	Content string     `json:"content"`
}

type adoptedRemark struct {
	Repo fleet.RepoName `json:"repo"`
	File fleet.Path     `json:"file,omitempty"` // of the repo
	Line int            `json:"line,omitempty"`
	Why  string         `json:"why"`
	Bars bool           `json:"bars"` // the repo is not adopted for it
}

func tellAdopted(a *reconciler.Adoption, written bool) adopted {
	out := adopted{
		Repos: a.Repos, Written: written, Declarations: []adoptedOne{}, Teams: slices.Concat(a.Teams, []fleet.TeamName{}),
		Files: []adoptedFile{}, Remarks: []adoptedRemark{}, Unread: []adoptedRemark{},
	}
	for _, d := range a.Made {
		out.Declarations = append(out.Declarations, adoptedOne(d))
	}
	for _, edit := range a.Edits {
		out.Files = append(out.Files, adoptedFile{edit.Path, string(edit.Content)})
	}
	for _, r := range a.Remarks {
		out.Remarks = append(out.Remarks, adoptedRemark{r.Repo, r.File, r.Line, r.Why, r.Bars})
	}
	for _, name := range slices.Sorted(maps.Keys(a.Unread)) {
		out.Unread = append(out.Unread, adoptedRemark{Repo: name, Why: a.Unread[name], Bars: true})
	}
	return out
}
