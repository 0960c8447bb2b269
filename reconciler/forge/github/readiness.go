package github

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/forge"
)

const readinessFragments = `
fragment who on Actor{__typename login}
fragment ready on PullRequest{reviewThreads(first:100){nodes{isResolved} pageInfo{hasNextPage}}
latestOpinionatedReviews(first:50,writersOnly:true){nodes{state author{...who} commit{oid}}}
commits(last:1){nodes{commit{deployments(first:50,orderBy:{field:CREATED_AT,direction:DESC}){nodes{environment latestStatus{state}}}}}}
timelineItems(last:1,itemTypes:[ADDED_TO_MERGE_QUEUE_EVENT,REMOVED_FROM_MERGE_QUEUE_EVENT,HEAD_REF_FORCE_PUSHED_EVENT]){
nodes{__typename ...on RemovedFromMergeQueueEvent{actor{...who} createdAt reason}}}}
`

type readyAnswer struct {
	ReviewThreads struct {
		Nodes []struct {
			IsResolved bool `json:"isResolved"`
		} `json:"nodes"`
		PageInfo pageInfo `json:"pageInfo"`
	} `json:"reviewThreads"`
	Reviews *nodes[struct {
		State  string  `json:"state"`
		Author *actor  `json:"author"`
		Commit *object `json:"commit"`
	}] `json:"latestOpinionatedReviews"`
	Commits nodes[struct {
		Commit struct {
			Deployments *nodes[deployment] `json:"deployments"`
		} `json:"commit"`
	}] `json:"commits"`
	TimelineItems nodes[struct {
		Type      string    `json:"__typename"`
		Actor     *actor    `json:"actor"`
		CreatedAt time.Time `json:"createdAt"`
		Reason    string    `json:"reason"`
	}] `json:"timelineItems"`
}

type deployment struct {
	Environment  string `json:"environment"`
	LatestStatus *struct {
		State string `json:"state"`
	} `json:"latestStatus"`
}

// Readiness reads what only some rules ask for, 100 pull requests a query.
func (c *Client) Readiness(ctx context.Context, pulls []forge.Pull) map[forge.Pull]forge.Answer[fleet.Readiness] {
	b := &batch[forge.Pull, fleet.Readiness]{
		c: c, op: "read what a pull request lacks", pacer: &c.ready, ask: c.askReadiness,
		on: func(p forge.Pull) string { return subject(p.Repo, p.Number) },
	}
	return b.run(ctx, pulls)
}

func (c *Client) askReadiness(ctx context.Context, pulls []forge.Pull) (map[forge.Pull]forge.Answer[fleet.Readiness], error) {
	self, err := c.Self(ctx)
	if err != nil {
		return nil, err
	}
	type answer = forge.Answer[fleet.Readiness]
	out := make(map[forge.Pull]answer, len(pulls))
	q := newQuery("Readiness")
	q.fragments = readinessFragments
	for i, p := range pulls {
		owner, short, err := name(p.Repo)
		if err != nil {
			out[p] = answer{Err: err}
			continue
		}
		q.repo(alias(i), owner, short, "pullRequest(number:"+q.arg("Int!", p.Number)+"){...ready}")
	}
	if len(out) == len(pulls) {
		return out, nil
	}
	got, err := c.ask(ctx, q, 1+len(pulls)*5/100)
	if err != nil {
		return nil, err
	}
	for i, p := range pulls {
		if out[p].Err != nil {
			continue
		}
		var a struct {
			PullRequest *readyAnswer `json:"pullRequest"`
		}
		switch err := got.into(alias(i), &a); {
		case err != nil:
			out[p] = answer{Err: err}
		case a.PullRequest == nil:
			out[p] = answer{Err: &partError{Type: "NOT_FOUND", Message: "no such pull request"}}
		default:
			out[p] = answer{Value: a.PullRequest.readiness(self)}
		}
	}
	return out, nil
}

func (a *readyAnswer) readiness(self fleet.Actor) fleet.Readiness {
	var out fleet.Readiness
	for _, t := range a.ReviewThreads.Nodes {
		if !t.IsResolved {
			out.Unresolved++
		}
	}
	if a.ReviewThreads.PageInfo.HasNextPage {
		out.Unresolved++ // more than anybody looks through: a person decides
	}
	if a.Reviews != nil {
		for _, r := range a.Reviews.Nodes {
			if r.State == "APPROVED" && r.Commit != nil {
				out.Approvals = append(out.Approvals, fleet.Approval{By: r.Author.actor(self), Commit: fleet.CommitID(r.Commit.Oid)})
			}
		}
	}
	if n := a.Commits.Nodes; len(n) > 0 {
		out.Deployed = deployed(n[len(n)-1].Commit.Deployments)
	}
	if n := a.TimelineItems.Nodes; len(n) > 0 {
		if last := n[len(n)-1]; last.Type == "RemovedFromMergeQueueEvent" {
			by := last.Actor.actor(self)
			out.Dequeued = &fleet.Dequeued{At: last.CreatedAt, By: by, Reason: dequeueReason(last.Reason, by), Said: strings.ToLower(last.Reason)}
		}
	}
	return out
}

// deployed are the environments whose newest deployment of a commit went well;
// the newest come first.
func deployed(all *nodes[deployment]) []string {
	if all == nil {
		return nil
	}
	var out []string
	seen := map[string]bool{}
	for _, d := range all.Nodes {
		if !seen[d.Environment] && d.LatestStatus != nil && d.LatestStatus.State == "SUCCESS" {
			out = append(out, d.Environment)
		}
		seen[d.Environment] = true
	}
	slices.Sort(out)
	return out
}
