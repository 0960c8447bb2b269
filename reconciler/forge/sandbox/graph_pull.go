package sandbox

import (
	"fmt"
	"strings"
	"sync"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/graph-gophers/graphql-go"

	"github.com/portreeve/portreeve/reconciler/fleet"
)

// checkNode is a check run or a commit status.
type checkNode struct {
	repo *repo
	is   check
}

// ToCheckRun is the check as a check run.
func (k *checkNode) ToCheckRun() (*runNode, bool) { return &runNode{k}, !k.is.isStatus }

// ToStatusContext is the check as a commit status.
func (k *checkNode) ToStatusContext() (*contextNode, bool) { return &contextNode{k}, k.is.isStatus }

type requiredArgs struct {
	PullRequestId     *graphql.ID //nolint:revive // named by the schema
	PullRequestNumber *int32
}

// IsRequired says whether the default branch's rules name the check.
func (k *checkNode) IsRequired(requiredArgs) bool {
	k.repo.mu.Lock()
	defer k.repo.mu.Unlock()
	return k.repo.requires(k.is)
}

type runNode struct{ *checkNode }

// ID is the node's id.
func (k *runNode) ID() graphql.ID { return graphql.ID(fmt.Sprintf("CR_%d", k.is.id)) }

// DatabaseId is null: ids of check runs are too large for it.
func (k *runNode) DatabaseId() *int32 { return nil } //nolint:revive // named by the schema

// Name is the check's name.
func (k *runNode) Name() string { return k.is.name }

// Status is how far the run is.
func (k *runNode) Status() string {
	if k.is.done {
		return "COMPLETED"
	}
	return "IN_PROGRESS"
}

// Conclusion is null until the run is done.
func (k *runNode) Conclusion() *string {
	if !k.is.done {
		return nil
	}
	return optString(strings.ToUpper(k.is.conclusion))
}

// DetailsURL is where to read more.
func (k *runNode) DetailsURL() *uri { return optURI(k.is.url) }

// URL is the run's page.
func (k *runNode) URL() uri { return uri(k.is.url) }

// Title is a line about the result.
func (k *runNode) Title() *string { return optString(k.is.text) }

// StartedAt is when it began.
func (k *runNode) StartedAt() *dateTime { return optTime(k.is.started) }

// CompletedAt is when it was done.
func (k *runNode) CompletedAt() *dateTime { return optTime(k.is.completed) }

// CheckSuite is the run's suite, of which only the App is kept.
func (k *runNode) CheckSuite() *suiteNode { return &suiteNode{appOf(k.is.app)} }

type suiteNode struct{ App *appNode }

type contextNode struct{ *checkNode }

// ID is the node's id.
func (k *contextNode) ID() graphql.ID { return graphql.ID(fmt.Sprintf("SC_%d", k.is.id)) }

// Context is the status's name.
func (k *contextNode) Context() string { return k.is.name }

// State is the status's state.
func (k *contextNode) State() string {
	if !k.is.done {
		return "PENDING"
	}
	return strings.ToUpper(k.is.conclusion)
}

// Description is a line about the state.
func (k *contextNode) Description() *string { return optString(k.is.text) }

// TargetURL is where to read more.
func (k *contextNode) TargetURL() *uri { return optURI(k.is.url) }

// CreatedAt is when it was set.
func (k *contextNode) CreatedAt() dateTime { return dateTime{k.is.started} }

// pullNode is a pull request as it was when the query came to it.
type pullNode struct {
	of  *pull
	is  pull // a copy; what it points to is never changed in place
	web string
	// merging looks once: one answer says one thing of a merge, in whatever
	// order its fields are asked for.
	merging func() (fleet.Mergeable, string, error)

	Title, Body              string
	IsDraft                  bool
	IsCrossRepository        bool
	BaseRefName, HeadRefName string
}

