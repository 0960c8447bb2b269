package rollout

import (
	"fmt"
	"time"

	"github.com/portreeve/portreeve/reconciler/fleet"
)

// Bound is the limit that a change waits for.
type Bound string

const (
	ByTeam  Bound = "team"  // fleet.limits.openPerTeam
	ByDay   Bound = "day"   // fleet.limits.newPerDay
	ByHour  Bound = "hour"  // fleet.limits.updatesPerHour
	ByForge Bound = "forge" // what the forge grants
)

// Turn is when it is a waiting change's turn under the limits as they are, and
// if nothing comes before it that is not there yet. It is computed anew in each
// pass.
type Turn struct {
	Bound Bound `json:"bound"`
	// Place in the queue, from 1, Of so many. For a limit that counts a team's
	// pull requests the queue is the team's, else that of all changes of the sort.
	Place int `json:"place"`
	Of    int `json:"of"`
	// At is when the clock alone brings it; zero where people decide, or the
	// forge does not say.
	At time.Time `json:"at,omitzero"`
	// Ended is how many of the team's open pull requests have to end first.
	Ended int `json:"ended,omitempty"`
}

// next says in words what Turn says.
func (t *Turn) next(now time.Time, verb string) string {
	words := "is " + verb
	switch {
	case t.Ended == 1:
		words += " once one of them has ended"
	case t.Ended > 1:
		words += fmt.Sprintf(" once %d of them have ended", t.Ended)
	case t.Bound == ByTeam:
		words += " once it is known that there are fewer"
	case t.At.IsZero():
		words += " as soon as the limit lets it"
	default:
		words += " about " + Moment(now, t.At)
	}
	if t.Of > 1 {
		words += fmt.Sprintf(", %s of %d", ordinal(t.Place), t.Of)
	}
	if !t.At.IsZero() {
		words += ", if nothing comes before it"
	}
	return words
}

// Moment is a time to come as people say it, with its day if that is not now's.
func Moment(now, t time.Time) string {
	now, t = now.UTC(), t.UTC()
	if now.YearDay() == t.YearDay() && now.Year() == t.Year() {
		return t.Format("15:04 UTC")
	}
	return t.Format("2 Jan 15:04 UTC")
}

// used says that a limit of the forge is used up; m is nil where it asks to
// wait.
func used(now, from time.Time, m *meter) string {
	if m == nil {
		return "the forge asks to wait until " + Moment(now, from)
	}
	per := "a minute"
	if m.Minutes >= 60 {
		per = "an hour"
	}
	switch {
	case m.Of == fleet.Creations:
		return fmt.Sprintf("the forge's limit of %d new pull requests and comments %s is used up", m.Most, per)
	case m.Minutes >= 60:
		until := ""
		if !m.Reset.IsZero() {
			until = " until " + Moment(now, m.Reset)
		}
		return "the forge's hourly budget is used up" + until + ", but for a tenth that is kept to look with"
	}
	return "the forge's limit on requests a minute is used up"
}

func ordinal(n int) string {
	switch {
	case n%100/10 == 1:
	case n%10 == 1:
		return fmt.Sprintf("%dst", n)
	case n%10 == 2:
		return fmt.Sprintf("%dnd", n)
	case n%10 == 3:
		return fmt.Sprintf("%drd", n)
	}
	return fmt.Sprintf("%dth", n)
}

func counted(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
