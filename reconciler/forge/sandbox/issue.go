package sandbox

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/forge"
)

// issue is an issue that is no pull request; its repo's lock guards it.
type issue struct {
	id       int64
	number   int
	author   *user
	title    string
	body     string
	created  time.Time
	updated  time.Time
	closed   time.Time // zero while it is open
	closedBy *user
}

// number is the next one: issues and pull requests have theirs together.
func (r *repo) number() int {
	r.last++
	return r.last
}

func (r *repo) issue(number int) (*issue, error) {
	for _, i := range r.issues {
		if i.number == number {
			return i, nil
		}
	}
	return nil, notFound()
}

func (r *repo) openIssue(who *user, title, body string) (*issue, error) {
	if err := r.writable(); err != nil {
		return nil, err
	}
	if title == "" {
		return nil, invalid("Issue", "title", "missing_field", "")
	}
	if err := checkText("Issue", title, body); err != nil {
		return nil, err
	}
	i := &issue{id: r.forge.newID(), number: r.number(), author: who, title: title, body: body, created: r.forge.time(), updated: r.forge.time()}
	r.issues = append(r.issues, i)
	r.forge.wrote(who, "issue", r.name, i.number, title)
	return i, nil
}

func (r *repo) issueURL(i *issue) string {
	return fmt.Sprintf("%s/%s/issues/%d", r.forge.baseURL, r.name, i.number)
}

// Issues lists a repo's issues, the oldest first.
func (f *Forge) Issues(name fleet.RepoName) (out []fleet.Issue, err error) {
	err = f.with(name, func(r *repo) error {
		for _, i := range r.issues {
			out = append(out, r.showIssue(i))
		}
		return nil
	})
	return out, err
}

func (r *repo) showIssue(i *issue) fleet.Issue {
	return fleet.Issue{Number: i.number, URL: r.issueURL(i), Open: i.closed.IsZero(), Title: i.title, Body: i.body}
}

// CloseIssue closes an issue.
func (p *Person) CloseIssue(name fleet.RepoName, number int) error {
	return p.forge.with(name, func(r *repo) error {
		i, err := r.issue(number)
		if err == nil && i.closed.IsZero() {
			i.closed, i.closedBy, i.updated = r.forge.time(), p.user, r.forge.time()
			r.forge.wrote(p.user, "close", r.name, number, "")
		}
		return err
	})
}

// OpenIssue opens an issue.
func (p *Person) OpenIssue(name fleet.RepoName, title, body string) (number int, err error) {
	err = p.forge.with(name, func(r *repo) error {
		i, err := r.openIssue(p.user, title, body)
		if err == nil {
			number = i.number
		}
		return err
	})
	return number, err
}

func (m *member) Issues(ctx context.Context, name fleet.RepoName) (out []fleet.Issue, err error) {
	err = m.call(ctx, "Issues", false, name, func() error {
		return m.forge.with(name, func(r *repo) error {
			for _, i := range slices.Backward(r.issues) {
				if i.author == m.user {
					out = append(out, r.showIssue(i))
				}
			}
			return nil
		})
	})
	return out, err
}

func (m *member) OpenIssue(ctx context.Context, name fleet.RepoName, n forge.NewIssue) (out forge.Opened, err error) {
	err = m.call(ctx, "OpenIssue", true, name, func() error {
		return m.forge.with(name, func(r *repo) error {
			for _, i := range r.issues {
				if i.author == m.user && forge.Marker(i.body) == forge.Marker(n.Body) {
					out = forge.Opened{Number: i.number, URL: r.issueURL(i)}
					return nil
				}
			}
			if err := m.forge.spendCreation(m.user); err != nil {
				return err
			}
			i, err := r.openIssue(m.user, n.Title, n.Body)
			if err == nil {
				out = forge.Opened{Number: i.number, URL: r.issueURL(i)}
			}
			return err
		})
	})
	return out, err
}

// plainIssueJSON is an issue that is no pull request.
func (c *call) plainIssueJSON(r *repo, i *issue) obj {
	out := obj{
		"id": i.id, "node_id": fmt.Sprintf("I_%d_%d", r.id, i.number), "number": i.number, "title": i.title, "body": i.body,
		"state": "open", "locked": false, "user": c.user(i.author), "labels": []obj{}, "assignee": nil, "assignees": []obj{},
		"milestone": nil, "comments": 0, "created_at": i.created, "updated_at": i.updated, "closed_at": nil,
		"author_association": "MEMBER", "active_lock_reason": nil,
		"url":            fmt.Sprintf("%s/repos/%s/issues/%d", c.api, r.name, i.number),
		"repository_url": c.api + "/repos/" + string(r.name),
		"html_url":       fmt.Sprintf("%s/%s/issues/%d", c.web, r.name, i.number),
	}
	for _, sub := range []string{"comments", "events"} {
		out[sub+"_url"] = fmt.Sprintf("%s/%s", out["url"], sub)
	}
	out["labels_url"] = fmt.Sprintf("%s/labels{/name}", out["url"])
	if !i.closed.IsZero() {
		out["state"], out["closed_at"] = "closed", i.closed
	}
	return out
}

// listIssues lists pull requests, too, as GitHub does.
func listIssues(c *call) (status int, body any, err error) {
	q := c.req.URL.Query()
	state, creator := cmp.Or(q.Get("state"), "open"), strings.TrimSuffix(q.Get("creator"), "[bot]")
	err = c.repo(func(r *repo) error {
		type one struct {
			number int
			json   func() obj
		}
		var all []one
		take := func(by *user, open bool, number int, json func() obj) {
			if (state == "all" || open == (state == "open")) && (creator == "" || strings.EqualFold(creator, by.login)) {
				all = append(all, one{number, json})
			}
		}
		for _, p := range r.pulls {
			take(p.author, p.state == fleet.PullOpen, p.number, func() obj { return c.issueJSON(r, p) })
		}
		for _, i := range r.issues {
			take(i.author, i.closed.IsZero(), i.number, func() obj { return c.plainIssueJSON(r, i) })
		}
		slices.SortFunc(all, func(a, b one) int { return cmp.Compare(b.number, a.number) })
		out := []obj{}
		for _, i := range page(c, all) {
			out = append(out, i.json())
		}
		body = out
		return nil
	})
	return 200, body, err
}

func postIssue(c *call) (status int, body any, err error) {
	var in struct{ Title, Body string }
	if err := c.input(&in); err != nil {
		return 0, nil, err
	}
	err = c.writing(func(r *repo) error {
		if err := c.forge.spendCreation(c.who); err != nil {
			return err
		}
		i, err := r.openIssue(c.who, in.Title, in.Body)
		if err != nil {
			return err
		}
		body = c.plainIssueJSON(r, i)
		c.head.Set("Location", fmt.Sprintf("%s/repos/%s/issues/%d", c.api, r.name, i.number))
		return nil
	})
	return 201, body, err
}
