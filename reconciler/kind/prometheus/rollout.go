package prometheus

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/kind"
)

// rolloutFields are a rollout as it is written.
type rolloutFields struct {
	Waves []struct {
		Clusters fleet.ClusterSelection `json:"clusters"`
		Share    string                 `json:"share"`
	} `json:"waves"`
	Soak    string `json:"soak"`
	Windows []struct {
		Days     []string `json:"days"`
		From     string   `json:"from"`
		Until    string   `json:"until"`
		Timezone string   `json:"timezone"`
	} `json:"windows"`
	MaxFailures int    `json:"maxFailures"`
	Resume      string `json:"resume"` // counts by being changed
}

var weekdays = []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}

// rollout is what is written as planning takes it; nil for none.
func (f *rolloutFields) rollout(source kind.Source) (*fleet.Rollout, []fleet.Problem) {
	if f == nil {
		return nil, nil
	}
	var problems []fleet.Problem
	report := func(field, hint, format string, args ...any) {
		problems = append(problems, source.Problem(self, codeValue, "rollout."+field, hint, format, args...))
	}
	r := &fleet.Rollout{MaxFailures: f.MaxFailures}
	for i, w := range f.Waves {
		share, err := fleet.ParseShare(w.Share)
		named := len(w.Clusters.Names)+len(w.Clusters.Labels) > 0
		if named == (w.Share != "") || w.Share != "" && (err != nil || !share.Percent || share.Number == 0) {
			report(fmt.Sprintf("waves[%d]", i), `for example {share: "25%"}`, "a wave is either clusters or a share of them")
		}
		r.Waves = append(r.Waves, fleet.Wave{Clusters: w.Clusters, Share: share.Number})
	}
	if f.Soak != "" {
		soak, err := duration(f.Soak)
		if err != nil || soak > 90*24*time.Hour {
			report("soak", "", "soak %q is no time of up to 90 days", f.Soak)
		}
		r.Soak = soak
	}
	for i, w := range f.Windows {
		field := fmt.Sprintf("windows[%d]", i)
		window := fleet.Window{From: minutes(w.From), Until: minutes(w.Until), Timezone: w.Timezone}
		if window.From < 0 || window.Until <= window.From {
			report(field+".until", "write two windows for a night", "the window ends (%s) before it begins (%s)", w.Until, w.From)
		}
		if _, err := time.LoadLocation(w.Timezone); err != nil || w.Timezone == "Local" {
			report(field+".timezone", `for example "Europe/London"`, "unknown time zone %q", w.Timezone)
		}
		for j, day := range w.Days {
			n := slices.Index(weekdays, day)
			if n < 0 {
				report(fmt.Sprintf("%s.days[%d]", field, j), fleet.DidYouMean(day, weekdays), "day is one of %q, not %q", weekdays, day)
			}
			window.Days = append(window.Days, time.Weekday(max(0, n)))
		}
		r.Windows = append(r.Windows, window)
	}
	return r, problems
}

// minutes are those of the day at a time such as "09:30"; -1 for no time.
func minutes(text string) int {
	hours, rest, _ := strings.Cut(text, ":")
	h, err := strconv.Atoi(hours)
	m, err2 := strconv.Atoi(rest)
	if err != nil || err2 != nil || h < 0 || m < 0 || m > 59 || h*60+m > 24*60 {
		return -1
	}
	return h*60 + m
}
