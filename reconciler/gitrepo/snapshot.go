package gitrepo

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
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
// Entries whose names aren't valid in an fs.FS (not UTF-8, "..", ".git", with
// a slash) are not listed, and are kept by Commit. The size of a file that has
// not been loaded is given as 0.
type Snapshot struct {
	commit  fleet.CommitID
	root    plumbing.Hash // zero for an empty repo
	objects *objects
	via     *route // how it was fetched, for Load

	mu   sync.Mutex
	dirs map[plumbing.Hash]*dir
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

// Blob implements fleet.Snapshot: the id of a regular file's content.
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
		return s, nil
	}
	k, err := c.connect(ctx, r, "read tree")
	if err != nil {
		return nil, err
	}
	id, err := k.parseID(string(commit))
	if err != nil {
		return nil, err
	}
	adv, err := k.discover(ctx, uploadPack)
	if err != nil {
		return nil, err
	}
	if err := k.fetch(ctx, adv, k.trees(adv, id), s.objects); err != nil {
		return nil, k.gone(err, adv, id)
	}
	data, ok := s.objects.get(id, plumbing.CommitObject)
	if !ok {
		return nil, k.permanent("the server sends no commit of that id")
	}
	line, _, _ := bytes.Cut(data, []byte("\n"))
	tree, ok := strings.CutPrefix(string(line), "tree ")
	if s.root, err = k.parseID(tree); err != nil || !ok {
		return nil, k.permanent("the commit names no tree")
	}
	if _, err := s.dir(s.root); err != nil {
		return nil, k.fail(err)
	}
	s.via = k.route(r, adv)
	return s, nil
}

// trees orders commits with their trees: without files' contents where the
// server can leave them out, else with all of them.
func (k *conn) trees(adv *advert, commits ...plumbing.Hash) order {
	if adv.canFilter() {
		return order{wants: commits, shallow: true, filter: withoutFiles, max: k.c.opts.MaxFiltered}
	}
	return order{wants: commits, shallow: true, max: k.c.opts.MaxFull}
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

// loadBatch is how many files one request asks for: its body stays near
// 100 KB, and a server's limit on requests is far.
const loadBatch = 2000

// Load fetches the contents of files that are not loaded yet. Paths that are
// no regular files are passed over; a file above Options.MaxBlob is too, and
// opening it says so: it harms no other file of its repo. All files of one
// call together are bounded by Options.MaxFiltered.
func (c *Client) Load(ctx context.Context, r Remote, s *Snapshot, paths []fleet.Path) error {
	wants := s.missing(paths)
	if len(wants) > 0 {
		k, err := c.connect(ctx, r, "read files")
		if err != nil {
			return err
		}
		adv, err := k.again(ctx, r, s.via)
		if err != nil {
			return err
		}
		bound := s.objects.bytes() + c.opts.MaxFiltered
		for batch := range slices.Chunk(wants, loadBatch) {
			err := k.fetch(ctx, adv, order{wants: batch, max: bound - s.objects.bytes()}, s.objects)
			if err != nil {
				return k.gone(err, adv, plumbing.ZeroHash)
			}
		}
		s.noteUnsent(wants)
	}
	return nil
}

// missing are the contents that paths need and that are not known, each once.
func (s *Snapshot) missing(paths []fleet.Path) (wants []plumbing.Hash) {
	seen := map[plumbing.Hash]bool{}
	for _, path := range paths {
		e, err := s.lookup(string(path))
		if err != nil || !e.is(modeRegular) {
			continue
		}
		_, loaded := s.objects.get(e.id, plumbing.BlobObject)
		_, large := s.objects.tooLarge(e.id)
		if loaded || large || seen[e.id] {
			continue
		}
		seen[e.id] = true
		wants = append(wants, e.id)
	}
	return wants
}

// noteUnsent notes what was asked for and could not be kept: it is made of
// something too large.
func (s *Snapshot) noteUnsent(wants []plumbing.Hash) {
	unsent := newObjects()
	for _, id := range wants {
		_, loaded := s.objects.get(id, plumbing.BlobObject)
		if _, large := s.objects.tooLarge(id); !loaded && !large {
			unsent.large[id] = 0
		}
	}
	s.objects.add(unsent)
}

// tooLarge is why an entry's content is not read, or nil.
func (s *Snapshot) tooLarge(e entry) error {
	size, large := s.objects.tooLarge(e.id)
	switch {
	case !large:
		return nil
	case size == 0:
		return errors.New("the file is too large to be read")
	}
	return fmt.Errorf("the file is too large to be read: %d MiB", size>>20)
}
