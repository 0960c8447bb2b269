package plan_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/plan"
)

// crowd is a fleet of n repos in every situation, under ten declarations.
func crowd(t testing.TB, n int) (*plan.World, *teller) {
	var cue, world strings.Builder
	cue.WriteString("package fleet\n\nownership: {\n")
	for i := range 4 {
		fmt.Fprintf(&cue, "\trepo%d: {repo: \"acme/r%d\", owner: \"payments\"}\n", i, i)
	}
	cue.WriteString("}\n")
	for i := range 6 {
		fmt.Fprintf(&cue, `migrations: m%d: {
	title: "Migration %d of {{.Name}}", why: "Order.", owner: "platform", merge: "checks-pass"
	select: any: [{file: "go.mod"}, {topic: "always"}]
	steps: [{do: "replace", paths: ["go.mod", "**/*.go"], pattern: "old%d", with: "new"}]
}
`, i, i, i%4)
	}
	files := []txtar.File{{Name: "fleet.cue", Data: []byte(cue.String())}}
	for i := range n {
		name := fmt.Sprintf("acme/r%d", i)
		for _, path := range []string{"go.mod", "main.go", "a/a.go", "README.md", ".github/workflows/test.yml"} {
			files = append(files, txtar.File{Name: name + "/" + path, Data: fmt.Appendf(nil, "%s %d old%d\n", path, i, i%5)})
		}
		pulls := []string{"{}", "{head: old}", "{head: person}", "{state: merged}", "{state: closed, by: person}", "{checks: {}}"}
		fmt.Fprintf(&world, "%s: {topics: [always], rules: {required: [test]}, pulls: {migration/m%d: %s, migration/gone: {}, migration/m5: %s}}\n",
			name, i%5, pulls[i%len(pulls)], pulls[(i+1)%len(pulls)])
	}
	files = append(files, txtar.File{Name: "world", Data: []byte(world.String())})
	w, a := load(t, files)
	if len(w.Config.Problems) > 0 {
		t.Fatal(w.Config.Problems)
	}
	return w, a
}

// shuffled is the same world with everything that has no order in another.
func shuffled(w *plan.World, r *rand.Rand) *plan.World {
	again := *w
	config := *w.Config
	config.Declarations = slices.Clone(config.Declarations)
	r.Shuffle(len(config.Declarations), func(i, j int) {
		d := config.Declarations
		d[i], d[j] = d[j], d[i]
	})
	again.Config, again.Repos = &config, map[fleet.RepoName]*plan.Repo{}
	names := slices.Sorted(maps.Keys(w.Repos))
	r.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
	for _, name := range names {
		repo := *w.Repos[name]
		repo.Head.Branches = slices.Clone(repo.Head.Branches)
		r.Shuffle(len(repo.Head.Branches), func(i, j int) {
			b := repo.Head.Branches
			b[i], b[j] = b[j], b[i]
		})
		again.Repos[name] = &repo
	}
	return &again
}

