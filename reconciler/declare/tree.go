package declare

import (
	"io/fs"
	"path/filepath"

	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/kind"
)

// ValidateTree is Validate for a tree that need not lie on disk, such as what
// is staged in the checkout dir.
func ValidateTree(fsys fs.FS, dir string, kinds kind.Set) []fleet.Problem {
	return SeenFrom(dir, Load(fsys, kinds).Problems)
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
