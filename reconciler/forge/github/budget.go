package github

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// Limits that GitHub publishes for one identity.
const (
	creationsPerMinute     = 80
	creationsPerHour       = 500
	restPointsPerMinute    = 900
	graphqlPointsPerMinute = 2000
	concurrentRequests     = 100

	readPoints  = 1
	writePoints = 5
)

// resource is a primary limit: so many units until a reset.
type resource string

const (
	core    resource = "core"    // REST
	graphql resource = "graphql" // points of queries
)

// spend is what one request takes from the budget.
type spend struct {
	resource resource
	cost     int // units of the resource, at least 1
	points   int // of the secondary limit
	creation bool
}

// budget is what all requests of an identity spend from. It knows the
// published limits, what the forge says in its answers, and what is under
// way; a request that would exceed one of them waits, up to a bound, and then
// fails as limited without having been sent.
type budget struct {
	now   func() time.Time
	bound time.Duration
	waits func(reason string, until time.Time)

	mu       sync.Mutex
	creation [2]window // a minute's and an hour's
	points   map[resource]*window
	primary  map[resource]*primary
	blocked  time.Time // by a secondary limit
	inflight int
	changed  chan struct{} // closed whenever something was given back
	told     limitError    // the wait that was told last
}

// primary is what the forge last said of a resource.
type primary struct {
	known     bool
	most      int // in a period; 0 while unknown
	remaining int
	held      int
	reset     time.Time
}

func newBudget(now func() time.Time, bound time.Duration) *budget {
	return &budget{
		now:   now,
		bound: bound,
		waits: func(string, time.Time) {},
		creation: [2]window{
			{span: time.Minute, limit: creationsPerMinute},
			{span: time.Hour, limit: creationsPerHour},
		},
		points: map[resource]*window{
			core:    {span: time.Minute, limit: restPointsPerMinute},
			graphql: {span: time.Minute, limit: graphqlPointsPerMinute},
		},
		primary: map[resource]*primary{core: {}, graphql: {}},
		changed: make(chan struct{}),
	}
}

// limitError says that a limit stands in the way until a moment.
type limitError struct {
	what  string
	until time.Time
}

func (e *limitError) Error() string {
	return fmt.Sprintf("%s until %s", e.what, e.until.UTC().Format(time.RFC3339))
}

// take waits until s can be spent and holds it; settle must follow. It waits
// by the machine's clock, so that a clock which stands still can't hold it up.
func (b *budget) take(ctx context.Context, s spend) error {
	began, bound := time.Now(), b.bound
	if d, ok := ctx.Deadline(); ok {
		bound = min(bound, d.Sub(began))
	}
	for {
		b.mu.Lock()
		now := b.now()
		at, what := b.earliest(now, s)
		if at.Equal(now) {
			b.hold(s)
			b.mu.Unlock()
			return nil
		}
		changed := b.changed
		b.mu.Unlock()

		// What depends on requests under way has no known moment.
		left := bound - time.Since(began)
		wait := left
		if !at.IsZero() {
			wait = at.Sub(now)
		}
		if wait > left || left <= 0 {
			if at.IsZero() {
				at = now.Add(time.Second)
			}
			return &limitError{what, at}
		}
		b.tell(what, now.Add(wait))
		if err := pause(ctx, wait, changed); err != nil {
			return err
		}
	}
}

// tell tells of a wait, once for all requests that wait for the same; what is
// over at once is not worth it.
func (b *budget) tell(what string, until time.Time) {
	b.mu.Lock()
	before := b.told
	told := until.Sub(b.now()) < time.Second || before.what == what && until.Sub(before.until).Abs() < time.Second
	if !told {
		b.told = limitError{what, until}
	}
	b.mu.Unlock()
	if !told {
		b.waits(what, until)
	}
}

// pause sleeps for d, or until woken.
func pause(ctx context.Context, d time.Duration, woken <-chan struct{}) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-woken:
	case <-timer.C:
	}
	return nil
}

