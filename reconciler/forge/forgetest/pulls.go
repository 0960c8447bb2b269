package forgetest

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/forge"
)

func testPullNone(t *testing.T, r *run) {
	repo := r.repo("ledger")
	pushed, missing, unknown := forge.Branch{Repo: repo, Name: branch}, forge.Branch{Repo: repo, Name: "portreeve/a/b"}, forge.Branch{Repo: r.name("unknown"), Name: branch}
	r.commit(repo, branch, "* @acme/a\n", "Pushed, not opened")
	got := r.Forge.PullRequests(t.Context(), []forge.Branch{pushed, missing, unknown, pushed})
	for _, b := range []forge.Branch{pushed, missing} {
		if a, ok := got[b]; !ok || a.Err != nil || a.Value != nil {
			t.Errorf("%v: %+v", b, a)
		}
	}
	r.class(got[unknown].Err, fleet.Permanent)
}

func testPullOpen(t *testing.T, r *run) {
	self, err := r.Forge.Self(t.Context())
	r.must(err)
	repo, head, opened := r.opened("ledger")
	p := r.settled(repo)
	if p.Repo != repo || p.Number != opened.Number || p.URL != opened.URL || p.URL == "" || p.State != fleet.PullOpen || p.Draft {
		t.Errorf("%+v", p)
	}
	if p.Title != "Name the owners" || p.Body != "Because." || fmt.Sprint(p.Labels) != "[portreeve]" || p.Base != "main" || p.Head != branch {
		t.Errorf("%+v", p)
	}
	h := r.head(repo)
	if p.HeadCommit != head || p.HeadTree == "" || p.HeadTree == h.Tree || !strings.HasPrefix(p.HeadMessage, "Name the owners") || p.HeadTime.IsZero() {
		t.Errorf("head: %+v", p)
	}
	if p.BaseCommit != h.Commit || p.Checks != nil || len(p.Comments) != 0 || p.Mergeable != fleet.MergeableYes || p.Review != fleet.ReviewNone {
		t.Errorf("%+v", p)
	}
	if p.Author != self || p.Created.IsZero() || p.Updated.Before(p.Created) || !p.Closed.IsZero() {
		t.Errorf("author %+v, want %+v; %v, %v, %v", p.Author, self, p.Created, p.Updated, p.Closed)
	}
}

func testPullNewest(t *testing.T, r *run) {
	repo, _, first := r.opened("ledger")
	r.must(r.Close(repo, first.Number))
	second, err := r.Forge.OpenPull(t.Context(), repo, newPull("Again"))
	r.must(err)
	if second.Number == first.Number {
		t.Fatal("a closed pull request was opened again")
	}
	if p := r.pull(repo); p == nil || p.Number != second.Number || p.State != fleet.PullOpen {
		t.Errorf("%+v", p)
	}
	r.must(r.Close(repo, second.Number))
	if p := r.pull(repo); p == nil || p.Number != second.Number || p.State != fleet.PullClosed {
		t.Errorf("%+v", p)
	}
}

// What is open counts, however many were closed since it was opened.
func testPullReopened(t *testing.T, r *run) {
	repo, _, first := r.opened("ledger")
	r.must(r.Close(repo, first.Number))
	var newest int
	for range 3 {
		next, err := r.Forge.OpenPull(t.Context(), repo, newPull("Again"))
		r.must(err)
		r.must(r.Close(repo, next.Number))
		newest = next.Number
	}
	r.must(r.Reopen(repo, first.Number))
	if p := r.pull(repo); p == nil || p.Number != first.Number || p.State != fleet.PullOpen {
		t.Errorf("%+v", p)
	}
	if again, err := r.Forge.OpenPull(t.Context(), repo, newPull("Again")); err != nil || again.Number != first.Number {
		t.Errorf("%+v, %v", again, err)
	}
	r.must(r.Close(repo, first.Number))
	if p := r.pull(repo); p == nil || p.Number != newest || p.State != fleet.PullClosed {
		t.Errorf("none is open, and the newest is #%d: %+v", newest, p)
	}
}

func testPullClosedByPerson(t *testing.T, r *run) {
	repo, head, opened := r.opened("ledger")
	r.must(r.Close(repo, opened.Number))
	p := r.pull(repo)
	if p == nil || p.State != fleet.PullClosed || p.ClosedBy != (fleet.Actor{Login: r.Person}) || p.Closed.IsZero() || p.HeadCommit != head {
		t.Errorf("%+v", p)
	}
}

func testPullMergedByPerson(t *testing.T, r *run) {
	repo, head, opened := r.opened("ledger")
	before := r.head(repo).Commit
	r.must(r.Merge(repo, opened.Number))
	p := r.pull(repo)
	if p == nil || p.State != fleet.PullMerged || p.Closed.IsZero() || p.HeadCommit != head {
		t.Fatalf("%+v", p)
	}
	if h := r.head(repo); h.Commit == before || p.BaseCommit != h.Commit {
		t.Errorf("the base: %+v, was %s", h, before)
	}
}

