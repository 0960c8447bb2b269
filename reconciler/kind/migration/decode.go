package migration

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"text/template"
	"time"

	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/kind"
	"github.com/portreeve/portreeve/reconciler/transform"
)

// Spec is a decoded declaration.
type Spec struct {
	Why    string
	Select *Condition // nil selects every repo
	Steps  []transform.Step
	Labels []string // sorted
	Merge  fleet.MergePolicy
	State  string
	// AskAgain is kind.Want's.
	AskAgain time.Time

	title, body *template.Template
	wrote       [2]string // title and body as they are written
	whole       map[fleet.Path]string
}

// States of a migration.
const (
	active = "active"
	paused = "paused"
)

// fields are a declaration as it is written.
type fields struct {
	Title  string            `json:"title"`
	Why    string            `json:"why"`
	Owner  fleet.TeamName    `json:"owner"`
	Select json.RawMessage   `json:"select"`
	Steps  []json.RawMessage `json:"steps"`
	Body   string            `json:"body"`
	Labels []string          `json:"labels"`
	Merge  fleet.MergePolicy `json:"merge"`
	State  string            `json:"state"`

	AskAgain string `json:"askAgain"`
}

// effect is what the spec hash covers.
type effect struct {
	Select any   `json:"select"`
	Steps  []any `json:"steps"`
}

type decoder struct {
	kind       kind.Kind
	source     kind.Source
	transforms transform.Set
	problems   []fleet.Problem
}

func (d *decoder) report(code, field, hint, format string, args ...any) {
	d.problems = append(d.problems, d.source.Problem(d.kind, code, field, hint, format, args...))
}

func (d *decoder) decode() (kind.Decoded, []fleet.Problem) {
	var f fields
	if err := transform.DecodeFields(d.source.JSON, &f); err != nil {
		return kind.Decoded{}, []fleet.Problem{d.source.FieldProblem(d.kind, "bad-field", "", err)}
	}
	for _, required := range []struct{ field, value string }{{"title", f.Title}, {"why", f.Why}, {"owner", string(f.Owner)}} {
		if required.value == "" {
			d.report("missing-field", required.field, "", "%s is required", required.field)
		}
	}
	s := &Spec{wrote: [2]string{f.Title, f.Body}, Why: f.Why, Labels: sorted(f.Labels), Merge: f.Merge, State: f.State}
	d.problems = append(d.problems, d.source.CheckMerge(d.kind, f.Merge)...)
	again, problems := d.source.AskAgain(d.kind, f.AskAgain)
	s.AskAgain, d.problems = again, append(d.problems, problems...)
	if s.Merge == "" {
		s.Merge = fleet.MergeManual
	}
	if s.State == "" {
		s.State = active
	}
	if s.State != active && s.State != paused {
		d.report("bad-value", "state", fleet.DidYouMean(s.State, []string{active, paused}), "state is %q or %q, not %q", active, paused, s.State)
	}
	s.title = d.template("title", f.Title)
	s.body = d.template("body", f.Body)
	s.Select = d.selection(f.Select)
	s.Steps = d.steps(f.Steps)
	d.labels(f.Labels)
	refs := []fleet.Ref{{Field: "owner", Team: f.Owner}}
	d.order(s.Steps)
	if fleet.HasErrors(d.problems) {
		return kind.Decoded{Refs: refs}, d.problems
	}
	decoded := kind.Decoded{Owner: f.Owner, Refs: refs, Spec: s, Effect: effectOf(f)}
	if s.State == active {
		decoded.Writes, s.whole = writes(s.Steps, s.selection())
	}
	return decoded, d.problems
}

// effectOf keeps numbers as they are written and sorts fields by name, so
// that only a change of values is a change.
func effectOf(f fields) effect {
	e := effect{Select: generic(f.Select)}
	for _, step := range f.Steps {
		e.Steps = append(e.Steps, generic(step))
	}
	return e
}

func generic(raw json.RawMessage) any {
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	var v any
	if dec.Decode(&v) != nil {
		return nil // it is empty: all else was refused before
	}
	return v
}

