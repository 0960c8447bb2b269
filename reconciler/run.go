package reconciler

import (
	"context"
	"errors"
	"io/fs"
	"sync"
	"time"

	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/source"
	"github.com/portreeve/portreeve/reconciler/store"
)

const (
	// soon is when to look again after a pass that wrote.
	soon = time.Second
	// shortest is the least time between passes that nobody woke, whatever
	// interval was asked for.
	shortest = 100 * time.Millisecond
)

// errNewer ends a pass for an older revision.
var errNewer = errors.New("a newer revision came in")

// Run makes passes until ctx ends: when the config repo changes, when wake
// is sent to, when a change that waits for a limit has its turn, and at the
// latest every interval, unless the forge's limits ask for a pause. A newer
// revision pre-empts a pass for an older one, whatever that one is waiting
// for, and waits for no pause. A pass that is under way when ctx ends takes
// its current steps to their end.
func (r *Reconciler) Run(ctx context.Context, interval time.Duration, wake <-chan struct{}) error {
	interval = max(interval, shortest)
	changed := make(chan struct{}, 1)
	var watching sync.WaitGroup
	watching.Go(func() { r.watch(ctx, func() { poke(changed) }) })
	defer watching.Wait()
	// Who is started may follow one that was killed just after it wrote.
	select {
	case <-ctx.Done():
		return nil
	case <-time.After(min(r.Lag, interval)):
	}
	ended := 0 // passes in a row that a newer revision ended
	for {
		pass, preempted := r.preemptible(ctx, changed, ended < patience)
		ended++
		if !preempted {
			ended = 0
		}
		if !r.rest(ctx, pass, interval, changed, wake) {
			return nil
		}
	}
}

// rest waits until the next pass is due; false if there is to be none.
func (r *Reconciler) rest(ctx context.Context, pass *store.Pass, interval time.Duration, changed, wake <-chan struct{}) bool {
	quiet := r.quiet(pass, interval)
	select {
	case <-ctx.Done():
		return false
	case <-time.After(quiet):
	}
	next, pause := r.due(pass, interval)
	if unsettled(pass) {
		next = max(next-quiet, 0)
	}
	if pause > 0 {
		r.Log.Info("pause", "until", pass.Pause.Until, "reason", pass.Pause.Reason)
	}
	timer, paused := time.NewTimer(next), time.NewTimer(pause)
	defer timer.Stop()
	defer paused.Stop()
	var awake <-chan struct{} // nobody wakes a pass in the pause
	for {
		select {
		case <-ctx.Done():
			return false
		case <-paused.C:
			awake = wake
			continue
		case <-changed:
		case <-awake:
		case <-timer.C:
		}
		return true
	}
}

// quiet is how long nothing is read after a pass: what it wrote, also by a step
// that failed, could be missing in the answers, and be written once more.
func (r *Reconciler) quiet(pass *store.Pass, interval time.Duration) time.Duration {
	if len(pass.Done) == 0 {
		return 0
	}
	return min(r.Lag, interval)
}

// due is in how long the next pass begins by itself, and how long it pauses
// whoever wakes it.
func (r *Reconciler) due(pass *store.Pass, interval time.Duration) (next, pause time.Duration) {
	next, now := interval, r.Now()
	if turn := firstTurn(pass); !turn.IsZero() {
		next = min(next, max(soon, turn.Sub(now)))
	}
	if unsettled(pass) {
		next = min(soon, interval)
	}
	if pass.Pause != nil {
		pause = max(0, pass.Pause.Until.Sub(now))
	}
	return max(next, pause), pause
}

// firstTurn is when the first of those that wait for a limit has its turn;
// zero if none has, or nothing is written.
func firstTurn(pass *store.Pass) (first time.Time) {
	if pass.Plan == nil || pass.Plan.Halted != "" {
		return first
	}
	for i := range pass.Plan.Outcomes {
		if t := pass.Plan.Outcomes[i].Turn; t != nil && !t.At.IsZero() && (first.IsZero() || t.At.Before(first)) {
			first = t.At
		}
	}
	return first
}

// poke sends without waiting: one that is there already is enough.
func poke(c chan<- struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// watch watches the config repo, also after watching fails.
func (r *Reconciler) watch(ctx context.Context, changed func()) {
	for ctx.Err() == nil {
		if err := r.Source.Watch(ctx, changed); err != nil && ctx.Err() == nil {
			r.Log.Warn("watching the config repo failed; trying again", "error", err)
			select {
			case <-ctx.Done():
			case <-time.After(10 * soon):
			}
		}
	}
}

// patience is how many passes in a row newer revisions may end. A config repo
// that is committed to all the time would let none come to its end otherwise;
// only the file STOP ends the next one, too.
const patience = 3

// preemptible makes a pass that ends early once there is a newer revision
// than the one it is for, if it may; the next pass then starts at once.
func (r *Reconciler) preemptible(ctx context.Context, changed chan struct{}, may bool) (p *store.Pass, preempted bool) {
	pass, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	r.reading.Store(nil)
	done := make(chan *store.Pass, 1)
	go func() { done <- r.Once(pass) }()
	var newest fleet.Revision // that was seen before the pass had read one
	var again <-chan time.Time
	for {
		select {
		case p := <-done:
			if again != nil && p.Revision != newest {
				poke(changed)
			}
			return p, false
		case <-changed:
		case <-again:
		}
		again = nil
		tree, err := r.Source.Current(ctx)
		if err != nil {
			continue // the pass, or the next one, tells of it
		}
		switch reading := r.reading.Load(); {
		case reading == nil:
			newest, again = tree.Revision, time.After(soon)
		case *reading != tree.Revision:
			if !may && !stops(tree) {
				newest, again = tree.Revision, time.After(soon)
				continue
			}
			r.Log.Info("newer revision", "revision", tree.Revision.Short())
			cancel(errNewer)
			poke(changed)
			return <-done, true
		}
	}
}

// stops reports whether a tree halts every write.
func stops(tree *source.Tree) bool {
	_, err := fs.Stat(tree.Files, fleet.StopFile)
	return err == nil
}

// unsettled reports whether a pass is worth following up at once: it wrote,
// so that there is something new to see.
func unsettled(p *store.Pass) bool {
	for _, d := range p.Done {
		if d.Err == "" {
			return true
		}
	}
	return false
}
