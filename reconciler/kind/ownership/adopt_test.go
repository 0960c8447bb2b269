package ownership

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/hmarr/codeowners"

	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/kind"
	"github.com/portreeve/portreeve/reconciler/transform"
	owners "github.com/portreeve/portreeve/reconciler/transform/codeowners"
	"github.com/portreeve/portreeve/reconciler/transform/yaml"
)

// randomLines are lines as people write them, in any order, some of them twice or
// of no effect.
func randomLines(r *rand.Rand) string {
	handles := []string{"@acme/a", "@acme/b", "@ACME/A", "@kim", "@acme/a @acme/b", "@acme/b @acme/a @kim", "", "@acme/c # why"}
	var b strings.Builder
	for n := 0; n < 1+r.IntN(8); {
		p := randomPattern(r)
		switch r.IntN(12) {
		case 0:
			p = "*"
		case 1:
			p = "/docs/"
		case 2:
			p = "*.md"
		case 3:
			p = `a\ b`
		case 4:
			b.WriteString("# a comment\n\n!not @acme/a\n")
		}
		if transform.CheckOwnersPattern(strings.ReplaceAll(p, `\ `, " ")) != nil {
			continue
		}
		n++
		fmt.Fprintf(&b, "%s %s%s", p, handles[r.IntN(len(handles))], []string{"\n", "\r\n"}[r.IntN(2)])
	}
	return b.String()
}

// declared is the declaration that adopting a repo comes to, with a team for each
// owner, named by its handle.
func declared(a kind.Adopted) (*fleet.Config, *fleet.Declaration) {
	config := &fleet.Config{Teams: map[fleet.TeamName]fleet.Team{}}
	entry := func(handles []string, rank int) Entry {
		e := Entry{Rank: rank, Unowned: len(handles) == 0}
		for i, h := range handles {
			name := fleet.TeamName(kind.HandleKey(h))
			config.Teams[name] = fleet.Team{Name: name, Members: []string{string(name)}}
			if strings.Contains(h, "/") {
				config.Teams[name] = fleet.Team{Name: name, GitHub: h[1:]}
			}
			if i == 0 {
				e.Owner = name
			} else {
				e.CoOwners = append(e.CoOwners, name)
			}
		}
		return e
	}
	root := entry(a.Owners, 0)
	s := &Spec{Repo: a.Repo, Owner: root.Owner, CoOwners: root.CoOwners, Unowned: root.Unowned, Keep: true, Paths: map[string]Entry{}}
	if s.Unowned {
		s.Owner = entry([]string{a.Answers}, 0).Owner
	}
	for _, p := range a.Paths {
		s.Paths[p.Pattern] = entry(p.Owners, p.Rank)
	}
	d := &fleet.Declaration{ID: fleet.ID{Kind: "ownership", Name: "it"}, Owns: a.Repo, Owner: s.Owner, Spec: s}
	config.Declarations = []*fleet.Declaration{d}
	kind.Index(config)
	return config, d
}

// TestAdoptedGivesBack: what a random CODEOWNERS says is declared so that the
// declaration wants no edit of it, and that the file it would be rendered to
// gives every path the same owners, as another implementation reads both.
func TestAdoptedGivesBack(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 5))
	m := member{transform.Set{owners.New(), yaml.New()}}
	adopted, ranked, dropped := 0, 0, 0
	for range 1_500 {
		content := randomLines(r)
		pass := &kind.Pass{Config: &fleet.Config{}, Repo: fleet.Repo{Name: "acme/x"}, Tree: fstest.MapFS{"CODEOWNERS": {Data: []byte(content)}}}
		a, err := m.adopt(pass)
		if err != nil {
			t.Fatal(err)
		}
		if a.Barred() {
			if len(handlesIn(parse([]byte(content)))) > 0 && a.Answers != "" {
				t.Fatalf("barred: %v\n%s", a.Remarks, content)
			}
			continue
		}
		adopted++
		for _, p := range a.Paths {
			ranked += p.Rank
		}
		dropped += len(a.Remarks)
		pass.Config, pass.Declaration = declared(a)
		want, err := m.want(pass)
		if err != nil || len(want.Edits) > 0 {
			t.Fatalf("%v, %v of\n%s\nadopted as %+v", want.Edits, err, content, a)
		}
		all, err := rules(pass.Config, pass.Declaration, "acme/x")
		if err != nil {
			t.Fatal(err)
		}
		sameOwnersEverywhere(t, r, content, string(render(header, pass.Declaration.ID, minimal(all))))
	}
	if adopted < 500 || ranked == 0 || dropped == 0 {
		t.Errorf("%d adopted, %d ranks, %d remarks", adopted, ranked, dropped)
	}
}

