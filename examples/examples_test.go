package examples

import (
	"bytes"
	"flag"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"cuelang.org/go/cue"
	"cuelang.org/go/cue/cuecontext"
	"cuelang.org/go/cue/load"

	"github.com/portreeve/portreeve/reconciler/declare"
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
	"github.com/portreeve/portreeve/schema"
)

var update = flag.Bool("update", false, "copy the schema into the examples again")

func kinds() kind.Set {
	transforms := transform.Set{
		replace.New(), file.New(), delete.New(), rename.New(),
		yaml.New(), json.New(), toml.New(), gomod.New(), codeowners.New(),
	}
	return kind.Set{ownership.New(transforms), loan.New(), cluster.New(), prometheus.New(transforms), migration.New(transforms)}
}

// TestValid holds that every example is without problems and declares
// something.
func TestValid(t *testing.T) {
	folders, err := filepath.Glob("*/fleet.cue")
	if err != nil || len(folders) < 3 {
		t.Fatal(folders, err)
	}
	for _, f := range folders {
		dir := filepath.Dir(f)
		t.Run(dir, func(t *testing.T) {
			problems, err := declare.Validate(dir, kinds(), time.Now())
			if err != nil || len(problems) > 0 {
				t.Error(problems, err)
			}
			if loose, problems := declare.FormatTree(os.DirFS(dir)); len(loose) > 0 || len(problems) > 0 {
				t.Errorf("is not formatted: %v %v", loose, problems)
			}
			if c := declare.Load(os.DirFS(dir), kinds()); len(c.Declarations) == 0 || len(c.Teams) == 0 {
				t.Error("declares nothing")
			}
		})
	}
}

// TestSchemaCopy holds that the copy of the schema in acme is the schema.
func TestSchemaCopy(t *testing.T) {
	dir := filepath.Join("acme/cue.mod/pkg", schema.ImportPath)
	names, err := fs.Glob(schema.FS, "*.cue")
	if err != nil || len(names) == 0 {
		t.Fatal(names, err)
	}
	for _, name := range names {
		want, err := schema.FS.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if *update {
			if err := os.WriteFile(filepath.Join(dir, name), want, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if got, _ := os.ReadFile(filepath.Join(dir, name)); !bytes.Equal(got, want) {
			t.Errorf("%s differs: run this test with -update", name)
		}
	}
}

// TestCUE holds that CUE's own loader takes acme as it is, in each folder, and
// without a registry.
func TestCUE(t *testing.T) {
	instances := load.Instances([]string{"./..."}, &load.Config{Dir: "acme", Env: []string{"CUE_REGISTRY=none"}})
	if len(instances) < 4 {
		t.Errorf("%d instances", len(instances))
	}
	for _, inst := range instances {
		if inst.Err != nil {
			t.Fatal(inst.Err)
		}
		if err := cuecontext.New().BuildInstance(inst).Validate(cue.Concrete(true)); err != nil {
			t.Errorf("%s: %v", inst.Dir, err)
		}
	}
}
