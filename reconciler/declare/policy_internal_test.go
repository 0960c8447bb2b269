package declare

import (
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"cuelang.org/go/cue"
	"cuelang.org/go/cue/ast"
	"cuelang.org/go/cue/build"
	"cuelang.org/go/cue/cuecontext"
	"cuelang.org/go/cue/parser"
)

var updatePolicies = flag.Bool("update-policies", false, "write policies/README.md")

// TestBuiltInPolicies runs every example of every built-in policy. Each policy
// has examples of both sorts, and is as #Policy has it.
func TestBuiltInPolicies(t *testing.T) {
	set := readRules(sourcesOf(builtIn()), nil)
	set.prove()
	for _, f := range set.files {
		for _, p := range f.problems {
			t.Errorf("%s: %s", p.Field, p)
		}
	}
	court := set.court(true)
	root := asWritten(t, set)
	for _, r := range set.rules {
		for _, sort := range []string{"pass", "fail"} {
			if len(court.examples(r, sort)) == 0 {
				t.Errorf("%s has no example that should %s", r.ID, sort)
			}
		}
		definition := root.LookupPath(cue.MakePath(cue.Def("#Policy")))
		if err := definition.Unify(root.LookupPath(cue.MakePath(cue.Str(r.ID)))).Validate(); err != nil {
			t.Errorf("%s is not as #Policy has it: %v", r.ID, err)
		}
	}
	if len(set.rules) < 10 {
		t.Errorf("%d policies", len(set.rules))
	}
}

func sourcesOf(set *ruleSet) []source {
	var all []source
	for _, f := range set.files {
		all = append(all, f.source)
	}
	return all
}

