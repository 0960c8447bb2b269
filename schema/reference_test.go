package schema_test

import (
	"crypto/sha256"
	"encoding/hex"
	"flag"
	"io/fs"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"cuelang.org/go/cue"
	"cuelang.org/go/cue/build"
	"cuelang.org/go/cue/cuecontext"
	"cuelang.org/go/cue/parser"

	"github.com/portreeve/portreeve/schema"
)

var update = flag.Bool("update", false, "write README.md again")

func sha256Of(data []byte) string {
	s := sha256.Sum256(data)
	return hex.EncodeToString(s[:])
}

// TestDocumented holds that every definition and field says what it is,
// beginning with its name, so that no reader finds a bare one.
func TestDocumented(t *testing.T) {
	if n := len(schema.Reference()); n < 20 {
		t.Fatalf("%d definitions", n)
	}
	fixed := map[string]bool{} // fields that only choose a variant
	for _, d := range schema.Reference() {
		if d.Choice != "" {
			fixed[d.Choice] = true
		}
	}
	for _, d := range schema.Reference() {
		if !strings.HasPrefix(d.Doc, d.Name+" ") {
			t.Errorf("%s: its comment begins %.20q", d.Name, d.Doc)
		}
		for _, f := range d.Fields {
			if !strings.HasPrefix(f.Doc, f.Name+" ") && !(fixed[f.Name] && len(f.Type.Enum) == 1) {
				t.Errorf("%s.%s: its comment begins %.20q", d.Name, f.Name, f.Doc)
			}
		}
	}
}

// TestExamples holds every example, and every default that is written as CUE,
// against the field that it is of.
func TestExamples(t *testing.T) {
	ctx := cuecontext.New()
	defs := definitions(t, ctx)
	cueDefault := regexp.MustCompile(`^("[^"]*"|[0-9]+|true|false|\[.*\])$`)
	checked := 0
	for _, d := range schema.Reference() {
		for _, f := range d.Fields {
			texts := []string{f.Example}
			if cueDefault.MatchString(f.Default) {
				texts = append(texts, f.Default)
			}
			for _, text := range texts {
				if text == "" {
					continue
				}
				checked++
				selector := cue.Str(f.Name).Optional()
				if f.Required {
					selector = cue.Str(f.Name).Required()
				}
				of := defs.LookupPath(cue.MakePath(cue.Def(d.Name), selector))
				if !of.Exists() {
					t.Fatalf("%s.%s is not in the schema", d.Name, f.Name)
				}
				if err := of.Unify(ctx.CompileString(text)).Validate(cue.Concrete(true)); err != nil {
					t.Errorf("%s.%s: %s: %v", d.Name, f.Name, text, err)
				}
			}
		}
	}
	if checked < 60 {
		t.Errorf("%d examples", checked)
	}
}

func definitions(t *testing.T, ctx *cue.Context) cue.Value {
	t.Helper()
	inst := build.NewContext().NewInstance("", nil)
	names, _ := fs.Glob(schema.FS, "*.cue")
	for _, name := range names {
		data, err := schema.FS.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		file, err := parser.ParseFile(name, data)
		if err == nil {
			err = inst.AddSyntax(file)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return ctx.BuildInstance(inst)
}

// TestNothingElse holds that a package which embeds the root may hold each of
// its fields and no other.
func TestNothingElse(t *testing.T) {
	root, _ := schema.Find(schema.Root)
	fields := []string{"ownerhip", "teamss"}
	for _, f := range root.Fields {
		fields = append(fields, f.Name)
	}
	for _, name := range fields {
		ctx := cuecontext.New()
		defs := definitions(t, ctx)
		v := ctx.CompileString("{#Config, "+name+": {}}", cue.Scope(defs))
		if known := slices.Contains(fields[2:], name); known != (v.Validate() == nil) {
			t.Errorf("%s: %v", name, v.Validate())
		}
	}
}

// TestMarkdown holds that README.md is the reference of this schema, that its
// links lead somewhere, and that all is in it.
func TestMarkdown(t *testing.T) {
	text := schema.Markdown()
	if *update {
		if err := os.WriteFile("README.md", []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if got, _ := os.ReadFile("README.md"); string(got) != text {
		t.Error("README.md is not what the comments say: run go generate ./schema")
	}
	for _, to := range regexp.MustCompile(`\]\(#([^)]*)\)`).FindAllStringSubmatch(text, -1) {
		if !regexp.MustCompile(`(?im)^## ` + to[1] + `$`).MatchString(text) {
			t.Errorf("a link to %q leads nowhere", to[1])
		}
	}
	for _, d := range schema.Reference() {
		for _, f := range d.Fields {
			if id := `<a id="` + strings.ToLower(d.Name[1:]) + "." + f.Name + `"></a>`; strings.Count(text, id) != 1 {
				t.Errorf("%s stands %d times", id, strings.Count(text, id))
			}
		}
	}
}

func TestKinds(t *testing.T) {
	var names []string
	for _, k := range schema.Kinds() {
		names = append(names, k.Name+":"+k.Field)
	}
	if got := strings.Join(names, " "); !strings.HasPrefix(got, "team:teams ownership:ownership loan:loans migration:migrations") {
		t.Error(got)
	}
}
