package reconciler

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/forge"
	"github.com/portreeve/portreeve/reconciler/plan"
	"github.com/portreeve/portreeve/reconciler/rollout"
	"github.com/portreeve/portreeve/reconciler/source"
	"github.com/portreeve/portreeve/reconciler/store"
)

// TestPause proves when looking gives way: only when an hour's limit is nearly
// used up, and then so that what is left of it lasts until its reset.
func TestPause(t *testing.T) {
	now := time.Date(2026, time.November, 22, 14, 0, 0, 0, time.UTC)
	reset := now.Add(30 * time.Minute)
	left := func(n int) fleet.Allowance {
		return fleet.Allowance{Limits: []fleet.Limit{
			{Of: fleet.Creations, Minutes: 60, Most: 500, Reset: reset},
			{Of: fleet.Points, Minutes: 1, Most: 900},
			{Of: fleet.Queries, Minutes: 60, Most: 5000, Left: n, Reset: reset},
		}}
	}
	for name, c := range map[string]struct {
		before, after fleet.Allowance
		minutes       int // of the pause
		reason        string
	}{
		"plenty":             {left(1350), left(1250), 0, ""},
		"a quarter":          {left(1300), left(1200), 4, "1200 of the forge's 5000 queries an hour are left until 14:30 UTC, so the fleet is looked at less often"},
		"a pass is cheap":    {left(1203), left(1200), 0, ""},
		"one more":           {left(700), left(600), 30, "600 of the forge's 5000 queries an hour are left until 14:30 UTC, so the fleet is looked at less often"},
		"not even one":       {left(650), left(550), 30, "550 of the forge's 5000 queries an hour are left until 14:30 UTC, which carries no further look"},
		"nothing":            {left(0), left(0), 30, "0 of the forge's 5000 queries an hour are left until 14:30 UTC, which carries no further look"},
		"blocked":            {left(5000), fleet.Allowance{Blocked: now.Add(10 * time.Minute)}, 10, "the forge asks to wait"},
		"blocked for a year": {left(5000), fleet.Allowance{Blocked: now.AddDate(1, 0, 0)}, 65, "the forge asks to wait"},
		"nothing is known":   {},
	} {
		p := pauseAfter(now, c.before, c.after)
		switch {
		case c.minutes == 0:
			if p != nil {
				t.Errorf("%s: a pause until %v: %s", name, p.Until, p.Reason)
			}
		case p == nil:
			t.Errorf("%s: no pause", name)
		case int(p.Until.Sub(now).Minutes()) != c.minutes || p.Reason != c.reason:
			t.Errorf("%s: %v: %s", name, p.Until.Sub(now), p.Reason)
		}
	}
}

