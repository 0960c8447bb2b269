package declare

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/schema"
)

// Bounds on what is read at all.
const (
	maxFiles = 100_000
	maxBytes = 4 << 20   // of one file
	maxTotal = 512 << 20 // of all files
	maxDepth = 32        // of folders
)

// source is a file of the config repo as it was read.
type source struct {
	path string
	id   string // of data
	data []byte
}

// finder finds and reads the *.cue files of a tree. It never follows a
// symlink: what a symlink shows isn't in the commit.
type finder struct {
	fsys     fs.FS
	files    []string
	total    int
	problems []fleet.Problem
	// unreadable are files whose declarations are unknown.
	unreadable []string
	stop       bool
}

func (f *finder) folder(dir string, depth int) {
	entries, err := fs.ReadDir(f.fsys, dir)
	if err != nil {
		f.refuse(dir, "unreadable", "can't be read: "+reason(err), "")
		return
	}
	if depth > maxDepth {
		f.refuse(dir, "too-large", fmt.Sprintf("folders are nested more than %d deep", maxDepth), "")
		return
	}
	for _, e := range entries {
		f.entry(path.Join(dir, e.Name()), e, depth)
	}
}

func (f *finder) entry(name string, e fs.DirEntry, depth int) {
	isCUE := strings.HasSuffix(name, ".cue")
	switch {
	case name == fleet.StopFile:
		f.stop = true
	case strings.HasPrefix(e.Name(), ".") || e.Name() == "cue.mod":
	case e.Type()&fs.ModeSymlink != 0:
		if isCUE || f.leadsToFolder(name) {
			f.refuse(name, "symlink", "is a symlink, which is not followed", "put the file itself here")
		}
	case e.IsDir():
		f.folder(name, depth+1)
	case isCUE && !e.Type().IsRegular(): // to open a pipe may wait for ever
		f.refuse(name, "unreadable", "is no regular file", "")
	case isCUE && len(f.files) >= maxFiles:
		f.refuse(name, "too-large", fmt.Sprintf("more than %d files", maxFiles), "")
	case isCUE:
		f.files = append(f.files, name)
	default:
		f.mistaken(name)
	}
}

// mistaken warns of a file that is not read, and was probably meant to be.
func (f *finder) mistaken(name string) {
	base, ending, _ := strings.Cut(path.Base(name), ".")
	group, _, _ := strings.Cut(name, "/")
	if group == name {
		group = base
	}
	switch {
	case !strings.Contains(name, "/") && strings.EqualFold(base, fleet.StopFile):
		f.warn("stop-spelling", name, fmt.Sprintf("halts nothing: the file that does is named %q", fleet.StopFile), fmt.Sprintf("did you mean %q?", fleet.StopFile))
	case strings.HasPrefix(ending, "cue."),
		definitions[group] != "" && slices.Contains([]string{"yaml", "yml", "json", "toml"}, ending):
		f.warn("not-read", name, "is not read: declarations stand in files whose names end with .cue", "write it in CUE, or move it elsewhere")
	}
}

func (f *finder) warn(code, name, message, hint string) {
	f.problems = append(f.problems, fleet.Problem{
		Severity: fleet.Warning, Code: code, Pos: fleet.Pos{File: name}, Message: message, Hint: hint,
	})
}

// leadsToFolder reports whether a symlink may hide declarations. Where that
// can't be told, it may.
func (f *finder) leadsToFolder(name string) bool {
	info, err := fs.Stat(f.fsys, name)
	return err == nil && info.IsDir()
}

// read reads a file. It reports false where that can't be, which is then a
// problem.
func (f *finder) read(name string) (source, bool) {
	src, err := f.content(name)
	switch {
	case errors.Is(err, errTooLarge):
		f.refuse(name, "too-large", fmt.Sprintf("is larger than %d MiB", maxBytes>>20), "split it into several files")
		f.problems[len(f.problems)-1].Pos = fleet.Top(name)
	case err != nil:
		f.refuse(name, "unreadable", "can't be read: "+reason(err), "")
	}
	return src, err == nil
}

var errTooLarge = errors.New("too large")

func (f *finder) content(name string) (source, error) {
	file, err := f.fsys.Open(name)
	if err != nil {
		return source{}, err
	}
	defer file.Close()
	data, err := io.ReadAll(io.LimitReader(file, maxBytes+1))
	if err == nil && len(data) > maxBytes {
		err = errTooLarge
	}
	return source{name, contentID(data), data}, err
}

// count adds a file's size, and refuses a file that makes the total too large.
func (f *finder) count(name string, size int) bool {
	if f.total+size > maxTotal {
		f.refuse(name, "too-large", fmt.Sprintf("the files together are larger than %d MiB", maxTotal>>20), "")
		return false
	}
	f.total += size
	return true
}

func contentID(data []byte) string {
	sum := sha256.Sum256(data)
	return string(sum[:])
}

// vendored warns of a copy of the schema, which CUE's own tools read, that is
// not the one that is held to here.
func (f *finder) vendored() {
	found, err := schema.Compare(f.fsys, "")
	what, hint := found.Words()
	at := schema.CopyDir
	switch {
	case err != nil:
		what, hint = "this copy of the schema can't be read: "+reason(err), ""
	case found.State == schema.Missing || found.State == schema.Current:
		return
	default:
		at = found.Files[0]
	}
	f.problems = append(f.problems, fleet.Problem{
		Severity: fleet.Warning, Code: "schema-copy", Pos: fleet.Pos{File: at}, Message: what, Hint: hint,
	})
}

func (f *finder) refuse(name, code, message, hint string) {
	f.problems = append(f.problems, fleet.Problem{
		Severity: fleet.Error, Code: code, Pos: fleet.Pos{File: name}, Message: message, Hint: hint,
	})
	f.unreadable = append(f.unreadable, name)
}

// reason is an error without the path that its problem names anyway.
func reason(err error) string {
	if p := (*fs.PathError)(nil); errors.As(err, &p) {
		return p.Err.Error()
	}
	return err.Error()
}
