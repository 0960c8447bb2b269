package declare_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/portreeve/portreeve/reconciler/declare"
	"github.com/portreeve/portreeve/reconciler/fleet"
)

// TestHostilePolicies holds that no policy of a config repo harms this process:
// one that takes too much is told of with its file, one that can't be held
// against a declaration is told of there, and the good one beside it, and the
// declarations, are as they would be without.
func TestHostilePolicies(t *testing.T) {
	rule := func(rest string) string {
		return `"bad-one": {on: "ownership", severity: "warning", why: "Mine.", subject: _, ` + rest + "}\n"
	}
	paths := ""
	for i := range 60 {
		paths += fmt.Sprintf("\"/a%d/\": owner: \"a\", ", i)
	}
	cases := map[string]string{
		"multiplied string": rule(`findings: [{reason: ("x"*1000000)*1000000}]`),
		"multiplied field":  rule(`findings: [{reason: subject.name*1000000000}]`),
		"repeat":            `import "strings"` + "\n" + rule(`findings: [{reason: strings.Repeat(subject.name, 1000000000)}]`),
		"range":             `import "list"` + "\n" + rule(`findings: [for i in list.Range(0, 1000000000, 1) {reason: "x"}]`),
		"nested loops":      rule(`findings: [for a in subject.paths for b in subject.paths for c in subject.paths for d in subject.paths for e in subject.paths for f in subject.paths {reason: "x"}]`),
		"laughs":            "_x0: \"lol\"\n" + laughs(30) + rule(`findings: [{reason: _x30}]`),
		"laughs inside":     rule("let a = [subject, subject, subject, subject, subject, subject, subject, subject, subject, subject], let b = [a, a, a, a, a, a, a, a, a, a], let c = [b, b, b, b, b, b, b, b, b, b], let d = [c, c, c, c, c, c, c, c, c, c], let e = [d, d, d, d, d, d, d, d, d, d], findings: [{reason: \"\\(e)\"}]"),
		"choices":           rule("x: 1, findings: [{reason: \"x\"}]") + "_c: " + strings.TrimSuffix(strings.Repeat("({a: 1} | {b: 1}) & ", 14), " & "),
		"recursion":         "_f: {n: int, out: (_f & {n: 1}).out}\n" + rule(`findings: [{reason: "\(_f.out)"}]`),
		"tool":              `import "tool/exec"` + "\n" + rule(`findings: []`),
		"schema":            `import "github.com/portreeve/portreeve/schema"` + "\n" + rule(`findings: []`),
		"file outside":      rule(`findings: [{reason: "x"}]`) + "_x: _ @embed(file=../../secret)\n",
		"no struct":         `"bad-one": [for x in [1] {x}]`,
		"computed":          `"bad-one": {for k, v in {on: "ownership"} {(k): v}}`,
		"wrong examples":    rule(`findings: [], examples: fail: [` + strings.Repeat("{},", 30) + "{}]"),
		"large":             "// " + strings.Repeat("x", 200<<10) + "\n" + "// " + strings.Repeat("y", 200<<10),
		"brackets":          rule("findings: " + strings.Repeat("[", 10_000) + strings.Repeat("]", 10_000)),
	}
	for name, text := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			config := limited().Load(fstest.MapFS{
				"policies/bad.cue":  {Data: []byte("package policies\n" + text + "\n")},
				"policies/good.cue": {Data: []byte("package policies\n" + `"good-one": {on: "ownership", severity: "warning", why: "Mine.", subject: {name: string}, findings: [{reason: "\(subject.name) is seen"}]}`)},
				"good.cue":          {Data: []byte("package fleet\nfleet: org: \"acme\"\nteams: a: {members: [\"x\"], contact: \"#a\"}\nownership: good: {repo: \"a/b\", owner: \"a\", paths: {" + paths + "}}\n")},
			})
			told := ""
			for _, p := range config.Problems {
				told += p.String() + "\n"
			}
			if !strings.Contains(told, "policies/bad.cue") && !strings.Contains(told, "good.cue:4:12: warning: the policy can't be held against it: ") {
				t.Errorf("it is not told of:\n%s", told)
			}
			if !strings.Contains(told, "good.cue:4:12: warning: good is seen") {
				t.Errorf("the good policy was harmed:\n%s", told)
			}
			if d := config.Declaration(fleet.ID{Kind: "ownership", Name: "good"}); d == nil || d.Spec == nil {
				t.Errorf("a declaration was harmed:\n%s", told)
			}
			t.Log(told)
		})
	}
}

func laughs(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "_x%d: \"\\(_x%d)\\(_x%d)\"\n", i+1, i, i)
	}
	return b.String()
}

// FuzzPolicies holds that no bytes in the folder of policies make Load panic or
// harm a declaration.
func FuzzPolicies(f *testing.F) {
	f.Add([]byte("package policies\n\"a-b\": {on: \"ownership\", severity: \"warning\", why: \"x\", subject: _, findings: [for k, v in subject {reason: k}]}"))
	f.Add([]byte("package policies\n\"a-b\": {on: \"team\", severity: \"warning\", why: \"x\", bounds: {max: 1, max: 2}, subject: {}, findings: [{reason: \"\\(bounds.max)\"}]}"))
	f.Add([]byte("package fleet\nteams: b: {}"))
	f.Fuzz(func(t *testing.T, data []byte) {
		config := declare.Load(fstest.MapFS{
			"policies/x.cue": {Data: data},
			"good.cue":       {Data: []byte("package fleet\nfleet: org: \"acme\"\nownership: good: {repo: \"a/b\", owner: \"a\"}\n")},
			"teams.cue":      {Data: []byte("package fleet\nteams: a: github: \"a/a\"\n")},
		}, kinds())
		if config.Declaration(fleet.ID{Kind: "ownership", Name: "good"}) == nil {
			t.Error("the declaration is gone")
		}
		for _, p := range config.Problems {
			if p.Message == "" || p.Code == "" {
				t.Errorf("%+v", p)
			}
		}
	})
}
