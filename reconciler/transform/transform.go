// Package transform is the contract of file edits: a tree in, edits out. Its
// members are one subfolder each; package transformtest proves them.
//
// A transform is pure. It parses for offsets and splices bytes, so that what
// it does not edit stays byte-identical, and it is idempotent: applied to its
// own result it makes no edit.
package transform

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/portreeve/portreeve/reconciler/fleet"
)

// Edit is the wanted state of one path: its whole content, or its absence.
type Edit struct {
	Path   fleet.Path
	Delete bool
	// Content is the file's whole content, when Delete is false.
	Content []byte
	// Counts is what of Content tells files apart, where that is not all of it:
	// a comment that a later Portreeve may word differently is no difference.
	// Equal Counts are one content; nil is Content itself.
	Counts []byte `json:",omitempty"`
	// Executable makes a regular file executable.
	Executable bool
}

// Counted is Counts, or Content where all of it counts.
func (e *Edit) Counted() []byte {
	if e.Counts != nil {
		return e.Counts
	}
	return e.Content
}

// Transform is a member: a way to edit files, which a step of a declaration
// names by "do".
type Transform struct {
	Name string // "replace"
	Doc  string // one sentence, for the reference
	// Decode reads a step's fields, "do" included, as JSON that has passed
	// the schema. What the schema can't say it reports as a *FieldError.
	Decode func(fields json.RawMessage) (Step, error)
}

// Step is one decoded step.
type Step interface {
	// Edits are the edits that the step makes to tree, sorted by path, each
	// path once; none when the tree is as the step wants it.
	//
	// A file whose content has not been fetched gives fleet.ErrUnread. The
	// step then goes on, so that every such file is asked for, and returns
	// the joined errors. Any other error is the target's: this repo can't
	// be edited so, and the reason is for people.
	Edits(tree fs.FS) ([]Edit, error)
	// Summary is what the step does in a few words: "replace in *.go".
	Summary() string
	// Reach is what the step's fields alone tell of the files that it is about.
	Reach() Reach
}

// Reach tells of files by paths and globs, whatever the tree.
type Reach struct {
	// Uses are globs of files without which the step does nothing, by the
	// field in which each stands: "paths[0]".
	Uses []Use
	// Takes are globs of which no file is left.
	Takes []string
	// Makes is a path at which there is a file afterwards.
	Makes fleet.Path
	// Whole is what that file holds, where it is the same for every tree; nil
	// where it is not.
	Whole *Edit
}

// Use is a glob of files that a step changes.
type Use struct{ Field, Glob string }

// UseAll are the globs of a field that lists them.
func UseAll(field string, globs []string) []Use {
	var all []Use
	for i, glob := range globs {
		all = append(all, Use{fmt.Sprintf("%s[%d]", field, i), glob})
	}
	return all
}

// FieldError is a mistake in a step's field that only the member can see.
type FieldError struct {
	Field   string // "pattern", "edits[1].path"
	Message string
	Hint    string
	// Beside is another field that it takes for the mistake; may be empty.
	Beside string
}

func (e *FieldError) Error() string { return e.Field + ": " + e.Message }

// Set is the explicit list of members, made where the program is wired.
type Set []Transform

// Find is the member of that name.
func (s Set) Find(name string) (Transform, bool) {
	i := slices.IndexFunc(s, func(t Transform) bool { return t.Name == name })
	if i < 0 {
		return Transform{}, false
	}
	return s[i], true
}

// Step makes a step of the member of that name, of its fields but "do".
func (s Set) Step(name string, fields map[string]any) (Step, error) {
	t, ok := s.Find(name)
	if !ok {
		return nil, fmt.Errorf("there is no transform %s here", name)
	}
	fields["do"] = name
	data, err := json.Marshal(fields)
	if err != nil {
		return nil, err
	}
	return t.Decode(data)
}

// Merge lays later edits over earlier ones, the later of one path winning,
// sorted by path.
func Merge(earlier, later []Edit) []Edit {
	byPath := make(map[fleet.Path]Edit, len(earlier)+len(later))
	for _, e := range earlier {
		byPath[e.Path] = e
	}
	for _, e := range later {
		byPath[e.Path] = e
	}
	merged := make([]Edit, 0, len(byPath))
	for _, e := range byPath {
		merged = append(merged, e)
	}
	Sort(merged)
	return merged
}

// Sort sorts edits by path.
func Sort(edits []Edit) {
	slices.SortFunc(edits, func(a, b Edit) int { return strings.Compare(string(a.Path), string(b.Path)) })
}
