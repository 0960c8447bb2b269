package plan

import (
	"fmt"

	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/kind"
	"github.com/portreeve/portreeve/reconciler/report"
	"github.com/portreeve/portreeve/reconciler/rollout"
)

// lag notes a target that is no item and that a wave waits for.
func (c *computation) lag(candidate kind.Candidate, o rollout.Outcome) {
	if candidate.Rollout != nil {
		c.lagging = append(c.lagging, rollout.Lagging{ID: o.Declaration, Lane: fleet.Lane(candidate.Cluster), Wave: candidate.Wave, State: o.State, Reason: o.Reason})
	}
}

// roll holds back what is not yet to change of declarations that go in waves. An
// issue of the config repo keeps a breaker tripped until the declaration has
// changed: so it lasts when what failed has passed, and nobody has to remember.
func (c *computation) roll(settings rollout.Settings, decisions []rollout.Decision) {
	c.trips = rollout.Roll(settings, c.items, decisions, c.lagging, func(d *fleet.Declaration) string {
		switch {
		case c.world.ConfigRepo == "":
			return ""
		case c.world.Issues == nil:
			c.needs.issues = true
			return "it is being read whether its breaker has tripped"
		case c.world.IssuesUnread != "":
			return "whether its breaker has tripped can't be read: " + c.world.IssuesUnread
		}
		marker := report.Breaker{Declaration: d}.Marker()
		for _, i := range *c.world.Issues {
			if report.LastLine(i.Body) == marker {
				return fmt.Sprintf("its breaker has tripped, see #%d of %s", i.Number, c.world.ConfigRepo)
			}
		}
		return ""
	})
}

// breakers writes down which breakers have tripped, in an issue of the config
// repo that tells the owner.
func (c *computation) breakers() {
	for _, t := range c.trips {
		if c.world.ConfigRepo == "" || c.world.IssuesUnread != "" {
			continue
		}
		d := t.Declaration
		b := report.Breaker{Declaration: d, Owner: kind.TeamsOf(c.world.Config, d)[d.Owner], Failures: t.Failures}
		step := rollout.Step{
			Action: rollout.OpenIssue, Declaration: d.ID, Repo: c.world.ConfigRepo, Pos: d.Pos, Title: b.Heading(), Body: b.Text(), SpecHash: b.Marker(),
			Reason: fmt.Sprintf("its change failed on %d clusters", len(t.Failures)),
		}
		c.aside(step, "tells its owner that the breaker has tripped", func(state rollout.State, reason, next string) {
			c.outcomes = append(c.outcomes, outcome(d, c.world.ConfigRepo, state, reason, next))
		})
	}
}
