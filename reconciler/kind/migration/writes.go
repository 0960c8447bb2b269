package migration

import (
	"fmt"
	"path"
	"slices"

	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/kind"
	"github.com/portreeve/portreeve/reconciler/transform"
)

// order reports what a step is to change and an earlier one has taken away. A
// step that could not be read is nil.
func (d *decoder) order(steps []transform.Step) {
	for j, step := range steps {
		if step == nil {
			continue
		}
		r := step.Reach()
		if r.Makes == "" && len(r.Takes) > 0 {
			continue // to delete twice is idle, and no mistake
		}
		for _, use := range r.Uses {
			if i := takenBy(steps[:j], use.Glob); i >= 0 {
				d.report("bad-step", fmt.Sprintf("steps[%d].%s", j, use.Field), "put this step first, or leave one of the two out",
					"nothing of %q is left: step %d takes it away", use.Glob, i+1)
			}
		}
	}
}

// takenBy is the index of the step that takes away all that a glob matches, if
// none after it makes such a file; else -1.
func takenBy(steps []transform.Step, glob string) int {
	exact, one := transform.PathOfGlob(glob)
	for i, step := range slices.Backward(steps) {
		if step == nil {
			return -1 // who knows what it makes
		}
		r := step.Reach()
		if r.Makes != "" && transform.Match(glob, string(r.Makes)) {
			return -1
		}
		for _, taken := range r.Takes {
			if taken == glob || one && transform.Match(taken, exact) {
				return i
			}
		}
	}
	return -1
}

// writes are the files that the steps write as far as that can be told without
// a tree: those of which they say all, and CODEOWNERS. Whole are the former
// alone, as a want gives them.
func writes(steps []transform.Step, selection string) (all []fleet.Write, whole map[fleet.Path]string) {
	for i, step := range steps {
		r := step.Reach()
		field := fmt.Sprintf("steps[%d].", i)
		for _, use := range r.Uses {
			if path.Base(use.Glob) == path.Base(string(transform.OwnersFiles[0])) {
				all = append(all, fleet.Write{Field: field + use.Field, Path: transform.OwnersFiles[0], Select: selection})
			}
		}
		w := fleet.Write{Field: field + "path", Path: r.Makes, Select: selection}
		if r.Whole != nil && !slices.ContainsFunc(steps[i+1:], func(later transform.Step) bool { return touches(later.Reach(), r.Makes) }) {
			w.Content = kind.DigestOf(*r.Whole)
			if whole == nil {
				whole = map[fleet.Path]string{}
			}
			whole[w.Path] = w.Content
		}
		if w.Content != "" || slices.Contains(transform.OwnersFiles, w.Path) {
			all = append(all, w)
		}
	}
	return all, whole
}

// touches reports whether a step may change the file at a path.
func touches(r transform.Reach, p fleet.Path) bool {
	return r.Makes == p || slices.ContainsFunc(r.Uses, func(u transform.Use) bool { return transform.Match(u.Glob, string(p)) })
}

// selection names what is selected; it is empty where that is every repo.
func (s *Spec) selection() string {
	if s.Select == nil {
		return ""
	}
	return kind.FactsOf(s.Select)
}

// checkWrites reports files that another declaration writes, too.
func checkWrites(k kind.Kind, d *fleet.Declaration, config *fleet.Config) []fleet.Problem {
	var problems []fleet.Problem
	told := false
	for _, w := range d.Writes {
		if other, ok := kind.Contrary(config, d, w); ok {
			problems = append(problems, kind.ProblemAt(k, d, "path-clash", w.Field, "write the same in both, or select repos for each that the other does not",
				"%s is also written by %s (%s), with another content: each would undo the other", w.Path, other.Declaration.ID, other.Write.Pos))
		}
		if n := len(config.Owners); n > 0 && !told && w.Select == "" && slices.Contains(transform.OwnersFiles, w.Path) {
			told = true
			p := kind.ProblemAt(k, d, "path-clash", w.Field, "say in ownership who owns what, or select other repos",
				"the owners of %s are declared under ownership, and there this is held back", repos(n))
			p.Severity = fleet.Warning
			problems = append(problems, p)
		}
	}
	return problems
}

func repos(n int) string {
	if n == 1 {
		return "1 repo"
	}
	return fmt.Sprintf("%d repos", n)
}
