package github

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	gogithub "github.com/google/go-github/v62/github"

	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/forge"
)

const maxDescription = 140 // of a commit status, in characters

func subject(repo fleet.RepoName, number int) string { return fmt.Sprintf("%s#%d", repo, number) }

// creating marks the request that makes a pull request or a comment.
func creating(ctx context.Context) context.Context {
	return withSpend(ctx, spend{resource: core, cost: 1, points: writePoints, creation: true})
}

// OpenPull opens a pull request. If its labels can't be set, both the pull
// request and a failure are answered.
func (c *Client) OpenPull(ctx context.Context, repo fleet.RepoName, pull forge.NewPull) (forge.Opened, error) {
	const op = "open pull request"
	owner, short, err := name(repo)
	if err != nil {
		return forge.Opened{}, c.fail(op, string(repo), err)
	}
	made, _, err := c.rest.PullRequests.Create(creating(ctx), owner, short, &gogithub.NewPullRequest{
		Title: &pull.Title, Body: &pull.Body, Head: &pull.Head, Base: &pull.Base,
	})
	if err != nil {
		// The forge's 422 has many reasons, and after a broken answer nobody
		// knows: whether it is open is what counts.
		if status(err) == http.StatusUnprocessableEntity || ambiguous(err) {
			if open, found := c.findOpen(ctx, repo, pull); found {
				return open, nil
			}
		}
		return forge.Opened{}, c.fail(op, string(repo), err)
	}
	opened := forge.Opened{Number: made.GetNumber(), URL: made.GetHTMLURL()}
	if err := c.label(ctx, repo, opened.Number, pull.Labels); err != nil {
		return opened, c.fail("label pull request", subject(repo, opened.Number), err)
	}
	return opened, nil
}

// findOpen looks for the open pull request with that head and base.
func (c *Client) findOpen(ctx context.Context, repo fleet.RepoName, pull forge.NewPull) (forge.Opened, bool) {
	owner, short, err := name(repo)
	if err != nil {
		return forge.Opened{}, false
	}
	// The head is asked for by its owner, which a transfer has changed.
	if now, _, err := c.rest.Repositories.Get(ctx, owner, short); err == nil && now.GetOwner().GetLogin() != "" {
		owner, short = now.GetOwner().GetLogin(), now.GetName()
	}
	found, _, err := c.rest.PullRequests.List(ctx, owner, short, &gogithub.PullRequestListOptions{
		State: "open", Head: owner + ":" + pull.Head, Base: pull.Base,
		ListOptions: gogithub.ListOptions{PerPage: 100},
	})
	if err != nil {
		return forge.Opened{}, false
	}
	for _, p := range found {
		fork := p.GetHead().GetRepo().GetFullName()
		if p.GetState() == "open" && p.GetHead().GetRef() == pull.Head && p.GetBase().GetRef() == pull.Base &&
			(fork == "" || strings.EqualFold(fork, p.GetBase().GetRepo().GetFullName())) {
			return forge.Opened{Number: p.GetNumber(), URL: p.GetHTMLURL()}, true
		}
	}
	return forge.Opened{}, false
}

// label adds labels; those that are there stay.
func (c *Client) label(ctx context.Context, repo fleet.RepoName, number int, labels []string) error {
	if len(labels) == 0 {
		return nil
	}
	owner, short, err := name(repo)
	if err != nil {
		return err
	}
	// The library sends a bare list, which GitHub takes and does not describe.
	req, err := c.rest.NewRequest(http.MethodPost, fmt.Sprintf("repos/%s/%s/issues/%d/labels", owner, short, number), map[string][]string{"labels": labels})
	if err != nil {
		return err
	}
	_, err = c.rest.Do(ctx, req, nil)
	return err
}

// EditPull adds labels, and then sets the title and body that are given: what
// a body tells of labels is true.
func (c *Client) EditPull(ctx context.Context, repo fleet.RepoName, number int, text forge.Text) error {
	const op = "edit pull request"
	owner, short, err := name(repo)
	if err != nil {
		return c.fail(op, string(repo), err)
	}
	if err := c.label(ctx, repo, number, text.Labels); err != nil {
		return c.fail("label pull request", subject(repo, number), err)
	}
	var edit gogithub.PullRequest
	if text.Title != "" {
		edit.Title = &text.Title
	}
	if text.Body != "" {
		edit.Body = &text.Body
	}
	if edit.Title != nil || edit.Body != nil {
		if _, _, err := c.rest.PullRequests.Edit(ctx, owner, short, number, &edit); err != nil {
			return c.fail(op, subject(repo, number), err)
		}
	}
	return nil
}

