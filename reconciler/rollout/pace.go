package rollout

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/portreeve/portreeve/reconciler/fleet"
)

// Bounds are the limits that many items share.
type Bounds struct {
	Now       time.Time
	Limits    fleet.Limits
	Allowance fleet.Allowance
	// OpenedToday are the pull requests of the last 24 hours; nil while
	// unknown.
	OpenedToday *fleet.Openings
	// Uncounted, if not empty, says why OpenedToday could not be counted.
	Uncounted string
	// Unread is how many more pull requests of a team may be open, in repos
	// that could not be read.
	Unread map[fleet.TeamName]int
}

// Paced is what Pace made of all decisions.
type Paced struct {
	// Order are the indexes of the items whose steps are taken now, in the
	// order in which that is done.
	Order []int
	// Spends is what those steps take of the forge's limits at most.
	Spends fleet.Cost
	// Last is the latest turn of those that the clock alone brings; zero if
	// there is none.
	Last time.Time
	// AskOpened says that OpenedToday has to be known.
	AskOpened bool

	now    time.Time
	ledger *ledger
}

// Aside has a step that is about no pull request come after all that were
// served: it says why it is not its turn, and when it is, or nothing.
func (p *Paced) Aside(s *Step) (why, next string) {
	at, by := p.ledger.take(s.Cost(), "")
	if at.Equal(p.now) {
		p.Spends = p.Spends.Plus(s.Cost())
		return "", ""
	}
	if at.After(p.Last) {
		p.Last = at
	}
	turn := Turn{Bound: ByForge, At: at}
	return used(p.now, p.ledger.from, by), turn.next(p.now, "done")
}

// freeRemovals are closed whatever Limits.Removals says: a bound in percent
// means nothing in a small fleet.
const freeRemovals = 5

// freePrunes are that of what is removed from clusters.
const freePrunes = 1

// Pace puts decisions in the order in which they are served, and turns those
// that go over a limit into waiting ones that know their turn. items and
// decisions run in parallel. It is the one place that orders what is written,
// and it guarantees four things:
//
//  1. What ends goes first: what is withdrawn is closed, what is ready is
//     merged, what is open is updated, then reworded, and only then anything
//     opened.
//  2. Of each sort, ownership goes before migrations.
//  3. Then declarations take turns, and in each of them teams: whoever was
//     served last goes last. A migration of 1,000 repos keeps one of 5 waiting
//     for 5 turns.
//  4. Nobody overtakes: what the first in line waits for, nobody behind it
//     takes. Of a team's in a declaration the longest waiting goes first.
//
// Those that edit one file of a repo go one after the other: whoever has an
// open pull request goes first, or else whoever can open one. Who is declined,
// paused, held back by a team's limit or done keeps nobody waiting.
func Pace(b Bounds, items []*Item, decisions []Decision) Paced {
	p := newPacer(b, items, decisions)
	for _, n := range newQueue(items, decisions, b.OpenedToday).order() {
		p.serve(items[n], &decisions[n], n)
	}
	p.tell()
	return p.Paced
}

type claim struct {
	target fleet.Target
	path   fleet.Path
}

type pacer struct {
	Bounds
	Paced
	open, opened, removals int
	placed, pruned         int                    // on clusters, of what is removed if it is withdrawn
	perTeam                map[fleet.TeamName]int // open, or opened now
	promised               map[fleet.TeamName]int // openings that have a turn to come
	claimed                map[claim]fleet.ID
	held                   []waiting
	queued                 map[line]int
	rivals                 map[group]bool // for what the forge lets be opened
}

// waiting is an outcome with a turn, and its queue.
type waiting struct {
	*Outcome
	line line
}

// line is a queue that turns are counted in.
type line struct {
	sort sort
	team fleet.TeamName // of a team's limit
}

func newPacer(b Bounds, items []*Item, decisions []Decision) *pacer {
	p := &pacer{
		Bounds: b, Paced: Paced{now: b.Now, ledger: newLedger(b.Now, b.Allowance)},
		perTeam: map[fleet.TeamName]int{}, promised: map[fleet.TeamName]int{},
		claimed: map[claim]fleet.ID{}, queued: map[line]int{}, rivals: map[group]bool{},
	}
	if b.Limits.NewPerDay > 0 && b.OpenedToday != nil {
		p.ledger.add(daily(b))
	}
	for _, l := range hourly(b, items) {
		p.ledger.add(l)
	}
	for n, i := range items {
		if i.Pull != nil && i.Pull.State == fleet.PullOpen {
			p.open++
			p.perTeam[i.Want.Decides]++
			if decisions[n].Outcome.State != Frozen && i.Hold == nil {
				p.claim(i)
			}
		}
		if i.Direct != nil && i.Direct.Removes && i.Direct.Standing != nil {
			p.placed++
		}
		for _, s := range decisions[n].Steps {
			switch {
			case s.Action == Close && i.withdrawn():
				p.removals++
			case s.Action == LetGo && i.removes():
				p.pruned++
			}
		}
	}
	return p
}