// earliest is when s fits and what stands in the way before that.
func (b *budget) earliest(now time.Time, s spend) (time.Time, string) {
	at, what := now, ""
	later := func(t time.Time, why string) {
		if at.IsZero() || t.Equal(now) {
			return
		}
		if t.IsZero() || t.After(at) {
			at, what = t, why
		}
	}
	if b.blocked.After(now) {
		later(b.blocked, "the forge asks to wait")
	}
	later(b.primary[s.resource].earliest(now, s.cost), "the limit of requests an hour is reached")
	later(b.points[s.resource].earliest(now, s.points), "the limit of requests a minute is reached")
	if s.creation {
		later(b.creation[0].earliest(now, 1), "the limit of pull requests and comments a minute is reached")
		later(b.creation[1].earliest(now, 1), "the limit of pull requests and comments an hour is reached")
	}
	if b.inflight >= concurrentRequests {
		later(time.Time{}, "as many requests as the forge allows are under way")
	}
	return at, what
}

func (b *budget) hold(s spend) {
	b.inflight++
	b.primary[s.resource].held += s.cost
	b.points[s.resource].hold(s.points)
	if s.creation {
		b.creation[0].hold(1)
		b.creation[1].hold(1)
	}
}

// told is what an answer says of a resource.
type told struct {
	resource  resource
	most      int // in a period; 0 if it is not said
	remaining int
	reset     time.Time
}

// settle ends a request that take let through. free says that it took
// nothing of the primary limit; t is what its answer says, if anything.
func (b *budget) settle(s spend, free bool, t *told) {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := b.now()
	b.inflight--
	p := b.primary[s.resource]
	p.held -= s.cost
	switch {
	case t != nil:
		b.note(*t)
	case !free:
		p.remaining -= s.cost
	}
	b.points[s.resource].settle(now, s.points)
	if s.creation {
		b.creation[0].settle(now, 1)
		b.creation[1].settle(now, 1)
	}
	close(b.changed)
	b.changed = make(chan struct{})
}

// said takes note of what an answer's body says.
func (b *budget) said(t told) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.note(t)
}

func (b *budget) note(t told) {
	p := b.primary[t.resource]
	if p == nil {
		return // a resource that this client does not plan with
	}
	if t.most > 0 {
		p.most = t.most
	}
	t.reset = b.bounded(t.reset)
	// Answers overtake one another: within one period the least counts.
	// Resets of one period are given a second apart at times.
	switch {
	case p.known && t.reset.Sub(p.reset).Abs() < 5*time.Second:
		p.remaining = min(p.remaining, t.remaining)
	case !p.known || t.reset.After(p.reset):
		p.known, p.remaining, p.reset = true, t.remaining, t.reset
	}
}

// longest is how long the forge is believed that it wants to be left alone:
// its windows are an hour at most, and a clock that is wrong, or an answer
// that is, must not stop all writing until somebody looks.
const longest = 65 * time.Minute

func (b *budget) bounded(until time.Time) time.Time {
	if last := b.now().Add(longest); until.After(last) {
		return last
	}
	return until
}

// block lets nothing of a resource, or with an empty one nothing at all,
// through before until.
func (b *budget) block(r resource, until time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	until = b.bounded(until)
	if r == "" {
		if until.After(b.blocked) {
			b.blocked = until
		}
		return
	}
	p := b.primary[r]
	p.known, p.remaining, p.reset = true, 0, until
}

func (p *primary) left(now time.Time) (units int, known bool) {
	if !p.known || !now.Before(p.reset) {
		return 0, false
	}
	return p.remaining - p.held, true
}

// earliest is when cost fits: now, or at the reset.
func (p *primary) earliest(now time.Time, cost int) time.Time {
	left, known := p.left(now)
	switch {
	case !known, left >= cost:
		return now
	case p.remaining >= cost && p.held > 0:
		return time.Time{}
	}
	return p.reset
}
