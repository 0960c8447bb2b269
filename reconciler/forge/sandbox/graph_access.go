package sandbox

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/graph-gophers/graphql-go"
)

// orgNode is an organisation.
type orgNode struct {
	*userNode
	forge *Forge
}

func orgOf(f *Forge, login, web string) *orgNode {
	return &orgNode{&userNode{&user{login: login}, web}, f}
}

// Organization is one that has a repo, or a team.
func (q *queryNode) Organization(ctx context.Context, args struct{ Login string }) (*orgNode, error) {
	q.forge.mu.Lock()
	there := q.forge.managed[strings.ToLower(args.Login)]
	q.forge.mu.Unlock()
	for _, r := range q.forge.all() {
		there = there || strings.EqualFold(r.name.Owner(), args.Login)
	}
	if !there {
		return nil, &graphError{"NOT_FOUND", fmt.Sprintf("Could not resolve to an Organization with the login of '%s'.", args.Login)}
	}
	return orgOf(q.forge, args.Login, askedOf(ctx).web), nil
}

// User is whoever was added.
func (q *queryNode) User(ctx context.Context, args struct{ Login string }) (*userNode, error) {
	who := q.forge.known(args.Login)
	if who == nil {
		return nil, &graphError{"NOT_FOUND", fmt.Sprintf("Could not resolve to a User with the login of '%s'.", args.Login)}
	}
	return &userNode{who, askedOf(ctx).web}, nil
}

type teamNode struct {
	of    *team
	forge *Forge

	Name, Slug, CombinedSlug, Privacy string
}

// Team is null where there is none.
func (o *orgNode) Team(ctx context.Context, args struct{ Slug string }) (*teamNode, error) {
	if !o.forge.seesAccess(askedOf(ctx).who) {
		return nil, &graphError{"FORBIDDEN", hidden}
	}
	t := o.forge.team(o.Login() + "/" + args.Slug)
	if t == nil {
		return nil, nil
	}
	n := &teamNode{of: t, forge: o.forge, Name: args.Slug, Slug: args.Slug, CombinedSlug: t.name, Privacy: "VISIBLE"}
	if t.secret {
		n.Privacy = "SECRET"
	}
	return n, nil
}

// ID is the node's id.
func (n *teamNode) ID() graphql.ID { return graphql.ID(fmt.Sprintf("T_%d", n.of.id)) }

// edge is something with a role in a repo.
type edge[T any] struct {
	Node       T
	Permission string
}

// edges is a part of a list of them.
type edges[T any] struct {
	connection[T]
	Edges *[]*edge[T]
}

func connectEdges[T any](all []*edge[T], s slicing, name string) (*edges[T], error) {
	part, err := connect(all, s, name)
	if err != nil {
		return nil, err
	}
	out := &edges[T]{Edges: part.Nodes}
	nodes := []T{}
	for _, e := range *part.Nodes {
		nodes = append(nodes, e.Node)
	}
	out.Nodes, out.PageInfo, out.TotalCount = &nodes, part.PageInfo, part.TotalCount
	return out, nil
}

// Repositories are those that the team has a role in.
func (n *teamNode) Repositories(ctx context.Context, args struct {
	slicing
	Query *string
},
) (*edges[*repoNode], error) {
	var all []*edge[*repoNode]
	org, _, _ := strings.Cut(n.of.name, "/")
	for _, r := range n.forge.all() {
		if !strings.EqualFold(r.name.Owner(), org) || args.Query != nil && !strings.Contains(r.name.Short(), *args.Query) {
			continue
		}
		err := r.do(func(r *repo) error {
			if role := r.role(n.of.name); role != "" {
				all = append(all, &edge[*repoNode]{showRepo(r, askedOf(ctx).web), strings.ToUpper(string(role))})
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return connectEdges(all, args.slicing, "repositories")
}

// Collaborators are users with a role, or the one that is asked for.
func (n *repoNode) Collaborators(ctx context.Context, args struct {
	slicing
	Affiliation, Login, Query *string
},
) (*edges[*userNode], error) {
	if !n.of.forge.seesAccess(askedOf(ctx).who) {
		return nil, &graphError{"FORBIDDEN", hidden}
	}
	var all []*edge[*userNode]
	err := n.of.do(func(r *repo) error {
		logins := slices.Sorted(maps.Keys(r.access))
		if args.Login != nil {
			logins = []string{*args.Login}
		}
		for _, login := range logins {
			if access := r.accessOf(login); !strings.Contains(login, "/") && access.Role != "" && (args.Query == nil || strings.Contains(login, *args.Query)) {
				all = append(all, &edge[*userNode]{&userNode{r.forge.known(login), n.web}, strings.ToUpper(string(access.Role))})
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return connectEdges(all, args.slicing, "collaborators")
}
