package declare

import (
	"io/fs"
	"path/filepath"

	"github.com/portreeve/portreeve/reconciler/fleet"
)

// ValidateTree is Validate for a tree that need not lie on disk, such as what
// is staged in the checkout dir. What is kept of it has a name of its own.
func (l *Loader) ValidateTree(fsys fs.FS, dir, name string) []fleet.Problem {
	return SeenFrom(dir, l.Problems(fsys, name))
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