func sameOwnersEverywhere(t *testing.T, r *rand.Rand, content, rendered string) {
	t.Helper()
	before, err := codeowners.ParseFile(strings.NewReader(strings.ReplaceAll(content, "!not @acme/a\n", "")))
	if err != nil {
		t.Fatalf("%v\n%s", err, content)
	}
	after, err := codeowners.ParseFile(strings.NewReader(rendered))
	if err != nil {
		t.Fatalf("%v\n%s", err, rendered)
	}
	for range 60 {
		path := randomPath(r)
		if r.IntN(4) == 0 {
			path += ".md"
		}
		if was, is := oracle(t, before, path), oracle(t, after, path); !sameOwners(was, is) {
			t.Fatalf("%s was %v's and is %v's:\n%s\n%s", path, was, is, content, rendered)
		}
	}
}

func oracle(t *testing.T, file codeowners.Ruleset, path string) []string {
	t.Helper()
	found, err := file.Match(path)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	if found != nil {
		for _, o := range found.Owners {
			all = append(all, o.String())
		}
	}
	return all
}

// TestAsDeclaredIsTrue: a file that is said to be as another is gives each path
// the same owners.
func TestAsDeclaredIsTrue(t *testing.T) {
	r := rand.New(rand.NewPCG(8, 13))
	same := 0
	for range 6_000 {
		a := randomLines(r)
		lines := strings.SplitAfter(a, "\n")
		r.Shuffle(len(lines), func(i, j int) { lines[i], lines[j] = lines[j], lines[i] })
		b := strings.Join(lines[r.IntN(2):], "")
		if asDeclared([]byte(a), parse([]byte(b))) {
			same++
			sameOwnersEverywhere(t, r, a, strings.ReplaceAll(b, "!not @acme/a\n", ""))
		}
	}
	if same < 300 {
		t.Errorf("%d are the same", same)
	}
}

// TestOverlapDeniesNothing: two patterns that match one path overlap, and most
// that match none don't.
func TestOverlapDeniesNothing(t *testing.T) {
	r := rand.New(rand.NewPCG(21, 34))
	denied := 0
	for range 60_000 {
		p, q, path := randomPattern(r), randomPattern(r), randomPath(r)
		both := overlap(compile(p).whole(), compile(q).whole())
		if !both && Match(p, path) && Match(q, path) {
			t.Fatalf("%q and %q match %q", p, q, path)
		}
		if both != overlap(compile(q).whole(), compile(p).whole()) {
			t.Fatalf("%q and %q in one order alone", p, q)
		}
		if !both {
			denied++
		}
	}
	if denied < 15_000 {
		t.Errorf("%d are told apart", denied)
	}
}

// FuzzAdopt: whatever a repo holds, no panic, and what is adopted of it decodes
// into a declaration that leaves the file as it is.
func FuzzAdopt(f *testing.F) {
	f.Add("* @acme/a\r\n/docs/ @kim # x\n*.md\n", "kind: Component\nspec: {owner: a}\n")
	f.Add("!x @a\n[a] @b\n/ @c\na#b @d\n\\# @e\n** @acme/a\n/x @other/t me@x.y\n", "kind: Component\nspec:\n  owner: a\n---\nkind: Component\nspec: {owner: b}\n")
	f.Add("\xef\xbb\xbf* @a\n", "a: &a [*a]\n")
	m := member{transform.Set{owners.New(), yaml.New()}}
	f.Fuzz(func(t *testing.T, lines, catalog string) {
		pass := &kind.Pass{Config: &fleet.Config{}, Repo: fleet.Repo{Name: "acme/x"}, Tree: fstest.MapFS{
			".github/CODEOWNERS": {Data: []byte(lines)}, catalogFile: {Data: []byte(catalog)},
		}}
		a, err := m.adopt(pass)
		if err != nil {
			t.Fatal(err)
		}
		if a.Barred() {
			return
		}
		pass.Config, pass.Declaration = declared(a)
		s := pass.Declaration.Spec.(*Spec)
		if a.Catalog != "" {
			s.Catalog = &Catalog{Owner: a.Catalog}
			if s.catalog, err = m.catalogStep(s); err != nil {
				t.Fatal(err)
			}
		}
		if p := s.checkPaths(self, kind.Source{}); p != nil {
			t.Fatal(p)
		}
		if want, err := m.want(pass); err != nil || len(want.Edits) > 0 {
			t.Fatalf("%v, %v", want.Edits, err)
		}
	})
}

