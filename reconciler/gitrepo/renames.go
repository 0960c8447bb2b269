package gitrepo

import (
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
)

// maxMoves bounds how many files that are gone, or new, are looked at for
// renames.
const maxMoves = 5000

// follow moves what one side has renamed, without a change to its content, to
// its new path on the other side and in the base, where the other side changed
// it: so that its changes are merged there. That is a rename to Git too; one
// that Git would only take for one by its likeness is not followed, and
// conflicts.
func (t *threeway) follow(base, a, b plumbing.Hash) (_, _, _ plumbing.Hash, err error) {
	for _, side := range []struct{ renamed, other *plumbing.Hash }{{&a, &b}, {&b, &a}} {
		moves, err := t.renames(base, *side.renamed)
		if err != nil {
			return base, a, b, err
		}
		for _, m := range moves {
			was, err := t.at(base, m.from)
			if err != nil {
				return base, a, b, err
			}
			is, err := t.at(*side.other, m.from)
			if err != nil {
				return base, a, b, err
			}
			taken, err := t.at(*side.other, m.to)
			if err != nil {
				return base, a, b, err
			}
			switch {
			case taken != (place{}), is.equals(was):
				continue // which merging the trees settles
			case is.file == nil:
				return base, a, b, &conflict{m.from, "one side renames it, the other takes it away"}
			}
			for _, tree := range []struct {
				id *plumbing.Hash
				e  entry
			}{{&base, *was.file}, {side.other, *is.file}} {
				gone, err := t.put(*tree.id, m.from, nil)
				if err != nil {
					return base, a, b, err
				}
				if *tree.id, err = t.put(gone, m.to, &tree.e); err != nil {
					return base, a, b, err
				}
			}
		}
	}
	return base, a, b, nil
}

// move is a file that is gone from one path and the same at another.
type move struct{ from, to string }

// renames are the files that side has at another path than base. Where
// several are the same, none counts as moved.
func (t *threeway) renames(base, side plumbing.Hash) ([]move, error) {
	type content struct {
		id   plumbing.Hash
		mode uint32
	}
	gone, added := map[content][]string{}, map[content][]string{}
	var order []content
	seen := 0
	err := t.differ(base, side, "", func(path string, was, is *entry) bool {
		switch {
		case was != nil && is == nil && was.is(modeRegular):
			c := content{was.id, was.mode}
			if gone[c] = append(gone[c], path); len(gone[c]) == 1 {
				order = append(order, c)
			}
		case is != nil && was == nil && is.is(modeRegular):
			c := content{is.id, is.mode}
			added[c] = append(added[c], path)
		}
		seen++
		return seen < maxMoves
	})
	if err != nil || seen >= maxMoves {
		return nil, err
	}
	var moves []move
	for _, c := range order {
		if len(gone[c]) == 1 && len(added[c]) == 1 {
			moves = append(moves, move{gone[c][0], added[c][0]})
		}
	}
	return moves, nil
}

// differ calls do for each file that differs, in the order of paths, until it
// says that it has had enough.
func (t *threeway) differ(x, y plumbing.Hash, at string, do func(path string, x, y *entry) bool) error {
	if x == y || len(at) > 4096 {
		return nil
	}
	was, err := t.places(x, at)
	if err != nil {
		return err
	}
	is, err := t.places(y, at)
	if err != nil {
		return err
	}
	for _, name := range sortedNames(was, is) {
		p, q := was[name], is[name]
		if !(place{file: p.file}).equals(place{file: q.file}) && !do(at+name, p.file, q.file) {
			return nil
		}
		if err := t.differ(p.dir, q.dir, at+name+"/", do); err != nil {
			return err
		}
	}
	return nil
}

// at is what stands at a path of a tree; the zero place is nothing.
func (t *threeway) at(tree plumbing.Hash, path string) (place, error) {
	dir, rest, deeper := strings.Cut(path, "/")
	places, err := t.places(tree, "")
	if err != nil {
		return place{}, err
	}
	p := places[dir]
	switch {
	case !deeper:
		return p, nil
	case p.dir.IsZero():
		return place{file: p.file}, nil // a file in the way
	}
	return t.at(p.dir, rest)
}

// put is a tree with a file at a path, or without it; the zero id is one
// without entries.
func (t *threeway) put(tree plumbing.Hash, path string, e *entry) (plumbing.Hash, error) {
	name, rest, deeper := strings.Cut(path, "/")
	places, err := t.places(tree, "")
	if err != nil {
		return tree, err
	}
	switch p := places[name]; {
	case deeper:
		dir, err := t.put(p.dir, rest, e)
		if err != nil {
			return tree, err
		}
		delete(places, name)
		if !dir.IsZero() {
			made := newEntry(name, modeTree, dir)
			places[name] = place{dir: dir, as: &made}
		}
	case e == nil:
		delete(places, name)
	default:
		made := newEntry(name, e.mode, e.id)
		places[name] = place{file: &made}
	}
	var entries []entry
	for _, name := range sortedNames(places) {
		entries = append(entries, *places[name].entry())
	}
	return t.plantTree(entries), nil
}
