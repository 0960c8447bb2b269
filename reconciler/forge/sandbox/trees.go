package sandbox

import (
	"maps"
	"slices"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"
	"github.com/go-git/go-git/v5/plumbing/object"

	"github.com/portreeve/portreeve/reconciler/forge/sandbox/lines"
)

// change is a file that differs between two trees; a zero hash means that it
// is not there.
type change struct {
	path     string
	old, new object.TreeEntry
}

// diff lists the files that differ, sorted by path. Directories that are
// equal are not read.
func (g objects) diff(a, b plumbing.Hash) ([]change, error) {
	return g.diffInto(nil, "", a, b)
}

func (g objects) diffInto(out []change, dir string, a, b plumbing.Hash) ([]change, error) {
	if a == b {
		return out, nil
	}
	left, err := g.entries(a)
	if err != nil {
		return nil, err
	}
	right, err := g.entries(b)
	if err != nil {
		return nil, err
	}
	for _, name := range names(left, right) {
		l, r := left[name], right[name]
		if l.Hash == r.Hash && l.Mode == r.Mode {
			continue
		}
		ld, rd := subtree(l), subtree(r)
		if !ld.IsZero() || !rd.IsZero() {
			if out, err = g.diffInto(out, dir+name+"/", ld, rd); err != nil {
				return nil, err
			}
		}
		l, r = file(l), file(r)
		if !l.Hash.IsZero() || !r.Hash.IsZero() {
			out = append(out, change{dir + name, l, r})
		}
	}
	return out, nil
}

func names(sides ...map[string]object.TreeEntry) []string {
	all := map[string]bool{}
	for _, side := range sides {
		for name := range side {
			all[name] = true
		}
	}
	return slices.Sorted(maps.Keys(all))
}

func subtree(e object.TreeEntry) plumbing.Hash {
	if e.Mode == filemode.Dir {
		return e.Hash
	}
	return plumbing.ZeroHash
}

func file(e object.TreeEntry) object.TreeEntry {
	if e.Mode == filemode.Dir {
		return object.TreeEntry{}
	}
	return e
}

// mergeTrees joins what two sides made of base; the paths are those that both
// changed in different ways, and then there is no tree.
func (g objects) mergeTrees(base, ours, theirs plumbing.Hash) (plumbing.Hash, []string, error) {
	switch {
	case ours == theirs || base == theirs:
		return ours, nil, nil
	case base == ours:
		return theirs, nil, nil
	}
	o, err := g.entries(base)
	if err != nil {
		return plumbing.ZeroHash, nil, err
	}
	a, err := g.entries(ours)
	if err != nil {
		return plumbing.ZeroHash, nil, err
	}
	b, err := g.entries(theirs)
	if err != nil {
		return plumbing.ZeroHash, nil, err
	}
	merged, conflicts := map[string]object.TreeEntry{}, []string(nil)
	for _, name := range names(o, a, b) {
		e, bad, err := g.mergeEntry(name, o[name], a[name], b[name])
		if err != nil {
			return plumbing.ZeroHash, nil, err
		}
		conflicts = append(conflicts, bad...)
		if !e.Hash.IsZero() {
			put(merged, name, e.Mode, e.Hash)
		}
	}
	if conflicts != nil {
		return plumbing.ZeroHash, conflicts, nil
	}
	h, err := g.writeTree(merged)
	return h, nil, err
}

func (g objects) mergeEntry(name string, o, a, b object.TreeEntry) (object.TreeEntry, []string, error) {
	same := func(x, y object.TreeEntry) bool { return x.Hash == y.Hash && x.Mode == y.Mode }
	switch {
	case same(a, b) || same(o, b):
		return a, nil, nil
	case same(o, a):
		return b, nil, nil
	}
	if dirOrNone(o) && dirOrNone(a) && dirOrNone(b) && (subtree(a) != plumbing.ZeroHash || subtree(b) != plumbing.ZeroHash) {
		h, bad, err := g.mergeTrees(subtree(o), subtree(a), subtree(b))
		for i := range bad {
			bad[i] = name + "/" + bad[i]
		}
		return object.TreeEntry{Name: name, Mode: filemode.Dir, Hash: h}, bad, err
	}
	if o.Mode == a.Mode && a.Mode == b.Mode && (o.Mode == filemode.Regular || o.Mode == filemode.Executable) {
		h, ok, err := g.mergeBlobs(o.Hash, a.Hash, b.Hash)
		if err != nil || ok {
			return object.TreeEntry{Name: name, Mode: a.Mode, Hash: h}, nil, err
		}
	}
	return object.TreeEntry{}, []string{name}, nil
}

func dirOrNone(e object.TreeEntry) bool { return e.Hash.IsZero() || e.Mode == filemode.Dir }

func (g objects) mergeBlobs(o, a, b plumbing.Hash) (plumbing.Hash, bool, error) {
	var texts [3]string
	for i, h := range []plumbing.Hash{o, a, b} {
		content, err := g.blob(h)
		if err != nil {
			return plumbing.ZeroHash, false, err
		}
		if slices.Contains(content, 0) {
			return plumbing.ZeroHash, false, nil
		}
		texts[i] = string(content)
	}
	merged, ok := lines.Merge(texts[0], texts[1], texts[2])
	if !ok {
		return plumbing.ZeroHash, false, nil
	}
	h, err := g.writeBlob([]byte(merged))
	return h, true, err
}
