package rollout_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/rollout"
)

// paced is a fleet in which nobody acts: what is opened stays open. Time goes
// from pass to pass.
type paced struct {
	t      *testing.T
	now    time.Time
	limits fleet.Limits
	forge  []fleet.Limit // of which Left and Back are made anew each time
	items  []*rollout.Item
	opened []fleet.Opening
}

func newPaced(t *testing.T, repos map[string]int) *paced {
	p := &paced{t: t, now: now}
	for n, name := range slices.Sorted(maps.Keys(repos)) {
		for r := range repos[name] {
			i, _ := itemFile{
				ID: "migration/" + name, Repo: fmt.Sprintf("acme/%s-%04d", name, r), Team: fmt.Sprint("team", r%7),
				Changed: time.Duration(n) * time.Hour,
			}.item()
			p.items = append(p.items, i)
		}
	}
	return p
}

// pass makes a pass, and opens what it says, a tenth of a second each.
func (p *paced) pass() (rollout.Paced, []rollout.Decision) {
	settings := rollout.Settings{Now: p.now, Mode: fleet.Propose}
	decisions := make([]rollout.Decision, len(p.items))
	for n, i := range p.items {
		decisions[n] = rollout.Decide(settings, i)
	}
	b := rollout.Bounds{Now: p.now, Limits: p.limits, OpenedToday: &fleet.Openings{}}
	for _, o := range p.opened {
		if !o.At.Before(p.now.Add(-24 * time.Hour)) {
			b.OpenedToday.Told = append(b.OpenedToday.Told, o)
		}
	}
	b.OpenedToday.Count = len(b.OpenedToday.Told)
	for _, l := range p.forge {
		l.Left = l.Most
		for _, o := range p.opened {
			if back := o.At.Add(l.Span()); back.After(p.now) {
				l.Left--
				l.Back = append(l.Back, fleet.Return{At: back, Units: 1})
			}
		}
		b.Allowance.Limits = append(b.Allowance.Limits, l)
	}
	got := rollout.Pace(b, p.items, decisions)
	for _, n := range got.Order {
		p.now = p.now.Add(100 * time.Millisecond)
		i := p.items[n]
		i.Pull = &fleet.PullRequest{
			State: fleet.PullOpen, Created: p.now.Truncate(time.Second), Base: "main", BaseCommit: "b1", Mergeable: fleet.MergeableYes,
			HeadTree: "t1", HeadMessage: decisions[n].Steps[0].Message,
		}
		i.Want.Merge, i.SameText = fleet.MergeManual, true
		p.opened = append(p.opened, fleet.Opening{Repo: i.Listing.Name, Branch: i.BranchName(), At: i.Pull.Created})
	}
	p.hold()
	return got, decisions
}

// hold holds what was opened to the limits.
func (p *paced) hold() {
	limits := p.forge
	if p.limits.NewPerDay > 0 {
		limits = append(slices.Clone(limits), fleet.Limit{Minutes: 24 * 60, Most: p.limits.NewPerDay})
	}
	for _, l := range limits {
		if n := len(p.opened) - 1 - l.Most; n >= 0 && p.opened[len(p.opened)-1].At.Sub(p.opened[n].At) < l.Span() {
			p.t.Fatalf("more than %d in %d minutes", l.Most, l.Minutes)
		}
	}
}

// next is when the next pass begins: at the next turn, or in a while.
func (p *paced) next(decisions []rollout.Decision) {
	next := p.now.Add(3 * time.Hour)
	for n := range decisions {
		if t := decisions[n].Outcome.Turn; t != nil && !t.At.IsZero() && t.At.Before(next) {
			next = t.At
		}
	}
	if soon := p.now.Add(time.Second); next.Before(soon) {
		next = soon
	}
	p.now = next
}

// TestTurnsComeTrue proves, for fleets in which nobody acts, that each change
// has its turn when the first pass said it would.
func TestTurnsComeTrue(t *testing.T) {
	minute, hour := fleet.Limit{Of: fleet.Creations, Minutes: 1, Most: 80}, fleet.Limit{Of: fleet.Creations, Minutes: 60, Most: 500}
	for name, c := range map[string]struct {
		limits fleet.Limits
		forge  []fleet.Limit
		// late is how much a turn may come late: a pass over many steps takes
		// a while, and what it opens late comes back late.
		late time.Duration
	}{
		"the forge's limits": {forge: []fleet.Limit{minute, hour}, late: 20 * time.Second},
		"a day's limit":      {limits: fleet.Limits{NewPerDay: 200}, late: 2 * time.Minute},
		"all":                {limits: fleet.Limits{NewPerDay: 300, OpenPerTeam: 90}, forge: []fleet.Limit{minute, hour}, late: 2 * time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPaced(t, map[string]int{"large": 700, "middle": 250, "small": 45, "tiny": 5})
			p.limits, p.forge = c.limits, c.forge
			first := map[fleet.RepoName]rollout.Turn{}
			for passes := 0; ; passes++ {
				got, decisions := p.pass()
				if passes == 0 {
					for n := range decisions {
						if turn := decisions[n].Outcome.Turn; turn != nil {
							first[p.items[n].Listing.Name] = *turn
						}
					}
				}
				if len(got.Order) == 0 && got.Last.IsZero() {
					break
				}
				if passes > 3000 {
					t.Fatalf("no end: %d opened", len(p.opened))
				}
				p.next(decisions)
			}
			opened := map[fleet.RepoName]time.Time{}
			for _, o := range p.opened {
				opened[o.Repo] = o.At
			}
			if want := len(p.items); c.limits.OpenPerTeam == 0 && len(opened) != want {
				t.Errorf("%d opened, want %d", len(opened), want)
			}
			for repo, turn := range first {
				at, ever := opened[repo]
				switch early := turn.At.Sub(at); {
				case turn.Bound == rollout.ByTeam && (ever || !turn.At.IsZero()):
					t.Errorf("%s was to wait for people, until %v, and came %v", repo, turn.At, at)
				case turn.Bound != rollout.ByTeam && (!ever || early > time.Second || -early > c.late):
					t.Errorf("%s: %dth of %d came %v, and was to come %v", repo, turn.Place, turn.Of, at, turn.At)
				}
			}
		})
	}
}

