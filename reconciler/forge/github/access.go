package github

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"

	gogithub "github.com/google/go-github/v62/github"
	"golang.org/x/sync/errgroup"

	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/forge"
)

// accessNeeds is what has to be granted so that access can be read.
const accessNeeds = "to read who may write, an App needs the organization permission Members (read) and the repository permission Administration (read), and a token the scopes read:org and repo"

const teamSelection = `team(slug:%s){privacy repositories(first:100,after:%s){edges{permission node{nameWithOwner}} pageInfo{hasNextPage endCursor}}}`

type teamAnswer struct {
	Team *struct {
		Privacy      string `json:"privacy"`
		Repositories struct {
			Edges []struct {
				Permission string `json:"permission"`
				Node       struct {
					NameWithOwner string `json:"nameWithOwner"`
				} `json:"node"`
			} `json:"edges"`
			PageInfo pageInfo `json:"pageInfo"`
		} `json:"repositories"`
	} `json:"team"`
}

type collaboratorAnswer struct {
	Collaborators *struct {
		Edges []struct {
			Permission string `json:"permission"`
			Node       struct {
				Login string `json:"login"`
			} `json:"node"`
		} `json:"edges"`
	} `json:"collaborators"`
}

// Access reads teams with all repos that they may do anything in, some in a
// query, and users one by one in each repo, 100 in a query: of a team there are
// many repos, and of an engineer few.
func (c *Client) Access(ctx context.Context, accounts []forge.Account) map[forge.Account]forge.Answer[fleet.Access] {
	out := make(map[forge.Account]forge.Answer[fleet.Access], len(accounts))
	asked := map[string][]forge.Account{} // by the team
	var teams []string
	var users []forge.Account
	for _, a := range distinct(accounts) {
		if !strings.Contains(a.Name, "/") {
			users = append(users, a)
			continue
		}
		key := strings.ToLower(a.Name)
		if asked[key] == nil {
			teams = append(teams, key)
		}
		asked[key] = append(asked[key], a)
	}
	if len(users) > 0 {
		b := &batch[forge.Account, fleet.Access]{
			c: c, op: "read access", pacer: &c.users, ask: c.askUsers, on: func(a forge.Account) string { return string(a.Repo) },
		}
		out = b.run(ctx, users)
	}
	if len(teams) == 0 {
		return out
	}
	b := &batch[string, team]{
		c: c, op: "read access of team", pacer: &c.teams, on: func(name string) string { return name },
		ask: func(ctx context.Context, names []string) (map[string]forge.Answer[team], error) {
			return c.askTeams(ctx, names, asked)
		},
	}
	for name, answer := range b.run(ctx, teams) {
		for _, a := range asked[name] {
			access := answer.Value.Access
			access.Role = answer.Value.roles[strings.ToLower(string(a.Repo))]
			out[a] = forge.Answer[fleet.Access]{Value: access, Err: answer.Err}
		}
	}
	return out
}

// team is a team with its role in each repo, by the repo's name in lower case.
type team struct {
	fleet.Access
	roles map[string]fleet.Role
}

// maxTeamPages bounds how many repos of one team are read.
const maxTeamPages = 200

func (c *Client) askTeams(ctx context.Context, names []string, asked map[string][]forge.Account) (map[string]forge.Answer[team], error) {
	out := make(map[string]forge.Answer[team], len(names))
	after := map[string]string{} // the cursor of each that is read further
	var left []string
	for _, name := range names {
		org, slug, _ := strings.Cut(name, "/")
		if !plain(org) || !plain(slug) {
			out[name] = forge.Answer[team]{Value: team{Access: fleet.Access{Missing: true}}}
			continue
		}
		out[name] = forge.Answer[team]{Value: team{roles: map[string]fleet.Role{}}}
		left = append(left, name)
	}
	for n := 0; len(left) > 0; n++ {
		q := newQuery("Teams")
		for i, name := range left {
			org, slug, _ := strings.Cut(name, "/")
			var cursor any
			if at := after[name]; at != "" {
				cursor = at
			}
			q.line("%s:organization(login:%s){"+teamSelection+"}", alias(i), q.str(org), q.str(slug), q.arg("String", cursor))
		}
		got, err := c.ask(ctx, q, 1+len(left)*2/100)
		if err != nil {
			return nil, err
		}
		var more []string
		for i, name := range left {
			var a teamAnswer
			err := got.into(alias(i), &a)
			switch {
			case notFound(err) || err == nil && a.Team == nil:
				out[name] = forge.Answer[team]{Value: team{Access: fleet.Access{Missing: true}}}
				continue
			case err != nil:
				out[name] = forge.Answer[team]{Err: withNeeds(err)}
				continue
			}
			t := out[name].Value
			t.Secret = a.Team.Privacy == "SECRET"
			for _, e := range a.Team.Repositories.Edges {
				t.roles[strings.ToLower(e.Node.NameWithOwner)] = roleOf(e.Permission)
			}
			page := a.Team.Repositories.PageInfo
			after[name] = page.EndCursor
			out[name] = forge.Answer[team]{Value: t}
			if !page.HasNextPage || page.EndCursor == "" || t.has(asked[name]) {
				continue
			}
			if more = append(more, name); n+1 == maxTeamPages {
				out[name], more = forge.Answer[team]{Err: errEndless}, more[:len(more)-1]
			}
		}
		left = more
	}
	return out, nil
}

