package rollout

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/kind"
)

// at is a Thursday.
var at = time.Date(2026, time.November, 26, 12, 0, 0, 0, time.UTC)

// lane is one cluster of a case: its wave, how it stands, and what is said of it
// afterwards.
type lane struct {
	name  string
	wave  int
	state string // "opens", "merges", "updates", "done", "merged 30m ago", "review", "red", "red, updates", "declined", "failed", "closes"
	want  string // part of the outcome; empty for what stays as it is
}

func (l lane) made(d *fleet.Declaration, r *fleet.Rollout) (*Item, Decision) {
	i := &Item{ID: d.ID, Lane: fleet.Lane(l.name), Declaration: d, Rollout: r, Wave: l.wave, Listing: fleet.Repo{Name: "acme/clusters"}, Want: kind.Want{}}
	open := func() { i.Pull = &fleet.PullRequest{Number: 7, State: fleet.PullOpen} }
	red := func() {
		open()
		i.Pull.Checks = []fleet.Check{{Name: "lint", State: fleet.CheckSuccess}, {Name: "test", State: fleet.CheckFailure}}
	}
	step := func(a Action) Decision {
		return Decision{Outcome: i.outcome(Change, "", "%s", l.state), Steps: []Step{{Action: a}}}
	}
	state, ago, _ := strings.Cut(l.state, " ")
	switch state {
	case "opens":
		return i, step(Open)
	case "merges":
		open()
		return i, step(Merge)
	case "updates":
		open()
		return i, step(Update)
	case "closes":
		open()
		return i, step(Close)
	case "red,":
		red()
		return i, step(Update)
	case "red":
		red()
		return i, Decision{Outcome: i.outcome(Blocked, "", "in #7 test fails")}
	case "review":
		open()
		return i, Decision{Outcome: i.outcome(Review, "", "open")}
	case "merged":
		since, err := time.ParseDuration(strings.TrimSuffix(ago, " ago"))
		if err != nil {
			panic(err)
		}
		i.Pull = &fleet.PullRequest{Number: 7, State: fleet.PullMerged, Closed: at.Add(-since)}
		return i, Decision{Outcome: i.outcome(Done, "", "as declared")}
	case "declined":
		return i, Decision{Outcome: i.outcome(Declined, "", "kim closed it")}
	case "failed":
		return i, Decision{Outcome: i.outcome(Failed, "", "it is too large")}
	}
	return i, Decision{Outcome: i.outcome(Done, "", "as declared")}
}

