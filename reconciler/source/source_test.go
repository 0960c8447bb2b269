package source_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/cgi"
	"net/http/httptest"
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

// repo is a work tree of real Git, whose clock ticks a minute a commit.
type repo struct {
	t   *testing.T
	dir string
	n   int
}

func newRepo(t *testing.T) *repo {
	t.Helper()
	r := &repo{t: t, dir: filepath.Join(t.TempDir(), "config")}
	if err := os.MkdirAll(r.dir, 0o755); err != nil {
		t.Fatal(err)
	}
	r.git("init", "-q", "-b", "trunk")
	return r
}

func (r *repo) git(args ...string) string {
	r.t.Helper()
	cmd := exec.Command("git", args...)
	cmd.Dir = r.dir
	when := time.Date(2026, 1, 2, 3, r.n, 0, 0, time.UTC).Format(time.RFC3339)
	cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_SYSTEM=/dev/null",
		"GIT_AUTHOR_NAME=Ana", "GIT_AUTHOR_EMAIL=ana@acme.example", "GIT_AUTHOR_DATE="+when,
		"GIT_COMMITTER_NAME=Ana", "GIT_COMMITTER_EMAIL=ana@acme.example", "GIT_COMMITTER_DATE="+when)
	out, err := cmd.CombinedOutput()
	if err != nil {
		r.t.Fatalf("git %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return strings.TrimSpace(string(out))
}

func (r *repo) write(file, content string) {
	r.t.Helper()
	p := filepath.Join(r.dir, file)
	if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
		r.t.Fatal(err)
	}
	if err := os.WriteFile(p, []byte(content), 0o644); err != nil {
		r.t.Fatal(err)
	}
}

// commit commits everything, after writing content to file if it is named.
func (r *repo) commit(file, content string) fleet.Revision {
	r.t.Helper()
	if file != "" {
		r.write(file, content)
	}
	r.n++
	r.git("add", "-A")
	r.git("commit", "-q", "--allow-empty", "-m", fmt.Sprint("change ", r.n))
	return fleet.Revision(r.git("rev-parse", "HEAD"))
}

