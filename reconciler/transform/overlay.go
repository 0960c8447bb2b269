package transform

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/portreeve/portreeve/reconciler/fleet"
)

// Overlay is the tree that base becomes by edits. It only reads, and it holds
// no copy of base: what is not edited is asked of base, so fleet.ErrUnread
// shines through. As in Git there are no empty directories: one appears with
// its first file and disappears with its last. Links and submodules of base
// stay as they are listed.
func Overlay(base fs.FS, edits []Edit) fs.FS {
	o := &overlay{base: base, files: map[string]Edit{}, dirs: map[string]map[string]bool{}, bereft: map[string]bool{}}
	for _, e := range edits {
		o.files[string(e.Path)] = e
	}
	for name, e := range o.files {
		for child := name; child != "."; child = path.Dir(child) {
			dir := path.Dir(child)
			if e.Delete {
				o.bereft[dir] = true
				continue
			}
			if o.dirs[dir] == nil {
				o.dirs[dir] = map[string]bool{}
			}
			o.dirs[dir][path.Base(child)] = true
		}
	}
	return o
}

// Nothing is a tree in which nothing is.
type Nothing struct{}

// Open implements fs.FS.
func (Nothing) Open(name string) (fs.File, error) {
	if name == "." {
		return &openDir{name: name}, nil
	}
	return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
}

type overlay struct {
	base  fs.FS
	files map[string]Edit
	// dirs gives, for each directory that holds a written file at whatever
	// depth, the names of its children that do.
	dirs map[string]map[string]bool
	// bereft are the directories beneath which something is deleted.
	bereft map[string]bool
}

// Blob answers for paths that are not edited if base can tell, and is empty
// otherwise: see Holds.
func (o *overlay) Blob(p fleet.Path) fleet.BlobID {
	base, ok := o.base.(blobber)
	if _, edited := o.files[string(p)]; edited || !ok {
		return ""
	}
	return base.Blob(p)
}

// Foresee implements Foreseeing: what is missing is base's.
func (o *overlay) Foresee(dir fleet.Path, below bool) {
	if f, ok := o.base.(Foreseeing); ok {
		f.Foresee(dir, below)
	}
}

// Open implements fs.FS.
func (o *overlay) Open(name string) (fs.File, error) {
	if !fs.ValidPath(name) {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrInvalid}
	}
	if e, ok := o.files[name]; ok && !e.Delete {
		return &openFile{info: infoOf(name, e), Reader: bytes.NewReader(e.Content)}, nil
	}
	if o.hidden(name) {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	if o.dirs[name] != nil || o.bereft[name] || name == "." {
		entries, err := o.ReadDir(name)
		if err == nil {
			return &openDir{name: path.Base(name), entries: entries}, nil
		}
		if _, deleted := o.files[name]; deleted {
			return nil, err
		}
	}
	return o.base.Open(name)
}

// ReadDir implements fs.ReadDirFS.
func (o *overlay) ReadDir(name string) ([]fs.DirEntry, error) {
	if !fs.ValidPath(name) {
		return nil, &fs.PathError{Op: "readdir", Path: name, Err: fs.ErrInvalid}
	}
	if o.hidden(name) {
		return nil, &fs.PathError{Op: "readdir", Path: name, Err: fs.ErrNotExist}
	}
	written := o.dirs[name]
	below, err := fs.ReadDir(o.base, name)
	if err != nil && written == nil {
		return nil, err
	}
	entries := make([]fs.DirEntry, 0, len(below)+len(written))
	for _, entry := range below {
		child := path.Join(name, entry.Name())
		if _, edited := o.files[child]; written[entry.Name()] || edited && !entry.IsDir() {
			continue
		}
		if entry.IsDir() && o.bereft[child] && !o.inhabited(child) {
			continue
		}
		entries = append(entries, entry)
	}
	for child := range written {
		full := path.Join(name, child)
		if e, ok := o.files[full]; ok && !e.Delete {
			entries = append(entries, infoOf(full, e))
			continue
		}
		entries = append(entries, info{name: child, mode: fs.ModeDir | 0o755})
	}
	slices.SortFunc(entries, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	if len(entries) == 0 && name != "." && o.bereft[name] {
		return nil, &fs.PathError{Op: "readdir", Path: name, Err: fs.ErrNotExist}
	}
	return entries, nil
}

// Stat implements fs.StatFS. It does not follow links.
func (o *overlay) Stat(name string) (fs.FileInfo, error) {
	if name == "." {
		return info{name: ".", mode: fs.ModeDir | 0o755}, nil
	}
	entry, err := Lookup(o, fleet.Path(name))
	switch {
	case err != nil:
		return nil, err
	case entry == nil:
		return nil, &fs.PathError{Op: "stat", Path: name, Err: fs.ErrNotExist}
	}
	return entry.Info()
}

// hidden reports whether an edit at name, or at one of its parents, covers
// what base holds there.
func (o *overlay) hidden(name string) bool {
	for p := name; p != "."; p = path.Dir(p) {
		e, edited := o.files[p]
		if !edited || o.dirs[p] != nil {
			continue
		}
		if p != name && !e.Delete || p == name && e.Delete && !isDir(o.base, p) {
			return true
		}
	}
	return false
}

// inhabited reports whether a directory of base still holds anything.
func (o *overlay) inhabited(dir string) bool {
	entries, err := o.ReadDir(dir)
	return err == nil && len(entries) > 0
}

func isDir(tree fs.FS, name string) bool {
	entry, err := Lookup(tree, fleet.Path(name))
	return err == nil && entry != nil && entry.IsDir()
}

// info is an fs.FileInfo and fs.DirEntry of something the overlay adds.
type info struct {
	name string
	mode fs.FileMode
	size int64
}

func infoOf(name string, e Edit) info {
	mode := fs.FileMode(0o644)
	if e.Executable {
		mode = 0o755
	}
	return info{name: path.Base(name), mode: mode, size: int64(len(e.Content))}
}

func (i info) Name() string               { return i.name }
func (i info) Size() int64                { return i.size }
func (i info) Mode() fs.FileMode          { return i.mode }
func (i info) Type() fs.FileMode          { return i.mode.Type() }
func (i info) ModTime() time.Time         { return time.Time{} }
func (i info) IsDir() bool                { return i.mode.IsDir() }
func (i info) Sys() any                   { return nil }
func (i info) Info() (fs.FileInfo, error) { return i, nil }

type openFile struct {
	info
	*bytes.Reader
}

func (f *openFile) Stat() (fs.FileInfo, error) { return f.info, nil }
func (f *openFile) Close() error               { return nil }
func (f *openFile) Size() int64                { return f.info.size }

type openDir struct {
	name    string
	entries []fs.DirEntry
}

func (d *openDir) Stat() (fs.FileInfo, error) {
	return info{name: d.name, mode: fs.ModeDir | 0o755}, nil
}
func (d *openDir) Close() error { return nil }

func (d *openDir) Read([]byte) (int, error) {
	return 0, &fs.PathError{Op: "read", Path: d.name, Err: errors.New("is a directory")}
}

func (d *openDir) ReadDir(n int) ([]fs.DirEntry, error) {
	if n <= 0 || n > len(d.entries) {
		if n > 0 && len(d.entries) == 0 {
			return nil, io.EOF
		}
		n = len(d.entries)
	}
	batch := d.entries[:n:n]
	d.entries = d.entries[n:]
	return batch, nil
}
