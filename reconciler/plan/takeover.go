package plan

import (
	"encoding/hex"
	"fmt"
	"io/fs"
	"strings"

	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/kind"
	"github.com/portreeve/portreeve/reconciler/rollout"
	"github.com/portreeve/portreeve/reconciler/transform"
)

// adoptName is the kind of what takes an edit in a repo over into the config
// repo: its name is the declaration's of ownership.
const adoptName = "adopt"

// AdoptPrefix begins the branches of such pull requests.
const AdoptPrefix = fleet.BranchPrefix + adoptName + "/"

// isProposal reports whether something is no declaration of the config repo, and
// asks for a change of it.
func isProposal(id fleet.ID) bool { return id == importID || id.Kind == adoptName }

// adoption is the Spec of what takes an edit over.
type adoption struct {
	of    *fleet.Declaration
	repo  fleet.RepoName
	drift *rollout.Drift
	lines []fleet.OwnedLine
	take  func(text []byte, pos fleet.Pos, lines []fleet.OwnedLine) ([]byte, error)
}

// adoptKind is what an adoption wants of the config repo. It is no member:
// nobody can declare one.
var adoptKind = kind.Kind{
	Name: adoptName, Owns: true,
	Want: func(p *kind.Pass) (kind.Want, error) {
		a := p.Declaration.Spec.(*adoption)
		w := kind.Want{
			Because: "onDrift of " + a.of.ID.String(), CloseIsOfThis: true, Decides: a.of.Owner,
			Title: fmt.Sprintf("Take over the owners of %s as they are there", a.repo),
			Why:   fmt.Sprintf("In %s, %s.", a.repo, a.drift),
		}
		for _, l := range a.lines {
			w.What = append(w.What, inWords(l))
		}
		w.Facts = kind.FactsOf(a.lines)
		file := fleet.Path(a.of.Pos.File)
		if err := transform.CheckTarget(p.Tree, file); err != nil {
			return kind.Want{}, err
		}
		text, err := fs.ReadFile(p.Tree, string(file))
		if err != nil {
			return kind.Want{}, err
		}
		edited, err := a.take(text, a.of.Pos, a.lines)
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

// adoptions adds an item in the config repo for each edit in a repo that is to be
// taken over, and ends those that nothing is left of.
func (c *computation) adoptions(decisions []rollout.Decision) {
	settled := map[string]bool{} // adoptions by name of which it is known that nothing is left
	for n, item := range c.items[:len(decisions)] {
		d, o := item.Declaration, &decisions[n].Outcome
		if item.ID.Kind == adoptName || d == nil || item.Lane != "" {
			continue
		}
		if o.Drift == nil || o.Drift.Times >= rollout.WarTimes || item.OnDrift(c.settings()) != fleet.DriftAdopt {
			settled[item.ID.Name] = len(item.Want.Edits) == 0 && item.Owns
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
		if of := c.world.Config.Declaration(fleet.ID{Kind: "ownership", Name: id.Name}); of == nil && len(c.world.Config.Unreadable) == 0 || settled[id.Name] {
			item := &rollout.Item{ID: id, Lane: lane, Declaration: &fleet.Declaration{ID: id}, Listing: repo.Listing, Head: repo.Head}
			item.Want.Out = "what it takes over is declared, or is not there any more"
			c.add(item, repo)
		}
	}
}

// notTakeable is why what stands in a repo can't be declared, or empty.
func (c *computation) notTakeable(item *rollout.Item) string {
	switch d := item.Declaration; {
	case item.Want.TakenNot != "":
		return item.Want.TakenNot
	case c.world.TakeOver == nil || c.world.ConfigRepo == "":
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
	o.Next = "merge " + id.String() + " in the config repo, or change it back"
	repo := c.world.Repos[c.world.ConfigRepo]
	if repo == nil || repo.Out != "" && repo.Head.Commit == "" && repo.Err == "" { // nobody has looked
		c.needs.configRepo = true
		return
	}
	d := &fleet.Declaration{
		ID: id, Pos: item.Declaration.Pos, SpecHash: "1", Owner: item.Declaration.Owner,
		Spec: &adoption{item.Declaration, item.Listing.Name, o.Drift, item.Want.Taken, c.world.TakeOver},
	}
	sum := digest([]any{item.Declaration.Pos, item.Listing.Name, o.Drift, item.Want.Taken})
	d.Hash = hex.EncodeToString(sum[:])
	c.candidate(adoptKind, d, kind.Candidate{Repo: repo.Listing.Name})
}
