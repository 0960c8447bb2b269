package declare

import (
	"cmp"
	"io/fs"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"cuelang.org/go/cue/ast"
	"cuelang.org/go/cue/literal"
	"cuelang.org/go/cue/parser"
	"cuelang.org/go/cue/token"

	"github.com/portreeve/portreeve/policies"
	"github.com/portreeve/portreeve/reconciler/fleet"
)

// policyPackage is the package of files that hold policies, and the folder of
// the config repo in which they stand.
const policyPackage = "policies"

// policyID is what a policy may be called.
var policyID = regexp.MustCompile(`^[a-z0-9](-?[a-z0-9]){1,63}$`)

// law is what is known of a policy without its text: plain data, which may come
// from another process.
type law struct {
	fleet.Policy
	// Reads are the fields at the top of its subject that it looks at; if it is
	// Whole, all of it. It is given no others, so that what it finds may be
	// taken for every subject that is the same in these.
	Reads []string `json:"reads"`
	Whole bool     `json:"whole"`
}

// rule is a law with its text.
type rule struct {
	law
	file *file
	lit  *ast.StructLit
}

// ruleSet is policies that are evaluated together.
type ruleSet struct {
	files []*file
	rules []*rule
}

// builtIn are the policies that are part of the program; a mistake in them is
// a panic. The value is shared: who changes a rule changes a copy.
var builtIn = sync.OnceValue(func() *ruleSet {
	names, err := fs.Glob(policies.FS, "*.cue")
	if err != nil || len(names) == 0 {
		panic("declare: no policies are embedded")
	}
	var sources []source
	for _, name := range names {
		data, err := policies.FS.ReadFile(name)
		if err != nil {
			panic("declare: embedded policies: " + err.Error())
		}
		sources = append(sources, source{path: name, data: data})
	}
	set := readRules(sources, nil)
	for _, f := range set.files {
		if len(f.problems) > 0 {
			panic("declare: embedded policies: " + f.problems[0].String())
		}
	}
	return set
})

// readRules reads the policies of files. on are what they may be about; nil
// is anything. What is wrong is noted with its file; a policy that has a
// mistake is left out, and the others are as they would be without.
func readRules(sources []source, on []string) *ruleSet {
	set := &ruleSet{}
	seen := map[string]*rule{}
	for _, src := range sources {
		f := readRuleFile(src)
		set.files = append(set.files, f)
		if f.broken {
			continue
		}
		for _, d := range f.ast.Decls {
			if field, ok := d.(*ast.Field); ok {
				set.read(f, field, on, seen)
			}
		}
	}
	return set
}

// readRuleFile parses a file and refuses what no file may hold.
func readRuleFile(src source) *file {
	f := &file{source: src, named: map[[2]string]*entry{}}
	tree, err := parser.ParseFile(src.path, src.data)
	f.ast = tree
	if err != nil {
		f.syntax(err)
		return f
	}
	f.imports()
	if f.schema != "" {
		f.refuse("import", token.NoPos, "", "a policy sees its subject alone, so the schema is not imported")
	}
	f.look()
	return f
}

// policyFields are the fields of a policy, as #Policy has them.
var policyFields = []string{"on", "severity", "why", "bounds", "subject", "findings", "examples"}

// read reads one policy. Hidden fields and definitions are none.
func (s *ruleSet) read(f *file, field *ast.Field, on []string, seen map[string]*rule) {
	id := labelName(field.Label)
	if _, named := field.Label.(*ast.ListLit); !named && (strings.HasPrefix(id, "_") || strings.HasPrefix(id, "#")) {
		return
	}
	r := &rule{file: f, law: law{Policy: fleet.Policy{ID: id, Pos: position(field.Label.Pos()), Bounds: map[string]int{}}}}
	before := len(f.problems)
	lit, written := field.Value.(*ast.StructLit)
	switch {
	case !policyID.MatchString(id):
		r.wrong("bad-name", field.Label, "", `found name %q, expected 2 to 64 of a-z, 0-9 and single "-"`, id)
	case !written || field.Alias != nil || field.Constraint != token.ILLEGAL:
		r.wrong("bad-value", field.Value, "", "a policy is a struct that is written out, without alias")
	case seen[id] != nil:
		r.wrong("duplicate", field.Label, "keep one of them", "%q is there twice, also at %s", id, seen[id].Pos)
	default:
		r.lit = lit
		r.fields(on)
		r.Reads, r.Whole = reads(lit)
	}
	if seen[id] = r; len(f.problems) == before {
		s.rules = append(s.rules, r)
	}
}

func (r *rule) wrong(code string, at ast.Node, hint, format string, args ...any) {
	r.file.problems = append(r.file.problems, problem(code, position(at.Pos()), r.ID, hint, format, args...))
}

