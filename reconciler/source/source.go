// Package source knows where declarations come from: a branch of a remote
// config repo, the commits of a local one, or files that nobody has committed
// yet. It says which revision is the current one, when to look again, which
// revision last changed a line, and what came before. What the files mean is
// not its affair.
//
// A revision's files come from Git's objects, never from a checkout that
// somebody may edit meanwhile, and symlinks are listed but never followed: so
// the daemon, a preview and a person's editor see the same tree, and nothing
// outside of it.
package source

import (
	"context"
	"io/fs"
	"time"

	"github.com/portreeve/portreeve/reconciler/fleet"
)

// Tree is all files of the config repo at one revision.
type Tree struct {
	Revision fleet.Revision // empty for files that are not committed
	Time     time.Time      // of the commit, by its committer; zero if uncommitted
	// Files can be read at any time, also while the config repo moves on; the
	// content of a large file only until two revisions later.
	Files fs.FS
	Name  string // where it comes from, for people; never holds a secret

	past *past // nil when there is none to ask
}

// When is when a revision of the tree's history was committed, by its
// committer; zero where history can't tell.
func (t *Tree) When(rev fleet.Revision) time.Time {
	switch {
	case rev == t.Revision:
		return t.Time
	case t.past == nil:
		return time.Time{}
	}
	return t.past.when(rev)
}

// Source is a place that declarations come from. Its methods may be called
// at the same time.
type Source interface {
	// Current looks and gives what is declared now: the same *Tree as long as
	// the revision is the same and not empty. Its error is a *fleet.Failure: Permanent
	// when a person has to act, and never holds a secret.
	Current(ctx context.Context) (*Tree, error)
	// Last is the newest tree that could be read, without looking; nil when
	// there has been none, also not before a restart.
	Last() *Tree
	// Watch calls changed when the current tree may have become another,
	// once at its start included, until ctx is done, and then returns nil.
	// Calls come one at a time, and bundled: an edit of many files is one.
	Watch(ctx context.Context, changed func()) error
	// LastChanged is the newest revision that touched any of the lines from
	// to to, counted from 1, of a file of the tree. It depends on history
	// alone: not on the clock, nor on what was asked before. Where history
	// can't tell it is the tree's own revision. Only a done ctx is an error.
	LastChanged(ctx context.Context, tree *Tree, file string, from, to int) (fleet.Revision, error)
	// Before steps back from a revision of the tree's history to the newest
	// one before it in which files that can hold declarations are others, and
	// says how many commits it looked at. It goes by first parents alone: the
	// others were never the branch's, so nothing of them was ever enforced.
	// What comes before files that are not committed is the commit that the
	// work tree stands at. Where history ends, also because the rest of it was
	// not fetched, or after LookBack commits, the revision is empty. It depends
	// on history alone.
	Before(ctx context.Context, tree *Tree, rev fleet.Revision) (before fleet.Revision, looked int, err error)
	// At is the tree at a revision that Before gave.
	At(ctx context.Context, tree *Tree, rev fleet.Revision) (*Tree, error)
}

// lastChanged is every member's LastChanged.
func lastChanged(ctx context.Context, tree *Tree, file string, from, to int) (fleet.Revision, error) {
	if tree.past == nil || tree.Revision == "" {
		return tree.Revision, ctx.Err()
	}
	rev, err := tree.past.lastChanged(ctx, string(tree.Revision), file, from, to)
	if ctx.Err() != nil {
		return "", ctx.Err()
	}
	if err != nil || rev == "" {
		return tree.Revision, nil
	}
	return rev, nil
}
