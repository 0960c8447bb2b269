package github

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/portreeve/portreeve/reconciler/fleet"
)

var creation = spend{resource: core, cost: 1, points: writePoints, creation: true}

// Many writers at once never make the forge see more than it grants, however
// long their requests take.
func TestBudgetIsNeverExceeded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBudget(time.Now, 3*time.Hour)
		var mu sync.Mutex
		var arrived []time.Time
		var wg sync.WaitGroup
		for i := range 700 {
			wg.Go(func() {
				if err := b.take(t.Context(), creation); err != nil {
					t.Error(err)
					return
				}
				time.Sleep(time.Duration(i%7) * time.Second)
				mu.Lock()
				arrived = append(arrived, time.Now())
				mu.Unlock()
				time.Sleep(time.Duration(i%3) * time.Second)
				b.settle(creation, false, nil)
			})
		}
		wg.Wait()
		for i, at := range arrived {
			inMinute, inHour := 0, 0
			for _, other := range arrived[:i+1] {
				if at.Sub(other) < time.Minute {
					inMinute++
				}
				if at.Sub(other) < time.Hour {
					inHour++
				}
			}
			if inMinute > creationsPerMinute || inHour > creationsPerHour {
				t.Fatalf("%d in a minute, %d in an hour", inMinute, inHour)
			}
		}
		if took := arrived[len(arrived)-1].Sub(arrived[0]); took > 75*time.Minute {
			t.Errorf("700 creations took %v", took)
		}
	})
}

func TestBudgetFailsWhatWouldWaitTooLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBudget(time.Now, 30*time.Second)
		for range creationsPerMinute {
			spendOne(t, b, creation)
		}
		start := time.Now()
		var limit *limitError
		if err := b.take(t.Context(), creation); !errors.As(err, &limit) || !limit.until.Equal(start.Add(time.Minute)) {
			t.Fatalf("got %v, want to wait until %v", err, start.Add(time.Minute))
		}
		if time.Since(start) != 0 {
			t.Errorf("waited %v for what was known at once", time.Since(start))
		}
		if a := b.allowance(); left(a, fleet.Creations) != 0 || !a.More(fleet.Creations).Equal(start.Add(time.Minute)) {
			t.Errorf("allowance: %+v", a)
		}
		time.Sleep(45 * time.Second)
		spendOne(t, b, creation) // waits the rest of the minute
		if waited := time.Since(start); waited != time.Minute {
			t.Errorf("went on after %v", waited)
		}
		if a := b.allowance(); left(a, fleet.Creations) != creationsPerMinute-1 {
			t.Errorf("allowance: %+v", a)
		}
	})
}

func TestBudgetWaitsNoLongerThanItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBudget(time.Now, time.Hour)
		b.block("", time.Now().Add(time.Minute))
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		var limit *limitError
		if err := b.take(ctx, creation); !errors.As(err, &limit) {
			t.Fatal(err)
		}
		ctx, cancel = context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		if err := b.take(ctx, creation); !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
		spendOne(t, b, creation)
	})
}

func TestBudgetBoundsConcurrency(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBudget(time.Now, time.Minute)
		read := spend{resource: core, cost: 1, points: readPoints}
		for range concurrentRequests {
			if err := b.take(t.Context(), read); err != nil {
				t.Fatal(err)
			}
		}
		time.AfterFunc(5*time.Second, func() { b.settle(read, false, nil) })
		start := time.Now()
		if err := b.take(t.Context(), read); err != nil || time.Since(start) != 5*time.Second {
			t.Fatalf("%v after %v", err, time.Since(start))
		}
	})
}

// The forge's own count wins, whatever order its answers come in.
func TestBudgetHearsTheForge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBudget(time.Now, time.Second)
		reset := time.Now().Add(20 * time.Minute)
		b.said(told{core, 5000, 2, reset})
		b.said(told{core, 5000, 9, reset.Add(time.Second)}) // an older answer
		if a := b.allowance(); left(a, fleet.Requests) != 2 || !a.More(fleet.Requests).IsZero() {
			t.Fatalf("allowance: %+v", a)
		}
		read := spend{resource: core, cost: 1, points: readPoints}
		spendOne(t, b, read)
		spendOne(t, b, read)
		var limit *limitError
		if err := b.take(t.Context(), read); !errors.As(err, &limit) || !limit.until.Equal(reset) {
			t.Fatalf("got %v", err)
		}
		spendOne(t, b, spend{resource: graphql, cost: 1, points: 1}) // a resource of its own
		if a := b.allowance(); left(a, fleet.Requests) != 0 || !a.More(fleet.Requests).Equal(reset) {
			t.Errorf("allowance: %+v", a)
		}
		time.Sleep(20 * time.Minute)
		if a := b.allowance(); left(a, fleet.Requests) != 5000 { // before the forge says so
			t.Errorf("allowance: %+v", a)
		}
		spendOne(t, b, read)
	})
}

// A forge that asks to be left alone for a year is asked again after an hour:
// its answer, or a clock, was wrong.
func TestBudgetBelievesInNoEndlessWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBudget(time.Now, time.Second)
		year := time.Now().Add(365 * 24 * time.Hour)
		b.block("", year)
		b.block(core, year)
		b.said(told{graphql, 5000, 0, year})
		if a := b.allowance(); !a.Blocked.Equal(time.Now().Add(longest)) {
			t.Errorf("blocked until %v", a.Blocked)
		}
		time.Sleep(longest)
		spendOne(t, b, creation)
		spendOne(t, b, spend{resource: graphql, cost: 1, points: 1})
	})
}

// Whoever waits tells why and until when; many that wait for the same tell once.
func TestBudgetTellsItsWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBudget(time.Now, 2*time.Minute)
		var told []string
		b.waits = func(reason string, until time.Time) { told = append(told, reason+" "+until.UTC().Format("15:04:05")) }
		for range creationsPerMinute {
			spendOne(t, b, creation)
		}
		var wg sync.WaitGroup
		for range 5 {
			wg.Go(func() { spendOne(t, b, creation) })
		}
		wg.Wait()
		b.block("", time.Now().Add(30*time.Second))
		spendOne(t, b, creation)
		want := []string{"the limit of pull requests and comments a minute is reached 00:01:00", "the forge asks to wait 00:01:30"}
		if !slices.Equal(told, want) {
			t.Errorf("told %q", told)
		}
	})
}

func left(a fleet.Allowance, of fleet.Unit) int {
	n, _ := a.Left(of)
	return n
}

func spendOne(t *testing.T, b *budget, s spend) {
	t.Helper()
	if err := b.take(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	b.settle(s, false, nil)
}
