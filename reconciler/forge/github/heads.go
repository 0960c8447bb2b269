package github

import (
	"context"
	"slices"
	"strings"

	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/forge"
)

const headSelection = `...head refs(refPrefix:"refs/heads/` + fleet.BranchPrefix + `",first:100){...ours}`

const headFragments = `
fragment head on Repository{defaultBranchRef{name target{oid ...on Commit{tree{oid} statusCheckRollup{contexts(first:1){totalCount}} status{context(name:"` + fleet.StatusContext + `"){state description targetUrl}}}}}}
` + refFragment

const refFragment = `fragment ours on RefConnection{nodes{name target{oid ...on Commit{message tree{oid}}}} pageInfo{hasNextPage endCursor}}
`

type headAnswer struct {
	DefaultBranchRef *struct {
		Name   string `json:"name"`
		Target *struct {
			Oid               string  `json:"oid"`
			Tree              *object `json:"tree"`
			StatusCheckRollup *struct {
				Contexts struct {
					TotalCount int `json:"totalCount"`
				} `json:"contexts"`
			} `json:"statusCheckRollup"`
			Status *struct {
				Context *statusAnswer `json:"context"`
			} `json:"status"`
		} `json:"target"`
	} `json:"defaultBranchRef"`
	Refs refsAnswer `json:"refs"`
}

type statusAnswer struct {
	State       string `json:"state"`
	Description string `json:"description"`
	TargetURL   string `json:"targetUrl"`
}

func (s *statusAnswer) status() *fleet.CommitStatus {
	return &fleet.CommitStatus{State: statusState(s.State), Description: s.Description, URL: s.TargetURL}
}

type object struct {
	Oid string `json:"oid"`
}

type refsAnswer struct {
	Nodes []struct {
		Name   string `json:"name"`
		Target *struct {
			Oid     string  `json:"oid"`
			Message string  `json:"message"`
			Tree    *object `json:"tree"`
		} `json:"target"`
	} `json:"nodes"`
	PageInfo pageInfo `json:"pageInfo"`
}

type pageInfo struct {
	HasNextPage bool   `json:"hasNextPage"`
	EndCursor   string `json:"endCursor"`
}

// Heads reads heads and our branches, 100 repos a query.
func (c *Client) Heads(ctx context.Context, repos []fleet.RepoName) map[fleet.RepoName]forge.Answer[fleet.Head] {
	return repoBatch(c, "read heads", &c.heads, c.askHeads).run(ctx, repos)
}

// repoBatch is a batch whose keys are repos.
func repoBatch[V any](c *Client, op string, p *pacer,
	ask func(context.Context, []fleet.RepoName) (map[fleet.RepoName]forge.Answer[V], error),
) *batch[fleet.RepoName, V] {
	return &batch[fleet.RepoName, V]{
		c: c, op: op, pacer: p, ask: ask,
		on: func(r fleet.RepoName) string { return string(r) },
	}
}

// askRepos asks the same of many repos in one query, and reads each answer.
func askRepos[A, V any](ctx context.Context, c *Client, q *query, cost int, repos []fleet.RepoName, selection string,
	read func(fleet.RepoName, *A) (V, error),
) (map[fleet.RepoName]forge.Answer[V], error) {
	out := make(map[fleet.RepoName]forge.Answer[V], len(repos))
	for i, repo := range repos {
		owner, short, err := name(repo)
		if err != nil {
			out[repo] = forge.Answer[V]{Err: err}
			continue
		}
		q.repo(alias(i), owner, short, selection)
	}
	if len(out) == len(repos) {
		return out, nil
	}
	got, err := c.ask(ctx, q, cost)
	if err != nil {
		return nil, err
	}
	for i, repo := range repos {
		if out[repo].Err != nil {
			continue
		}
		var a A
		if err := got.into(alias(i), &a); err != nil {
			out[repo] = forge.Answer[V]{Err: err}
			continue
		}
		v, err := read(repo, &a)
		out[repo] = forge.Answer[V]{Value: v, Err: err}
	}
	return out, nil
}

func headsQuery() *query {
	q := newQuery("Heads")
	q.fragments = headFragments
	return q
}

func (c *Client) askHeads(ctx context.Context, repos []fleet.RepoName) (map[fleet.RepoName]forge.Answer[fleet.Head], error) {
	read := func(repo fleet.RepoName, a *headAnswer) (fleet.Head, error) {
		head := a.head()
		err := c.moreRefs(ctx, repo, a.Refs.PageInfo, &head)
		slices.SortFunc(head.Branches, func(a, b fleet.Branch) int { return strings.Compare(a.Name, b.Name) })
		return head, err
	}
	return askRepos(ctx, c, headsQuery(), 1+len(repos)/40, repos, headSelection, read)
}

func (a *headAnswer) head() fleet.Head {
	var head fleet.Head
	if ref := a.DefaultBranchRef; ref != nil && ref.Target != nil {
		head.Commit = fleet.CommitID(ref.Target.Oid)
		if ref.Target.Tree != nil {
			head.Tree = fleet.TreeID(ref.Target.Tree.Oid)
		}
		others := 0
		if s := ref.Target.Status; s != nil && s.Context != nil {
			head.Status = s.Context.status()
			others--
		}
		if r := ref.Target.StatusCheckRollup; r != nil {
			others += r.Contexts.TotalCount
		}
		head.Checked = others > 0 // our own status is no check
	}
	head.Branches = a.Refs.branches(nil)
	return head
}

// branches adds the branches of a page; their names come without the prefix
// that was asked for.
func (r *refsAnswer) branches(to []fleet.Branch) []fleet.Branch {
	for _, n := range r.Nodes {
		if n.Target == nil {
			continue
		}
		b := fleet.Branch{
			Name:    fleet.BranchPrefix + n.Name,
			Commit:  fleet.CommitID(n.Target.Oid),
			Message: n.Target.Message,
		}
		if n.Target.Tree != nil {
			b.Tree = fleet.TreeID(n.Target.Tree.Oid)
		}
		to = append(to, b)
	}
	return to
}

// maxPages bounds every reading of pages: a forge that goes on without end is
// not believed.
const maxPages = 1000

var errEndless = &refusal{"the forge's pages have no end"}

// moreRefs reads the pages after the first.
func (c *Client) moreRefs(ctx context.Context, repo fleet.RepoName, page pageInfo, head *fleet.Head) error {
	for n := 1; page.HasNextPage && page.EndCursor != ""; n++ {
		if n == maxPages {
			return errEndless
		}
		owner, short, err := name(repo)
		if err != nil {
			return err
		}
		q := newQuery("Refs")
		q.fragments = refFragment
		q.repo("more", owner, short, `refs(refPrefix:"refs/heads/`+fleet.BranchPrefix+`",first:100,after:`+
			q.str(page.EndCursor)+`){...ours}`)
		got, err := c.insist(ctx, q, 1)
		if err != nil {
			return err
		}
		var a struct {
			Refs refsAnswer `json:"refs"`
		}
		if err := got.into("more", &a); err != nil {
			return err
		}
		head.Branches = a.Refs.branches(head.Branches)
		page = a.Refs.PageInfo
	}
	return nil
}
