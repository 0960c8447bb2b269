package sandbox

import (
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"
	"github.com/go-git/go-git/v5/plumbing/object"
	"github.com/graph-gophers/graphql-go"
)

// objectNode is a Git object.
type objectNode struct {
	repo *repo
	web  string
	hash plumbing.Hash
	kind plumbing.ObjectType
}

// objectOf finds out what an object is; it needs the repo's lock.
func objectOf(r *repo, web string, h plumbing.Hash) *objectNode {
	o, err := r.git.EncodedObject(plumbing.AnyObject, h)
	if err != nil {
		return nil
	}
	return &objectNode{repo: r, web: web, hash: h, kind: o.Type()}
}

// ID is the node's id.
func (o *objectNode) ID() graphql.ID {
	return graphql.ID(o.kind.String() + "_" + o.repo.nodeID() + "_" + o.hash.String())
}

// Oid is the object's id.
func (o *objectNode) Oid() objectID { return objectID(o.hash.String()) }

// AbbreviatedOid is its beginning.
func (o *objectNode) AbbreviatedOid() string { return short(o.hash) }

// ToCommit is o as a commit.
func (o *objectNode) ToCommit() (*commitNode, bool) {
	if o.kind != plumbing.CommitObject {
		return nil, false
	}
	o.repo.mu.Lock()
	defer o.repo.mu.Unlock()
	c, err := o.repo.git.commit(o.hash)
	if err != nil {
		return nil, false
	}
	return &commitNode{o, c}, true
}

// ToTree is o as a tree.
func (o *objectNode) ToTree() (*treeNode, bool) { return &treeNode{o}, o.kind == plumbing.TreeObject }

// ToBlob is o as a blob.
func (o *objectNode) ToBlob() (*blobNode, bool) {
	if o.kind != plumbing.BlobObject {
		return nil, false
	}
	o.repo.mu.Lock()
	defer o.repo.mu.Unlock()
	content, err := o.repo.git.blob(o.hash)
	return &blobNode{o, content}, err == nil
}

type commitNode struct {
	*objectNode
	is *object.Commit
}

// URL is the commit's page.
func (c *commitNode) URL() uri {
	return uri(c.web + "/" + string(c.repo.name) + "/commit/" + c.hash.String())
}

// Message is the whole message, without the newline that Git ends it with.
func (c *commitNode) Message() string { return strings.TrimRight(c.is.Message, "\n") }

// MessageHeadline is the message's first line.
func (c *commitNode) MessageHeadline() string {
	head, _, _ := strings.Cut(c.is.Message, "\n")
	return head
}

// MessageBody is the message without its first paragraph.
func (c *commitNode) MessageBody() string {
	_, body, _ := strings.Cut(c.Message(), "\n\n")
	return body
}

// AuthoredDate is when it was written.
func (c *commitNode) AuthoredDate() dateTime { return dateTime{c.is.Author.When.UTC()} }

// CommittedDate is when it was committed.
func (c *commitNode) CommittedDate() dateTime { return dateTime{c.is.Committer.When.UTC()} }

// Tree is the commit's tree.
func (c *commitNode) Tree() *treeNode {
	return &treeNode{&objectNode{repo: c.repo, web: c.web, hash: c.is.TreeHash, kind: plumbing.TreeObject}}
}

func (c *commitNode) checks() []check {
	c.repo.mu.Lock()
	defer c.repo.mu.Unlock()
	return c.repo.checks(c.hash)
}

// StatusCheckRollup is null while nothing has reported.
func (c *commitNode) StatusCheckRollup() *rollupNode {
	checks := c.checks()
	if len(checks) == 0 {
		return nil
	}
	return &rollupNode{c, checks}
}

// Status is null without commit statuses.
func (c *commitNode) Status() *statusNode {
	of := slices.DeleteFunc(c.checks(), func(k check) bool { return !k.isStatus })
	if len(of) == 0 {
		return nil
	}
	return &statusNode{c, of}
}

type treeNode struct{ *objectNode }

type entryNode struct {
	Name, Type string
	Path       *string
	Mode       int32
	Oid        objectID
	Object     *objectNode
}

// Entries are the tree's own, not those below.
func (t *treeNode) Entries() *[]*entryNode {
	t.repo.mu.Lock()
	entries, err := t.repo.git.entries(t.hash)
	t.repo.mu.Unlock()
	if err != nil {
		return nil
	}
	out := []*entryNode{}
	for _, name := range slices.Sorted(maps.Keys(entries)) {
		e, kind := entries[name], "blob"
		switch e.Mode {
		case filemode.Dir:
			kind = "tree"
		case filemode.Submodule:
			kind = "commit"
		}
		t.repo.mu.Lock()
		of := objectOf(t.repo, t.web, e.Hash)
		t.repo.mu.Unlock()
		out = append(out, &entryNode{Name: name, Type: kind, Path: &name, Mode: int32(e.Mode), Oid: objectID(e.Hash.String()), Object: of})
	}
	return &out
}

type blobNode struct {
	*objectNode
	content []byte
}

// maxBlobText is from where on GitHub sends no text.
const maxBlobText = 512_000

// ByteSize is the content's size.
func (b *blobNode) ByteSize() int32 { return int32(len(b.content)) }

// IsBinary says that the content is no text.
func (b *blobNode) IsBinary() *bool {
	is := slices.Contains(b.content, 0) || !utf8.Valid(b.content)
	return &is
}

// IsTruncated says that Text is not the whole.
func (b *blobNode) IsTruncated() bool { return len(b.content) > maxBlobText }

// Text is null for what is no text.
func (b *blobNode) Text() *string {
	if *b.IsBinary() {
		return nil
	}
	text := string(b.content[:min(len(b.content), maxBlobText)])
	return &text
}

type rollupNode struct {
	commit *commitNode
	checks []check
}

// ID is the node's id.
func (n *rollupNode) ID() graphql.ID { return "SCR_" + n.commit.ID() }

// State is what the checks come to.
func (n *rollupNode) State() string { return rollup(n.checks) }

// Contexts are the checks.
func (n *rollupNode) Contexts(args slicing) (*connection[*checkNode], error) {
	var all []*checkNode
	for _, k := range n.checks {
		all = append(all, &checkNode{n.commit.repo, k})
	}
	return connect(all, args, "contexts")
}

type statusNode struct {
	commit *commitNode
	checks []check
}

// ID is the node's id.
func (n *statusNode) ID() graphql.ID { return "S_" + n.commit.ID() }

// State is what the statuses come to.
func (n *statusNode) State() string { return rollup(n.checks) }

// Contexts are the statuses.
func (n *statusNode) Contexts() []*contextNode {
	out := []*contextNode{}
	for _, k := range n.checks {
		out = append(out, &contextNode{&checkNode{n.commit.repo, k}})
	}
	return out
}

// Context is the named status.
func (n *statusNode) Context(args struct{ Name string }) *contextNode {
	for _, c := range n.Contexts() {
		if c.is.name == args.Name {
			return c
		}
	}
	return nil
}