// TestRest proves what begins the next pass: a turn that comes, and within a
// pause nothing but a new revision.
func TestRest(t *testing.T) {
	const interval = time.Hour
	turn := func(in time.Duration) *store.Pass {
		return &store.Pass{Plan: &plan.Plan{Outcomes: []rollout.Outcome{{}, {Turn: &rollout.Turn{At: time.Now().Add(in)}}, {Turn: &rollout.Turn{}}}}}
	}
	pause := func(in time.Duration, p *store.Pass) *store.Pass {
		p.Pause = &store.Pause{Until: time.Now().Add(in)}
		return p
	}
	wrote := func(err string) func() *store.Pass {
		return func() *store.Pass { return &store.Pass{Done: []store.Done{{Err: err}}} }
	}
	halted := func(p *store.Pass) *store.Pass {
		p.Plan.Halted = "STOP"
		return p
	}
	for name, c := range map[string]struct {
		pass          func() *store.Pass
		changed, wake bool // one is there
		lag           time.Duration
		want          time.Duration
	}{
		"nothing to wait for":       {pass: func() *store.Pass { return &store.Pass{} }, want: interval},
		"it wrote":                  {pass: wrote(""), want: soon},
		"it wrote, and reads lag":   {pass: wrote(""), lag: 5 * time.Second, want: 5 * time.Second},
		"woken by what it wrote":    {pass: wrote(""), lag: 5 * time.Second, wake: true, changed: true, want: 5 * time.Second},
		"a write that may be lost":  {pass: wrote("reset"), lag: 5 * time.Second, wake: true, want: 5 * time.Second},
		"it wrote, and goes on":     {pass: wrote(""), lag: 100 * time.Millisecond, want: soon},
		"reads lag for long":        {pass: wrote(""), lag: 9 * time.Hour, want: interval},
		"nothing written, woken":    {pass: func() *store.Pass { return &store.Pass{} }, lag: 5 * time.Second, wake: true},
		"a turn":                    {pass: func() *store.Pass { return turn(20 * time.Minute) }, want: 20 * time.Minute},
		"a turn that is due":        {pass: func() *store.Pass { return turn(-time.Minute) }, want: soon},
		"a turn far away":           {pass: func() *store.Pass { return turn(9 * time.Hour) }, want: interval},
		"a turn of what is halted":  {pass: func() *store.Pass { return halted(turn(20 * time.Minute)) }, want: interval},
		"a turn in a pause":         {pass: func() *store.Pass { return pause(30*time.Minute, turn(20*time.Minute)) }, want: 30 * time.Minute},
		"woken":                     {pass: func() *store.Pass { return &store.Pass{} }, wake: true},
		"woken in a pause":          {pass: func() *store.Pass { return pause(30*time.Minute, &store.Pass{}) }, wake: true, want: 30 * time.Minute},
		"a new revision in a pause": {pass: func() *store.Pass { return pause(30*time.Minute, &store.Pass{}) }, changed: true},
		"a pause that is over":      {pass: func() *store.Pass { return pause(-time.Minute, &store.Pass{}) }, wake: true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := &Reconciler{Now: time.Now, Lag: c.lag, Log: slog.New(slog.DiscardHandler)}
				changed, wake := make(chan struct{}, 1), make(chan struct{}, 1)
				if c.changed {
					poke(changed)
				}
				if c.wake {
					poke(wake)
				}
				began := time.Now()
				if !r.rest(t.Context(), c.pass(), interval, changed, wake) || time.Since(began) != c.want {
					t.Errorf("the next pass begins after %v, want %v", time.Since(began), c.want)
				}
			})
		})
	}
}

// firstLook is a config repo that notes when it is looked at, and ends that.
type firstLook struct {
	source.Source
	end context.CancelFunc
	at  chan time.Time // of the first look
}

func (f *firstLook) Watch(ctx context.Context, changed func()) error {
	changed()
	<-ctx.Done()
	return nil
}

func (f *firstLook) Last() *source.Tree { return nil }

func (f *firstLook) Current(context.Context) (*source.Tree, error) {
	select {
	case f.at <- time.Now():
	default:
	}
	f.end()
	return nil, &fleet.Failure{Class: fleet.Permanent, Op: "look", Err: errors.New("it ends here")}
}

// unlimited is a forge that nothing else is asked of.
type unlimited struct{ forge.Forge }

func (unlimited) Allowance() fleet.Allowance { return fleet.Allowance{} }

// TestStartWaits holds that a daemon that was just started, maybe after one that
// was killed as it wrote, waits until what was written shows.
func TestStartWaits(t *testing.T) {
	for lag, want := range map[time.Duration]time.Duration{0: 0, 5 * time.Second: 5 * time.Second, time.Hour: time.Minute} {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			f := &firstLook{end: cancel, at: make(chan time.Time, 1)}
			r := &Reconciler{Now: time.Now, Lag: lag, Log: slog.New(slog.DiscardHandler), Source: f, Forge: unlimited{}}
			began := time.Now()
			err := r.Run(ctx, time.Minute, nil)
			if after := (<-f.at).Sub(began); err != nil || after != want {
				t.Errorf("with reads %v behind, the first pass begins after %v, want %v; %v", lag, after, want, err)
			}
		})
	}
}
