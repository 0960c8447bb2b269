package rollout

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/portreeve/portreeve/reconciler/fleet"
)

// TestRollHolds draws clusters in all states, and holds what Roll leaves to an
// account of its own: nothing changes before its time, what may change does, and
// what ends is never held back.
func TestRollHolds(t *testing.T) {
	states := []string{"opens", "merges", "updates", "done", "merged 30m ago", "merged 90m ago", "review", "red", "red, updates", "declined", "failed", "closes"}
	forward := []string{"opens", "merges", "updates", "red, updates"}
	settled := []string{"done", "merged 30m ago", "merged 90m ago", "declined"}
	r := rand.New(rand.NewPCG(1, 2))
	went, held := 0, 0
	for round := range 20_000 {
		rollout := fleet.Rollout{Waves: make([]fleet.Wave, r.IntN(3)), MaxFailures: r.IntN(3)}
		if r.IntN(2) == 0 {
			rollout.Soak = time.Hour
		}
		shut := r.IntN(5) == 0
		if shut {
			rollout.Windows = []fleet.Window{{From: 0, Until: 60}}
		}
		var lanes []lane
		var lagging []Lagging
		d := &fleet.Declaration{ID: fleet.ID{Kind: "prometheus", Name: "k8s"}}
		for n := range 1 + r.IntN(6) {
			l := lane{name: fmt.Sprint("c", n), wave: 1 + r.IntN(len(rollout.Waves)+1), state: states[r.IntN(len(states))]}
			if r.IntN(10) == 0 {
				lagging = append(lagging, Lagging{ID: d.ID, Lane: fleet.Lane(l.name), Wave: l.wave, State: []State{Waiting, Failed, Out}[r.IntN(3)], Reason: "why"})
				continue
			}
			lanes = append(lanes, l)
		}
		tripped := r.IntN(20) == 0

		// The account: what may change now.
		failures := 0
		for _, l := range lanes {
			if l.state == "red" || l.state == "failed" {
				failures++
			}
		}
		for _, l := range lagging {
			if l.State == Failed {
				failures++
			}
		}
		may := func(l lane) bool {
			if tripped || failures > rollout.MaxFailures || shut {
				return false
			}
			for _, other := range lanes {
				if other.wave >= l.wave {
					continue
				}
				failed := other.state == "red" || other.state == "failed"
				if !failed && !slices.Contains(settled, other.state) || rollout.Soak > 0 && other.state == "merged 30m ago" {
					return false
				}
			}
			return !slices.ContainsFunc(lagging, func(g Lagging) bool { return g.Wave < l.wave && g.State == Waiting })
		}

		var items []*Item
		var decisions []Decision
		for _, l := range lanes {
			i, decision := l.made(d, &rollout)
			items, decisions = append(items, i), append(decisions, decision)
		}
		Roll(Settings{Now: at}, items, decisions, lagging, func(*fleet.Declaration) string {
			if tripped {
				return "it has tripped"
			}
			return ""
		})
		for n, l := range lanes {
			moves := len(decisions[n].Steps) > 0
			switch {
			case l.state == "closes" && !moves:
				t.Fatalf("round %d: %s may not end", round, l.name)
			case slices.Contains(forward, l.state) && moves != may(l):
				t.Fatalf("round %d: %+v moves: %v, of %+v, lagging %+v, %+v, %s", round, l, moves, lanes, lagging, rollout, decisions[n].Outcome.Reason)
			case slices.Contains(forward, l.state) && moves:
				went++
			case slices.Contains(forward, l.state):
				held++
			}
		}
	}
	if went < 1000 || held < 1000 {
		t.Errorf("%d went and %d were held: the account was hardly tried", went, held)
	}
}
