package plan

import (
	"slices"

	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/kind"
	"github.com/portreeve/portreeve/reconciler/rollout"
)

// unseen counts, for its team, a pull request of the item that may be open
// and can't be seen this time. A limit on open pull requests that forgot it
// would let through one too many for each repo that could not be read. Where
// not even the branches are known and never will be, none is counted: one bad
// repo must not hold up a team for ever.
func (c *computation) unseen(item *rollout.Item, repo *Repo) {
	name := item.BranchName()
	if repo.Head.Commit == "" {
		if repo.Permanent {
			return
		}
	} else if !slices.ContainsFunc(repo.Head.Branches, func(b fleet.Branch) bool { return b.Name == name }) {
		return
	}
	if pull := repo.Pulls[name]; pull != nil && pull.State != fleet.PullOpen {
		return
	}
	if c.unread == nil {
		c.unread = map[fleet.TeamName]int{}
	}
	c.unread[c.decides(item)]++
}

// unseenFrozen is unseen for the declarations whose targets nobody knows, in a
// repo whose branches nobody knows.
func (c *computation) unseenFrozen(repo *Repo) {
	if repo.Err == "" || repo.Head.Commit != "" {
		return
	}
	for _, d := range c.world.Config.Declarations {
		if d.Frozen != nil {
			c.unseen(&rollout.Item{ID: d.ID, Declaration: d, Listing: repo.Listing}, repo)
		}
	}
}

// decides is the team that an item's pull request is for: the one that the
// repo belongs to, else the declaration's own.
func (c *computation) decides(item *rollout.Item) fleet.TeamName {
	if team, ok := kind.OwnerOf(c.world.Config, item.Listing); ok || item.Declaration == nil {
		return team
	}
	return item.Declaration.Owner
}
