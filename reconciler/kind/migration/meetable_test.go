package migration

import (
	"math/rand/v2"
	"testing"

	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/transform"
	"github.com/portreeve/portreeve/reconciler/transform/transformtest"
)

// TestMeetable holds that a selection which a repo meets is never called one
// that no repo can meet, whatever the selection and the repo.
func TestMeetable(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	pick := func(all ...string) *string { return &all[r.IntN(len(all))] }
	var condition func(depth int) Condition
	condition = func(depth int) Condition {
		several := func() *[]Condition {
			all := make([]Condition, 1+r.IntN(3))
			for i := range all {
				all[i] = condition(depth - 1)
			}
			return &all
		}
		n := r.IntN(8)
		if depth == 0 {
			n = 3 + r.IntN(5)
		}
		switch n {
		case 0:
			return Condition{All: several()}
		case 1:
			return Condition{Any: several()}
		case 2:
			c := condition(depth - 1)
			return Condition{Not: &c}
		case 3:
			return Condition{Name: pick("*", "ledger", "l*", "acme/*", "acme/ledger", "**/*", "web", `w\eb`)}
		case 4:
			return Condition{Topic: pick("a", "b")}
		case 5:
			return Condition{Language: pick("Go", "go", "Rust")}
		case 6:
			return Condition{File: pick("go.mod", "**/go.mod")}
		}
		c := Condition{Contains: &Contains{File: *pick("go.mod", "**/go.mod"), Pattern: *pick("x", "y")}}
		c.re, _ = transform.CompilePattern("pattern", c.Contains.Pattern)
		return c
	}
	met, not := 0, 0
	for range 20_000 {
		c := condition(2)
		if !canBeMet(&c) {
			not++
		}
		f := &facts{repo: fleet.Repo{Name: fleet.RepoName(*pick("acme/ledger", "acme/web", "acme/l")), Language: *pick("Go", "Rust", "")}, contents: true}
		for _, topic := range []string{"a", "b"} {
			if r.IntN(2) == 0 {
				f.repo.Topics = append(f.repo.Topics, topic)
			}
		}
		tree := transformtest.Tree{}
		if r.IntN(2) == 0 {
			tree[fleet.Path(*pick("go.mod", "a/go.mod"))] = transformtest.File{Content: []byte(*pick("x", "y", "xy", ""))}
		}
		f.tree = tree
		v, err := c.eval(f)
		if err != nil {
			t.Fatal(err)
		}
		if v.is == yes {
			if met++; !canBeMet(&c) {
				t.Fatalf("no repo can meet it, and %+v does: %+v", f.repo, c)
			}
		}
	}
	if met < 1000 || not < 100 {
		t.Errorf("%d were met, and %d can't be: too few to tell", met, not)
	}
}
