package index

import (
	"io"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
	"time"
)

// node is a file, a symlink or a folder of the index.
type node struct {
	fs         *FS
	path, name string
	id         string // of the content; empty for a folder
	mode       fs.FileMode
}

// Fingerprint is an id of a file's content: the same only if the content is.
func (f *FS) Fingerprint(name string) (id string, ok bool) {
	n := f.node(name)
	if n == nil || n.id == "" {
		return "", false
	}
	return "git:" + n.id, true
}

func (f *FS) node(name string) *node {
	if name == "." {
		return &node{fs: f, path: ".", name: ".", mode: fs.ModeDir | 0o755}
	}
	return f.folders[path.Dir(name)][path.Base(name)]
}

// Open opens a file or a folder. A symlink is not followed.
func (f *FS) Open(name string) (fs.File, error) {
	n, err := f.find("open", name)
	switch {
	case err != nil:
		return nil, err
	case n.mode.IsDir():
		return &folder{node: n, left: n.entries()}, nil
	case n.mode&fs.ModeSymlink != 0:
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrInvalid}
	}
	content, size, err := f.objects.read(n.id)
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: name, Err: err}
	}
	return &file{info: info{n, size}, left: content}, nil
}

// ReadDir gives what is in a folder, by name.
func (f *FS) ReadDir(name string) ([]fs.DirEntry, error) {
	n, err := f.find("readdir", name)
	if err == nil && !n.mode.IsDir() {
		err = &fs.PathError{Op: "readdir", Path: name, Err: fs.ErrInvalid}
	}
	if err != nil {
		return nil, err
	}
	return n.entries(), nil
}

// Stat tells what a name leads to: a symlink is followed within the tree.
func (f *FS) Stat(name string) (fs.FileInfo, error) {
	const enough = 40 // links to follow
	for range enough {
		n, err := f.find("stat", name)
		if err != nil {
			return nil, err
		}
		if n.mode&fs.ModeSymlink == 0 {
			return n.Info()
		}
		target, _, err := f.objects.read(n.id)
		if err != nil {
			return nil, &fs.PathError{Op: "stat", Path: name, Err: err}
		}
		name = path.Join(path.Dir(name), string(target))
	}
	return nil, &fs.PathError{Op: "stat", Path: name, Err: fs.ErrInvalid}
}

func (f *FS) find(op, name string) (*node, error) {
	if !fs.ValidPath(name) {
		return nil, &fs.PathError{Op: op, Path: name, Err: fs.ErrInvalid}
	}
	n := f.node(name)
	if n == nil {
		return nil, &fs.PathError{Op: op, Path: name, Err: fs.ErrNotExist}
	}
	return n, nil
}

func (n *node) entries() []fs.DirEntry {
	all := slices.SortedFunc(maps.Values(n.fs.folders[n.path]), func(a, b *node) int { return strings.Compare(a.name, b.name) })
	entries := make([]fs.DirEntry, len(all))
	for i, e := range all {
		entries[i] = e
	}
	return entries
}

func (n *node) Name() string      { return n.name }
func (n *node) IsDir() bool       { return n.mode.IsDir() }
func (n *node) Type() fs.FileMode { return n.mode.Type() }

// Info tells also the size, for which the content is looked at.
func (n *node) Info() (fs.FileInfo, error) {
	if n.id == "" {
		return info{n, 0}, nil
	}
	_, size, err := n.fs.objects.read(n.id)
	return info{n, size}, err
}

type info struct {
	node *node
	size int64
}

func (i info) Name() string       { return i.node.name }
func (i info) Size() int64        { return i.size }
func (i info) Mode() fs.FileMode  { return i.node.mode }
func (i info) ModTime() time.Time { return time.Time{} } // an index has none that holds
func (i info) IsDir() bool        { return i.node.IsDir() }
func (i info) Sys() any           { return nil }

type file struct {
	info info
	left []byte
}

func (f *file) Stat() (fs.FileInfo, error) { return f.info, nil }
func (f *file) Close() error               { return nil }

func (f *file) Read(p []byte) (int, error) {
	if len(f.left) == 0 && len(p) > 0 {
		return 0, io.EOF
	}
	n := copy(p, f.left)
	f.left = f.left[n:]
	return n, nil
}

type folder struct {
	*node
	left []fs.DirEntry
}

func (f *folder) Stat() (fs.FileInfo, error) { return f.Info() }
func (f *folder) Close() error               { return nil }

func (f *folder) Read([]byte) (int, error) {
	return 0, &fs.PathError{Op: "read", Path: f.path, Err: fs.ErrInvalid}
}

func (f *folder) ReadDir(n int) ([]fs.DirEntry, error) {
	if n <= 0 {
		n = len(f.left)
	} else if len(f.left) == 0 {
		return nil, io.EOF
	}
	n = min(n, len(f.left))
	some := f.left[:n]
	f.left = f.left[n:]
	return some, nil
}
