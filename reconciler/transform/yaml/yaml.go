// Package yaml is the transform "yaml": values set and removed by path in
// YAML files. It parses a file for places only and splices bytes, so comments,
// order, quoting, indentation, line breaks and the byte order mark stay. What
// it made it parses again and holds against what it meant to make; a file
// that does not come out so is refused, and never changed.
package yaml

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"

	y "go.yaml.in/yaml/v4"

	"github.com/portreeve/portreeve/reconciler/fleet"
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
	if err := s.decodePaths(); err != nil {
		return nil, err
	}
	if len(s.Set)+len(s.Remove) == 0 {
		return nil, transform.FieldErrorf("set", "is required, or remove is")
	}
	if err := s.decodeSet(); err != nil {
		return nil, err
	}
	for i, text := range s.Remove {
		field := fmt.Sprintf("remove[%d]", i)
		at, err := values.ParseAt(text)
		if err != nil {
			return nil, transform.FieldErrorf(field, "%s", err)
		}
		if slices.ContainsFunc(at, func(p values.Part) bool { return p.Kind == values.ByIndex }) {
			return nil, &transform.FieldError{Field: field, Message: "removes by index, which would take another element each time", Hint: "select the element as [name=value]"}
		}
		for _, set := range s.Set {
			if len(at) <= len(set.at) && slices.Equal(at, set.at[:len(at)]) {
				return nil, transform.FieldErrorf(field, "removes what set[…].at %q makes", set.At)
			}
		}
		s.remove = append(s.remove, at)
	}
	for _, name := range slices.Sorted(maps.Keys(s.Document)) {
		at, err := values.ParseAt(name)
		if err != nil {
			return nil, transform.FieldErrorf("document", "%s", err)
		}
		value, err := node(s.Document[name])
		if err != nil || value.Kind != y.ScalarNode {
			return nil, transform.FieldErrorf("document."+name, "is not a single value")
		}
		s.document = append(s.document, match{at, value})
	}
	return s, nil
}

func (s *step) decodePaths() error {
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

func (s *step) decodeSet() error {
	for i := range s.Set {
		set := &s.Set[i]
		field := fmt.Sprintf("set[%d].", i)
		var err error
		if set.at, err = values.ParseAt(set.At); err != nil {
			return transform.FieldErrorf(field+"at", "%s", err)
		}
		if len(set.Value) == 0 {
			return transform.FieldErrorf(field+"value", "is required")
		}
		if set.value, err = node(set.Value); err == nil {
			set.value, err = named(set.at, set.value)
		}
		if err != nil {
			return transform.FieldErrorf(field+"value", "%s", err)
		}
	}
	return nil
}

func (s *step) Summary() string {
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

func (s *step) Edits(tree fs.FS) ([]transform.Edit, error) {
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

func (s *step) rewrite(p fleet.Path, content []byte) ([]byte, error) {
	text, marked := bytes.CutPrefix(content, bom)
	after, err := s.rewriteText(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", p, err)
	}
	if marked {
		after = append(slices.Clone(bom), after...)
	}
	return after, nil
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