func testPullPushed(t *testing.T, r *run) {
	repo, _, _ := r.opened("ledger")
	before := r.pull(repo)
	pushed := r.commit(repo, branch, "* @acme/other\n", "A person's commit")
	p := r.pull(repo)
	if p.HeadCommit != pushed || p.HeadTree == before.HeadTree || !strings.HasPrefix(p.HeadMessage, "A person's commit") {
		t.Errorf("%+v", p)
	}
}

func testPullChecks(t *testing.T, r *run) {
	repo, head, _ := r.opened("ledger")
	if p := r.pull(repo); p.Checks != nil {
		t.Errorf("none has reported: %+v", p.Checks)
	}
	for _, state := range []fleet.CheckState{fleet.CheckPending, fleet.CheckFailure, fleet.CheckSuccess} {
		r.must(r.Report(repo, head, fleet.Check{Name: "build", State: state}))
		if p := r.pull(repo); len(p.Checks) != 1 || p.Checks[0].Name != "build" || p.Checks[0].State != state {
			t.Errorf("want %s, got %+v", state, p.Checks)
		}
	}
	r.commit(repo, branch, "* @acme/b\n", "Not checked yet")
	if p := r.pull(repo); p.Checks != nil {
		t.Errorf("the new head has none: %+v", p.Checks)
	}
}

func testPullComments(t *testing.T, r *run) {
	repo, _, opened := r.opened("ledger")
	r.must(r.Comment(repo, opened.Number, "one"))
	r.must(r.Forge.Comment(t.Context(), repo, opened.Number, "two"))
	r.must(r.Comment(repo, opened.Number, "three @acme/x #1"))
	c := r.pull(repo).Comments
	if len(c) != 3 || c[0].Body != "one" || c[1].Body != "two" || c[2].Body != "three @acme/x #1" {
		t.Fatalf("%+v", c)
	}
	if c[0].Author != (fleet.Actor{Login: r.Person}) || !c[1].Author.Self || c[0].ID == 0 || c[0].ID == c[1].ID || c[0].Created.IsZero() {
		t.Errorf("%+v", c)
	}
	for i := range 25 {
		r.must(r.Comment(repo, opened.Number, fmt.Sprint("more ", i)))
	}
	c = r.pull(repo).Comments
	if len(c) == 0 || c[len(c)-1].Body != "more 24" || c[0].Created.After(c[len(c)-1].Created) {
		t.Errorf("the newest are missing: %+v", c)
	}
	r.class(r.Forge.Comment(t.Context(), repo, 999, "to nobody"), fleet.Permanent)
}

func testPullConflict(t *testing.T, r *run) {
	repo, head, opened := r.opened("ledger")
	r.commit(repo, "main", "* @acme/other\n", "The same file on main")
	p := r.settled(repo)
	if p.Mergeable != fleet.MergeableConflict {
		t.Errorf("%+v", p)
	}
	r.class(r.Forge.MergePull(t.Context(), repo, opened.Number, head, fleet.MergeSquash), fleet.Permanent)
}

func testPullMany(t *testing.T, r *run) {
	var keys []forge.Branch
	for i := range 60 {
		repo, _, _ := r.opened(fmt.Sprintf("repo-%03d", i))
		keys = append(keys, forge.Branch{Repo: repo, Name: branch})
	}
	for range 3 {
		for _, k := range keys[:60] {
			keys = append(keys, forge.Branch{Repo: k.Repo, Name: fmt.Sprint("portreeve/a/", len(keys))})
		}
	}
	got := r.Forge.PullRequests(t.Context(), keys)
	for i, k := range keys {
		a, ok := got[k]
		if !ok || a.Err != nil || (a.Value != nil) != (i < 60) {
			t.Fatalf("%v: %+v", k, a)
		}
		if a.Value != nil && a.Value.Repo != k.Repo {
			t.Fatalf("%v was answered with one of %s", k, a.Value.Repo)
		}
	}
}

func testOpenedSince(t *testing.T, r *run) {
	before := time.Now().Add(-time.Hour)
	count := func(since time.Time, owners ...string) int {
		got, err := r.Forge.OpenedSince(t.Context(), owners, since)
		r.must(err)
		if len(got.Told) != got.Count || !slices.IsSortedFunc(got.Told, func(a, b fleet.Opening) int { return a.At.Compare(b.At) }) {
			t.Errorf("not told one by one: %+v", got)
		}
		for _, o := range got.Told {
			if o.Repo.Owner() != r.Org || !strings.HasPrefix(o.Branch, fleet.BranchPrefix) || o.At.Before(since) {
				t.Errorf("told: %+v", o)
			}
		}
		return got.Count
	}
	if n := count(before, r.Org); n != 0 {
		t.Errorf("%d at first", n)
	}
	repo, _, opened := r.opened("one")
	r.opened("two")
	r.must(r.Close(repo, opened.Number))
	r.commit(repo, "theirs", "x", "A person's")
	_, err := r.OpenPull(repo, forge.NewPull{Text: forge.Text{Title: "Theirs"}, Head: "theirs", Base: "main"})
	r.must(err)
	if n := count(before, r.Org, r.Org); n != 2 {
		t.Errorf("%d, want 2", n)
	}
	if n := count(r.pull(repo).Created.Add(time.Hour), r.Org); n != 0 {
		t.Errorf("%d are of the future", n)
	}
	if n := count(before); n != 0 {
		t.Errorf("%d of nobody", n)
	}
}
