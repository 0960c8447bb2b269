package declare_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/portreeve/portreeve/reconciler/declare"
	"github.com/portreeve/portreeve/reconciler/fleet"
)

// TestImport runs testdata/import: files of a config repo, the repos of the
// fleet, and a catalog in JSON, a line for each entity; and what they come to.
func TestImport(t *testing.T) {
	cases, err := filepath.Glob("testdata/import/*.txtar")
	if err != nil || len(cases) == 0 {
		t.Fatal(cases, err)
	}
	for _, name := range cases {
		t.Run(filepath.Base(name), func(t *testing.T) {
			archive, err := txtar.ParseFile(name)
			if err != nil {
				t.Fatal(err)
			}
			in := declare.Importing{Catalog: &fleet.Catalog{}, Fed: map[string]string{}}
			files := fstest.MapFS{}
			var said []byte
			kept := archive.Files[:0]
			for _, f := range archive.Files {
				switch {
				case f.Name == "said":
					said = f.Data
					continue
				case f.Name == "repos":
					for _, repo := range strings.Fields(string(f.Data)) {
						in.Repos = append(in.Repos, fleet.RepoName(repo))
					}
				case f.Name == "catalog":
					in.Catalog = parseCatalog(t, f.Data)
				case f.Name == "fed":
					in.Fed[strings.TrimSpace(string(f.Data))] = "it is fed"
				default:
					files[f.Name] = &fstest.MapFile{Data: f.Data}
				}
				kept = append(kept, f)
			}
			made := importing(t, files, in)
			got := told(made)
			if *update {
				archive.Files = append(kept, txtar.File{Name: "said", Data: got})
				write(t, ".", name, string(txtar.Format(archive)))
				return
			}
			if !bytes.Equal(got, said) {
				t.Errorf("got\n%s\nwant\n%s", got, said)
			}
		})
	}
}

// importing imports twice: what is committed of the first is valid, and asks
// for nothing more.
func importing(t *testing.T, files fstest.MapFS, in declare.Importing) *fleet.Import {
	t.Helper()
	load := func() {
		in.Config = declare.Load(files, kinds())
		if f := files[fleet.ImportFile]; f != nil {
			in.Config.Imported = f.Data
		}
		if in.Config.Settings.Backstage == nil {
			t.Fatal(in.Config.Problems)
		}
	}
	load()
	made := declare.Import(in)
	if made.Refused != "" || made.Content == nil {
		return made
	}
	files[fleet.ImportFile] = &fstest.MapFile{Data: made.Content}
	load()
	if fleet.HasErrors(in.Config.Problems) {
		t.Errorf("what is written is invalid: %v\n%s", in.Config.Problems, made.Content)
	}
	if formatted, problems := declare.Format(fleet.ImportFile, made.Content); !bytes.Equal(formatted, made.Content) {
		t.Errorf("it is not formatted: %v\n%s\nwant\n%s", problems, made.Content, formatted)
	}
	if again := declare.Import(in); len(again.What) > 0 || !bytes.Equal(again.Content, made.Content) {
		t.Errorf("it is not done with once: %v\n%s\nthen\n%s", again.What, told(made), told(again))
	}
	return made
}

func told(made *fleet.Import) []byte {
	var b bytes.Buffer
	if made.Refused != "" {
		fmt.Fprintln(&b, "refused:", made.Refused)
	}
	for _, w := range made.What {
		fmt.Fprintln(&b, "change:", w)
	}
	for _, d := range made.Differences {
		fmt.Fprintf(&b, "differs: %s (%s)\n", d, d.Pos)
	}
	for _, p := range made.Kept {
		fmt.Fprintf(&b, "kept: %s: %s\n", p.Ref, p.Reason)
	}
	for _, p := range made.Passed {
		fmt.Fprintf(&b, "passed: %s: %s\n", p.Ref, p.Reason)
	}
	b.WriteString("\n")
	_, body, _ := strings.Cut(string(made.Content), "package fleet\n")
	b.WriteString(strings.TrimPrefix(body, "\n"))
	return b.Bytes()
}

func parseCatalog(t *testing.T, data []byte) *fleet.Catalog {
	t.Helper()
	c := &fleet.Catalog{}
	for d := json.NewDecoder(bytes.NewReader(data)); ; {
		var raw json.RawMessage
		if err := d.Decode(&raw); errors.Is(err, io.EOF) {
			return c
		} else if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(raw), `"group:`) && !strings.Contains(string(raw), `"component:`) {
			var g fleet.CatalogGroup
			if err := json.Unmarshal(raw, &g); err != nil {
				t.Fatal(err)
			}
			c.Groups = append(c.Groups, g)
			continue
		}
		var p fleet.CatalogComponent
		if err := json.Unmarshal(raw, &p); err != nil {
			t.Fatal(err)
		}
		c.Components = append(c.Components, p)
	}
}

