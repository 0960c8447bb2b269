package observe

import (
	"context"
	"maps"

	"golang.org/x/sync/errgroup"

	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/plan"
)

// askers is how many Prometheuses are asked at a time.
const askers = 16

// queries asks Prometheuses. One that does not answer holds up what is about to
// change on its cluster, and nothing else.
func (o *Observer) queries(ctx context.Context, w *plan.World, queries []fleet.Query) {
	o.progress("asking Prometheuses", 0, len(queries))
	answers := each(queries, func(q fleet.Query) *fleet.Answer {
		samples, err := o.Metrics.Ask(ctx, q)
		if err != nil {
			return &fleet.Answer{Unread: err.Error()}
		}
		return &fleet.Answer{Samples: samples}
	})
	if w.Queries == nil {
		w.Queries = map[fleet.Query]*fleet.Answer{}
	}
	maps.Copy(w.Queries, answers)
}

// running asks Prometheuses with what they run.
func (o *Observer) running(ctx context.Context, w *plan.World, addresses []string) {
	o.progress("asking what Prometheuses run with", 0, len(addresses))
	answers := each(addresses, func(address string) *fleet.Running {
		r, err := o.Metrics.Running(ctx, address)
		if err != nil {
			return &fleet.Running{Unread: err.Error()}
		}
		return &r
	})
	if w.Running == nil {
		w.Running = map[string]*fleet.Running{}
	}
	maps.Copy(w.Running, answers)
}

// each asks several at a time; each answer tells its own error.
func each[Q comparable, A any](all []Q, ask func(Q) A) map[Q]A {
	answers := make([]A, len(all))
	var group errgroup.Group
	group.SetLimit(askers)
	for n, q := range all {
		group.Go(func() error {
			answers[n] = ask(q)
			return nil
		})
	}
	_ = group.Wait() // there is no error
	out := make(map[Q]A, len(all))
	for n, q := range all {
		out[q] = answers[n]
	}
	return out
}
