package transformtest

import (
	"errors"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
	"testing/fstest"

	"github.com/portreeve/portreeve/reconciler/fleet"
)

// Tree is a repo's tree in memory, by path. Like a snapshot it lists links
// and submodules and never follows them, has no empty directories, and may
// lack contents.
type Tree map[fleet.Path]File

// File is an entry of a Tree that is no directory.
type File struct {
	Content    []byte
	Executable bool
	Link       bool // a symbolic link
	Submodule  bool
	Unread     bool // its content has not been fetched
}

// Open implements fs.FS.
func (t Tree) Open(name string) (fs.File, error) {
	f, ok := t[fleet.Path(name)]
	switch {
	case ok && (f.Link || f.Submodule):
		return nil, &fs.PathError{Op: "open", Path: name, Err: errors.New("not a regular file")}
	case ok && f.Unread:
		return nil, &fs.PathError{Op: "open", Path: name, Err: fleet.ErrUnread}
	}
	return t.plain().Open(name)
}

// ReadDir implements fs.ReadDirFS.
func (t Tree) ReadDir(name string) ([]fs.DirEntry, error) {
	below, err := t.plain().ReadDir(name)
	if err != nil {
		return nil, err
	}
	entries := make([]fs.DirEntry, len(below))
	for i, e := range below {
		f := t[fleet.Path(path.Join(name, e.Name()))]
		switch {
		case f.Link:
			e = special{e, fs.ModeSymlink}
		case f.Submodule:
			e = special{e, fs.ModeIrregular}
		}
		entries[i] = e
	}
	return entries, nil
}

// plain holds every entry as a file.
func (t Tree) plain() fstest.MapFS {
	m := fstest.MapFS{}
	for p, f := range t {
		mode := fs.FileMode(0o644)
		if f.Executable {
			mode = 0o755
		}
		m[string(p)] = &fstest.MapFile{Data: f.Content, Mode: mode}
	}
	return m
}

// Paths are the tree's paths, sorted.
func (t Tree) Paths() []fleet.Path { return slices.Sorted(maps.Keys(t)) }

// Unfetched is the tree with no content fetched but those of some paths.
func (t Tree) Unfetched(but ...fleet.Path) Tree {
	u := Tree{}
	for p, f := range t {
		f.Unread = !f.Link && !f.Submodule && !slices.Contains(but, p)
		u[p] = f
	}
	return u
}

// joinedError is an error of several.
type joinedError interface {
	error
	Unwrap() []error
}

// Asked are the paths that an error asks for, sorted, each once.
func Asked(err error) []fleet.Path {
	var asked []fleet.Path
	if joined, ok := errors.AsType[joinedError](err); ok {
		for _, inner := range joined.Unwrap() {
			asked = append(asked, Asked(inner)...)
		}
	} else if e, ok := errors.AsType[*fs.PathError](err); ok && errors.Is(e, fleet.ErrUnread) {
		asked = []fleet.Path{fleet.Path(e.Path)}
	}
	slices.Sort(asked)
	return slices.Compact(asked)
}

// special is the entry of a link or a submodule.
type special struct {
	fs.DirEntry
	mode fs.FileMode
}

func (s special) Type() fs.FileMode { return s.mode }

func (s special) Info() (fs.FileInfo, error) {
	info, err := s.DirEntry.Info()
	return specialInfo{info, s.mode}, err
}

type specialInfo struct {
	fs.FileInfo
	mode fs.FileMode
}

func (s specialInfo) Mode() fs.FileMode { return s.mode }

// lines splits a text into its lines without breaks, blank ones left out.
func lines(text []byte) []string {
	return slices.DeleteFunc(strings.Split(string(text), "\n"), func(s string) bool { return strings.TrimSpace(s) == "" })
}
