package forgetest

import (
	"fmt"
	"testing"

	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/forge"
)

func checks(names ...string) (out []fleet.RequiredCheck) {
	for _, name := range names {
		out = append(out, fleet.RequiredCheck{Name: name})
	}
	return out
}

// queued is opened, in a repo with a merge queue whose check is green on the
// head, and will not be on what the queue makes of it until it is reported.
func (r *run) queued(short string) (fleet.RepoName, fleet.CommitID, forge.Opened) {
	r.t.Helper()
	repo, head, opened := r.opened(short)
	r.must(r.SetRules(repo, fleet.Rules{RequiredChecks: checks("build"), Queue: true}))
	r.must(r.Report(repo, head, fleet.Check{Name: "build", State: fleet.CheckSuccess}))
	return repo, head, opened
}

func (r *run) ready(repo fleet.RepoName, number int) fleet.Readiness {
	r.t.Helper()
	key := forge.Pull{Repo: repo, Number: number}
	a, ok := r.Forge.Readiness(r.t.Context(), []forge.Pull{key})[key]
	if !ok {
		r.t.Fatalf("%v: no answer", key)
	}
	r.must(a.Err)
	return a.Value
}

func testReadiness(t *testing.T, r *run) {
	repo, head, opened := r.opened("ledger")
	if got := r.ready(repo, opened.Number); fmt.Sprintf("%+v", got) != fmt.Sprintf("%+v", fleet.Readiness{}) {
		t.Errorf("at first: %+v", got)
	}
	r.must(r.Discuss(repo, opened.Number, "Why so?"))
	r.must(r.Discuss(repo, opened.Number, "And here?"))
	r.must(r.Approve(repo, opened.Number))
	r.must(r.Deploy(repo, head, "staging", true))
	r.must(r.Deploy(repo, head, "canary", false))
	want := fleet.Readiness{
		Unresolved: 2, Approvals: []fleet.Approval{{By: fleet.Actor{Login: r.Person}, Commit: head}}, Deployed: []string{"staging"},
	}
	if got := r.ready(repo, opened.Number); fmt.Sprintf("%+v", got) != fmt.Sprintf("%+v", want) {
		t.Errorf("got\n%+v\nwant\n%+v", got, want)
	}
	r.must(r.Resolve(repo, opened.Number))
	r.must(r.Deploy(repo, head, "staging", false))
	if got := r.ready(repo, opened.Number); got.Unresolved != 0 || len(got.Deployed) != 0 {
		t.Errorf("%+v", got)
	}
	missing := forge.Pull{Repo: repo, Number: 999}
	r.class(r.Forge.Readiness(t.Context(), []forge.Pull{missing})[missing].Err, fleet.Permanent)
}

func testMergePastTheQueue(t *testing.T, r *run) {
	repo, head, opened := r.queued("ledger")
	r.class(r.Forge.MergePull(t.Context(), repo, opened.Number, head, fleet.MergeSquash), fleet.Permanent)
	if p := r.pull(repo); p.State != fleet.PullOpen {
		t.Errorf("%+v", p)
	}
}

func testMergeByItself(t *testing.T, r *run) {
	repo, head, opened := r.opened("ledger")
	r.must(r.SetRules(repo, fleet.Rules{RequiredChecks: checks("build")}))
	if p := r.pull(repo); p.AutoMerge != nil {
		t.Errorf("%+v", p)
	}
	r.must(r.AutoMerge(repo, opened.Number))
	if p := r.pull(repo); p.AutoMerge == nil || *p.AutoMerge != (fleet.Actor{Login: r.Person}) {
		t.Errorf("%+v", p.AutoMerge)
	}
	r.must(r.Report(repo, head, fleet.Check{Name: "build", State: fleet.CheckSuccess}))
	if p := r.pull(repo); p.State != fleet.PullMerged {
		t.Errorf("%+v", p)
	}
}

// Put into the queue as often as one likes, a pull request is there once, and
// merged when nothing is asked of it there any more.
func testQueue(t *testing.T, r *run) {
	self, err := r.Forge.Self(t.Context())
	r.must(err)
	repo, head, opened := r.queued("ledger")
	r.settled(repo)
	for range 2 {
		r.must(r.Forge.EnqueuePull(t.Context(), repo, opened.Number, head))
		q := r.pull(repo).Queued
		if q == nil || q.Position != 1 || q.By != self || q.Since.IsZero() || q.State != fleet.QueueChecking {
			t.Fatalf("%+v", q)
		}
	}
	if d := r.ready(repo, opened.Number).Dequeued; d != nil {
		t.Errorf("%+v", d)
	}
	r.must(r.SetRules(repo, fleet.Rules{Queue: true}))
	if p := r.pull(repo); p.State != fleet.PullMerged || p.HeadCommit != head || p.Queued != nil {
		t.Errorf("%+v", p)
	}
	r.must(r.Forge.EnqueuePull(t.Context(), repo, opened.Number, head)) // has been done
	r.must(r.Forge.DequeuePull(t.Context(), repo, opened.Number))       // as has this
}

