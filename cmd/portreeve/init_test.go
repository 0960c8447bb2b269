package main

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"cuelang.org/go/cue"
	"cuelang.org/go/cue/cuecontext"
	"cuelang.org/go/cue/load"

	"github.com/portreeve/portreeve/cmd/internal/members"
	"github.com/portreeve/portreeve/reconciler/declare"
	"github.com/portreeve/portreeve/schema"
)

// laidOut is a new config repo of acme.
func laidOut(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "config")
	s := start{org: "acme", hookRepo: hookRepo}
	must(t, s.check(dir))
	_, err := s.layOut(dir)
	must(t, err)
	return dir
}

// vet is "cue vet -c ./...", with nothing but the files below dir.
func vet(t *testing.T, dir string) error {
	t.Helper()
	var all []error
	for _, inst := range load.Instances([]string{"./..."}, &load.Config{Dir: dir, Env: []string{"CUE_REGISTRY=none"}}) {
		err := error(inst.Err)
		if inst.Err == nil {
			err = cuecontext.New().BuildInstance(inst).Validate(cue.Concrete(true))
		}
		all = append(all, err)
	}
	if len(all) < 3 {
		t.Errorf("%d packages", len(all))
	}
	return errors.Join(all...)
}

// TestInitVets holds that CUE's own tools take a new config repo as it is, in
// each folder, offline, and that they see mistakes of form in any file.
func TestInitVets(t *testing.T) {
	dir := laidOut(t)
	if err := vet(t, dir); err != nil {
		t.Error(err)
	}
	for what, text := range map[string]string{
		"unknown field":    `ownership: web: {repo: "acme/web", owner: "platform", onwer: "x"}`,
		"unknown group":    `ownerhip: web: {repo: "acme/web", owner: "platform"}`,
		"wrong type":       `ownership: web: {repo: 3, owner: "platform"}`,
		"missing field":    `ownership: web: repo: "acme/web"`,
		"not concrete":     `ownership: web: {repo: "acme/web", owner: string}`,
		"unknown step":     `migrations: x: {title: "x", why: "x", owner: "platform", steps: [{do: "nothing"}]}`,
		"settings overlap": `fleet: org: "other"`,
	} {
		for _, folder := range []string{".", "ownership", "of/its/own"} {
			name := filepath.Join(dir, folder, "mistake.cue")
			must(t, os.MkdirAll(filepath.Dir(name), 0o755))
			must(t, os.WriteFile(name, []byte("package fleet\n\n"+text+"\n"), 0o644))
			if err := vet(t, dir); err == nil {
				t.Errorf("%s in %s passes", what, folder)
			}
			must(t, os.Remove(name))
		}
	}
}

// TestInitKinds holds that a new config repo shows each kind, in a folder of
// its own, and has a net for it.
func TestInitKinds(t *testing.T) {
	dir := laidOut(t)
	settings, err := os.ReadFile(filepath.Join(dir, "fleet.cue"))
	must(t, err)
	nets := strings.Join(strings.Fields(string(settings)), " ")
	config := declare.Load(os.DirFS(dir), members.Kinds())
	for _, k := range schema.Kinds() {
		if net := k.Field + ": [string]: schema." + k.Definition.Name; !strings.Contains(nets, net) {
			t.Errorf("fleet.cue has no net %q", net)
		}
		shown := k.Name == "team" && len(config.Teams) > 0
		for _, d := range config.Declarations {
			shown = shown || d.ID.Kind == k.Name && filepath.Dir(d.Pos.File) == k.Field
		}
		if !shown {
			t.Errorf("it shows no %s", k.Name)
		}
	}
}

// TestInitWhole holds that nothing is left where not all could be written.
func TestInitWhole(t *testing.T) {
	dir := t.TempDir()
	if err := moveIn(dir, map[string][]byte{"a/b.cue": nil, "z": nil}); err != nil {
		t.Fatal(err)
	}
	// What came to be there meanwhile stays, and nothing else.
	must(t, os.RemoveAll(filepath.Join(dir, "a")))
	err := moveIn(dir, map[string][]byte{"a/b.cue": nil, "z": []byte("new")})
	if err == nil || !strings.Contains(err.Error(), "z has come to be there") {
		t.Error(err)
	}
	var left []string
	must(t, filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		left = append(left, strings.TrimPrefix(path, dir))
		return err
	}))
	if got := strings.Join(left, " "); got != " /z" {
		t.Errorf("left: %s", got)
	}
}

// TestInitGo holds that the workflow builds with a Go that the module takes.
func TestInitGo(t *testing.T) {
	module, err := os.ReadFile("../../go.mod")
	must(t, err)
	_, rest, _ := strings.Cut(string(module), "\ngo ")
	version := strings.Join(strings.Split(rest, ".")[:2], ".")
	workflow, err := os.ReadFile("../../examples/start/.github/workflows/portreeve.yaml")
	must(t, err)
	if n := strings.Count(string(workflow), `go-version: "`+version+`"`); n != 2 {
		t.Errorf("go %s stands %d times in the workflow", version, n)
	}
}
