package github

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/portreeve/portreeve/reconciler/fleet"
)

// openedPages bounds the pages of 100 that are read of what was opened, from
// the oldest on. The newest are read with the first.
const openedPages = 5

type openedAnswer struct {
	IssueCount int      `json:"issueCount"`
	PageInfo   pageInfo `json:"pageInfo"`
	Nodes      []opened `json:"nodes"`
}

type opened struct {
	CreatedAt   time.Time `json:"createdAt"`
	HeadRefName string    `json:"headRefName"`
	Repository  struct {
		NameWithOwner fleet.RepoName `json:"nameWithOwner"`
	} `json:"repository"`
}

// OpenedSince asks by search, which lags some seconds behind. It costs a
// point for each 100 that were opened, at most 5.
func (c *Client) OpenedSince(ctx context.Context, owners []string, since time.Time) (fleet.Openings, error) {
	const op = "count pull requests"
	owners = distinct(owners)
	if len(owners) == 0 {
		return fleet.Openings{}, nil
	}
	self, err := c.Self(ctx)
	if err != nil {
		return fleet.Openings{}, err
	}
	for _, owner := range owners {
		if !plain(owner) {
			return fleet.Openings{}, c.fail(op, owner, &refusal{"this is not the name of an owner"})
		}
	}
	var read openings
	after := make([]string, len(owners))
	for page := 1; len(owners) > 0; page++ {
		got, err := c.openedPage(ctx, self, owners, after, since)
		if err != nil {
			return fleet.Openings{}, c.fail(op, strings.Join(owners, ", "), err)
		}
		var more, cursors []string
		for i, owner := range owners {
			var a openedAnswer
			if err := got.into(alias(i), &a); err != nil {
				return fleet.Openings{}, c.fail(op, owner, err)
			}
			if cursor := read.add(&a, page); cursor != "" {
				more, cursors = append(more, owner), append(cursors, cursor)
			}
			if page == 1 {
				var newest openedAnswer
				if err := got.into(newestAlias(i), &newest); err != nil {
					return fleet.Openings{}, c.fail(op, owner, err)
				}
				read.newest = append(read.newest, newest.Nodes...)
			}
		}
		owners, after = more, cursors
	}
	return read.told(), nil
}

// openings gathers pages.
type openings struct {
	count          int
	oldest, newest []opened
	known          time.Time // up to when all are among oldest; zero if they all are
}

// add adds a page, and gives the cursor of the next that is to be read.
func (o *openings) add(a *openedAnswer, page int) (next string) {
	if page == 1 {
		o.count += a.IssueCount
	}
	o.oldest = append(o.oldest, a.Nodes...)
	last := len(a.Nodes) - 1
	if !a.PageInfo.HasNextPage || last < 0 {
		return ""
	}
	if page < openedPages {
		return a.PageInfo.EndCursor
	}
	if at := a.Nodes[last].CreatedAt; o.known.IsZero() || at.Before(o.known) {
		o.known = at
	}
	return ""
}

// told is each once. Of the oldest it leaves out what is younger than what one
// owner's pages told.
func (o *openings) told() fleet.Openings {
	out := fleet.Openings{Count: o.count}
	seen := map[fleet.Opening]bool{}
	add := func(n opened) {
		one := fleet.Opening{Repo: n.Repository.NameWithOwner, Branch: n.HeadRefName, At: n.CreatedAt.UTC()}
		if !seen[one] {
			seen[one] = true
			out.Told = append(out.Told, one)
		}
	}
	for _, n := range o.oldest {
		if o.known.IsZero() || n.CreatedAt.Before(o.known) {
			add(n)
		}
	}
	if !o.known.IsZero() {
		for _, n := range o.newest {
			add(n)
		}
	}
	slices.SortStableFunc(out.Told, func(a, b fleet.Opening) int { return a.At.Compare(b.At) })
	return out
}

// newestAlias names an owner's newest in a query, as alias its oldest.
func newestAlias(i int) string { return "newest" + strconv.Itoa(i) }

// openedPage reads a page of each owner's, and with the first the newest.
func (c *Client) openedPage(ctx context.Context, self fleet.Actor, owners, after []string, since time.Time) (*answers, error) {
	const nodes = "nodes{...on PullRequest{createdAt headRefName repository{nameWithOwner}}}"
	q := newQuery("OpenedSince")
	for i, owner := range owners {
		query, cursor := search(self, owner, since), ""
		if after[i] != "" {
			cursor = ",after:" + q.str(after[i])
		} else {
			q.line("%s:search(type:ISSUE,first:100,query:%s){%s}", newestAlias(i), q.str(query+" sort:created-desc"), nodes)
		}
		q.line("%s:search(type:ISSUE,first:100,query:%s%s){issueCount pageInfo{hasNextPage endCursor} %s}",
			alias(i), q.str(query+" sort:created-asc"), cursor, nodes)
	}
	return c.insist(ctx, q, 1+2*len(owners)/100)
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
