package plan

import (
	"maps"
	"slices"

	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/kind"
	"github.com/portreeve/portreeve/reconciler/rollout"
	"github.com/portreeve/portreeve/reconciler/transform"
)

// editions are the states of files that were asked about for an item, each with
// whether it is as declared today. A state is if the declaration would leave the
// file alone in today's tree with that content in it: so people's own words in a
// file count for what they say, as they do on the base.
func (c *computation) editions(item *rollout.Item, repo *Repo) map[fleet.Path][]fleet.Edition {
	k, ok := c.kinds.Find(item.ID.Kind)
	if !ok || item.Declaration == nil || item.Declaration.Frozen != nil || len(item.Want.Edits) == 0 {
		return repo.Editions
	}
	access, _ := c.access(k, item.Declaration, repo, nil)
	out := map[fleet.Path][]fleet.Edition{}
	for _, path := range slices.Sorted(maps.Keys(repo.Editions)) {
		known := map[fleet.BlobID]bool{}
		out[path] = slices.Clone(repo.Editions[path])
		for n := range out[path] {
			e := &out[path][n]
			if e.Text == nil {
				continue
			}
			if _, judged := known[e.Blob]; !judged {
				tree := askingOf(repo)
				w, err := k.Want(&kind.Pass{
					Declaration: item.Declaration, Config: c.world.Config, Repo: repo.Listing, Access: access,
					Tree: transform.Overlay(tree, []transform.Edit{{Path: path, Content: e.Text}}),
				})
				known[e.Blob] = !c.asked(repo, tree) && err == nil && w.Out == "" && !slices.ContainsFunc(w.Edits, func(edit transform.Edit) bool {
					return slices.Contains(transform.OwnersFiles, edit.Path)
				})
			}
			e.AsDeclared = known[e.Blob]
		}
	}
	return out
}
