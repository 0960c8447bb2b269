package sandbox

import (
	"time"

	"github.com/portreeve/portreeve/reconciler/fleet"
)

// Request is what a fault is decided on.
type Request struct {
	// Kind is "rest", "graphql", "git", "page", or "member" for a call of a
	// method of As.
	Kind string
	// Route is as in Counts: a REST route, a Git service, a method's name;
	// for GraphQL "query", or "mutation" and the first one's name.
	Route string
	Write bool
	Repo  fleet.RepoName // where one is named
	Login string
	N     int // of all requests, from 1
}

// FaultAnswer is how a request goes wrong.
type FaultAnswer struct {
	// Latency is waited before anything else; the member ignores it.
	Latency time.Duration
	// Done carries the request out before it fails.
	Done bool
	// Status answers with an HTTP status of 400 or more and GitHub's body.
	Status int
	// Reset cuts the connection without an answer.
	Reset bool
	// Half sends half of the true answer, then cuts the connection; it
	// implies Done.
	Half bool
	// Limit answers as a rate limit does: LimitPrimary or LimitSecondary.
	Limit LimitKind
	// RetryAfter is sent with a secondary limit and with 5xx, when not 0;
	// a primary limit says it by its reset time.
	RetryAfter time.Duration
}

// LimitKind is one of GitHub's two sorts of rate limits.
type LimitKind string

const (
	LimitPrimary   LimitKind = "primary"   // requests or points an hour
	LimitSecondary LimitKind = "secondary" // bursts and content creation
)
