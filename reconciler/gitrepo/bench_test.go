package gitrepo

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/gitrepo/gitrepotest"
	"github.com/portreeve/portreeve/reconciler/transform"
)

// BenchmarkChange reads three files, changes one, adds one, commits and
// pushes, against the same with git clone --depth 1, in one run. The servers
// are processes of their own, so the client's CPU time is this process's, or
// that of the git commands that the benchmark waits for.
func BenchmarkChange(b *testing.B) {
	for _, n := range []int{50, 2000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) { benchmarkChange(b, n) })
	}
}

func benchmarkChange(b *testing.B, n int) {
	srv := gitrepotest.NewServer(b)
	files := map[string]string{}
	for i := range n {
		files[fmt.Sprintf("pkg%d/sub%d/file%d.go", i%40, i%7, i)] = strings.Repeat(fmt.Sprintf("line of file %d\n", i*7919), 200)
	}
	head := srv.Create("r", files)
	srv.Git("r", "repack", "-adq")
	c, r := New(Options{}), Remote{Name: "acme/r", URL: srv.RepoURL("r")}

	own := usage(b, syscall.RUSAGE_SELF)
	for i := 0; b.Loop(); i++ {
		oneChange(b, c, r, head, fmt.Sprintf("x%d", i))
	}
	own = usage(b, syscall.RUSAGE_SELF) - own
	b.StopTimer()
	ours := own.Seconds() * 1000 / float64(b.N)

	// The server's processes are reaped by this one too; what git did as a
	// client is told apart by the commands' own accounts.
	var cloned time.Duration
	const clones = 3
	for i := range clones {
		cloned += cloneChange(b, r.URL, i)
	}
	theirs := cloned.Seconds() * 1000 / clones
	b.ReportMetric(ours, "own-cpu-ms")
	b.ReportMetric(theirs, "git-cpu-ms")
	b.ReportMetric(theirs/ours, "git/own")
	if n == 2000 && theirs < 20*ours {
		b.Errorf("%.1f ms of CPU time, and git's %.1f: %.1f times less, expected at least 20", ours, theirs, theirs/ours)
	}
}

func oneChange(b *testing.B, c *Client, r Remote, head fleet.CommitID, branch string) {
	b.Helper()
	edits := []transform.Edit{
		{Path: "pkg1/sub1/file1.go", Content: []byte("changed\n")},
		{Path: "added/" + fleet.Path(branch), Content: []byte("added\n")},
	}
	load := append(CommitPaths(edits), "pkg1/sub1/file1.go", "pkg2/sub2/file2.go", "pkg3/sub3/file3.go")
	s, err := c.Snapshot(b.Context(), r, head)
	if err == nil {
		err = c.Load(b.Context(), r, s, load)
	}
	var made *Commit
	if err == nil {
		made, err = c.Commit(s, edits, someone, say)
	}
	if err == nil {
		err = c.Push(b.Context(), r, made, RefUpdate{Branch: branch, New: made.ID})
	}
	if err != nil {
		b.Fatal(err)
	}
}

// cloneChange is the same with the git command; the result is the CPU time of
// its processes, waited-for children included.
func cloneChange(b *testing.B, url string, i int) time.Duration {
	b.Helper()
	dir := filepath.Join(b.TempDir(), "clone")
	var spent time.Duration
	git := func(args ...string) {
		cmd := exec.Command("git", append([]string{"-c", "user.name=x", "-c", "user.email=x@example.com"}, args...)...)
		if out, err := cmd.CombinedOutput(); err != nil {
			b.Fatalf("git %v: %v\n%s", args, err, out)
		}
		spent += cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	}
	git("clone", "-q", "--depth", "1", "-b", "main", url, dir)
	if err := os.WriteFile(filepath.Join(dir, "pkg1/sub1/file1.go"), []byte("changed\n"), 0o644); err != nil {
		b.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "added"), []byte("added\n"), 0o644); err != nil {
		b.Fatal(err)
	}
	git("-C", dir, "add", "-A")
	git("-C", dir, "commit", "-q", "-m", "change")
	git("-C", dir, "push", "-q", "origin", fmt.Sprintf("HEAD:refs/heads/clone%d", i))
	return spent
}

func usage(b *testing.B, who int) time.Duration {
	b.Helper()
	runtime.GC()
	var u syscall.Rusage
	if err := syscall.Getrusage(who, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkReadDir lists a directory of 20,000 files for the first time.
func BenchmarkReadDir(b *testing.B) {
	entries := make([]entry, 20_000)
	for i := range entries {
		entries[i] = newEntry(fmt.Sprintf("file%05d.yaml", i), modeRegular|0o644, emptyTree)
	}
	data := encodeTree(entries)
	for b.Loop() {
		s := treeOf(data)
		if list, err := s.ReadDir("."); err != nil || len(list) != len(entries) {
			b.Fatal(err)
		}
	}
}
