package github

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"strings"

	gogithub "github.com/google/go-github/v62/github"
	"golang.org/x/sync/errgroup"

	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/forge"
)

// Repos lists an organisation's or a user's repos over REST, or reads the
// named ones over GraphQL.
func (c *Client) Repos(ctx context.Context, org string, names []fleet.RepoName) ([]fleet.Repo, error) {
	var repos []fleet.Repo
	var err error
	on := org
	if org == "" {
		on = "repos"
		repos, err = c.namedRepos(ctx, names)
	} else {
		repos, err = c.listed(ctx, org)
	}
	if err != nil {
		return nil, c.fail("list repos", on, err)
	}
	slices.SortFunc(repos, func(a, b fleet.Repo) int { return strings.Compare(string(a.Name), string(b.Name)) })
	// A repo that is made while pages are read stands on two of them; two
	// names may lead to one that was renamed.
	out := repos[:0]
	for _, r := range repos {
		if n := len(out); n > 0 && out[n-1].Name == r.Name {
			out[n-1].Formerly = append(out[n-1].Formerly, r.Formerly...)
			continue
		}
		out = append(out, r)
	}
	return out, nil
}

// lister reads one page of a listing.
type lister func(page gogithub.ListOptions) ([]*gogithub.Repository, *gogithub.Response, error)

func (c *Client) listed(ctx context.Context, org string) ([]fleet.Repo, error) {
	if !plain(org) {
		return nil, &refusal{strconv.Quote(org) + " is not the name of an organisation"}
	}
	repos, err := c.pages(ctx, func(page gogithub.ListOptions) ([]*gogithub.Repository, *gogithub.Response, error) {
		return c.rest.Repositories.ListByOrg(ctx, org, &gogithub.RepositoryListByOrgOptions{
			Type: "all", Sort: "full_name", Direction: "asc", ListOptions: page,
		})
	})
	if status(err) != http.StatusNotFound {
		return repos, err
	}
	return c.ofUser(ctx, org)
}

// ofUser lists a user's repos; private ones are listed only to the user.
func (c *Client) ofUser(ctx context.Context, login string) ([]fleet.Repo, error) {
	self, err := c.Self(ctx)
	if err != nil {
		return nil, err
	}
	if !self.Bot && strings.EqualFold(self.Login, login) {
		return c.pages(ctx, func(page gogithub.ListOptions) ([]*gogithub.Repository, *gogithub.Response, error) {
			return c.rest.Repositories.ListByAuthenticatedUser(ctx, &gogithub.RepositoryListByAuthenticatedUserOptions{
				Affiliation: "owner", Sort: "full_name", Direction: "asc", ListOptions: page,
			})
		})
	}
	return c.pages(ctx, func(page gogithub.ListOptions) ([]*gogithub.Repository, *gogithub.Response, error) {
		return c.rest.Repositories.ListByUser(ctx, login, &gogithub.RepositoryListByUserOptions{
			Type: "owner", Sort: "full_name", Direction: "asc", ListOptions: page,
		})
	})
}

// pages reads the first page, which says how many there are, then the others
// at once.
func (c *Client) pages(ctx context.Context, list lister) ([]fleet.Repo, error) {
	first, resp, err := list(gogithub.ListOptions{PerPage: 100})
	if err != nil {
		return nil, err
	}
	if resp.LastPage > maxPages {
		return nil, errEndless
	}
	pages := make([][]*gogithub.Repository, max(1, resp.LastPage))
	pages[0] = first
	var g errgroup.Group
	g.SetLimit(atOnce)
	for i := 1; i < len(pages); i++ {
		g.Go(func() (err error) {
			pages[i], _, err = list(gogithub.ListOptions{PerPage: 100, Page: i + 1})
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	var out []fleet.Repo
	for _, page := range pages {
		for _, r := range page {
			out = append(out, repoOf(r))
		}
	}
	return out, nil
}

func repoOf(r *gogithub.Repository) fleet.Repo {
	return fleet.Repo{
		Name:          fleet.RepoName(r.GetFullName()),
		ID:            strconv.FormatInt(r.GetID(), 10),
		DefaultBranch: r.GetDefaultBranch(),
		Topics:        sorted(r.Topics),
		Language:      r.GetLanguage(),
		Archived:      r.GetArchived(),
		Disabled:      r.GetDisabled(),
		Private:       r.GetPrivate(),
		Fork:          r.GetFork(),
		CloneURL:      r.GetCloneURL(),
		WebURL:        r.GetHTMLURL(),
	}
}

func sorted(words []string) []string {
	words = slices.Clone(words)
	slices.Sort(words)
	return words
}

const repoSelection = `...named`

const repoFragments = `
fragment named on Repository{databaseId nameWithOwner url isArchived isDisabled isPrivate isFork
defaultBranchRef{name} primaryLanguage{name} repositoryTopics(first:50){nodes{topic{name}}}}
`

type repoAnswer struct {
	DatabaseID       int64  `json:"databaseId"`
	NameWithOwner    string `json:"nameWithOwner"`
	URL              string `json:"url"`
	IsArchived       bool   `json:"isArchived"`
	IsDisabled       bool   `json:"isDisabled"`
	IsPrivate        bool   `json:"isPrivate"`
	IsFork           bool   `json:"isFork"`
	DefaultBranchRef *label `json:"defaultBranchRef"`
	PrimaryLanguage  *label `json:"primaryLanguage"`
	RepositoryTopics nodes[struct {
		Topic label `json:"topic"`
	}] `json:"repositoryTopics"`
}

// namedRepos reads the repos of these names, and leaves out what can't be
// seen. Any other failure fails them all: a repo must not seem to be gone
// because the forge stumbled.
func (c *Client) namedRepos(ctx context.Context, names []fleet.RepoName) ([]fleet.Repo, error) {
	ask := func(ctx context.Context, names []fleet.RepoName) (map[fleet.RepoName]forge.Answer[fleet.Repo], error) {
		q := newQuery("Repos")
		q.fragments = repoFragments
		return askRepos(ctx, c, q, 1+len(names)/50, names, repoSelection,
			func(asked fleet.RepoName, a *repoAnswer) (fleet.Repo, error) {
				r := a.repo()
				if !strings.EqualFold(string(r.Name), string(asked)) {
					r.Formerly = []fleet.RepoName{asked}
				}
				return r, nil
			})
	}
	got := repoBatch(c, "read repo", &c.named, ask).run(ctx, names)
	out := make([]fleet.Repo, 0, len(got))
	for _, name := range distinct(names) {
		a := got[name]
		switch {
		case a.Err == nil:
			out = append(out, a.Value)
		case fleet.ClassOf(a.Err) != fleet.Permanent:
			return nil, a.Err
		}
	}
	return out, nil
}

func (a *repoAnswer) repo() fleet.Repo {
	r := fleet.Repo{
		Name: fleet.RepoName(a.NameWithOwner), ID: strconv.FormatInt(a.DatabaseID, 10),
		Archived: a.IsArchived, Disabled: a.IsDisabled, Private: a.IsPrivate, Fork: a.IsFork,
		CloneURL: a.URL + ".git", WebURL: a.URL,
	}
	if a.DefaultBranchRef != nil {
		r.DefaultBranch = a.DefaultBranchRef.Name
	}
	if a.PrimaryLanguage != nil {
		r.Language = a.PrimaryLanguage.Name
	}
	for _, n := range a.RepositoryTopics.Nodes {
		r.Topics = append(r.Topics, n.Topic.Name)
	}
	slices.Sort(r.Topics)
	return r
}
