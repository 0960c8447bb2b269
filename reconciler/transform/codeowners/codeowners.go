// Package codeowners is the transform "codeowners": a managed block of lines
// in a CODEOWNERS file that people write by hand. The block stands between
// the comments "# portreeve:begin NAME" and "# portreeve:end NAME"; every
// byte outside stays. It never writes a line that GitHub would skip.
package codeowners

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"slices"
	"strings"

	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/transform"
)

// New is the member.
func New() transform.Transform {
	return transform.Transform{
		Name:   "codeowners",
		Doc:    "Keeps a block of lines in a CODEOWNERS file, and leaves what people wrote around it.",
		Decode: decode,
	}
}

type step struct {
	Do    string     `json:"do"`
	Path  fleet.Path `json:"path"`
	Block string     `json:"block"`
	Lines []line     `json:"lines"`
	At    string     `json:"at"`
}

type line struct {
	Pattern string   `json:"pattern"`
	Owners  []string `json:"owners"`
}

var blockName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._/-]{0,99}$`)

func decode(fields json.RawMessage) (transform.Step, error) {
	s := &step{}
	if err := transform.DecodeFields(fields, s); err != nil {
		return nil, err
	}
	all := s.checkLines()
	if s.Path != "" && !slices.Contains(transform.OwnersFiles, s.Path) {
		all = append(all, transform.FieldErrorf("path", "%q is none of the places that GitHub reads: %q", s.Path, transform.OwnersFiles))
	}
	switch {
	case s.Block == "":
		all = append(all, transform.FieldErrorf("block", "is required: the block's name in the file"))
	case !blockName.MatchString(s.Block):
		all = append(all, transform.FieldErrorf("block", "%q is no name: letters, digits and . _ / -, at most 100", s.Block))
	}
	if s.At != "" && s.At != "start" && s.At != "end" {
		all = append(all, transform.FieldErrorf("at", `%q is neither "start" nor "end"`, s.At))
	}
	if s.Lines == nil {
		all = append(all, &transform.FieldError{Field: "lines", Message: "is required", Hint: "to remove the block, write lines: []"})
	}
	return s, errors.Join(all...)
}

func (s *step) checkLines() (all []error) {
	seen := map[string]int{}
	for i, l := range s.Lines {
		field := fmt.Sprintf("lines[%d].", i)
		if err := transform.CheckOwnersPattern(l.Pattern); err != nil {
			all = append(all, transform.FieldErrorf(field+"pattern", "%s", err))
		}
		written := transform.EscapeOwnersPattern(l.Pattern)
		if first, ok := seen[written]; ok {
			all = append(all, &transform.FieldError{
				Field: field + "pattern", Message: fmt.Sprintf("%q is that of lines[%d] too, and only the last would count", l.Pattern, first),
				Hint: "co-owners stand on one line",
			})
		}
		seen[written] = i
		for j, owner := range l.Owners {
			if !transform.IsOwner(owner) {
				all = append(all, &transform.FieldError{
					Field: fmt.Sprintf("%sowners[%d]", field, j), Message: fmt.Sprintf("%q is no owner", owner),
					Hint: "write @user, @org/team or an email address",
				})
			}
		}
	}
	return all
}

func (s *step) Summary() string {
	where := s.Path
	if where == "" {
		where = "CODEOWNERS"
	}
	if len(s.Lines) == 0 {
		return fmt.Sprintf("remove block %s from %s", s.Block, where)
	}
	return fmt.Sprintf("keep block %s in %s", s.Block, where)
}

func (s *step) Reach() transform.Reach {
	p := s.Path
	if p == "" {
		p = transform.OwnersFiles[0] // as a rule
	}
	if len(s.Lines) == 0 {
		return transform.Reach{Uses: []transform.Use{{Field: "block", Glob: "**/CODEOWNERS"}}}
	}
	return transform.Reach{Makes: p}
}

func (s *step) Edits(tree fs.FS) ([]transform.Edit, error) {
	p, exists, err := transform.OwnersFile(tree)
	if err != nil {
		return nil, err
	}
	if s.Path != "" && p != s.Path {
		if exists {
			return nil, fmt.Errorf("GitHub reads %s here, and not %s", p, s.Path)
		}
		p = s.Path
	}
	if err := transform.CheckTarget(tree, p); err != nil {
		return nil, err
	}
	if !exists {
		if len(s.Lines) == 0 {
			return nil, nil
		}
		return []transform.Edit{{Path: p, Content: []byte(s.render("\n"))}}, nil
	}
	content, ok, err := transform.ReadText(tree, p)
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, fmt.Errorf("%s is larger than 1 MiB, or binary", p)
	}
	return s.edit(tree, p, content)
}

func (s *step) edit(tree fs.FS, p fleet.Path, content []byte) ([]transform.Edit, error) {
	after, err := s.rewrite(string(content))
	switch {
	case err != nil:
		return nil, fmt.Errorf("%s: %w", p, err)
	case after == string(content):
		return nil, nil
	case after == "": // nothing but the block stood there
		return []transform.Edit{{Path: p, Delete: true}}, nil
	case len(after) >= transform.MaxOwners:
		return nil, fmt.Errorf("%s would reach 3 MB, and GitHub would not load it", p)
	}
	entry, err := transform.Lookup(tree, p)
	if err != nil {
		return nil, err
	}
	return []transform.Edit{{Path: p, Content: []byte(after), Executable: entry != nil && transform.IsExecutable(entry)}}, nil
}

// render writes the block.
func (s *step) render(eol string) string {
	var b strings.Builder
	b.WriteString(beginMarker + s.Block + eol)
	for _, l := range s.Lines {
		b.WriteString(strings.Join(append([]string{transform.EscapeOwnersPattern(l.Pattern)}, l.Owners...), " ") + eol)
	}
	b.WriteString(endMarker + s.Block + eol)
	return b.String()
}
