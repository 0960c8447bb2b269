package rollout

import (
	"fmt"
	"time"

	"github.com/portreeve/portreeve/reconciler/fleet"
)

// Bounds are the limits that many items share.
type Bounds struct {
	Limits    fleet.Limits
	Allowance fleet.Allowance
	// OpenedToday is nil while unknown.
	OpenedToday *int
	// Uncounted, if not empty, says why OpenedToday could not be counted.
	Uncounted string
	// Unread is how many more pull requests of a team may be open, in repos
	// that could not be read.
	Unread map[fleet.TeamName]int
}

// freeRemovals are closed whatever Limits.Removals says: a bound in percent
// means nothing in a small fleet.
const freeRemovals = 5

// Pace holds decisions back that would go over a limit, in the order of the
// items, and turns them into waiting ones. items and decisions run in
// parallel. It reports whether it has to know OpenedToday.
//
// Those that edit one file of a repo go one after the other: whoever has an
// open pull request goes first, or else whoever can open one. Who is declined,
// paused, held back or done keeps nobody waiting.
func Pace(b Bounds, items []*Item, decisions []Decision) (needOpenedToday bool) {
	p := pacer{
		Bounds:  b,
		perTeam: map[fleet.TeamName]int{},
		claimed: map[claim]fleet.ID{},
	}
	for n, i := range items {
		if i.Pull != nil && i.Pull.State == fleet.PullOpen {
			p.open++
			p.perTeam[i.Want.Decides]++
			if decisions[n].Outcome.State != Frozen {
				p.claim(i)
			}
		}
		for _, s := range decisions[n].Steps {
			if s.Action == Close && i.withdrawn() {
				p.removals++
			}
		}
	}
	for n, i := range items {
		d := &decisions[n]
		if len(d.Steps) == 0 {
			continue
		}
		held := Outcome{}
		switch d.Steps[0].Action {
		case Open:
			held = p.opening(i)
		case Close:
			held = p.closing(i, d.Steps[0])
		}
		if held.State != "" {
			*d = Decision{Outcome: held}
		}
	}
	return p.asked
}

type claim struct {
	repo fleet.RepoName
	path fleet.Path
}

type pacer struct {
	Bounds
	open, opened, removals int
	created                int // pull requests and comments
	perTeam                map[fleet.TeamName]int
	claimed                map[claim]fleet.ID
	asked                  bool
}

func (p *pacer) claim(i *Item) {
	for _, e := range i.Want.Edits {
		key := claim{i.Listing.Name, e.Path}
		if _, taken := p.claimed[key]; !taken {
			p.claimed[key] = i.ID
		}
	}
}

// opening is why a pull request is not opened now, or nothing.
func (p *pacer) opening(i *Item) Outcome {
	for _, e := range i.Want.Edits {
		if other, taken := p.claimed[claim{i.Listing.Name, e.Path}]; taken && other != i.ID {
			return i.outcome(Waiting, "is opened once that has ended", "%s edits %s too, and goes first", other, e.Path)
		}
	}
	team, limits := i.Want.Decides, p.Limits
	switch open, unread := p.perTeam[team], p.Unread[team]; {
	case limits.OpenPerTeam == 0 || team == "" || open+unread < limits.OpenPerTeam:
	case open < limits.OpenPerTeam:
		return i.outcome(Waiting, "is opened once it is known that there are fewer",
			"%s may be at its limit of %s (fleet.limits.openPerTeam): %d could not be read",
			team, counted(limits.OpenPerTeam, "open pull request"), unread)
	default:
		return i.outcome(Waiting, "is opened once one of them has ended", "%s is at its limit of %s (fleet.limits.openPerTeam)",
			team, counted(limits.OpenPerTeam, "open pull request"))
	}
	if limits.NewPerDay > 0 {
		if p.Uncounted != "" {
			return i.outcome(Waiting, "tries again at the next pass", "today's pull requests can't be counted: %s", p.Uncounted)
		}
		if p.OpenedToday == nil {
			p.asked = true
			return i.outcome(Waiting, "", "today's pull requests are being counted")
		}
		if today := *p.OpenedToday + p.opened; today >= limits.NewPerDay {
			return i.outcome(Waiting, "is opened when a day has passed since an earlier one",
				"%s in the last 24 hours (fleet.limits.newPerDay)", counted(today, "new pull request"))
		}
	}
	if spent := p.spent(i); spent.State != "" {
		return spent
	}
	p.opened++
	p.created++
	p.perTeam[team]++
	p.claim(i)
	return Outcome{}
}

// withdrawn reports whether people took the item back in the config repo, as
// against a repo that became as declared: that may be a slip, over many repos.
func (i *Item) withdrawn() bool { return i.Declaration == nil || i.Want.Out != "" }

// closing is why a pull request is not closed now, or nothing.
func (p *pacer) closing(i *Item, s Step) Outcome {
	if bound := max(p.Limits.Removals.Of(p.open), freeRemovals); i.withdrawn() && p.removals > bound {
		return i.outcome(Blocked, "take back what was withdrawn, or raise fleet.limits.removals",
			"%d of %d open pull requests would be closed because declarations are gone, or no longer about their repos; the bound is %d",
			p.removals, p.open, bound)
	}
	if s.Comment == "" {
		return Outcome{}
	}
	if spent := p.spent(i); spent.State != "" {
		return spent
	}
	p.created++
	return Outcome{}
}

// spent says that the forge lets nothing more be created now, or nothing.
func (p *pacer) spent(i *Item) Outcome {
	if p.created < p.Allowance.Creations {
		return Outcome{}
	}
	next := "tries again at the next pass"
	if more := p.Allowance.More; !more.IsZero() {
		next = "more from " + more.UTC().Format(time.RFC3339) + " on"
	}
	return i.outcome(Waiting, next, "the forge's limit on new pull requests and comments is used up")
}

func counted(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
