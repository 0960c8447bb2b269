package gitrepo

import (
	"bytes"
	"maps"
	"slices"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"

	"github.com/portreeve/portreeve/reconciler/fleet"
)

// threeway merges trees: what two made of a third. A directory that one side
// alone changed is taken as it is; a file that both changed is merged line by
// line, and all else that both changed otherwise is a conflict. Of renames see
// follow; to trees they are a file that is gone and one that is new.
type threeway struct {
	sources []*objects
	made    map[plumbing.Hash]object
	// missing are contents that were needed and are in no source. What a
	// merge gave is of no use while there are some.
	missing map[plumbing.Hash]bool
}

// conflict is where two sides can't both have their way.
type conflict struct {
	path string
	why  string
}

func (c *conflict) Error() string { return printable(c.path) + ": " + c.why }

// maxMerged is how large a file may be that is merged line by line, in bytes.
const maxMerged = 4 << 20

func (t *threeway) get(id plumbing.Hash, kind plumbing.ObjectType) ([]byte, bool) {
	if o, ok := t.made[id]; ok && o.kind == kind {
		return o.data, true
	}
	for _, s := range t.sources {
		if data, ok := s.get(id, kind); ok {
			return data, true
		}
	}
	return nil, false
}

// place is what stands at a name: a file, link or submodule, and a directory.
// No tree has both; a merge of trees may want both, and then conflicts.
type place struct {
	file *entry
	dir  plumbing.Hash // zero for none
	as   *entry        // the directory's own entry
}

func (p place) equals(q place) bool {
	same := p.file == nil && q.file == nil || p.file != nil && q.file != nil && p.file.mode == q.file.mode && p.file.id == q.file.id
	return same && p.dir == q.dir
}

// places are the entries of a tree by name.
func (t *threeway) places(id plumbing.Hash, at string) (map[string]place, error) {
	out := map[string]place{}
	if id.IsZero() || id == emptyTree {
		return out, nil
	}
	data, ok := t.get(id, plumbing.TreeObject)
	if !ok {
		return nil, &damage{id.String(), errNoTree}
	}
	entries, err := parseTree(data)
	if err != nil {
		return nil, &damage{id.String(), err}
	}
	for i := range entries {
		e := &entries[i]
		if _, twice := out[e.name]; twice {
			return nil, &conflict{at + e.name, "a tree has two entries of that name"}
		}
		if e.is(modeTree) {
			out[e.name] = place{dir: e.id, as: e}
			continue
		}
		out[e.name] = place{file: e}
	}
	return out, nil
}

// trees merges what a and b made of base. The zero id is a tree without
// entries. at is the directory's path, with a slash at its end.
func (t *threeway) trees(base, a, b plumbing.Hash, at string) (plumbing.Hash, error) {
	switch {
	case a == b || base == b:
		return a, nil
	case base == a:
		return b, nil
	}
	if len(at) > 4096 {
		return a, &conflict{at[:80] + "…", "its path is too long"}
	}
	var all [3]map[string]place
	for i, id := range []plumbing.Hash{base, a, b} {
		places, err := t.places(id, at)
		if err != nil {
			return a, err
		}
		all[i] = places
	}
	var merged []entry
	for _, name := range sortedNames(all[:]...) {
		e, err := t.place(all[0][name], all[1][name], all[2][name], name, at)
		if err != nil {
			return a, err
		}
		if e != nil {
			merged = append(merged, *e)
		}
	}
	return t.plantTree(merged), nil
}

// plantTree makes a tree of entries; the zero id is one without.
func (t *threeway) plantTree(entries []entry) plumbing.Hash {
	if len(entries) == 0 {
		return plumbing.ZeroHash
	}
	slices.SortStableFunc(entries, func(x, y entry) int {
		switch {
		case sortsBefore(x, y):
			return -1
		case sortsBefore(y, x):
			return 1
		}
		return 0
	})
	return t.make(plumbing.TreeObject, encodeTree(entries))
}