// has reports whether the role in each repo that is asked about is known.
func (t *team) has(asked []forge.Account) bool {
	for _, a := range asked {
		if _, ok := t.roles[strings.ToLower(string(a.Repo))]; !ok {
			return false
		}
	}
	return true
}

func (c *Client) askUsers(ctx context.Context, accounts []forge.Account) (map[forge.Account]forge.Answer[fleet.Access], error) {
	type answer = forge.Answer[fleet.Access]
	out := make(map[forge.Account]answer, len(accounts))
	q := newQuery("Collaborators")
	for i, a := range accounts {
		owner, short, err := name(a.Repo)
		switch {
		case err != nil:
			out[a] = answer{Err: err}
		case !plain(a.Name):
			out[a] = answer{Value: fleet.Access{Missing: true}}
		default:
			q.repo(alias(i), owner, short, "collaborators(affiliation:ALL,first:1,login:"+q.str(a.Name)+"){edges{permission node{login}}}")
			q.line("u%d:user(login:%s){login}", i, q.str(a.Name))
		}
	}
	if len(out) == len(accounts) {
		return out, nil
	}
	got, err := c.ask(ctx, q, 1+len(accounts)/100)
	if err != nil {
		return nil, err
	}
	for i, a := range accounts {
		if _, done := out[a]; done {
			continue
		}
		var repo collaboratorAnswer
		var user struct {
			Login string `json:"login"`
		}
		switch err := got.into("u"+strconv.Itoa(i), &user); {
		case notFound(err):
			out[a] = answer{Value: fleet.Access{Missing: true}}
			continue
		case err != nil:
			out[a] = answer{Err: err}
			continue
		}
		switch err := got.into(alias(i), &repo); {
		case err != nil:
			out[a] = answer{Err: withNeeds(err)}
		case repo.Collaborators == nil:
			out[a] = answer{Err: &classed{fleet.Permanent, "the forge does not tell who may write; " + accessNeeds}}
		default:
			out[a] = answer{}
			for _, e := range repo.Collaborators.Edges {
				if strings.EqualFold(e.Node.Login, a.Name) {
					out[a] = answer{Value: fleet.Access{Role: roleOf(e.Permission)}}
				}
			}
		}
	}
	return out, nil
}

func roleOf(permission string) fleet.Role {
	switch role := fleet.Role(strings.ToLower(permission)); role {
	case fleet.RoleRead, fleet.RoleTriage, fleet.RoleWrite, fleet.RoleMaintain, fleet.RoleAdmin:
		return role
	}
	return ""
}

func notFound(err error) bool {
	part := (*partError)(nil)
	return errors.As(err, &part) && part.Type == "NOT_FOUND"
}

// withNeeds says what is to be granted where a right is missing.
func withNeeds(err error) error {
	part := (*partError)(nil)
	if errors.As(err, &part) && (part.Type == "FORBIDDEN" || part.Type == "INSUFFICIENT_SCOPES") {
		return &classed{fleet.Permanent, cmp.Or(part.Error(), part.Type) + "; " + accessNeeds}
	}
	return err
}

// OwnersErrors reads what is wrong in CODEOWNERS, commit by commit: only REST
// tells, and for nothing while it is as before.
func (c *Client) OwnersErrors(ctx context.Context, commits []forge.Commit) map[forge.Commit]forge.Answer[[]fleet.OwnersError] {
	commits = distinct(commits)
	answers := make([]forge.Answer[[]fleet.OwnersError], len(commits))
	var g errgroup.Group
	g.SetLimit(atOnce)
	for i, commit := range commits {
		g.Go(func() error {
			found, err := c.ownersErrors(ctx, commit)
			answers[i].Value = found
			if err != nil {
				answers[i].Err = c.fail("read errors in CODEOWNERS", string(commit.Repo), err)
			}
			return nil
		})
	}
	_ = g.Wait()
	out := make(map[forge.Commit]forge.Answer[[]fleet.OwnersError], len(commits))
	for i, commit := range commits {
		out[commit] = answers[i]
	}
	return out
}

func (c *Client) ownersErrors(ctx context.Context, commit forge.Commit) ([]fleet.OwnersError, error) {
	owner, short, err := name(commit.Repo)
	if err != nil {
		return nil, err
	}
	found, _, err := c.rest.Repositories.GetCodeownersErrors(ctx, owner, short, &gogithub.GetCodeownersErrorsOptions{Ref: string(commit.ID)})
	switch {
	case status(err) == http.StatusNotFound:
		return nil, nil // there is no such file
	case err != nil:
		return nil, err
	}
	var out []fleet.OwnersError
	for _, e := range found.Errors {
		out = append(out, fleet.OwnersError{Path: fleet.Path(readable(e.Path)), Line: e.Line, Source: readable(e.Source), Kind: readable(e.Kind)})
	}
	return out, nil
}
