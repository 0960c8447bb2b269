package sandbox

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/graph-gophers/graphql-go"

	"github.com/portreeve/portreeve/reconciler/fleet"
)

// userNode is a user, a bot or an organisation.
type userNode struct {
	is  *user
	web string
}

// Login is the name one signs in with.
func (u *userNode) Login() string { return u.is.login }

// ID is the node's id.
func (u *userNode) ID() graphql.ID { return graphql.ID(u.is.nodeID()) }

// DatabaseId is the id that the REST API uses.
func (u *userNode) DatabaseId() *int32 { //nolint:revive // named by the schema
	id := int32(u.is.id)
	return &id
}

// URL is the user's page.
func (u *userNode) URL() uri { return uri(u.web + "/" + u.is.login) }

// actorNode is whoever does something.
type actorNode struct{ *userNode }

func actorOf(u *user, web string) *actorNode {
	if u == nil || u == nobody {
		return nil
	}
	return &actorNode{&userNode{u, web}}
}

// ToUser is the actor as a person.
func (a *actorNode) ToUser() (*userNode, bool) { return a.userNode, !a.is.bot }

// ToBot is the actor as a machine.
func (a *actorNode) ToBot() (*userNode, bool) { return a.userNode, a.is.bot }

// ToOrganization is never so: organisations do nothing here.
func (a *actorNode) ToOrganization() (*orgNode, bool) { return nil, false }

type ownerNode struct{ *orgNode }

// ToUser is never so: every owner is an organisation.
func (o *ownerNode) ToUser() (*userNode, bool) { return nil, false }

// ToOrganization is the owner.
func (o *ownerNode) ToOrganization() (*orgNode, bool) { return o.orgNode, true }

type named struct{ Name string }

type topicNode struct{ Topic named }

// repoNode is a repo as it was when the query came to it.
type repoNode struct {
	of  *repo
	web string

	Name, NameWithOwner                                        string
	IsArchived, IsDisabled, IsEmpty, IsFork, IsPrivate         bool
	CreatedAt, UpdatedAt                                       dateTime
	PushedAt                                                   *dateTime
	MergeCommitAllowed, SquashMergeAllowed, RebaseMergeAllowed bool
	PrimaryLanguage                                            *named

	topics        []string
	defaultBranch string
	rules         Rules
	classic       bool
	heads         map[string]plumbing.Hash
	pulls         []*pull
}

// showRepo needs the repo's lock.
func showRepo(r *repo, web string) *repoNode {
	n := &repoNode{
		of: r, web: web, Name: r.name.Short(), NameWithOwner: string(r.name), IsArchived: r.archived,
		IsEmpty: len(r.heads) == 0, IsFork: r.fork, IsPrivate: r.private,
		CreatedAt: dateTime{r.created}, UpdatedAt: dateTime{r.updated}, PushedAt: optTime(r.pushed),
		MergeCommitAllowed: r.allows(fleet.MergeCommit), SquashMergeAllowed: r.allows(fleet.MergeSquash),
		RebaseMergeAllowed: r.allows(fleet.MergeRebase),
		topics:             r.topics, defaultBranch: r.defaultBranch, rules: r.rules, classic: r.classic(), heads: r.heads, pulls: r.pulls,
	}
	if r.language != "" {
		n.PrimaryLanguage = &named{r.language}
	}
	return n
}

// ID is the node's id.
func (n *repoNode) ID() graphql.ID { return graphql.ID(n.of.nodeID()) }

// DatabaseId is the id that the REST API uses.
func (n *repoNode) DatabaseId() *int32 { //nolint:revive // named by the schema
	id := int32(n.of.id)
	return &id
}

// URL is the repo's page.
func (n *repoNode) URL() uri { return uri(n.web + "/" + n.NameWithOwner) }

// Owner is the organisation that has the repo.
func (n *repoNode) Owner() *ownerNode {
	return &ownerNode{orgOf(n.of.forge, n.of.name.Owner(), n.web)}
}

// RepositoryTopics are the repo's topics.
func (n *repoNode) RepositoryTopics(args slicing) (*connection[*topicNode], error) {
	var all []*topicNode
	for _, t := range n.topics {
		all = append(all, &topicNode{named{t}})
	}
	return connect(all, args, "repositoryTopics")
}

// DefaultBranchRef is null while the repo is empty.
func (n *repoNode) DefaultBranchRef() *refNode {
	return n.branch(n.defaultBranch, headsPrefix)
}

// branch is a branch seen below a prefix of its ref.
func (n *repoNode) branch(name, prefix string) *refNode {
	if n.heads[name].IsZero() {
		return nil
	}
	return &refNode{repo: n, branch: name, PrefixText: prefix}
}

