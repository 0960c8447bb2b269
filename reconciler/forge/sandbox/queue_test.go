package sandbox

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/portreeve/portreeve/reconciler/fleet"
)

// inQueue is a forge with a merge queue, whose CI takes a minute, and with two
// pull requests in it.
func inQueue(t *testing.T, change func(*Spec)) (*Forge, *clock) {
	t.Helper()
	f, c := newForge(t, "", func(s *Spec) {
		s.Rules = Rules{RequiredChecks: []string{"build"}, Queue: true}
		s.CI = []CheckSpec{{Name: "build", After: time.Minute, Fails: FailsIf("b", "two")}}
		if change != nil {
			change(s)
		}
	})
	propose(t, f, "portreeve/a", "a", "one\n")
	propose(t, f, "portreeve/b", "b", "2\n")
	c.advance(time.Minute)
	for n := range 2 {
		must(t, f.Person("you").Enqueue(ledger, n+1))
	}
	return f, c
}

func left(t *testing.T, f *Forge, n int) string {
	t.Helper()
	reason := ""
	must(t, f.withPull(ledger, n, func(_ *repo, p *pull) error {
		for _, e := range p.events {
			if e.kind == eventDequeued {
				reason = e.reason
			}
		}
		return nil
	}))
	return reason
}

// One after the other is merged, each after its checks ran on it as merged
// into the base as it then is.
func TestQueueMergesInOrder(t *testing.T) {
	f, c := inQueue(t, nil)
	if p, q := pullOf(t, f, 1).Queued, pullOf(t, f, 2).Queued; p.Position != 1 || q.Position != 2 || q.Estimate != 2*time.Minute {
		t.Fatalf("%+v, %+v", p, q)
	}
	wantStatus(t, f.Person("you").Enqueue(ledger, 1), 422)
	wantStatus(t, f.Person("you").Merge(ledger, 2, fleet.MergeCommit), 405)
	c.advance(time.Minute)
	if p, q := pullOf(t, f, 1), pullOf(t, f, 2); p.State != fleet.PullMerged || q.State != fleet.PullOpen || q.Queued.State != fleet.QueueChecking {
		t.Fatalf("%+v\n%+v", p, q)
	}
	c.advance(time.Minute)
	if p := pullOf(t, f, 2); p.State != fleet.PullMerged {
		t.Fatalf("%+v", p)
	}
	for _, path := range []string{"a", "b"} {
		if _, err := f.ReadFile(ledger, "", path); err != nil {
			t.Errorf("%s: %v", path, err)
		}
	}
}

func TestQueueLosesWhatItCannotMerge(t *testing.T) {
	for want, act := range map[string]func(*Forge, *clock) error{
		leftChecks: func(f *Forge, _ *clock) error { // green by itself, and not with what is on the base
			return f.Person("you").SetCI(ledger, CheckSpec{Name: "build", After: time.Minute, Fails: FailsIf("a", "one")})
		},
		leftTimeout: func(f *Forge, c *clock) error {
			err := f.Person("you").SetCI(ledger, CheckSpec{Name: "build", Never: true})
			c.advance(time.Hour)
			return err
		},
		leftConflict: func(f *Forge, _ *clock) error {
			_, err := f.Person("you").CommitFile(ledger, "", "a", "another\n", "Conflict")
			return err
		},
		leftCleared: func(f *Forge, _ *clock) error { return f.Person("you").SetRules(ledger, Rules{}) },
		leftByHand: func(f *Forge, _ *clock) error {
			_, err := f.Person("you").CommitFile(ledger, "portreeve/a", "c", "c\n", "Push")
			return err
		},
	} {
		f, c := inQueue(t, nil)
		pullOf(t, f, 1)
		must(t, act(f, c))
		c.advance(time.Minute)
		if p := pullOf(t, f, 1); p.State != fleet.PullOpen || p.Queued != nil {
			t.Errorf("%s: %+v", want, p)
		}
		if got := left(t, f, 1); got != want {
			t.Errorf("%s: left because of %q", want, got)
		}
	}
}

