package source_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/source"
)

// back lists what comes before a tree, newest first.
func back(t *testing.T, s source.Source, tree *source.Tree) (all []fleet.Revision, looked int) {
	t.Helper()
	for rev := tree.Revision; len(all) < 100; {
		before, n, err := s.Before(t.Context(), tree, rev)
		if err != nil {
			t.Fatal(err)
		}
		looked += n
		if before == "" {
			break
		}
		all, rev = append(all, before), before
	}
	return all, looked
}

// TestBefore holds that each source goes back by first parents, and past the
// commits that can't have changed a declaration.
func TestBefore(t *testing.T) {
	r := newRepo(t)
	one := r.commit("live/fleet.cue", "a\n")
	r.commit("live/fleet.cue", "b\n")
	readme := r.commit("README.md", "x\n")
	r.git("switch", "-q", "-c", "side", string(one))
	r.commit("live/side.cue", "s\n")
	r.git("switch", "-q", "trunk")
	r.git("merge", "-q", "--no-ff", "-m", "merge", "side")
	for _, file := range []string{"live/x.txt", "live/.hidden/x.cue", "live/cue.mod/pkg/y.cue", "STOP"} {
		r.commit(file, "x\n")
	}
	elsewhere := r.commit("other/x.cue", "x\n")
	last := r.commit("live/deep/down/x.cue", "x\n")
	r.git("rm", "-q", "live/deep/down/x.cue")
	r.git("commit", "-q", "-m", "gone")
	gone := fleet.Revision(r.git("rev-parse", "HEAD"))

	check := func(name string, s source.Source, want []fleet.Revision, wantLooked int) {
		t.Helper()
		tree := current(t, s)
		for range 2 { // asked again, it says the same
			if got, looked := back(t, s, tree); fmt.Sprint(got) != fmt.Sprint(want) || looked != wantLooked {
				t.Errorf("%s: %s after %d commits, want %s after %d", name, got, looked, want, wantLooked)
			}
		}
	}
	all := []fleet.Revision{last, elsewhere, fleet.Revision(r.git("rev-parse", string(elsewhere)+"~1")), readme, one}
	check("git", openGit(t, source.GitOptions{URL: serve(t, r, nil), Dir: t.TempDir()}), all, 10)
	check("dir", source.Dir(r.dir), all, 10)
	sub := []fleet.Revision{last, elsewhere, readme, one}
	check("folder of it", source.Dir(filepath.Join(r.dir, "live")), sub, 10)
	check("files", source.Files(filepath.Join(r.dir, "live")), append([]fleet.Revision{gone}, sub...), 11)
	check("files in no repo", source.Files(t.TempDir()), nil, 0)

	s := source.Dir(filepath.Join(r.dir, "live"))
	tree, err := s.At(t.Context(), current(t, s), one)
	if err != nil || tree.Revision != one || content(t, tree, "fleet.cue") != "a\n" || tree.Time.IsZero() {
		t.Errorf("at the first: %+v, %v", tree, err)
	}
	now := current(t, s).Files.(interface{ Fingerprint(string) (string, bool) })
	old := tree.Files.(interface{ Fingerprint(string) (string, bool) })
	before, ok := old.Fingerprint("fleet.cue")
	after, _ := now.Fingerprint("fleet.cue")
	if !ok || before != "git:"+r.git("rev-parse", string(one)+":live/fleet.cue") || before == after {
		t.Errorf("fingerprints %s and %s", before, after)
	}
	if _, ok := now.Fingerprint("cue.mod"); ok {
		t.Error("a folder has a fingerprint")
	}
	if rev, err := s.LastChanged(t.Context(), tree, "fleet.cue", 1, 1); rev != one || err != nil {
		t.Errorf("last changed: %s, %v", rev, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := s.Before(ctx, tree, readme); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// TestBeforeTheFolder has the folder of declarations come to be: what was
// before declares nothing.
func TestBeforeTheFolder(t *testing.T) {
	r := newRepo(t)
	first := r.commit("README.md", "x\n")
	r.commit("live/fleet.cue", "a\n")
	s := source.Dir(filepath.Join(r.dir, "live"))
	tree := current(t, s)
	if got, _ := back(t, s, tree); len(got) != 1 || got[0] != first {
		t.Fatalf("%s, want %s", got, first)
	}
	old, err := s.At(t.Context(), tree, first)
	if err != nil {
		t.Fatal(err)
	}
	if entries, err := fs.ReadDir(old.Files, "."); err != nil || len(entries) > 0 {
		t.Errorf("%v, %v", entries, err)
	}
}

// TestBeforeShallow holds that a history of which a part was not fetched ends
// there, and that a damaged one is an error.
func TestBeforeShallow(t *testing.T) {
	r := newRepo(t)
	for i := range 4 {
		r.commit("fleet.cue", fmt.Sprint(i))
	}
	shallow := filepath.Join(t.TempDir(), "shallow")
	r.git("clone", "-q", "--depth", "2", "file://"+r.dir, shallow)
	s := source.Dir(shallow)
	if got, _ := back(t, s, current(t, s)); len(got) != 1 {
		t.Errorf("shallow: %s", got)
	}
	s = source.Dir(r.dir)
	tree := current(t, s)
	object := r.git("rev-parse", "HEAD~1^{tree}")
	if err := os.Remove(filepath.Join(r.dir, ".git/objects", object[:2], object[2:])); err != nil {
		t.Fatal(err)
	}
	if _, _, err := s.Before(t.Context(), tree, tree.Revision); fleet.ClassOf(err) != fleet.Transient || err == nil {
		t.Errorf("damaged: %v", err)
	}
}
