package github

import (
	"context"
	"slices"
	"strconv"
	"time"

	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/forge"
)

// maxForeign bounds the pages that are read in search of a branch's own pull
// request behind those of forks which have a branch of the same name.
const maxForeign = 10

const pullFragments = `
fragment who on Actor{__typename login}
fragment entry on MergeQueueEntry{position state enqueuedAt estimatedTimeToMerge enqueuer{...who}}
fragment pull on PullRequest{number url state isDraft isCrossRepository title body labels(first:50){nodes{name}}
baseRefName headRefName headRefOid author{...who} createdAt updatedAt closedAt mergedAt mergeable mergeStateStatus reviewDecision
mergeQueueEntry{...entry} autoMergeRequest{enabledBy{...who}}
commits(last:1){nodes{commit{oid message committedDate tree{oid} signature{isValid} statusCheckRollup{state contexts(first:100){pageInfo{hasNextPage}
nodes{__typename ...on CheckRun{name status conclusion detailsUrl checkSuite{app{databaseId}}} ...on StatusContext{context state targetUrl creator{...who}}}}}}}}
comments(last:20){nodes{fullDatabaseId author{...who} body createdAt}}
timelineItems(last:1,itemTypes:[CLOSED_EVENT]){nodes{...on ClosedEvent{actor{...who}}}}}
`

type branchAnswer struct {
	DefaultBranchRef *struct {
		Target *object `json:"target"`
	} `json:"defaultBranchRef"`
	PullRequests struct {
		Nodes    []pullAnswer `json:"nodes"`
		PageInfo pageInfo     `json:"pageInfo"`
	} `json:"pullRequests"`
	// Open names those that are open, beside the newest.
	Open struct {
		Nodes []struct {
			IsCrossRepository bool `json:"isCrossRepository"`
		} `json:"nodes"`
		PageInfo pageInfo `json:"pageInfo"`
	} `json:"open"`
}

// mayBeOpen reports whether one that is no fork's may be open.
func (a *branchAnswer) mayBeOpen() bool {
	for _, n := range a.Open.Nodes {
		if !n.IsCrossRepository {
			return true
		}
	}
	return a.Open.PageInfo.HasNextPage
}

type pullAnswer struct {
	Number            int           `json:"number"`
	URL               string        `json:"url"`
	State             string        `json:"state"`
	IsDraft           bool          `json:"isDraft"`
	IsCrossRepository bool          `json:"isCrossRepository"`
	Title             string        `json:"title"`
	Body              string        `json:"body"`
	Labels            *nodes[label] `json:"labels"`
	BaseRefName       string        `json:"baseRefName"`
	HeadRefName       string        `json:"headRefName"`
	HeadRefOid        string        `json:"headRefOid"`
	Author            *actor        `json:"author"`
	CreatedAt         time.Time     `json:"createdAt"`
	UpdatedAt         time.Time     `json:"updatedAt"`
	ClosedAt          *time.Time    `json:"closedAt"`
	MergedAt          *time.Time    `json:"mergedAt"`
	Mergeable         string        `json:"mergeable"`
	MergeStateStatus  string        `json:"mergeStateStatus"`
	ReviewDecision    string        `json:"reviewDecision"`
	MergeQueueEntry   *queueAnswer  `json:"mergeQueueEntry"`
	AutoMergeRequest  *struct {
		EnabledBy *actor `json:"enabledBy"`
	} `json:"autoMergeRequest"`
	Commits       nodes[commit]  `json:"commits"`
	Comments      nodes[comment] `json:"comments"`
	TimelineItems nodes[struct {
		Actor *actor `json:"actor"`
	}] `json:"timelineItems"`
}

type nodes[T any] struct {
	Nodes []T `json:"nodes"`
}

type label struct {
	Name string `json:"name"`
}

type commit struct {
	Commit struct {
		Oid           string    `json:"oid"`
		Message       string    `json:"message"`
		CommittedDate time.Time `json:"committedDate"`
		Tree          object    `json:"tree"`
		Signature     *struct {
			IsValid bool `json:"isValid"`
		} `json:"signature"`
		StatusCheckRollup *rollup `json:"statusCheckRollup"`
	} `json:"commit"`
}

type rollup struct {
	State    string `json:"state"`
	Contexts struct {
		Nodes    []checkAnswer `json:"nodes"`
		PageInfo pageInfo      `json:"pageInfo"`
	} `json:"contexts"`
}

type checkAnswer struct {
	Type       string `json:"__typename"`
	Name       string `json:"name"`
	Status     string `json:"status"`
	Conclusion string `json:"conclusion"`
	DetailsURL string `json:"detailsUrl"`
	CheckSuite *struct {
		App *struct {
			ID int64 `json:"databaseId"`
		} `json:"app"`
	} `json:"checkSuite"`
	Context   string `json:"context"`
	State     string `json:"state"`
	TargetURL string `json:"targetUrl"`
	Creator   *actor `json:"creator"`
}