// TestNobodyStarves lets one through at a time: each declaration gets as many
// as any other until it has no more.
func TestNobodyStarves(t *testing.T) {
	repos := map[string]int{"aa": 60, "bb": 3, "cc": 40, "dd": 1}
	p := newPaced(t, repos)
	p.forge = []fleet.Limit{{Of: fleet.Creations, Minutes: 1, Most: 1}}
	for range 60 + 3 + 40 + 1 {
		if got, _ := p.pass(); len(got.Order) != 1 {
			t.Fatalf("%d at once", len(got.Order))
		}
		p.now = p.now.Add(time.Minute)
	}
	served := map[string]int{}
	for n, o := range p.opened {
		name := string(o.Repo[len("acme/"):])[:2]
		served[name]++
		for other, most := range repos {
			if served[other] < most && served[other] < served[name]-1 {
				t.Fatalf("opening %d is the %dth of %s, while %s has had %d of %d", n, served[name], name, other, served[other], most)
			}
		}
	}
}

// TestPaceIsStable proves that the order of the items decides nothing.
func TestPaceIsStable(t *testing.T) {
	told := func(seed uint64) string {
		p := newPaced(t, map[string]int{"large": 30, "small": 7})
		p.limits, p.forge = fleet.Limits{OpenPerTeam: 4}, []fleet.Limit{{Of: fleet.Creations, Minutes: 1, Most: 20}}
		rng := rand.New(rand.NewPCG(seed, seed))
		rng.Shuffle(len(p.items), func(a, b int) { p.items[a], p.items[b] = p.items[b], p.items[a] })
		items := slices.Clone(p.items)
		got, decisions := p.pass()
		var lines []string
		for n := range decisions {
			lines = append(lines, fmt.Sprintf("%s %s", items[n].Listing.Name, decisions[n].Outcome.Next))
		}
		slices.Sort(lines)
		for _, n := range got.Order {
			lines = append(lines, string(items[n].Listing.Name))
		}
		return fmt.Sprint(lines)
	}
	want := told(0)
	for seed := range uint64(20) {
		if got := told(seed); got != want {
			t.Fatalf("seed %d:\n%s\nwant:\n%s", seed, got, want)
		}
	}
}

// BenchmarkPace is a pass over 10,000 changes of which most wait.
func BenchmarkPace(b *testing.B) {
	p := newPaced(nil, map[string]int{"a": 4000, "b": 3000, "c": 3000})
	settings := rollout.Settings{Now: now, Mode: fleet.Propose}
	bounds := rollout.Bounds{Now: now, Limits: fleet.Limits{NewPerDay: 200, OpenPerTeam: 1000}, OpenedToday: &fleet.Openings{}}
	bounds.Allowance.Limits = []fleet.Limit{
		{Of: fleet.Creations, Minutes: 1, Most: 80, Left: 80},
		{Of: fleet.Creations, Minutes: 60, Most: 500, Left: 500},
		{Of: fleet.Points, Minutes: 1, Most: 900, Left: 900},
		{Of: fleet.Requests, Minutes: 60, Most: 5000, Left: 5000},
	}
	decisions := make([]rollout.Decision, len(p.items))
	for b.Loop() {
		b.StopTimer()
		for n, i := range p.items {
			decisions[n] = rollout.Decide(settings, i)
		}
		b.StartTimer()
		rollout.Pace(bounds, p.items, decisions)
	}
}

// TestAsideComesLast holds that a step about no pull request takes of the same
// limits as all else, and waits where they are used up.
func TestAsideComesLast(t *testing.T) {
	p := newPaced(t, map[string]int{"greet": 2})
	p.forge = []fleet.Limit{{Of: fleet.Creations, Minutes: 60, Most: 3}}
	got, _ := p.pass()
	if len(got.Order) != 2 {
		t.Fatalf("%d were opened", len(got.Order))
	}
	spent := got.Spends
	ask := rollout.Step{Action: rollout.OpenIssue}
	if why, _ := got.Aside(&ask); why != "" || got.Spends != spent.Plus(ask.Cost()) {
		t.Errorf("one is left, and it waits: %s; %+v", why, got.Spends)
	}
	why, next := got.Aside(&ask)
	if why != "the forge's limit of 3 new pull requests and comments an hour is used up" || next != "is done about 13:00 UTC, if nothing comes before it" {
		t.Errorf("none is left: %q, %q", why, next)
	}
	if why, _ := got.Aside(&rollout.Step{Action: rollout.Grant}); why != "" {
		t.Errorf("it takes nothing of that limit, and waits: %s", why)
	}
}