func inJSON(t *testing.T, p *plan.Plan) string {
	t.Helper()
	b, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// TestSameWorldSamePlan proves that a plan depends on its world alone: on no
// order, and on no memo.
func TestSameWorldSamePlan(t *testing.T) {
	w, a := crowd(t, 24)
	cold := newMemo()
	want, _ := settle(w, a, cold)
	promises(t, w, want)
	if len(want.Steps) < 20 || len(want.Outcomes) < 100 {
		t.Fatalf("the crowd is too quiet: %d steps, %d outcomes", len(want.Steps), len(want.Outcomes))
	}
	r := rand.New(rand.NewSource(1))
	for range 50 {
		got, needs := plan.Compute(shuffled(w, r), kinds(), newMemo())
		if len(needs) > 0 {
			t.Fatalf("asks: %s", inWords(needs))
		}
		if inJSON(t, got) != inJSON(t, want) {
			t.Fatal("another order gives another plan")
		}
	}
	warm, _ := plan.Compute(w, kinds(), cold)
	if inJSON(t, warm) != inJSON(t, want) || !reflect.DeepEqual(warm, want) {
		t.Error("a hit and a miss give different plans")
	}
	broken := newMemo()
	for key := range cold.kept {
		broken.kept[key] = []byte("{")
	}
	if got, _ := plan.Compute(w, kinds(), broken); inJSON(t, got) != inJSON(t, want) {
		t.Error("a memo that forgot its answers gives another plan")
	}
}

// TestMemoSpares proves that a world whose trees did not change is planned
// without reading them.
func TestMemoSpares(t *testing.T) {
	w, a := crowd(t, 12)
	m := newMemo()
	want, _ := settle(w, a, m)
	forget(w, a)
	got, asked := settle(w, a, m)
	if inJSON(t, got) != inJSON(t, want) {
		t.Error("the second pass plans otherwise")
	}
	for _, words := range asked {
		if strings.Contains(words, " tree") || strings.Contains(words, " files ") {
			t.Errorf("the second pass reads again: %s", words)
		}
	}
}

// TestNeedsAreAskedOnce proves that no question is asked again once it has
// been answered, and that each round brings planning further.
func TestNeedsAreAskedOnce(t *testing.T) {
	w, a := crowd(t, 24)
	seen := map[string]int{}
	for round := 1; ; round++ {
		_, needs := plan.Compute(w, kinds(), newMemo())
		if len(needs) == 0 {
			break
		}
		if round > rounds {
			t.Fatal("the needs loop does not end")
		}
		for _, n := range needs {
			for _, f := range n.Files {
				seen[fmt.Sprint(n.Repo, " ", f)]++
			}
			for _, b := range n.Branches {
				seen[fmt.Sprint(n.Repo, " ", b)]++
			}
			switch {
			case n.Tree, n.All:
				seen[fmt.Sprint(n.Repo, " tree")]++
			case n.Rules:
				seen[fmt.Sprint(n.Repo, " rules")]++
			}
		}
		a.answer(w, needs)
	}
	for question, times := range seen {
		if times > 1 {
			t.Errorf("%s was asked %d times", question, times)
		}
	}
}

// TestUnansweredWaits proves that a world that answers nothing, or the half,
// still has a state for each target, and plans nothing on what is missing.
func TestUnansweredWaits(t *testing.T) {
	w, a := crowd(t, 12)
	whole, _ := settle(w, a, newMemo())
	forget(w, a)
	for round := range rounds {
		p, needs := plan.Compute(w, kinds(), newMemo())
		promises(t, w, p)
		if len(p.Outcomes) != len(whole.Outcomes) {
			t.Errorf("round %d: %d outcomes, want %d", round, len(p.Outcomes), len(whole.Outcomes))
		}
		var half []plan.Need
		for n, need := range needs {
			if n%2 == 0 {
				half = append(half, need)
			}
		}
		a.answer(w, half)
	}
}

// TestMemoKey proves that whatever a kind looks at makes another key.
func TestMemoKey(t *testing.T) {
	for name, change := range map[string]func(*plan.World){
		"the declaration": func(w *plan.World) { w.Config.Declarations[0].Hash = "x" },
		"its owner":       func(w *plan.World) { w.Config.Declarations[0].Owner = "x" },
		"a team": func(w *plan.World) {
			team := w.Config.Teams["platform"]
			team.GitHub = "acme/x"
			w.Config.Teams["platform"] = team
		},
		"the listing":          func(w *plan.World) { w.Repos["acme/r0"].Listing.Language = "C" },
		"the tree":             func(w *plan.World) { w.Repos["acme/r0"].Head.Tree = "x" },
		"a tree without an id": func(w *plan.World) { w.Repos["acme/r0"].Head.Tree = "" },
	} {
		w, a := crowd(t, 1)
		m := newMemo()
		settle(w, a, m)
		m.misses = 0
		change(w)
		if plan.Compute(w, kinds(), m); m.misses == 0 {
			t.Errorf("%s is not covered", name)
		}
	}
}

func BenchmarkCompute(b *testing.B) {
	w, a := crowd(b, 1000)
	warm := newMemo()
	settle(w, a, warm)
	for name, m := range map[string]func() plan.Memo{
		"warm": func() plan.Memo { return warm },
		"cold": func() plan.Memo { return newMemo() },
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				plan.Compute(w, kinds(), m())
			}
		})
	}
}

// TestMemoFollowsNames: a want calls a team, which its declaration does not
// name, by its name, and must not be remembered with the one it had before.
func TestMemoFollowsNames(t *testing.T) {
	archive := txtar.Parse([]byte(`
-- fleet.cue --
package fleet

teams: old: github: "acme/old"
ownership: ledger: {repo: "acme/ledger", owner: "payments"}
-- acme/ledger/CODEOWNERS --
* @Acme/Old
`))
	w, tell := load(t, archive.Files)
	m := newMemo()
	before, _ := settle(w, tell, m)
	config := *w.Config
	config.Teams = maps.Clone(config.Teams)
	config.Teams["ancient"] = fleet.Team{Name: "ancient", GitHub: "acme/old"}
	w.Config = &config
	after, _ := settle(w, tell, m)
	fresh, _ := settle(w, tell, newMemo())
	if got, want := fmt.Sprint(after.Outcomes[0].What), fmt.Sprint(fresh.Outcomes[0].What); got != want || got == fmt.Sprint(before.Outcomes[0].What) {
		t.Errorf("with what is remembered: %s; without: %s; before: %v", got, want, before.Outcomes[0].What)
	}
}
