package gitrepo

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"

	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/transform"
)

// Replayed are the trees of a branch made anew: ours first, then one for each
// commit of people's that is kept on top of it. Nothing of it is written.
type Replayed struct {
	base *Snapshot
	ours plumbing.Hash
	kept []again
	made map[plumbing.Hash]object
}

// again is a commit that is made again: its tree there, and what it keeps.
type again struct {
	of       fleet.CommitID
	tree     plumbing.Hash
	author   string // with its time
	encoding string
	message  string
}

// Kept are the commits that are made again, as they were picked.
func (r *Replayed) Kept() []fleet.CommitID {
	var ids []fleet.CommitID
	for _, k := range r.kept {
		ids = append(ids, k.of)
	}
	return ids
}

// Replay makes a branch anew in memory: edits on base, then each picked commit
// on top, in order, by a merge of three trees. Picks that hold nothing of a
// person's own are left out: merges of the base, and a commit of ours that was
// only put on another base. All others are kept, also those that change
// nothing (any more).
//
// Where that can't be done a Stop says why; it is an answer, and no error. An
// error is about the outside world, or the edits are refused, as by Commit.
func (c *Client) Replay(ctx context.Context, r Remote, base *Snapshot, edits []transform.Edit, picks []fleet.Pick) (*Replayed, *fleet.Stop, error) {
	if err := c.List(ctx, r, base); err != nil {
		return nil, nil, err
	}
	if err := c.Load(ctx, r, base, CommitPaths(edits)); err != nil {
		return nil, nil, err
	}
	ours, made, err := edited(base, edits)
	if err != nil {
		return nil, nil, err
	}
	p, err := c.replaying(ctx, r, base, made)
	if err != nil {
		return nil, nil, err
	}
	if stop, err := p.read(ctx, picks); stop != nil || err != nil {
		return nil, stop, err
	}
	out := &Replayed{base: base, ours: ours}
	tip := ours
	for _, pick := range picks {
		kept, err := p.pick(ctx, tip, pick)
		if clash := (*conflict)(nil); errors.As(err, &clash) {
			stop := clash.stop(pick.Commit)
			return nil, &stop, nil
		}
		switch {
		case err != nil:
			return nil, nil, p.conn.fail(err)
		case kept != nil:
			out.kept = append(out.kept, *kept)
			tip = kept.tree
		}
	}
	out.made = p.made
	return out, nil, nil
}

// replay is a replay under way.
type replay struct {
	threeway
	conn *conn
	adv  *advert
	got  *objects
}

// replaying begins a replay on a base, with what has been made of it already.
func (c *Client) replaying(ctx context.Context, r Remote, base *Snapshot, made map[plumbing.Hash]object) (*replay, error) {
	if made == nil {
		made = map[plumbing.Hash]object{}
	}
	p := &replay{got: newObjects(), threeway: threeway{made: made, missing: map[plumbing.Hash]bool{}}}
	p.sources = []*objects{p.got, base.objects}
	var err error
	if p.conn, err = c.connect(ctx, r, "read commits"); err == nil {
		p.adv, err = p.conn.again(ctx, r, base.via)
	}
	return p, err
}

// read fetches the commits that are picked, and those that they build on, with
// their trees. A server that gives no commit but its branches' newest stops it.
func (p *replay) read(ctx context.Context, picks []fleet.Pick) (*fleet.Stop, error) {
	first, err := p.fetch(ctx, picks, func(pick fleet.Pick) []string {
		ids := []string{string(pick.Commit), string(pick.Since)}
		if pick.Made != nil {
			ids = append(ids, string(pick.Made.Base))
		}
		return ids
	})
	if first != nil || err != nil {
		return first, err
	}
	if second, err := p.fetch(ctx, picks, func(pick fleet.Pick) (ids []string) {
		for _, parent := range p.header(string(pick.Commit)).parents {
			ids = append(ids, parent.String())
		}
		return ids
	}); second != nil || err != nil {
		return second, err
	}
	// What we had made is on no branch any more: it is asked for by itself,
	// for the server may have dropped it.
	for _, pick := range picks {
		if pick.Made == nil {
			continue
		}
		id, err := p.conn.parseID(string(pick.Made.Tree))
		if err != nil {
			return nil, err
		}
		if _, known := p.get(id, plumbing.TreeObject); known || id == emptyTree {
			continue
		}
		err = p.conn.fetch(ctx, p.adv, order{wants: []plumbing.Hash{id}, filter: p.filter(), max: p.conn.c.opts.MaxFiltered}, p.got)
		if refused := (*refusal)(nil); errors.As(err, &refused) {
			return &fleet.Stop{Commit: pick.Commit, Why: "it was amended, and the forge does not keep what it was before"}, nil
		} else if err != nil {
			return nil, err
		}
	}
	return nil, nil
}

func (p *replay) filter() filter {
	if p.adv.canFilter() {
		return noContents
	}
	return unfiltered
}

// fetch fetches commits that are not known yet.
func (p *replay) fetch(ctx context.Context, picks []fleet.Pick, of func(fleet.Pick) []string) (*fleet.Stop, error) {
	var wants []plumbing.Hash
	for _, pick := range picks {
		for _, text := range of(pick) {
			if text == "" {
				continue
			}
			id, err := p.conn.parseID(text)
			if err != nil {
				return nil, err
			}
			if _, known := p.get(id, plumbing.CommitObject); !known && !slices.Contains(wants, id) {
				wants = append(wants, id)
			}
		}
	}
	if len(wants) == 0 {
		return nil, nil
	}
	err := p.conn.fetch(ctx, p.adv, p.conn.trees(p.adv, wants...), p.got)
	if refused := (*refusal)(nil); errors.As(err, &refused) && !refused.broken {
		return &fleet.Stop{Commit: picks[0].Commit, Why: "the forge does not give the commits that are needed"}, nil
	}
	return nil, err
}

