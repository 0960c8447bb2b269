package sandbox

import (
	"context"
	"encoding/base64"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/graph-gophers/graphql-go"

	"github.com/portreeve/portreeve/reconciler/fleet"
)

// scalars of the schema; they are only ever sent, but for ids of objects.
type (
	dateTime struct{ time.Time }
	uri      string
	objectID string
	bigInt   string
)

func (dateTime) ImplementsGraphQLType(name string) bool { return name == "DateTime" }
func (uri) ImplementsGraphQLType(name string) bool      { return name == "URI" }
func (objectID) ImplementsGraphQLType(name string) bool { return name == "GitObjectID" }
func (bigInt) ImplementsGraphQLType(name string) bool   { return name == "BigInt" }

func (d *dateTime) UnmarshalGraphQL(in any) (err error) {
	d.Time, err = time.Parse(time.RFC3339, fmt.Sprint(in))
	return err
}

func (u *uri) UnmarshalGraphQL(in any) error {
	*u = uri(fmt.Sprint(in))
	return nil
}

func (o *objectID) UnmarshalGraphQL(in any) error {
	*o = objectID(fmt.Sprint(in))
	return nil
}

func (b *bigInt) UnmarshalGraphQL(in any) error {
	*b = bigInt(fmt.Sprint(in))
	return nil
}

// optional values are null when zero.
func optTime(t time.Time) *dateTime {
	if t.IsZero() {
		return nil
	}
	return &dateTime{t}
}

func optURI(s string) *uri {
	if s == "" {
		return nil
	}
	u := uri(s)
	return &u
}