// showPull needs the repo's lock.
func showPull(p *pull, web string) *pullNode {
	n := &pullNode{
		of: p, is: *p, web: web, Title: p.title, Body: p.body, IsDraft: p.draft,
		BaseRefName: p.base, HeadRefName: p.head,
	}
	var once sync.Once
	var state fleet.Mergeable
	var word string
	var err error
	n.merging = func() (fleet.Mergeable, string, error) {
		once.Do(func() {
			p.repo.mu.Lock()
			defer p.repo.mu.Unlock()
			state, err = p.repo.mergeable(p, false)
			word = p.repo.mergeStateOf(p, state)
		})
		return state, word, err
	}
	return n
}

// ID is the node's id.
func (n *pullNode) ID() graphql.ID { return graphql.ID(n.is.nodeID()) }

// DatabaseId is the id that the REST API uses.
func (n *pullNode) DatabaseId() *int32 { //nolint:revive // named by the schema
	id := int32(n.is.id)
	return &id
}

// FullDatabaseId is the same as a text.
func (n *pullNode) FullDatabaseId() *bigInt { //nolint:revive // named by the schema
	id := bigInt(fmt.Sprint(n.is.id))
	return &id
}

// Number is the pull request's number.
func (n *pullNode) Number() int32 { return int32(n.is.number) }

// URL is the pull request's page.
func (n *pullNode) URL() uri {
	return uri(fmt.Sprintf("%s/%s/pull/%d", n.web, n.is.repo.name, n.is.number))
}

// State is open, closed or merged.
func (n *pullNode) State() string { return strings.ToUpper(string(n.is.state)) }

// Closed is also true of a merged one.
func (n *pullNode) Closed() bool { return n.is.state != fleet.PullOpen }

// Merged says whether it was merged.
func (n *pullNode) Merged() bool { return n.is.state == fleet.PullMerged }

// Author is who opened it.
func (n *pullNode) Author() *actorNode { return actorOf(n.is.author, n.web) }

// MergedBy is who merged it.
func (n *pullNode) MergedBy() *actorNode {
	if !n.Merged() {
		return nil
	}
	return actorOf(n.is.endedBy, n.web)
}

// HeadRefOid is the commit it shows.
func (n *pullNode) HeadRefOid() objectID { return objectID(n.is.headOID.String()) }

// BaseRefOid is the commit it would be merged into.
func (n *pullNode) BaseRefOid() objectID {
	n.is.repo.mu.Lock()
	defer n.is.repo.mu.Unlock()
	return objectID(n.is.baseNow().String())
}

// HeadRef is null once the branch is gone.
func (n *pullNode) HeadRef() *refNode { return n.Repository().branch(n.is.head, headsPrefix) }

// Repository is the repo it is in.
func (n *pullNode) Repository() *repoNode {
	n.is.repo.mu.Lock()
	defer n.is.repo.mu.Unlock()
	return showRepo(n.is.repo, n.web)
}

// CreatedAt is when it was opened.
func (n *pullNode) CreatedAt() dateTime { return dateTime{n.is.created} }

// UpdatedAt is when it last changed.
func (n *pullNode) UpdatedAt() dateTime { return dateTime{n.is.updated} }

// ClosedAt is when it was closed or merged.
func (n *pullNode) ClosedAt() *dateTime { return optTime(n.is.ended) }

// MergedAt is when it was merged.
func (n *pullNode) MergedAt() *dateTime {
	if !n.Merged() {
		return nil
	}
	return optTime(n.is.ended)
}

// Mergeable begins to be worked out when it is first asked for.
func (n *pullNode) Mergeable() (string, error) {
	state, _, err := n.merging()
	return strings.ToUpper(string(state)), err
}

// MergeStateStatus says what stands in the way of a merge.
func (n *pullNode) MergeStateStatus() (string, error) {
	_, word, err := n.merging()
	return strings.ToUpper(word), err
}

