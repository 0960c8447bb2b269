package gitrepo

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/go-git/go-git/v5/plumbing"

	"github.com/portreeve/portreeve/reconciler/fleet"
)

// loadBatch is how many files one request asks for: its body stays near
// 100 KB, and a server's limit on requests is far.
const loadBatch = 2000

// Load fetches the contents of files that are not loaded yet, and before them
// the directories on the way to them, one more for each request. A path that
// is a directory has its names fetched. What else is no regular file is passed
// over; a file above Options.MaxBlob is too, and
// opening it says so: it harms no other file of its repo. All files of one
// call together are bounded by Options.MaxFiltered.
func (c *Client) Load(ctx context.Context, r Remote, s *Snapshot, paths []fleet.Path) error {
	var k *conn
	var adv *advert
	bound := s.objects.bytes() + c.opts.MaxFiltered
	for {
		wants := s.missing(paths)
		if len(wants) == 0 {
			return nil
		}
		if k == nil {
			var err error
			if k, err = c.connect(ctx, r, "read files"); err != nil {
				return err
			}
			if adv, err = k.again(ctx, r, s.via); err != nil {
				return err
			}
		}
		o := order{}
		if !s.isListed() {
			o.filter = noTrees
		}
		for o.wants = range slices.Chunk(wants, loadBatch) {
			o.max = bound - s.objects.bytes()
			if err := k.fetch(ctx, adv, o, s.objects); err != nil {
				return k.gone(err, adv, plumbing.ZeroHash)
			}
		}
		s.noteUnsent(wants)
	}
}

// missing are the objects that come next on the way to paths and are not
// known, each once.
func (s *Snapshot) missing(paths []fleet.Path) (wants []plumbing.Hash) {
	seen := map[plumbing.Hash]bool{}
	for _, path := range paths {
		e, err := s.lookup(string(path))
		next := e.is(modeRegular) || e.is(modeTree) && !s.isListed()
		if err != nil && !errors.Is(err, fleet.ErrUnread) || !next || seen[e.id] || s.settled(e.id) {
			continue
		}
		seen[e.id] = true
		wants = append(wants, e.id)
	}
	return wants
}

// settled reports whether an object is known, or known not to be had.
func (s *Snapshot) settled(id plumbing.Hash) bool {
	_, large := s.objects.tooLarge(id)
	return large || s.objects.has(id) || id == emptyTree || id.IsZero()
}

// noteUnsent notes what was asked for and could not be kept: it is made of
// something too large.
func (s *Snapshot) noteUnsent(wants []plumbing.Hash) {
	unsent := newObjects()
	for _, id := range wants {
		if !s.settled(id) {
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
