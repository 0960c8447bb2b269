package transform

import (
	"bytes"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"github.com/portreeve/portreeve/reconciler/fleet"
)

// Change is what one step did.
type Change struct {
	Step  int // its index
	Paths []fleet.Path
}

// Apply runs steps in sequence, each over what the ones before it made of
// tree, and returns the edits that lead from tree to the result, sorted by
// path; a path that ends up as tree holds it has none. It says, too, which
// steps changed what, in their order; those that changed nothing are left out.
//
// Contents that have not been fetched are asked for all at once: the joined
// errors each wrap fleet.ErrUnread. Any other error names its step and is for
// people, the one that a step changes its own result included: a list of
// steps must be idempotent.
func Apply(steps []Step, tree fs.FS) ([]Edit, []Change, error) {
	first, err := run(steps, tree)
	if err != nil {
		return nil, nil, err
	}
	edits, err := net(tree, first)
	if err != nil {
		return nil, nil, err
	}
	if err := checkStable(steps, Overlay(tree, edits)); err != nil {
		return nil, nil, err
	}
	var changes []Change
	for i, made := range first {
		c := Change{Step: i}
		for _, e := range made {
			if _, kept := find(edits, e.Path); kept {
				c.Paths = append(c.Paths, e.Path)
			}
		}
		if c.Paths != nil {
			changes = append(changes, c)
		}
	}
	return edits, changes, nil
}

// run gives the edits of each step. Once a step lacks contents its edits are
// unknown, so the later ones run only for what they have to ask, and what
// else they say about a tree that is not the real one is not heard.
func run(steps []Step, tree fs.FS) ([][]Edit, error) {
	made := make([][]Edit, len(steps))
	var merged []Edit
	var unread []error
	for i, step := range steps {
		now := Overlay(tree, merged)
		edits, err := step.Edits(now)
		switch {
		case errors.Is(err, fleet.ErrUnread):
			unread = append(unread, err)
			continue
		case err == nil:
			err = checkEdits(now, edits)
		}
		if err != nil {
			if unread != nil {
				continue
			}
			return nil, fmt.Errorf("%s: %w", label(i, step), err)
		}
		made[i] = edits
		merged = Merge(merged, edits)
	}
	return made, errors.Join(unread...)
}

// net merges the edits of all steps and drops those that tree holds already.
func net(tree fs.FS, made [][]Edit) ([]Edit, error) {
	var merged []Edit
	for _, edits := range made {
		merged = Merge(merged, edits)
	}
	var unread []error
	kept := merged[:0]
	for _, e := range merged {
		same, err := Holds(tree, e)
		switch {
		case errors.Is(err, fleet.ErrUnread):
			unread = append(unread, err)
		case err != nil:
			return nil, err
		case !same:
			kept = append(kept, e)
		}
	}
	return slices.Clip(kept), errors.Join(unread...)
}

// checkStable runs the steps over their own result.
func checkStable(steps []Step, result fs.FS) error {
	again, err := run(steps, result)
	if err != nil {
		if errors.Is(err, fleet.ErrUnread) {
			return err
		}
		return fmt.Errorf("a second time: %w", err)
	}
	different, err := net(result, again)
	if err != nil || len(different) == 0 {
		return err
	}
	for i, edits := range again {
		for _, e := range edits {
			if _, ok := find(different, e.Path); ok {
				return fmt.Errorf("%s changes its own result, in %s", label(i, steps[i]), e.Path)
			}
		}
	}
	return nil
}

func label(i int, step Step) string { return fmt.Sprintf("step %d (%s)", i+1, step.Summary()) }

func find(edits []Edit, p fleet.Path) (Edit, bool) {
	i, ok := slices.BinarySearchFunc(edits, p, func(e Edit, p fleet.Path) int {
		return bytes.Compare([]byte(e.Path), []byte(p))
	})
	if !ok {
		return Edit{}, false
	}
	return edits[i], true
}

// checkEdits holds a step to its contract: sorted, each path once, and only
// paths that may be written in the tree.
func checkEdits(tree fs.FS, edits []Edit) error {
	var deletes []Edit
	for i, e := range edits {
		if i > 0 && edits[i-1].Path >= e.Path {
			return fmt.Errorf("edits of %s and %s are out of order", edits[i-1].Path, e.Path)
		}
		if e.Delete {
			deletes = append(deletes, e)
		}
	}
	// A file that is deleted may make room for a directory of its name.
	cleared := Overlay(tree, deletes)
	for _, e := range edits {
		if err := CheckPath(string(e.Path)); err != nil {
			return err
		}
		where := cleared
		if e.Delete {
			where = tree
		}
		if err := CheckTarget(where, e.Path); err != nil {
			return err
		}
	}
	return nil
}

// blobber is the part of fleet.Snapshot that knows contents without reading.
type blobber interface {
	Blob(path fleet.Path) fleet.BlobID
}

// Holds reports whether tree is already as an edit wants it. If tree knows
// the content's id, the content need not have been fetched.
func Holds(tree fs.FS, e Edit) (bool, error) {
	entry, err := Lookup(tree, e.Path)
	if err != nil {
		return false, err
	}
	if e.Delete || entry == nil {
		return e.Delete && entry == nil, nil
	}
	if !entry.Type().IsRegular() || IsExecutable(entry) != e.Executable {
		return false, nil
	}
	if b, ok := tree.(blobber); ok {
		switch id := b.Blob(e.Path); len(id) {
		case 2 * sha1.Size, 2 * sha256.Size:
			return id == blobID(e.Content, len(id)), nil
		}
	}
	content, err := fs.ReadFile(tree, string(e.Path))
	return bytes.Equal(content, e.Content), err
}

// IsExecutable reports whether an entry is an executable file.
func IsExecutable(entry fs.DirEntry) bool {
	info, err := entry.Info()
	return err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0
}

// blobID is Git's id of a content, by the hash whose hexadecimal length is n.
func blobID(content []byte, n int) fleet.BlobID {
	data := append(fmt.Appendf(nil, "blob %d\x00", len(content)), content...)
	if n == 2*sha1.Size {
		sum := sha1.Sum(data)
		return fleet.BlobID(hex.EncodeToString(sum[:]))
	}
	sum := sha256.Sum256(data)
	return fleet.BlobID(hex.EncodeToString(sum[:]))
}