// TestRoll: what goes in waves waits for those before it, their soak and a
// window, and stops where it has failed too often.
func TestRoll(t *testing.T) {
	three := fleet.Rollout{Waves: []fleet.Wave{{Share: 10}, {Share: 50}}, Soak: time.Hour}
	weekdays := []time.Weekday{time.Monday, time.Tuesday, time.Wednesday, time.Thursday, time.Friday}
	cases := map[string]struct {
		rollout fleet.Rollout
		lanes   []lane
		lagging []Lagging
		tripped string
		trips   string
	}{
		"the first wave goes, the others wait": {rollout: three, lanes: []lane{
			{"a", 1, "opens", ""}, {"b", 2, "opens", "wave 2 of 3, and wave 1 is not through: a"}, {"c", 3, "opens", "wave 3 of 3, and wave 1 is not through: a"},
		}},
		"a review is not through, and two are counted": {rollout: three, lanes: []lane{
			{"a", 1, "review", ""}, {"b", 1, "review", ""}, {"c", 2, "opens", "a and 1 more"}, {"d", 2, "updates", "wave 1 is not through"}, {"e", 3, "merges", "wave 1 is not through"},
		}},
		"what ends, ends": {rollout: three, lanes: []lane{{"a", 1, "review", ""}, {"b", 2, "closes", ""}}},
		"a no is a no, and what is as declared is through": {rollout: three, lanes: []lane{
			{"a", 1, "declined", ""}, {"b", 1, "done", ""}, {"c", 2, "opens", ""}, {"d", 3, "opens", "wave 2 is not through: c"},
		}},
		"it soaks":      {rollout: three, lanes: []lane{{"a", 1, "merged 30m ago", ""}, {"b", 2, "opens", "the wave before it soaks"}}},
		"it has soaked": {rollout: three, lanes: []lane{{"a", 1, "merged 61m ago", ""}, {"b", 2, "opens", ""}}},
		"the last merge counts": {rollout: three, lanes: []lane{
			{"a", 1, "merged 300m ago", ""}, {"b", 2, "merged 10m ago", ""}, {"c", 3, "merges", "soaks"},
		}},
		"a later wave's merge holds no earlier one": {rollout: three, lanes: []lane{{"a", 1, "opens", ""}, {"b", 3, "merged 10m ago", ""}}},
		"what could not be read is not through": {
			rollout: three, lanes: []lane{{"b", 2, "opens", "wave 1 is not through: a"}},
			lagging: []Lagging{{ID: fleet.ID{Kind: "prometheus", Name: "k8s"}, Lane: "a", Wave: 1, State: Waiting}},
		},
		"what is out is none": {
			rollout: three, lanes: []lane{{"b", 2, "opens", ""}},
			lagging: []Lagging{{ID: fleet.ID{Kind: "prometheus", Name: "k8s"}, Lane: "a", Wave: 1, State: Out}},
		},
		"another's does not count": {
			rollout: three, lanes: []lane{{"b", 2, "opens", ""}},
			lagging: []Lagging{{ID: fleet.ID{Kind: "prometheus", Name: "other"}, Lane: "a", Wave: 1, State: Waiting}},
		},
		"a red check trips": {
			rollout: three, lanes: []lane{{"a", 1, "red", ""}, {"b", 1, "merges", "the breaker has tripped: a: in #7 test fails"}, {"c", 2, "opens", "tripped"}, {"d", 1, "closes", ""}},
			trips: "[a: in #7 test fails]",
		},
		"one that is made anew has not failed yet": {rollout: three, lanes: []lane{{"a", 1, "red, updates", ""}, {"b", 2, "opens", "wave 1 is not through: a"}}},
		"so many may fail": {
			rollout: fleet.Rollout{Waves: three.Waves, MaxFailures: 1},
			lanes:   []lane{{"a", 1, "red", ""}, {"b", 2, "opens", ""}},
		},
		"and not one more": {
			rollout: fleet.Rollout{Waves: three.Waves, MaxFailures: 1},
			lanes:   []lane{{"a", 1, "red", ""}, {"b", 2, "opens", "tripped"}},
			lagging: []Lagging{{ID: fleet.ID{Kind: "prometheus", Name: "k8s"}, Lane: "c", Wave: 3, State: Failed, Reason: "no such repo"}},
			trips:   "[a: in #7 test fails c: no such repo]",
		},
		"one that can't be edited trips": {rollout: three, lanes: []lane{{"a", 2, "failed", ""}, {"b", 1, "opens", "a: it is too large"}}, trips: "[a: it is too large]"},
		"a breaker stays tripped when the failure has passed": {
			rollout: three, lanes: []lane{{"a", 1, "merges", "see #3"}, {"b", 2, "opens", "see #3"}}, tripped: "its breaker has tripped, see #3",
		},
		"outside its windows nothing begins": {
			rollout: fleet.Rollout{Windows: []fleet.Window{{Days: weekdays, From: 13 * 60, Until: 16 * 60}}},
			lanes:   []lane{{"a", 1, "opens", "outside the windows"}, {"b", 1, "closes", ""}, {"c", 1, "merges", "outside the windows"}},
		},
		"in one of its windows it does": {
			rollout: fleet.Rollout{Windows: []fleet.Window{{Days: weekdays[:1], From: 0, Until: 24 * 60}, {From: 12 * 60, Until: 12*60 + 1}}},
			lanes:   []lane{{"a", 1, "opens", ""}},
		},
		"a window is in its time zone": {
			rollout: fleet.Rollout{Windows: []fleet.Window{{From: 20 * 60, Until: 22 * 60, Timezone: "Asia/Tokyo"}}},
			lanes:   []lane{{"a", 1, "opens", ""}},
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			d := &fleet.Declaration{ID: fleet.ID{Kind: "prometheus", Name: "k8s"}}
			var items []*Item
			var decisions, before []Decision
			for _, l := range c.lanes {
				i, decision := l.made(d, &c.rollout)
				items, decisions, before = append(items, i), append(decisions, decision), append(before, decision)
			}
			trips := Roll(Settings{Now: at}, items, decisions, c.lagging, func(*fleet.Declaration) string { return c.tripped })
			for n, l := range c.lanes {
				got := decisions[n]
				switch {
				case l.want == "" && (got.Outcome.Reason != before[n].Outcome.Reason || len(got.Steps) != len(before[n].Steps)):
					t.Errorf("%s: %s %q, expected it as it was", l.name, got.Outcome.State, got.Outcome.Reason)
				case l.want != "" && (!strings.Contains(got.Outcome.Reason, l.want) || len(got.Steps) > 0):
					t.Errorf("%s: %s %q with %d steps, expected %q", l.name, got.Outcome.State, got.Outcome.Reason, len(got.Steps), l.want)
				}
			}
			told := ""
			for _, trip := range trips {
				told += fmt.Sprint(trip.Failures)
			}
			if told != c.trips {
				t.Errorf("trips %q, expected %q", told, c.trips)
			}
		})
	}
}

// TestWindowNext: the next window is found over days, weeks and summer time.
func TestWindowNext(t *testing.T) {
	day := func(text string) time.Time {
		at, err := time.Parse("2006-01-02 15:04 MST", text)
		if err != nil {
			t.Fatal(err)
		}
		return at
	}
	for _, c := range []struct {
		window    fleet.Window
		now, next string
	}{
		{fleet.Window{From: 9 * 60, Until: 16 * 60}, "2026-11-26 08:00 UTC", "2026-11-26 09:00 UTC"},
		{fleet.Window{From: 9 * 60, Until: 16 * 60}, "2026-11-26 17:00 UTC", "2026-11-27 09:00 UTC"},
		{fleet.Window{Days: []time.Weekday{time.Monday}, From: 9 * 60, Until: 16 * 60}, "2026-11-26 12:00 UTC", "2026-11-30 09:00 UTC"},
		{fleet.Window{Days: []time.Weekday{time.Thursday}, From: 9 * 60, Until: 10 * 60}, "2026-11-26 12:00 UTC", "2026-12-03 09:00 UTC"},
		{fleet.Window{From: 9 * 60, Until: 10 * 60, Timezone: "Europe/London"}, "2026-03-28 12:00 UTC", "2026-03-29 08:00 UTC"},
	} {
		if got := c.window.Next(day(c.now)); !got.Equal(day(c.next)) {
			t.Errorf("%+v at %s: %s, expected %s", c.window, c.now, got.UTC(), c.next)
		}
	}
}
