package declare_test

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/portreeve/portreeve/reconciler/declare"
	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/kind"
	"github.com/portreeve/portreeve/reconciler/kind/migration"
	"github.com/portreeve/portreeve/reconciler/kind/ownership"
	"github.com/portreeve/portreeve/reconciler/transform"
	"github.com/portreeve/portreeve/reconciler/transform/codeowners"
	"github.com/portreeve/portreeve/reconciler/transform/delete"
	"github.com/portreeve/portreeve/reconciler/transform/file"
	"github.com/portreeve/portreeve/reconciler/transform/gomod"
	"github.com/portreeve/portreeve/reconciler/transform/json"
	"github.com/portreeve/portreeve/reconciler/transform/rename"
	"github.com/portreeve/portreeve/reconciler/transform/replace"
	"github.com/portreeve/portreeve/reconciler/transform/toml"
	"github.com/portreeve/portreeve/reconciler/transform/yaml"
)

var update = flag.Bool("update", false, "write what Load says into testdata")

func kinds() kind.Set {
	transforms := transform.Set{
		replace.New(), file.New(), delete.New(), rename.New(),
		yaml.New(), json.New(), toml.New(), gomod.New(), codeowners.New(),
	}
	return kind.Set{ownership.New(), migration.New(transforms)}
}

// TestLoad runs testdata/*.txtar: the files of a config repo, "problems" with
// every problem, and "config" with what is left of the declarations.
func TestLoad(t *testing.T) {
	cases, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(cases) < 25 {
		t.Fatal(len(cases), err)
	}
	for _, name := range cases {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txtar"), func(t *testing.T) { loadCase(t, name) })
	}
}

