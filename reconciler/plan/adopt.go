package plan

import (
	"fmt"
	"slices"

	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/kind"
)

// Adopt reads what the repos of the fleet that only accepts have already, for
// declarations of the kinds that can adopt it; one Adopted for each repo that
// could be read, sorted by name. Of a repo that something is declared of, or of
// which nothing can be, a remark says so. While there are needs, some are missing.
func Adopt(w *World, kinds kind.Set, only func(fleet.RepoName) bool) ([]kind.Adopted, []Need) {
	w = w.following()
	c := &computation{world: w, kinds: kinds, needs: newNeeds()}
	c.list()
	c.acknowledgements()
	c.lend()
	var all []kind.Adopted
	for _, listing := range c.listings {
		repo := w.Repos[listing.Name]
		if repo.Err != "" || !only(listing.Name) {
			continue
		}
		if why := c.unadoptable(repo); why != "" {
			a := kind.Adopted{Repo: repo.Listing.Name}
			a.Bar(kind.Place{}, why)
			all = append(all, a)
			continue
		}
		for _, k := range kinds {
			if k.Adopt == nil {
				continue
			}
			if a, ok := c.adopt(k, repo); ok {
				all = append(all, a)
			}
		}
	}
	return all, c.needs.list()
}

// unadoptable says why a repo is not looked at, from what is known without its
// tree.
func (c *computation) unadoptable(repo *Repo) string {
	name := repo.Listing.Name
	named := slices.Concat(kind.Owners(c.world.Config, name), kind.Parts(c.world.Config, name))
	if d := kind.Doubtful(c.world.Config, name); d != nil {
		named = append(named, d)
	}
	switch {
	case len(named) > 0:
		return fmt.Sprintf("%s declares it (%s)", named[0].ID, named[0].Pos)
	case repo.Listing.Archived:
		return "archived"
	case repo.Head.Commit == "":
		return "the repo is empty"
	}
	return ""
}

func (c *computation) adopt(k kind.Kind, repo *Repo) (kind.Adopted, bool) {
	tree := askingOf(repo)
	a, err := k.Adopt(&kind.Pass{Config: c.world.Config, Repo: repo.Listing, Tree: tree})
	if (err != nil || tree.partly()) && c.asked(repo, tree) {
		return kind.Adopted{}, false
	}
	if err != nil {
		a = kind.Adopted{Repo: repo.Listing.Name}
		a.Bar(kind.Place{}, err.Error())
	}
	return a, true
}

// Unsettled says of declarations, by their IDs, what they would change in repos,
// or why they can't be carried out, as with owners whom the forge passes over; of
// one after which all stays as it is, nothing. While there are needs, some are missing.
func Unsettled(w *World, kinds kind.Set, ids map[fleet.ID]bool) (map[fleet.ID]string, []Need) {
	w = w.following()
	c := &computation{world: w, kinds: kinds, needs: newNeeds(), memo: forgetful{}}
	c.list()
	c.acknowledgements()
	c.lend()
	c.keys = newKeys(c.world.Config)
	unsettled := map[fleet.ID]string{}
	for _, d := range w.Config.Declarations {
		if !ids[d.ID] {
			continue
		}
		if why := c.unsettled(d); why != "" {
			unsettled[d.ID] = why
		}
	}
	for id := range ids {
		if w.Config.Declaration(id) == nil {
			unsettled[id] = "it can't be declared"
		}
	}
	return unsettled, c.needs.list()
}

func (c *computation) unsettled(d *fleet.Declaration) string {
	k, ok := c.kinds.Find(d.ID.Kind)
	if !ok || d.Frozen != nil {
		why := "it can't be declared"
		if len(d.Frozen) > 0 {
			why = d.Frozen[0].Message
		}
		return why
	}
	for _, candidate := range k.Targets(d, c.world.Config, c.about(d)) {
		if candidate.Out != "" {
			return candidate.Out
		}
		if candidate.Repo == "" {
			continue // what is on clusters is none of what a repo has
		}
		repo := c.world.Repos[candidate.Repo]
		if repo.Err != "" {
			return repo.Err
		}
		switch w, state := c.want(k, d, repo, nil); {
		case state.State != "":
			return state.Reason // while there are needs, that it is being read
		case len(w.Unreached) > 0:
			return w.Unreached[0].Why + "; " + w.Unreached[0].Hint
		case len(w.Edits) > 0 && len(w.What) > 0:
			return "it would be changed: " + w.What[0]
		case len(w.Edits) > 0:
			return fmt.Sprintf("%s would be changed", w.Edits[0].Path)
		}
	}
	return ""
}

// forgetful is a memo that keeps nothing.
type forgetful struct{}

func (forgetful) Get(string) ([]byte, bool) { return nil, false }
func (forgetful) Put(string, []byte)        {}
