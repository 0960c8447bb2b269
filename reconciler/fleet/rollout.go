package fleet

import (
	"crypto/sha256"
	"encoding/binary"
	"slices"
	"time"
)

// Rollout is how a change goes over the clusters of a declaration.
type Rollout struct {
	Waves   []Wave        `json:"waves,omitempty"`
	Soak    time.Duration `json:"soak,omitempty"` // after the last merge of a wave, before the next begins
	Windows []Window      `json:"windows,omitempty"`
	// MaxFailures is on how many clusters it may fail before nothing goes on.
	MaxFailures int `json:"maxFailures,omitempty"`
}

// Wave takes clusters that no wave before it takes.
type Wave struct {
	Clusters ClusterSelection `json:"clusters,omitzero"`
	Share    int              `json:"share,omitempty"` // in percent, by a hash; 0 for none
}

// WaveOf is the wave of a cluster, from 1; what none takes is of the last.
func (r *Rollout) WaveOf(id ID, name ClusterName, c *Cluster) int {
	for i, w := range r.Waves {
		if _, ok := w.Clusters.Selects(name, c); ok || w.Share > 0 && draw(id, name) < w.Share {
			return i + 1
		}
	}
	return len(r.Waves) + 1
}

// draw is a number under 100 that stays the same for a declaration's cluster.
func draw(id ID, name ClusterName) int {
	sum := sha256.Sum256([]byte(id.String() + "\n" + string(name)))
	return int(binary.BigEndian.Uint32(sum[:4]) % 100)
}

// Window is a time of the day, on some days of the week, at which something may
// change.
type Window struct {
	Days        []time.Weekday `json:"days,omitempty"` // none are all
	From, Until int            // minutes of the day
	Timezone    string         // IANA name; UTC when empty
}

// zone is the window's; one that is not known is UTC, for what is not valid is
// not loaded.
func (w Window) zone() *time.Location {
	zone, err := time.LoadLocation(w.Timezone)
	if err != nil {
		return time.UTC
	}
	return zone
}

// Open reports whether a moment is in the window.
func (w Window) Open(now time.Time) bool {
	now = now.In(w.zone())
	minute := now.Hour()*60 + now.Minute()
	return w.on(now) && w.From <= minute && minute < w.Until
}

func (w Window) on(t time.Time) bool { return len(w.Days) == 0 || slices.Contains(w.Days, t.Weekday()) }

// Next is when the window opens next.
func (w Window) Next(now time.Time) time.Time {
	now = now.In(w.zone())
	for day := range 8 {
		y, m, d := now.AddDate(0, 0, day).Date()
		opens := time.Date(y, m, d, w.From/60, w.From%60, 0, 0, w.zone())
		if w.on(opens) && opens.After(now) {
			return opens
		}
	}
	return now // there is none
}

// Closed says until when nothing may change; zero for now.
func (r *Rollout) Closed(now time.Time) time.Time {
	var next time.Time
	for _, w := range r.Windows {
		if w.Open(now) {
			return time.Time{}
		}
		if at := w.Next(now); next.IsZero() || at.Before(next) {
			next = at
		}
	}
	return next
}
