package declare

import (
	"encoding/json"
	"fmt"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"

	"cuelang.org/go/cue"
	"cuelang.org/go/cue/ast"
	"cuelang.org/go/cue/build"
	"cuelang.org/go/cue/cuecontext"
	"cuelang.org/go/cue/parser"
	"cuelang.org/go/cue/token"
	cuejson "cuelang.org/go/encoding/json"
)

// question asks what a rule finds in a subject. Both are plain data.
type question struct {
	Rule    string `json:"rule"`    // its id
	Subject string `json:"subject"` // JSON
}

// ruling is the answer: what was found, or why that can't be told.
type ruling struct {
	Findings []found `json:"findings"`
	Err      string  `json:"err"`
}

type found struct {
	Field  string `json:"field"`
	Reason string `json:"reason"`
}

// freshRules is how many questions a cue.Context serves: it only ever grows.
const freshRules = 250

// judge answers questions. A rule is held against each subject by itself, so
// that an answer depends on the rule, its bounds and the subject alone.
func (s *ruleSet) judge(questions []question) map[question]ruling {
	batches := make(chan []question)
	var mu sync.Mutex
	all := make(map[question]ruling, len(questions))
	var workers sync.WaitGroup
	for range min(2, runtime.GOMAXPROCS(0)) {
		workers.Go(func() {
			for batch := range batches {
				court := s.court(false)
				for _, q := range batch {
					answer := court.answer(q)
					mu.Lock()
					all[q] = answer
					mu.Unlock()
				}
			}
		})
	}
	for batch := range slices.Chunk(questions, freshRules) {
		batches <- batch
	}
	close(batches)
	workers.Wait()
	return all
}

// court is the rules of a set in one cue.Context. It is of one goroutine.
type court struct {
	ctx  *cue.Context
	root cue.Value
	err  error
	// The newest subject, for the next rule that is asked about it.
	subject string
	expr    ast.Expr
}

// court builds the set's files, which are parsed anew: CUE writes into a tree
// while it builds. Examples and what is said of a rule are left out, for all
// that stands beside the findings is evaluated with them each time.
func (s *ruleSet) court(examples bool) *court {
	c := &court{ctx: cuecontext.New()}
	inst := build.NewContext().NewInstance("", nil)
	for _, f := range s.files {
		tree, err := parser.ParseFile(f.path, f.data)
		if err == nil {
			s.strip(tree, examples)
			err = inst.AddSyntax(tree)
		}
		if err != nil {
			c.err = err
			return c
		}
	}
	if c.err = inst.Complete(); c.err == nil {
		c.root = c.ctx.BuildInstance(inst)
		c.err = inst.Err
	}
	return c
}

// strip leaves of a file what finding needs: no policy that is not of the set,
// and of the others no field that says something of them alone.
func (s *ruleSet) strip(tree *ast.File, examples bool) {
	tree.Decls = slices.DeleteFunc(tree.Decls, func(d ast.Decl) bool {
		field, ok := d.(*ast.Field)
		if !ok {
			return false
		}
		id := labelName(field.Label)
		if strings.HasPrefix(id, "_") || strings.HasPrefix(id, "#") {
			return false
		}
		at := position(field.Label.Pos())
		i := slices.IndexFunc(s.rules, func(r *rule) bool { return r.ID == id && r.Pos == at })
		if i < 0 {
			return true
		}
		field.Label = ast.NewIdent(ruleLabel(id))
		lit := field.Value.(*ast.StructLit)
		lit.Elts = slices.DeleteFunc(lit.Elts, func(d ast.Decl) bool {
			f, ok := d.(*ast.Field)
			name := ""
			if ok {
				name = labelName(f.Label)
			}
			if name == "bounds" {
				s.rules[i].setBounds(f.Value)
			}
			return slices.Contains([]string{"on", "severity", "why"}, name) || name == "examples" && !examples
		})
		return false
	})
}

// ruleLabel is a rule's name as an expression can refer to it. No policy can be
// called so.
func ruleLabel(id string) string { return "POLICY_" + strings.ReplaceAll(id, "-", "_") }

// setBounds writes the bounds that are in force where the rule has its own.
func (r *rule) setBounds(bounds ast.Expr) {
	for _, d := range bounds.(*ast.StructLit).Elts {
		field := d.(*ast.Field)
		field.Value.(*ast.BasicLit).Value = strconv.Itoa(r.Bounds[labelName(field.Label)])
	}
}

// inWords says what keeps a rule from being evaluated.
func inWords(err error) string {
	_, words, hint := worded(err)
	if hint != "" {
		words += "; " + hint
	}
	return words
}

func (c *court) answer(q question) ruling {
	if c.err != nil {
		return ruling{Err: inWords(c.err)}
	}
	if c.subject != q.Subject || c.expr == nil {
		expr, err := cuejson.Extract("", []byte(q.Subject))
		if err != nil {
			return ruling{Err: err.Error()}
		}
		c.subject, c.expr = q.Subject, expr
	}
	// (RULE & {subject: …}).findings, as one expression: that is two thirds of
	// what filling in and looking up costs.
	held := &ast.BinaryExpr{Op: token.AND, X: ast.NewIdent(ruleLabel(q.Rule)), Y: ast.NewStruct("subject", c.expr)}
	list := c.ctx.BuildExpr(&ast.SelectorExpr{X: &ast.ParenExpr{X: held}, Sel: ast.NewIdent("findings")}, cue.Scope(c.root))
	data, err := list.MarshalJSON()
	switch {
	case err != nil && list.Validate() == nil: // the rule is open at what it asks for
		return ruling{Err: "what it finds depends on a value that is not there"}
	case err != nil:
		return ruling{Err: inWords(err)}
	}
	return asRuling(data)
}

// Bounds on what a rule may say of one subject.
const (
	maxFindings = 20
	maxReason   = 400 // bytes
)

// asRuling reads a list of findings.
func asRuling(data []byte) ruling {
	var out ruling
	if err := json.Unmarshal(data, &out.Findings); err != nil {
		return ruling{Err: "its findings are no list of {field?: string, reason: string}"}
	}
	out.Findings = out.Findings[:min(len(out.Findings), maxFindings)]
	for i := range out.Findings {
		f := &out.Findings[i]
		f.Reason = strings.Join(strings.Fields(f.Reason), " ")
		if len(f.Reason) > maxReason {
			f.Reason = strings.ToValidUTF8(f.Reason[:maxReason], "") + "…"
		}
		if f.Reason == "" {
			return ruling{Err: fmt.Sprintf("its finding %d has no reason", i+1)}
		}
	}
	return out
}
