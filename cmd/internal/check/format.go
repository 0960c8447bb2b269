package check

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/portreeve/portreeve/cmd/internal/disk"
	"github.com/portreeve/portreeve/cmd/internal/index"
	"github.com/portreeve/portreeve/reconciler/declare"
	"github.com/portreeve/portreeve/reconciler/fleet"
)

// Format writes the files of config repos in CUE's standard format.
type Format struct {
	Paths  []string // folders and files
	Check  bool     // tells what it would change, and changes nothing
	Staged bool     // looks at what is staged; with Check alone
	Output string
}

// Flags adds the flags that are the same in both commands.
func (f *Format) Flags(flags *flag.FlagSet) {
	flags.BoolVar(&f.Check, "check", false, "change nothing; list what is not formatted, and exit with 1")
	flags.BoolVar(&f.Staged, "staged", false, "with --check: look at what is staged in Git, whatever lies in the work tree")
}

// Run formats, and prints the names of the files that it changed. It ends
// with [ErrProblems] if a file can't be formatted or, with Check, is not.
func (f *Format) Run(ctx context.Context, w io.Writer) error {
	if err := oneOf(f.Output); err != nil {
		return err
	}
	if f.Staged && !f.Check {
		return &UseError{"--staged goes with --check: what is staged is not written to"}
	}
	paths := f.Paths
	if len(paths) == 0 {
		paths = []string{"."}
	}
	var changed []string
	var problems []fleet.Problem
	for _, path := range paths {
		names, more, err := f.path(ctx, path)
		if err != nil {
			return err
		}
		changed, problems = append(changed, names...), append(problems, more...)
	}
	return f.tell(w, changed, fleet.SortProblems(problems))
}

// path formats one folder or file, and gives the files that it changed.
func (f *Format) path(ctx context.Context, path string) ([]string, []fleet.Problem, error) {
	if f.Staged {
		tree, err := index.Open(ctx, path)
		if err != nil {
			return nil, nil, err
		}
		defer tree.Close()
		if problems := conflicts(tree, path); len(problems) > 0 {
			return nil, problems, nil
		}
		todo, problems := declare.FormatTree(tree)
		return nil, declare.SeenFrom(path, append(problems, unformatted(todo)...)), nil
	}
	info, err := os.Lstat(path)
	if err != nil {
		return nil, nil, err
	}
	dir, name := path, ""
	if !info.IsDir() {
		dir, name = filepath.Split(path)
		if filepath.Ext(name) != ".cue" {
			return nil, nil, &UseError{fmt.Sprintf("%s: expected a folder or a file named *.cue", path)}
		}
		if slices.Contains(strings.Split(filepath.ToSlash(dir), "/"), "cue.mod") {
			return nil, nil, nil // vendored: not ours to format
		}
	}
	dir = filepath.Clean(dir)
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, nil, err
	}
	defer root.Close()
	return f.in(root, dir, name)
}

func (f *Format) in(root *os.Root, dir, name string) ([]string, []fleet.Problem, error) {
	var todo []declare.Formatted
	var problems []fleet.Problem
	if name == "" {
		todo, problems = declare.FormatTree(root.FS())
	} else {
		todo, problems = declare.FormatFile(root.FS(), name)
	}
	if f.Check {
		return nil, declare.SeenFrom(dir, append(problems, unformatted(todo)...)), nil
	}
	var changed []string
	for _, file := range todo {
		if err := disk.Write(root, file.File, file.Data); err != nil {
			return nil, nil, err
		}
		changed = append(changed, filepath.ToSlash(filepath.Join(dir, filepath.FromSlash(file.File))))
	}
	return changed, declare.SeenFrom(dir, problems), nil
}

func unformatted(todo []declare.Formatted) []fleet.Problem {
	var problems []fleet.Problem
	for _, file := range todo {
		problems = append(problems, fleet.Problem{
			Severity: fleet.Error, Code: "format", Pos: file.Pos,
			Message: "is not formatted", Hint: `run "portreeve fmt"`,
		})
	}
	return problems
}

// tell prints what was changed and what is wrong.
func (f *Format) tell(w io.Writer, changed []string, problems []fleet.Problem) error {
	var err error
	if f.Output == "json" {
		enc := json.NewEncoder(w)
		enc.SetEscapeHTML(false)
		enc.SetIndent("", "  ")
		err = enc.Encode(map[string]any{"changed": append([]string{}, changed...), "problems": append([]fleet.Problem{}, problems...)})
	} else {
		var b strings.Builder
		for _, name := range changed {
			fmt.Fprintf(&b, "formatted %s\n", strings.Trim(strconv.Quote(name), `"`))
		}
		if _, err = io.WriteString(w, b.String()); err == nil {
			err = declare.Print(w, problems, f.Output)
		}
	}
	if err == nil && fleet.HasErrors(problems) {
		return ErrProblems
	}
	return err
}