func (d *decoder) steps(raw []json.RawMessage) []transform.Step {
	if len(raw) == 0 {
		d.report("missing-field", "steps", "", "steps is required: at least one")
	}
	var names []string
	for _, t := range d.transforms {
		names = append(names, t.Name)
	}
	var steps []transform.Step
	for i, r := range raw {
		field := fmt.Sprintf("steps[%d]", i)
		var head struct {
			Do string `json:"do"`
		}
		if err := json.Unmarshal(r, &head); err != nil || head.Do == "" {
			d.report("missing-field", field, "", "a step needs do: one of %q", names)
			steps = append(steps, nil)
			continue
		}
		member, ok := d.transforms.Find(head.Do)
		if !ok {
			d.report("unknown-step", field+".do", fleet.DidYouMean(head.Do, names), "unknown step %q; known are %q", head.Do, names)
			steps = append(steps, nil)
			continue
		}
		step, err := member.Decode(r)
		if err != nil {
			d.problems = append(d.problems, d.source.FieldProblems(d.kind, "bad-step", field, err)...)
			step = nil // and those after it keep their numbers
		}
		steps = append(steps, step)
	}
	return steps
}

// labels warns of a label that is given twice.
func (d *decoder) labels(all []string) {
	seen := map[string]bool{}
	for i, l := range all {
		if l = strings.ToLower(l); seen[l] {
			d.report("named-twice", fmt.Sprintf("labels[%d]", i), "leave it out", "label %q is given twice", all[i])
			d.problems[len(d.problems)-1].Severity = fleet.Warning
		}
		seen[l] = true
	}
}

func (d *decoder) selection(raw json.RawMessage) *Condition {
	if len(raw) == 0 || bytes.Equal(bytes.TrimSpace(raw), []byte("null")) {
		return nil
	}
	c := &Condition{}
	if err := transform.DecodeFields(raw, c); err != nil {
		d.problems = append(d.problems, d.source.FieldProblem(d.kind, "bad-field", "select", err))
		return nil
	}
	if c.keys() == 0 {
		return nil
	}
	before := len(d.problems)
	if d.condition("select", c); len(d.problems) == before {
		d.meetable("select", c)
	}
	return c
}

// keys counts the fields that are set.
func (c *Condition) keys() int {
	n := 0
	for _, set := range []bool{c.All != nil, c.Any != nil, c.Not != nil, c.Name != nil, c.Topic != nil, c.Language != nil, c.File != nil, c.Contains != nil} {
		if set {
			n++
		}
	}
	return n
}

// condition checks and compiles a condition and those below it.
func (d *decoder) condition(field string, c *Condition) {
	if n := c.keys(); n != 1 {
		d.report("bad-condition", field, "combine conditions by all or any",
			"a condition has exactly one of all, any, not, name, topic, language, file and contains; this has %d", n)
		return
	}
	switch {
	case c.All != nil:
		d.conditions(field+".all", *c.All)
	case c.Any != nil:
		d.conditions(field+".any", *c.Any)
	case c.Not != nil:
		d.condition(field+".not", c.Not)
	case c.Name != nil:
		d.glob(field+".name", *c.Name)
	case c.Topic != nil && *c.Topic == "" || c.Language != nil && *c.Language == "":
		d.report("bad-condition", field, "", "the name is empty")
	case c.File != nil:
		d.glob(field+".file", *c.File)
	case c.Contains != nil:
		d.glob(field+".contains.file", c.Contains.File)
		re, err := transform.CompilePattern("pattern", c.Contains.Pattern)
		if err != nil {
			d.problems = append(d.problems, d.source.FieldProblem(d.kind, "bad-pattern", field+".contains", err))
		}
		c.re = re
	}
}

func (d *decoder) conditions(field string, list []Condition) {
	if len(list) == 0 {
		d.report("bad-condition", field, "leave select out for every repo", "the list of conditions is empty")
	}
	for i := range list {
		d.condition(fmt.Sprintf("%s[%d]", field, i), &list[i])
	}
}

func (d *decoder) glob(field, glob string) {
	if err := transform.CheckGlob(glob); err != nil {
		d.report("bad-glob", field, "", "%s", err)
	}
}