type comment struct {
	ID        bigInt    `json:"fullDatabaseId"`
	Author    *actor    `json:"author"`
	Body      string    `json:"body"`
	CreatedAt time.Time `json:"createdAt"`
}

// bigInt is GraphQL's BigInt, a string since JSON's numbers may be too small.
type bigInt int64

// UnmarshalJSON reads "12", 12 or null.
func (b *bigInt) UnmarshalJSON(data []byte) error {
	text := string(data)
	if text == "null" {
		return nil
	}
	if unquoted, err := strconv.Unquote(text); err == nil {
		text = unquoted
	}
	n, err := strconv.ParseInt(text, 10, 64)
	*b = bigInt(n)
	return err
}

// PullRequests reads the pull request of each branch, 100 branches a query.
func (c *Client) PullRequests(ctx context.Context, branches []forge.Branch) map[forge.Branch]forge.Answer[*fleet.PullRequest] {
	b := &batch[forge.Branch, *fleet.PullRequest]{
		c: c, op: "read pull requests", pacer: &c.pulls, ask: c.askPulls,
		on: func(b forge.Branch) string { return string(b.Repo) },
	}
	return b.run(ctx, branches)
}

const newestFirst = ",orderBy:{field:CREATED_AT,direction:DESC})"

// pullsOf adds a page of a branch's pull requests, the newest first; of those
// that are open alone, where states says so.
func (q *query) pullsOf(alias string, b forge.Branch, states, after string, first int) error {
	owner, short, err := name(b.Repo)
	if err != nil {
		return err
	}
	page := "headRefName:" + q.str(b.Name) + states + ",first:" + q.arg("Int!", first)
	if after != "" {
		page += ",after:" + q.str(after)
	}
	selection := "defaultBranchRef{target{oid}} pullRequests(" + page + newestFirst + "{nodes{...pull} pageInfo{hasNextPage endCursor}}"
	if states == "" && after == "" {
		selection += " open:pullRequests(headRefName:" + q.str(b.Name) + onlyOpen + ",first:20" + newestFirst + "{nodes{isCrossRepository} pageInfo{hasNextPage}}"
	}
	q.repo(alias, owner, short, selection)
	return nil
}

const onlyOpen = ",states:[OPEN]"

func pullsQuery() *query {
	q := newQuery("PullRequests")
	q.fragments = pullFragments
	return q
}

func (c *Client) askPulls(ctx context.Context, branches []forge.Branch) (map[forge.Branch]forge.Answer[*fleet.PullRequest], error) {
	self, err := c.Self(ctx)
	if err != nil {
		return nil, err
	}
	type answer = forge.Answer[*fleet.PullRequest]
	out := make(map[forge.Branch]answer, len(branches))
	q := pullsQuery()
	for i, b := range branches {
		if err := q.pullsOf(alias(i), b, "", "", 1); err != nil {
			out[b] = answer{Err: err}
		}
	}
	if len(out) == len(branches) {
		return out, nil
	}
	got, err := c.ask(ctx, q, 1+len(branches)*8/100)
	if err != nil {
		return nil, err
	}
	for i, b := range branches {
		if out[b].Err != nil {
			continue
		}
		var a branchAnswer
		if err := got.into(alias(i), &a); err != nil {
			out[b] = answer{Err: err}
			continue
		}
		pull, err := c.own(ctx, b, &a, self)
		out[b] = answer{Value: pull, Err: err}
	}
	return out, nil
}

// own finds a branch's pull request among those of forks: the newest that is
// open, else the newest. Rarely is one of a fork there, or an older one
// reopened; only then more than the newest is read.
func (c *Client) own(ctx context.Context, b forge.Branch, a *branchAnswer, self fleet.Actor) (*fleet.PullRequest, error) {
	newest, err := c.search(ctx, b, "", a, self)
	if err != nil || newest == nil || newest.State == fleet.PullOpen || !a.mayBeOpen() {
		return newest, err
	}
	if a, err = c.morePulls(ctx, b, onlyOpen, ""); err != nil {
		return nil, err
	}
	if open, err := c.search(ctx, b, onlyOpen, a, self); err != nil || open != nil {
		return open, err
	}
	return newest, nil
}

