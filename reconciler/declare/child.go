package declare

import (
	"github.com/portreeve/portreeve/reconciler/declare/internal/contain"
)

// Each program that links this package can start itself again to evaluate
// what may take any time and memory. That is decided here, before main: no
// program can forget it, and then start itself as itself.
func init() {
	var c child
	contain.Serve(c.answer)
}

// request asks a child to look at one file, or to evaluate files together.
type request struct {
	look   bool
	groups []string
	files  []source
	asked  []string // paths of the files whose declarations are wanted
	rules  string   // a rulesRequest about the one file, as JSON; else empty
}

func (r request) encode() []byte {
	var e encoder
	e.bool(r.look)
	e.text(r.rules)
	e.texts(r.groups)
	e.texts(r.asked)
	e.int(len(r.files))
	for _, f := range r.files {
		e.text(f.path)
		e.text(f.id)
		e.text(string(f.data))
	}
	return e.b
}

func decodeRequest(b []byte) request {
	d := &decoder{s: string(b)}
	r := request{look: d.bool(), rules: d.text(), groups: d.texts(), asked: d.texts()}
	r.files = list(d, func() source { return source{path: d.text(), id: d.text(), data: []byte(d.text())} })
	return r
}

// child answers requests, in a process of its own.
type child struct {
	evaluator evaluator
	served    int // files, by the evaluator
}

func (c *child) answer(b []byte) []byte {
	r := decodeRequest(b)
	if r.rules != "" {
		return answerRules(r.files[0], r.rules)
	}
	var e encoder
	if r.look {
		f := parse(r.files[0], r.groups)
		if f.plain { // but not tame: it is evaluated here, too, as others that are not
			f.plain = false
			f.survey()
		}
		e.sheet(f.sheet())
		return e.b
	}
	if c.served > fresh {
		c.evaluator, c.served = evaluator{}, 0
	}
	c.served += len(r.files)
	e.outcome(c.evaluator.started().together(r))
	return e.b
}

// together evaluates files as one package.
func (e *evaluator) together(r request) *outcome {
	asked := map[string]bool{}
	for _, path := range r.asked {
		asked[path] = true
	}
	var files []*file
	var entries []*entry
	var before []int
	for _, src := range r.files {
		f := parse(src, r.groups)
		files = append(files, f)
		before = append(before, len(f.problems)) // which its sheet has
		if asked[f.path] {
			entries = append(entries, f.entries...)
		}
	}
	o := &outcome{values: e.evaluate(files, entries, true)}
	for i, f := range files {
		if f.broken || f.partial || len(f.problems) > before[i] {
			o.marks = append(o.marks, mark{f.path, f.problems[before[i]:], f.fate})
		}
	}
	return o
}
