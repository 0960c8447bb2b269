package plan

import (
	"fmt"
	"maps"
	"slices"

	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/kind"
	"github.com/portreeve/portreeve/reconciler/rollout"
)

// acknowledgements finds which declarations policies hold, and tells what is
// asked for and what is wrong with what is acknowledged.
func (c *computation) acknowledgements() {
	c.holds = map[fleet.ID]*rollout.Hold{}
	for _, d := range c.world.Config.Declarations {
		asked, problems := rollout.Acknowledge(c.world.Config.Policies, d, c.world.Now)
		c.problems = append(c.problems, problems...)
		for _, ask := range asked {
			c.holds[d.ID] = c.holds[d.ID].With(ask.Policy, ask.Problem.Message, fleet.Acknowledge)
		}
	}
}

// blast is what one revision would do, with the items through which it would.
type blast struct {
	fleet.Blast
	repos  map[fleet.RepoName]bool
	owners map[string]bool
	items  []int
}

// changer is the declaration by whose change an item came last to want what it
// wants: its own or, where it writes what others say of the repo's paths, the
// one of all these that was changed last.
func (c *computation) changer(item *rollout.Item) *fleet.Declaration {
	last := item.Declaration
	if last == nil || last.Owns == "" && last.Default == nil {
		return last
	}
	for _, d := range kind.Parts(c.world.Config, item.Listing.Name) {
		if d.Changed.After(last.Changed) {
			last = d
		}
	}
	return last
}

// blasts holds policies against what each revision would do to the fleet. An
// item counts to the revision that was the last to change its declaration, or one
// of those whose paths it writes, for
// as long as its repo is not as wanted: whether its pull request is open
// already or waits for its turn makes no difference. A repo that could not be
// read may be one of those, and counts as one: nothing gets below a bound
// because a part of the fleet is out of sight. What a person declined does not
// count. Items that a policy is against are held, until their own
// declaration acknowledges it.
func (c *computation) blasts(settings rollout.Settings, decisions []rollout.Decision) {
	if c.world.Judge == nil {
		return
	}
	byRevision := map[fleet.Revision]*blast{}
	for n, item := range c.items {
		d := c.changer(item)
		if d == nil || isProposal(item.ID) || len(item.Want.Edits) == 0 || item.Want.Out != "" || decisions[n].Outcome.State == rollout.Declined {
			continue
		}
		b := byRevision[d.Revision]
		if b == nil {
			b = &blast{repos: map[fleet.RepoName]bool{}, owners: map[string]bool{}}
			b.Revision, b.Fleet = d.Revision, len(c.listings)
			byRevision[d.Revision] = b
		}
		b.add(n, item)
	}
	for _, item := range c.hidden {
		if b := byRevision[c.changer(item).Revision]; b != nil {
			b.hide(item)
		}
	}
	var asked []fleet.Blast
	var all []*blast
	for _, r := range slices.Sorted(maps.Keys(byRevision)) {
		b := byRevision[r]
		b.Repos, b.Owners = len(b.repos), slices.AppendSeq([]string{}, maps.Keys(b.owners))
		slices.Sort(b.Owners)
		all = append(all, b)
	}
	all = append(all, c.running(decisions)...)
	for _, b := range all {
		asked = append(asked, b.Blast)
	}
	for i, findings := range c.world.Judge(asked) {
		for _, f := range findings {
			c.against(all[i], f, settings, decisions)
		}
	}
}

// running is what each declaration would do to what runs on clusters. That is
// its own affair, whatever else its revision changes.
func (c *computation) running(decisions []rollout.Decision) []*blast {
	var all []*blast
	by := map[fleet.ID]*blast{}
	for n, item := range c.items {
		if len(item.Want.Costs) == 0 || item.Declaration == nil || item.Want.Out != "" || decisions[n].Outcome.State == rollout.Declined {
			continue
		}
		b := by[item.ID]
		if b == nil {
			b = &blast{}
			b.Revision, b.Owners = item.Declaration.Revision, []string{}
			by[item.ID] = b
			all = append(all, b)
		}
		b.items = append(b.items, n)
		b.costs(item)
	}
	return all
}

func (b *blast) add(n int, item *rollout.Item) {
	b.items = append(b.items, n)
	if item.Direct != nil {
		return // see running
	}
	b.repos[item.Listing.Name] = true
	if len(item.Want.OwnersRemoved) > 0 {
		b.OwnersRemoved++
	}
	for _, owner := range item.Want.OwnersRemoved {
		b.owners[owner] = true
	}
}

// costs adds what an item does to what runs on its cluster.
func (b *blast) costs(item *rollout.Item) {
	b.Clusters++
	has := func(is func(kind.Cost) bool) int {
		if slices.ContainsFunc(item.Want.Costs, is) {
			return 1
		}
		return 0
	}
	b.DataAtRisk += has(func(c kind.Cost) bool { return c.Class == kind.DataAtRisk })
	b.QueueRestarts += has(func(c kind.Cost) bool { return c.Class == kind.QueueRestart })
	b.RestartsAlone += has(func(c kind.Cost) bool { return c.Alone })
	for _, c := range item.Want.Costs {
		b.TargetsMoved = max(b.TargetsMoved, c.Moves)
	}
}

// hide adds an item of which is not known what it would do.
func (b *blast) hide(item *rollout.Item) {
	b.repos[item.Listing.Name] = true
	if item.Owns {
		b.OwnersRemoved++
	}
}

// against takes what a policy has against a revision: one problem, at the
// first of the declarations through which it would be done.
func (c *computation) against(b *blast, f fleet.Finding, settings rollout.Settings, decisions []rollout.Decision) {
	now := c.world.Now
	told := map[fleet.ID]bool{}
	var first *fleet.Declaration
	for _, n := range b.items {
		item := c.items[n]
		d := c.changer(item)
		if f.Severity == fleet.Acknowledge && rollout.Acknowledged(d, f.Policy, now) {
			continue
		}
		told[d.ID] = true
		if first == nil || d.ID.Compare(first.ID) < 0 {
			first = d
		}
		if f.Severity != fleet.Warning {
			item.Hold = item.Hold.With(f.Policy, f.Reason, f.Severity)
			decisions[n] = c.one(settings, item)
		}
	}
	if first == nil {
		return
	}
	p := fleet.Problem{
		Severity: f.Severity, Code: fleet.PolicyCode(f.Policy), Pos: first.Pos, Declaration: first.ID.String(),
		Message: f.Reason,
	}
	if f.Severity != fleet.Warning {
		p.Hint = (*rollout.Hold)(nil).With(f.Policy, f.Reason, f.Severity).Next(now)
	}
	if len(told) > 1 {
		p.Message += fmt.Sprintf("; it holds %d declarations", len(told))
		if f.Severity == fleet.Acknowledge {
			p.Hint += fmt.Sprintf("; or, for all of them, set its bounds in a commit before: fleet: policies: %q: bounds: {…}", f.Policy)
		}
	}
	c.problems = append(c.problems, p)
}
