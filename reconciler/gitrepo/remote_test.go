package gitrepo

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/gitrepo/gitrepotest"
	"github.com/portreeve/portreeve/reconciler/transform"
)

var someone = Signature{"Portreeve", "bot@example.com", time.Unix(1_800_000_000, 0).UTC()}

func say(fleet.TreeID) string { return "Change things" }

func remote(s *gitrepotest.Server, name string) Remote {
	return Remote{Name: fleet.RepoName("acme/" + name), URL: s.RepoURL(name)}
}

func snapshot(t *testing.T, r Remote, at fleet.CommitID, load ...fleet.Path) *Snapshot {
	t.Helper()
	c := New(Options{})
	s, err := c.Snapshot(t.Context(), r, at)
	if err == nil {
		err = c.Load(t.Context(), r, s, load)
	}
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func wantClass(t *testing.T, err error, class fleet.Class, words ...string) {
	t.Helper()
	f := (*fleet.Failure)(nil)
	if !errors.As(err, &f) || f.Class != class {
		t.Fatalf("got %v, want a failure of class %s", err, class)
	}
	if f.Op == "" || f.On == "" {
		t.Errorf("Op %q, On %q", f.Op, f.On)
	}
	for _, word := range words {
		if !strings.Contains(err.Error(), word) {
			t.Errorf("%q does not say %q", err, word)
		}
	}
}

var servers = map[string]gitrepotest.Options{
	"v2":          {},
	"v0":          {V0: true},
	"v2 unfilter": {NoFilter: true},
	"v0 unfilter": {V0: true, NoFilter: true},
}

func TestSnapshot(t *testing.T) {
	files := map[string]string{"README.md": "hello\r\n", "a/b/c.txt": "c", "a.txt": "a", "a/d": "d", "empty": ""}
	for name, opts := range servers {
		t.Run(name, func(t *testing.T) {
			srv := gitrepotest.NewServerWith(t, opts)
			srv.Create("r", map[string]string{"old": "history"})
			at := srv.Commit("r", "main", files)
			c, r := New(Options{}), remote(srv, "r")
			s, err := c.Snapshot(t.Context(), r, at)
			if err != nil {
				t.Fatal(err)
			}
			if want := srv.Git("r", "rev-parse", "main^{tree}"); string(s.Tree()) != want || s.Commit() != at {
				t.Errorf("tree %s at %s", s.Tree(), s.Commit())
			}
			if want := srv.Git("r", "rev-parse", "main:a/b/c.txt"); string(s.Blob("a/b/c.txt")) != want {
				t.Error("Blob")
			}
			_, err = fs.ReadFile(s, "a.txt")
			if unread := errors.Is(err, fleet.ErrUnread); unread == opts.NoFilter {
				t.Errorf("before loading: %v", err)
			}
			var all []fleet.Path
			if err := fs.WalkDir(s, ".", func(p string, d fs.DirEntry, err error) error {
				all = append(all, fleet.Path(p))
				return err
			}); err != nil {
				t.Fatal(err)
			}
			if err := c.Load(t.Context(), r, s, append(all, "nowhere")); err != nil {
				t.Fatal(err)
			}
			if err := fstest.TestFS(s, "README.md", "a/b/c.txt", "a.txt", "a/d", "empty", "old"); err != nil {
				t.Error(err)
			}
			if b, err := fs.ReadFile(s, "README.md"); string(b) != "hello\r\n" {
				t.Error(err, string(b))
			}
		})
	}
}

func TestSnapshotOfEarlierAndMissingCommit(t *testing.T) {
	for name, opts := range servers {
		t.Run(name, func(t *testing.T) {
			srv := gitrepotest.NewServerWith(t, opts)
			first := srv.Create("r", map[string]string{"a": "1"})
			srv.Commit("r", "main", map[string]string{"a": "2"})
			c, r := New(Options{}), remote(srv, "r")
			_, err := c.Snapshot(t.Context(), r, first)
			if err != nil {
				wantClass(t, err, fleet.Moved)
			}
			if !opts.NoFilter && err != nil {
				t.Error(err)
			}
			_, err = c.Snapshot(t.Context(), r, fleet.CommitID(strings.Repeat("ab", 20)))
			wantClass(t, err, fleet.Moved)
			_, err = c.Snapshot(t.Context(), remote(srv, "nowhere"), first)
			wantClass(t, err, fleet.Permanent, "404")
			_, err = c.Snapshot(t.Context(), r, "zzz")
			wantClass(t, err, fleet.Permanent)
		})
	}
}

func TestSha256(t *testing.T) {
	srv := gitrepotest.NewServer(t)
	srv.Create("r", nil)
	srv.GitIn("r", "", "init", "-q", "--bare", "--object-format=sha256", "../s.git")
	c := New(Options{})
	_, err := c.Snapshot(t.Context(), remote(srv, "s"), fleet.CommitID(strings.Repeat("ab", 20)))
	wantClass(t, err, fleet.Permanent, "sha256")
	_, err = c.Snapshot(t.Context(), remote(srv, "s"), fleet.CommitID(strings.Repeat("ab", 32)))
	wantClass(t, err, fleet.Permanent, "sha256")
}

func TestLargeFile(t *testing.T) {
	for name, opts := range servers {
		t.Run(name, func(t *testing.T) {
			srv := gitrepotest.NewServerWith(t, opts)
			at := srv.Create("r", map[string]string{"large": strings.Repeat("x", 1<<20), "small": "s"})
			c, r := New(Options{MaxBlob: 1 << 19}), remote(srv, "r")
			s, err := c.Snapshot(t.Context(), r, at)
			if err != nil {
				t.Fatal(err)
			}
			for range 2 {
				if err := c.Load(t.Context(), r, s, []fleet.Path{"large", "small"}); err != nil {
					t.Fatal(err)
				}
			}
			if b, err := s.ReadFile("small"); string(b) != "s" {
				t.Error(err)
			}
			if _, err := s.Open("large"); err == nil || errors.Is(err, fleet.ErrUnread) || !strings.Contains(err.Error(), "too large") {
				t.Error(err)
			}
			_, err = New(Options{MaxFiltered: 100, MaxFull: 100}).Snapshot(t.Context(), r, at)
			wantClass(t, err, fleet.Permanent, "larger")
		})
	}
}

func TestCommitAndPush(t *testing.T) {
	for name, opts := range servers {
		t.Run(name, func(t *testing.T) {
			srv := gitrepotest.NewServerWith(t, opts)
			at := srv.Create("r", map[string]string{"a/b": "1", "a/c": "2", "d": "3", "gone/x": "4"})
			c, r := New(Options{}), remote(srv, "r")
			edits := []transform.Edit{
				{Path: "a/b", Content: []byte("new")},
				{Path: "deep/er/file", Content: []byte("added"), Executable: true},
				{Path: "gone/x", Delete: true},
				{Path: "not/there", Delete: true},
			}
			s := snapshot(t, r, at, CommitPaths(edits)...)
			made, err := c.Commit(s, edits, someone, say)
			if err != nil {
				t.Fatal(err)
			}
			move := RefUpdate{Branch: "portreeve/x", New: made.ID}
			for range 2 { // the second finds it done
				if err := c.Push(t.Context(), r, made, move); err != nil {
					t.Fatal(err)
				}
			}
			wantDiff(t, srv, "r", at, made.ID, "M a/b", "A deep/er/file", "D gone/x")
			if got, err := c.Branch(t.Context(), r, "portreeve/x"); got != made.ID || err != nil {
				t.Error(got, err)
			}
			if got, err := c.Branch(t.Context(), r, "portreeve"); got != "" || err != nil {
				t.Error(got, err)
			}
			if _, err := c.Commit(s, []transform.Edit{{Path: "d", Content: []byte("3")}}, someone, say); !errors.Is(err, ErrNoChange) {
				t.Error(err)
			}
			if err := c.Push(t.Context(), r, nil, RefUpdate{Branch: "portreeve/x", Old: made.ID}); err != nil {
				t.Fatal(err)
			}
			if srv.Head("r", "portreeve/x") != "" {
				t.Error("not deleted")
			}
		})
	}
}

// wantDiff checks the server's repo and what a commit changes.
func wantDiff(t *testing.T, srv *gitrepotest.Server, repo string, from, to fleet.CommitID, want ...string) {
	t.Helper()
	srv.Git(repo, "-c", "fsck.missingEmail=ignore", "fsck", "--strict", "--no-dangling")
	var got []string
	out := srv.Git(repo, "diff", "--raw", "--no-renames", "-z", string(from), string(to))
	fields := strings.Split(strings.TrimSuffix(out, "\x00"), "\x00")
	for i := 0; i+1 < len(fields); i += 2 {
		got = append(got, fields[i][strings.LastIndex(fields[i], " ")+1:]+" "+fields[i+1])
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("changed %q, want %q", got, want)
	}
}

func TestEmptyRepo(t *testing.T) {
	for name, opts := range servers {
		t.Run(name, func(t *testing.T) {
			srv := gitrepotest.NewServerWith(t, opts)
			srv.Create("r", nil)
			c, r := New(Options{}), remote(srv, "r")
			s, err := c.Snapshot(t.Context(), r, "")
			if err != nil || s.Tree() != "" {
				t.Fatal(err, s.Tree())
			}
			if list, err := s.ReadDir("."); err != nil || len(list) > 0 {
				t.Error(list, err)
			}
			made, err := c.Commit(s, []transform.Edit{{Path: "a/b", Content: []byte("x")}}, someone, say)
			if err != nil {
				t.Fatal(err)
			}
			if err := c.Push(context.Background(), r, made, RefUpdate{Branch: "main", New: made.ID}); err != nil {
				t.Fatal(err)
			}
			srv.Git("r", "fsck", "--strict")
			if got := srv.Git("r", "show", "main:a/b"); got != "x" {
				t.Error(got)
			}
		})
	}
}

func TestConcurrentReads(t *testing.T) {
	srv := gitrepotest.NewServer(t)
	files := map[string]string{}
	for i := range 60 {
		files[fmt.Sprintf("d%d/f%d", i%7, i)] = fmt.Sprint("content ", i)
	}
	at := srv.Create("r", files)
	c, r := New(Options{}), remote(srv, "r")
	s := snapshot(t, r, at)
	var wg sync.WaitGroup
	for i := range 4 {
		wg.Go(func() {
			if err := c.Load(t.Context(), r, s, []fleet.Path{"d0/f0", fleet.Path(fmt.Sprintf("d%d/f%d", i, i))}); err != nil {
				t.Error(err)
			}
			_ = fs.WalkDir(s, ".", func(p string, d fs.DirEntry, err error) error {
				if _, err := s.ReadFile(p); err != nil && !d.IsDir() && !errors.Is(err, fleet.ErrUnread) {
					t.Error(err)
				}
				return err
			})
			edits := []transform.Edit{{Path: "d0/new", Delete: true}, {Path: "d1/f1", Delete: true}}
			if _, err := c.Commit(s, edits, someone, say); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}

// A pack that is cut off is transient, wherever the cut is, and one that is
// longer than allowed is permanent.
func TestPackCutOff(t *testing.T) {
	cut, requests := -1, 0
	srv := gitrepotest.NewServerWith(t, gitrepotest.Options{Wrap: func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			requests++
			if r.Method != http.MethodPost || cut < 0 {
				next.ServeHTTP(w, r)
				return
			}
			rec := httptest.NewRecorder()
			next.ServeHTTP(rec, r)
			_, _ = w.Write(rec.Body.Bytes()[:min(cut, rec.Body.Len())])
		})
	}})
	at := srv.Create("r", map[string]string{"a/b": "1", "c": "2"})
	r := remote(srv, "r")
	_ = snapshot(t, r, at, "c")
	if requests != 3 {
		t.Errorf("%d requests, want 3: one discovery, two fetches", requests)
	}
	for cut = 0; cut < 300; cut += 17 {
		_, err := New(Options{}).Snapshot(t.Context(), r, at)
		wantClass(t, err, fleet.Transient)
	}
	cut = -1
	for limit := int64(1); limit < 300; limit += 23 {
		_, err := New(Options{MaxFiltered: 300 + limit}).Snapshot(t.Context(), r, at)
		if err != nil {
			wantClass(t, err, fleet.Permanent, "larger")
		}
	}
}