// day is what fleet.limits.newPerDay counts over. One that was opened just a
// day ago still counts.
const day = 24 * time.Hour

// daily is fleet.limits.newPerDay as a limit. Those that the forge counts and
// does not tell of may be the newest.
func daily(b Bounds) fleet.Limit {
	l := fleet.Limit{Of: opening, Minutes: int(day / time.Minute), Most: b.Limits.NewPerDay, Left: b.Limits.NewPerDay - b.OpenedToday.Count}
	for _, o := range b.OpenedToday.Told {
		l.Back = append(l.Back, fleet.Return{At: o.At.Add(day + time.Second), Units: 1})
	}
	if more := b.OpenedToday.Count - len(b.OpenedToday.Told); more > 0 {
		l.Back = append(l.Back, fleet.Return{At: b.Now.Add(day + time.Second), Units: more})
	}
	return l
}

// hourly are fleet.limits.updatesPerHour as limits, one for each team. What was
// updated lately shows in the commits: each is younger than its pull request.
func hourly(b Bounds, items []*Item) []fleet.Limit {
	if b.Limits.UpdatesPerHour == 0 {
		return nil
	}
	byTeam := map[fleet.TeamName]*fleet.Limit{}
	for _, i := range items {
		l := byTeam[i.Want.Decides]
		if l == nil {
			most := b.Limits.UpdatesPerHour
			l = &fleet.Limit{Of: updatesOf(i.Want.Decides), Minutes: 60, Most: most, Left: most}
			byTeam[i.Want.Decides] = l
		}
		if back := i.Updated().Add(l.Span() + time.Second); back.After(b.Now) {
			l.Left--
			l.Back = append(l.Back, fleet.Return{At: back, Units: 1})
		}
	}
	var all []fleet.Limit
	for _, team := range slices.Sorted(maps.Keys(byTeam)) {
		l := byTeam[team]
		slices.SortFunc(l.Back, func(a, b fleet.Return) int { return a.At.Compare(b.At) })
		all = append(all, *l)
	}
	return all
}

// justOpened is how much younger than its pull request a commit may be that it
// was opened with: they are dated by two clocks.
const justOpened = time.Minute

// Updated is when the item's open pull request was last updated; zero if not
// since it was opened.
func (i *Item) Updated() time.Time {
	if i.Pull == nil || i.Pull.State != fleet.PullOpen || i.Pull.HeadTime.Sub(i.Pull.Created) < justOpened {
		return time.Time{}
	}
	if _, is := ours(i.ID, i.Pull.HeadMessage, i.Pull.HeadTree); !is {
		return time.Time{} // a person's, or theirs on top of ours
	}
	return i.Pull.HeadTime
}

// unit is what a decision takes one of, of the limits that are ours.
func unit(i *Item, d *Decision) fleet.Unit {
	for _, s := range d.Steps {
		switch {
		case s.Action == Open:
			return opening
		case s.Action == Update && s.Reason == changed:
			return updatesOf(i.Want.Decides)
		}
	}
	return ""
}

func (p *pacer) claim(i *Item) {
	for _, e := range i.Want.Edits {
		key := claim{i.Target(), e.Path}
		if _, taken := p.claimed[key]; !taken {
			p.claimed[key] = i.ID
		}
	}
}

// serve lets a decision be carried out, or holds it back.
func (p *pacer) serve(i *Item, d *Decision, n int) {
	s := sortOf(d)
	held := Outcome{}
	switch s {
	case openings:
		held = p.opening(i)
	case ending:
		held = p.closing(i)
	}
	if held.State == "" {
		held = p.spend(i, d, s)
	}
	if held.State != "" {
		*d = Decision{Outcome: held}
		if held.Turn != nil {
			l := line{sort: s}
			if held.Turn.Bound == ByTeam || held.Turn.Bound == ByHour {
				l.team = held.Decides
			}
			p.held = append(p.held, waiting{&d.Outcome, l})
		}
		return
	}
	p.Order = append(p.Order, n)
}

// opening is why a pull request is not opened now, or nothing. What depends
// on people alone comes before what the clock brings.
func (p *pacer) opening(i *Item) Outcome {
	for _, e := range i.Want.Edits {
		if other, taken := p.claimed[claim{i.Target(), e.Path}]; taken && other != i.ID {
			return i.outcome(Waiting, "is opened once that has ended", "%s edits %s too, and goes first", other, e.Path)
		}
	}
	if full := p.team(i); full.State != "" {
		return full
	}
	switch {
	case p.Limits.NewPerDay == 0:
	case p.Uncounted != "":
		return i.outcome(Waiting, "tries again at the next pass", "today's pull requests can't be counted: %s", p.Uncounted)
	case p.OpenedToday == nil:
		p.AskOpened = true
		return i.outcome(Waiting, "", "today's pull requests are being counted")
	}
	return Outcome{}
}

