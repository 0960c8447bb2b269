package rollout

import (
	"strings"
	"testing"

	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/kind"
)

// TestGated: nothing changes while a gate returns something, or can't be asked.
func TestGated(t *testing.T) {
	lag := fleet.Gate{Query: fleet.Query{URL: "https://p", Expr: "lag > 30"}, Why: "the queue {remote_name} is {value} s behind"}
	alerts := fleet.Gate{Query: fleet.Query{URL: "https://p", Expr: "ALERTS"}, Why: "{alertname} fires"}
	sample := func(name string, value float64) fleet.Sample {
		return fleet.Sample{Labels: map[string]string{"remote_name": name, "alertname": name + "\nINJECTED"}, Value: value}
	}
	for name, c := range map[string]struct {
		step    Action
		gates   []fleet.Gate
		answers map[fleet.Query]*fleet.Answer
		want    string // part of the reason; empty for what stays
		asks    int
	}{
		"none":                            {Open, nil, nil, "", 0},
		"nobody asked":                    {Open, []fleet.Gate{lag, alerts}, nil, "being asked", 2},
		"one was asked":                   {Merge, []fleet.Gate{lag, alerts}, map[fleet.Query]*fleet.Answer{lag.Query: {}}, "being asked", 1},
		"open":                            {Open, []fleet.Gate{lag}, map[fleet.Query]*fleet.Answer{lag.Query: {}}, "", 0},
		"shut":                            {Update, []fleet.Gate{lag}, map[fleet.Query]*fleet.Answer{lag.Query: {Samples: []fleet.Sample{sample("m", 341.25), sample("n", 40)}}}, "the queue m is 341.2 s behind and 1 more", 0},
		"cannot be asked":                 {Open, []fleet.Gate{lag, lag}, map[fleet.Query]*fleet.Answer{lag.Query: {Unread: "connection refused"}}, "it may not be touched now: https://p can't be asked: connection refused", 0},
		"hostile":                         {Open, []fleet.Gate{alerts}, map[fleet.Query]*fleet.Answer{alerts.Query: {Samples: []fleet.Sample{sample("m", 1)}}}, "m fires", 0},
		"what ends, ends":                 {Close, []fleet.Gate{lag}, nil, "", 0},
		"a text is reworded all the same": {Reword, []fleet.Gate{lag}, nil, "", 0},
	} {
		t.Run(name, func(t *testing.T) {
			i := &Item{Declaration: &fleet.Declaration{}, Want: kind.Want{Gates: c.gates}}
			d, asks := Gated(i, Decision{Outcome: Outcome{Reason: "as it was"}, Steps: []Step{{Action: c.step}}}, c.answers)
			if len(asks) != c.asks {
				t.Errorf("it asks %v", asks)
			}
			switch {
			case c.want == "" && (len(d.Steps) != 1 || d.Outcome.Reason != "as it was"):
				t.Errorf("held back: %s", d.Outcome.Reason)
			case c.want != "" && (len(d.Steps) > 0 || !strings.Contains(d.Outcome.Reason, c.want) || strings.Contains(d.Outcome.Reason, "INJECTED")):
				t.Errorf("%d steps, %q, expected %q", len(d.Steps), d.Outcome.Reason, c.want)
			}
		})
	}
}
