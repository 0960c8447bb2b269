// Package rename is the transform "rename": one file moves from one exact
// path to another and keeps its content and mode.
package rename

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/transform"
)

// New is the member.
func New() transform.Transform {
	return transform.Transform{
		Name:   "rename",
		Doc:    "Moves one file; refused where the new path holds something else.",
		Decode: decode,
	}
}

type step struct {
	Do   string `json:"do"`
	From string `json:"from"`
	To   string `json:"to"`
}

func decode(fields json.RawMessage) (transform.Step, error) {
	s := &step{}
	if err := transform.DecodeFields(fields, s); err != nil {
		return nil, err
	}
	var all []error
	for _, f := range []struct{ field, path string }{{"from", s.From}, {"to", s.To}} {
		if err := transform.CheckPath(f.path); err != nil {
			all = append(all, &transform.FieldError{Field: f.field, Message: err.Error()})
		}
	}
	if all != nil {
		return nil, errors.Join(all...)
	}
	if s.From == s.To {
		return nil, &transform.FieldError{Field: "to", Message: "is the same path as from", Beside: "from"}
	}
	return s, nil
}

func (s *step) Summary() string { return "rename " + s.From + " to " + s.To }

func (s *step) Reach() transform.Reach {
	from := transform.QuoteGlob(s.From)
	return transform.Reach{Uses: []transform.Use{{Field: "from", Glob: from}}, Takes: []string{from}, Makes: fleet.Path(s.To)}
}

func (s *step) Edits(tree fs.FS) ([]transform.Edit, error) {
	from, to := fleet.Path(s.From), fleet.Path(s.To)
	source, err := transform.Lookup(tree, from)
	if err != nil || source == nil {
		return nil, err
	}
	if source.IsDir() && strings.HasPrefix(s.To, s.From+"/") {
		if moved, err := transform.Lookup(tree, to); err != nil || moved != nil {
			return nil, err // the file has become a directory, with itself in it
		}
	}
	if err := transform.CheckTarget(tree, from); err != nil {
		return nil, err
	}
	// From may stand where a directory of To has to be.
	cleared := transform.Overlay(tree, []transform.Edit{{Path: from, Delete: true}})
	if err := transform.CheckTarget(cleared, to); err != nil {
		return nil, err
	}
	taken, err := transform.Lookup(cleared, to)
	if err != nil {
		return nil, err
	}
	var unread transform.Questions
	content, err := fs.ReadFile(tree, s.From)
	if !unread.Ask(err) && err != nil {
		return nil, err
	}
	if taken != nil {
		there, err := fs.ReadFile(tree, s.To)
		if !unread.Ask(err) && err != nil {
			return nil, err
		}
		if unread.Err() == nil && !bytes.Equal(content, there) {
			return nil, fmt.Errorf("%s can't be renamed to %s: that path holds another content", s.From, s.To)
		}
	}
	if err := unread.Err(); err != nil {
		return nil, err
	}
	edits := []transform.Edit{
		{Path: from, Delete: true},
		{Path: to, Content: content, Executable: transform.IsExecutable(source)},
	}
	transform.Sort(edits)
	return edits, nil
}
