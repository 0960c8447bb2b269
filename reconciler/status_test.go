package reconciler

import (
	"testing"
	"time"

	"github.com/portreeve/portreeve/reconciler/fleet"
)

// TestStaleness holds that a commit status counts what is held and frozen, and
// names the newest revision that something is held at.
func TestStaleness(t *testing.T) {
	noon := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	at := func(rev fleet.Revision, hours int) fleet.Stale {
		return fleet.Stale{Held: true, Revision: rev, Time: noon.Add(time.Duration(hours) * time.Hour)}
	}
	for want, all := range map[string][]fleet.Stale{
		"2 frozen":                              {{}, {Revision: "aaaaaaaaaa"}},
		"1 held at aaaaaaa, 0 frozen":           {at("aaaaaaaaaa", 1)},
		"2 held at aaaaaaa, 1 frozen":           {at("aaaaaaaaaa", 1), {}, at("aaaaaaaaaa", 1)},
		"3 held at ccccccc and older, 0 frozen": {at("bbbbbbbbbb", 1), at("cccccccccc", 3), at("aaaaaaaaaa", 2)},
	} {
		if got := staleness(all); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
