package fleet

import "time"

// Unit is what a forge's limit counts.
type Unit string

const (
	Creations Unit = "creations" // new pull requests and comments
	Requests  Unit = "requests"  // to the REST API
	Points    Unit = "points"    // the same, weighed: a read is 1, a write 5
	Queries   Unit = "queries"   // points of the GraphQL API
)

// Cost is what something takes of a forge's limits. Git takes nothing.
type Cost struct {
	Creations int `json:"creations"`
	Requests  int `json:"requests"`
	Points    int `json:"points"`
	Queries   int `json:"queries"`
}

// Of is the cost in one unit.
func (c Cost) Of(u Unit) int {
	switch u {
	case Creations:
		return c.Creations
	case Requests:
		return c.Requests
	case Points:
		return c.Points
	case Queries:
		return c.Queries
	}
	return 0
}

// Plus is the cost of both.
func (c Cost) Plus(o Cost) Cost {
	return Cost{c.Creations + o.Creations, c.Requests + o.Requests, c.Points + o.Points, c.Queries + o.Queries}
}

// Limit is one limit of a forge, and what it leaves.
type Limit struct {
	Of      Unit `json:"of"`
	Minutes int  `json:"minutes"` // the span that it counts over
	Most    int  `json:"most"`    // units in a span
	Left    int  `json:"left"`    // units that may be spent now
	// Reset is when all comes back at once; zero if each unit comes back a
	// span after it was spent.
	Reset time.Time `json:"reset,omitzero"`
	// Back is what comes back and when, the soonest first.
	Back []Return `json:"-"`
}

// Span is what the limit counts over.
func (l Limit) Span() time.Duration { return time.Duration(l.Minutes) * time.Minute }

// Return is so many units that may be spent again from a moment on.
type Return struct {
	At    time.Time
	Units int
}

// Allowance is what a forge's limits leave to be spent. A limit of which the
// forge has not told yet is missing.
type Allowance struct {
	Limits []Limit `json:"limits"`
	// Blocked is until when the forge asks that nothing at all be sent; zero
	// if it does not.
	Blocked time.Time `json:"blocked,omitzero"`
}

// Left is how many units may be spent now; known is false where no limit of
// them is.
func (a Allowance) Left(u Unit) (n int, known bool) {
	for _, l := range a.Limits {
		if l.Of == u && (!known || l.Left < n) {
			n, known = l.Left, true
		}
	}
	if !a.Blocked.IsZero() {
		n = 0
	}
	return max(0, n), known
}

// More is when a unit may be spent again, if none may now; else zero.
func (a Allowance) More(u Unit) time.Time {
	if n, known := a.Left(u); n > 0 || !known {
		return time.Time{}
	}
	more := a.Blocked
	for _, l := range a.Limits {
		left := l.Left
		for _, r := range l.Back {
			if l.Of != u || left > 0 {
				break
			}
			if left += r.Units; left > 0 && r.At.After(more) {
				more = r.At
			}
		}
	}
	return more
}

// Opening is a pull request of ours that was opened.
type Opening struct {
	Repo   RepoName
	Branch string
	At     time.Time
}

// Openings are the pull requests that were opened since a moment.
type Openings struct {
	Count int
	// Told are those of them that the forge tells one by one, the oldest first.
	// Of very many it tells the oldest and the newest alone.
	Told []Opening
}
