package gitrepo

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/go-git/go-git/v5/plumbing"

	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/transform"
)

// ErrNoChange is Commit's answer when the edits leave the tree as it is.
var ErrNoChange = errors.New("the edits change nothing")

// emptyTree is the id of a tree without entries, which servers need not send.
var emptyTree = plumbing.ComputeHash(plumbing.TreeObject, nil)

// Commit is a commit that has been made and not yet pushed, with the objects
// that its parent's repo does not have.
type Commit struct {
	ID   fleet.CommitID
	Tree fleet.TreeID

	objects map[plumbing.Hash]object
	via     *route // of its base
}

// Commit makes one commit that applies edits to base; nothing is sent. A base
// that is nil, or an empty repo's, gives a root commit. The same arguments
// give the same commit, unless it is signed: a signature may hold the time, or
// chance. A commit that can't be signed is a permanent *fleet.Failure.
//
// What is not edited stays as it is, in whatever odd form it has: a file that
// is rewritten keeps its mode, and becomes executable if the edit says so;
// directories that become empty vanish. An edit is refused, as a permanent
// *fleet.Failure, if it leads through a symbolic link, a submodule or a file,
// replaces one of these or a directory, differs from a neighbour only in
// letter case, has a path that Git or a file system could misread, or writes
// a file that a .gitattributes file gives to a filter such as LFS. For the
// last, and of a snapshot by Open at all, CommitPaths(edits) must have been
// loaded; else the error wraps fleet.ErrUnread. Deleting what isn't there is no edit; deleting a symbolic
// link itself is allowed.
//
// message is given the id of the new tree.
func (c *Client) Commit(base *Snapshot, edits []transform.Edit, by Signature, message func(fleet.TreeID) string) (*Commit, error) {
	if base == nil {
		base = newSnapshot()
	}
	tree, made, err := edited(base, edits)
	if err != nil {
		return nil, err
	}
	return c.commit(base, tree, made, by, message)
}

// edited is the tree that edits make of base, with its new objects.
func edited(base *Snapshot, edits []transform.Edit) (plumbing.Hash, map[plumbing.Hash]object, error) {
	s := &splicer{base: base, made: map[plumbing.Hash]object{}}
	root, err := plant(edits)
	if err != nil {
		return base.root, nil, err
	}
	if err := refuseFiltered(base, edits); err != nil {
		return base.root, nil, err
	}
	tree, err := s.splice(base.root, root, "")
	if err != nil {
		return base.root, nil, err
	}
	if tree.IsZero() {
		tree = s.make(plumbing.TreeObject, nil)
	}
	if tree == base.root || base.root.IsZero() && tree == emptyTree {
		return base.root, nil, ErrNoChange
	}
	return tree, s.made, nil
}

// commit makes our commit of a tree on base.
func (c *Client) commit(base *Snapshot, tree plumbing.Hash, made map[plumbing.Hash]object, by Signature, message func(fleet.TreeID) string) (*Commit, error) {
	treeID := fleet.TreeID(tree.String())
	text, err := c.signed(commitText(treeID, base.commit, by, message(treeID)))
	if err != nil {
		return nil, err
	}
	id := plumbing.ComputeHash(plumbing.CommitObject, text)
	made[id] = object{plumbing.CommitObject, text}
	return &Commit{ID: fleet.CommitID(id.String()), Tree: treeID, objects: made, via: base.via}, nil
}

// commitText is a commit object. What would end a header is taken from names,
// and what would end the object from the message.
func commitText(tree fleet.TreeID, parent fleet.CommitID, by Signature, message string) []byte {
	var b strings.Builder
	fmt.Fprintf(&b, "tree %s\n", tree)
	if parent != "" {
		fmt.Fprintf(&b, "parent %s\n", parent)
	}
	who := by.header()
	fmt.Fprintf(&b, "author %s\ncommitter %s\n", who, who)
	message = strings.ToValidUTF8(strings.ReplaceAll(message, "\x00", ""), "\uFFFD")
	message = strings.TrimRight(strings.TrimLeft(message, "\n"), "\n \t")
	fmt.Fprintf(&b, "\n%s\n", message)
	return []byte(b.String())
}

// String is the signature without its time, as it stands in a commit:
// "NAME <MAIL>".
func (s Signature) String() string {
	return identity(s.Name, "portreeve") + " <" + identity(s.Email, "portreeve@localhost") + ">"
}

// header is the signature with its time, as it stands in a commit.
func (s Signature) header() string {
	when := s.When
	if when.Unix() < 0 {
		when = time.Unix(0, 0).UTC()
	}
	return fmt.Sprintf("%s %d %s", s, when.Unix(), when.Format("-0700"))
}

// identity is a name or an address as it may stand in a header: Git itself
// takes the same characters away at its ends.
func identity(text, fallback string) string {
	text = strings.Map(func(r rune) rune {
		switch {
		case r == '<' || r == '>' || r < ' ' || r == 0x7f:
			return -1
		}
		return r
	}, strings.ToValidUTF8(text, ""))
	if text = strings.Trim(text, " .,:;\"\\'"); text == "" {
		return fallback
	}
	return text
}