// team is why a team gets no further pull request now, or nothing.
func (p *pacer) team(i *Item) Outcome {
	team, limit := i.Want.Decides, p.Limits.OpenPerTeam
	open, unread, promised := p.perTeam[team], p.Unread[team], p.promised[team]
	if limit == 0 || team == "" || open+unread+promised < limit {
		return Outcome{}
	}
	most := counted(limit, "open pull request")
	turn := p.turn(ByTeam, line{openings, team})
	turn.Ended = open + promised + turn.Place - limit
	var held Outcome
	switch {
	case open >= limit:
		held = i.outcome(Waiting, "", "%s is at its limit of %s (fleet.limits.openPerTeam)", team, most)
	case open+promised >= limit:
		held = i.outcome(Waiting, "", "%s will be at its limit of %s (fleet.limits.openPerTeam) with those that come first", team, most)
	default:
		turn.Ended = 0
		held = i.outcome(Waiting, "", "%s may be at its limit of %s (fleet.limits.openPerTeam): %d could not be read", team, most, unread)
	}
	held.Turn = turn
	return held
}

// turn is the next place in a queue.
func (p *pacer) turn(by Bound, l line) *Turn {
	p.queued[l]++
	return &Turn{Bound: by, Place: p.queued[l]}
}

// withdrawn reports whether people took the item back in the config repo, as
// against a repo that became as declared: that may be a slip, over many repos.
func (i *Item) withdrawn() bool { return i.Declaration == nil || i.Want.Out != "" }

// closing is why a pull request is not closed at all, or nothing removed from a
// cluster; else nothing.
func (p *pacer) closing(i *Item) Outcome {
	if i.Direct != nil {
		if bound := max(p.Limits.Removals.Of(p.placed), freePrunes); i.removes() && p.pruned > bound {
			return i.outcome(Blocked, "take back what was withdrawn, or raise fleet.limits.removals",
				"%d of %d objects on clusters would be removed because declarations are gone, or no longer about their clusters; the bound is %d",
				p.pruned, p.placed, bound)
		}
		return Outcome{}
	}
	if bound := max(p.Limits.Removals.Of(p.open), freeRemovals); i.withdrawn() && p.removals > bound {
		return i.outcome(Blocked, "take back what was withdrawn, or raise fleet.limits.removals",
			"%d of %d open pull requests would be closed because declarations are gone, or no longer about their repos; the bound is %d",
			p.removals, p.open, bound)
	}
	return Outcome{}
}

// spend takes what a decision costs from the limits that the clock lifts, now
// or at its turn.
func (p *pacer) spend(i *Item, d *Decision, s sort) Outcome {
	cost, own := d.cost(), unit(i, d)
	at, by := p.ledger.take(cost, own)
	if at.Equal(p.Now) {
		p.Spends = p.Spends.Plus(cost)
		if s == openings {
			p.opened++
			p.perTeam[i.Want.Decides]++
			p.claim(i)
		}
		return Outcome{}
	}
	var turn *Turn
	reason := ""
	switch {
	case by != nil && own == opening && by.Of == own:
		turn = p.turn(ByDay, line{sort: s})
		reason = counted(p.OpenedToday.Count+p.opened, "new pull request") + " in the last 24 hours (fleet.limits.newPerDay)"
	case by != nil && by.Of == own:
		turn = p.turn(ByHour, line{s, i.Want.Decides})
		reason = fmt.Sprintf("%s of %s updated in the last hour (fleet.limits.updatesPerHour)", counted(by.Most, "pull request"), i.Want.Decides)
	default:
		turn = p.turn(ByForge, line{sort: s})
		reason = used(p.Now, p.ledger.from, by)
		if s == openings {
			p.rivals[teamOf(i)] = true
		}
	}
	if turn.At = at; at.After(p.Last) {
		p.Last = at
	}
	if s == openings {
		p.promised[i.Want.Decides]++
		p.claim(i)
	}
	held := i.outcome(Waiting, "", "%s", reason)
	held.Turn = turn
	return held
}

// tell fills in what is known once all were served. Whose turn it is among
// rivals depends on who was served last.
func (p *pacer) tell() {
	if len(p.rivals) > 1 && p.OpenedToday == nil && p.Uncounted == "" {
		p.AskOpened = true
	}
	for _, w := range p.held {
		w.Turn.Of = p.queued[w.line]
		w.Next = w.Turn.next(p.Now, verbs[w.line.sort])
	}
}
