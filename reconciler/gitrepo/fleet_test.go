package gitrepo

import (
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/gitrepo/gitrepotest"
	"github.com/portreeve/portreeve/reconciler/transform"
)

// BenchmarkFleet reads a file in each of 500 repos, 16 at once, and reports
// the most memory that the process held meanwhile.
func BenchmarkFleet(b *testing.B) {
	const repos, workers = 500, 16
	srv := gitrepotest.NewServer(b)
	files := map[string]string{"go.mod": "module x\n"}
	for i := range 50 {
		files[fmt.Sprintf("pkg%d/file%d.go", i%7, i)] = strings.Repeat("line\n", 100)
	}
	head := srv.Create("r0", files)
	for i := 1; i < repos; i++ {
		if err := os.CopyFS(srv.Dir(fmt.Sprintf("r%d", i)), os.DirFS(srv.Dir("r0"))); err != nil {
			b.Fatal(err)
		}
	}
	most := watchMemory(b)
	for b.Loop() {
		c := New(Options{})
		var group errgroup.Group
		group.SetLimit(workers)
		var mu sync.Mutex
		held := map[int]*Snapshot{} // as a pass holds them until it ends
		for i := range repos {
			group.Go(func() error {
				r := Remote{Name: "acme/r", URL: srv.RepoURL(fmt.Sprintf("r%d", i))}
				s, err := c.Snapshot(b.Context(), r, head)
				if err != nil {
					return err
				}
				mu.Lock()
				held[i] = s
				mu.Unlock()
				return c.Load(b.Context(), r, s, []fleet.Path{"go.mod"})
			})
		}
		if err := group.Wait(); err != nil {
			b.Fatal(err)
		}
	}
	peak := most()
	b.ReportMetric(float64(peak)/(1<<20), "peak-MiB")
	if peak > 150e6 {
		b.Errorf("%d MB at the most, expected at most 150", peak/1e6)
	}
}

// watchMemory samples what the Go runtime holds; the result stops it and gives
// the most that it saw.
func watchMemory(b testing.TB) func() uint64 {
	var most atomic.Uint64
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		tick := time.NewTicker(5 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-stop:
				return
			case <-tick.C:
				most.Store(max(most.Load(), held()))
			}
		}
	}()
	once := sync.OnceFunc(func() { close(stop); <-stopped })
	b.Cleanup(once)
	return func() uint64 { once(); return most.Load() }
}

// held is what the Go runtime holds of the machine's memory now.
func held() uint64 {
	sample := []metrics.Sample{{Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64() - sample[1].Value.Uint64()
}

// TestHugeRepo holds that neither a blob of 150 MB nor 20,000 files cost more
// than their names do, and that both are there after a change.
func TestHugeRepo(t *testing.T) {
	srv := gitrepotest.NewServer(t)
	head := srv.Create("r", map[string]string{"small": "1\n"})
	var stream strings.Builder
	fmt.Fprintf(&stream, "blob\nmark :1\ndata 2\nx\n\nblob\nmark :2\ndata %d\n", 150<<20)
	stream.Write(make([]byte, 150<<20))
	fmt.Fprintf(&stream, "\ncommit refs/heads/main\ncommitter Test <test@example.com> 1700000000 +0000\ndata 4\nGrow\nfrom %s\nM 100644 :2 huge.bin\n", head)
	for i := range 20_000 {
		fmt.Fprintf(&stream, "M 100644 :1 many/f%05d\n", i)
	}
	srv.GitIn("r", stream.String(), "-c", "core.compression=1", "fast-import", "--quiet")
	stream.Reset()
	head = srv.Head("r", "main")

	runtime.GC()
	debug.FreeOSMemory()
	before := held()
	most := watchMemory(t)
	c, r := New(Options{}), remote(srv, "r")
	s, err := c.Snapshot(t.Context(), r, head)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Load(t.Context(), r, s, []fleet.Path{"small", "many/f00007"}); err != nil {
		t.Fatal(err)
	}
	edits := []transform.Edit{{Path: "small", Content: []byte("2\n")}}
	if err := c.Load(t.Context(), r, s, CommitPaths(edits)); err != nil {
		t.Fatal(err)
	}
	made, err := c.Commit(s, edits, someone, say)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Push(t.Context(), r, made, RefUpdate{Branch: "changed", New: made.ID}); err != nil {
		t.Fatal(err)
	}
	if grown := int64(most()) - int64(before); grown > 64<<20 {
		t.Errorf("it took %d MiB of memory", grown>>20)
	}
	if n := strings.Count(srv.Git("r", "ls-tree", "-r", "--name-only", "changed"), "\n"); n < 20_001 {
		t.Errorf("%d files are left", n)
	}
	if changed := strings.TrimSpace(srv.Git("r", "diff", "--name-only", "main", "changed")); changed != "small" {
		t.Errorf("changed %q", changed)
	}
}
