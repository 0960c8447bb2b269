package main

import (
	"context"
	"strings"
	"sync"
	"testing"

	"github.com/portreeve/portreeve/reconciler/fleet"
)

// TestTwoDaemonsAtOnce lets two daemons make their passes at the same time,
// each with a data directory of its own: together they open what one would
// open, and make ours anew once beneath a person's commit.
func TestTwoDaemonsAtOnce(t *testing.T) {
	m := newMeanwhile(t)
	one, two := m.engine(t), m.engine(t)
	both := func() {
		var group sync.WaitGroup
		for _, e := range []*engine{one, two} {
			group.Go(func() {
				for _, d := range e.Once(context.Background()).Done {
					if d.Err != "" && !strings.Contains(d.Err, "moved") && !strings.Contains(d.Err, "since it was read") {
						t.Errorf("%s %s: %s", d.Action, d.Repo, d.Err)
					}
				}
			})
		}
		group.Wait()
	}
	const branch = "portreeve/migration/greet"
	both()
	both()
	for _, repo := range []fleet.RepoName{"acme/billing", "acme/ledger"} {
		if pulls, err := m.Pulls(repo); err != nil || len(pulls) != 1 {
			t.Fatalf("%s has %d pull requests: %v", repo, len(pulls), err)
		}
	}
	_, err := m.Person("kim").CommitFile("acme/ledger", branch, "notes.txt", "mine\n", "Note it")
	must(t, err)
	m.declare(t, "good evening\n")
	both()
	both()
	log, err := m.Log("acme/ledger", branch)
	must(t, err)
	if len(log) != 2 || log[0].Message != "Note it\n" || log[0].Author != "kim" || log[0].Read("notes.txt") != "mine\n" || log[1].Read("hello.txt") != "good evening\n" {
		t.Errorf("the branch has %d commits: %+v", len(log), log)
	}
	both()
	before := m.Counts()
	both()
	since := m.Counts().Since(before)
	if len(since.Writes) > 0 {
		t.Errorf("at rest they write: %+v", since.Writes)
	}
	if since.Git["git-upload-pack"] > 0 {
		t.Errorf("at rest they walk branches that they know: %v", since.Git)
	}
}