// TestAdoptBars: of each file that can't be declared it is said where and why.
func TestAdoptBars(t *testing.T) {
	m := member{transform.Set{owners.New(), yaml.New()}}
	for content, want := range map[string]string{
		"* @acme/a\n/d/ me@acme.example": "CODEOWNERS:2: an owner is an email address, and teams have logins",
		"* @other/a":                     "CODEOWNERS:1: @other/a is a team of another organisation than the repo",
		"* @a_b_c":                       `CODEOWNERS:1: "@a_b_c" can't be the name of a team or a user`,
		"a#b @acme/a":                    `CODEOWNERS:1: "#" stands in the middle of a word`,
		"a\xff @acme/a":                  "CODEOWNERS:1: the pattern is not UTF-8",
		"/a***b @acme/a":                 "CODEOWNERS:1: three asterisks in a row mean nothing",
		"# none\n\n*\n":                  "CODEOWNERS:0: no line of it names an owner",
		"\xef\xbb\xbf* @acme/a":          "CODEOWNERS:0: it begins with a byte order mark, of which it is not known what GitHub makes",
		generated + "ownership/x":        "CODEOWNERS:0: Portreeve writes it, or a block of it, from another declaration",
		"# portreeve:begin b\n* @a\n":    "CODEOWNERS:0: Portreeve writes it, or a block of it, from another declaration",
		strings.Repeat("/a @a\n", 4001):  "CODEOWNERS:0: it has more than 4000 lines, or 128 KiB of patterns, 8 of them with wildcards",
		strings.Repeat("#", 3<<20):       "CODEOWNERS:0: it is 3 MB or larger, and GitHub does not load it",
	} {
		a, err := m.adopt(&kind.Pass{Config: &fleet.Config{}, Repo: fleet.Repo{Name: "acme/x"}, Tree: fstest.MapFS{"CODEOWNERS": {Data: []byte(content)}}})
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		for _, r := range a.Remarks {
			if r.Bars {
				got += fmt.Sprintf("%s:%d: %s", r.File, r.Line, r.Why)
			}
		}
		if got != want {
			t.Errorf("%.40q: %s; want %s", content, got, want)
		}
	}
}

// BenchmarkAdoptHostile: a file within bounds that was made to take long.
func BenchmarkAdoptHostile(b *testing.B) {
	var text strings.Builder
	for wild, plain := 0, 0; wild < mostWild-100; {
		p := fmt.Sprintf("%s*%d*/**/*a*", strings.Repeat("*a", 6), 9999-wild)
		q := fmt.Sprintf("/%s/%d", strings.Repeat("a", 300), plain)
		if wild += len(p); plain < mostText-mostWild-500 {
			plain += len(q)
			fmt.Fprintf(&text, "%s @u%d\n", q, wild%7)
		}
		fmt.Fprintf(&text, "%s @u%d\n", p, wild%6)
	}
	pass := &kind.Pass{Config: &fleet.Config{}, Repo: fleet.Repo{Name: "acme/x"}, Tree: fstest.MapFS{"CODEOWNERS": {Data: []byte(text.String())}}}
	for b.Loop() {
		a, err := member{transform.Set{owners.New(), yaml.New()}}.adopt(pass)
		if err != nil || len(a.Paths) == 0 {
			b.Fatal(a.Remarks, err)
		}
	}
}
