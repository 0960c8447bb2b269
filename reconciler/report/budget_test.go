package report_test

import (
	"testing"
	"time"

	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/report"
	"github.com/portreeve/portreeve/reconciler/rollout"
)

func TestLeft(t *testing.T) {
	now := time.Date(2026, time.November, 22, 14, 0, 0, 0, time.UTC)
	a := fleet.Allowance{Limits: []fleet.Limit{
		{Of: fleet.Creations, Minutes: 1, Most: 80, Left: 80},
		{Of: fleet.Creations, Minutes: 60, Most: 500, Left: 480},
		{Of: fleet.Requests, Minutes: 60, Most: 5000, Left: 5000, Reset: now.Add(time.Minute)},
		{Of: fleet.Points, Minutes: 60, Most: 5000, Left: 5000},
		{Of: fleet.Queries, Minutes: 60, Most: 5000, Left: 12, Reset: now.Add(40 * time.Minute)},
	}}
	want := "480 of 500 new pull requests and comments, 5000 of 5000 requests, 12 of 5000 points for queries (all again at 14:40 UTC) left this hour"
	if got := report.Left(now, a); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if got := report.Left(now, fleet.Allowance{}); got != "" {
		t.Errorf("of nothing: %s", got)
	}
}

func TestQueue(t *testing.T) {
	now := time.Date(2026, time.November, 22, 14, 0, 0, 0, time.UTC)
	day := func(after time.Duration) *rollout.Turn {
		return &rollout.Turn{Bound: rollout.ByDay, At: now.Add(after)}
	}
	team := &rollout.Turn{Bound: rollout.ByTeam, Ended: 3}
	for want, turns := range map[string][]*rollout.Turn{
		"": nil,
		"2 daily limit, 1 team limit; about 14:20 UTC to 27 Nov 14:00 UTC": {day(120 * time.Hour), team, day(20 * time.Minute)},
		"1 daily limit; about 14:20 UTC":                                   {day(20 * time.Minute)},
		"2 team limit":                                                     {team, team},
		"1 forge's limit":                                                  {{Bound: rollout.ByForge}},
	} {
		if got := report.Queue(now, turns); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
