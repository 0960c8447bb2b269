package kind

import (
	"io/fs"

	"github.com/portreeve/portreeve/reconciler/fleet"
)

// Adopted is what a repo says of its owners, for a declaration after which the
// repo needs no change. Owners are called as in CODEOWNERS: "@acme/payments".
type Adopted struct {
	Repo fleet.RepoName
	// File is where it stands.
	File fleet.Path
	// Owners own what Paths say nothing of, the first before the others; none
	// where nobody does, and Answers is then who owns most of the paths.
	Owners  []string
	Answers string
	Paths   []AdoptedPath
	// Catalog is how the repo's file for a catalog calls the owner, and
	// CatalogAt where; empty where nothing is to be declared of it.
	Catalog   string
	CatalogAt Place
	// Remarks are what can't be declared, or stays out of the declaration.
	Remarks []Remark
}

// FileToAdopt is a file that is to be declared.
type FileToAdopt struct {
	Config  *fleet.Config
	Cluster fleet.ClusterName
	Tree    fs.FS      // of the cluster's repo
	File    fleet.Path // in it
	Object  string     // the name of the object in it; empty for the first
	Version string     // of what runs, where the file does not say
}

// AdoptedFile is a declaration of a file: its fields, as JSON has them, and what
// it leaves as it is.
type AdoptedFile struct {
	Name   string
	Fields map[string]any
	Left   []string // "runtime.gogc: 0 collects all the time"
}

// AdoptedPath is who owns what a pattern matches; nobody without Owners.
type AdoptedPath struct {
	Pattern string
	Owners  []string
	Rank    int
}

// Place is a line of a file of a repo; 0 is the file as a whole.
type Place struct {
	File fleet.Path
	Line int
}

// Remark is told to people of a repo that is to be adopted.
type Remark struct {
	Place
	Why string
	// Bars says that for this nothing is declared of the repo at all.
	Bars bool
}

// Bar adds a remark for which nothing can be declared of the repo.
func (a *Adopted) Bar(at Place, why string) { a.Remarks = append(a.Remarks, Remark{at, why, true}) }

// Remark adds a remark.
func (a *Adopted) Remark(at Place, why string) { a.Remarks = append(a.Remarks, Remark{at, why, false}) }

// Barred reports whether nothing can be declared of the repo.
func (a *Adopted) Barred() bool {
	for _, r := range a.Remarks {
		if r.Bars {
			return true
		}
	}
	return false
}
