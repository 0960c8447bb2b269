package values

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"

	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/transform"
)

// Files are the files that a step is about: one by its path, which must be
// there, or those that globs match.
type Files struct {
	Path  string
	Paths []string
}

// Check is what is wrong with the fields path and paths.
func (f Files) Check() error {
	if (f.Path == "") == (len(f.Paths) == 0) {
		return transform.FieldErrorf("path", "exactly one of path and paths is required")
	}
	if f.Path == "" {
		return transform.CheckGlobs("paths", f.Paths)
	}
	if err := transform.CheckPath(f.Path); err != nil {
		return transform.FieldErrorf("path", "%s", err)
	}
	return nil
}

// Reach is a step's, which edits the files.
func (f Files) Reach() transform.Reach {
	if f.Path != "" {
		return transform.Reach{Uses: []transform.Use{{Field: "path", Glob: transform.QuoteGlob(f.Path)}}}
	}
	return transform.Reach{Uses: transform.UseAll("paths", f.Paths)}
}

// Summary is a step's, which sets and removes at places in the files.
func (f Files) Summary(set, remove []string) string {
	var does []string
	if len(set) > 0 {
		does = append(does, "set "+set[0]+more(len(set)))
	}
	if len(remove) > 0 {
		does = append(does, "remove "+remove[0]+more(len(remove)))
	}
	where := f.Path
	if where == "" {
		where = transform.GlobList(f.Paths)
	}
	return strings.Join(does, " and ") + " in " + where
}

func more(n int) string {
	if n == 1 {
		return ""
	}
	return fmt.Sprintf(" (and %d more)", n-1)
}

var bom = []byte("\xef\xbb\xbf")

// Rewrite edits the text of each file, its byte order mark put aside and kept.
func (f Files) Rewrite(tree fs.FS, edit func(text []byte) ([]byte, error)) ([]transform.Edit, error) {
	rewrite := func(p fleet.Path, content []byte) ([]byte, error) {
		text, marked := bytes.CutPrefix(content, bom)
		after, err := edit(text)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", p, err)
		}
		if marked {
			after = append(slices.Clone(bom), after...)
		}
		return after, nil
	}
	if f.Path == "" {
		paths, err := transform.Files(tree, f.Paths...)
		if err != nil {
			return nil, err
		}
		return transform.Rewrite(tree, paths, rewrite)
	}
	p := fleet.Path(f.Path)
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
	return transform.Rewrite(tree, []fleet.Path{p}, rewrite)
}

// Removals reads the places that a step removes. set are those that it sets,
// by their text; none of one that could not be read. What is wrong with several
// is joined.
func Removals(remove []string, set map[string][]Part) ([][]Part, error) {
	var removals [][]Part
	var all []error
	for i, text := range remove {
		field := fmt.Sprintf("remove[%d]", i)
		at, err := ParseAt(text)
		if err != nil {
			all = append(all, transform.FieldErrorf(field, "%s", err))
			continue
		}
		if slices.ContainsFunc(at, func(p Part) bool { return p.Kind == ByIndex }) {
			all = append(all, &transform.FieldError{Field: field, Message: "removes by index, which would take another element each time", Hint: "select the element as [name=value]"})
			continue
		}
		for _, name := range slices.Sorted(maps.Keys(set)) {
			if parts := set[name]; len(at) <= len(parts) && slices.Equal(at, parts[:len(at)]) {
				all = append(all, transform.FieldErrorf(field, "removes what set[…].at %q makes", name))
				break
			}
		}
		removals = append(removals, at)
	}
	return removals, errors.Join(all...)
}
