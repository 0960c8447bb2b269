package observe

import (
	"context"
	"maps"

	"github.com/portreeve/portreeve/reconciler/cluster"
	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/plan"
	"github.com/portreeve/portreeve/reconciler/rollout"
	"github.com/portreeve/portreeve/reconciler/transform"
)

// clusters looks at those that are reached through no repo.
func (o *Observer) clusters(ctx context.Context, w *plan.World, asked []plan.LookAt) {
	o.progress("looking at clusters", 0, len(asked))
	by := map[cluster.Delivery][]cluster.Cluster{}
	var order []cluster.Delivery
	for _, a := range asked {
		c := w.Config.Clusters[a.Cluster].Cluster
		d := o.Clusters.Of(c)
		if by[d] == nil {
			order = append(order, d)
		}
		by[d] = append(by[d], cluster.Cluster{Name: a.Cluster, Is: c, Reads: a.Reads})
	}
	if w.Clusters == nil {
		w.Clusters = map[fleet.ClusterName]*plan.Cluster{}
	}
	for _, d := range order {
		answers := d.Look(ctx, by[d])
		for _, c := range by[d] {
			w.Clusters[c.Name] = seen(c, answers[c.Name])
		}
	}
}

func seen(c cluster.Cluster, answer cluster.Answer) *plan.Cluster {
	out := &plan.Cluster{Read: map[fleet.Path]bool{}, Unread: answer.Unread, Standing: answer.Standing}
	if answer.Err != nil {
		out.Err, out.Permanent = answer.Err.Error(), fleet.ClassOf(answer.Err) == fleet.Permanent
		return out
	}
	for _, p := range c.Reads {
		out.Read[p] = true
	}
	out.ID, out.Tree = answer.ID(), transform.Overlay(transform.Nothing{}, answer.Edits())
	return out
}

// try tries steps on their clusters.
func (o *Observer) try(ctx context.Context, w *plan.World, steps []rollout.Step) {
	o.progress("trying on clusters", 0, len(steps))
	byKey := map[string]*rollout.Step{}
	keys := make([]string, len(steps))
	for n := range steps {
		keys[n] = steps[n].Key()
		byKey[keys[n]] = &steps[n]
	}
	answers := each(keys, func(key string) *fleet.Trial {
		s := byKey[key]
		is := w.Config.Clusters[s.Cluster].Cluster
		t := o.Clusters.Of(is).Try(ctx, cluster.Cluster{Name: s.Cluster, Is: is},
			cluster.Change{Declaration: s.Declaration, Wants: s.Wants, Edits: s.Edits, Gone: s.Gone, Ours: s.Ours})
		return &t
	})
	if w.Trials == nil {
		w.Trials = map[string]*fleet.Trial{}
	}
	maps.Copy(w.Trials, answers)
}
