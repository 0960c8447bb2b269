package rollout

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/portreeve/portreeve/reconciler/fleet"
)

// Hold is why nothing new is done for an item until a person acts: what
// policies found.
type Hold struct {
	Policies []string
	reasons  []string // of each
	final    bool     // one can't be acknowledged
}

// With is a hold, which may be nil, with what another policy found.
func (h *Hold) With(policy, reason string, severity fleet.Severity) *Hold {
	out := &Hold{}
	if h != nil {
		*out = *h
	}
	if slices.Contains(out.Policies, policy) {
		return out
	}
	out.Policies = append(slices.Clip(out.Policies), policy)
	out.reasons = append(slices.Clip(out.reasons), fmt.Sprintf("%s (policy %s)", reason, policy))
	out.final = out.final || severity == fleet.Error
	return out
}

// Reason says what policies found.
func (h *Hold) Reason() string {
	if h.final {
		return strings.Join(h.reasons, "; ")
	}
	return "needs acknowledgement: " + strings.Join(h.reasons, "; ")
}

// Next is who has to do what.
func (h *Hold) Next(now time.Time) string {
	if h.final {
		return "do it in smaller parts, or change what the settings say of the policy (fleet.policies)"
	}
	return "change it, or write in its declaration " + example(h.Policies, now)
}

// example is how policies are acknowledged, until the end of next month: a day
// that is not another one every day.
func example(policies []string, now time.Time) string {
	now = now.UTC()
	until := time.Date(now.Year(), now.Month()+2, 0, 0, 0, 0, 0, time.UTC).Format(time.DateOnly)
	var parts []string
	for _, id := range policies {
		parts = append(parts, fmt.Sprintf(`%q: {reason: "…", until: %q}`, id, until))
	}
	if len(parts) == 1 {
		return "acknowledge: " + parts[0]
	}
	return "acknowledge: {" + strings.Join(parts, ", ") + "}"
}
