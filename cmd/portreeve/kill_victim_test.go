package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-git/go-git/v5"
	"github.com/go-git/go-git/v5/plumbing/object"

	"github.com/portreeve/portreeve/reconciler/disk"
	"github.com/portreeve/portreeve/reconciler/forge/sandbox"
	"github.com/portreeve/portreeve/reconciler/rollout"
)

// moment is when a write ends the daemon.
type moment int

const (
	spared   moment = iota
	beforeIt        // nothing of it is done
	withinIt        // half of it is done
	afterIt         // it is done, and nobody heard so
)

// victim is a daemon that any of its writes can end. From then on nothing that
// it does has an effect, also not what it does to tidy up: it is dead.
type victim struct {
	onForge func(sandbox.Request) moment
	onDisk  func(disk.Change) moment
	end     context.CancelFunc // of the pass under way
	waits   int                // outcomes that wait in the end
	clock   *clock             // nil is the machine's

	mu   sync.Mutex
	dead bool
	// writing is held for reading by each change of the disk, which may still be
	// under way in a goroutine of the dead.
	writing sync.RWMutex
}

var errDead = errors.New("killed")

// dies ends the daemon if it is its moment; whoever is dead dies before each
// write.
func (v *victim) dies(when func() moment) moment {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.dead {
		return beforeIt
	}
	now := when()
	if now != spared {
		v.dead = true
		v.end()
	}
	return now
}

func (v *victim) isDead() bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.dead
}

func (v *victim) fault(r sandbox.Request) *sandbox.FaultAnswer {
	if r.Login != "portreeve" && r.Kind != "git" {
		return nil
	}
	when := v.dies(func() moment {
		if !r.Write {
			return spared
		}
		return v.onForge(r)
	})
	if when == spared {
		return nil
	}
	return &sandbox.FaultAnswer{Reset: true, Done: when == afterIt}
}

// guard makes the changes of the disk.
func (v *victim) guard(c disk.Change) error {
	v.writing.RLock()
	defer v.writing.RUnlock()
	switch v.dies(func() moment { return v.onDisk(c) }) {
	case spared:
		return c.Make(c.Content)
	case withinIt:
		half(c)
	case afterIt:
		_ = c.Make(c.Content)
	}
	return errDead
}

// canTear reports whether a change can be done by half.
func canTear(c disk.Change) bool {
	if c.Do == "remove" {
		entries, err := os.ReadDir(c.Path)
		return err == nil && len(entries) > 0
	}
	return len(c.Content) > 1
}

// half makes the first half of a write, or removes half of what is in a
// folder.
func half(c disk.Change) {
	if c.Do != "remove" {
		_ = c.Make(c.Content[:len(c.Content)/2])
		return
	}
	var all []string
	_ = filepath.WalkDir(c.Path, func(p string, _ fs.DirEntry, err error) error {
		all = append(all, p)
		return err
	})
	slices.Reverse(all) // what is in a folder comes before it
	for _, p := range all[:len(all)/2] {
		_ = os.Remove(p)
	}
}

// run is the life of the daemon; it reports whether the fleet is settled.
func (v *victim) run(t *testing.T, s *stage, data string) (settled bool) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	v.end = cancel
	defer func() { // what follows finds a disk at rest
		v.writing.Lock()
		defer v.writing.Unlock()
	}()
	s.Fault(v.fault)
	c := s.connection(t, data)
	c.disk = disk.Disk{Guard: v.guard}
	e, err := newEngine(c, s.url+"/acme/config.git", true, true, slog.New(slog.DiscardHandler), &progress{})
	if errors.Is(err, errDead) {
		return false
	}
	must(t, err)
	defer e.Close()
	e.Observer.Workers, e.Applier.Workers = 1, 1 // so that the points are the same each time
	v.clock.drive(e)
	if err = e.store.Lock(); v.isDead() {
		return false
	}
	must(t, err)
	for range 10 {
		v.clock.tick()
		pass := e.Once(ctx)
		e.store.AppendPass(pass)
		if v.isDead() {
			return false
		}
		if last := e.store.Passes(1); len(last) != 1 || !last[0].Started.Equal(pass.Started) {
			t.Errorf("the pass is not in the history: %+v", last)
		}
		if pass.Err == "" && len(pass.Done) == 0 && pass.Plan.Count(rollout.Waiting) == v.waits {
			return true
		}
	}
	t.Fatal("ten passes, and no end")
	return false
}

// halfThere are the files and folders of a data directory that have their
// final names and are not whole.
func halfThere(t *testing.T, data string) (found []string) {
	t.Helper()
	_ = filepath.WalkDir(filepath.Join(data, "cache"), func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.HasPrefix(d.Name(), "new-") {
			return nil
		}
		const magic, sum = 4, sha256.Size
		content, err := os.ReadFile(p)
		must(t, err)
		if len(content) > magic+sum {
			if is := sha256.Sum256(content[magic+sum:]); bytes.Equal(is[:], content[magic:magic+sum]) {
				return nil
			}
		}
		found = append(found, p)
		return nil
	})
	clones, _ := filepath.Glob(filepath.Join(data, "config", "config-*"))
	for _, clone := range clones {
		if err := whole(clone); err != nil {
			found = append(found, clone+": "+err.Error())
		}
	}
	return found
}

// whole reads all that a clone's branch leads to.
func whole(clone string) error {
	repo, err := git.PlainOpen(clone)
	if err != nil {
		return err
	}
	head, err := repo.Head()
	if err != nil {
		return err
	}
	if filepath.Base(clone) != "config-"+head.Hash().String() {
		return errors.New("it is at " + head.Hash().String())
	}
	commits, err := repo.Log(&git.LogOptions{From: head.Hash()})
	if err != nil {
		return err
	}
	return commits.ForEach(func(c *object.Commit) error {
		files, err := c.Files()
		if err != nil {
			return err
		}
		return files.ForEach(func(f *object.File) error {
			_, err := f.Contents()
			return err
		})
	})
}

// shortPause stands in for the client's pauses between its tries.
func shortPause(int) time.Duration { return time.Millisecond }
