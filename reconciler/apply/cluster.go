package apply

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"

	"github.com/portreeve/portreeve/reconciler/cluster"
	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/plan"
	"github.com/portreeve/portreeve/reconciler/rollout"
)

// onCluster takes a step on a cluster that is reached through no repo.
func (a *Applier) onCluster(ctx context.Context, w *plan.World, s *rollout.Step) error {
	is, seen := w.Config.Clusters[s.Cluster].Cluster, w.Clusters[s.Cluster]
	at := cluster.Cluster{Name: s.Cluster, Is: is, Reads: slices.Sorted(maps.Keys(seen.Read))}
	delivery := a.Clusters.Of(is)
	if s.Action == rollout.LetGo {
		return delivery.LetGo(ctx, at, s.Declaration)
	}
	c := cluster.Change{
		Declaration: s.Declaration, Wants: s.Wants, Edits: s.Edits, Gone: s.Gone, Reload: s.Reload, Restarts: s.Restarts, Ours: s.Ours, Was: map[fleet.Path]cluster.File{},
	}
	for _, e := range s.Edits {
		content, err := fs.ReadFile(seen.Tree, string(e.Path))
		switch {
		case err == nil:
			c.Was[e.Path] = cluster.File{Content: content}
		case !errors.Is(err, fs.ErrNotExist):
			return fmt.Errorf("apply: %w", err)
		}
	}
	return delivery.Apply(ctx, at, c)
}
