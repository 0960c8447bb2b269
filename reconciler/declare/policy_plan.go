package declare

import (
	"encoding/json"
	"sync"

	"github.com/portreeve/portreeve/reconciler/fleet"
)

// Judge is what holds the policies on plans, as the settings of a config have
// them, against what revisions would do to the fleet. Its answer depends on
// what it is asked alone, and it may be called from many goroutines.
func Judge(config *fleet.Config) func([]fleet.Blast) [][]fleet.Finding {
	set := builtIn().with(config.Settings.Policies)
	var rules []law
	for _, l := range set.laws() {
		if l.On == fleet.OnPlan && l.Severity != fleet.Off {
			rules = append(rules, l)
		}
	}
	var mu sync.Mutex
	known := map[question]ruling{}
	return func(blasts []fleet.Blast) [][]fleet.Finding {
		mu.Lock()
		defer mu.Unlock()
		all := make([][]fleet.Finding, len(blasts))
		for i, b := range blasts {
			for _, r := range rules {
				q := question{r.ID, r.subject(fieldsOf(b))}
				if _, ok := known[q]; !ok {
					known[q] = set.judge([]question{q})[q]
				}
				all[i] = append(all[i], known[q].against(r)...)
			}
		}
		return all
	}
}

// against is what a ruling comes to. A rule that can't be held against a plan
// is against it.
func (answer ruling) against(r law) []fleet.Finding {
	var all []fleet.Finding
	if answer.Err != "" {
		answer.Findings = []found{{Reason: "the policy can't be held against it: " + answer.Err}}
	}
	for _, f := range answer.Findings {
		all = append(all, fleet.Finding{Policy: r.ID, Severity: r.Severity, Reason: f.Reason})
	}
	return all
}

func fieldsOf(b fleet.Blast) map[string]json.RawMessage {
	fields := map[string]json.RawMessage{}
	data, err := json.Marshal(b)
	if err == nil {
		err = json.Unmarshal(data, &fields)
	}
	if err != nil {
		panic("declare: a blast is no JSON: " + err.Error())
	}
	return fields
}