// asWritten builds the files of a set with all that stands in them.
func asWritten(t *testing.T, set *ruleSet) cue.Value {
	inst := build.NewContext().NewInstance("", nil)
	for _, f := range set.files {
		tree, err := parser.ParseFile(f.path, f.data)
		if err == nil {
			err = inst.AddSyntax(tree)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := inst.Complete(); err != nil {
		t.Fatal(err)
	}
	return cuecontext.New().BuildInstance(inst)
}

// TestExamplesCanFail proves that an example that is wrong is found.
func TestExamplesCanFail(t *testing.T) {
	sources := sourcesOf(builtIn())
	for i := range sources {
		swapped := strings.NewReplacer("pass:", "fail:", "fail:", "pass:").Replace(string(sources[i].data))
		sources[i].data = []byte(swapped)
	}
	set := readRules(sources, nil)
	set.prove()
	wrong := map[string]bool{}
	for _, f := range set.files {
		for _, p := range f.problems {
			id, _, _ := strings.Cut(p.Field, ".")
			wrong[id] = true
		}
	}
	for _, r := range set.rules {
		if !wrong[r.ID] {
			t.Errorf("%s takes what should fail for what should pass", r.ID)
		}
	}
}

// TestPoliciesReadme holds that policies/README.md lists the policies as they
// are.
func TestPoliciesReadme(t *testing.T) {
	const name = "../../policies/README.md"
	old, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	const begin, end = "<!-- built in -->\n", "<!-- end -->"
	before, rest, ok := strings.Cut(string(old), begin)
	_, after, ok2 := strings.Cut(rest, end)
	if !ok || !ok2 {
		t.Fatalf("no lines %q and %q", begin, end)
	}
	want := before + begin + listed(builtIn().rules) + end + after
	if *updatePolicies {
		if err := os.WriteFile(name, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	} else if string(old) != want {
		t.Errorf("%s is not what the policies say: run this test with -update-policies", name)
	}
}

func listed(rules []*rule) string {
	var b strings.Builder
	b.WriteString("| policy | on | severity | bounds | why |\n|---|---|---|---|---|\n")
	sorted := slices.SortedFunc(slices.Values(rules), func(a, b *rule) int { return strings.Compare(a.ID, b.ID) })
	for _, r := range sorted {
		var bounds []string
		for _, name := range slices.Sorted(maps.Keys(r.Bounds)) {
			bounds = append(bounds, fmt.Sprintf("`%s: %d`", name, r.Bounds[name]))
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s | %s |\n", r.ID, r.On, r.Severity, strings.Join(bounds, ", "), r.Why)
	}
	return b.String()
}

// TestReads holds that a rule is shown what it may look at, and that what can't
// be told from its text is taken for all.
func TestReads(t *testing.T) {
	for text, want := range map[string]string{
		`subject: merge: string, findings: [if subject.merge == "x" {}]`:            "[merge]",
		`subject: _, findings: [if subject.a == subject["b"] {}]`:                   "all",
		`subject: {a: int, ...}, findings: [if subject.b.subject == 1 {}]`:          "all",
		`subject: _, findings: [for k, v in subject {reason: k}]`:                   "all",
		`subject: _, let s = subject, findings: [if s.a == 1 {}]`:                   "all",
		`subject: {[string]: int}, findings: []`:                                    "all",
		`subject: {}, findings: []`:                                                 "[]",
		`subject: {b: _, a: _}, findings: [for x in subject.a {reason: "subject"}]`: "all",
		`subject: S, let S = {a: 1}, findings: []`:                                  "all",
	} {
		f, err := parser.ParseFile("x.cue", "package policies\n\"x-y\": {on: \"team\", severity: \"error\", why: \"x\", "+text+"}\n")
		if err != nil {
			t.Fatal(err)
		}
		set := &ruleSet{}
		set.read(&file{ast: f}, f.Decls[1].(*ast.Field), nil, map[string]*rule{})
		got := "all"
		if r := set.rules[0]; !r.Whole {
			got = fmt.Sprint(r.Reads)
		}
		if got != want {
			t.Errorf("%s\nreads %s, want %s", text, got, want)
		}
	}
}

// TestReadmePolicy holds that the policy that policies/README.md shows is one.
func TestReadmePolicy(t *testing.T) {
	readme, err := os.ReadFile("../../policies/README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, text, _ := strings.Cut(string(readme), "```cue\npackage policies\n")
	text, _, _ = strings.Cut(text, "```")
	set := readRules([]source{{path: "policies/x.cue", data: []byte("package policies\n" + text)}}, []string{"migration"})
	set.prove()
	if len(set.rules) != 1 || len(set.files[0].problems) > 0 {
		t.Errorf("%d rules, %v", len(set.rules), set.files[0].problems)
	}
}

// BenchmarkPolicies judges 10,000 declarations: alike in what policies look
// at, as most fleets are, and each with paths of its own.
func BenchmarkPolicies(b *testing.B) {
	for _, sort := range []string{"alike", "different"} {
		b.Run(sort, func(b *testing.B) {
			set := builtIn()
			var subjects []map[string]json.RawMessage
			for i := range 10_000 {
				path := "/deploy/"
				if sort == "different" {
					path = fmt.Sprintf("/deploy-%d/", i)
				}
				subjects = append(subjects, map[string]json.RawMessage{
					"name": fmt.Appendf(nil, `"repo-%d"`, i), "repo": fmt.Appendf(nil, `"acme/repo-%d"`, i), "owner": []byte(`"payments"`),
					"paths": fmt.Appendf(nil, `{%q: {"owner": "platform", "coOwners": ["payments"]}, "/docs/": {"unowned": true}}`, path),
				})
			}
			b.ReportAllocs()
			for b.Loop() {
				asked := map[question]bool{}
				var questions []question
				for _, fields := range subjects {
					for _, r := range set.laws() {
						if q := (question{r.ID, r.subject(fields)}); r.On == "ownership" && !asked[q] {
							asked[q], questions = true, append(questions, q)
						}
					}
				}
				for q, answer := range set.judge(questions) {
					if answer.Err != "" || len(answer.Findings) > 0 {
						b.Fatal(q, answer)
					}
				}
			}
		})
	}
}
