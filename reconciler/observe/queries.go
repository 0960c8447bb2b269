package observe

import (
	"context"

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
	answers := make([]*fleet.Answer, len(queries))
	var group errgroup.Group
	group.SetLimit(askers)
	for n, q := range queries {
		group.Go(func() error {
			samples, err := o.Metrics.Ask(ctx, q)
			answers[n] = &fleet.Answer{Samples: samples}
			if err != nil {
				answers[n].Unread = err.Error()
			}
			return nil
		})
	}
	_ = group.Wait() // each answer tells its own error
	if w.Queries == nil {
		w.Queries = map[fleet.Query]*fleet.Answer{}
	}
	for n, q := range queries {
		w.Queries[q] = answers[n]
	}
}
