package declare

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"

	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/schema"
)

// Bounds on what is read at all.
const (
	maxFiles = 50_000
	maxBytes = 256 << 10 // of one file
	maxTotal = 512 << 20 // of all files
	maxDepth = 32        // of folders
)

// source is a file of the config repo as it was read.
type source struct {
	path string
	data []byte
}

// finder reads the *.cue files of a tree. It never follows a symlink: what a
// symlink shows isn't in the commit.
type finder struct {
	fsys     fs.FS
	files    []source
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
	case isCUE:
		f.file(name)
	}
}

// leadsToFolder reports whether a symlink may hide declarations. Where that
// can't be told, it may.
func (f *finder) leadsToFolder(name string) bool {
	info, err := fs.Stat(f.fsys, name)
	return err == nil && info.IsDir()
}

func (f *finder) file(name string) {
	if len(f.files) >= maxFiles {
		f.refuse(name, "too-large", fmt.Sprintf("more than %d files", maxFiles), "")
		return
	}
	file, err := f.fsys.Open(name)
	if err != nil {
		f.refuse(name, "unreadable", "can't be read: "+reason(err), "")
		return
	}
	defer file.Close()
	data, err := io.ReadAll(io.LimitReader(file, maxBytes+1))
	switch {
	case err != nil:
		f.refuse(name, "unreadable", "can't be read: "+reason(err), "")
	case len(data) > maxBytes:
		f.refuse(name, "too-large", fmt.Sprintf("is larger than %d KiB", maxBytes>>10), "split it into several files")
	case f.total+len(data) > maxTotal:
		f.refuse(name, "too-large", fmt.Sprintf("the files together are larger than %d MiB", maxTotal>>20), "")
	default:
		f.total += len(data)
		f.files = append(f.files, source{name, data})
	}
}

// vendored warns of a copy of the schema, which CUE's own tools read, that is
// not the one that is held to here.
func (f *finder) vendored() {
	dir := path.Join("cue.mod/pkg", schema.ImportPath)
	entries, err := fs.ReadDir(f.fsys, dir)
	if err != nil || len(entries) == 0 {
		return
	}
	ours, _ := fs.Glob(schema.FS, "*.cue")
	for _, name := range ours {
		want, _ := schema.FS.ReadFile(name)
		got, err := fs.ReadFile(f.fsys, path.Join(dir, name))
		if err != nil || !bytes.Equal(got, want) {
			f.problems = append(f.problems, fleet.Problem{
				Severity: fleet.Warning, Code: "schema-copy", Pos: fleet.Pos{File: path.Join(dir, name)},
				Message: "this copy of the schema is not the one of this version of portreeve", Hint: "copy it again",
			})
			return
		}
	}
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
