// Package yaml is the transform "yaml": values set and removed by path in
// YAML files. It parses a file for places only and splices bytes, so comments,
// order, quoting, indentation, line breaks and the byte order mark stay. What
// it made it parses again and holds against what it meant to make; a file
// that does not come out so is refused, and never changed.
package yaml

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"

	y "go.yaml.in/yaml/v4"

	"github.com/portreeve/portreeve/reconciler/transform"
	"github.com/portreeve/portreeve/reconciler/transform/internal/values"
)

// New is the member.
func New() transform.Transform {
	return transform.Transform{
		Name:   "yaml",
		Doc:    "Sets and removes values by path in YAML files, and leaves every other byte as it is.",
		Decode: decode,
	}
}

type step struct {
	Do       string                     `json:"do"`
	Path     string                     `json:"path"`
	Paths    []string                   `json:"paths"`
	Document map[string]json.RawMessage `json:"document"`
	Set      []setting                  `json:"set"`
	Remove   []string                   `json:"remove"`

	document []match
	remove   [][]values.Part
}

type setting struct {
	At    string          `json:"at"`
	Value json.RawMessage `json:"value"`

	at    []values.Part
	value *y.Node
}

// match is a condition on a document.
type match struct {
	at    []values.Part
	value *y.Node
}

func decode(fields json.RawMessage) (transform.Step, error) {
	s := &step{}
	if err := transform.DecodeFields(fields, s); err != nil {
		return nil, err
	}
	all := []error{s.files().Check()}
	if len(s.Set)+len(s.Remove) == 0 {
		all = append(all, transform.FieldErrorf("set", "is required, or remove is"))
	}
	set := map[string][]values.Part{}
	for i := range s.Set {
		each := &s.Set[i]
		all = append(all, each.decode(fmt.Sprintf("set[%d].", i)))
		set[each.At] = each.at
	}
	var err error
	s.remove, err = values.Removals(s.Remove, set)
	all = append(all, err)
	for _, name := range slices.Sorted(maps.Keys(s.Document)) {
		at, err := values.ParseAt(name)
		if err != nil {
			all = append(all, transform.FieldErrorf("document", "%s", err))
			continue
		}
		value, err := node(s.Document[name])
		if err != nil || value.Kind != y.ScalarNode {
			all = append(all, transform.FieldErrorf("document."+name, "is not a single value"))
		}
		s.document = append(s.document, match{at, value})
	}
	return s, errors.Join(all...)
}

func (s *step) files() values.Files { return values.Files{Path: s.Path, Paths: s.Paths} }

func (set *setting) decode(field string) error {
	var at, err error
	if set.at, err = values.ParseAt(set.At); err != nil {
		at = transform.FieldErrorf(field+"at", "%s", err)
	}
	if len(set.Value) == 0 {
		return errors.Join(at, transform.FieldErrorf(field+"value", "is required"))
	}
	if set.value, err = node(set.Value); err == nil && at == nil {
		set.value, err = named(set.at, set.value)
	}
	if err != nil {
		return errors.Join(at, transform.FieldErrorf(field+"value", "%s", err))
	}
	return at
}

func (s *step) Summary() string {
	var set []string
	for _, each := range s.Set {
		set = append(set, each.At)
	}
	return s.files().Summary(set, s.Remove)
}

func (s *step) Reach() transform.Reach { return s.files().Reach() }

func (s *step) Edits(tree fs.FS) ([]transform.Edit, error) {
	return s.files().Rewrite(tree, s.rewriteText)
}

func (s *step) rewriteText(text []byte) ([]byte, error) {
	parsed, err := parse(text)
	if err != nil {
		return nil, err
	}
	docs, err := s.choose(parsed.docs)
	if err != nil {
		return nil, err
	}
	for _, doc := range docs {
		for _, st := range s.Set {
			if parsed, err = set(parsed, doc, st.at, st.value); err != nil {
				return nil, fmt.Errorf("can't set %s: %w", st.At, err)
			}
		}
		for i, at := range s.remove {
			if parsed, err = remove(parsed, doc, at); err != nil {
				return nil, fmt.Errorf("can't remove %s: %w", s.Remove[i], err)
			}
		}
	}
	return parsed.text, nil
}

// choose gives the indexes of the documents to edit.
func (s *step) choose(docs []*y.Node) ([]int, error) {
	var chosen []int
	for i, doc := range docs {
		if !slices.ContainsFunc(s.document, func(m match) bool { return !m.holds(doc) }) {
			chosen = append(chosen, i)
		}
	}
	exact := s.Path != ""
	switch {
	case len(docs) == 0 && exact:
		return nil, fmt.Errorf("it holds no document")
	case s.document == nil && len(docs) > 1:
		return nil, fmt.Errorf("it holds %d documents; say which with document", len(docs))
	case len(chosen) == 0 && exact:
		return nil, fmt.Errorf("none of its documents is the one that is asked for")
	}
	return chosen, nil
}

func (m match) holds(doc *y.Node) bool {
	trail, rest, err := walk(doc, m.at)
	return err == nil && len(rest) == 0 && same(trail[len(trail)-1].node, m.value)
}