// sortedNames are the names in directories, each once.
func sortedNames(all ...map[string]place) []string {
	names := map[string]bool{}
	for _, places := range all {
		for name := range places {
			names[name] = true
		}
	}
	return slices.Sorted(maps.Keys(names))
}

func (t *threeway) make(kind plumbing.ObjectType, data []byte) plumbing.Hash {
	id := plumbing.ComputeHash(kind, data)
	t.made[id] = object{kind, data}
	return id
}

// place merges what stands at one name; nil is nothing.
func (t *threeway) place(base, a, b place, name, at string) (*entry, error) {
	switch {
	case a.equals(b) || base.equals(b):
		return a.entry(), nil
	case base.equals(a):
		return b.entry(), nil
	}
	file, err := t.file(base.file, a.file, b.file, name, at)
	if err != nil {
		return nil, err
	}
	dir, err := t.trees(base.dir, a.dir, b.dir, at+name+"/")
	switch {
	case err != nil:
		return nil, err
	case dir.IsZero():
		return file, nil
	case file != nil:
		return nil, &conflict{at + name, "one side has a directory there, the other a file"}
	}
	made := newEntry(name, modeTree, dir)
	return &made, nil
}

func (p place) entry() *entry {
	if p.file != nil {
		return p.file
	}
	return p.as
}

// file merges what is no directory.
func (t *threeway) file(base, a, b *entry, name, at string) (*entry, error) {
	equal := func(x, y *entry) bool { return place{file: x}.equals(place{file: y}) }
	switch {
	case equal(a, b) || equal(base, b):
		return a, nil
	case equal(base, a):
		return b, nil
	}
	path := at + name
	switch {
	case base == nil:
		return nil, &conflict{path, "both add it, and not the same"}
	case a == nil:
		return nil, &conflict{path, "it changes what is not there any more"}
	case b == nil:
		return nil, &conflict{path, "it deletes what is changed"}
	case !base.is(modeRegular) || !a.is(modeRegular) || !b.is(modeRegular):
		return nil, &conflict{path, "both change it, and it is not a plain file"}
	}
	mode := a.mode
	if a.mode == base.mode {
		mode = b.mode
	} else if b.mode != base.mode && b.mode != a.mode {
		return nil, &conflict{path, "both change its mode"}
	}
	id, err := t.content(base.id, a.id, b.id, path)
	if err != nil {
		return nil, err
	}
	made := newEntry(name, mode, id)
	return &made, nil
}

// content merges a file's content. While some of it is missing, that is noted.
func (t *threeway) content(base, a, b plumbing.Hash, path string) (plumbing.Hash, error) {
	switch {
	case a == b || base == b:
		return a, nil
	case base == a:
		return b, nil
	}
	var texts [3]string
	missing := false
	for i, id := range []plumbing.Hash{base, a, b} {
		data, ok := t.get(id, plumbing.BlobObject)
		switch {
		case !ok && t.large(id), len(data) > maxMerged:
			return a, &conflict{path, "both change it, and it is too large to be merged"}
		case !ok:
			t.missing[id], missing = true, true
		case bytes.IndexByte(data[:min(len(data), 8000)], 0) >= 0: // as Git tells binary files
			return a, &conflict{path, "both change it, and it is a binary file"}
		}
		texts[i] = string(data)
	}
	if missing {
		return a, nil
	}
	merged, ok := mergeLines(texts[0], texts[1], texts[2])
	if !ok {
		return a, &conflict{path, "both change the same lines"}
	}
	return t.make(plumbing.BlobObject, []byte(merged)), nil
}

func (t *threeway) large(id plumbing.Hash) bool {
	for _, s := range t.sources {
		if _, large := s.tooLarge(id); large {
			return true
		}
	}
	return false
}

// stop is a conflict as it is told of a commit.
func (c *conflict) stop(commit fleet.CommitID) fleet.Stop {
	return fleet.Stop{Commit: commit, Path: fleet.Path(strings.ToValidUTF8(c.path, "\uFFFD")), Why: c.why}
}
