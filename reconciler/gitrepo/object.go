package gitrepo

import (
	"errors"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"

	"github.com/portreeve/portreeve/reconciler/fleet"
)

// header is a commit object, read as far as it is needed; authors stand as
// they do in it, "NAME <MAIL> SECONDS ZONE".
type header struct {
	tree      plumbing.Hash
	parents   []plumbing.Hash
	author    string
	committer string
	encoding  string // of the message, empty for UTF-8
	message   string
}

var errCommit = errors.New("not a Git commit")

// parseCommit reads a commit object.
func parseCommit(data []byte) (header, error) {
	var h header
	head, message, _ := strings.Cut(string(data), "\n\n")
	h.message = message
	tree := false
	for line := range strings.SplitSeq(head, "\n") {
		key, value, _ := strings.Cut(line, " ")
		switch key { // lines that go on are signatures and their like, and begin with a space
		case "tree", "parent":
			if len(value) != 40 || strings.Trim(value, "0123456789abcdef") != "" {
				return header{}, errCommit
			}
			if id := plumbing.NewHash(value); key == "parent" {
				h.parents = append(h.parents, id)
			} else {
				h.tree, tree = id, true
			}
		case "author":
			h.author = value
		case "committer":
			h.committer = value
		case "encoding":
			h.encoding = value
		}
	}
	if !tree || h.author == "" || h.committer == "" {
		return header{}, errCommit
	}
	return h, nil
}

// commit is the commit in the words of the house.
func (h header) commit(id plumbing.Hash) fleet.Commit {
	name, _, _ := strings.Cut(h.author, " <")
	c := fleet.Commit{
		ID: fleet.CommitID(id.String()), Tree: fleet.TreeID(h.tree.String()),
		Author: strings.ToValidUTF8(name, "\uFFFD"), Message: strings.ToValidUTF8(h.message, "\uFFFD"),
	}
	for _, p := range h.parents {
		c.Parents = append(c.Parents, fleet.CommitID(p.String()))
	}
	return c
}
