package declare

import (
	"encoding/json"

	"github.com/portreeve/portreeve/reconciler/declare/internal/contain"
	"github.com/portreeve/portreeve/reconciler/fleet"
)

// suit is a question of a law about a subject.
type suit struct {
	question
	at int // of the subject
}

// found are what the policies in force find in each subject: as it is known,
// or asked now and kept.
func (t *bench) found() [][]charge {
	subjects := t.subjects
	all := make([][]charge, len(subjects))
	var open []int
	for i, s := range subjects {
		if known, ok := s.ruled.by(t.key); ok {
			all[i] = known.list
		} else {
			open = append(open, i)
		}
	}
	suits := t.suits(subjects, open)
	answers := t.ask(suits)
	for _, s := range suits {
		answer, ok := answers[s.question]
		if !ok {
			continue // whoever could not answer is told of
		}
		if answer.Err != "" {
			answer.Findings = []found{{Reason: "the policy can't be held against it: " + answer.Err}}
		}
		for _, f := range answer.Findings {
			all[s.at] = append(all[s.at], charge{s.Rule, subjects[s.at].at(f.Field), f})
		}
	}
	for _, i := range open {
		if !t.passing {
			subjects[i].ruled.set(&rulings{t.key, all[i]})
		}
	}
	return all
}

// suits are what is to be asked of some subjects.
func (t *bench) suits(subjects []subject, some []int) []suit {
	laws := map[string][]law{}
	for _, p := range t.config.Policies { // sorted
		if l := t.laws[p.ID]; l.Severity != fleet.Off {
			laws[l.On] = append(laws[l.On], l)
		}
	}
	var all []suit
	known := map[question]question{} // so that what is asked often is kept once
	for _, i := range some {
		s := subjects[i]
		written, _, _ := s.acknowledgements()
		fields := map[string]json.RawMessage{}
		if len(laws[s.on]) == 0 || json.Unmarshal(written, &fields) != nil {
			continue
		}
		fields["name"], _ = json.Marshal(s.name)
		for _, l := range laws[s.on] {
			q := question{l.ID, l.subject(fields)}
			if _, ok := known[q]; !ok {
				known[q] = q
			}
			all = append(all, suit{known[q], i})
		}
	}
	return all
}

// ask asks each question once: of built-in policies here, and of others in a
// process that can be ended. A file that can't answer is told of, and its
// questions are left open.
func (t *bench) ask(suits []suit) map[question]ruling {
	asked := map[question]bool{}
	var here []question
	others := make([][]question, len(t.own))
	for _, s := range suits {
		if asked[s.question] {
			continue
		}
		asked[s.question] = true
		if i := t.ownerOf(s.Rule); i < 0 {
			here = append(here, s.question)
		} else {
			others[i] = append(others[i], s.question)
		}
	}
	settings := t.config.Settings.Policies
	answers := builtIn().with(settings).judge(here)
	for i, questions := range others {
		if len(questions) == 0 {
			continue
		}
		answer, err := t.crew.rules(t.own[i], rulesRequest{Settings: settings, Questions: questions})
		if err == nil && len(answer.Rulings) != len(questions) {
			err = contain.ErrCrashed
		}
		if err != nil {
			t.passing = true
			t.problems([]fleet.Problem{tooMuch(t.own[i].path, err)})
			continue
		}
		for n, q := range questions {
			answers[q] = answer.Rulings[n]
		}
	}
	return answers
}

// ownerOf is which file of the config repo holds a policy; -1 if it is built
// in.
func (t *bench) ownerOf(id string) int {
	for i, f := range t.own {
		for _, l := range f.laws {
			if l.ID == id {
				return i
			}
		}
	}
	return -1
}
