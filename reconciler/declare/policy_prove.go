package declare

import (
	"cmp"
	"encoding/json"
	"fmt"

	"cuelang.org/go/cue"
)

// example is one of a rule's examples.
type example struct {
	rule  *rule
	sort  string // "pass" or "fail"
	index int
	question
	wrong string // why it is no example
}

// prove holds each rule against its examples: it finds nothing in those that
// pass and something in those that fail. What is wrong is noted with its file.
func (s *ruleSet) prove() {
	court := s.court(true)
	if court.err != nil {
		return // told already, for examples are in the text that was built
	}
	var all []example
	var questions []question
	for _, r := range s.rules {
		for _, sort := range []string{"pass", "fail"} {
			for i, data := range court.examples(r, sort) {
				e := r.example(data)
				e.rule, e.sort, e.index = r, sort, i
				if all = append(all, e); e.wrong == "" {
					questions = append(questions, e.question)
				}
			}
		}
	}
	answers := s.judge(questions)
	for _, e := range all {
		if wrong := cmp.Or(e.wrong, e.proves(answers[e.question])); wrong != "" {
			e.rule.file.problems = append(e.rule.file.problems,
				problem("policy-example", e.rule.Pos, fmt.Sprintf("%s.examples.%s[%d]", e.rule.ID, e.sort, e.index), "", "%s", wrong))
		}
	}
}

// example is what a rule is asked for an example; data is nil if it is none.
func (r *rule) example(data []byte) example {
	fields := map[string]json.RawMessage{}
	if err := json.Unmarshal(data, &fields); err != nil {
		return example{wrong: "the example is no declaration that is written out"}
	}
	return example{question: question{r.ID, r.subject(fields)}}
}

// proves is what is wrong with what was answered for an example, or empty.
func (e example) proves(answer ruling) string {
	switch {
	case answer.Err != "":
		return "the policy can't be held against the example: " + answer.Err
	case e.sort == "pass" && len(answer.Findings) > 0:
		return "the example should pass, and the policy finds: " + answer.Findings[0].Reason
	case e.sort == "fail" && len(answer.Findings) == 0:
		return "the example should fail, and the policy finds nothing"
	}
	return ""
}

// examples are a rule's examples of a sort, as JSON; nil in the place of one
// that is no data.
func (c *court) examples(r *rule, sort string) [][]byte {
	list, err := c.root.LookupPath(cue.MakePath(cue.Str(ruleLabel(r.ID)), cue.Str("examples"), cue.Str(sort))).List()
	var all [][]byte
	for err == nil && list.Next() {
		data, err := list.Value().MarshalJSON()
		if err != nil {
			data = nil
		}
		all = append(all, data)
	}
	return all
}
