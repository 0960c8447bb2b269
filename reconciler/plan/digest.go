package plan

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/report"
	"github.com/portreeve/portreeve/reconciler/rollout"
)

// digestName is the kind of what stands for a team's digest among outcomes and
// steps; no declaration is of it.
const digestName = "digest"

// digestOver is how many pull requests of a day a team is asked to look at
// before it is told of all of them in one place.
const digestOver = 5

// digests tell each team once a day, in an issue of the config repo, of the pull
// requests that it got or that were updated, where they are many, as when a
// team has been renamed. Portreeve mentions nobody in a pull request, so that
// this is all that a team hears of it; the reviews that a forge asks for by
// itself are the forge's.
func (c *computation) digests() {
	if c.world.ConfigRepo == "" {
		return
	}
	day := c.world.Now.UTC().Truncate(24 * time.Hour)
	pulls := map[fleet.TeamName][]string{}
	for _, item := range c.items {
		if p := item.Pull; p != nil && p.URL != "" && (!p.Created.Before(day) || !item.Updated().Before(day)) {
			pulls[item.Want.Decides] = append(pulls[item.Want.Decides], p.URL)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(pulls)) {
		team, ok := c.world.Config.Teams[name]
		if ok && report.CanCall(team) && len(pulls[name]) > digestOver {
			c.digest(report.Digest{Team: team, Day: day, Pulls: pulls[name]})
		}
	}
}

func (c *computation) digest(d report.Digest) {
	of := &fleet.Declaration{ID: fleet.ID{Kind: digestName, Name: string(d.Team.Name)}, Pos: d.Team.Pos, Owner: d.Team.Name}
	tell := func(state rollout.State, reason, next string) {
		c.outcomes = append(c.outcomes, outcome(of, c.world.ConfigRepo, state, reason, next))
	}
	switch {
	case c.world.Issues == nil:
		c.needs.issues = true
		return
	case c.world.IssuesUnread != "":
		tell(rollout.Blocked, "the team is not told of all at once: "+c.world.IssuesUnread, "let Portreeve read and write issues")
		return
	}
	marker := d.Marker()
	step := rollout.Step{
		Action: rollout.OpenIssue, Declaration: of.ID, Repo: c.world.ConfigRepo, Pos: of.Pos, Title: d.Heading(), Body: d.Text(), SpecHash: marker,
		Reason: fmt.Sprintf("%d pull requests of a day", len(d.Pulls)),
	}
	for _, issue := range *c.world.Issues {
		if report.LastLine(issue.Body) != marker {
			continue
		}
		if d.Tells(issue.Body) {
			tell(rollout.Done, fmt.Sprintf("the team is told of today's %d pull requests in #%d", len(d.Pulls), issue.Number), "")
			return
		}
		step.Action, step.Number = rollout.EditIssue, issue.Number
	}
	c.aside(step, fmt.Sprintf("tells the team of today's %d pull requests at once", len(d.Pulls)), tell)
}
