package main

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/plan"
	"github.com/portreeve/portreeve/reconciler/report"
	"github.com/portreeve/portreeve/reconciler/rollout"
	"github.com/portreeve/portreeve/reconciler/store"
)

// queues are the turns of what waits for a limit, by declaration.
func queues(p *plan.Plan) map[string][]*rollout.Turn {
	all := map[string][]*rollout.Turn{}
	for i := range p.Outcomes {
		if o := &p.Outcomes[i]; o.Turn != nil {
			all[declaration(o)] = append(all[declaration(o)], o.Turn)
		}
	}
	return all
}

// paceSummary says what the steps take, and how long it goes on.
func paceSummary(p *plan.Plan) string {
	var parts []string
	if n := p.Budget.Spends.Creations; n > 0 {
		part := count(n, "new PR or comment")
		if n > 1 {
			part = fmt.Sprintf("%d new PRs and comments", n)
		}
		if left, known := hourly(p.Budget.Allowance); known {
			part = fmt.Sprintf("%s of %d left this hour", part, left)
		}
		parts = append(parts, part)
	}
	runs := 0
	for _, s := range p.Steps {
		if s.Action == rollout.Open || s.Action == rollout.Update {
			runs++
		}
	}
	if runs > 0 {
		parts = append(parts, "~"+count(runs, "CI run"))
	}
	if last := p.Budget.Last; !last.IsZero() {
		parts = append(parts, "last turn about "+rollout.Moment(p.Observed, last))
	}
	if len(parts) == 0 {
		return ""
	}
	return " · " + strings.Join(parts, " · ")
}

// hourly is what the hour's limit on creations leaves.
func hourly(a fleet.Allowance) (left int, known bool) {
	for _, l := range a.Limits {
		if l.Of == fleet.Creations && l.Minutes == 60 {
			return l.Left, true
		}
	}
	return 0, false
}

// printWaits says what the whole fleet waits for.
func printWaits(w io.Writer, pass *store.Pass) {
	if p := pass.Pause; p != nil {
		fmt.Fprintln(w, safe(fmt.Sprintf("next pass not before %s: %s", rollout.Moment(pass.Finished, p.Until), p.Reason)))
	}
	if pass.Unbegun > 0 {
		fmt.Fprintf(w, "%s left for the next pass\n", count(pass.Unbegun, "step"))
	}
}

// printForge says what the forge's limits leave.
func printForge(w io.Writer, now time.Time, p *plan.Plan) {
	if left := report.Left(now, p.Budget.Allowance); left != "" {
		fmt.Fprintln(w, "forge: "+left)
	}
}
