// Package held reads what a revision of the config repo declares, with what is
// invalid there as it was when it was last valid.
//
// Of a kind that holds, an invalid declaration is enforced as of the last
// revision in which it was valid, with the teams of that revision, for itself
// alone. So is an invalid team, and whatever refers to it goes on. Invalid
// settings are those of the last valid revision, but go no further than what
// their text asks for today. A declaration of another kind is frozen. All of
// them are marked. A file that can't be read counts, as a whole, for what it
// was: what it declared when it could last be read is held, unless another
// file declares it by now. What is gone from a file that can be read is gone.
//
// The last valid revision is looked for from the newest one backwards, by
// first parents, in Git's history alone: a cold start finds what a daemon
// knows that has seen it all. The search is bounded in revisions and commits
// and not in time, for the same reason.
package held

import (
	"cmp"
	"context"
	"fmt"
	"io/fs"
	"slices"

	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/kind"
	"github.com/portreeve/portreeve/reconciler/source"
)

// Bounds of a search: how many revisions it tries, and how many commits it
// passes on the way.
const (
	maxRevisions = 200
	maxCommits   = source.LookBack
)

// Reader reads revisions. It remembers what it found out about older ones,
// which never changes, and is for one goroutine at a time.
type Reader struct {
	Source source.Source
	Kinds  kind.Set
	// Load reads the declarations of a tree; declare.Load of Kinds.
	Load func(fs.FS) *fleet.Config

	known map[place]verdict
}

// Read reads a tree. It gives a config also with an error where that only
// means that history could not be read: what would have been looked for there
// is frozen, and the next read may find it.
func (r *Reader) Read(ctx context.Context, tree *source.Tree) (*fleet.Config, error) {
	config, err := r.plain(ctx, tree)
	if err != nil {
		return nil, err
	}
	w := &walk{Reader: r, tree: tree}
	a := &assembly{kinds: r.Kinds, config: config}
	lost := w.hold(ctx, a)
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return config, lost
}

// Stale are the marks alone that Read gives, for which it need not be found out
// since when each declaration is as it is.
func (r *Reader) Stale(ctx context.Context, tree *source.Tree) ([]fleet.Stale, error) {
	config := r.undated(tree)
	err := (&walk{Reader: r, tree: tree}).hold(ctx, &assembly{kinds: r.Kinds, config: config})
	return config.Stale, err
}

// plain is what a tree declares, and since when.
func (r *Reader) plain(ctx context.Context, tree *source.Tree) (*fleet.Config, error) {
	config := r.undated(tree)
	for _, d := range config.Declarations {
		if err := r.since(ctx, tree, d); err != nil {
			return nil, err
		}
	}
	return config, nil
}

// undated is what a tree declares.
func (r *Reader) undated(tree *source.Tree) *fleet.Config {
	config := r.Load(tree.Files)
	config.Revision, config.Time = tree.Revision, tree.Time
	config.Texts = map[string]string{}
	if text, err := fs.ReadFile(tree.Files, fleet.ImportFile); err == nil {
		config.Imported = text
	}
	for _, file := range config.Unreadable {
		if text, err := fs.ReadFile(tree.Files, file); err == nil {
			config.Texts[file] = string(text)
		}
	}
	return config
}

// since fills in the revision that last changed a declaration.
func (r *Reader) since(ctx context.Context, tree *source.Tree, d *fleet.Declaration) (err error) {
	d.Revision, err = r.Source.LastChanged(ctx, tree, d.Pos.File, d.Pos.Line, d.End)
	d.Changed = tree.When(d.Revision)
	return err
}

// hold looks for all that is invalid, and puts it into the config. First come
// the teams, and what files hid, since who refers to a team that is held is
// not invalid at all.
func (w *walk) hold(ctx context.Context, a *assembly) error {
	var lost error
	if first := append(brokenTeams(a.config), brokenFiles(a.config)...); len(first) > 0 {
		s := w.search(a.config, first)
		s.also = a.invalid()
		lost = s.run(ctx)
		a.teams(s)
		recheck(a.config, a.kinds)
		a.hidden = s.hidden()
	}
	invalid := a.invalid()
	s := w.search(a.config, invalid)
	if err := s.run(ctx); err != nil {
		lost = err
	}
	a.settings(s)
	a.declarations(s)
	slices.SortFunc(a.config.Stale, func(a, b fleet.Stale) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Name, b.Name))
	})
	if lost != nil {
		return fmt.Errorf("look for the last valid revision: %w", lost)
	}
	for _, id := range invalid { // for when this revision is an older one
		w.remember(a.config.Revision, id, verdict{stands: true})
	}
	return nil
}
