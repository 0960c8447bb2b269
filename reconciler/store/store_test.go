package store_test

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/portreeve/portreeve/reconciler/disk"
	"github.com/portreeve/portreeve/reconciler/plan"
	"github.com/portreeve/portreeve/reconciler/rollout"
	"github.com/portreeve/portreeve/reconciler/store"
)

func open(t *testing.T, dir string) *store.Store {
	t.Helper()
	s, err := store.Open(dir, disk.Disk{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// entries are the files of all caches.
func entries(t *testing.T, dir string) (paths []string) {
	t.Helper()
	filepath.WalkDir(filepath.Join(dir, "cache"), func(p string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			paths = append(paths, p)
		}
		return nil
	})
	return paths
}

func TestCache(t *testing.T) {
	for name, dir := range map[string]string{"disk": t.TempDir(), "memory": ""} {
		t.Run(name, func(t *testing.T) {
			s := open(t, dir)
			c := s.Cache("trees", 100, 1<<20)
			for _, key := range []string{"", "../../x", "acme/ledger\x00go.mod", strings.Repeat("k", 5000)} {
				if _, ok := c.Get(key); ok {
					t.Errorf("%.20q is there before it was put", key)
				}
				for _, v := range []string{"", "one", "two"} {
					c.Put(key, []byte(v))
					if got, ok := c.Get(key); !ok || string(got) != v {
						t.Errorf("%.20q: got %q, %v", key, got, ok)
					}
				}
			}
			c.Put("huge", make([]byte, 1<<20))
			if _, ok := c.Get("huge"); ok {
				t.Error("a value larger than the cache was kept")
			}
			if s.Cache("trees", 1, 1) != c || s.Err() != nil {
				t.Errorf("err %v", s.Err())
			}
			if dir != "" {
				if got, _ := open(t, dir).Cache("trees", 100, 1<<20).Get("../../x"); string(got) != "two" {
					t.Errorf("another process reads %q", got)
				}
			}
		})
	}
}

func TestCacheIsBounded(t *testing.T) {
	for name, dir := range map[string]string{"disk": t.TempDir(), "memory": ""} {
		t.Run(name, func(t *testing.T) {
			few, small := open(t, dir).Cache("few", 50, 1<<30), open(t, dir).Cache("small", 1000, 10_000)
			for i := range 500 {
				few.Put(fmt.Sprint(i), []byte("v"))
				small.Put(fmt.Sprint(i), make([]byte, 500))
			}
			count := func(c *store.Cache) (n int) {
				for i := range 500 {
					if _, ok := c.Get(fmt.Sprint(i)); ok {
						n++
					}
				}
				return n
			}
			if n := count(few); n > 50 || n < 40 {
				t.Errorf("%d entries of 50", n)
			}
			if n := count(small); n > 20 || n < 10 {
				t.Errorf("%d entries of at most 20", n)
			}
		})
	}
}

func TestCacheGarbled(t *testing.T) {
	dir := t.TempDir()
	c := open(t, dir).Cache("trees", 100, 1<<20)
	c.Put("key", []byte("a value of some length"))
	p := entries(t, dir)[0]
	whole, err := os.ReadFile(p)
	if err != nil {
		t.Fatal(err)
	}
	for i := range whole {
		torn, flipped := whole[:i], bytes.Clone(whole)
		flipped[i] ^= 1
		for _, bad := range [][]byte{torn, flipped} {
			os.WriteFile(p, bad, 0o600)
			if v, ok := c.Get("key"); ok {
				t.Fatalf("byte %d: read %q", i, v)
			}
		}
	}
	c.Put("other", []byte("theirs"))
	other := entries(t, dir)[0]
	os.MkdirAll(filepath.Dir(p), 0o700)
	os.Rename(other, p)
	if v, ok := c.Get("key"); ok {
		t.Errorf("another key's value: %q", v)
	}
}

func TestDeletedWhileRunning(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	var wg sync.WaitGroup
	stop := make(chan struct{})
	for i := range 4 { // as processes: each with a store of its own
		s := open(t, dir)
		c := s.Cache("trees", 20, 1<<20)
		wg.Go(func() {
			for n := 0; ; n++ {
				select {
				case <-stop:
					return
				default:
				}
				key := fmt.Sprint(n % 40)
				c.Put(key, []byte("value of "+key))
				if v, ok := c.Get(key); ok && string(v) != "value of "+key {
					t.Errorf("process %d read %q", i, v)
				}
				s.AppendPass(&store.Pass{Number: n, Started: time.Unix(1, 0)})
				s.Passes(3)
			}
		})
	}
	for range 50 {
		os.RemoveAll(dir)
	}
	close(stop)
	wg.Wait()
	s := open(t, dir)
	c := s.Cache("trees", 20, 1<<20)
	c.Put("k", []byte("v"))
	if v, ok := c.Get("k"); !ok || string(v) != "v" || s.Err() != nil {
		t.Errorf("afterwards: %q, %v", v, s.Err())
	}
}

func TestFullDiskIsTold(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	os.WriteFile(filepath.Join(dir, "cache"), nil, 0o600) // where a folder should be
	s.Cache("trees", 10, 1000).Put("k", []byte("v"))
	if s.Err() == nil {
		t.Error("no error")
	}
	os.Remove(filepath.Join(dir, "cache"))
	s.Cache("trees", 10, 1000).Put("k", []byte("v"))
	if s.Err() != nil {
		t.Error(s.Err())
	}
}

func TestLock(t *testing.T) {
	dir := t.TempDir()
	one, two := open(t, dir), open(t, dir)
	if err := one.Lock(); err != nil {
		t.Fatal(err)
	}
	if err := one.Lock(); err != nil {
		t.Errorf("again: %v", err)
	}
	err := two.Lock()
	if err == nil || !strings.Contains(err.Error(), fmt.Sprintf("(process %d)", os.Getpid())) || !strings.Contains(err.Error(), dir) {
		t.Errorf("a second daemon: %v", err)
	}
	two.Cache("trees", 10, 1000).Put("k", nil) // a preview beside the daemon
	one.Close()
	if err := two.Lock(); err != nil {
		t.Errorf("after the first has ended: %v", err)
	}
	if err := open(t, "").Lock(); err != nil {
		t.Error(err)
	}
}

func TestHistory(t *testing.T) {
	for name, dir := range map[string]string{"disk": t.TempDir(), "memory": ""} {
		t.Run(name, func(t *testing.T) {
			s := open(t, dir)
			if got := s.Passes(5); len(got) != 0 {
				t.Errorf("%d passes at first", len(got))
			}
			p := &store.Pass{
				Started: time.Unix(1, 0).UTC(), Revision: "9f3c2d1",
				Plan: &plan.Plan{Mode: "merge", Outcomes: []rollout.Outcome{{State: rollout.Done}, {State: rollout.Review}, {State: rollout.Done}}},
				Done: []store.Done{{Action: "open"}, {Action: "open", Err: "no"}},
			}
			for p.Number = range 10 {
				s.AppendPass(p)
				if dir != "" && p.Number == 5 { // a crash in the middle of a line
					f, _ := os.OpenFile(filepath.Join(dir, "history.jsonl"), os.O_APPEND|os.O_WRONLY, 0)
					f.WriteString(`{"number":99,"sta`)
					f.Close()
				}
			}
			got := s.Passes(6)
			if len(got) != 6 || got[0].Number != 4 || got[5].Number != 9 {
				t.Fatalf("got %+v", got)
			}
			if g := got[0]; g.States[rollout.Done] != 2 || g.Done != 2 || g.Failed != 1 || g.Mode != "merge" {
				t.Errorf("got %+v", g)
			}
		})
	}
}

func TestHistoryIsBounded(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	p := &store.Pass{Started: time.Unix(1, 0), Err: strings.Repeat("x", 100_000)}
	for p.Number = range 200 {
		s.AppendPass(p)
	}
	total := int64(0)
	files, _ := os.ReadDir(dir)
	for _, f := range files {
		info, _ := f.Info()
		total += info.Size()
	}
	if total > 9<<20 {
		t.Errorf("%d bytes", total)
	}
	if got := s.Passes(1); len(got) != 1 || got[0].Number != 199 {
		t.Errorf("the newest is missing")
	}
}
