package transform

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"
	"unicode"

	"github.com/portreeve/portreeve/reconciler/fleet"
)

// maxPath bounds a path in bytes, as the file systems do onto which people
// check a repo out.
const maxPath = 4096

// CheckPath says why a path must not be written, whatever the tree: it has to
// be relative and clean, and must not name Git's own directory in any
// spelling that a file system might take for it.
func CheckPath(p string) error {
	switch {
	case p == "":
		return errors.New("the path is empty")
	case len(p) > maxPath:
		return fmt.Errorf("the path is longer than %d bytes", maxPath)
	case strings.HasPrefix(p, "/"):
		return fmt.Errorf("path %q is absolute; write it relative to the repo's root", p)
	case strings.ContainsFunc(p, unicode.IsControl):
		return fmt.Errorf("path %q holds a control character", p)
	case strings.Contains(p, `\`):
		return fmt.Errorf("path %q holds a backslash; separate by slashes", p)
	case p == "." || !fs.ValidPath(p):
		return fmt.Errorf("path %q is not clean: no empty, %q or %q elements, valid UTF-8", p, ".", "..")
	}
	for _, element := range strings.Split(p, "/") {
		if isGitDir(element) {
			return fmt.Errorf("path %q is inside Git's own directory", p)
		}
	}
	return nil
}

// isGitDir knows the spellings that Git itself refuses: case, trailing dots
// and spaces, the short name on NTFS, characters that HFS+ ignores.
func isGitDir(element string) bool {
	kept := strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Cf, r) {
			return -1
		}
		return unicode.ToLower(r)
	}, element)
	kept, _, _ = strings.Cut(kept, ":") // an NTFS stream
	kept = strings.TrimRight(kept, ". ")
	return kept == ".git" || kept == "git~1"
}

// Lookup is the entry of tree at a path, nil if there is none. It follows no
// links: the entry of a link is the link, and there is nothing below one.
func Lookup(tree fs.FS, p fleet.Path) (fs.DirEntry, error) {
	dir, rest := ".", string(p)
	for {
		element, below, more := strings.Cut(rest, "/")
		entries, err := fs.ReadDir(tree, dir)
		if errors.Is(err, fs.ErrNotExist) {
			return nil, nil
		}
		if err != nil {
			return nil, foresee(tree, path.Dir(string(p)), false, err)
		}
		var entry fs.DirEntry
		for _, e := range entries {
			if e.Name() == element {
				entry = e
			}
		}
		if entry == nil || !more {
			return entry, nil
		}
		if !entry.IsDir() {
			return nil, nil
		}
		dir, rest = path.Join(dir, element), below
	}
}

// CheckTarget says why a path must not be written in this tree: one of its
// parents is no directory, or it is itself a link, a submodule or a directory.
func CheckTarget(tree fs.FS, p fleet.Path) error {
	for i, c := range p {
		if c != '/' {
			continue
		}
		entry, err := Lookup(tree, p[:i])
		switch {
		case err != nil:
			return err
		case entry == nil:
			return nil
		case !entry.IsDir():
			return fmt.Errorf("%s can't be written: %s is %s", p, p[:i], what(entry))
		}
	}
	entry, err := Lookup(tree, p)
	if err != nil || entry == nil || entry.Type().IsRegular() {
		return err
	}
	return fmt.Errorf("%s can't be written: it is %s", p, what(entry))
}

func what(entry fs.DirEntry) string {
	switch t := entry.Type(); {
	case t.IsDir():
		return "a directory"
	case t&fs.ModeSymlink != 0:
		return "a symbolic link"
	case t.IsRegular():
		return "a file"
	}
	return "a submodule"
}
