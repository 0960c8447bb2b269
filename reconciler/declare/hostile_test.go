package declare_test

import (
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/portreeve/portreeve/reconciler/fleet"
)

func many(n int, each func(i int) string) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(each(i))
	}
	return b.String()
}

// hostile are files that would take a process's memory or its time, or make
// CUE fail, and what is said of each.
var hostile = map[string]struct{ text, says string }{
	"multiplied string":     {`_x: ("x"*1000000)*1000000`, "memory"},
	"multiplied field":      {"_n: 1000000\n_x: _n*_n*_n*\"x\"", "bad.cue:"},
	"multiplied list":       {"import \"list\"\n_x: list.Repeat([1, 2, 3], 1000000000)", "bad.cue:"},
	"repeat":                {"import \"strings\"\n_x: strings.Repeat(\"x\", 10000000000)", "bad.cue:"},
	"repeat, hidden":        {"import s \"strings\"\nlet r = s.Repeat\n_x: r(\"x\", 10000000000)", "bad.cue:"},
	"repeat, joined":        {"import \"strings\"\n_a: strings.Repeat(\"x,\", 1000000)\n_x: strings.Join(strings.Split(_a, \",\"), _a)", "takes too much"},
	"replace":               {"import \"strings\"\n_a: strings.Repeat(\"x\", 100000)\n_x: strings.Replace(_a, \"x\", _a, -1)", "memory"},
	"range":                 {"import \"list\"\n_x: list.Range(0, 1000000000, 1)", ""},
	"range, nested":         {"import \"list\"\n_x: [for i in list.Range(0, 3000, 1) for j in list.Range(0, 3000, 1) {i + j}]", ""},
	"power":                 {"import \"math\"\n_x: math.Pow(10, 100000000)", ""},
	"power of power":        {"import \"math\"\n_x: math.Pow(math.Pow(10, 100000), 10000)", ""},
	"big product":           {"_x0: 99999999999\n" + many(30, func(i int) string { return fmt.Sprintf("_x%d: _x%d*_x%d\n", i+1, i, i) }), ""},
	"exponent":              {"_x: 1e1000000 + 1", ""},
	"laughs by text":        {`_x0: "lollollol"` + many(40, func(i int) string { return fmt.Sprintf("\n_x%d: \"\\(_x%d)\\(_x%d)\"", i+1, i, i) }), "takes too much"},
	"laughs by bytes":       {`_x0: 'lollollol'` + many(40, func(i int) string { return fmt.Sprintf("\n_x%d: '\\(_x%d)\\(_x%d)'", i+1, i, i) }), "takes too much"},
	"laughs by list":        {`_x0: [1, 2, 3]` + many(40, func(i int) string { return fmt.Sprintf("\n_x%d: [_x%d, _x%d]", i+1, i, i) }), ""},
	"laughs by struct":      {`_x0: {a: 1}` + many(40, func(i int) string { return fmt.Sprintf("\n_x%d: {a: _x%d, b: _x%d}", i+1, i, i) }), ""},
	"laughs by definition":  {`#X0: {a: 1}` + many(40, func(i int) string { return fmt.Sprintf("\n#X%d: {a: #X%d, b: #X%d}", i+1, i, i) }), ""},
	"nested loops":          {`_l: [` + strings.Repeat("1,", 300) + "]\n_x: [for a in _l for b in _l for c in _l {a + b + c}]", ""},
	"declarations by loops": {"_n: [" + strings.Repeat("1,", 60) + "]\nfor i, a in _n for j, b in _n for k, c in _n for l, d in _n {ownership: \"r\\(i)-\\(j)-\\(k)-\\(l)\": {repo: \"a/r\", owner: \"a\"}}", ""},
	"choices":               {"_x: " + strings.TrimSuffix(many(24, func(i int) string { return fmt.Sprintf("({a%d: 1} | {b%d: 1}) & ", i, i) }), " & "), ""},
	"choices by or":         {"_x: " + strings.TrimSuffix(many(24, func(i int) string { return fmt.Sprintf("or([{a%d: 1}, {b%d: 1}]) & ", i, i) }), " & "), ""},
	"choices of defaults":   {"_x: " + strings.TrimSuffix(many(24, func(i int) string { return fmt.Sprintf("(*{a%d: 1} | {b%d: 1}) & ", i, i) }), " & "), ""},
	"sorted by comparison":  {"import \"list\"\n_x: list.Sort(list.Range(0, 200000, 1), {x: int, y: int, less: x > y})", ""},
	"sum of a long list":    {"import \"list\"\n_x: list.Sum([for i in list.Range(0, 100000, 1) for j in list.Range(0, 100, 1) {i*j}])", ""},
	"decoded":               {"import \"encoding/json\"\n_a: \"x\"*100000000\n_x: json.Unmarshal(json.Marshal(_a+_a+_a+_a))", ""},
	"template":              {"import \"text/template\"\n_x: template.Execute(\"{{range .}}{{range $}}{{range $}}{{range $}}xxxxxxxxxxxxxxxxxxxxxxxx{{end}}{{end}}{{end}}{{end}}\", [for i in [" + strings.Repeat("1,", 300) + "] {i}])", ""},
	"recursion":             {"_f: {n: int, out: (_f & {n: 1}).out}", ""},
	"recursion, open":       {"_f: {n: int, a: _f & {n: 1}}", ""},
	"recursion by template": {"#F: {n: int, if n > 0 {m: (#F & {\"n\": n - 1}).m}, if n <= 0 {m: 1}}\n_x: (#F & {n: 100000}).m", ""},
	"brackets":              {"_x: " + strings.Repeat("[", 100_000) + strings.Repeat("]", 100_000), ""},
	"parentheses":           {"_x: " + strings.Repeat("(", 100_000) + "1" + strings.Repeat(")", 100_000), ""},
	"signs":                 {"_x: " + strings.Repeat("-", 200_000) + "1", ""},
	"sum of many":           {"_x: 1" + strings.Repeat("+1", 100_000), ""},
	"chain of labels":       {many(60_000, func(int) string { return "a: " }) + "1", ""},
	"chain of selectors":    {"_x: _y" + strings.Repeat(".a", 100_000), ""},
	"interpolations":        {"_x: " + strings.Repeat(`"\(`, 20_000) + "1" + strings.Repeat(`)"`, 20_000), ""},
	"one struct often":      {many(60_000, func(i int) string { return "_a: {x: {y: 1}}\n" }), ""},
	"aliases":               {many(3000, func(i int) string { return fmt.Sprintf("A%d=_a%d: {b: A%d.c, c: 1}\n", i, i, i) }) + "_x: _a0 & " + strings.TrimSuffix(strings.Repeat("_a1 & ", 2000), " & "), ""},
	"regular expression":    {"_x: \"" + strings.Repeat("a", 100_000) + "\" & =~\"(((a{0,100}){0,100}){0,100}){0,10}b$\"", ""},
	"attribute":             {"@extern(embed)\n_x: _ @embed(file=x)", "attribute"},
	"ignored":               {"@ignore()\n_x: 1", "attribute"},
	"tool":                  {`import "tool/exec"` + "\n_x: exec.Run", "import"},
	"import of elsewhere":   {`import "example.com/secret"` + "\n_x: secret.x", "import"},
	"invalid utf-8":         {"_x: \"\xff\xfe\"", ""},
	"null byte":             {"_x: \x00", ""},
}

