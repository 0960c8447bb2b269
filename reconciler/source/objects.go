package source

import (
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/go-git/go-git/v5"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"
	"github.com/go-git/go-git/v5/plumbing/object"
)

// Bounds on what a tree keeps in memory. Declarations are far below them; a
// file above is read from Git's objects whenever it is opened.
const (
	keepFile = 1 << 20
	keepAll  = 64 << 20
	maxFiles = 200_000
)

// objects is the tree of a commit as an fs.FS. It implements fs.ReadDirFS.
type objects struct {
	nodes map[string]*node
	late  func(plumbing.Hash) ([]byte, error) // reads what is not kept
}

// node is a file or a folder, and is its own fs.FileInfo and fs.DirEntry.
type node struct {
	name    string
	mode    fs.FileMode
	size    int64
	when    time.Time
	content []byte
	blob    plumbing.Hash // of a file
	kept    bool          // content is
	entries []fs.DirEntry // of a folder, sorted
}

func (n *node) Name() string               { return n.name }
func (n *node) Size() int64                { return n.size }
func (n *node) Mode() fs.FileMode          { return n.mode }
func (n *node) ModTime() time.Time         { return n.when }
func (n *node) IsDir() bool                { return n.mode.IsDir() }
func (n *node) Sys() any                   { return nil }
func (n *node) Type() fs.FileMode          { return n.mode.Type() }
func (n *node) Info() (fs.FileInfo, error) { return n, nil }

// readObjects reads the folder sub of a commit; late reads a blob by its id.
// What has a name that fs.FS can't express, as one that is not UTF-8 or was
// made to lead elsewhere, is left out: it can't be a declaration, and must not
// keep all others from being read.
func readObjects(c *object.Commit, sub string, late func(plumbing.Hash) ([]byte, error)) (*objects, error) {
	root, err := c.Tree()
	if err != nil {
		return nil, fmt.Errorf("read tree of %s: %w", c.Hash, err)
	}
	if sub != "" {
		if root, err = root.Tree(sub); err != nil {
			return nil, fmt.Errorf("read folder %s at %s: %w", sub, c.Hash, err)
		}
	}
	r := reader{
		o:    &objects{nodes: map[string]*node{}, late: late},
		when: c.Committer.When.UTC(), left: keepAll,
	}
	if err := r.folder(root, "."); err != nil {
		return nil, err
	}
	return r.o, nil
}

type reader struct {
	o    *objects
	when time.Time
	left int64
}

func (r *reader) folder(t *object.Tree, at string) error {
	dir := &node{name: path.Base(at), mode: fs.ModeDir | 0o555, when: r.when}
	r.o.nodes[at] = dir
	for _, e := range t.Entries {
		if len(r.o.nodes) > maxFiles {
			return fmt.Errorf("more than %d files", maxFiles)
		}
		p := path.Join(at, e.Name)
		if strings.Contains(e.Name, "/") || !fs.ValidPath(p) || path.Dir(p) != at || r.o.nodes[p] != nil {
			continue // see readObjects
		}
		if err := r.entry(t, e, p); err != nil {
			return fmt.Errorf("read %s: %w", p, err)
		}
		dir.entries = append(dir.entries, r.o.nodes[p])
	}
	slices.SortFunc(dir.entries, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	return nil
}

func (r *reader) entry(t *object.Tree, e object.TreeEntry, p string) error {
	switch e.Mode {
	case filemode.Dir:
		sub, err := t.Tree(e.Name)
		if err != nil {
			return err
		}
		return r.folder(sub, p)
	case filemode.Regular, filemode.Deprecated, filemode.Executable:
		f, err := t.TreeEntryFile(&e)
		if err != nil {
			return err
		}
		n := &node{name: e.Name, mode: 0o444, size: f.Size, when: r.when, blob: e.Hash}
		r.o.nodes[p] = n
		if f.Size > keepFile || f.Size > r.left {
			return nil
		}
		r.left, n.kept = r.left-f.Size, true
		n.content, err = contents(&f.Blob)
		return err
	case filemode.Symlink:
		r.o.nodes[p] = &node{name: e.Name, mode: fs.ModeSymlink | 0o444, when: r.when}
	default: // a submodule
		r.o.nodes[p] = &node{name: e.Name, mode: fs.ModeIrregular, when: r.when}
	}
	return nil
}

func contents(b *object.Blob) ([]byte, error) {
	r, err := b.Reader()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return io.ReadAll(r)
}

// Open opens a folder or a regular file; it follows no symlink.
func (o *objects) Open(name string) (fs.File, error) {
	if !fs.ValidPath(name) {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrInvalid}
	}
	n := o.nodes[name]
	switch {
	case n == nil:
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	case n.IsDir():
		return &openFolder{node: n}, nil
	case !n.mode.IsRegular():
		return nil, &fs.PathError{Op: "open", Path: name, Err: errNotFollowed}
	}
	content := n.content
	if !n.kept {
		var err error
		if content, err = o.late(n.blob); err != nil {
			return nil, &fs.PathError{Op: "open", Path: name, Err: err}
		}
	}
	return &openFile{node: n, Reader: bytes.NewReader(content)}, nil
}

// Fingerprint tells a file's content without reading it, so that what was made
// of it at one revision is found again at another.
func (o *objects) Fingerprint(name string) (id string, ok bool) {
	n := o.nodes[name]
	if n == nil || !n.mode.IsRegular() {
		return "", false
	}
	return "git:" + n.blob.String(), true
}

// ReadDir lists a folder, sorted.
func (o *objects) ReadDir(name string) ([]fs.DirEntry, error) {
	n := o.nodes[name]
	if n == nil || !n.IsDir() {
		return nil, &fs.PathError{Op: "readdir", Path: name, Err: fs.ErrNotExist}
	}
	return slices.Clone(n.entries), nil
}

type openFile struct {
	*bytes.Reader
	node *node
}

func (f *openFile) Stat() (fs.FileInfo, error) { return f.node, nil }
func (f *openFile) Close() error               { return nil }

type openFolder struct {
	node *node
	next int
}

func (f *openFolder) Stat() (fs.FileInfo, error) { return f.node, nil }
func (f *openFolder) Close() error               { return nil }

func (f *openFolder) Read([]byte) (int, error) {
	return 0, &fs.PathError{Op: "read", Path: f.node.name, Err: fs.ErrInvalid}
}

func (f *openFolder) ReadDir(n int) ([]fs.DirEntry, error) {
	rest := f.node.entries[f.next:]
	if n > 0 && len(rest) == 0 {
		return nil, io.EOF
	}
	if n > 0 && len(rest) > n {
		rest = rest[:n]
	}
	f.next += len(rest)
	return slices.Clone(rest), nil
}

// lateBlobs reads blobs of the repo that open opens, one at a time.
func lateBlobs(open func() (*git.Repository, error)) func(plumbing.Hash) ([]byte, error) {
	var mu sync.Mutex
	return func(h plumbing.Hash) ([]byte, error) {
		mu.Lock()
		defer mu.Unlock()
		repo, err := open()
		if err != nil {
			return nil, err
		}
		b, err := repo.BlobObject(h)
		if err != nil {
			return nil, err
		}
		return contents(b)
	}
}
