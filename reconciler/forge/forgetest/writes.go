package forgetest

import (
	"fmt"
	"sync"
	"testing"

	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/forge"
)

func testOpenRepeated(t *testing.T, r *run) {
	repo, _, opened := r.opened("ledger")
	again, err := r.Forge.OpenPull(t.Context(), repo, newPull("With another title"))
	r.must(err)
	if again != opened {
		t.Errorf("%+v, then %+v", opened, again)
	}
	if p := r.pull(repo); p.Title != "Name the owners" {
		t.Errorf("it was edited: %+v", p)
	}
}

func testOpenAtOnce(t *testing.T, r *run) {
	repo := r.repo("ledger")
	r.commit(repo, branch, "* @acme/a\n", "Name the owners")
	var mu sync.Mutex
	var wg sync.WaitGroup
	seen := map[forge.Opened]bool{}
	for range 8 {
		wg.Go(func() {
			o, err := r.Forge.OpenPull(t.Context(), repo, newPull("Name the owners"))
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				t.Error(err)
			}
			seen[o] = true
		})
	}
	wg.Wait()
	if len(seen) != 1 {
		t.Errorf("%v", seen)
	}
}

func testOpenImpossible(t *testing.T, r *run) {
	repo := r.repo("ledger")
	_, err := r.Forge.OpenPull(t.Context(), repo, newPull("Without a branch"))
	r.class(err, fleet.Permanent)
	_, err = r.Forge.OpenPull(t.Context(), r.name("unknown"), newPull("Without a repo"))
	r.class(err, fleet.Permanent)
	if p := r.pull(repo); p != nil {
		t.Errorf("%+v", p)
	}
}

func testEdit(t *testing.T, r *run) {
	repo, head, opened := r.opened("ledger")
	for _, step := range []struct {
		text forge.Text
		want string
	}{
		{forge.Text{Title: "New"}, "New|Because.|[portreeve]"},
		{forge.Text{Body: "Why, anew."}, "New|Why, anew.|[portreeve]"},
		{forge.Text{Labels: []string{"b", "a"}}, "New|Why, anew.|[a b portreeve]"},
		{forge.Text{Title: "Third", Body: "3", Labels: []string{"a", "portreeve"}}, "Third|3|[a b portreeve]"},
		{forge.Text{}, "Third|3|[a b portreeve]"},
	} {
		for range 2 {
			r.must(r.Forge.EditPull(t.Context(), repo, opened.Number, step.text))
			p := r.pull(repo)
			if got := fmt.Sprintf("%s|%s|%v", p.Title, p.Body, p.Labels); got != step.want || p.HeadCommit != head {
				t.Errorf("after %+v: %s", step.text, got)
			}
		}
	}
	r.class(r.Forge.EditPull(t.Context(), repo, 999, forge.Text{Title: "x"}), fleet.Permanent)
}

func testClose(t *testing.T, r *run) {
	repo, _, opened := r.opened("ledger")
	for range 2 {
		r.must(r.Forge.ClosePull(t.Context(), repo, opened.Number))
		if p := r.pull(repo); p.State != fleet.PullClosed || !p.ClosedBy.Self {
			t.Errorf("%+v", p)
		}
	}
	merged, _, o := r.opened("merged")
	r.must(r.Merge(merged, o.Number))
	r.must(r.Forge.ClosePull(t.Context(), merged, o.Number))
	if p := r.pull(merged); p.State != fleet.PullMerged {
		t.Errorf("%+v", p)
	}
	r.class(r.Forge.ClosePull(t.Context(), repo, 999), fleet.Permanent)
}

func testMerge(t *testing.T, r *run) {
	for _, method := range []fleet.MergeMethod{fleet.MergeCommit, fleet.MergeSquash, fleet.MergeRebase} {
		repo, head, opened := r.opened("by-" + string(method))
		before := r.head(repo)
		for range 2 {
			r.must(r.Forge.MergePull(t.Context(), repo, opened.Number, head, method))
			p, h := r.pull(repo), r.head(repo)
			if p.State != fleet.PullMerged || p.HeadCommit != head || h.Commit == before.Commit || h.Tree != p.HeadTree {
				t.Errorf("%s: %+v, on %+v", method, p, h)
			}
		}
	}
}

func testMergeMoved(t *testing.T, r *run) {
	repo, head, opened := r.opened("ledger")
	pushed := r.commit(repo, branch, "* @acme/b\n", "A person's")
	r.class(r.Forge.MergePull(t.Context(), repo, opened.Number, head, fleet.MergeSquash), fleet.Moved)
	if p := r.pull(repo); p.State != fleet.PullOpen {
		t.Fatalf("%+v", p)
	}
	r.must(r.Merge(repo, opened.Number))
	r.class(r.Forge.MergePull(t.Context(), repo, opened.Number, head, fleet.MergeSquash), fleet.Moved)
	r.must(r.Forge.MergePull(t.Context(), repo, opened.Number, pushed, fleet.MergeSquash))
}

func testMergeForbidden(t *testing.T, r *run) {
	repo, head, opened := r.opened("ledger")
	r.must(r.SetRules(repo, fleet.Rules{RequiredChecks: checks("build")}))
	r.class(r.Forge.MergePull(t.Context(), repo, opened.Number, head, fleet.MergeSquash), fleet.Permanent)
	r.must(r.Report(repo, head, fleet.Check{Name: "build", State: fleet.CheckFailure}))
	r.class(r.Forge.MergePull(t.Context(), repo, opened.Number, head, fleet.MergeSquash), fleet.Permanent)
	if p := r.pull(repo); p.State != fleet.PullOpen {
		t.Fatalf("%+v", p)
	}
	r.must(r.Report(repo, head, fleet.Check{Name: "build", State: fleet.CheckSuccess}))
	r.must(r.Forge.MergePull(t.Context(), repo, opened.Number, head, fleet.MergeSquash))
}

func testMergeClosed(t *testing.T, r *run) {
	repo, head, opened := r.opened("ledger")
	r.must(r.Close(repo, opened.Number))
	r.class(r.Forge.MergePull(t.Context(), repo, opened.Number, head, fleet.MergeSquash), fleet.Permanent)
	r.class(r.Forge.MergePull(t.Context(), repo, 999, head, fleet.MergeSquash), fleet.Permanent)
}

func testArchived(t *testing.T, r *run) {
	repo, head, opened := r.opened("ledger")
	r.must(r.Archive(repo))
	if p := r.pull(repo); p == nil || p.HeadCommit != head {
		t.Errorf("reads go on: %+v", p)
	}
	r.class(r.Forge.Comment(t.Context(), repo, opened.Number, "x"), fleet.Permanent)
	r.class(r.Forge.MergePull(t.Context(), repo, opened.Number, head, fleet.MergeSquash), fleet.Permanent)
}
