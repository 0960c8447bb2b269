// Package file is the transform "file": one file with exactly this content.
package file

import (
	"encoding/json"
	"errors"
	"io/fs"

	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/transform"
)

// New is the member.
func New() transform.Transform {
	return transform.Transform{
		Name:   "file",
		Doc:    "Writes one file, whole; with ifMissing only where there is none.",
		Decode: decode,
	}
}

type step struct {
	Do         string  `json:"do"`
	Path       string  `json:"path"`
	Content    *string `json:"content"`
	Executable bool    `json:"executable"`
	IfMissing  bool    `json:"ifMissing"`
}

func decode(fields json.RawMessage) (transform.Step, error) {
	s := &step{}
	if err := transform.DecodeFields(fields, s); err != nil {
		return nil, err
	}
	var all []error
	if err := transform.CheckPath(s.Path); err != nil {
		all = append(all, &transform.FieldError{Field: "path", Message: err.Error()})
	}
	if s.Content == nil {
		all = append(all, &transform.FieldError{Field: "content", Message: "is required", Hint: `for an empty file write content: ""`})
	}
	return s, errors.Join(all...)
}

func (s *step) Summary() string {
	if s.IfMissing {
		return "create " + s.Path + " if missing"
	}
	return "write " + s.Path
}

func (s *step) Reach() transform.Reach {
	r := transform.Reach{Makes: fleet.Path(s.Path)}
	if !s.IfMissing {
		r.Whole = s.edit()
	}
	return r
}

func (s *step) edit() *transform.Edit {
	return &transform.Edit{Path: fleet.Path(s.Path), Content: []byte(*s.Content), Executable: s.Executable}
}

func (s *step) Edits(tree fs.FS) ([]transform.Edit, error) {
	p := fleet.Path(s.Path)
	entry, err := transform.Lookup(tree, p)
	if err != nil || s.IfMissing && entry != nil {
		return nil, err
	}
	if err := transform.CheckTarget(tree, p); err != nil {
		return nil, err
	}
	e := s.edit()
	same, err := transform.Holds(tree, *e)
	if err != nil || same {
		return nil, err
	}
	return []transform.Edit{*e}, nil
}
