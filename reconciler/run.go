package reconciler

import (
	"context"
	"sync"
	"time"

	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/store"
)

// soon is when to look again after a pass that wrote, or that found the world
// moving; a forge's answers lag behind its writes.
const soon = time.Second

// Run makes passes until ctx ends: when the config repo changes, when wake
// is sent to, and at the latest every interval. A newer revision pre-empts a
// pass for an older one, whatever that one is waiting for. A pass that is
// under way when ctx ends takes its current steps to their end.
func (r *Reconciler) Run(ctx context.Context, interval time.Duration, wake <-chan struct{}) error {
	changed := make(chan struct{}, 1)
	var watching sync.WaitGroup
	watching.Go(func() {
		r.watch(ctx, func() {
			select {
			case changed <- struct{}{}:
			default:
			}
		})
	})
	defer watching.Wait()
	for {
		next := interval
		if pass := r.preemptible(ctx, changed); unsettled(pass) {
			next = min(soon, interval)
		}
		timer := time.NewTimer(next)
		select {
		case <-ctx.Done():
			timer.Stop()
			return nil
		case <-changed:
		case <-wake:
		case <-timer.C:
		}
		timer.Stop()
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

// preemptible makes a pass that ends early once there is a newer revision.
func (r *Reconciler) preemptible(ctx context.Context, changed chan struct{}) *store.Pass {
	pass, cancel := context.WithCancel(ctx)
	defer cancel()
	done := make(chan *store.Pass, 1)
	before := fleet.Revision("")
	if r.config != nil {
		before = r.config.Revision
	}
	go func() { done <- r.Once(pass) }()
	for {
		select {
		case p := <-done:
			return p
		case <-changed:
			tree, err := r.Source.Current(ctx)
			if err != nil || tree.Revision == before {
				continue
			}
			if before != "" {
				r.Log.Info("newer revision", "revision", tree.Revision.Short())
				cancel()
			}
			before = tree.Revision
			select { // the next pass starts at once
			case changed <- struct{}{}:
			default:
			}
			p := <-done
			return p
		}
	}
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
