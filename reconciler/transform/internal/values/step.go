package values

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"

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
	all := []error{s.files().Check()}
	if len(s.Set)+len(s.Remove) == 0 {
		all = append(all, transform.FieldErrorf("set", "is required, or remove is"))
	}
	set := map[string][]Part{}
	for i := range s.Set {
		each := &s.Set[i]
		all = append(all, each.decode(fmt.Sprintf("set[%d].", i), check))
		set[each.At] = each.Parts
	}
	var err error
	s.Removals, err = Removals(s.Remove, set)
	return s, errors.Join(append(all, err)...)
}

func (s *Step) files() Files { return Files{s.Path, s.Paths} }

func (set *Setting) decode(field string, check func(*Value) error) error {
	var at, err error
	if set.Parts, err = ParseAt(set.At); err != nil {
		at = transform.FieldErrorf(field+"at", "%s", err)
	}
	if len(set.Value) == 0 {
		return errors.Join(at, transform.FieldErrorf(field+"value", "is required"))
	}
	if set.Wanted, err = Read(set.Value); err == nil && check != nil {
		err = check(set.Wanted)
	}
	if err == nil && at == nil {
		set.Wanted, err = Named(set.Parts, set.Wanted)
	}
	if err != nil {
		return errors.Join(at, transform.FieldErrorf(field+"value", "%s", err))
	}
	return at
}

// Summary implements transform.Step.
func (s *Step) Summary() string {
	var set []string
	for _, each := range s.Set {
		set = append(set, each.At)
	}
	return s.files().Summary(set, s.Remove)
}

// Reach implements transform.Step.
func (s *Step) Reach() transform.Reach { return s.files().Reach() }

// Edits implements transform.Step.
func (s *Step) Edits(tree fs.FS) ([]transform.Edit, error) {
	return s.files().Rewrite(tree, func(text []byte) ([]byte, error) { return s.rewriter(s, text) })
}
