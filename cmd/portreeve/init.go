package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/portreeve/portreeve/cmd/internal/members"
	"github.com/portreeve/portreeve/cmd/internal/release"
	"github.com/portreeve/portreeve/reconciler/declare"
	"github.com/portreeve/portreeve/reconciler/fleet"
)

func initCommand() *cobra.Command {
	var s start
	var format string
	cmd := &cobra.Command{
		Use:   "init DIR",
		Short: "Lay out a new config repo",
		Long: `Init writes a config repo into DIR, a new or empty folder: settings in mode
observe, a team, an example of each kind, the schema for editors and "cue vet",
configuration of pre-commit, a workflow of GitHub Actions and a README for those
who will edit it. It is all there, or nothing is.

Without --org the places where the organisation belongs are left empty, and
"portreeve validate" names each of them.`,
		Example: `  portreeve init --org acme config
  portreeve init --org acme --hook-repo https://git.acme.example/portreeve --hook-rev v1.2.0 .`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usagef("init takes one folder, as in: portreeve init --org acme config")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := s.check(args[0]); err != nil {
				return err
			}
			names, err := s.layOut(args[0])
			if err != nil {
				return err
			}
			problems, err := declare.Validate(args[0], members.Kinds(), time.Now())
			if err != nil {
				return outside(err)
			}
			if format == "json" {
				return printJSON(cmd.OutOrStdout(), map[string]any{"dir": args[0], "files": names, "problems": append([]fleet.Problem{}, problems...)})
			}
			return s.tell(cmd.OutOrStdout(), args[0], names, problems)
		},
	}
	cmd.Flags().StringVar(&s.org, "org", "", "the `ORGANISATION` whose repos are the fleet")
	cmd.Flags().StringVar(&s.hookRepo, "hook-repo", hookRepo, "`URL` from which pre-commit clones portreeve")
	cmd.Flags().StringVar(&s.hookRev, "hook-rev", "", "`TAG` or commit that pre-commit and the workflow use; this program's own if empty")
	outputFlag(cmd, &format, "text", "json")
	return cmd
}

var (
	orgName  = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9-]*$`)
	repoName = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9._-]*$`)
	revName  = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._/-]*$`)
	plainURL = regexp.MustCompile(`^[^\s"'\\#{}\[\]]+$`)
)

// check holds the flags to what may stand where they go, and fills them in.
func (s *start) check(dir string) error {
	s.hookRev = cmp.Or(s.hookRev, release.Ref(), "main")
	switch {
	case s.org != "" && !orgName.MatchString(s.org):
		return usagef(`--org %q: expected the name of an organisation, such as "acme"`, s.org)
	case !plainURL.MatchString(s.hookRepo):
		return usagef("--hook-repo %q: expected a URL", s.hookRepo)
	case !revName.MatchString(s.hookRev):
		return usagef("--hook-rev %q: expected a tag or a commit", s.hookRev)
	}
	abs, err := filepath.Abs(dir)
	if err != nil {
		return outside(err)
	}
	s.repo = "config"
	if name := filepath.Base(abs); repoName.MatchString(name) {
		s.repo = name
	}
	return nil
}

// layOut writes the files below dir, all or none, and gives their names.
func (s *start) layOut(dir string) ([]string, error) {
	made, err := vacant(dir)
	if err != nil {
		return nil, err
	}
	texts, err := s.files()
	if err == nil {
		err = moveIn(dir, texts)
	}
	if err != nil {
		if made {
			_ = os.Remove(dir) // it is empty
		}
		return nil, outside(err)
	}
	var names []string
	for name := range texts {
		names = append(names, name)
	}
	slices.Sort(names)
	return names, nil
}

// vacant makes dir, or holds that nothing is in it but what git init makes.
func vacant(dir string) (made bool, err error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, os.ErrNotExist) {
		return true, outside(os.MkdirAll(dir, 0o755))
	}
	if err != nil {
		return false, outside(err)
	}
	var there []string
	for _, e := range entries {
		if e.Name() != ".git" {
			there = append(there, fmt.Sprintf("%q", e.Name()))
		}
	}
	const enough = 5
	switch {
	case len(there) > enough:
		there = append(there[:enough], fmt.Sprintf("and %d more", len(there)-enough))
		fallthrough
	case len(there) > 0:
		return false, usagef("%s is not empty: it holds %s; name a new folder", dir, strings.Join(there, ", "))
	}
	return false, nil
}

// tell says what was written and what comes next.
func (s *start) tell(w io.Writer, dir string, names []string, problems []fleet.Problem) error {
	var b strings.Builder
	for _, name := range names {
		fmt.Fprintln(&b, safe(filepath.ToSlash(filepath.Join(dir, name))))
	}
	b.WriteString("\nNext:\n")
	for _, p := range problems {
		if p.Code != "invalid-team" { // mended with the team
			fmt.Fprintf(&b, "  fill in %s\n", safe(p.String()))
		}
	}
	if s.hookRev == "main" {
		b.WriteString("  pin .pre-commit-config.yaml and .github/workflows/portreeve.yaml to a release: this build does not know its own\n")
	}
	fmt.Fprintf(&b, "  cd %s, read README.md, name your teams in teams.cue\n", safe(dir))
	b.WriteString("  git init, pre-commit install, commit\n  portreeve plan\n")
	_, err := io.WriteString(w, b.String())
	return outside(err)
}
