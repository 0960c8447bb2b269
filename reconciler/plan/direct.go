package plan

import (
	"io/fs"
	"maps"
	"slices"

	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/kind"
	"github.com/portreeve/portreeve/reconciler/rollout"
)

// Cluster is what is known of a cluster that is reached through no repo.
type Cluster struct {
	// Err and Permanent are as those of a Repo.
	Err       string
	Permanent bool
	// Read are the files that were looked at, and Tree holds those of them that
	// are there. ID is one for trees that hold the same.
	Read map[fleet.Path]bool
	Tree fs.FS
	ID   fleet.TreeID
	// Unread says why some of Read could not be.
	Unread map[fleet.Path]string
	// Standing is what declarations have put there.
	Standing map[fleet.ID]*fleet.Standing
}

// LookAt asks what a cluster holds that is reached through no repo.
type LookAt struct {
	Cluster fleet.ClusterName
	Reads   []fleet.Path
}

// placing is a declaration on a cluster that is reached through no repo.
type placing struct {
	kind        kind.Kind
	declaration *fleet.Declaration
	kind.Candidate
}

// direct adds the items of the clusters that are reached through no repo. Of each
// it is asked at once for all that is looked at there.
func (c *computation) direct() {
	for _, name := range slices.Sorted(maps.Keys(c.world.Config.Clusters)) {
		if c.world.Config.Clusters[name].Cluster.Direct() {
			c.cluster(name, c.placings[name])
		}
	}
}

func (c *computation) cluster(name fleet.ClusterName, placings []placing) {
	cluster, reads := c.world.Clusters[name], map[fleet.Path]bool{}
	missing := cluster == nil
	for _, p := range placings {
		for _, path := range p.Reads {
			reads[path] = true
			missing = missing || !cluster.Read[path]
		}
	}
	if missing && (cluster == nil || cluster.Err == "") {
		c.needs.clusters[name] = slices.Sorted(maps.Keys(reads))
	}
	for _, p := range placings {
		c.place(name, cluster, p, missing)
	}
	if cluster == nil || cluster.Err != "" {
		return
	}
	for _, id := range slices.SortedFunc(maps.Keys(cluster.Standing), fleet.ID.Compare) {
		if slices.ContainsFunc(placings, func(p placing) bool { return p.declaration.ID == id }) {
			continue
		}
		item := c.placed(id, name, cluster)
		if item.Declaration = c.declared(id); item.Declaration != nil && item.Declaration.Frozen == nil {
			item.Want.Out = "its declaration is not about the cluster any more"
		}
		c.items = append(c.items, item)
	}
}

// placed starts the item of a declaration.
func (c *computation) placed(id fleet.ID, name fleet.ClusterName, cluster *Cluster) *rollout.Item {
	return &rollout.Item{
		ID: id, Lane: fleet.Lane(name), Direct: &rollout.Direct{
			Cluster: name, Seen: cluster.ID, Standing: cluster.Standing[id],
			Removes: c.world.Config.Clusters[name].Cluster.Delivery.Apply != nil,
		},
	}
}

// place adds the item of a declaration, or the outcome that says why there is none.
func (c *computation) place(name fleet.ClusterName, cluster *Cluster, p placing, missing bool) {
	tell := func(state rollout.State, reason, next string) {
		o := outcome(p.declaration, "", state, reason, next)
		o.Target = fleet.Target{Cluster: name}
		c.outcomes = append(c.outcomes, o)
		c.lag(p.Candidate, o)
	}
	switch {
	case cluster != nil && cluster.Err != "" && cluster.Permanent:
		tell(rollout.Failed, cluster.Err, "see the cluster, and how the daemon reaches it")
		return
	case cluster != nil && cluster.Err != "":
		tell(rollout.Waiting, cluster.Err, "tries again at the next pass")
		return
	case missing:
		tell(rollout.Waiting, "it is being read", "")
		return
	}
	for _, path := range p.Reads {
		if why := cluster.Unread[path]; why != "" {
			tell(rollout.Failed, why, "see the cluster, and what the daemon may do there")
			return
		}
	}
	// The kind sees a repo without a name: there is none.
	want, state := c.want(p.kind, p.declaration, &Repo{Head: fleet.Head{Tree: cluster.ID}, Tree: snapshot{cluster.Tree, cluster.ID}}, c.world.Config.Clusters[name])
	if state.State != "" {
		tell(state.State, state.Reason, "see the cluster and the declaration")
		return
	}
	item := c.placed(p.declaration.ID, name, cluster)
	item.Declaration, item.Owns, item.Want, item.Hold = p.declaration, p.kind.Owns, want, c.holds[p.declaration.ID]
	item.Rollout, item.Wave = p.Rollout, p.Wave
	if item.Direct.Standing != nil && want.Out == "" && want.Objects != nil {
		for _, path := range item.Direct.Standing.Objects {
			if !slices.Contains(want.Objects, path) {
				item.Direct.Gone = append(item.Direct.Gone, path)
			}
		}
	}
	c.items = append(c.items, item)
}

// tried has decisions on such clusters tried there.
func (c *computation) tried(decisions []rollout.Decision) {
	for n, item := range c.items {
		tried, ask := rollout.Tried(item, decisions[n], c.world.Trials)
		decisions[n] = tried
		if ask != nil {
			c.needs.trials = append(c.needs.trials, *ask)
		}
	}
}

// snapshot is what a cluster holds, as kinds see that of a repo.
type snapshot struct {
	fs.FS
	id fleet.TreeID
}

func (snapshot) Commit() fleet.CommitID       { return "" }
func (s snapshot) Tree() fleet.TreeID         { return s.id }
func (snapshot) Blob(fleet.Path) fleet.BlobID { return "" }
