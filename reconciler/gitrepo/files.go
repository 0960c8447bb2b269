package gitrepo

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/go-git/go-git/v5/plumbing"

	"github.com/portreeve/portreeve/reconciler/fleet"
)

var (
	_ fleet.Snapshot = (*Snapshot)(nil)
	_ fs.ReadDirFS   = (*Snapshot)(nil)
	_ fs.StatFS      = (*Snapshot)(nil)
	_ fs.ReadFileFS  = (*Snapshot)(nil)
)

var (
	errNotRegular = errors.New("not a regular file")
	errIsDir      = errors.New("is a directory")
	errNotDir     = errors.New("not a directory")
	errNoTree     = errors.New("a tree of the commit is missing")
	errNotLoaded  = fmt.Errorf("the directory is not loaded: %w", fleet.ErrUnread)
)

// dir is the parsed tree of an id; each is parsed once.
func (s *Snapshot) dir(id plumbing.Hash) (*dir, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if d := s.dirs[id]; d != nil {
		return d, nil
	}
	d := &dir{}
	if !id.IsZero() && id != emptyTree {
		data, ok := s.objects.get(id, plumbing.TreeObject)
		switch _, large := s.objects.tooLarge(id); {
		case !ok && !s.listed && !large:
			return nil, errNotLoaded
		case !ok:
			return nil, &damage{id.String(), errNoTree}
		}
		entries, err := parseTree(data)
		if err != nil {
			return nil, &damage{id.String(), err}
		}
		d.entries = entries
	}
	d.byName, d.twice = make(map[string]int, len(d.entries)), map[string]bool{}
	for i, e := range d.entries {
		if !readable(e.name) {
			continue
		}
		if _, ok := d.byName[e.name]; ok {
			d.twice[e.name] = true
		}
		d.byName[e.name] = i
	}
	s.dirs[id] = d
	return d, nil
}

// lookup finds an entry; the root is an entry named ".".
func (s *Snapshot) lookup(name string) (entry, error) {
	at := entry{name: ".", mode: modeTree, id: s.root}
	if !fs.ValidPath(name) {
		return at, fs.ErrInvalid
	}
	if name == "." {
		return at, nil
	}
	for element := range strings.SplitSeq(name, "/") {
		if !at.is(modeTree) {
			return at, fs.ErrNotExist
		}
		d, err := s.dir(at.id)
		if err != nil {
			return at, err
		}
		i, ok := d.byName[element]
		if !ok {
			return at, fs.ErrNotExist
		}
		at = d.entries[i]
	}
	return at, nil
}

// content is a regular file's content.
func (s *Snapshot) content(e entry) ([]byte, error) {
	switch {
	case e.is(modeTree):
		return nil, errIsDir
	case !e.is(modeRegular):
		return nil, errNotRegular
	}
	if data, ok := s.objects.get(e.id, plumbing.BlobObject); ok {
		return data, nil
	}
	if err := s.tooLarge(e); err != nil {
		return nil, err
	}
	return nil, fleet.ErrUnread
}

// Open implements fs.FS. A file whose content is not loaded gives
// fleet.ErrUnread; symbolic links and submodules can't be opened.
func (s *Snapshot) Open(name string) (fs.File, error) {
	e, err := s.lookup(name)
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: name, Err: err}
	}
	if e.is(modeTree) {
		list, err := s.ReadDir(name)
		if err != nil {
			return nil, err
		}
		return &openDir{info: dirEntry{s, e}, path: name, rest: list}, nil
	}
	data, err := s.content(e)
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: name, Err: err}
	}
	return &openFile{*bytes.NewReader(data), dirEntry{s, e}}, nil
}

// ReadFile implements fs.ReadFileFS.
func (s *Snapshot) ReadFile(name string) ([]byte, error) {
	e, err := s.lookup(name)
	var data []byte
	if err == nil {
		data, err = s.content(e)
	}
	if err != nil {
		return nil, &fs.PathError{Op: "read", Path: name, Err: err}
	}
	return bytes.Clone(data), nil
}

