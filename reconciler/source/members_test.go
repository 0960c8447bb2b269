package source_test

import (
	"context"
	"errors"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/fstest"
	"time"

	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/source"
)

// TestMembers holds every member to what Source promises.
func TestMembers(t *testing.T) {
	r := newRepo(t)
	r.write("teams/a.cue", "package fleet\n")
	r.write("run.sh", "#!/bin/sh\n")
	os.Chmod(filepath.Join(r.dir, "run.sh"), 0o755)
	r.write("\xff.cue", "a name that is not UTF-8")
	rev := r.commit("fleet.cue", "package fleet\n")
	os.Remove(filepath.Join(r.dir, "\xff.cue"))
	for name, m := range map[string]struct {
		source    source.Source
		committed bool
	}{
		"git":   {openGit(t, source.GitOptions{URL: serve(t, r, nil), Dir: t.TempDir()}), true},
		"path":  {openGit(t, source.GitOptions{URL: r.dir, Dir: t.TempDir()}), true},
		"dir":   {source.Dir(r.dir), true},
		"files": {source.Files(r.dir), false},
	} {
		t.Run(name, func(t *testing.T) {
			s := m.source
			if s.Last() != nil {
				t.Error("a last tree before the first look")
			}
			cancelled, cancel := context.WithCancel(t.Context())
			cancel()
			if _, err := s.Current(cancelled); !errors.Is(err, context.Canceled) || !errors.As(err, new(*fleet.Failure)) {
				t.Errorf("cancelled: %v", err)
			}
			if err := s.Watch(cancelled, func() {}); err != nil {
				t.Errorf("watch: %v", err)
			}
			tree := current(t, s)
			if tree.Name == "" || s.Last() != tree {
				t.Errorf("name %q, last %p", tree.Name, s.Last())
			}
			if got := tree.Revision == rev && !tree.Time.IsZero(); got != m.committed {
				t.Errorf("revision %q of %v", tree.Revision, tree.Time)
			}
			if m.committed && current(t, s) != tree {
				t.Error("another tree of the same revision")
			}
			if err := fstest.TestFS(tree.Files, "fleet.cue", "teams/a.cue", "run.sh"); err != nil {
				t.Error(err)
			}
			want := tree.Revision
			for range 2 {
				if got, err := s.LastChanged(t.Context(), tree, "fleet.cue", 1, 1); err != nil || got != want {
					t.Errorf("last changed: %s, %v", got, err)
				}
			}
		})
	}
}

func TestGitDoesNotHang(t *testing.T) {
	r := newRepo(t)
	r.commit("fleet.cue", "package fleet\n")
	for _, at := range []string{"/info/refs", "/git-upload-pack"} {
		release := make(chan struct{})
		url := serve(t, r, func(h http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
				if strings.HasSuffix(q.URL.Path, at) {
					<-release
				}
				h.ServeHTTP(w, q)
			})
		})
		o := source.GitOptions{URL: url, Dir: t.TempDir()}
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		_, err := openGit(t, o).Current(ctx)
		cancel()
		if fleet.ClassOf(err) != fleet.Transient || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%s: %v", at, err)
		}
		close(release)
		for left := []string{""}; len(left) > 0; { // what was late is removed
			left, _ = filepath.Glob(filepath.Join(o.Dir, "*"))
		}
	}
}

func TestDirOfOddRepos(t *testing.T) {
	r := newRepo(t)
	first := r.commit("fleet.cue", "package fleet\n")
	head := r.commit("other.cue", "package fleet\n")
	for name, args := range map[string][]string{
		"shallow": {"--depth=1", "file://" + r.dir},
		"shared":  {"--shared", r.dir},
		"bare":    {"--bare", r.dir},
	} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "clone")
			if out, err := exec.Command("git", append(append([]string{"clone", "-q"}, args...), dir)...).CombinedOutput(); err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			s := source.Dir(dir)
			tree := current(t, s)
			if tree.Revision != head || content(t, tree, "fleet.cue") == "" {
				t.Errorf("got %s", tree.Revision)
			}
			want := first
			if name == "shallow" { // the best that its history can tell
				want = head
			}
			if got, err := s.LastChanged(t.Context(), tree, "fleet.cue", 1, 1); err != nil || got != want {
				t.Errorf("last changed: %s, %v; want %s", got.Short(), err, want.Short())
			}
		})
	}
}

// A server that sends Git elsewhere does not get to send the secret there.
func TestGitSecretsStayAtHome(t *testing.T) {
	r := newRepo(t)
	r.commit("fleet.cue", "package fleet\n")
	var asked, leaked atomic.Bool
	elsewhere := serve(t, r, func(h http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
			asked.Store(true)
			if q.Header.Get("Authorization") != "" {
				leaked.Store(true)
			}
			h.ServeHTTP(w, q)
		})
	})
	elsewhere = strings.Replace(elsewhere, "127.0.0.1", "localhost", 1)
	home := serve(t, r, func(http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
			_, path, _ := strings.Cut(q.URL.Path, "/.git")
			http.Redirect(w, q, elsewhere+path+"?"+q.URL.RawQuery, http.StatusFound)
		})
	})
	s := openGit(t, source.GitOptions{URL: home, Dir: t.TempDir(), Auth: func(context.Context) (string, string, error) {
		return "x-access-token", "secret", nil
	}})
	if tree, err := s.Current(t.Context()); !asked.Load() || leaked.Load() {
		t.Errorf("the secret went elsewhere, or nobody did: %v, %v", tree, err)
	}
}
