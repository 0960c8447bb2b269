package plan

import (
	"encoding/hex"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/kind"
	"github.com/portreeve/portreeve/reconciler/rollout"
	"github.com/portreeve/portreeve/reconciler/transform"
)

// adoptName is the kind of what takes an edit in a repo or on a cluster over into
// the config repo. Its name is the declaration's: of ownership, or with a lane, which
// is the cluster, of a kind with settings of clusters.
const adoptName = "adopt"

// AdoptPrefix begins the branches of such pull requests.
const AdoptPrefix = fleet.BranchPrefix + adoptName + "/"

// isProposal reports whether something is no declaration of the config repo, and
// asks for a change of it.
func isProposal(id fleet.ID) bool { return id == importID || id.Kind == adoptName }

// adoption is the Spec of what takes an edit over.
type adoption struct {
	of    *fleet.Declaration
	title string
	why   string
	what  []string
	facts string
	take  func(text []byte) ([]byte, error)
}

// adoptionOf is what takes over what an item would undo.
func (c *computation) adoptionOf(item *rollout.Item, drift *rollout.Drift) *adoption {
	a := &adoption{of: item.Declaration}
	if item.Direct != nil {
		a.title = fmt.Sprintf("Take over the settings of %s on %s as they are there", item.ID.Name, item.Direct.Cluster)
		a.why, a.what = fmt.Sprintf("On %s, %s.", item.Direct.Cluster, drift), item.Want.AssignedWhat
		a.facts = kind.FactsOf([]any{item.Want.Assigned, a.what})
		a.take = func(text []byte) ([]byte, error) { return c.world.Assign(text, a.of.Pos, item.Want.Assigned) }
		return a
	}
	a.title = fmt.Sprintf("Take over the owners of %s as they are there", item.Listing.Name)
	a.why = fmt.Sprintf("In %s, %s.", item.Listing.Name, drift)
	for _, l := range item.Want.Taken {
		a.what = append(a.what, inWords(l))
	}
	a.facts = kind.FactsOf(item.Want.Taken)
	a.take = func(text []byte) ([]byte, error) { return c.world.TakeOver(text, a.of.Pos, item.Want.Taken) }
	return a
}

// adoptKind is what an adoption wants of the config repo. It is no member:
// nobody can declare one.
var adoptKind = kind.Kind{
	Name: adoptName, Owns: true,
	Want: func(p *kind.Pass) (kind.Want, error) {
		a := p.Declaration.Spec.(*adoption)
		w := kind.Want{
			Because: "onDrift of " + a.of.ID.String(), CloseIsOfThis: true, Decides: a.of.Owner,
			Title: a.title, Why: a.why, What: a.what, Facts: a.facts,
		}
		file := fleet.Path(a.of.Pos.File)
		if err := transform.CheckTarget(p.Tree, file); err != nil {
			return kind.Want{}, err
		}
		text, err := fs.ReadFile(p.Tree, string(file))
		if err != nil {
			return kind.Want{}, err
		}
		edited, err := a.take(text)
		if err != nil {
			return kind.Want{}, err
		}
		w.Edits = []transform.Edit{{Path: file, Content: edited}}
		return w, nil
	},
}

// inWords says what a line says.
func inWords(l fleet.OwnedLine) string {
	switch {
	case l.Gone:
		return l.Pattern + ": not declared any more"
	case len(l.Owners) == 0:
		return l.Pattern + ": nobody"
	}
	owners := make([]string, len(l.Owners))
	for i, o := range l.Owners {
		owners[i] = string(o)
	}
	return l.Pattern + ": " + strings.Join(owners, ", ")
}

