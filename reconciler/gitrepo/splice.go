package gitrepo

import (
	"maps"
	"slices"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"

	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/transform"
)

// node is a directory of edits; an edit of a path stands at its last element.
type node struct {
	edit     *transform.Edit
	children map[string]*node
}

// plant sorts edits into directories, and refuses paths that nobody may write.
func plant(edits []transform.Edit) (*node, error) {
	root := &node{}
	for i := range edits {
		path := string(edits[i].Path)
		if why := unfit(path); why != "" {
			return nil, refuse(edits[i].Path, "the path %s", why)
		}
		at := root
		for name := range strings.SplitSeq(path, "/") {
			if at.children == nil {
				at.children = map[string]*node{}
			}
			if at.children[name] == nil {
				at.children[name] = &node{}
			}
			at = at.children[name]
		}
		if at.edit != nil {
			return nil, refuse(edits[i].Path, "the path is edited twice")
		}
		at.edit = &edits[i]
	}
	return root, nil
}

// splicer makes new trees from those of base.
type splicer struct {
	base *Snapshot
	made map[plumbing.Hash]object
}

func (s *splicer) make(kind plumbing.ObjectType, data []byte) plumbing.Hash {
	id := plumbing.ComputeHash(kind, data)
	s.made[id] = object{kind, data}
	return id
}

// splice applies the edits of one directory. The result is the zero id for a
// directory without entries.
func (s *splicer) splice(tree plumbing.Hash, n *node, at fleet.Path) (plumbing.Hash, error) {
	d, err := s.base.dir(tree)
	if err != nil {
		return tree, refuse(at, "the directory can't be read: %w", err)
	}
	gone, added, names := map[int]bool{}, []entry(nil), []string(nil)
	for _, name := range slices.Sorted(maps.Keys(n.children)) {
		path := fleet.Path(strings.TrimPrefix(string(at)+"/"+name, "/"))
		if d.twice[name] {
			return tree, refuse(path, "the repo's tree has two entries of that name")
		}
		var old *entry
		i, ok := d.byName[name]
		if ok {
			old = &d.entries[i]
		}
		next, err := s.apply(old, n.children[name], name, path)
		if err != nil {
			return tree, err
		}
		if old == nil && next == nil || old != nil && next != nil && *old == *next {
			continue
		}
		if old != nil {
			gone[i] = true
		} else {
			names = append(names, name)
		}
		if next != nil {
			added = append(added, *next)
		}
	}
	if len(gone) == 0 && len(added) == 0 {
		return tree, nil
	}
	entries := merge(d.entries, gone, added)
	if err := refuseCollisions(entries, names, at); err != nil {
		return tree, err
	}
	if len(entries) == 0 {
		return plumbing.ZeroHash, nil
	}
	return s.make(plumbing.TreeObject, encodeTree(entries)), nil
}

// merge takes entries out and puts each new one before the first that sorts
// after it, so that a tree in Git's order stays so, and one that isn't keeps
// its own.
func merge(entries []entry, gone map[int]bool, added []entry) []entry {
	slices.SortFunc(added, func(a, b entry) int {
		if sortsBefore(a, b) {
			return -1
		}
		return 1
	})
	merged := make([]entry, 0, len(entries)+len(added))
	for i, e := range entries {
		if gone[i] {
			continue
		}
		for len(added) > 0 && sortsBefore(added[0], e) {
			merged, added = append(merged, added[0]), added[1:]
		}
		merged = append(merged, e)
	}
	return append(merged, added...)
}

// apply gives what stands at path after the edits of it and below it; nil is
// nothing.
func (s *splicer) apply(old *entry, n *node, name string, path fleet.Path) (*entry, error) {
	if old != nil && !old.is(modeTree) && !old.is(modeRegular) && !old.is(modeSymlink) {
		return nil, refuse(path, "the path is, or leads through, %s", old.describe())
	}
	if n.children == nil {
		return s.edit(old, n.edit, name, path)
	}
	var err error
	switch {
	case old != nil && old.is(modeSymlink):
		return nil, refuse(path, "the path leads through a symbolic link")
	case old != nil && old.is(modeRegular) && n.edit != nil && n.edit.Delete:
		// A file makes room for a directory.
		old = nil
	case old != nil && old.is(modeRegular):
		if n.writes() {
			return nil, refuse(path, "a file stands where a directory is needed")
		}
		if n.edit == nil {
			return old, nil
		}
		return s.edit(old, n.edit, name, path)
	}
	tree := plumbing.ZeroHash
	if old != nil {
		tree = old.id
	}
	id, err := s.splice(tree, &node{children: n.children}, path)
	if err != nil {
		return nil, err
	}
	var next *entry
	switch {
	case id.IsZero():
	case old != nil && old.id == id:
		next = old
	default:
		made := newEntry(name, modeTree, id)
		next = &made
	}
	// A file that is deleted to make room stays deleted when the same edits
	// are applied again.
	if n.edit == nil || n.edit.Delete && (next == nil || n.writes()) {
		return next, nil
	}
	return s.edit(next, n.edit, name, path)
}

// writes reports whether an edit below the node writes something.
func (n *node) writes() bool {
	for _, child := range n.children {
		if child.edit != nil && !child.edit.Delete || child.writes() {
			return true
		}
	}
	return false
}

// edit applies the edit of exactly one path.
func (s *splicer) edit(old *entry, e *transform.Edit, name string, path fleet.Path) (*entry, error) {
	switch {
	case e.Delete && old == nil:
		return nil, nil
	case old != nil && old.is(modeTree):
		return nil, refuse(path, "the path is a directory")
	case e.Delete:
		return nil, nil
	case old != nil && !old.is(modeRegular):
		return nil, refuse(path, "the path is %s, which is not replaced", old.describe())
	}
	mode := uint32(modeRegular | 0o644)
	if old != nil {
		mode = old.mode
	}
	if e.Executable && mode&0o100 == 0 {
		mode = modeRegular | 0o755
	}
	id := plumbing.ComputeHash(plumbing.BlobObject, e.Content)
	if old != nil && old.id == id && old.mode == mode {
		return old, nil
	}
	s.made[id] = object{plumbing.BlobObject, e.Content}
	next := newEntry(name, mode, id)
	return &next, nil
}

// refuseCollisions refuses names that a file system without letter case takes
// for a neighbour's.
func refuseCollisions(entries []entry, added []string, at fleet.Path) error {
	if len(added) == 0 {
		return nil
	}
	folded := make(map[string][]string, len(entries))
	for _, e := range entries {
		key := strings.ToLower(e.name)
		folded[key] = append(folded[key], e.name)
	}
	for _, name := range added {
		same := folded[strings.ToLower(name)]
		if len(same) < 2 || !slices.Contains(same, name) {
			continue
		}
		other := same[0]
		if other == name {
			other = same[1]
		}
		path := strings.TrimPrefix(string(at)+"/"+name, "/")
		return refuse(fleet.Path(path), "it differs only in letter case from %s", printable(other))
	}
	return nil
}