// search finds the newest pull request that is not a fork's, from a first page
// on.
func (c *Client) search(ctx context.Context, b forge.Branch, states string, a *branchAnswer, self fleet.Actor) (*fleet.PullRequest, error) {
	for page := 0; ; page++ {
		for i := range a.PullRequests.Nodes {
			if p := &a.PullRequests.Nodes[i]; !p.IsCrossRepository && p.HeadRefName == b.Name {
				return p.pull(b.Repo, a, self, func(bot string) int64 { return c.appID(ctx, bot) }), nil
			}
		}
		next := a.PullRequests.PageInfo
		if !next.HasNextPage || next.EndCursor == "" {
			return nil, nil
		}
		if page == maxForeign {
			return nil, &classed{fleet.Permanent, "too many pull requests of forks have this branch's name"}
		}
		var err error
		if a, err = c.morePulls(ctx, b, states, next.EndCursor); err != nil {
			return nil, err
		}
	}
}

func (c *Client) morePulls(ctx context.Context, b forge.Branch, states, after string) (*branchAnswer, error) {
	q := pullsQuery()
	if err := q.pullsOf("more", b, states, after, 20); err != nil {
		return nil, err
	}
	got, err := c.insist(ctx, q, 2)
	if err != nil {
		return nil, err
	}
	var a branchAnswer
	return &a, got.into("more", &a)
}

// pull maps a pull request. What is said of its head all comes from one
// commit: an answer may be older than the push that headRefOid tells of.
func (p *pullAnswer) pull(repo fleet.RepoName, a *branchAnswer, self fleet.Actor, app func(bot string) int64) *fleet.PullRequest {
	out := &fleet.PullRequest{
		Repo: repo, Number: p.Number, URL: p.URL, State: fleet.PullOpen, Draft: p.IsDraft,
		Title: p.Title, Body: p.Body, Base: p.BaseRefName, Head: p.HeadRefName,
		HeadCommit: fleet.CommitID(p.HeadRefOid),
		Author:     p.Author.actor(self),
		Created:    p.CreatedAt, Updated: p.UpdatedAt,
		Mergeable: mergeable(p.Mergeable), Held: p.MergeStateStatus == "BLOCKED", Review: review(p.ReviewDecision),
		Queued: p.MergeQueueEntry.entry(self),
	}
	if a := p.AutoMergeRequest; a != nil {
		by := a.EnabledBy.actor(self)
		out.AutoMerge = &by
	}
	if p.Labels != nil {
		for _, l := range p.Labels.Nodes {
			out.Labels = append(out.Labels, l.Name)
		}
		slices.Sort(out.Labels)
	}
	if p.ClosedAt != nil {
		out.Closed = *p.ClosedAt
	}
	switch p.State {
	case "MERGED":
		out.State = fleet.PullMerged
		if p.MergedAt != nil {
			out.Closed = *p.MergedAt
		}
	case "CLOSED":
		out.State = fleet.PullClosed
		var by *actor
		if n := p.TimelineItems.Nodes; len(n) > 0 {
			by = n[len(n)-1].Actor
		}
		out.ClosedBy = by.actor(self)
	}
	if n := p.Commits.Nodes; len(n) > 0 {
		last := n[len(n)-1].Commit
		out.HeadCommit, out.HeadTree = fleet.CommitID(last.Oid), fleet.TreeID(last.Tree.Oid)
		out.HeadMessage, out.HeadTime = last.Message, last.CommittedDate
		if last.Signature != nil {
			out.Signature = signature(last.Signature.IsValid)
		}
		out.Checks = last.StatusCheckRollup.checks(app)
	}
	for _, m := range p.Comments.Nodes {
		out.Comments = append(out.Comments, fleet.Comment{
			ID: int64(m.ID), Author: m.Author.actor(self), Body: m.Body, Created: m.CreatedAt,
		})
	}
	if ref := a.DefaultBranchRef; ref != nil && ref.Target != nil {
		out.BaseCommit = fleet.CommitID(ref.Target.Oid)
	}
	return out
}

// checks are nil only if none has reported. Of more than 100 the rest is one
// check, in the state of them all. A check run tells its App; of a status only
// the bot is told that set it.
func (r *rollup) checks(app func(bot string) int64) []fleet.Check {
	if r == nil {
		return nil
	}
	out := []fleet.Check{}
	for _, n := range r.Contexts.Nodes {
		switch n.Type {
		case "CheckRun":
			c := fleet.Check{Name: n.Name, State: checkOfRun(n.Status, n.Conclusion), URL: n.DetailsURL}
			if s := n.CheckSuite; s != nil && s.App != nil {
				c.App = s.App.ID
			}
			out = append(out, c)
		case "StatusContext":
			c := fleet.Check{Name: n.Context, State: checkOfStatus(n.State), URL: n.TargetURL}
			if by := n.Creator.actor(fleet.Actor{}); by.Bot {
				c.App = app(by.Login)
			}
			out = append(out, c)
		}
	}
	if r.Contexts.PageInfo.HasNextPage {
		out = append(out, fleet.Check{Name: "further checks", State: checkOfStatus(r.State)})
	}
	return out
}
