package source_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/portreeve/portreeve/reconciler/source"
)

// watch starts a Watch and returns its calls, after the first.
func watch(t *testing.T, s source.Source) <-chan struct{} {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	calls, done := make(chan struct{}, 1000), make(chan error, 1)
	go func() { done <- s.Watch(ctx, func() { calls <- struct{}{} }) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	await(t, calls, "the start")
	return calls
}

func await(t *testing.T, calls <-chan struct{}, what string) {
	t.Helper()
	select {
	case <-calls:
	case <-time.After(8 * time.Second): // less than the look around takes
		t.Fatalf("%s went unnoticed", what)
	}
}

func TestDirWatch(t *testing.T) {
	r := newRepo(t)
	r.commit("fleet.cue", "package fleet\n")
	calls := watch(t, source.Dir(r.dir))
	r.commit("fleet.cue", "package fleet // 2\n")
	await(t, calls, "a commit")
	r.git("gc", "-q") // packs the refs
	r.commit("fleet.cue", "package fleet // 3\n")
	await(t, calls, "a commit after gc")
	r.git("switch", "-q", "-c", "feature/deep")
	r.commit("fleet.cue", "package fleet // 4\n")
	await(t, calls, "a commit on a new branch")
	r.git("switch", "-q", "trunk")
	await(t, calls, "another branch")
	r.git("reset", "-q", "--hard", "HEAD~1")
	await(t, calls, "a reset")

	linked := filepath.Join(t.TempDir(), "linked")
	r.git("worktree", "add", "-q", linked, "feature/deep")
	calls = watch(t, source.Dir(linked))
	l := &repo{t: t, dir: linked, n: 30}
	rev := l.commit("fleet.cue", "package fleet // 5\n")
	await(t, calls, "a commit in a linked work tree")
	if tree := current(t, source.Dir(linked)); tree.Revision != rev {
		t.Errorf("got %s, want %s", tree.Revision, rev)
	}
}

func TestDirWatchSurvivesReplacement(t *testing.T) {
	r := newRepo(t)
	r.commit("fleet.cue", "package fleet\n")
	calls := watch(t, source.Dir(r.dir))
	os.Rename(r.dir, r.dir+".old")
	await(t, calls, "the repo's end")
	os.MkdirAll(r.dir, 0o755)
	r.git("init", "-q", "-b", "trunk")
	r.commit("fleet.cue", "package fleet // new\n")
	await(t, calls, "another repo in its place")
}

func TestFilesWatch(t *testing.T) {
	dir := t.TempDir()
	r := &repo{t: t, dir: dir}
	r.write("fleet.cue", "package fleet\n")
	calls := watch(t, source.Files(dir))
	r.write("new/deep/a.cue", "package fleet\n")
	await(t, calls, "a new folder")
	r.write("new/deep/a.cue", "package fleet // longer\n")
	await(t, calls, "an edit in it")
	for i := range 3 { // as editors save
		temp := filepath.Join(dir, "fleet.cue~")
		os.WriteFile(temp, make([]byte, i+1), 0o644)
		os.Rename(temp, filepath.Join(dir, "fleet.cue"))
		await(t, calls, "a replaced file")
	}
	os.RemoveAll(filepath.Join(dir, "new"))
	await(t, calls, "a removal")
}

func TestGitWatch(t *testing.T) {
	r := newRepo(t)
	r.commit("fleet.cue", "package fleet\n")
	s := openGit(t, source.GitOptions{URL: serve(t, r, nil), Dir: t.TempDir(), Poll: 10 * time.Millisecond})
	current(t, s)
	calls := watch(t, s)
	r.commit("fleet.cue", "package fleet // 2\n")
	await(t, calls, "a push")
}
