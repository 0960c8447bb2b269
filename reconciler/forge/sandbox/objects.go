package sandbox

import (
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"sort"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"
	"github.com/go-git/go-git/v5/plumbing/object"
	"github.com/go-git/go-git/v5/storage"
)

// objects reads and writes a repo's Git objects and branches.
type objects struct {
	storage.Storer
	reindex func() // looks for packs that another process wrote
}

const headsPrefix = "refs/heads/"

// heads are the branches with their commits.
func (g objects) heads() (map[string]plumbing.Hash, error) {
	iter, err := g.IterReferences()
	if err != nil {
		return nil, err
	}
	out := map[string]plumbing.Hash{}
	err = iter.ForEach(func(ref *plumbing.Reference) error {
		if name, ok := strings.CutPrefix(string(ref.Name()), headsPrefix); ok && ref.Type() == plumbing.HashReference {
			out[name] = ref.Hash()
		}
		return nil
	})
	return out, err
}

func (g objects) commit(h plumbing.Hash) (*object.Commit, error) {
	c, err := object.GetCommit(g, h)
	if errors.Is(err, plumbing.ErrObjectNotFound) {
		g.reindex()
		c, err = object.GetCommit(g, h)
	}
	return c, err
}

// entries are a tree's entries by name; the zero hash is the empty tree.
func (g objects) entries(h plumbing.Hash) (map[string]object.TreeEntry, error) {
	if h.IsZero() {
		return nil, nil
	}
	tree, err := object.GetTree(g, h)
	if err != nil {
		return nil, err
	}
	out := make(map[string]object.TreeEntry, len(tree.Entries))
	for _, e := range tree.Entries {
		out[e.Name] = e
	}
	return out, nil
}

// find is the entry at a slash-separated path; false if there is none.
func (g objects) find(tree plumbing.Hash, name string) (object.TreeEntry, bool) {
	e := object.TreeEntry{Mode: filemode.Dir, Hash: tree}
	if name == "" || name == "." {
		return e, true
	}
	for _, part := range strings.Split(name, "/") {
		if e.Mode != filemode.Dir {
			return e, false
		}
		entries, err := g.entries(e.Hash)
		if err != nil {
			return e, false
		}
		var ok bool
		if e, ok = entries[part]; !ok {
			return e, false
		}
	}
	return e, true
}

func (g objects) blob(h plumbing.Hash) ([]byte, error) {
	b, err := object.GetBlob(g, h)
	if err != nil {
		return nil, err
	}
	r, err := b.Reader()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return io.ReadAll(r)
}

// readFile is a regular file's content.
func (g objects) readFile(tree plumbing.Hash, name string) ([]byte, bool) {
	e, ok := g.find(tree, name)
	if !ok || e.Mode != filemode.Regular && e.Mode != filemode.Executable && e.Mode != filemode.Deprecated {
		return nil, false
	}
	content, err := g.blob(e.Hash)
	return content, err == nil
}

func (g objects) writeBlob(content []byte) (plumbing.Hash, error) {
	o := g.NewEncodedObject()
	o.SetType(plumbing.BlobObject)
	w, err := o.Writer()
	if err != nil {
		return plumbing.ZeroHash, err
	}
	if _, err := w.Write(content); err != nil {
		return plumbing.ZeroHash, err
	}
	if err := w.Close(); err != nil {
		return plumbing.ZeroHash, err
	}
	o.SetSize(int64(len(content)))
	return g.SetEncodedObject(o)
}

func (g objects) writeTree(entries map[string]object.TreeEntry) (plumbing.Hash, error) {
	tree := &object.Tree{}
	for _, e := range entries {
		tree.Entries = append(tree.Entries, e)
	}
	sort.Sort(object.TreeEntrySorter(tree.Entries))
	o := g.NewEncodedObject()
	if err := tree.Encode(o); err != nil {
		return plumbing.ZeroHash, err
	}
	return g.SetEncodedObject(o)
}

func (g objects) writeCommit(c *object.Commit) (plumbing.Hash, error) {
	o := g.NewEncodedObject()
	if err := c.Encode(o); err != nil {
		return plumbing.ZeroHash, err
	}
	return g.SetEncodedObject(o)
}

// edit writes files into a tree; a nil File deletes.
func (g objects) edit(tree plumbing.Hash, files map[string]*File) (plumbing.Hash, error) {
	here, below := map[string]*File{}, map[string]map[string]*File{}
	for name, file := range files {
		dir, rest, nested := strings.Cut(name, "/")
		if !nested {
			here[name] = file
			continue
		}
		if below[dir] == nil {
			below[dir] = map[string]*File{}
		}
		below[dir][rest] = file
	}
	entries, err := g.entries(tree)
	if err != nil {
		return plumbing.ZeroHash, err
	}
	if entries == nil {
		entries = map[string]object.TreeEntry{}
	}
	for name, files := range below {
		sub := plumbing.ZeroHash
		if e, ok := entries[name]; ok && e.Mode == filemode.Dir {
			sub = e.Hash
		}
		h, err := g.edit(sub, files)
		if err != nil {
			return plumbing.ZeroHash, err
		}
		put(entries, name, filemode.Dir, h)
	}
	for name, file := range here {
		if file == nil {
			delete(entries, name)
			continue
		}
		h, err := g.writeBlob([]byte(file.Content))
		if err != nil {
			return plumbing.ZeroHash, err
		}
		put(entries, name, file.mode(), h)
	}
	return g.writeTree(entries)
}

// emptyTree is the id of the tree without entries, which Git does not keep
// inside other trees.
var emptyTree = plumbing.NewHash("4b825dc642cb6eb9a060e54bf8d69288fbee4904")

func put(entries map[string]object.TreeEntry, name string, mode filemode.FileMode, h plumbing.Hash) {
	if mode == filemode.Dir && h == emptyTree {
		delete(entries, name)
		return
	}
	entries[name] = object.TreeEntry{Name: name, Mode: mode, Hash: h}
}

func (f File) mode() filemode.FileMode {
	switch {
	case f.Symlink:
		return filemode.Symlink
	case f.Executable:
		return filemode.Executable
	}
	return filemode.Regular
}

// checkPath refuses paths that Git would not check out, or that leave the
// tree.
func checkPath(name string) error {
	bad := name == "" || path.Clean("/"+name) != "/"+name || strings.ContainsAny(name, "\x00\\") ||
		slices.ContainsFunc(strings.Split(name, "/"), func(part string) bool {
			return strings.EqualFold(part, ".git")
		})
	if bad {
		return &Refusal{Status: 422, Message: fmt.Sprintf("path %q is malformed", name)}
	}
	return nil
}
