package report

import (
	"fmt"
	"strings"
	"time"

	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/rollout"
)

// units are what a forge's limits count, in words.
var units = map[fleet.Unit]string{
	fleet.Creations: "new pull requests and comments",
	fleet.Requests:  "requests",
	fleet.Queries:   "points for queries",
}

// Left says what the forge's hourly limits leave; empty if none is known.
func Left(now time.Time, a fleet.Allowance) string {
	var parts []string
	for _, l := range a.Limits {
		if units[l.Of] == "" || l.Minutes < 60 {
			continue
		}
		part := fmt.Sprintf("%d of %d %s", l.Left, l.Most, units[l.Of])
		if l.Left < l.Most && l.Reset.After(now) {
			part += " (all again at " + rollout.Moment(now, l.Reset) + ")"
		}
		parts = append(parts, part)
	}
	if len(parts) == 0 {
		return ""
	}
	return strings.Join(parts, ", ") + " left this hour"
}

// bounds are what changes wait for, in words.
var bounds = []struct {
	of    rollout.Bound
	words string
}{{rollout.ByDay, "daily limit"}, {rollout.ByTeam, "team limit"}, {rollout.ByForge, "forge's limit"}}

// Queue says what changes with a turn wait for, and when the clock brings the
// first and the last of them; empty if there are none.
func Queue(now time.Time, turns []*rollout.Turn) string {
	count := map[rollout.Bound]int{}
	var first, last time.Time
	for _, t := range turns {
		count[t.Bound]++
		if t.At.IsZero() {
			continue
		}
		if first.IsZero() || t.At.Before(first) {
			first = t.At
		}
		if t.At.After(last) {
			last = t.At
		}
	}
	var parts []string
	for _, b := range bounds {
		if n := count[b.of]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, b.words))
		}
	}
	words := strings.Join(parts, ", ")
	switch from, to := rollout.Moment(now, first), rollout.Moment(now, last); {
	case first.IsZero():
	case from == to:
		words += "; about " + from
	default:
		words += "; about " + from + " to " + to
	}
	return words
}
