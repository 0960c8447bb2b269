package github

import "time"

// window is a limit of so many units in any span of time. A unit that is held
// counts as spent now, since the forge counts when a request reaches it, and
// that is not known before its answer.
type window struct {
	span  time.Duration
	limit int

	spent []expense // oldest first
	sum   int
	held  int
}

type expense struct {
	at    time.Time
	units int
}

// left is how many units can be held at now.
func (w *window) left(now time.Time) int {
	for len(w.spent) > 0 && !now.Before(w.spent[0].at.Add(w.span)) {
		w.sum -= w.spent[0].units
		w.spent = w.spent[1:]
	}
	return w.limit - w.sum - w.held
}

// earliest is when units will be left if nothing else is held: now, later, or
// zero if that depends on the units that are held.
func (w *window) earliest(now time.Time, units int) time.Time {
	missing := units - w.left(now)
	if missing <= 0 {
		return now
	}
	for _, e := range w.spent {
		if missing -= e.units; missing <= 0 {
			return e.at.Add(w.span)
		}
	}
	return time.Time{}
}

func (w *window) hold(units int) { w.held += units }

// settle turns held units into spent ones.
func (w *window) settle(now time.Time, units int) {
	w.held -= units
	if units == 0 {
		return
	}
	w.sum += units
	w.spent = append(w.spent, expense{now, units})
}