func loadCase(t *testing.T, name string) {
	archive, err := txtar.ParseFile(name)
	if err != nil {
		t.Fatal(err)
	}
	fsys := fstest.MapFS{}
	var inputs []txtar.File
	want := map[string]string{}
	for _, f := range archive.Files {
		if f.Name == "problems" || f.Name == "config" {
			want[f.Name] = string(f.Data)
			continue
		}
		inputs = append(inputs, f)
		fsys[f.Name] = &fstest.MapFile{Data: f.Data}
	}
	config := declare.Load(fsys, kinds())
	got := map[string]string{"problems": problems(config), "config": summary(config)}
	if *update {
		archive.Files = append(inputs, txtar.File{Name: "problems", Data: []byte(got["problems"])},
			txtar.File{Name: "config", Data: []byte(got["config"])})
		if err := os.WriteFile(name, txtar.Format(archive), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	for _, part := range []string{"problems", "config"} {
		if got[part] != want[part] {
			t.Errorf("%s:\n%s\nwant:\n%s", part, got[part], want[part])
		}
	}
}

// TestHostile holds that no file makes Load slow or large, and that each is
// refused with a message that names it.
func TestHostile(t *testing.T) {
	many := func(n int, each func(i int) string) string {
		var b strings.Builder
		for i := range n {
			b.WriteString(each(i))
		}
		return b.String()
	}
	cases := map[string]string{
		"multiplied string": `_x: ("x"*1000000)*1000000`,
		"multiplied field":  "_n: 1000000\n_x: _n*_n*_n*\"x\"",
		"repeat":            `import "strings"` + "\n" + `_x: strings.Repeat("x", 1000000000)`,
		"aliased repeat":    `import s "strings"` + "\n" + `let r = s.Repeat` + "\n" + `_x: r("x", 1000000000)`,
		"range":             `import "list"` + "\n" + `_x: list.Range(0, 1000000000, 1)`,
		"power":             `import "math"` + "\n" + `_x: math.Pow(10, 100000000)`,
		"digits":            "_x: 1" + strings.Repeat("0", 100_000),
		"exponent":          "_x: 1e1000000",
		"laughs by text":    `_x0: "lollollol"` + many(30, func(i int) string { return fmt.Sprintf("\n_x%d: \"\\(_x%d)\\(_x%d)\"", i+1, i, i) }),
		"laughs by list":    `_x0: [1, 2, 3]` + many(30, func(i int) string { return fmt.Sprintf("\n_x%d: [_x%d, _x%d]", i+1, i, i) }),
		"laughs by struct":  `_x0: {a: 1}` + many(30, func(i int) string { return fmt.Sprintf("\n_x%d: {a: _x%d, b: _x%d}", i+1, i, i) }),
		"nested loops":      `_l: [` + strings.Repeat("1,", 300) + "]\n_x: [for a in _l for b in _l for c in _l {a + b + c}]",
		"choices":           "_x: " + strings.TrimSuffix(many(14, func(i int) string { return fmt.Sprintf("({a%d: 1} | {b%d: 1}) & ", i, i) }), " & "),
		"choices by or":     "_x: " + strings.TrimSuffix(many(14, func(i int) string { return fmt.Sprintf("or([{a%d: 1}, {b%d: 1}]) & ", i, i) }), " & "),
		"brackets":          "_x: " + strings.Repeat("[", 100_000) + strings.Repeat("]", 100_000),
		"chain of labels":   many(40_000, func(int) string { return "a: " }) + "1",
		"many values":       "ownership: {" + many(60_000, func(i int) string { return "a:1," }) + "}",
		"one field often":   "ownership: {" + many(4_000, func(i int) string { return "a:1," }) + "}",
		"one struct often":  many(3_900, func(i int) string { return "ownership: a: {x: {y: 1}}\n" }),
		"many fields":       "ownership: aa: {" + many(4_000, func(i int) string { return fmt.Sprintf("a%d:1,", i) }) + "}",
		"many elements":     "ownership: aa: {coOwners: [" + many(4_000, func(i int) string { return "1," }) + "]}",
		"recursion":         "_f: {n: int, out: (_f & {n: 1}).out}",
		"large":             "// " + strings.Repeat("x", 300<<10),
		"tool":              `import "tool/exec"`,
		"unknown attribute": "@extern(embed)\n_x: 1 @embed(file=x)",
		"invalid utf-8":     "_x: \"\xff\xfe\"",
		"null byte":         "_x: \x00",
	}
	for name, text := range cases {
		t.Run(name, func(t *testing.T) {
			begin := time.Now()
			config := declare.Load(fstest.MapFS{
				"bad.cue":  {Data: []byte("package fleet\n" + text + "\n")},
				"good.cue": {Data: []byte("package fleet\nfleet: org: \"acme\"\nteams: a: members: [\"x\"]\nownership: good: {repo: \"a/b\", owner: \"a\"}\n")},
			}, kinds())
			if took := time.Since(begin); took > 5*time.Second {
				t.Errorf("took %s", took)
			}
			if !fleet.HasErrors(config.Problems) || config.Problems[0].Pos.File != "bad.cue" {
				t.Errorf("problems: %v", config.Problems)
			}
			if d := config.Declaration(fleet.ID{Kind: "ownership", Name: "good"}); d == nil || d.Spec == nil {
				t.Errorf("a file that is fine was harmed")
			}
			t.Log(time.Since(begin).Round(time.Millisecond), config.Problems)
		})
	}
}

// FuzzLoad holds that no bytes make Load panic, and that what is broken never
// makes a declaration of another file go.
func FuzzLoad(f *testing.F) {
	cases, _ := filepath.Glob("testdata/*.txtar")
	for _, name := range cases {
		archive, err := txtar.ParseFile(name)
		if err != nil {
			f.Fatal(err)
		}
		for _, file := range archive.Files {
			f.Add(file.Data)
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		config := declare.Load(fstest.MapFS{"sub/x.cue": {Data: data}}, kinds())
		for _, p := range config.Problems {
			if p.Message == "" || p.Code == "" || p.Pos.File != "" && p.Pos.File != "sub/x.cue" {
				t.Errorf("%+v", p)
			}
		}
		for _, d := range config.Declarations {
			if (d.Spec == nil) != (len(d.Frozen) > 0) || d.Pos.File != "sub/x.cue" {
				t.Errorf("%+v", d)
			}
		}
	})
}

func problems(config *fleet.Config) string {
	var b bytes.Buffer
	for _, p := range config.Problems {
		fmt.Fprintf(&b, "%s (%s)\n", p, p.Code)
	}
	return b.String()
}

func summary(config *fleet.Config) string {
	var b strings.Builder
	fmt.Fprintf(&b, "mode %s\n", config.Settings.Mode)
	if config.Stop {
		b.WriteString("stop\n")
	}
	for _, d := range config.Declarations {
		state := "proceeds"
		if len(d.Frozen) > 0 {
			state = "frozen"
		}
		if (d.Spec == nil) != (state == "frozen") {
			state += ", but its spec says otherwise"
		}
		fmt.Fprintf(&b, "%s %s\n", d.ID, state)
	}
	for _, name := range config.Unreadable {
		fmt.Fprintf(&b, "unreadable %s\n", name)
	}
	return b.String()
}