// fields reads what is said of a policy; what it finds is evaluated.
func (r *rule) fields(on []string) {
	there := map[string]*ast.Field{}
	for _, d := range r.lit.Elts {
		field, ok := d.(*ast.Field)
		if !ok {
			continue
		}
		name := labelName(field.Label)
		there[name] = cmp.Or(there[name], field)
		switch {
		case name == "bounds":
			r.bounds(field.Value)
		case strings.HasPrefix(name, "_") || strings.HasPrefix(name, "#") || slices.Contains(policyFields, name):
		default:
			r.wrong("unknown-field", field.Label, cmp.Or(fleet.DidYouMean(name, policyFields), "expected one of "+strings.Join(policyFields, ", ")),
				"unknown field %q", name)
		}
	}
	for _, name := range []string{"findings", "subject"} {
		if there[name] == nil {
			r.wrong("missing-field", r.lit, "", "missing required field %q", name)
		}
	}
	severities := []string{string(fleet.Off), string(fleet.Warning), string(fleet.Acknowledge), string(fleet.Error)}
	r.On = r.text(there["on"], "on", on)
	r.Severity = fleet.Severity(r.text(there["severity"], "severity", severities))
	r.Why = r.text(there["why"], "why", nil)
	if hint := unfit(r.On, r.Severity); hint != "" {
		r.wrong("bad-value", there["severity"].Value, "", "%s", hint)
	}
}

// unfit is why what a policy is about can't have a severity, or empty.
func unfit(on string, s fleet.Severity) string {
	if on == fleet.OnTeam && s == fleet.Acknowledge {
		return `nothing is done for a team that could wait for an acknowledgement: expected "error", "warning" or "off"`
	}
	return ""
}

// text is a field that is a text, one of some if there are any.
func (r *rule) text(f *ast.Field, name string, oneOf []string) string {
	if f == nil {
		r.wrong("missing-field", r.lit, "", "missing required field %q", name)
		return ""
	}
	text, ok := literalString(f.Value)
	switch {
	case !ok:
		r.wrong("bad-value", f.Value, "", "expected a text that is written out and not empty")
	case oneOf != nil && !slices.Contains(oneOf, text):
		r.wrong("bad-value", f.Value, fleet.DidYouMean(text, oneOf), "found %q, expected one of %s", text, strings.Join(oneOf, ", "))
	}
	return text
}

// bounds reads the numbers that settings may set.
func (r *rule) bounds(value ast.Expr) {
	lit, ok := value.(*ast.StructLit)
	if !ok {
		r.wrong("bad-value", value, "for example bounds: max: 100", "expected a struct of numbers")
		return
	}
	for _, d := range lit.Elts {
		field, ok := d.(*ast.Field)
		if !ok {
			r.wrong("bad-value", d, "for example bounds: max: 100", "expected a struct of numbers")
			continue
		}
		n, err := -1, error(nil)
		if number, ok := field.Value.(*ast.BasicLit); ok && number.Kind == token.INT {
			n, err = wholeNumber(number.Value)
		}
		if name := labelName(field.Label); name == "" || n < 0 || err != nil {
			r.wrong("bad-value", field.Value, "for example bounds: max: 100", "a bound is a whole number that is written out")
		} else {
			r.Bounds[name] = n
		}
	}
}

func wholeNumber(text string) (int, error) {
	var info literal.NumInfo
	if err := literal.ParseNum(text, &info); err != nil {
		return 0, err
	}
	return strconv.Atoi(info.String())
}

// with gives the law as settings switch and bound it. What they say that can't
// be so is not heard.
func (l law) with(setting fleet.PolicySetting) law {
	if s := setting.Severity; s != "" && unfit(l.On, s) == "" {
		l.Severity = s
	}
	bounds := maps.Clone(l.Bounds)
	for name := range bounds {
		if n, ok := setting.Bounds[name]; ok {
			bounds[name] = n
		}
	}
	l.Bounds = bounds
	return l
}

// with gives the set as settings switch and bound it.
func (s *ruleSet) with(settings map[string]fleet.PolicySetting) *ruleSet {
	out := &ruleSet{files: s.files}
	for _, r := range s.rules {
		set := *r
		set.law = r.law.with(settings[r.ID])
		out.rules = append(out.rules, &set)
	}
	return out
}

func (s *ruleSet) find(id string) *rule {
	if i := slices.IndexFunc(s.rules, func(r *rule) bool { return r.ID == id }); i >= 0 {
		return s.rules[i]
	}
	return nil
}

// laws are what is known of the rules.
func (s *ruleSet) laws() []law {
	var all []law
	for _, r := range s.rules {
		all = append(all, r.law)
	}
	return all
}
