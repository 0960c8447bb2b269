package sandbox

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/graph-gophers/graphql-go"
)

// queueEntryNode is a pull request's place in a merge queue.
type queueEntryNode struct {
	pull *pullNode
	is   queueEntry // a copy

	Position             int32
	State                string
	EstimatedTimeToMerge *int32
	Jump                 bool
}

// showEntry needs the repo's lock; nil for a nil entry.
func showEntry(e *queueEntry, web string) *queueEntryNode {
	if e == nil {
		return nil
	}
	seconds := int32(e.estimate().Seconds())
	return &queueEntryNode{
		pull: showPull(e.pull, web), is: *e, Position: int32(e.position()), State: e.state(), EstimatedTimeToMerge: &seconds,
	}
}

// ID is the node's id.
func (e *queueEntryNode) ID() graphql.ID { return graphql.ID(fmt.Sprintf("MQE_%d", e.is.id)) }

// EnqueuedAt is when it came into the queue.
func (e *queueEntryNode) EnqueuedAt() dateTime { return dateTime{e.is.at} }

// Enqueuer is who put it there.
func (e *queueEntryNode) Enqueuer() *actorNode { return actorOf(e.is.by, e.pull.web) }

// PullRequest is what is in the queue.
func (e *queueEntryNode) PullRequest() *pullNode { return e.pull }

// BaseCommit is what its group is built on, null until it is tried.
func (e *queueEntryNode) BaseCommit() *commitNode {
	if e.is.base.IsZero() {
		return nil
	}
	return e.pull.commit(e.is.base)
}

// HeadCommit is its group's, null until it is tried.
func (e *queueEntryNode) HeadCommit() *commitNode {
	if e.is.head.IsZero() {
		return nil
	}
	return e.pull.commit(e.is.head)
}

type queueNode struct{ repo *repoNode }

// ID is the node's id.
func (q *queueNode) ID() graphql.ID { return "MQ_" + q.repo.ID() }

// URL is the queue's page.
func (q *queueNode) URL() uri { return q.repo.URL() + "/queue/" + uri(q.repo.defaultBranch) }

// Entries are those that wait, the first to be merged first.
func (q *queueNode) Entries(args slicing) (*connection[*queueEntryNode], error) {
	q.repo.of.mu.Lock()
	var all []*queueEntryNode
	for _, e := range q.repo.of.queue {
		all = append(all, showEntry(e, q.repo.web))
	}
	q.repo.of.mu.Unlock()
	return connect(all, args, "entries")
}

// MergeQueue is null where merges need none.
func (n *repoNode) MergeQueue(args struct{ Branch *string }) *queueNode {
	if !n.rules.Queue || args.Branch != nil && *args.Branch != n.defaultBranch {
		return nil
	}
	return &queueNode{n}
}

// MergeQueueEntry is null while it is in no queue.
func (n *pullNode) MergeQueueEntry() *queueEntryNode {
	n.is.repo.mu.Lock()
	defer n.is.repo.mu.Unlock()
	return showEntry(n.of.entry(), n.web)
}

// IsInMergeQueue says whether it is in a queue.
func (n *pullNode) IsInMergeQueue() bool { return n.MergeQueueEntry() != nil }

// IsMergeQueueEnabled says whether its base has a queue.
func (n *pullNode) IsMergeQueueEnabled() bool {
	n.is.repo.mu.Lock()
	defer n.is.repo.mu.Unlock()
	return n.is.repo.rules.Queue && n.is.base == n.is.repo.defaultBranch
}

type autoMergeNode struct {
	EnabledAt   *dateTime
	EnabledBy   *actorNode
	MergeMethod string
}

// AutoMergeRequest is null unless somebody has it merged by itself.
func (n *pullNode) AutoMergeRequest() *autoMergeNode {
	if n.is.autoMerge == nil {
		return nil
	}
	return &autoMergeNode{EnabledBy: actorOf(n.is.autoMerge, n.web), MergeMethod: strings.ToUpper(string(n.is.repo.methods[0]))}
}

// Mutation answers an input that names a pull request.
func (q *queryNode) change(ctx context.Context, id graphql.ID, do func(*repo, *pull, *user) (*queueEntry, error)) (out *queueEntryNode, err error) {
	repoID, number, _ := strings.Cut(strings.TrimPrefix(string(id), "PR_"), "_")
	q.forge.mu.Lock()
	r := q.forge.byID["R_"+repoID]
	q.forge.mu.Unlock()
	missing := &graphError{"NOT_FOUND", fmt.Sprintf("Could not resolve to a node with the global id of '%s'", id)}
	if r == nil {
		return nil, missing
	}
	a := askedOf(ctx)
	err = r.do(func(r *repo) error {
		n, _ := strconv.Atoi(number)
		p, err := r.pull(n)
		if err != nil {
			return missing
		}
		e, err := do(r, p, a.who)
		if err != nil {
			return &graphError{"UNPROCESSABLE", err.Error()}
		}
		out = showEntry(e, a.web)
		return nil
	})
	return out, err
}

type queuePayload struct {
	ClientMutationID *string
	MergeQueueEntry  *queueEntryNode
}

// EnqueuePullRequest puts a pull request into the merge queue. All stand in
// line: what asks to jump is refused, since the sandbox has no such right.
func (q *queryNode) EnqueuePullRequest(ctx context.Context, args struct {
	Input struct {
		ClientMutationID *string
		ExpectedHeadOid  *objectID
		Jump             *bool
		PullRequestID    graphql.ID
	}
},
) (*queuePayload, error) {
	in := args.Input
	if in.Jump != nil && *in.Jump {
		return nil, &graphError{"FORBIDDEN", "You are not allowed to jump the queue"}
	}
	e, err := q.change(ctx, in.PullRequestID, func(r *repo, p *pull, who *user) (*queueEntry, error) {
		expected := ""
		if in.ExpectedHeadOid != nil {
			expected = string(*in.ExpectedHeadOid)
		}
		return r.enqueue(who, p, expected)
	})
	if err != nil {
		return nil, err
	}
	return &queuePayload{in.ClientMutationID, e}, nil
}

// DequeuePullRequest takes a pull request out of the merge queue.
func (q *queryNode) DequeuePullRequest(ctx context.Context, args struct {
	Input struct {
		ClientMutationID *string
		ID               graphql.ID
	}
},
) (*queuePayload, error) {
	in := args.Input
	_, err := q.change(ctx, in.ID, func(r *repo, p *pull, who *user) (*queueEntry, error) {
		if r.leaveQueue(p, who, leftByHand) == nil {
			return nil, unprocessable("Pull request is not in the queue")
		}
		return nil, nil
	})
	if err != nil {
		return nil, err
	}
	return &queuePayload{ClientMutationID: in.ClientMutationID}, nil
}
