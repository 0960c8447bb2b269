package forgetest

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/portreeve/portreeve/reconciler/fleet"
)

func testHeads(t *testing.T, r *run) {
	repo := r.repo("ledger")
	before := r.head(repo)
	if before.Commit == "" || before.Tree == "" || before.Checked || before.Status != nil || len(before.Branches) != 0 {
		t.Errorf("at first: %+v", before)
	}
	pushed := r.commit(repo, "main", "* @acme/a\n", "On main")
	if after := r.head(repo); after.Commit != pushed || after.Tree == before.Tree {
		t.Errorf("after a push: %+v", after)
	}
	r.must(r.Report(repo, pushed, fleet.Check{Name: "build", State: fleet.CheckSuccess}))
	if !r.head(repo).Checked {
		t.Error("a check has reported")
	}
}

func testHeadsEmptyAndUnknown(t *testing.T, r *run) {
	full, empty, unknown, gone := r.repo("full"), r.name("empty"), r.name("unknown"), r.repo("gone")
	r.must(r.CreateRepo(empty, nil))
	r.must(r.DeleteRepo(gone))
	got := r.Forge.Heads(t.Context(), []fleet.RepoName{unknown, empty, full, gone, full})
	r.must(got[full].Err)
	r.must(got[empty].Err)
	r.class(got[unknown].Err, fleet.Permanent)
	r.class(got[gone].Err, fleet.Permanent)
	if h := got[empty].Value; h.Commit != "" || len(h.Branches) != 0 {
		t.Errorf("empty: %+v", h)
	}
	if got[full].Value.Commit == "" || len(got) != 4 {
		t.Errorf("%+v", got)
	}
}

func testHeadsBranches(t *testing.T, r *run) {
	repo := r.repo("ledger")
	r.commit(repo, "feature/x", "x", "Not ours")
	r.commit(repo, "portreeve-not", "x", "Not ours either")
	one := r.commit(repo, branch, "* @acme/a\n", "Name the owners\n\nPortreeve-Spec: 12")
	two := r.commit(repo, branch+"--eu", "* @acme/b\n", "In a lane")
	main := r.head(repo)
	b := main.Branches
	slices.SortFunc(b, func(a, b fleet.Branch) int { return strings.Compare(a.Name, b.Name) })
	if len(b) != 2 || b[0].Name != branch || b[0].Commit != one || b[1].Name != branch+"--eu" || b[1].Commit != two {
		t.Fatalf("%+v", b)
	}
	if !strings.Contains(b[0].Message, "Portreeve-Spec: 12") || b[0].Tree == "" || b[0].Tree == main.Tree || b[0].Tree == b[1].Tree {
		t.Errorf("%+v", b)
	}
}

func testHeadsManyBranches(t *testing.T, r *run) {
	repo := r.repo("gitops")
	want := map[string]bool{}
	for i := range 130 {
		name := fmt.Sprintf("%sprometheus/k8s--lane-%d", fleet.BranchPrefix, i)
		r.commit(repo, name, name, "Lane")
		want[name] = true
	}
	got := r.head(repo).Branches
	for _, b := range got {
		delete(want, b.Name)
	}
	if len(got) != 130 || len(want) != 0 {
		t.Errorf("%d branches, without %v", len(got), want)
	}
}

func testHeadsStatus(t *testing.T, r *run) {
	repo := r.repo("config")
	head := r.head(repo).Commit
	set := fleet.CommitStatus{State: fleet.StatusPending, Description: "3 of 5", URL: "https://portreeve.invalid/1"}
	for range 2 {
		r.must(r.Forge.SetStatus(t.Context(), repo, head, set))
		if got := r.head(repo).Status; got == nil || *got != set {
			t.Fatalf("%+v", got)
		}
	}
	set = fleet.CommitStatus{State: fleet.StatusFailure, Description: strings.Repeat("é", 140)}
	r.must(r.Forge.SetStatus(t.Context(), repo, head, set))
	h := r.head(repo)
	if h.Status == nil || *h.Status != set {
		t.Errorf("%+v", h.Status)
	}
	if h.Checked {
		t.Error("our own status is not a check that has reported")
	}
	r.class(r.Forge.SetStatus(t.Context(), r.name("unknown"), head, set), fleet.Permanent)
}