// Ref is the named branch.
func (n *repoNode) Ref(args struct{ QualifiedName string }) *refNode {
	name := strings.TrimPrefix(args.QualifiedName, headsPrefix)
	return n.branch(name, headsPrefix)
}

// Refs are the branches below a prefix, named without it.
func (n *repoNode) Refs(args struct {
	slicing
	Query     *string
	RefPrefix string
	Direction *string
	OrderBy   *struct{ Field, Direction string }
},
) (*connection[*refNode], error) {
	var all []*refNode
	for _, branch := range slices.Sorted(maps.Keys(n.heads)) {
		name, ok := strings.CutPrefix(headsPrefix+branch, args.RefPrefix)
		if !ok || args.Query != nil && !strings.Contains(name, *args.Query) {
			continue
		}
		all = append(all, n.branch(branch, args.RefPrefix))
	}
	if args.Direction != nil && *args.Direction == "DESC" || args.OrderBy != nil && args.OrderBy.Direction == "DESC" {
		slices.Reverse(all)
	}
	return connect(all, args.slicing, "refs")
}

// Object finds an object by its id or by an expression: "main", "HEAD:go.mod".
func (n *repoNode) Object(args struct {
	Oid        *objectID
	Expression *string
},
) *objectNode {
	n.of.mu.Lock()
	defer n.of.mu.Unlock()
	text := ""
	if args.Expression != nil {
		text = *args.Expression
	}
	if args.Oid != nil {
		text = string(*args.Oid)
	}
	rev, path, in := strings.Cut(text, ":")
	commit, err := n.of.resolve(rev)
	switch {
	case err != nil && in:
		return nil
	case err != nil:
		return objectOf(n.of, n.web, plumbing.NewHash(text))
	case !in:
		return &objectNode{repo: n.of, web: n.web, hash: commit.Hash, kind: plumbing.CommitObject}
	}
	e, ok := n.of.git.find(commit.TreeHash, strings.Trim(path, "/"))
	if !ok {
		return nil
	}
	return objectOf(n.of, n.web, e.Hash)
}

// PullRequest is the numbered one.
func (n *repoNode) PullRequest(args struct{ Number int32 }) (*pullNode, error) {
	n.of.mu.Lock()
	defer n.of.mu.Unlock()
	p, err := n.of.pull(int(args.Number))
	if err != nil {
		return nil, &graphError{
			"NOT_FOUND",
			fmt.Sprintf("Could not resolve to a PullRequest with the number of %d.", args.Number),
		}
	}
	return showPull(p, n.web), nil
}

// PullRequests are those that the arguments let through.
func (n *repoNode) PullRequests(args struct {
	slicing
	States                   *[]string
	Labels                   *[]string
	HeadRefName, BaseRefName *string
	OrderBy                  *struct{ Field, Direction string }
},
) (*connection[*pullNode], error) {
	n.of.mu.Lock()
	var all []*pullNode
	for _, p := range n.pulls {
		state := strings.ToUpper(string(p.state))
		if args.States != nil && !slices.Contains(*args.States, state) ||
			args.HeadRefName != nil && p.head != *args.HeadRefName ||
			args.BaseRefName != nil && p.base != *args.BaseRefName ||
			args.Labels != nil && !slices.ContainsFunc(*args.Labels, func(l string) bool { return slices.Contains(p.labels, l) }) {
			continue
		}
		all = append(all, showPull(p, n.web))
	}
	n.of.mu.Unlock()
	if o := args.OrderBy; o != nil {
		slices.SortStableFunc(all, func(a, b *pullNode) int {
			switch o.Field {
			case "UPDATED_AT":
				return a.is.updated.Compare(b.is.updated)
			case "COMMENTS":
				return cmp.Compare(len(a.is.comments), len(b.is.comments))
			}
			return cmp.Compare(a.is.number, b.is.number)
		})
		if o.Direction == "DESC" {
			slices.Reverse(all)
		}
	}
	return connect(all, args.slicing, "pullRequests")
}

// refNode is a branch.
type refNode struct {
	repo       *repoNode
	branch     string
	PrefixText string
}

// ID is the node's id.
func (f *refNode) ID() graphql.ID { return graphql.ID("REF_" + f.repo.of.nodeID() + "_" + f.branch) }

// Name is the ref without its prefix.
func (f *refNode) Name() string { return strings.TrimPrefix(headsPrefix+f.branch, f.PrefixText) }

// Prefix is what was asked for.
func (f *refNode) Prefix() string { return f.PrefixText }

// Target is the branch's commit.
func (f *refNode) Target() *objectNode {
	return &objectNode{repo: f.repo.of, web: f.repo.web, hash: f.repo.heads[f.branch], kind: plumbing.CommitObject}
}
