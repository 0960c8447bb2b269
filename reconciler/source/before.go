package source

import (
	"context"
	"errors"
	"io/fs"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"
	"github.com/go-git/go-git/v5/plumbing/object"

	"github.com/portreeve/portreeve/reconciler/fleet"
)

// LookBack is how many commits one Before looks at.
const LookBack = 10_000

// stepFrom is a commit, and the folder of it that declarations are under.
type stepFrom struct {
	commit plumbing.Hash
	sub    string
}

// step is where Before leads: to a commit, zero where history ends, past
// looked commits, that one included.
type step struct {
	to     plumbing.Hash
	looked int
}

// before is every member's Before.
func before(ctx context.Context, tree *Tree, rev fleet.Revision) (fleet.Revision, int, error) {
	if tree.past == nil || rev == "" {
		return "", 0, ctx.Err()
	}
	s, err := tree.past.before(ctx, plumbing.NewHash(string(rev)))
	if err != nil || s.to.IsZero() {
		return "", s.looked, tree.past.failed(ctx, tree.Name, err)
	}
	return fleet.Revision(s.to.String()), s.looked, nil
}

// at is every member's At.
func at(ctx context.Context, tree *Tree, rev fleet.Revision) (*Tree, error) {
	p := tree.past
	if p == nil {
		return nil, failed("read revision "+rev.Short(), tree.Name, fleet.Permanent, errNoRepo)
	}
	p.memory.mu.Lock()
	defer p.memory.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	old, err := treeAt(p.repo, plumbing.NewHash(string(rev)), p.sub, p.memory, p.again)
	if errors.Is(err, object.ErrDirectoryNotFound) { // the folder came later
		return &Tree{Revision: rev, Files: &objects{nodes: map[string]*node{".": {mode: fs.ModeDir | 0o555}}}, Name: tree.Name}, nil
	}
	if err != nil {
		return nil, p.failed(ctx, tree.Name, err)
	}
	old.Name = tree.Name
	return old, nil
}

func (p *past) failed(ctx context.Context, name string, err error) error {
	switch {
	case err == nil, ctx.Err() != nil:
		return ctx.Err()
	}
	return failed("read history", name, fleet.Transient, err)
}

func (p *past) before(ctx context.Context, from plumbing.Hash) (step, error) {
	p.memory.mu.Lock() // also guards repo, whose caches are not for sharing
	defer p.memory.mu.Unlock()
	if s, ok := p.memory.steps[stepFrom{from, p.sub}]; ok {
		return s, nil
	}
	s, err := p.walk(ctx, from, LookBack)
	if err != nil || s.to.IsZero() { // history's end may move: more of it may be fetched
		return s, err
	}
	if len(p.memory.steps) > maxSteps {
		clear(p.memory.steps)
	}
	p.memory.steps[stepFrom{from, p.sub}] = s
	return s, nil
}

// walk compares a commit with its first parent, that one with its own, and so
// on, until they differ, or most have been looked at.
func (p *past) walk(ctx context.Context, from plumbing.Hash, most int) (s step, err error) {
	c, err := p.repo.CommitObject(from)
	if err != nil {
		return s, err
	}
	root, err := p.root(c)
	for err == nil {
		if err := ctx.Err(); err != nil {
			return s, err
		}
		if c.NumParents() == 0 || s.looked == most {
			return s, nil
		}
		parent, err := p.repo.CommitObject(c.ParentHashes[0])
		if errors.Is(err, plumbing.ErrObjectNotFound) {
			return s, nil // a shallow clone
		}
		if err != nil {
			return s, err
		}
		s.looked++
		older, err := p.root(parent)
		if err != nil {
			return s, err
		}
		if differ, err := declareOthers(root, older); err != nil || differ {
			s.to = parent.Hash
			return s, err
		}
		c, root = parent, older
	}
	return s, err
}

// root is the folder of a commit that declarations are under, nil if the
// commit has none.
func (p *past) root(c *object.Commit) (*object.Tree, error) {
	t, err := p.trees.get(c)
	if err != nil || p.sub == "" {
		return t, err
	}
	t, err = t.Tree(p.sub)
	if errors.Is(err, object.ErrDirectoryNotFound) {
		return nil, nil
	}
	return t, err
}

// declareOthers reports whether two folders may declare different things:
// whether one has a file that the other has not, of those that can hold
// declarations, or may lead to some.
func declareOthers(a, b *object.Tree) (bool, error) {
	if a == nil || b == nil || a.Hash == b.Hash {
		return (a == nil) != (b == nil), nil
	}
	theirs := map[string]object.TreeEntry{}
	for _, e := range b.Entries {
		theirs[e.Name] = e
	}
	for _, e := range a.Entries {
		other, both := theirs[e.Name]
		delete(theirs, e.Name)
		switch {
		case both && other.Hash == e.Hash && other.Mode == e.Mode:
		case both && e.Mode == filemode.Dir && other.Mode == filemode.Dir && counts(e):
			x, err := a.Tree(e.Name)
			if err != nil {
				return false, err
			}
			y, err := b.Tree(e.Name)
			if err != nil {
				return false, err
			}
			if differ, err := declareOthers(x, y); differ || err != nil {
				return differ, err
			}
		case counts(e) || both && counts(other):
			return true, nil
		}
	}
	for _, e := range theirs {
		if counts(e) {
			return true, nil
		}
	}
	return false, nil
}

// counts reports whether declarations may stand in an entry, or below it.
func counts(e object.TreeEntry) bool {
	hidden := strings.HasPrefix(e.Name, ".") || e.Name == "cue.mod"
	return !hidden && (e.Mode == filemode.Dir || e.Mode == filemode.Symlink || strings.HasSuffix(e.Name, ".cue"))
}