// ReviewDecision is null where no review is required.
func (n *pullNode) ReviewDecision() *string {
	n.is.repo.mu.Lock()
	defer n.is.repo.mu.Unlock()
	return optString(n.is.decision())
}

func (n *pullNode) commit(h plumbing.Hash) *commitNode {
	o := &objectNode{repo: n.is.repo, web: n.web, hash: h, kind: plumbing.CommitObject}
	c, _ := o.ToCommit()
	return c
}

// MergeCommit is what the merge made.
func (n *pullNode) MergeCommit() *commitNode {
	if n.is.mergeCommit.IsZero() {
		return nil
	}
	return n.commit(n.is.mergeCommit)
}

type labelNode struct {
	IDValue     graphql.ID
	Name, Color string
	Description *string
}

// ID is the node's id.
func (l *labelNode) ID() graphql.ID { return l.IDValue }

// Labels are the labels.
func (n *pullNode) Labels(args struct {
	slicing
	OrderBy struct{ Field, Direction string }
},
) (*connection[*labelNode], error) {
	var all []*labelNode
	for _, l := range n.is.labels {
		all = append(all, &labelNode{IDValue: graphql.ID("L_" + l), Name: l, Color: "ededed"})
	}
	return connect(all, args.slicing, "labels")
}

type pullCommitNode struct {
	pull *pullNode
	hash plumbing.Hash
}

// ID is the node's id.
func (c *pullCommitNode) ID() graphql.ID { return "PURC_" + c.pull.ID() + graphql.ID(c.hash.String()) }

// Commit is the commit.
func (c *pullCommitNode) Commit() *commitNode { return c.pull.commit(c.hash) }

// URL is the commit's page.
func (c *pullCommitNode) URL() uri {
	return uri(fmt.Sprintf("%s/commits/%s", c.pull.URL(), c.hash))
}

// Commits are the commits that it adds, oldest first.
func (n *pullNode) Commits(args slicing) (*connection[*pullCommitNode], error) {
	n.is.repo.mu.Lock()
	commits, err := n.is.repo.commitsOf(n.of.baseNow(), n.is.headOID)
	n.is.repo.mu.Unlock()
	if err != nil {
		return nil, err
	}
	var all []*pullCommitNode
	for _, c := range commits {
		all = append(all, &pullCommitNode{n, c.Hash})
	}
	return connect(all, args, "commits")
}

type commentNode struct {
	pull *pullNode
	is   comment
}

// ID is the node's id.
func (c *commentNode) ID() graphql.ID { return graphql.ID(fmt.Sprintf("IC_%d", c.is.id)) }

// DatabaseId is the id that the REST API uses.
func (c *commentNode) DatabaseId() *int32 { //nolint:revive // named by the schema
	id := int32(c.is.id)
	return &id
}

// FullDatabaseId is the same as a text.
func (c *commentNode) FullDatabaseId() *bigInt { //nolint:revive // named by the schema
	id := bigInt(fmt.Sprint(c.is.id))
	return &id
}

// Author is who commented.
func (c *commentNode) Author() *actorNode { return actorOf(c.is.by, c.pull.web) }

// Body is the text.
func (c *commentNode) Body() string { return c.is.body }

// CreatedAt is when it was written.
func (c *commentNode) CreatedAt() dateTime { return dateTime{c.is.at} }

// UpdatedAt is the same: comments are not edited.
func (c *commentNode) UpdatedAt() dateTime { return dateTime{c.is.at} }

// URL is the comment's place on the page.
func (c *commentNode) URL() uri {
	return uri(fmt.Sprintf("%s#issuecomment-%d", c.pull.URL(), c.is.id))
}

// Comments are the comments, oldest first.
func (n *pullNode) Comments(args struct {
	slicing
	OrderBy *struct{ Field, Direction string }
},
) (*connection[*commentNode], error) {
	var all []*commentNode
	for _, c := range n.is.comments {
		all = append(all, &commentNode{n, c})
	}
	return connect(all, args.slicing, "comments")
}
