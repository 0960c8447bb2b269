package main

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/forge/sandbox"
	"github.com/portreeve/portreeve/reconciler/source"
	"github.com/portreeve/portreeve/reconciler/store"
)

// looked tells of each revision that the daemon sees.
type looked struct {
	source.Source
	at chan fleet.Revision
}

func (l *looked) Current(ctx context.Context) (*source.Tree, error) {
	tree, err := l.Source.Current(ctx)
	if err == nil {
		select {
		case l.at <- tree.Revision:
		case <-ctx.Done():
		case <-time.After(time.Minute):
		}
	}
	return tree, err
}

// TestPatience commits to the config repo in each pass: after some that end
// early one is made to its end, so that the fleet is not kept waiting for ever.
func TestPatience(t *testing.T) {
	m := newMeanwhile(t)
	e := m.engine(t)
	waiting, release := make(chan struct{}), make(chan struct{})
	free := make(chan struct{})
	m.Fault(func(r sandbox.Request) *sandbox.FaultAnswer {
		if r.Kind == "git" && r.Repo == "acme/ledger" && r.Route == "refs" {
			select {
			case waiting <- struct{}{}:
				<-release
			case <-free:
			}
		}
		return nil
	})
	seen := &looked{Source: e.Source, at: make(chan fleet.Revision, 1000)}
	e.Source = seen
	passes := make(chan *store.Pass, 1000)
	e.Publish = func(p *store.Pass) { passes <- p }
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- e.Run(ctx, time.Hour, nil) }()
	defer func() {
		stop()
		must(t, <-ended)
	}()
	const early = 3
	for n := range early + 1 {
		<-waiting
		revision, err := m.Person("kim").CommitFile("acme/config", "main", "fleet.cue", fmt.Sprintf(meanwhileConfig, fmt.Sprint(n)), "Change")
		must(t, err)
		for rev := range seen.at {
			if rev == fleet.Revision(revision) {
				break
			}
		}
		if n == early {
			close(free)
			close(release)
			break
		}
		if p := <-passes; p.Err != "a newer revision came in" {
			t.Fatalf("pass %d: %q", n, p.Err)
		}
		release <- struct{}{}
	}
	if p := <-passes; p.Err != "" || len(p.Done) != 2 {
		t.Errorf("the pass after them: %q, %d steps", p.Err, len(p.Done))
	}
}
