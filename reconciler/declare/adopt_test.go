package declare_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/portreeve/portreeve/reconciler/declare"
	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/kind"
	"github.com/portreeve/portreeve/reconciler/transform"
)

var today = time.Date(2026, 11, 26, 0, 0, 0, 0, time.UTC)

// adopted loads a config repo with what is adopted beside it.
func adopted(t *testing.T, files fstest.MapFS, found ...kind.Adopted) (*declare.Adoption, *fleet.Config) {
	t.Helper()
	a, err := declare.Adopt(declare.Load(files, kinds()), files, found, today)
	if err != nil {
		t.Fatal(err)
	}
	for _, edit := range a.Edits {
		if _, there := files[string(edit.Path)]; there {
			t.Errorf("%s would be written over", edit.Path)
		}
	}
	return a, declare.Load(transform.Overlay(files, a.Edits), kinds())
}

// TestAdoptNames: teams that are declared are used, whatever they are called, and
// neither a name nor a file that is taken is taken again.
func TestAdoptNames(t *testing.T) {
	files := fstest.MapFS{
		"fleet.cue": {Data: []byte(`package fleet
fleet: org: "acme"
teams: {
	money: github: "acme/Payments"
	docs: {members: ["ana", "kim"], contact: "#docs"}
	"kim-alone": {members: ["kim"], contact: "#kim"}
}
ownership: web: {repo: "acme/other", owner: "money"}
`)},
		"teams/search.cue": {Data: []byte("package fleet\n")},
	}
	one := func(repo fleet.RepoName, owners ...string) kind.Adopted {
		return kind.Adopted{Repo: repo, File: "CODEOWNERS", Owners: owners}
	}
	a, config := adopted(t, files,
		one("acme/Web", "@acme/payments", "@acme/Docs", "@KIM"), one("acme/x_.y", "@acme/search"), one("acme/web.", "@docs"))
	if len(config.Problems) > 0 {
		t.Fatal(config.Problems)
	}
	var b strings.Builder
	for _, d := range a.Made {
		fmt.Fprintf(&b, "%s %s %s\n", d.Repo, d.File, d.Owner)
	}
	for _, edit := range a.Edits {
		text, _, _ := strings.Cut(string(edit.Content), "\n\townership")
		if strings.HasPrefix(string(edit.Path), "teams/") {
			fmt.Fprintf(&b, "%s %s\n", edit.Path, strings.TrimSpace(strings.TrimPrefix(text, "package fleet\n\n")))
		}
	}
	for _, r := range a.Remarks {
		fmt.Fprintf(&b, "%s: %s\n", r.Repo, r.Why)
	}
	want := `acme/Web ownership/acme-web.cue money
acme/x_.y ownership/x-y.cue acme-search
acme/web. ownership/acme-web-6c609aa0.cue user-docs
teams/acme-docs.cue teams: "acme-docs": github: "acme/Docs"
teams/acme-search.cue teams: "acme-search": github: "acme/search"
teams/user-docs.cue teams: "user-docs": {members: ["docs"], contact: "docs on GitHub"}
`
	if b.String() != want {
		t.Errorf("got:\n%s", &b)
	}
}

// TestAdoptBinds: whatever a pattern holds, what is written is one declaration of
// that repo, and data.
func TestAdoptBinds(t *testing.T) {
	odd := "\"}\nfleet: mode: \"merge\" //\\(x)\u2028"
	_, config := adopted(t, fstest.MapFS{"fleet.cue": {Data: []byte("package fleet\nfleet: org: \"acme\"\n")}}, kind.Adopted{
		Repo: "acme/ledger", File: "CODEOWNERS", Answers: "@acme/payments", Catalog: odd,
		Paths: []kind.AdoptedPath{{Pattern: odd, Owners: []string{"@acme/payments"}}, {Pattern: `a"}\(x)`, Rank: 7}},
	})
	if config.Settings.Mode == fleet.Merge || len(config.Declarations) != 1 || len(config.Declarations[0].Frozen) == 0 {
		t.Errorf("%+v, %v", config.Settings, config.Declarations)
	}
}

// BenchmarkAdopt: 5,000 repos, and the config repo that they come to.
func BenchmarkAdopt(b *testing.B) {
	files := fstest.MapFS{"fleet.cue": {Data: []byte("package fleet\n")}}
	config := declare.Load(files, kinds())
	var found []kind.Adopted
	for i := range 5000 {
		found = append(found, kind.Adopted{
			Repo: fleet.RepoName(fmt.Sprintf("acme/repo-%d", i)), File: "CODEOWNERS", Owners: []string{fmt.Sprintf("@acme/team-%d", i%300)},
			Paths: []kind.AdoptedPath{{Pattern: "/deploy/", Owners: []string{"@acme/platform", "@kim"}}, {Pattern: "*.md", Owners: []string{"@acme/docs"}, Rank: 1}},
		})
	}
	for b.Loop() {
		a, err := declare.Adopt(config, files, found, today)
		if err != nil {
			b.Fatal(err)
		}
		if after := declare.Load(transform.Overlay(files, a.Edits), kinds()); len(after.Declarations) != 5000 || fleet.HasErrors(after.Problems) {
			b.Fatal(len(after.Declarations), after.Problems)
		}
	}
}
