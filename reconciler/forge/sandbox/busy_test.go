package sandbox

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/forge"
)

// Everybody does everything at once; the race detector listens.
func TestBusy(t *testing.T) {
	for _, dir := range []string{"", t.TempDir()} {
		f, _ := newForge(t, dir, nil)
		limits := Limits{}
		f.SetLimits(limits)
		m, ctx := f.As("portreeve"), context.Background()
		var wg sync.WaitGroup
		for i := range 6 {
			wg.Go(func() {
				branch := fmt.Sprintf("portreeve/x%d", i)
				who := f.Person("portreeve")
				if _, err := who.CommitFile(ledger, branch, fmt.Sprintf("f%d", i), "x\n", "Change"); err != nil {
					t.Error(err)
					return
				}
				o, err := m.OpenPull(ctx, ledger, forge.NewPull{Head: branch, Base: "main", Text: forge.Text{Title: "t"}})
				if err != nil {
					t.Error(err)
					return
				}
				if status, got := ask(t, f, bigQuery, obj{"owner": "acme", "first": 10}); status != 200 {
					t.Error(got)
				}
				m.Heads(ctx, []fleet.RepoName{ledger})
				if err := f.Person("you").Merge(ledger, o.Number, fleet.MergeSquash); err != nil {
					t.Error(err)
				}
				f.Counts()
			})
		}
		wg.Wait()
		pulls, err := f.Pulls(ledger)
		must(t, err)
		for _, p := range pulls {
			if p.State != fleet.PullMerged {
				t.Errorf("%+v", p)
			}
		}
	}
}

// BenchmarkFleet is a pass's reading and opening over 1,000 repos in memory.
func BenchmarkFleet(b *testing.B) {
	for b.Loop() {
		f, err := New(Options{Limits: &Limits{}})
		if err != nil {
			b.Fatal(err)
		}
		m, ctx := f.As("portreeve"), context.Background()
		var names []fleet.RepoName
		var branches []forge.Branch
		for i := range 1000 {
			name := fleet.RepoName(fmt.Sprintf("acme/r%d", i))
			names = append(names, name)
			branches = append(branches, forge.Branch{Repo: name, Name: "portreeve/x"})
			if err := f.CreateRepo(Spec{Name: name, Files: map[string]File{"go.mod": {Content: "module x\n"}}}); err != nil {
				b.Fatal(err)
			}
			if _, err := f.Person("portreeve").CommitFile(name, "portreeve/x", "x", "x\n", "Change"); err != nil {
				b.Fatal(err)
			}
			if _, err := m.OpenPull(ctx, name, forge.NewPull{Head: "portreeve/x", Base: "main", Text: forge.Text{Title: "t"}}); err != nil {
				b.Fatal(err)
			}
		}
		m.Heads(ctx, names)
		m.PullRequests(ctx, branches)
	}
}
