// Package delete is the transform "delete": the files that globs name are to
// be absent. Links and submodules are left alone.
package delete

import (
	"encoding/json"
	"io/fs"

	"github.com/portreeve/portreeve/reconciler/transform"
)

// New is the member.
func New() transform.Transform {
	return transform.Transform{
		Name:   "delete",
		Doc:    "Deletes the files that globs name.",
		Decode: decode,
	}
}

type step struct {
	Do    string   `json:"do"`
	Paths []string `json:"paths"`
}

func decode(fields json.RawMessage) (transform.Step, error) {
	s := &step{}
	if err := transform.DecodeFields(fields, s); err != nil {
		return nil, err
	}
	if err := transform.CheckGlobs("paths", s.Paths); err != nil {
		return nil, err
	}
	return s, nil
}

func (s *step) Summary() string { return "delete " + transform.GlobList(s.Paths) }

func (s *step) Reach() transform.Reach {
	return transform.Reach{Uses: transform.UseAll("paths", s.Paths), Takes: s.Paths}
}

func (s *step) Edits(tree fs.FS) ([]transform.Edit, error) {
	paths, err := transform.Files(tree, s.Paths...)
	if err != nil {
		return nil, err
	}
	var edits []transform.Edit
	for _, p := range paths {
		edits = append(edits, transform.Edit{Path: p, Delete: true})
	}
	return edits, nil
}
