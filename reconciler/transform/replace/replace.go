// Package replace is the transform "replace": a regular expression and what
// to put in place of each match, over the text files that globs name.
package replace

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/transform"
)

// New is the member.
func New() transform.Transform {
	return transform.Transform{
		Name:   "replace",
		Doc:    "Replaces each match of a regular expression in the text files that globs name.",
		Decode: decode,
	}
}

type step struct {
	Do      string   `json:"do"`
	Paths   []string `json:"paths"`
	Pattern string   `json:"pattern"`
	With    *string  `json:"with"`

	re *regexp.Regexp
}

func decode(fields json.RawMessage) (transform.Step, error) {
	s := &step{}
	if err := transform.DecodeFields(fields, s); err != nil {
		return nil, err
	}
	all := []error{transform.CheckGlobs("paths", s.Paths)}
	re, err := transform.CompilePattern("pattern", s.Pattern)
	s.re, all = re, append(all, err)
	switch {
	case s.With == nil:
		all = append(all, &transform.FieldError{Field: "with", Message: "is required", Hint: `to remove matches, write with: ""`})
	case err == nil && same(re, *s.With):
		all = append(all, &transform.FieldError{Field: "with", Message: "is what pattern matches, so nothing would change", Beside: "pattern"})
	case err == nil:
		all = append(all, checkWith(*s.With, re))
	}
	return s, errors.Join(all...)
}

// same reports whether a pattern matches one text alone, with which it is
// replaced.
func same(re *regexp.Regexp, with string) bool {
	text, whole := re.LiteralPrefix()
	return whole && text == with && !strings.Contains(text, "$")
}

// reference is what regexp.Expand takes for a group's name or number.
var reference = regexp.MustCompile(`\$(?:\$|\{(\w+)\}|(\w+))?`)

// checkWith refuses references that regexp.Expand would silently replace by
// nothing: "$1x" is a group named "1x".
func checkWith(with string, re *regexp.Regexp) error {
	for _, m := range reference.FindAllStringSubmatch(with, -1) {
		name := m[1] + m[2]
		if m[0] == "$$" {
			continue
		}
		if name == "" {
			return &transform.FieldError{Field: "with", Beside: "pattern", Message: `holds a "$" that names no group`, Hint: `for a dollar sign write "$$"`}
		}
		if n, err := strconv.Atoi(name); err == nil {
			if n > re.NumSubexp() {
				e := transform.FieldErrorf("with", "refers to group %d; the pattern has %d", n, re.NumSubexp())
				e.Beside = "pattern"
				return e
			}
			continue
		}
		if slices.Contains(re.SubexpNames(), name) {
			continue
		}
		e := transform.FieldErrorf("with", "refers to group %q, which the pattern lacks", name)
		e.Beside = "pattern"
		e.Hint = fleet.DidYouMean(name, slices.DeleteFunc(re.SubexpNames(), func(s string) bool { return s == "" }))
		if digits := len(name) - len(strings.TrimLeft(name, "0123456789")); digits > 0 {
			e.Hint = fmt.Sprintf("write ${%s}%s", name[:digits], name[digits:])
		}
		return e
	}
	return nil
}

func (s *step) Summary() string { return "replace in " + transform.GlobList(s.Paths) }

func (s *step) Reach() transform.Reach {
	return transform.Reach{Uses: transform.UseAll("paths", s.Paths)}
}

func (s *step) Edits(tree fs.FS) ([]transform.Edit, error) {
	paths, err := transform.Files(tree, s.Paths...)
	if err != nil {
		return nil, err
	}
	return transform.Rewrite(tree, paths, s.rewrite)
}

func (s *step) rewrite(p fleet.Path, content []byte) ([]byte, error) {
	var out []byte
	last := 0
	for _, m := range s.re.FindAllSubmatchIndex(content, -1) {
		out = append(out, content[last:m[0]]...)
		out = s.re.Expand(out, []byte(*s.With), content, m)
		last = m[1]
		if len(out) > transform.MaxText {
			return nil, fmt.Errorf("%s would grow beyond 1 MiB", p)
		}
	}
	if last == 0 && out == nil {
		return content, nil
	}
	out = append(out, content[last:]...)
	if len(out) > transform.MaxText {
		return nil, fmt.Errorf("%s would grow beyond 1 MiB", p)
	}
	return out, nil
}
