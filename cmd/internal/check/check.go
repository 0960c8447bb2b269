// Package check is what portreeve and portreeve-validate do alike: judge a
// config repo, and format its files. It links nothing above declare, so that
// pre-commit builds it quickly.
package check

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/portreeve/portreeve/cmd/internal/index"
	"github.com/portreeve/portreeve/cmd/internal/members"
	"github.com/portreeve/portreeve/reconciler/declare"
	"github.com/portreeve/portreeve/reconciler/fleet"
)

// Outputs are the ways to print problems.
var Outputs = []string{"text", "json", "github"}

// ErrProblems says that there are problems, which have been printed.
var ErrProblems = errors.New("there are problems")

// UseError is a mistake in the command line.
type UseError struct{ text string }

func (e *UseError) Error() string { return e.text }

// oneOf holds a flag's value to the ways to print.
func oneOf(output string) error {
	if slices.Contains(Outputs, output) {
		return nil
	}
	return &UseError{fmt.Sprintf("--output %q: expected %s", output, strings.Join(Outputs, " or "))}
}

// Validate judges all declarations of a config repo.
type Validate struct {
	Dir     string
	Staged  bool
	NoCache bool
	Output  string
}

// Flags adds the flags that are the same in both commands.
func (v *Validate) Flags(flags *flag.FlagSet) {
	flags.BoolVar(&v.Staged, "staged", false, "judge what is staged in Git, whatever lies in the work tree")
	flags.BoolVar(&v.NoCache, "no-cache", false, "keep nothing in the user's cache directory, and use nothing that was kept there")
}

// Run prints the problems. It ends with [ErrProblems] if one is an error, and
// with another error where the repo can't be read.
func (v *Validate) Run(ctx context.Context, w io.Writer) error {
	if err := oneOf(v.Output); err != nil {
		return err
	}
	collectLater()
	problems, err := v.problems(ctx)
	if err == nil {
		err = declare.Print(w, problems, v.Output)
	}
	if err == nil && fleet.HasErrors(problems) {
		return ErrProblems
	}
	return err
}

// collectLater has memory collected for the first time when some 40 MiB are in
// use, and from then on as usual. A check of one changed file among ten thousand
// is over before that: nearly all that it makes it needs until it ends.
func collectLater() {
	const first, later = 1000, 100 // percent of what is in use, which counts as 4 MiB at least
	debug.SetGCPercent(first)
	runtime.AddCleanup(new([64]byte), func(percent int) { debug.SetGCPercent(percent) }, later)
}

func (v *Validate) problems(ctx context.Context) ([]fleet.Problem, error) {
	loader := declare.NewLoader(members.Kinds())
	if !v.NoCache {
		loader.Dir = declare.CacheDir()
	}
	if !v.Staged {
		return loader.Validate(v.Dir, time.Now())
	}
	tree, err := index.Open(ctx, v.Dir)
	if err != nil {
		return nil, err
	}
	defer tree.Close()
	if problems := conflicts(tree, v.Dir); len(problems) > 0 {
		return problems, nil
	}
	name, err := filepath.Abs(v.Dir)
	if err != nil {
		return nil, err
	}
	return loader.ValidateTree(tree, v.Dir, name+" as it is staged", time.Now()), nil
}

// conflicts are problems of files that a merge has left open: what the others
// declare can't be judged without them.
func conflicts(tree *index.FS, dir string) []fleet.Problem {
	var problems []fleet.Problem
	for _, name := range tree.Conflicts {
		problems = append(problems, fleet.Problem{
			Severity: fleet.Error, Code: "conflict", Pos: fleet.Pos{File: name},
			Message: "a merge has left a conflict here", Hint: "resolve it and add the file",
		})
	}
	return declare.SeenFrom(dir, problems)
}