// harmless are those of hostile that evaluate in no time: of them nothing has to
// be said, because they take what any file takes.
var harmless = []string{"exponent", "laughs by list", "laughs by struct", "laughs by definition", "aliases"}

// TestHostile holds that no file harms this process or what other files
// declare: each is stopped within its time, and named with what is wrong. One
// that takes too much counts as a file that may hold more than is known.
func TestHostile(t *testing.T) {
	if stopped := len(hostile) - len(harmless); stopped < 40 {
		t.Fatal(stopped)
	}
	loader := limited()
	// What a file may take: the processor time of one that is alone, what waits
	// for processors that others use, and a new process for the files beside it.
	most := 2 * (5*loader.Limits.CPU + 20*time.Second)
	for name, c := range hostile {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			begin := time.Now()
			config := limited().Load(fstest.MapFS{
				"bad.cue":  {Data: []byte("package fleet\n" + c.text + "\n")},
				"good.cue": {Data: []byte("package fleet\nfleet: org: \"acme\"\nteams: a: {members: [\"x\"], contact: \"#a\"}\nownership: good: {repo: \"a/b\", owner: \"a\"}\n")},
				"more.cue": {Data: []byte("package fleet\nlet us = \"a\"\nownership: more: {repo: \"a/c\", owner: us}\n")},
			})
			if took := time.Since(begin); took > most {
				t.Errorf("took %s, more than %s", took, most)
			}
			if len(config.Problems) == 0 && !slices.Contains(harmless, name) {
				t.Error("nothing is said of it")
			}
			for _, name := range []string{"good", "more"} {
				if d := config.Declaration(fleet.ID{Kind: "ownership", Name: name}); d == nil || d.Spec == nil {
					t.Errorf("%s, a file that is fine, was harmed", name)
				}
			}
			for _, p := range config.Problems {
				if p.Pos.File != "bad.cue" || p.Message == "" {
					t.Errorf("problem elsewhere: %s", p)
				}
			}
			if c.says != "" && !strings.Contains(fmt.Sprint(config.Problems), c.says) {
				t.Errorf("nothing is said of %s: %s", c.says, config.Problems)
			}
			if tooMuch := func(p fleet.Problem) bool { return p.Code == "too-large" }; slices.ContainsFunc(config.Problems, tooMuch) && !slices.Equal(config.Unreadable, []string{"bad.cue"}) {
				t.Errorf("counts as unreadable: %q", config.Unreadable)
			}
			t.Log(config.Problems)
		})
	}
	t.Cleanup(func() {
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		if m.Sys > 600<<20 {
			t.Errorf("this process grew to %d MiB", m.Sys>>20)
		}
	})
}
