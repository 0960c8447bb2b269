package reconciler

import (
	"testing"
	"time"

	"github.com/portreeve/portreeve/reconciler/fleet"
)

// TestPause proves when looking gives way: only when an hour's limit is nearly
// used up, and then so that what is left of it lasts until its reset.
func TestPause(t *testing.T) {
	now := time.Date(2026, time.November, 22, 14, 0, 0, 0, time.UTC)
	reset := now.Add(30 * time.Minute)
	left := func(n int) fleet.Allowance {
		return fleet.Allowance{Limits: []fleet.Limit{
			{Of: fleet.Creations, Minutes: 60, Most: 500, Reset: reset},
			{Of: fleet.Points, Minutes: 1, Most: 900},
			{Of: fleet.Queries, Minutes: 60, Most: 5000, Left: n, Reset: reset},
		}}
	}
	for name, c := range map[string]struct {
		before, after fleet.Allowance
		minutes       int // of the pause
		reason        string
	}{
		"plenty":             {left(1350), left(1250), 0, ""},
		"a quarter":          {left(1300), left(1200), 4, "1200 of the forge's 5000 queries an hour are left until 14:30 UTC, so the fleet is looked at less often"},
		"a pass is cheap":    {left(1203), left(1200), 0, ""},
		"one more":           {left(700), left(600), 30, "600 of the forge's 5000 queries an hour are left until 14:30 UTC, so the fleet is looked at less often"},
		"not even one":       {left(650), left(550), 30, "550 of the forge's 5000 queries an hour are left until 14:30 UTC, which carries no further look"},
		"nothing":            {left(0), left(0), 30, "0 of the forge's 5000 queries an hour are left until 14:30 UTC, which carries no further look"},
		"blocked":            {left(5000), fleet.Allowance{Blocked: now.Add(10 * time.Minute)}, 10, "the forge asks to wait"},
		"blocked for a year": {left(5000), fleet.Allowance{Blocked: now.AddDate(1, 0, 0)}, 65, "the forge asks to wait"},
		"nothing is known":   {},
	} {
		p := pauseAfter(now, c.before, c.after)
		switch {
		case c.minutes == 0:
			if p != nil {
				t.Errorf("%s: a pause until %v: %s", name, p.Until, p.Reason)
			}
		case p == nil:
			t.Errorf("%s: no pause", name)
		case int(p.Until.Sub(now).Minutes()) != c.minutes || p.Reason != c.reason:
			t.Errorf("%s: %v: %s", name, p.Until.Sub(now), p.Reason)
		}
	}
}