// Stat implements fs.StatFS. It needs no content.
func (s *Snapshot) Stat(name string) (fs.FileInfo, error) {
	e, err := s.lookup(name)
	if err != nil {
		return nil, &fs.PathError{Op: "stat", Path: name, Err: err}
	}
	e.name = path.Base(name)
	return dirEntry{s, e}, nil
}

// ReadDir implements fs.ReadDirFS.
func (s *Snapshot) ReadDir(name string) ([]fs.DirEntry, error) {
	e, err := s.lookup(name)
	if err == nil && !e.is(modeTree) {
		err = errNotDir
	}
	var d *dir
	if err == nil {
		d, err = s.dir(e.id)
	}
	if err != nil {
		return nil, &fs.PathError{Op: "readdir", Path: name, Err: err}
	}
	d.list.Do(func() { d.sortReadable(s) })
	list := make([]fs.DirEntry, len(d.info))
	for i := range d.info {
		list[i] = &d.info[i]
	}
	return list, nil
}

// sortReadable lists by name, which is not a tree's order; of entries with one
// name, which only a forged tree has, the last is meant, as in lookup.
func (d *dir) sortReadable(s *Snapshot) {
	d.info = make([]dirEntry, 0, len(d.byName))
	for i, e := range d.entries {
		if at, ok := d.byName[e.name]; ok && at == i {
			d.info = append(d.info, dirEntry{s, e})
		}
	}
	slices.SortFunc(d.info, func(a, b dirEntry) int { return cmp.Compare(a.e.name, b.e.name) })
}

// dirEntry is both fs.DirEntry and fs.FileInfo.
type dirEntry struct {
	s *Snapshot
	e entry
}

func (d dirEntry) Name() string               { return d.e.name }
func (d dirEntry) IsDir() bool                { return d.e.is(modeTree) }
func (d dirEntry) Type() fs.FileMode          { return d.Mode().Type() }
func (d dirEntry) Info() (fs.FileInfo, error) { return d, nil }
func (d dirEntry) ModTime() time.Time         { return time.Time{} }
func (d dirEntry) Sys() any                   { return nil }
func (d dirEntry) String() string             { return fs.FormatDirEntry(d) }

// Size is 0 while the content is not loaded.
func (d dirEntry) Size() int64 {
	if data, ok := d.s.objects.get(d.e.id, plumbing.BlobObject); ok && d.e.is(modeRegular) {
		return int64(len(data))
	}
	size, _ := d.s.objects.tooLarge(d.e.id)
	return size
}

func (d dirEntry) Mode() fs.FileMode {
	switch d.e.mode & modeType {
	case modeTree:
		return fs.ModeDir | 0o755
	case modeSymlink:
		return fs.ModeSymlink | 0o777
	case modeRegular:
		if d.e.mode&0o100 != 0 {
			return 0o755
		}
		return 0o644
	}
	return fs.ModeIrregular
}

type openFile struct {
	bytes.Reader
	info dirEntry
}

func (f *openFile) Stat() (fs.FileInfo, error) { return f.info, nil }
func (f *openFile) Close() error               { return nil }

type openDir struct {
	info dirEntry
	path string
	rest []fs.DirEntry
}

func (d *openDir) Stat() (fs.FileInfo, error) { return d.info, nil }
func (d *openDir) Close() error               { return nil }

func (d *openDir) Read([]byte) (int, error) {
	return 0, &fs.PathError{Op: "read", Path: d.path, Err: errIsDir}
}

func (d *openDir) ReadDir(n int) ([]fs.DirEntry, error) {
	if n <= 0 {
		n = len(d.rest)
	} else if len(d.rest) == 0 {
		return nil, io.EOF
	}
	list := d.rest[:min(n, len(d.rest))]
	d.rest = d.rest[len(list):]
	return list, nil
}
