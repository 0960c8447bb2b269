package github

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/portreeve/portreeve/reconciler/fleet"
)

// OpenedSince counts by search, which lags some seconds behind.
func (c *Client) OpenedSince(ctx context.Context, owners []string, since time.Time) (int, error) {
	const op = "count pull requests"
	owners = distinct(owners)
	if len(owners) == 0 {
		return 0, nil
	}
	self, err := c.Self(ctx)
	if err != nil {
		return 0, err
	}
	q := newQuery("OpenedSince")
	for i, owner := range owners {
		if !plain(owner) {
			return 0, c.fail(op, owner, &refusal{"this is not the name of an owner"})
		}
		q.line("%s:search(type:ISSUE,first:1,query:%s){issueCount}", alias(i), q.str(search(self, owner, since)))
	}
	on := strings.Join(owners, ", ")
	got, err := c.insist(ctx, q, 1+len(owners)/100)
	if err != nil {
		return 0, c.fail(op, on, err)
	}
	total := 0
	for i, owner := range owners {
		var a struct {
			IssueCount int `json:"issueCount"`
		}
		if err := got.into(alias(i), &a); err != nil {
			return 0, c.fail(op, owner, err)
		}
		total += a.IssueCount
	}
	return total, nil
}

// search is the forge's search for what self opened; an App's author is
// "app/name". "org:" also finds what belongs to a user.
func search(self fleet.Actor, owner string, since time.Time) string {
	author := self.Login
	if self.Bot {
		author = "app/" + author
	}
	return fmt.Sprintf("is:pr author:%s org:%s created:>=%s", author, owner, since.UTC().Format(time.RFC3339))
}
