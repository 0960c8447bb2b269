package rollout

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/portreeve/portreeve/reconciler/fleet"
)

const (
	// acknowledgeable is how far ahead the last day of an acknowledgement may
	// lie: what nobody has looked at for a year nobody knows of.
	acknowledgeable = 366 * day
	// endsSoon is how long before its end an acknowledgement is warned of.
	endsSoon = 14 * day
)

// Acknowledge holds what policies want acknowledged of a declaration against
// what it acknowledges, at a time. It gives what is still asked, and problems
// for people: what is asked, and what is wrong with an acknowledgement. That
// time passes never makes a problem worse than a warning, so that what was
// fine when it was committed fails no check by itself.
func Acknowledge(policies []fleet.Policy, d *fleet.Declaration, now time.Time) (asked []fleet.Ask, problems []fleet.Problem) {
	if len(d.Asks) == 0 && len(d.Acknowledged) == 0 {
		return nil, nil // as of most
	}
	wanted := map[string]bool{}
	for _, ask := range d.Asks {
		wanted[ask.Policy] = true
		a, written := d.Acknowledged[ask.Policy]
		if written && holds(a, now) {
			continue
		}
		asked = append(asked, ask)
		if !written {
			p := ask.Problem
			p.Hint = "change it, or write in it " + example([]string{ask.Policy}, now)
			problems = append(problems, p)
		}
	}
	for _, id := range slices.Sorted(maps.Keys(d.Acknowledged)) {
		if p := standing(policies, d, id, wanted[id], now); p.Message != "" {
			problems = append(problems, p)
		}
	}
	return asked, problems
}

// Acknowledged reports whether a declaration acknowledges a policy at a time.
func Acknowledged(d *fleet.Declaration, policy string, now time.Time) bool {
	a, written := d.Acknowledged[policy]
	return written && holds(a, now)
}

func holds(a fleet.Acknowledgement, now time.Time) bool {
	return now.Before(a.Until.Add(day)) && a.Until.Sub(now) <= acknowledgeable
}

// standing is what people are told of an acknowledgement, or nothing.
func standing(policies []fleet.Policy, d *fleet.Declaration, id string, wanted bool, now time.Time) fleet.Problem {
	a := d.Acknowledged[id]
	p := fleet.Problem{
		Severity: fleet.Warning, Code: "acknowledgement", Pos: a.Pos, Declaration: d.ID.String(), Field: a.Field,
	}
	var ids []string
	asks := wanted || len(d.Frozen) > 0 // of what is invalid no policy is asked
	for _, policy := range policies {
		ids = append(ids, policy.ID)
		asks = asks || policy.ID == id && policy.On == fleet.OnPlan && policy.Severity == fleet.Acknowledge
	}
	last := a.Until.Format(time.DateOnly)
	switch left := a.Until.Add(day).Sub(now); {
	case !slices.Contains(ids, id):
		p.Message, p.Hint = fmt.Sprintf("there is no policy %q", id), fleet.DidYouMean(id, ids)
	case !asks:
		p.Message, p.Hint = "policy "+id+" does not ask for this acknowledgement", "remove it"
	case left <= 0:
		p.Message, p.Hint = "the acknowledgement ended on "+last+": nothing new is done that it was for", "renew it, or change what it is about"
	case a.Until.Sub(now) > acknowledgeable:
		p.Severity = fleet.Error
		p.Message = fmt.Sprintf("found %s, expected a day within a year from now (%s)", last, now.UTC().Format(time.DateOnly))
	case left <= endsSoon:
		p.Message, p.Hint = "the acknowledgement ends on "+last+"; then nothing new is done that it is for", "renew it, or change what it is about"
	}
	return p
}
