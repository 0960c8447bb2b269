package sandbox

import (
	"fmt"
	"time"
)

// meter counts what one identity has spent.
type meter struct {
	rest, graphql         spending // an hour
	restMin, graphqlMin   spending // a minute
	createMin, createHour spending
	running               int
}

// spending is what was spent in a window that began with the first of it.
type spending struct {
	used  int
	reset time.Time
}

func (s *spending) roll(now time.Time, window time.Duration) {
	if !now.Before(s.reset) {
		s.used, s.reset = 0, now.Add(window)
	}
}

// meter needs f.mu.
func (f *Forge) meter(login string) *meter {
	m := f.meters[login]
	if m == nil {
		m = &meter{}
		f.meters[login] = m
	}
	now := f.now()
	for _, s := range []*spending{&m.rest, &m.graphql, &m.createHour} {
		s.roll(now, time.Hour)
	}
	for _, s := range []*spending{&m.restMin, &m.graphqlMin, &m.createMin} {
		s.roll(now, time.Minute)
	}
	return m
}

func over(s spending, cost, limit int) bool { return limit > 0 && s.used+cost > limit }

// spendCreation takes one content creation from an identity's limits.
func (f *Forge) spendCreation(who *user) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	m := f.meter(who.login)
	for _, w := range []struct {
		s     *spending
		limit int
	}{{&m.createHour, f.limits.CreatePerHour}, {&m.createMin, f.limits.CreatePerMin}} {
		if over(*w.s, 1, w.limit) {
			return f.limited(LimitSecondary, w.s.reset)
		}
	}
	m.createMin.used++
	m.createHour.used++
	return nil
}

// limited needs f.mu.
func (f *Forge) limited(kind LimitKind, until time.Time) error {
	f.counts.Refused++
	message := "You have exceeded a secondary rate limit. Please wait a few minutes before you try again."
	if kind == LimitPrimary {
		message = "API rate limit exceeded."
	}
	return &Refusal{Status: 403, Message: message, limit: kind, until: until}
}

// spendREST takes a request from an identity's limits.
func (f *Forge) spendREST(login string, write bool) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	m := f.meter(login)
	points := 1
	if write {
		points = 5
	}
	switch {
	case over(m.rest, 1, f.limits.REST):
		return f.limited(LimitPrimary, m.rest.reset)
	case over(m.restMin, points, f.limits.RESTPoints):
		return f.limited(LimitSecondary, m.restMin.reset)
	}
	m.rest.used++
	m.restMin.used += points
	return nil
}

// refundREST gives back what a request cost that was answered 304.
func (f *Forge) refundREST(login string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	m := f.meter(login)
	m.rest.used = max(0, m.rest.used-1)
	f.counts.NotModified++
}

// spendGraphQL takes a query's cost from an identity's limits.
func (f *Forge) spendGraphQL(login string, cost int) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	m := f.meter(login)
	switch {
	case over(m.graphql, cost, f.limits.GraphQL):
		return f.limited(LimitPrimary, m.graphql.reset)
	case over(m.graphqlMin, cost, f.limits.GraphQLPoints):
		return f.limited(LimitSecondary, m.graphqlMin.reset)
	}
	m.graphql.used += cost
	m.graphqlMin.used += cost
	f.counts.GraphQLPoints += cost
	return nil
}

// enter counts a request that is being answered; leave must follow unless it
// is refused.
func (f *Forge) enter(login string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	m := f.meter(login)
	if over(spending{used: m.running}, 1, f.limits.Concurrent) {
		return f.limited(LimitSecondary, f.now().Add(time.Minute))
	}
	m.running++
	return nil
}

func (f *Forge) leave(login string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.meter(login).running--
}

// rate is one line of /rate_limit.
type rate struct {
	Limit     int    `json:"limit"`
	Used      int    `json:"used"`
	Remaining int    `json:"remaining"`
	Reset     int64  `json:"reset"`
	Resource  string `json:"resource"`
}

func (f *Forge) rate(login, resource string) rate {
	f.mu.Lock()
	defer f.mu.Unlock()
	m := f.meter(login)
	s, limit := m.rest, f.limits.REST
	if resource == "graphql" {
		s, limit = m.graphql, f.limits.GraphQL
	}
	if limit == 0 {
		limit = 1_000_000
	}
	return rate{limit, s.used, max(0, limit-s.used), s.reset.Unix(), resource}
}

// Fault has decide called for each request, before it is carried out; nil
// from it means no fault, a nil decide ends all faults.
func (f *Forge) Fault(decide func(Request) *FaultAnswer) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.decide = decide
}

// fault numbers a request and asks whether it is to fail.
func (f *Forge) fault(q Request) *FaultAnswer {
	f.mu.Lock()
	f.asked++
	q.N = f.asked
	decide := f.decide
	f.mu.Unlock()
	if decide == nil {
		return nil
	}
	return decide(q)
}

// refusal is a fault's answer as an error; nil if it is not one of a status.
func (a *FaultAnswer) refusal(now time.Time) *Refusal {
	wait := a.RetryAfter
	if wait == 0 {
		wait = time.Minute
	}
	switch {
	case a.Limit == LimitPrimary:
		return &Refusal{Status: 403, Message: "API rate limit exceeded.", limit: a.Limit, until: now.Add(wait)}
	case a.Limit == LimitSecondary:
		return &Refusal{
			Status: 403, limit: a.Limit, until: now.Add(wait),
			Message: "You have exceeded a secondary rate limit. Please wait a few minutes before you try again.",
		}
	case a.Status >= 400:
		return &Refusal{Status: a.Status, Message: fmt.Sprintf("Sandbox fault %d", a.Status)}
	}
	return nil
}