// Comment adds a comment.
func (c *Client) Comment(ctx context.Context, repo fleet.RepoName, number int, body string) error {
	owner, short, err := name(repo)
	if err == nil {
		_, _, err = c.rest.Issues.CreateComment(creating(ctx), owner, short, number, &gogithub.IssueComment{Body: &body})
	}
	if err != nil {
		return c.fail("comment", subject(repo, number), err)
	}
	return nil
}

// ClosePull closes a pull request.
func (c *Client) ClosePull(ctx context.Context, repo fleet.RepoName, number int) error {
	owner, short, err := name(repo)
	if err == nil {
		_, _, err = c.rest.PullRequests.Edit(ctx, owner, short, number, &gogithub.PullRequest{State: gogithub.String("closed")})
	}
	if status(err) == http.StatusUnprocessableEntity {
		// A merged one can't be closed, and need not be.
		if p, _, gone := c.rest.PullRequests.Get(ctx, owner, short, number); gone == nil && p.GetState() == "closed" {
			return nil
		}
	}
	if err != nil {
		return c.fail("close pull request", subject(repo, number), err)
	}
	return nil
}

// MergePull merges at exactly this head.
func (c *Client) MergePull(ctx context.Context, repo fleet.RepoName, number int, head fleet.CommitID, method fleet.MergeMethod) error {
	owner, short, err := name(repo)
	if err == nil {
		_, _, err = c.rest.PullRequests.Merge(ctx, owner, short, number, "", &gogithub.PullRequestOptions{
			SHA: string(head), MergeMethod: string(method),
		})
	}
	switch status(err) {
	case http.StatusConflict, http.StatusMethodNotAllowed:
		err = c.unmerged(ctx, repo, number, head, err)
	}
	if err != nil {
		return c.fail("merge pull request", subject(repo, number), err)
	}
	return nil
}

// unmerged tells why a merge was refused; nil if it had been merged before.
// The forge answers 405 to what its rules forbid, but also to a base that moved
// while it merged; its words tell the two apart, and they are for people.
func (c *Client) unmerged(ctx context.Context, repo fleet.RepoName, number int, head fleet.CommitID, refused error) error {
	text := refused.Error()
	if answer := (*gogithub.ErrorResponse)(nil); errors.As(refused, &answer) {
		text = words(answer)
	}
	moved := status(refused) == http.StatusConflict
	owner, short, err := name(repo)
	if err != nil {
		return err
	}
	p, _, err := c.rest.PullRequests.Get(ctx, owner, short, number)
	switch {
	case err != nil && moved:
		return &classed{fleet.Moved, text}
	case err != nil:
		return &classed{fleet.Permanent, text}
	case p.GetMerged() && p.GetHead().GetSHA() == string(head):
		return nil
	case moved, p.GetHead().GetSHA() != string(head):
		return &classed{fleet.Moved, text}
	}
	return &classed{fleet.Permanent, text}
}

const statusSelection = `object(oid:%s){...on Commit{status{context(name:"` + fleet.StatusContext + `"){state description targetUrl}}}}`

// SetStatus sets our status of a commit, if it is not so already: the forge
// keeps each one that is set, up to a bound.
func (c *Client) SetStatus(ctx context.Context, repo fleet.RepoName, commit fleet.CommitID, s fleet.CommitStatus) error {
	const op = "set commit status"
	owner, short, err := name(repo)
	if err == nil && !hexadecimal(string(commit)) {
		err = &refusal{"this is not a commit"}
	}
	if err != nil {
		return c.fail(op, string(repo), err)
	}
	s.Description = cut(s.Description, maxDescription)
	if c.hasStatus(ctx, owner, short, commit, s) {
		return nil
	}
	state := string(s.State)
	status := &gogithub.RepoStatus{
		State: &state, Context: gogithub.String(fleet.StatusContext), Description: &s.Description,
	}
	if s.URL != "" {
		status.TargetURL = &s.URL
	}
	if _, _, err := c.rest.Repositories.CreateStatus(ctx, owner, short, string(commit), status); err != nil {
		return c.fail(op, string(repo), err)
	}
	return nil
}

// hasStatus looks, and when it can't be seen says no.
func (c *Client) hasStatus(ctx context.Context, owner, short string, commit fleet.CommitID, s fleet.CommitStatus) bool {
	q := newQuery("Status")
	q.repo("repo", owner, short, fmt.Sprintf(statusSelection, q.arg("GitObjectID!", string(commit))))
	got, err := c.ask(ctx, q, 1)
	if err != nil {
		return false
	}
	var a struct {
		Object *struct {
			Status *struct {
				Context *statusAnswer `json:"context"`
			} `json:"status"`
		} `json:"object"`
	}
	if got.into("repo", &a) != nil || a.Object == nil || a.Object.Status == nil || a.Object.Status.Context == nil {
		return false
	}
	return *a.Object.Status.Context.status() == s
}

func hexadecimal(s string) bool {
	return s != "" && strings.Trim(s, "0123456789abcdefABCDEF") == ""
}
