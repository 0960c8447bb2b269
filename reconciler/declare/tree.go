package declare

import (
	"io/fs"
	"path/filepath"
	"time"

	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/rollout"
)

// ValidateTree is Validate for a tree that need not lie on disk, such as what
// is staged in the checkout dir. What is kept of it has a name of its own.
func (l *Loader) ValidateTree(fsys fs.FS, dir, name string, now time.Time) []fleet.Problem {
	config := l.lean(fsys, name)
	problems := config.Problems
	for _, d := range config.Declarations {
		_, more := rollout.Acknowledge(config.Policies, d, now)
		problems = append(problems, more...)
	}
	return SeenFrom(dir, fleet.SortProblems(problems))
}

// SeenFrom names the files of problems as the person does who named the
// config repo dir.
func SeenFrom(dir string, problems []fleet.Problem) []fleet.Problem {
	for i := range problems {
		if p := &problems[i]; p.Pos.File != "" {
			p.Pos.File = filepath.ToSlash(filepath.Join(dir, filepath.FromSlash(p.Pos.File)))
		}
	}
	return problems
}
