package main

import (
	"strings"
	"testing"
	"time"

	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/forge/sandbox"
	"github.com/portreeve/portreeve/reconciler/rollout"
)

// TestRefused holds that a step which its target refuses for good is told, is
// not tried again at each pass, holds up no other, and is tried again later.
func TestRefused(t *testing.T) {
	config := `package fleet

fleet: {repos: ["acme/ledger"], mode: "merge"}
teams: platform: github: "acme/platform"
migrations: [string]: {why: "Guests ask for it.", owner: "platform"}
migrations: "a-large": {title: "Track the dump", steps: [{do: "file", path: "dump.bin", content: "x"}]}
migrations: "b-small": {title: "Greet", steps: [{do: "file", path: "hello.txt", content: "hi"}]}
`
	f := newStage(t, map[string]string{"fleet.cue": config}, sandbox.Spec{Name: "acme/ledger", Files: map[string]sandbox.File{
		".gitattributes": {Content: "*.bin filter=lfs diff=lfs merge=lfs -text\n"},
	}})
	e := f.engine(t)
	now := time.Now()
	e.Applier.Now = func() time.Time { return now }
	e.Observer.Now = e.Applier.Now

	first := e.Once(t.Context())
	if len(first.Done) != 1 || !strings.Contains(first.Done[0].Err, "lfs") {
		t.Fatalf("the first pass did %+v", first.Done)
	}
	second := e.Once(t.Context())
	if len(second.Done) != 1 || second.Done[0].Err != "" || second.Done[0].Declaration.Name != "b-small" {
		t.Fatalf("the second pass did %+v", second.Done)
	}
	for _, o := range second.Plan.Outcomes {
		if o.Declaration == (fleet.ID{Kind: "migration", Name: "a-large"}) {
			if o.State != rollout.Blocked || !strings.Contains(o.Reason, "lfs") {
				t.Errorf("it is told as %s: %s", o.State, o.Reason)
			}
		}
	}
	now = now.Add(11 * time.Minute)
	if third := e.Once(t.Context()); len(third.Done) == 0 || !strings.Contains(third.Done[0].Err, "lfs") {
		t.Errorf("after a while it is not tried again: %+v", third.Done)
	}
}
