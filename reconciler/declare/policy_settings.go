package declare

import (
	"encoding/json"
	"slices"

	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/kind"
)

// settings holds policies against what declarations set on clusters, all layers
// together: what they find depends on other declarations, so that it is found
// anew each time. problems are those that the checks of t.all have found; those of
// policies are added.
func (t *bench) settings(problems [][]fleet.Problem) {
	var laws []law
	for _, p := range t.config.Policies { // sorted
		if l := t.laws[p.ID]; l.On == fleet.OnSettings && l.Severity != fleet.Off {
			laws = append(laws, l)
		}
	}
	if len(laws) == 0 {
		return
	}
	type asked struct {
		suit
		of kind.Facts
	}
	var all []asked
	var suits []suit
	for i, d := range t.all {
		k, ok := t.kinds.Find(d.ID.Kind)
		if !ok || k.Facts == nil || len(d.Frozen) > 0 || fleet.HasErrors(problems[i]) {
			continue
		}
		for _, facts := range k.Facts(d.Declaration, t.config) {
			fields := map[string]json.RawMessage{}
			for name, value := range facts.Values {
				fields[name], _ = json.Marshal(value) // as it was read
			}
			for _, l := range laws {
				s := suit{question{l.ID, l.subject(fields)}, i}
				all, suits = append(all, asked{s, facts}), append(suits, s)
			}
		}
	}
	answers := t.ask(suits)
	for _, a := range all {
		d, answer := t.all[a.at], answers[a.question]
		if answer.Err != "" {
			answer.Findings = []found{{Reason: "the policy can't be held against it: " + answer.Err}}
		}
		for _, f := range answer.Findings {
			field, note := a.of.Field(f.Field)
			if note != "" {
				f.Reason += " (" + note + ")"
			}
			f.Field = field
			k, _ := t.kinds.Find(d.ID.Kind)
			p := t.problem(named(k.Field, d.ID.Name), charge{a.Rule, d.FieldPos(field), f})
			switch known := func(other fleet.Problem) bool {
				return other.Code == p.Code && other.Pos == p.Pos && other.Message == p.Message
			}; {
			case slices.ContainsFunc(problems[a.at], known),
				slices.ContainsFunc(d.Asks, func(other fleet.Ask) bool { return known(other.Problem) }): // of another cluster
			case p.Severity == fleet.Acknowledge:
				asks(d.Declaration, a.Rule, p)
			default:
				problems[a.at] = append(problems[a.at], p)
			}
		}
	}
}
