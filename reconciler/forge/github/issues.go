package github

import (
	"context"

	gogithub "github.com/google/go-github/v62/github"

	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/forge"
)

// issuePages bounds how many issues are read, 100 in each.
const issuePages = 10

// Issues reads those that we opened, the newest first.
func (c *Client) Issues(ctx context.Context, repo fleet.RepoName) ([]fleet.Issue, error) {
	const op = "read issues"
	owner, short, err := name(repo)
	if err != nil {
		return nil, c.fail(op, string(repo), err)
	}
	self, err := c.Self(ctx)
	if err != nil {
		return nil, err
	}
	creator := self.Login
	if self.Bot {
		creator += "[bot]"
	}
	var all []fleet.Issue
	o := &gogithub.IssueListByRepoOptions{
		State: "all", Creator: creator, Sort: "created", Direction: "desc", ListOptions: gogithub.ListOptions{PerPage: 100},
	}
	for range issuePages {
		found, answer, err := c.rest.Issues.ListByRepo(ctx, owner, short, o)
		if err != nil {
			return nil, c.fail(op, string(repo), err)
		}
		for _, i := range found {
			if by := (&actor{i.GetUser().GetType(), i.GetUser().GetLogin()}).actor(self); i.IsPullRequest() || !by.Self {
				continue
			}
			all = append(all, fleet.Issue{
				Number: i.GetNumber(), URL: i.GetHTMLURL(), Open: i.GetState() == "open", Title: i.GetTitle(), Body: i.GetBody(),
			})
		}
		if o.Page = answer.NextPage; o.Page == 0 {
			break
		}
	}
	return all, nil
}

// OpenIssue opens an issue, if none has its marker.
func (c *Client) OpenIssue(ctx context.Context, repo fleet.RepoName, issue forge.NewIssue) (forge.Opened, error) {
	const op = "open issue"
	owner, short, err := name(repo)
	if err != nil {
		return forge.Opened{}, c.fail(op, string(repo), err)
	}
	all, err := c.Issues(ctx, repo)
	if err != nil {
		return forge.Opened{}, err
	}
	for _, i := range all {
		if forge.Marker(i.Body) == forge.Marker(issue.Body) {
			return forge.Opened{Number: i.Number, URL: i.URL}, nil
		}
	}
	made, _, err := c.rest.Issues.Create(creating(ctx), owner, short, &gogithub.IssueRequest{Title: &issue.Title, Body: &issue.Body})
	if err != nil {
		return forge.Opened{}, c.fail(op, string(repo), err)
	}
	return forge.Opened{Number: made.GetNumber(), URL: made.GetHTMLURL()}, nil
}

// EditIssue sets the body.
func (c *Client) EditIssue(ctx context.Context, repo fleet.RepoName, number int, body string) error {
	owner, short, err := name(repo)
	if err == nil {
		_, _, err = c.rest.Issues.Edit(ctx, owner, short, number, &gogithub.IssueRequest{Body: &body})
	}
	if err != nil {
		return c.fail("edit issue", subject(repo, number), err)
	}
	return nil
}
