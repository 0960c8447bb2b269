package gitrepo

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"strings"
	"sync"

	"github.com/go-git/go-git/v5/plumbing"

	"github.com/portreeve/portreeve/reconciler/fleet"
)

// Snapshot is the tree of a repo at one commit, with the contents of those
// files that have been loaded. It implements fleet.Snapshot, fs.ReadDirFS,
// fs.StatFS and fs.ReadFileFS, and may be read by many goroutines, also while
// Load adds to it.
//
// A snapshot that was opened by Open knows only those directories that have
// been loaded; reading another one is fleet.ErrUnread.
//
// Entries whose names aren't valid in an fs.FS (not UTF-8, "..", ".git", with
// a slash) are not listed, and are kept by Commit. The size of a file that has
// not been loaded is given as 0.
type Snapshot struct {
	commit  fleet.CommitID
	root    plumbing.Hash // zero for an empty repo
	objects *objects
	via     *route // how it was fetched, for Load

	mu     sync.Mutex
	dirs   map[plumbing.Hash]*dir
	listed bool // all directories are known
}

// dir is a parsed tree.
type dir struct {
	entries []entry         // in the tree's order
	byName  map[string]int  // those that are readable
	twice   map[string]bool // names that a forged tree has more than once

	list sync.Once
	info []dirEntry // those that are readable, by name
}

func newSnapshot() *Snapshot {
	return &Snapshot{objects: newObjects(), dirs: map[plumbing.Hash]*dir{}}
}

// Commit implements fleet.Snapshot.
func (s *Snapshot) Commit() fleet.CommitID { return s.commit }

// Tree implements fleet.Snapshot; it is empty for an empty repo.
func (s *Snapshot) Tree() fleet.TreeID {
	if s.root.IsZero() {
		return ""
	}
	return fleet.TreeID(s.root.String())
}

// Blob implements fleet.Snapshot: the id of a regular file's content; empty
// too where the file's directory is not loaded.
func (s *Snapshot) Blob(path fleet.Path) fleet.BlobID {
	if e, err := s.lookup(string(path)); err == nil && e.is(modeRegular) {
		return fleet.BlobID(e.id.String())
	}
	return ""
}

// Snapshot fetches the tree of a repo at a commit: without files' contents
// where the server can leave them out, else with all of them. A commit that
// the server does not have, or no longer gives, is fleet.Moved. An empty
// commit is an empty repo's, and asks the server nothing.
func (c *Client) Snapshot(ctx context.Context, r Remote, commit fleet.CommitID) (*Snapshot, error) {
	s := newSnapshot()
	s.commit = commit
	if commit == "" {
		s.listed = true
		return s, nil
	}
	return s, c.read(ctx, r, s, noContents)
}

// Open is Snapshot with no directory but the root, where the server can leave
// the others out: Load reads those that lead to its paths, and List the rest.
func (c *Client) Open(ctx context.Context, r Remote, commit fleet.CommitID) (*Snapshot, error) {
	if commit == "" {
		return c.Snapshot(ctx, r, commit)
	}
	s := newSnapshot()
	s.commit = commit
	err := c.read(ctx, r, s, oneTree)
	if refused := (*refusal)(nil); errors.As(err, &refused) {
		err = c.read(ctx, r, s, noContents) // the server may know no such filter
	}
	return s, err
}

// List fetches all directories of a snapshot.
func (c *Client) List(ctx context.Context, r Remote, s *Snapshot) error {
	if s.isListed() {
		return nil
	}
	return c.read(ctx, r, s, noContents)
}

// read fetches the commit and what the filter lets through.
func (c *Client) read(ctx context.Context, r Remote, s *Snapshot, what filter) error {
	k, err := c.connect(ctx, r, "read tree")
	if err != nil {
		return err
	}
	id, err := k.parseID(string(s.commit))
	if err != nil {
		return err
	}
	adv, err := k.again(ctx, r, s.via)
	if err != nil {
		return err
	}
	o := k.order(adv, what, id)
	if err := k.fetch(ctx, adv, o, s.objects); err != nil {
		return k.gone(err, adv, id)
	}
	data, ok := s.objects.get(id, plumbing.CommitObject)
	if !ok {
		return k.permanent("the server sends no commit of that id")
	}
	line, _, _ := bytes.Cut(data, []byte("\n"))
	tree, ok := strings.CutPrefix(string(line), "tree ")
	if s.root, err = k.parseID(tree); err != nil || !ok {
		return k.permanent("the commit names no tree")
	}
	s.setListed(o.filter != oneTree)
	if _, err := s.dir(s.root); err != nil {
		return k.fail(err)
	}
	s.via = k.route(r, adv)
	return nil
}

func (s *Snapshot) isListed() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.listed
}

func (s *Snapshot) setListed(listed bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.listed = listed
}

// trees orders commits with their trees: without files' contents where the
// server can leave them out, else with all of them.
func (k *conn) trees(adv *advert, commits ...plumbing.Hash) order {
	return k.order(adv, noContents, commits...)
}

// order orders commits without what the filter leaves out, or whole where the
// server can leave nothing out.
func (k *conn) order(adv *advert, what filter, commits ...plumbing.Hash) order {
	if !adv.canFilter() {
		return order{wants: commits, shallow: true, max: k.c.opts.MaxFull}
	}
	return order{wants: commits, shallow: true, filter: what, max: k.c.opts.MaxFiltered}
}

// parseID reads an object id.
func (k *conn) parseID(text string) (id plumbing.Hash, err error) {
	b, err := hex.DecodeString(text)
	switch {
	case err == nil && len(b) == 32:
		return id, k.permanent("the repo's object format is sha256; only sha1 is supported")
	case err != nil || len(b) != len(id):
		return id, k.permanent("the commit's id is not one of Git")
	}
	copy(id[:], b)
	return id, nil
}

// gone makes of a server's refusal of an object that the world has moved,
// unless the server itself advertises the object.
func (k *conn) gone(err error, adv *advert, id plumbing.Hash) error {
	r := (*refusal)(nil)
	if !errors.As(err, &r) || r.broken {
		return err
	}
	for _, at := range adv.refs {
		if at == id.String() {
			return err
		}
	}
	return k.as(fleet.Moved, r)
}
