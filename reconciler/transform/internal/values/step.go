package values

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/transform"
)

// Rewriter edits one file's text, without its byte order mark.
type Rewriter func(s *Step, text []byte) ([]byte, error)

// Step is a step that sets and removes values by path.
type Step struct {
	Do     string    `json:"do"`
	Path   string    `json:"path"`
	Paths  []string  `json:"paths"`
	Set    []Setting `json:"set"`
	Remove []string  `json:"remove"`

	// Removals are Remove, read.
	Removals [][]Part `json:"-"`

	rewriter Rewriter
}

// Setting is a value to set.
type Setting struct {
	At    string          `json:"at"`
	Value json.RawMessage `json:"value"`

	// Parts and Wanted are At and Value, read.
	Parts  []Part `json:"-"`
	Wanted *Value `json:"-"`
}

// Decode reads a step. What check finds wrong with a value to set is its
// field's mistake; check may be nil.
func Decode(fields json.RawMessage, check func(*Value) error, rewriter Rewriter) (transform.Step, error) {
	s := &Step{rewriter: rewriter}
	if err := transform.DecodeFields(fields, s); err != nil {
		return nil, err
	}
	if err := s.decodePaths(); err != nil {
		return nil, err
	}
	if len(s.Set)+len(s.Remove) == 0 {
		return nil, transform.FieldErrorf("set", "is required, or remove is")
	}
	if err := s.decodeSet(check); err != nil {
		return nil, err
	}
	if err := s.decodeRemove(); err != nil {
		return nil, err
	}
	return s, nil
}

func (s *Step) decodePaths() error {
	if (s.Path == "") == (len(s.Paths) == 0) {
		return transform.FieldErrorf("path", "exactly one of path and paths is required")
	}
	if s.Path == "" {
		return transform.CheckGlobs("paths", s.Paths)
	}
	if err := transform.CheckPath(s.Path); err != nil {
		return transform.FieldErrorf("path", "%s", err)
	}
	return nil
}

func (s *Step) decodeSet(check func(*Value) error) error {
	for i := range s.Set {
		set := &s.Set[i]
		field := fmt.Sprintf("set[%d].", i)
		var err error
		if set.Parts, err = ParseAt(set.At); err != nil {
			return transform.FieldErrorf(field+"at", "%s", err)
		}
		if len(set.Value) == 0 {
			return transform.FieldErrorf(field+"value", "is required")
		}
		if set.Wanted, err = Read(set.Value); err == nil && check != nil {
			err = check(set.Wanted)
		}
		if err == nil {
			set.Wanted, err = Named(set.Parts, set.Wanted)
		}
		if err != nil {
			return transform.FieldErrorf(field+"value", "%s", err)
		}
	}
	return nil
}

func (s *Step) decodeRemove() error {
	for i, text := range s.Remove {
		field := fmt.Sprintf("remove[%d]", i)
		at, err := ParseAt(text)
		if err != nil {
			return transform.FieldErrorf(field, "%s", err)
		}
		if slices.ContainsFunc(at, func(p Part) bool { return p.Kind == ByIndex }) {
			return &transform.FieldError{Field: field, Message: "removes by index, which would take another element each time", Hint: "select the element as [name=value]"}
		}
		for _, set := range s.Set {
			if len(at) <= len(set.Parts) && slices.Equal(at, set.Parts[:len(at)]) {
				return transform.FieldErrorf(field, "removes what set[…].at %q makes", set.At)
			}
		}
		s.Removals = append(s.Removals, at)
	}
	return nil
}

// Summary implements transform.Step.
func (s *Step) Summary() string {
	var does []string
	if len(s.Set) > 0 {
		does = append(does, "set "+s.Set[0].At+more(len(s.Set)))
	}
	if len(s.Remove) > 0 {
		does = append(does, "remove "+s.Remove[0]+more(len(s.Remove)))
	}
	where := s.Path
	if where == "" {
		where = transform.GlobList(s.Paths)
	}
	return strings.Join(does, " and ") + " in " + where
}

func more(n int) string {
	if n == 1 {
		return ""
	}
	return fmt.Sprintf(" (and %d more)", n-1)
}

// Edits implements transform.Step.
func (s *Step) Edits(tree fs.FS) ([]transform.Edit, error) {
	if s.Path == "" {
		paths, err := transform.Files(tree, s.Paths...)
		if err != nil {
			return nil, err
		}
		return transform.Rewrite(tree, paths, s.rewrite)
	}
	p := fleet.Path(s.Path)
	if err := transform.CheckTarget(tree, p); err != nil {
		return nil, err
	}
	entry, err := transform.Lookup(tree, p)
	if err != nil {
		return nil, err
	}
	if entry == nil {
		return nil, fmt.Errorf("%s does not exist", p)
	}
	return transform.Rewrite(tree, []fleet.Path{p}, s.rewrite)
}

var bom = []byte("\xef\xbb\xbf")

func (s *Step) rewrite(p fleet.Path, content []byte) ([]byte, error) {
	text, marked := bytes.CutPrefix(content, bom)
	after, err := s.rewriter(s, text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", p, err)
	}
	if marked {
		after = append(slices.Clone(bom), after...)
	}
	return after, nil
}
