package schema

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"golang.org/x/mod/semver"
)

// CopyDir is where a config repo keeps its copy of the definitions, which
// CUE's own tools and editors read, offline.
const CopyDir = "cue.mod/pkg/" + ImportPath

// stampName is the file that says which version wrote a copy, and what.
const stampName = "VERSION"

// maxCopied bounds what is read of a file of a copy, in bytes.
const maxCopied = 1 << 20

// State is how a config repo's copy of the definitions stands to those of
// this program.
type State string

const (
	Missing State = "missing" // there is none
	Current State = "current" // it is the same
	Older   State = "older"   // an older version wrote it
	Newer   State = "newer"   // a newer version wrote it
	Edited  State = "edited"  // it is not as it was written
	Other   State = "other"   // it differs, and there is no telling how
)

// Copy is what is found out about a copy.
type Copy struct {
	State State `json:"state"`
	// Version is the program's that wrote it, if that is known.
	Version string `json:"version,omitempty"`
	// Files are those that make the difference, by their paths.
	Files []string `json:"files,omitempty"`
}

// Files are the files of a copy by their names, with the stamp of the version
// that writes it.
func Files(version string) map[string][]byte {
	files := map[string][]byte{}
	names, _ := fs.Glob(FS, "*.cue") // of a pattern that is well formed
	stamp := fmt.Sprintf("# The definitions of a config repo, copied by \"portreeve schema --update\". Do not edit.\nportreeve %s\n", orUnknown(version))
	for _, name := range names {
		data, _ := FS.ReadFile(name) // embedded
		files[name] = data
		stamp += sum(data) + "  " + name + "\n"
	}
	files[stampName] = []byte(stamp)
	return files
}

func orUnknown(version string) string {
	if version == "" {
		return "unknown"
	}
	return version
}

func sum(data []byte) string {
	s := sha256.Sum256(data)
	return hex.EncodeToString(s[:])
}

// Compare holds the copy in a config repo against the definitions of this
// program, whose version is given as far as it is known.
func Compare(fsys fs.FS, version string) (Copy, error) {
	found, err := read(fsys)
	if err != nil || len(found) == 0 {
		return Copy{State: Missing}, err
	}
	wrote, sums := readStamp(found[stampName])
	delete(found, stampName)
	ours := Files("")
	delete(ours, stampName)
	differing := different(found, func(name string, data []byte) bool { return bytes.Equal(ours[name], data) }, ours)
	c := Copy{State: Current, Version: wrote, Files: differing}
	if len(differing) == 0 {
		return c, nil
	}
	edited := different(found, func(name string, data []byte) bool { return sums[name] == sum(data) }, sums)
	switch {
	case sums == nil:
		c.State = Other
	case len(edited) > 0:
		c.State, c.Files = Edited, edited
	case !semver.IsValid(wrote) || !semver.IsValid(version) || semver.Compare(wrote, version) == 0:
		c.State = Other
	case semver.Compare(wrote, version) < 0:
		c.State = Older
	default:
		c.State = Newer
	}
	return c, nil
}

// different are the paths of files that are not as they should be, or should
// not be there, or are missing.
func different[V any](found map[string][]byte, same func(name string, data []byte) bool, wanted map[string]V) []string {
	var paths []string
	for name, data := range found {
		if !same(name, data) {
			paths = append(paths, path.Join(CopyDir, name))
		}
	}
	for name := range wanted {
		if _, ok := found[name]; !ok {
			paths = append(paths, path.Join(CopyDir, name))
		}
	}
	return slices.Sorted(slices.Values(paths))
}

// read reads the copy's files by their names.
func read(fsys fs.FS) (map[string][]byte, error) {
	entries, err := fs.ReadDir(fsys, CopyDir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	files := map[string][]byte{}
	for _, e := range entries {
		if path.Ext(e.Name()) != ".cue" && e.Name() != stampName {
			continue
		}
		name := path.Join(CopyDir, e.Name())
		info, err := e.Info()
		if err != nil {
			return nil, err
		}
		if !info.Mode().IsRegular() || info.Size() > maxCopied {
			return nil, fmt.Errorf("%s: is no file of at most %d KiB", name, maxCopied>>10)
		}
		if files[e.Name()], err = fs.ReadFile(fsys, name); err != nil {
			return nil, err
		}
	}
	return files, err
}

// readStamp gives the version and the sums that a stamp tells; no sums if
// there is no stamp that can be read.
func readStamp(stamp []byte) (version string, sums map[string]string) {
	for line := range strings.Lines(string(stamp)) {
		word, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		rest = strings.TrimSpace(rest)
		switch {
		case word == "#" || word == "":
		case word == "portreeve":
			version, sums = rest, map[string]string{}
		case sums != nil:
			sums[rest] = word
		}
	}
	if version == "unknown" {
		version = ""
	}
	return version, sums
}

// Stale are the files of a copy, by their paths, that the version which wrote
// it had and this program has not.
func Stale(fsys fs.FS) ([]string, error) {
	found, err := read(fsys)
	_, sums := readStamp(found[stampName])
	ours := Files("")
	var stale []string
	for name, data := range found {
		if _, ok := ours[name]; !ok && sums[name] == sum(data) {
			stale = append(stale, path.Join(CopyDir, name))
		}
	}
	return slices.Sorted(slices.Values(stale)), err
}

// Words says in a sentence what is the matter with a copy, and how to mend
// it; empty if nothing is.
func (c Copy) Words() (what, hint string) {
	by := ""
	if c.Version != "" {
		by = ", of version " + c.Version + ","
	}
	const update = `run "portreeve schema --update"`
	switch c.State {
	case Current:
		return "", ""
	case Missing:
		return "there is no copy of the schema for CUE's own tools", update
	case Older:
		return "this copy of the schema" + by + " is older than portreeve", update
	case Newer:
		return "this copy of the schema" + by + " is newer than portreeve", "use that version of portreeve"
	case Edited:
		return "this copy of the schema was edited", "move what is yours out of it, and " + update
	}
	return "this copy of the schema" + by + " is not the one of this version of portreeve", update
}
