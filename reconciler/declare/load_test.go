package declare_test

import (
	"bytes"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/portreeve/portreeve/reconciler/declare"
	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/kind"
	"github.com/portreeve/portreeve/reconciler/kind/cluster"
	"github.com/portreeve/portreeve/reconciler/kind/loan"
	"github.com/portreeve/portreeve/reconciler/kind/migration"
	"github.com/portreeve/portreeve/reconciler/kind/ownership"
	"github.com/portreeve/portreeve/reconciler/kind/prometheus"
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
	return kind.Set{ownership.New(transforms), loan.New(), cluster.New(), prometheus.New(transforms), migration.New(transforms)}
}

// limited is a loader whose evaluation gets so little that a test can wait
// until it has used it up.
func limited() *declare.Loader {
	l := declare.NewLoader(kinds())
	l.Limits = declare.Limits{Memory: 400 << 20, CPU: 500 * time.Millisecond}
	return l
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
	config := limited().Load(fsys)
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
			if strings.HasSuffix(file.Name, ".cue") && file.Name != "fleet.cue" {
				f.Add(file.Data)
			}
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		config := limited().Load(fstest.MapFS{"sub/x.cue": {Data: data}})
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
		for _, ask := range d.Asks {
			state += fmt.Sprintf("\n  asks: %s (%s)", ask.Problem, ask.Policy)
		}
		for _, id := range slices.Sorted(maps.Keys(d.Acknowledged)) {
			a := d.Acknowledged[id]
			state += fmt.Sprintf("\n  acknowledges %s until %s: %s", id, a.Until.Format(time.DateOnly), a.Reason)
		}
		fmt.Fprintf(&b, "%s %s\n", d.ID, state)
	}
	for _, name := range config.Unreadable {
		fmt.Fprintf(&b, "unreadable %s\n", name)
	}
	return b.String()
}

// TestLargeFile holds that a file of plain data that is too large for the fast
// way declares all that stands in it, and has its mistakes told.
func TestLargeFile(t *testing.T) {
	var text strings.Builder
	text.WriteString("package fleet\n")
	const count = 3000
	for i := range count {
		fmt.Fprintf(&text, "ownership: \"service-%d\": {repo: \"acme/service-%d\", owner: \"payments\", why: \"They have it since %d.\"}\n", i, i, i)
	}
	if text.Len() < 256<<10 {
		t.Fatal("the file is small")
	}
	tree := fstest.MapFS{
		"fleet.cue": {Data: []byte("package fleet\nfleet: org: \"acme\"\nteams: payments: github: \"acme/payments\"\n")},
		"large.cue": {Data: []byte(text.String())},
	}
	if config := declare.Load(tree, kinds()); len(config.Problems) > 0 || len(config.Owners) != count {
		t.Errorf("%d owners, problems: %v", len(config.Owners), config.Problems)
	}
	text.WriteString("ownership: last: {repo: \"acme/last\", owner: \"payments\", merg: \"manual\"}\n")
	tree["large.cue"] = &fstest.MapFile{Data: []byte(text.String())}
	want := fmt.Sprintf(`large.cue:%d:57: unknown field "merg"; did you mean "merge"?`, count+2)
	if config := declare.Load(tree, kinds()); len(config.Problems) != 1 || config.Problems[0].String() != want || len(config.Owners) != count {
		t.Errorf("%d owners, problems: %v, want %s", len(config.Owners), config.Problems, want)
	}
}