// adoptions adds an item in the config repo for each edit in a repo or on a cluster
// that is to be taken over, and ends those that nothing is left of.
func (c *computation) adoptions(decisions []rollout.Decision) {
	settled := map[string]bool{} // adoptions by branch of which it is known that nothing is left
	for n, item := range c.items[:len(decisions)] {
		d, o := item.Declaration, &decisions[n].Outcome
		if item.ID.Kind == adoptName || d == nil {
			continue
		}
		if item.Lane != "" && item.Direct == nil { // a pull request says what is there
			settled[adoptBranch(item)] = true
			continue
		}
		if o.Drift == nil || o.Drift.Times >= rollout.WarTimes || item.OnDrift(c.settings()) != fleet.DriftAdopt {
			settled[adoptBranch(item)] = len(item.Want.Edits) == 0 && (item.Owns || item.Direct != nil)
			continue
		}
		if why := c.notTakeable(item); why != "" {
			o.Next = "declare it so, or change it back; it can't be taken over: " + why
			continue
		}
		c.takeOver(item, o)
	}
	repo := c.world.Repos[c.world.ConfigRepo]
	if repo == nil || repo.Err != "" {
		return
	}
	for _, b := range repo.Head.Branches {
		id, lane, ok := parseBranch(b.Name)
		if !ok || id.Kind != adoptName || c.known[branchKey{repo.Listing.Name, b.Name}] {
			continue
		}
		if len(c.world.Config.Unreadable) == 0 && !c.adoptable(id.Name, lane) || settled[b.Name] {
			item := &rollout.Item{ID: id, Lane: lane, Declaration: &fleet.Declaration{ID: id}, Listing: repo.Listing, Head: repo.Head}
			item.Want.Out = "what it takes over is declared, or is not there any more"
			c.add(item, repo)
		}
	}
}

// adoptBranch is the branch of what takes over what an item would undo.
func adoptBranch(item *rollout.Item) string {
	return fleet.BranchName(fleet.ID{Kind: adoptName, Name: item.ID.Name}, item.Lane)
}

// adoptable reports whether something is declared that an edit could be taken over
// into, on the lane's cluster.
func (c *computation) adoptable(name string, lane fleet.Lane) bool {
	if lane != "" && c.world.Config.Clusters[fleet.ClusterName(lane)] == nil {
		return false
	}
	return slices.ContainsFunc(c.kinds, func(k kind.Kind) bool {
		takes := k.Lines != nil
		if lane != "" {
			takes = k.Assign != nil
		}
		return takes && c.world.Config.Declaration(fleet.ID{Kind: k.Name, Name: name}) != nil
	})
}

// notTakeable is why what stands in a repo can't be declared, or empty.
func (c *computation) notTakeable(item *rollout.Item) string {
	switch d := item.Declaration; {
	case item.Want.TakenNot != "":
		return item.Want.TakenNot
	case c.world.TakeOver == nil || c.world.Assign == nil || c.world.ConfigRepo == "":
		return "the config repo is not on the forge"
	case c.world.ConfigUnseen != "":
		return c.world.ConfigUnseen
	case d.Stale != nil:
		return "its declaration is invalid"
	}
	return ""
}

func (c *computation) takeOver(item *rollout.Item, o *rollout.Outcome) {
	id := fleet.ID{Kind: adoptName, Name: item.ID.Name}
	o.Next = "merge " + strings.TrimPrefix(adoptBranch(item), fleet.BranchPrefix) + " in the config repo, or change it back"
	repo := c.world.Repos[c.world.ConfigRepo]
	if repo == nil || repo.Out != "" && repo.Head.Commit == "" && repo.Err == "" { // nobody has looked
		c.needs.configRepo = true
		return
	}
	a := c.adoptionOf(item, o.Drift)
	d := &fleet.Declaration{ID: id, Pos: item.Declaration.Pos, SpecHash: "1", Owner: item.Declaration.Owner, Spec: a}
	sum := digest([]any{item.Declaration.Pos, a.title, a.why, a.what, a.facts})
	d.Hash = hex.EncodeToString(sum[:])
	c.candidate(adoptKind, d, kind.Candidate{Repo: repo.Listing.Name, Cluster: fleet.ClusterName(item.Lane)})
}
