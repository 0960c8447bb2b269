package github

import (
	"context"
	"time"

	"github.com/portreeve/portreeve/reconciler/fleet"
)

type queueAnswer struct {
	Position             int       `json:"position"`
	State                string    `json:"state"`
	EnqueuedAt           time.Time `json:"enqueuedAt"`
	EstimatedTimeToMerge *int      `json:"estimatedTimeToMerge"` // in seconds
	Enqueuer             *actor    `json:"enqueuer"`
}

func (a *queueAnswer) entry(self fleet.Actor) *fleet.QueueEntry {
	if a == nil {
		return nil
	}
	out := &fleet.QueueEntry{Position: a.Position, State: queueState(a.State), Since: a.EnqueuedAt, By: a.Enqueuer.actor(self)}
	if a.EstimatedTimeToMerge != nil {
		out.Estimate = time.Duration(*a.EstimatedTimeToMerge) * time.Second
	}
	return out
}

// queued is what of a pull request decides on putting it into a queue.
type queued struct {
	ID         string    `json:"id"`
	State      string    `json:"state"`
	HeadRefOid string    `json:"headRefOid"`
	Entry      *struct{} `json:"mergeQueueEntry"`
}

func (c *Client) queued(ctx context.Context, repo fleet.RepoName, number int) (*queued, error) {
	owner, short, err := name(repo)
	if err != nil {
		return nil, err
	}
	q := newQuery("Queued")
	q.repo("repo", owner, short, "pullRequest(number:"+q.arg("Int!", number)+"){id state headRefOid mergeQueueEntry{id}}")
	got, err := c.insist(ctx, q, 1)
	if err != nil {
		return nil, err
	}
	var a struct {
		PullRequest *queued `json:"pullRequest"`
	}
	if err := got.into("repo", &a); err != nil {
		return nil, err
	}
	if a.PullRequest == nil {
		return nil, &partError{Type: "NOT_FOUND", Message: "no such pull request"}
	}
	return a.PullRequest, nil
}

// enqueued reports whether there is nothing to do any more.
func (q *queued) enqueued(head fleet.CommitID) (bool, error) {
	switch {
	case q.HeadRefOid != string(head):
		return false, &classed{fleet.Moved, "the pull request is at another commit"}
	case q.State == "MERGED":
		return true, nil
	case q.State != "OPEN":
		return false, &classed{fleet.Moved, "the pull request is closed"}
	}
	return q.Entry != nil, nil
}

// EnqueuePull puts a pull request into the merge queue, at its end: no other
// waits longer because of it.
func (c *Client) EnqueuePull(ctx context.Context, repo fleet.RepoName, number int, head fleet.CommitID) error {
	if err := c.enqueue(ctx, repo, number, head); err != nil {
		return c.fail("add to the merge queue", subject(repo, number), err)
	}
	return nil
}

func (c *Client) enqueue(ctx context.Context, repo fleet.RepoName, number int, head fleet.CommitID) error {
	pull, err := c.queued(ctx, repo, number)
	if err != nil {
		return err
	}
	if done, err := pull.enqueued(head); done || err != nil {
		return err
	}
	q := newQuery("Enqueue")
	q.line("enqueuePullRequest(input:{pullRequestId:%s,expectedHeadOid:%s}){mergeQueueEntry{id}}",
		q.arg("ID!", pull.ID), q.arg("GitObjectID!", string(head)))
	refused := c.mutate(ctx, q, "enqueuePullRequest")
	if refused == nil || c.fail("", "", refused).Class != fleet.Permanent {
		return refused
	}
	// Another may have come first, or the head has moved since.
	if pull, err := c.queued(ctx, repo, number); err == nil {
		if done, err := pull.enqueued(head); done || err != nil {
			return err
		}
	}
	return refused
}

// DequeuePull takes a pull request out of the merge queue.
func (c *Client) DequeuePull(ctx context.Context, repo fleet.RepoName, number int) error {
	pull, err := c.queued(ctx, repo, number)
	if err == nil && pull.Entry != nil {
		q := newQuery("Dequeue")
		q.line("dequeuePullRequest(input:{id:%s}){mergeQueueEntry{id}}", q.arg("ID!", pull.ID))
		err = c.mutate(ctx, q, "dequeuePullRequest")
		if err != nil && c.fail("", "", err).Class == fleet.Permanent {
			if now, gone := c.queued(ctx, repo, number); gone == nil && now.Entry == nil {
				err = nil // it has been merged, or taken out, meanwhile
			}
		}
	}
	if err != nil {
		return c.fail("take out of the merge queue", subject(repo, number), err)
	}
	return nil
}

// mutate sends a mutation of one field, once.
func (c *Client) mutate(ctx context.Context, q *query, field string) error {
	q.mutation = true
	got, err := c.ask(ctx, q, 1)
	if err != nil {
		return err
	}
	if e := got.errors[field]; e != nil {
		return e
	}
	return nil
}