func current(t *testing.T, s source.Source) *source.Tree {
	t.Helper()
	tree, err := s.Current(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return tree
}

func content(t *testing.T, tree *source.Tree, file string) string {
	t.Helper()
	b, err := fs.ReadFile(tree.Files, file)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func failure(t *testing.T, s source.Source) *fleet.Failure {
	t.Helper()
	tree, err := s.Current(t.Context())
	f := (*fleet.Failure)(nil)
	if !errors.As(err, &f) {
		t.Fatalf("got %v, %v; want a failure", tree, err)
	}
	return f
}

// serve gives the repo over smart HTTP; around may be nil.
func serve(t *testing.T, r *repo, around func(http.Handler) http.Handler) string {
	t.Helper()
	git, err := exec.LookPath("git")
	if err != nil {
		t.Skip("no git")
	}
	var h http.Handler = &cgi.Handler{
		Path: git, Args: []string{"http-backend"},
		Env: []string{"GIT_PROJECT_ROOT=" + filepath.Dir(r.dir), "GIT_HTTP_EXPORT_ALL=1", "REMOTE_USER=ana"},
	}
	if around != nil {
		h = around(h)
	}
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close)
	return srv.URL + "/config/.git"
}

func openGit(t *testing.T, o source.GitOptions) source.Source {
	t.Helper()
	s, err := source.Git(o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestGitFollowsTheDefaultBranch(t *testing.T) {
	r := newRepo(t)
	first := r.commit("fleet.cue", "package fleet\n")
	dir := t.TempDir()
	s := openGit(t, source.GitOptions{URL: serve(t, r, nil), Dir: dir})
	if s.Last() != nil {
		t.Fatal("a tree before the first look")
	}
	one := current(t, s)
	if one.Revision != first || content(t, one, "fleet.cue") != "package fleet\n" {
		t.Fatalf("got %s", one.Revision)
	}
	if want := time.Date(2026, 1, 2, 3, 1, 0, 0, time.UTC); !one.Time.Equal(want) {
		t.Errorf("time %v, want %v", one.Time, want)
	}
	if current(t, s) != one {
		t.Error("nothing changed, and yet another tree")
	}

	second := r.commit("fleet.cue", "package fleet // 2\n")
	if two := current(t, s); two.Revision != second {
		t.Errorf("got %s, want %s", two.Revision, second)
	}
	if content(t, one, "fleet.cue") != "package fleet\n" {
		t.Error("the tree before has changed")
	}

	// Force push: the old commit is no ancestor any more.
	r.git("reset", "-q", "--hard", string(first))
	forced := r.commit("other.cue", "package fleet\n")
	if three := current(t, s); three.Revision != forced {
		t.Errorf("got %s, want %s", three.Revision, forced)
	}
	if clones, _ := os.ReadDir(dir); len(clones) != 2 {
		t.Errorf("%d clones are kept, want 2", len(clones))
	}
	if s.Last().Revision != forced {
		t.Error("last is not the newest")
	}
}

func TestGitKeepsTheLastTree(t *testing.T) {
	r := newRepo(t)
	rev := r.commit("fleet.cue", "package fleet\n")
	var down atomic.Int32
	url := serve(t, r, func(h http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
			if code := int(down.Load()); code != 0 {
				w.Header().Set("Retry-After", "7")
				http.Error(w, "<html>no</html>", code)
				return
			}
			h.ServeHTTP(w, q)
		})
	})
	o := source.GitOptions{URL: url, Dir: t.TempDir()}
	s := openGit(t, o)
	current(t, s)
	for code, class := range map[int]fleet.Class{
		503: fleet.Transient, 429: fleet.Limited, 404: fleet.Permanent, 401: fleet.Permanent, 403: fleet.Permanent,
	} {
		down.Store(int32(code))
		if f := failure(t, s); f.Class != class {
			t.Errorf("%d: got %s, want %s: %v", code, f.Class, class, f)
		}
		if s.Last() == nil || s.Last().Revision != rev {
			t.Errorf("%d: the last tree is lost", code)
		}
	}
	if last := openGit(t, o).Last(); last == nil || last.Revision != rev || content(t, last, "fleet.cue") == "" {
		t.Error("a restart loses the last tree")
	}
}

func TestGitCacheMayBeBroken(t *testing.T) {
	r := newRepo(t)
	rev := r.commit("fleet.cue", "package fleet\n")
	url := serve(t, r, nil)
	for name, harm := range map[string]func(t *testing.T, dir string){
		"deleted": func(t *testing.T, dir string) { os.RemoveAll(dir) },
		"objects": func(t *testing.T, dir string) {
			packs, _ := filepath.Glob(filepath.Join(dir, "*", "objects", "pack", "*.pack"))
			for _, p := range packs {
				os.Chmod(p, 0o644)
				os.WriteFile(p, []byte("torn"), 0o644)
			}
		},
		"head": func(t *testing.T, dir string) {
			heads, _ := filepath.Glob(filepath.Join(dir, "*", "HEAD"))
			for _, p := range heads {
				os.WriteFile(p, nil, 0o644)
			}
		},
		"left over": func(t *testing.T, dir string) { os.Mkdir(filepath.Join(dir, "new-123"), 0o700) },
	} {
		t.Run(name, func(t *testing.T) {
			o := source.GitOptions{URL: url, Dir: filepath.Join(t.TempDir(), "config")}
			s := openGit(t, o)
			current(t, s)
			harm(t, o.Dir)
			if tree := current(t, s); tree.Revision != rev {
				t.Errorf("same process: %s", tree.Revision)
			}
			again := openGit(t, o)
			if tree := current(t, again); tree.Revision != rev || content(t, tree, "fleet.cue") == "" {
				t.Errorf("new process: %s", tree.Revision)
			}
			r.commit("", "")
			rev = current(t, again).Revision
			if left, _ := filepath.Glob(filepath.Join(o.Dir, "new-*")); len(left) > 0 {
				t.Errorf("left: %v", left)
			}
		})
	}
}

func TestGitSecrets(t *testing.T) {
	const secret = "s3cret/+token"
	r := newRepo(t)
	r.commit("fleet.cue", "package fleet\n")
	var deny atomic.Bool
	url := serve(t, r, func(h http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
			user, got, _ := q.BasicAuth()
			if deny.Load() || user != "x-access-token" || got != secret {
				http.Error(w, "bad credentials "+got, http.StatusUnauthorized)
				return
			}
			h.ServeHTTP(w, q)
		})
	})
	o := source.GitOptions{URL: url, Dir: t.TempDir(), Auth: func(context.Context) (string, string, error) {
		return "x-access-token", secret, nil
	}}
	s := openGit(t, o)
	current(t, s)
	err := filepath.WalkDir(o.Dir, func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(p)
		if strings.Contains(string(b), secret) {
			t.Errorf("%s holds the secret", p)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	deny.Store(true)
	if f := failure(t, s); strings.Contains(f.Error(), secret) || f.Class != fleet.Permanent {
		t.Errorf("%s: %v", f.Class, f)
	}
	for _, bad := range []string{
		"https://x:" + "tok@git.acme.example/config", "https://git.acme.example/config?token=tok", "ssh://git.acme.example/tok",
	} {
		if _, err := source.Git(source.GitOptions{URL: bad, Dir: o.Dir}); err == nil || strings.Contains(err.Error(), "tok@") {
			t.Errorf("%s: %v", bad, err)
		}
	}
	if _, err := source.Git(source.GitOptions{URL: "http://git.acme.example/c", Dir: o.Dir, Auth: o.Auth}); err == nil {
		t.Error("credentials over plain http")
	}
}

func TestGitWithoutARevision(t *testing.T) {
	empty := newRepo(t)
	if f := failure(t, openGit(t, source.GitOptions{URL: empty.dir, Dir: t.TempDir()})); f.Class != fleet.Permanent {
		t.Errorf("empty: %s: %v", f.Class, f)
	}
	r := newRepo(t)
	r.commit("a", "")
	if f := failure(t, openGit(t, source.GitOptions{URL: r.dir, Branch: "gone", Dir: t.TempDir()})); f.Class != fleet.Permanent {
		t.Errorf("branch: %s: %v", f.Class, f)
	}
	r.git("branch", "other")
	if tree := current(t, openGit(t, source.GitOptions{URL: r.dir, Branch: "other", Dir: t.TempDir()})); tree.Revision == "" {
		t.Error("no revision")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := openGit(t, source.GitOptions{URL: r.dir, Dir: t.TempDir()}).Current(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

func TestDirReadsCommitsOnly(t *testing.T) {
	r := newRepo(t)
	if f := failure(t, source.Dir(r.dir)); f.Class != fleet.Permanent {
		t.Errorf("no commit: %s: %v", f.Class, f)
	}
	if f := failure(t, source.Dir(t.TempDir())); f.Class != fleet.Permanent {
		t.Errorf("no repo: %s: %v", f.Class, f)
	}
	os.Symlink("/etc", filepath.Join(r.dir, "away"))
	r.write("live/fleet.cue", "package fleet\n")
	rev := r.commit("big", strings.Repeat("x", 1<<20+1))
	r.write("live/fleet.cue", "not committed")
	tree := current(t, source.Dir(r.dir))
	if tree.Revision != rev || content(t, tree, "live/fleet.cue") != "package fleet\n" {
		t.Errorf("got %s", tree.Revision)
	}
	if n := len(content(t, tree, "big")); n != 1<<20+1 {
		t.Errorf("large file: %d", n)
	}
	if _, err := fs.ReadFile(tree.Files, "away/passwd"); err == nil {
		t.Error("a symlink leads out")
	}
	if _, err := tree.Files.Open("away"); err == nil {
		t.Error("a symlink is followed")
	}
	sub := current(t, source.Dir(filepath.Join(r.dir, "live")))
	if err := fstest.TestFS(sub.Files, "fleet.cue"); err != nil {
		t.Error(err)
	}
	if got, err := source.Dir(r.dir).LastChanged(t.Context(), sub, "fleet.cue", 1, 1); err != nil || got != rev {
		t.Errorf("got %s, %v", got, err)
	}
	r.git("gc", "-q")
	if n := len(content(t, tree, "big")); n != 1<<20+1 {
		t.Errorf("large file after gc: %d", n)
	}
}

func TestFiles(t *testing.T) {
	r := newRepo(t)
	r.commit("live/fleet.cue", "package fleet\n")
	os.Symlink("/etc", filepath.Join(r.dir, "away"))
	os.Symlink("live", filepath.Join(r.dir, "within"))
	s := source.Files(r.dir)
	tree := current(t, s)
	if tree.Revision != "" || !tree.Time.IsZero() || s.Last() != tree {
		t.Errorf("got %+v", tree)
	}
	r.write("live/fleet.cue", "edited")
	if content(t, tree, "live/fleet.cue") != "edited" {
		t.Error("not as it lies on disk")
	}
	for _, no := range []string{"away", "away/passwd", "within/fleet.cue", ".git/HEAD", "../config/live/fleet.cue"} {
		if _, err := fs.ReadFile(tree.Files, no); err == nil {
			t.Errorf("%s can be read", no)
		}
	}
	os.Remove(filepath.Join(r.dir, "away"))
	os.Remove(filepath.Join(r.dir, "within"))
	if err := fstest.TestFS(tree.Files, "live/fleet.cue"); err != nil {
		t.Error(err)
	}
	if rev, err := s.LastChanged(t.Context(), tree, "live/fleet.cue", 1, 1); rev != "" || err != nil {
		t.Errorf("got %q, %v", rev, err)
	}
	if f := failure(t, source.Files(filepath.Join(r.dir, "none"))); f.Class != fleet.Permanent {
		t.Errorf("%s: %v", f.Class, f)
	}
}
