package rollout

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/portreeve/portreeve/reconciler/fleet"
)

// Gated holds a decision back that changes something while a gate of its item is
// not open, and says what it waits for; asks are those that nobody has asked yet.
// What can't be asked is not open: nobody knows what the change would meet.
func Gated(i *Item, d Decision, answers map[fleet.Query]*fleet.Answer) (gated Decision, asks []fleet.Query) {
	if !changes(&d) {
		return d, nil
	}
	var shut []string
	for _, g := range i.Want.Gates {
		answer := answers[g.Query]
		switch {
		case answer == nil:
			asks = append(asks, g.Query)
		case answer.Unread != "":
			shut = append(shut, fmt.Sprintf("%s can't be asked: %s", g.Query.URL, answer.Unread))
		case len(answer.Samples) > 0:
			shut = append(shut, told(g, answer.Samples))
		}
	}
	shut = compacted(shut)
	switch {
	case len(asks) > 0:
		return Decision{Outcome: i.outcome(Waiting, "", "it is being asked whether it may be touched")}, asks
	case len(shut) > 0:
		return Decision{Outcome: i.outcome(Waiting, "looks again at each pass", "it may not be touched now: %s", strings.Join(shut, "; "))}, nil
	}
	return d, nil
}

// compacted is without what is said twice.
func compacted(all []string) []string {
	var out []string
	for _, s := range all {
		if !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	return out
}

var inBraces = regexp.MustCompile(`\{([a-z_]+)\}`)

// told is what a gate says of what its query returns, the first and how many more.
func told(g fleet.Gate, samples []fleet.Sample) string {
	first := samples[0]
	text := inBraces.ReplaceAllStringFunc(g.Why, func(name string) string {
		if name = strings.Trim(name, "{}"); name == "value" {
			return strconv.FormatFloat(first.Value, 'g', 4, 64)
		}
		return firstLine(first.Labels[name])
	})
	if more := len(samples) - 1; more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}