// header is a commit that has been fetched; the zero header is of one that
// was not.
func (p *replay) header(id string) header {
	data, _ := p.get(plumbing.NewHash(id), plumbing.CommitObject)
	h, _ := parseCommit(data)
	return h
}

// pick makes one commit again on top of a tree; nil when nothing of a
// person's own is in it.
func (p *replay) pick(ctx context.Context, tip plumbing.Hash, pick fleet.Pick) (*again, error) {
	h := p.header(string(pick.Commit))
	if h.tree.IsZero() || len(h.parents) == 0 {
		return nil, &conflict{why: "it has nothing beneath it that it changes"}
	}
	parent := p.header(h.parents[0].String()).tree
	from, own, err := parent, true, error(nil)
	switch {
	case pick.Since != "":
		if len(h.parents) != 2 {
			return nil, &conflict{why: "it merges more than two"}
		}
		from, err = p.merge(ctx, p.header(string(pick.Since)).tree, parent, p.header(h.parents[1].String()).tree)
		if clash := (*conflict)(nil); errors.As(err, &clash) || err == nil && from != h.tree {
			return nil, &conflict{why: "it merges the base and changes more than that"}
		}
		own = false
	case pick.Made != nil:
		from, err = p.merge(ctx, p.header(string(pick.Made.Base)).tree, plumbing.NewHash(string(pick.Made.Tree)), parent)
		if clash := (*conflict)(nil); errors.As(err, &clash) {
			return nil, &conflict{clash.path, "it was amended and put on another base, so that what a person changed can't be told"}
		}
		own = from != h.tree
		h.author = h.committer // whoever amended it
	}
	if err != nil || !own {
		return nil, err
	}
	made, err := p.merge(ctx, from, tip, h.tree)
	if err != nil {
		return nil, err
	}
	kept := &again{of: pick.Commit, tree: made, author: h.author, encoding: h.encoding, message: h.message}
	if pick.Message != "" {
		kept.encoding, kept.message = "", pick.Message
	}
	return kept, nil
}

// merge merges trees, and fetches the contents that it needs for that.
func (p *replay) merge(ctx context.Context, base, a, b plumbing.Hash) (plumbing.Hash, error) {
	for range 2 {
		before := maps.Clone(p.made)
		id, err := p.followed(base, a, b)
		if len(p.missing) == 0 {
			if err == nil && id.IsZero() {
				id = p.make(plumbing.TreeObject, nil)
			}
			return id, err
		}
		if err != nil {
			return id, err
		}
		wants := slices.Collect(maps.Keys(p.missing))
		plumbing.HashesSort(wants)
		clear(p.missing)
		p.made = before // what was made for want of contents is nothing
		if err := p.conn.fetch(ctx, p.adv, order{wants: wants, max: p.conn.c.opts.MaxFiltered}, p.got); err != nil {
			return id, err
		}
	}
	return base, &conflict{why: "the forge does not give the files that are needed"}
}

// followed merges trees with their renames.
func (p *replay) followed(base, a, b plumbing.Hash) (plumbing.Hash, error) {
	base, a, b, err := p.follow(base, a, b)
	if err != nil {
		return base, err
	}
	return p.trees(base, a, b, "")
}

// CommitReplayed makes the commits of a replay: ours, with the message that is given
// the id of its tree, and those of people, each with its author, its author's
// date and its message; all are committed by us, and signed as Commit signs.
func (c *Client) CommitReplayed(r *Replayed, by Signature, message func(fleet.TreeID) string) (*Commit, error) {
	made := map[plumbing.Hash]object{}
	r.reach(made, r.ours)
	tip, err := c.commit(r.base, r.ours, made, by, message)
	if err != nil {
		return nil, err
	}
	for _, kept := range r.kept {
		r.reach(made, kept.tree)
		var b strings.Builder
		fmt.Fprintf(&b, "tree %s\nparent %s\nauthor %s\ncommitter %s\n", kept.tree, tip.ID, kept.author, by.header())
		if kept.encoding != "" {
			fmt.Fprintf(&b, "encoding %s\n", kept.encoding)
		}
		b.WriteString("\n" + kept.message)
		text, err := c.signed([]byte(b.String()))
		if err != nil {
			return nil, err
		}
		id := plumbing.ComputeHash(plumbing.CommitObject, text)
		made[id] = object{plumbing.CommitObject, text}
		tip = &Commit{ID: fleet.CommitID(id.String()), Tree: fleet.TreeID(kept.tree.String()), objects: made, via: r.base.via}
	}
	return tip, nil
}

// reach adds what a tree holds of what was made, and nothing else of it.
func (r *Replayed) reach(into map[plumbing.Hash]object, id plumbing.Hash) {
	o, ok := r.made[id]
	if _, done := into[id]; !ok || done {
		return
	}
	into[id] = o
	if o.kind != plumbing.TreeObject {
		return
	}
	entries, _ := parseTree(o.data) // we have just made it
	for _, e := range entries {
		r.reach(into, e.id)
	}
}