func optString(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// slicing is how a part of a connection is asked for.
type slicing struct {
	First, Last   *int32
	After, Before *string
}

type pageInfo struct {
	EndCursor, StartCursor       *string
	HasNextPage, HasPreviousPage bool
}

// connection is a part of a list.
type connection[T any] struct {
	Nodes      *[]T
	PageInfo   pageInfo
	TotalCount int32
}

func cursor(i int) *string {
	c := base64.StdEncoding.EncodeToString(fmt.Appendf(nil, "cursor:%d", i))
	return &c
}

func place(cursor string) (int, bool) {
	raw, err := base64.StdEncoding.DecodeString(cursor)
	text, ok := strings.CutPrefix(string(raw), "cursor:")
	n, bad := strconv.Atoi(text)
	return n, err == nil && ok && bad == nil && n >= 0
}

// connect cuts a list as asked, and refuses what GitHub refuses.
func connect[T any](all []T, s slicing, name string) (*connection[T], error) {
	if s.First == nil && s.Last == nil {
		return nil, &graphError{
			"MISSING_PAGINATION_BOUNDARIES",
			fmt.Sprintf("You must provide a `first` or `last` value to properly paginate the `%s` connection.", name),
		}
	}
	for word, n := range map[string]*int32{"first": s.First, "last": s.Last} {
		if n != nil && (*n > 100 || *n < 0) {
			return nil, &graphError{
				"EXCESSIVE_PAGINATION",
				fmt.Sprintf("Requesting %d records on the `%s` connection exceeds the `%s` limit of 100 records.", *n, name, word),
			}
		}
	}
	from, to := 0, len(all)
	for _, c := range []*string{s.After, s.Before} {
		if c == nil {
			continue
		}
		at, ok := place(*c)
		if !ok {
			return nil, &graphError{"INVALID_CURSOR_ARGUMENTS", fmt.Sprintf("`%s` does not appear to be a valid cursor.", *c)}
		}
		if c == s.After {
			from = min(at+1, len(all))
		} else {
			to = max(from, min(at, to))
		}
	}
	if s.First != nil {
		to = min(to, from+int(*s.First))
	}
	if s.Last != nil {
		from = max(from, to-int(*s.Last))
	}
	part := slices.Clone(all[from:to])
	if part == nil {
		part = []T{}
	}
	out := &connection[T]{Nodes: &part, TotalCount: int32(len(all))}
	out.PageInfo.HasPreviousPage, out.PageInfo.HasNextPage = from > 0, to < len(all)
	if to > from {
		out.PageInfo.StartCursor, out.PageInfo.EndCursor = cursor(from), cursor(to-1)
	}
	return out, nil
}

// queryNode is the root.
type queryNode struct{ forge *Forge }

func (q *queryNode) Viewer(ctx context.Context) *userNode {
	a := askedOf(ctx)
	who := *a.who
	if who.bot {
		who.login += "[bot]" // as GitHub does here, and not where an App is an actor
	}
	return &userNode{&who, a.web}
}

type rateNode struct {
	Cost, Limit, NodeCount, Remaining, Used int32
	ResetAt                                 dateTime
}

func (q *queryNode) RateLimit(ctx context.Context, _ struct{ DryRun bool }) *rateNode {
	a := askedOf(ctx)
	r := q.forge.rate(a.who.login, "graphql")
	return &rateNode{
		Cost: int32(a.weight.points()), Limit: int32(r.Limit), NodeCount: int32(min(a.weight.nodes, most)),
		Remaining: int32(r.Remaining), Used: int32(r.Used), ResetAt: dateTime{time.Unix(r.Reset, 0).UTC()},
	}
}

func (q *queryNode) Repository(ctx context.Context, args struct {
	Owner, Name   string
	FollowRenames bool
},
) (*repoNode, error) {
	var out *repoNode
	err := q.forge.with(fleet.RepoName(args.Owner+"/"+args.Name), func(r *repo) error {
		out = showRepo(r, askedOf(ctx).web)
		return nil
	})
	if err != nil && refusalOf(err).Status == 404 {
		return nil, &graphError{
			"NOT_FOUND",
			fmt.Sprintf("Could not resolve to a Repository with the name '%s/%s'.", args.Owner, args.Name),
		}
	}
	return out, err
}

// anyNode is one of the types that have an id.
type anyNode struct{ of any }

// ID is the node's own.
func (n *anyNode) ID() graphql.ID { return n.of.(interface{ ID() graphql.ID }).ID() }

// ToRepository is n as a repository.
func (n *anyNode) ToRepository() (*repoNode, bool) {
	r, ok := n.of.(*repoNode)
	return r, ok
}

// ToPullRequest is n as a pull request.
func (n *anyNode) ToPullRequest() (*pullNode, bool) {
	p, ok := n.of.(*pullNode)
	return p, ok
}

// ToUser is n as a user.
func (n *anyNode) ToUser() (*userNode, bool) {
	u, ok := n.of.(*userNode)
	return u, ok
}

func (q *queryNode) Node(ctx context.Context, args struct{ ID graphql.ID }) (*anyNode, error) {
	id, web := string(args.ID), askedOf(ctx).web
	missing := &graphError{"NOT_FOUND", fmt.Sprintf("Could not resolve to a node with the global id of '%s'", id)}
	kind, rest, _ := strings.Cut(id, "_")
	repoID, number, _ := strings.Cut(rest, "_")
	if kind != "R" && kind != "PR" {
		return nil, missing
	}
	q.forge.mu.Lock()
	r := q.forge.byID["R_"+repoID]
	q.forge.mu.Unlock()
	if r == nil {
		return nil, missing
	}
	out := &anyNode{}
	err := r.do(func(r *repo) error {
		if kind == "R" {
			out.of = showRepo(r, web)
			return nil
		}
		n, _ := strconv.Atoi(number)
		p, err := r.pull(n)
		if err != nil {
			return missing
		}
		out.of = showPull(p, web)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

func (q *queryNode) Nodes(ctx context.Context, args struct{ IDs []graphql.ID }) ([]*anyNode, error) {
	if len(args.IDs) > 100 {
		return nil, &graphError{"ARGUMENT_LIMIT", fmt.Sprintf("You may not provide more than 100 node ids; you provided %d.", len(args.IDs))}
	}
	out := make([]*anyNode, len(args.IDs))
	for i, id := range args.IDs {
		out[i], _ = q.Node(ctx, struct{ ID graphql.ID }{id})
	}
	return out, nil
}

type searchNode struct {
	connection[*anyNode]
	IssueCount int32
}

func (q *queryNode) Search(ctx context.Context, args struct {
	slicing
	Query string
	Type  string
},
) (*searchNode, error) {
	query, err := parseSearch(args.Query)
	if err != nil {
		return nil, err
	}
	var found []*pullNode
	for _, r := range q.forge.all() {
		err := r.do(func(r *repo) error {
			for _, p := range r.pulls {
				if args.Type == "ISSUE" && query.matches(r, p) {
					found = append(found, showPull(p, askedOf(ctx).web))
				}
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	slices.SortStableFunc(found, func(a, b *pullNode) int { return query.order(a.is.created, b.is.created) })
	nodes := make([]*anyNode, len(found))
	for i, p := range found {
		nodes[i] = &anyNode{p}
	}
	c, err := connect(nodes[:min(len(nodes), 1000)], args.slicing, "search")
	if err != nil {
		return nil, err
	}
	return &searchNode{*c, int32(len(found))}, nil
}