func TestBypassPassesRulesByAndNothingElse(t *testing.T) {
	f, _ := newForge(t, "", func(s *Spec) {
		s.Rules = Rules{RequiredChecks: []string{"build"}, RequiredApprovals: 1, Conversations: true, Signatures: true, Locked: true, Queue: true}
	})
	n := propose(t, f, "portreeve/x", "x", "x\n")
	wantStatus(t, f.Person("portreeve").Merge(ledger, n, fleet.MergeSquash), 405)
	f.Bypass("portreeve")
	must(t, f.Person("you").Draft(ledger, n, true))
	wantStatus(t, f.Person("portreeve").Merge(ledger, n, fleet.MergeSquash), 405)
	must(t, f.Person("you").Draft(ledger, n, false))
	must(t, f.Person("portreeve").Merge(ledger, n, fleet.MergeSquash))
	if p := pullOf(t, f, n); p.State != fleet.PullMerged {
		t.Errorf("%+v", p)
	}
}

// Each rule holds a merge up by itself, until it is met.
func TestEachRuleHoldsAMergeUp(t *testing.T) {
	you := func(f *Forge) *Person { return f.Person("you") }
	for name, c := range map[string]struct {
		rules Rules
		meet  func(*Forge) error // nil: it can't be
	}{
		"locked":     {Rules{Locked: true}, nil},
		"signatures": {Rules{Signatures: true}, nil},
		"linear":     {Rules{Linear: true}, nil},
		"deployment": {Rules{Deployments: []string{"staging"}}, func(f *Forge) error {
			return you(f).Deploy(ledger, pullOf(t, f, 1).HeadCommit, "staging", "SUCCESS")
		}},
		"last push": {Rules{LastPushApproval: true}, func(f *Forge) error { return you(f).Approve(ledger, 1) }},
		"conversation": {Rules{Conversations: true}, func(f *Forge) error {
			return you(f).Resolve(ledger, 1)
		}},
		"check of an App": {Rules{RequiredChecks: []string{"build"}, CheckApps: map[string]int64{"build": 7}}, func(f *Forge) error {
			return you(f).SetCI(ledger, CheckSpec{Name: "build", App: 7})
		}},
	} {
		for _, ruleset := range []bool{false, true} {
			c.rules.Ruleset = ruleset
			f, _ := newForge(t, "", func(s *Spec) {
				s.Rules, s.CI = c.rules, []CheckSpec{{Name: "build"}}
			})
			propose(t, f, "portreeve/x", "x", "x\n")
			must(t, you(f).Discuss(ledger, 1, "Why so?"))
			wantStatus(t, you(f).Merge(ledger, 1, fleet.MergeCommit), 405)
			if c.meet == nil {
				continue
			}
			must(t, c.meet(f))
			if err := you(f).Merge(ledger, 1, fleet.MergeCommit); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}

func TestDismissedApproval(t *testing.T) {
	f, _ := newForge(t, "", func(s *Spec) { s.Rules = Rules{RequiredApprovals: 1, DismissStale: true} })
	n := propose(t, f, "portreeve/x", "x", "x\n")
	must(t, f.Person("you").Approve(ledger, n))
	if p := pullOf(t, f, n); p.Review != fleet.ReviewApproved {
		t.Errorf("%+v", p)
	}
	_, err := f.Person("portreeve").CommitFile(ledger, "portreeve/x", "y", "y\n", "More")
	must(t, err)
	if p := pullOf(t, f, n); p.Review != fleet.ReviewRequired {
		t.Errorf("%+v", p)
	}
}

// A person sees the queue, and takes things out of it.
func TestPagesShowTheQueue(t *testing.T) {
	f, _ := inQueue(t, nil)
	server, _ := serve(t, f)
	if _, body := get(t, server.URL+"/acme/ledger"); !strings.Contains(body, "Merge queue") {
		t.Error(body)
	}
	if _, body := get(t, server.URL+"/acme/ledger/pull/2"); !strings.Contains(body, "Number 2 in the merge queue, put there by you") {
		t.Error(body)
	}
	if status, _ := post(t, server.URL+"/acme/ledger/pull/1/dequeue", url.Values{}); status != 303 {
		t.Error(status)
	}
	_, body := get(t, server.URL+"/acme/ledger/pull/1")
	if !strings.Contains(body, "took this out of the merge queue (manual)") || !strings.Contains(body, "Add to the merge queue") {
		t.Error(body)
	}
	if p := pullOf(t, f, 2); p.Queued.Position != 1 {
		t.Errorf("%+v", p.Queued)
	}
}
