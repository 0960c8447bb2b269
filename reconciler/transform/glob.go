package transform

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/bmatcuk/doublestar/v4"

	"github.com/portreeve/portreeve/reconciler/fleet"
)

// CheckGlob says why a glob is not one. Its grammar: "*" and "?" stop at
// slashes, "**" as a whole element matches any number of elements, "[a-z]",
// "{a,b}", and a backslash takes what follows literally. A glob is matched
// against the whole path: "*.go" means files at the root, "**/*.go" all.
func CheckGlob(glob string) error {
	switch {
	case glob == "":
		return errors.New("the glob is empty")
	case strings.HasPrefix(glob, "/"):
		return fmt.Errorf("glob %q begins with a slash; globs are relative to the repo's root", glob)
	case strings.HasSuffix(glob, "/"):
		return fmt.Errorf("glob %q ends with a slash; for all files below write %q", glob, glob+"**")
	case !doublestar.ValidatePattern(glob):
		return fmt.Errorf("glob %q is malformed: a bracket, a brace or a backslash is left open", glob)
	}
	for _, element := range strings.Split(glob, "/") {
		if element == "" || element == "." || element == ".." {
			return fmt.Errorf("glob %q holds an empty, %q or %q element, and would match nothing", glob, ".", "..")
		}
	}
	return nil
}

// QuoteGlob is the glob that matches a path alone.
func QuoteGlob(path string) string { return globMeta.Replace(path) }

var globMeta = strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`, `]`, `\]`, `{`, `\{`, `}`, `\}`)

// PathOfGlob is the path that a glob matches alone, if it is such a one.
func PathOfGlob(glob string) (path string, ok bool) {
	var b strings.Builder
	for i := 0; i < len(glob); i++ {
		switch c := glob[i]; {
		case c == '\\' && i+1 < len(glob):
			i++
			b.WriteByte(glob[i])
		case strings.IndexByte(`*?[{`, c) >= 0:
			return "", false
		default:
			b.WriteByte(c)
		}
	}
	return b.String(), true
}

// Match reports whether a glob that CheckGlob accepts matches name.
func Match(glob, name string) bool { return doublestar.MatchUnvalidated(glob, name) }

// Files are the regular files of tree that one of the globs matches, sorted,
// each once. Links and submodules are never followed, and don't match.
func Files(tree fs.FS, globs ...string) ([]fleet.Path, error) {
	var found []fleet.Path
	for _, glob := range globs {
		base, meta := doublestar.SplitPattern(glob)
		if !strings.ContainsAny(glob, `*?[{\`) {
			entry, err := Lookup(tree, fleet.Path(glob))
			if err != nil {
				return nil, err
			}
			if entry != nil && entry.Type().IsRegular() {
				found = append(found, fleet.Path(glob))
			}
			continue
		}
		if base != "." {
			entry, err := Lookup(tree, fleet.Path(base))
			if err != nil {
				return nil, err
			}
			if entry == nil || !entry.IsDir() {
				continue
			}
		}
		flat := !strings.Contains(meta, "/") && !strings.Contains(meta, "**")
		err := walk(tree, base, flat, func(name string) {
			if Match(glob, name) {
				found = append(found, fleet.Path(name))
			}
		})
		if err != nil {
			return nil, err
		}
	}
	slices.Sort(found)
	return slices.Compact(found), nil
}

// Paths are all paths of a tree that are no directories, links and submodules
// among them, sorted by directory.
func Paths(tree fs.FS) ([]fleet.Path, error) {
	var found []fleet.Path
	err := walkAll(tree, ".", false, func(name string, _ fs.DirEntry) { found = append(found, fleet.Path(name)) })
	return found, err
}

// walk visits the regular files below dir; flat ones only if told so.
func walk(tree fs.FS, dir string, flat bool, visit func(name string)) error {
	return walkAll(tree, dir, flat, func(name string, entry fs.DirEntry) {
		if entry.Type().IsRegular() {
			visit(name)
		}
	})
}

// walkAll is walk for all that is no directory.
func walkAll(tree fs.FS, dir string, flat bool, visit func(name string, entry fs.DirEntry)) error {
	entries, err := fs.ReadDir(tree, dir)
	if err != nil {
		return foresee(tree, dir, !flat, err)
	}
	for _, entry := range entries {
		name := path.Join(dir, entry.Name())
		switch {
		case !entry.IsDir():
			visit(name, entry)
		case !flat:
			if err := walkAll(tree, name, flat, visit); err != nil {
				return err
			}
		}
	}
	return nil
}

// CheckGlobs is CheckGlob for a step's field that lists globs, at least one.
// What is wrong with several is joined.
func CheckGlobs(field string, globs []string) error {
	if len(globs) == 0 {
		return FieldErrorf(field, "is required: name at least one glob")
	}
	var all []error
	for i, glob := range globs {
		if err := CheckGlob(glob); err != nil {
			all = append(all, &FieldError{Field: fmt.Sprintf("%s[%d]", field, i), Message: err.Error()})
		}
	}
	return errors.Join(all...)
}

// GlobList names globs in a summary.
func GlobList(globs []string) string {
	if len(globs) > 2 {
		return fmt.Sprintf("%s and %d more", globs[0], len(globs)-1)
	}
	return strings.Join(globs, " and ")
}
