package plan

import (
	"slices"

	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/kind"
	"github.com/portreeve/portreeve/reconciler/report"
	"github.com/portreeve/portreeve/reconciler/rollout"
)

// settings are what holds for all items.
func (c *computation) settings() rollout.Settings {
	return rollout.Settings{
		Now: c.world.Now, Mode: c.world.Config.Settings.Mode, Revision: c.world.Config.Revision,
		OnDrift: c.world.Config.Settings.OnDrift,
		Settle:  c.world.Settle, Signs: c.world.Signs,
		Closing: func(id fleet.ID, reason string) string {
			return report.Closing(id, reason, c.world.Config.Revision)
		},
		IsClosing: report.IsClosing,
	}
}

// text fills in what the item's pull request should say.
func (c *computation) text(item *rollout.Item) {
	if item.Declaration == nil || item.Declaration.Frozen != nil || len(item.Want.Edits) == 0 {
		return
	}
	d, want := item.Declaration, item.Want
	teams := kind.TeamsOf(c.world.Config, d)
	asks := teams[d.Owner]
	decides, ok := teams[want.Decides]
	if !ok {
		decides = fleet.Team{Name: want.Decides}
	}
	p := report.Pull{
		Declaration: d.ID, Lane: item.Lane, Title: want.Title, Why: want.Why, What: want.What, Effect: want.Effect, Body: want.Body,
		Because: want.Because, Facts: want.Facts, Labels: want.Labels, Decides: decides.Label(), Asks: asks.Label(), Contact: asks.Contact,
		Merge: want.Merge, Mode: c.world.Config.Settings.Mode, Revision: d.Revision, Pos: d.Pos,
	}
	labels := want.Labels
	if item.Pull != nil && item.Pull.State == fleet.PullOpen {
		p.Again = report.ParseAgain(item.Pull.Body)
		labels = slices.DeleteFunc(slices.Clone(report.NewLabels(item.Pull.Body, labels)), func(l string) bool {
			return slices.Contains(item.Pull.Labels, l)
		})
	} else {
		p.Again.Number, p.Again.Bots = item.Again(c.settings())
	}
	item.Text = rollout.Text{Title: p.Heading(), Body: p.Text(), Message: p.CommitMessage(), Labels: labels}
	if item.Pull != nil {
		// While a declaration or a team is invalid, who decides may be known
		// wrongly: a typo there rewords nothing here.
		item.SameText = p.Shown(item.Pull.Body) && report.Labelled(item.Pull.Body, want.Labels) || fleet.HasErrors(c.world.Config.Problems)
	}
}