func testQueueOrder(t *testing.T, r *run) {
	repo, head, first := r.queued("ledger")
	second := forge.NewPull{Text: forge.Text{Title: "Second"}, Head: "portreeve/migration/second", Base: "main"}
	next, err := r.Commit(repo, second.Head, map[string]string{"second": "2\n"}, "Second")
	r.must(err)
	opened, err := r.Forge.OpenPull(t.Context(), repo, second)
	r.must(err)
	r.must(r.Report(repo, next, fleet.Check{Name: "build", State: fleet.CheckSuccess}))
	r.must(r.Forge.EnqueuePull(t.Context(), repo, first.Number, head))
	r.must(r.Forge.EnqueuePull(t.Context(), repo, opened.Number, next))
	place := func() *fleet.QueueEntry {
		key := forge.Branch{Repo: repo, Name: second.Head}
		a := r.Forge.PullRequests(t.Context(), []forge.Branch{key})[key]
		r.must(a.Err)
		return a.Value.Queued
	}
	if q := place(); q == nil || q.Position != 2 || q.State != fleet.QueueWaiting {
		t.Errorf("%+v", q)
	}
	r.must(r.Dequeue(repo, first.Number))
	if q := place(); q == nil || q.Position != 1 || q.State != fleet.QueueChecking {
		t.Errorf("%+v", q)
	}
}

func testQueueRefused(t *testing.T, r *run) {
	repo, head, opened := r.opened("ledger")
	enqueue := func(n int, at fleet.CommitID) error { return r.Forge.EnqueuePull(t.Context(), repo, n, at) }
	r.class(enqueue(opened.Number, head), fleet.Permanent) // there is no queue
	r.must(r.SetRules(repo, fleet.Rules{RequiredChecks: checks("build"), Queue: true}))
	r.class(enqueue(opened.Number, head), fleet.Permanent) // it is not ready
	r.must(r.Report(repo, head, fleet.Check{Name: "build", State: fleet.CheckSuccess}))
	r.class(enqueue(999, head), fleet.Permanent)
	pushed := r.commit(repo, branch, "* @acme/b\n", "A person's")
	r.class(enqueue(opened.Number, head), fleet.Moved)
	r.must(r.Close(repo, opened.Number))
	r.class(enqueue(opened.Number, pushed), fleet.Moved)
	r.class(r.Forge.DequeuePull(t.Context(), repo, 999), fleet.Permanent)
}

func testQueueLeftByHand(t *testing.T, r *run) {
	repo, head, opened := r.queued("ledger")
	r.must(r.Forge.EnqueuePull(t.Context(), repo, opened.Number, head))
	r.must(r.Dequeue(repo, opened.Number))
	d := r.ready(repo, opened.Number).Dequeued
	if d == nil || d.Reason != fleet.DequeuedByHand || d.By != (fleet.Actor{Login: r.Person}) || d.At.IsZero() || d.Said != "manual" {
		t.Fatalf("%+v", d)
	}
	if p := r.pull(repo); p.Queued != nil || p.State != fleet.PullOpen {
		t.Errorf("%+v", p)
	}
	r.must(r.Forge.EnqueuePull(t.Context(), repo, opened.Number, head))
	if d := r.ready(repo, opened.Number).Dequeued; d != nil {
		t.Errorf("it is back: %+v", d)
	}
}

func testQueueLeftByChecks(t *testing.T, r *run) {
	repo, head, opened := r.queued("ledger")
	r.must(r.Forge.EnqueuePull(t.Context(), repo, opened.Number, head))
	r.must(r.FailQueue(repo))
	r.pull(repo)
	if d := r.ready(repo, opened.Number).Dequeued; d == nil || d.Reason != fleet.DequeuedChecks || !d.By.Bot || d.By.Self {
		t.Errorf("%+v", d)
	}
}

func testQueueLeftByUs(t *testing.T, r *run) {
	repo, head, opened := r.queued("ledger")
	r.must(r.Forge.EnqueuePull(t.Context(), repo, opened.Number, head))
	for range 2 {
		r.must(r.Forge.DequeuePull(t.Context(), repo, opened.Number))
	}
	if d := r.ready(repo, opened.Number).Dequeued; d == nil || d.Reason != fleet.DequeuedByHand || !d.By.Self {
		t.Errorf("%+v", d)
	}
}

func testQueueLeftByPush(t *testing.T, r *run) {
	repo, head, opened := r.queued("ledger")
	r.must(r.Forge.EnqueuePull(t.Context(), repo, opened.Number, head))
	r.commit(repo, branch, "* @acme/b\n", "A person's")
	if p := r.pull(repo); p.Queued != nil || p.State != fleet.PullOpen {
		t.Errorf("%+v", p)
	}
}
