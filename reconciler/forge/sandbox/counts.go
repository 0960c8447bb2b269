package sandbox

import (
	"maps"
	"time"

	"github.com/portreeve/portreeve/reconciler/fleet"
)

// Counts is what the forge was asked so far.
type Counts struct {
	// REST counts requests by route: "GET /repos/{owner}/{repo}/pulls".
	REST map[string]int
	// NotModified counts those that were answered 304, and so were free.
	NotModified int
	// GraphQL counts requests, GraphQLPoints what they cost.
	GraphQL       int
	GraphQLPoints int
	// Git counts requests by service: "refs", "git-upload-pack",
	// "git-receive-pack".
	Git map[string]int
	// Member counts calls of the methods of As.
	Member map[string]int
	// Refused counts requests that a limit refused.
	Refused int
	// Writes are all changes, by anyone and by whatever way, oldest first.
	Writes []Write
}

// Write is one change of the forge's state.
type Write struct {
	N      int // from 1
	At     time.Time
	By     string // login
	Do     string // "push", "open", "edit", "label", "comment", "close", "reopen", "merge", "enqueue", "dequeue", "deploy", "review", "status", "branch-deleted", "settings", "issue", "access"
	Repo   fleet.RepoName
	Number int    // of the pull request or issue, 0 for none
	Detail string // branch, commit or text
}

// WritesBy are the writes of one identity.
func (c Counts) WritesBy(login string) []Write {
	var out []Write
	for _, w := range c.Writes {
		if w.By == login {
			out = append(out, w)
		}
	}
	return out
}

// RESTTotal is the number of REST requests, those answered 304 included.
func (c Counts) RESTTotal() int { return total(c.REST) }

// GitTotal is the number of Git requests.
func (c Counts) GitTotal() int { return total(c.Git) }

// Since is what was asked after earlier was taken.
func (c Counts) Since(earlier Counts) Counts {
	return Counts{
		REST:          minus(c.REST, earlier.REST),
		NotModified:   c.NotModified - earlier.NotModified,
		GraphQL:       c.GraphQL - earlier.GraphQL,
		GraphQLPoints: c.GraphQLPoints - earlier.GraphQLPoints,
		Git:           minus(c.Git, earlier.Git),
		Member:        minus(c.Member, earlier.Member),
		Refused:       c.Refused - earlier.Refused,
		Writes:        c.Writes[min(len(earlier.Writes), len(c.Writes)):],
	}
}

func (c Counts) clone() Counts {
	c.REST, c.Git, c.Member = maps.Clone(c.REST), maps.Clone(c.Git), maps.Clone(c.Member)
	c.Writes = c.Writes[:len(c.Writes):len(c.Writes)]
	return c
}

func total(m map[string]int) int {
	n := 0
	for _, v := range m {
		n += v
	}
	return n
}

func minus(a, b map[string]int) map[string]int {
	out := map[string]int{}
	for k, v := range a {
		if d := v - b[k]; d != 0 {
			out[k] = d
		}
	}
	return out
}