// TestImportRandom: whatever a catalog says beside whatever people declare,
// the file is valid with it, and asked for once.
func TestImportRandom(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	pick := func(from ...string) string { return from[r.IntN(len(from))] }
	teams := []string{"pay", "web", "ops", "a.b", "Pay"}
	repos := []string{"acme/ledger", "acme/Ledger_2", "acme/ledger-2", "acme/x", "acme/.github", "acme/a--b", "other/ledger", "acme/none", ""}
	for range 300 {
		in := declare.Importing{
			Catalog: &fleet.Catalog{}, Fed: map[string]string{},
			Repos: []fleet.RepoName{"acme/ledger", "acme/Ledger_2", "acme/ledger-2", "acme/x", "acme/.github", "acme/a--b", "other/ledger"},
		}
		refs := map[string]bool{} // each is there once
		for _, n := range teams[:r.IntN(6)] {
			g := fleet.CatalogGroup{Ref: "group:" + pick("default", "ns") + "/" + strings.ToLower(n) + pick("", "1"), Doubt: pick("", "", "", "odd")}
			if refs[g.Ref] {
				continue
			}
			refs[g.Ref] = true
			if r.IntN(3) > 0 {
				g.GitHub = "acme/" + pick(teams...)
			} else {
				g.Members = []string{"kim"}
			}
			g.Title = pick("", `Quotes " and \(x) in it`, "#\"")
			in.Catalog.Groups = append(in.Catalog.Groups, g)
		}
		for i := range r.IntN(12) {
			p := fleet.CatalogComponent{
				Ref: fmt.Sprintf("component:default/c%02d", i), Repo: fleet.RepoName(pick(repos...)), Doubt: pick("", "", "", "odd"),
				Owner: "group:default/" + strings.ToLower(pick(teams...)), Path: fleet.Path(pick("", "", "a", "a/b", "a b", "[x]", "..", "a*")),
			}
			if len(in.Catalog.Groups) > 0 && r.IntN(4) > 0 {
				p.Owner = in.Catalog.Groups[r.IntN(len(in.Catalog.Groups))].Ref
			}
			if r.IntN(6) == 0 {
				in.Fed[p.Ref] = "fed"
			}
			in.Catalog.Components = append(in.Catalog.Components, p)
		}
		hand := "package fleet\n\nfleet: {org: \"acme\", ownership: backstage: {url: \"https://b\", maxShrink: 100}}\n"
		if r.IntN(2) == 0 {
			hand += "teams: {web: {github: \"acme/ops\", contact: \"#x\"}, own: members: [\"kim\"]}\n"
			hand += fmt.Sprintf("ownership: %q: {repo: \"acme/x\", owner: \"own\"}\n", pick("xx", "ledger", "ledger-2"))
		}
		importing(t, fstest.MapFS{"fleet.cue": {Data: []byte(hand)}}, in)
	}
}

// TestImportManyRepos: a large fleet's file is still plain data, which is read
// without evaluating it.
func TestImportManyRepos(t *testing.T) {
	in := declare.Importing{Catalog: &fleet.Catalog{}}
	for i := range 50 {
		in.Catalog.Groups = append(in.Catalog.Groups, fleet.CatalogGroup{Ref: fmt.Sprintf("group:default/t%02d", i), GitHub: fmt.Sprintf("acme/t%02d", i)})
	}
	for i := range 5000 {
		name := fmt.Sprintf("acme/r%04d", i)
		in.Repos = append(in.Repos, fleet.RepoName(name))
		in.Catalog.Components = append(in.Catalog.Components, fleet.CatalogComponent{
			Ref: fmt.Sprintf("component:default/r%04d", i), Repo: fleet.RepoName(name), Owner: fmt.Sprintf("group:default/t%02d", i%50),
		})
	}
	made := importing(t, fstest.MapFS{"fleet.cue": {Data: []byte("package fleet\n\nfleet: {org: \"acme\", ownership: backstage: url: \"https://b\"}\n")}}, in)
	if made.Repos != 5000 || made.Teams != 50 {
		t.Errorf("%d repos, %d teams", made.Repos, made.Teams)
	}
}

// BenchmarkImport is an import of a large fleet that changes nothing.
func BenchmarkImport(b *testing.B) {
	in := declare.Importing{Catalog: &fleet.Catalog{Groups: []fleet.CatalogGroup{{Ref: "group:default/t", GitHub: "acme/t"}}}}
	for i := range 5000 {
		name := fmt.Sprintf("acme/r%04d", i)
		in.Repos = append(in.Repos, fleet.RepoName(name))
		in.Catalog.Components = append(in.Catalog.Components, fleet.CatalogComponent{
			Ref: fmt.Sprintf("component:default/r%04d", i), Repo: fleet.RepoName(name), Owner: "group:default/t",
		})
	}
	in.Config = &fleet.Config{Settings: fleet.Settings{Backstage: &fleet.Backstage{URL: "https://b"}}}
	in.Config.Imported = declare.Import(in).Content
	for b.Loop() {
		declare.Import(in)
	}
}

// FuzzImport: whatever is committed in the import's place, an import neither
// panics nor writes what can't be read.
func FuzzImport(f *testing.F) {
	f.Add([]byte("package fleet\n\nteams: pay: {github: \"acme/pay\"}\nownership: {ledger: {repo: \"acme/ledger\", owner: \"pay\", paths: {\"/a/\": owner: \"pay\"}}}\n"), true)
	f.Fuzz(func(t *testing.T, committed []byte, doubt bool) {
		in := declare.Importing{
			Repos: []fleet.RepoName{"acme/ledger"},
			Catalog: &fleet.Catalog{
				Groups:     []fleet.CatalogGroup{{Ref: "group:default/pay", GitHub: "acme/pay"}},
				Components: []fleet.CatalogComponent{{Ref: "component:default/ledger", Repo: "acme/ledger", Owner: "group:default/pay"}},
			},
			Config: &fleet.Config{Imported: committed, Settings: fleet.Settings{Backstage: &fleet.Backstage{URL: "https://b"}}},
		}
		if doubt {
			in.Catalog.Components[0].Doubt, in.Catalog.Groups[0].Doubt = "odd", "odd"
		}
		made := declare.Import(in)
		if _, problems := declare.Format("x.cue", made.Content); made.Refused == "" && len(problems) > 0 {
			t.Errorf("%v\n%s", problems, made.Content)
		}
	})
}
