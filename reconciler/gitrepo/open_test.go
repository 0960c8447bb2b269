package gitrepo

import (
	"errors"
	"io/fs"
	"testing"

	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/gitrepo/gitrepotest"
	"github.com/portreeve/portreeve/reconciler/transform"
)

// TestOpen reads parts of a tree from each sort of server: what was not asked
// for is unread where the server could leave it out, and never taken for
// something that is not there.
func TestOpen(t *testing.T) {
	files := map[string]string{"a/b/c/d.txt": "d", "a/b/e.txt": "e", "a/f": "f", "g/h/i": "i", "top": "1"}
	for name, opts := range servers {
		t.Run(name, func(t *testing.T) {
			srv := gitrepotest.NewServerWith(t, opts)
			at := srv.Create("r", files)
			c, r := New(Options{}), remote(srv, "r")
			s, err := c.Open(t.Context(), r, at)
			if err != nil {
				t.Fatal(err)
			}
			unread := func(read string, err error, want bool) {
				t.Helper()
				if got := errors.Is(err, fleet.ErrUnread); got != (want && !opts.NoFilter) || err != nil && !got {
					t.Errorf("%s: %v", read, err)
				}
			}
			list, err := s.ReadDir(".")
			if len(list) != 3 || err != nil {
				t.Error(list, err)
			}
			_, err = s.ReadDir("a")
			unread("a", err, true)
			_, err = s.Stat("a")
			unread("whether there is an a", err, false)
			_, err = s.Stat("g/h/i")
			unread("g/h/i", err, true)

			if err := c.Load(t.Context(), r, s, []fleet.Path{"a/b/c/d.txt", "g/h", "a/nowhere/x", "top/x"}); err != nil {
				t.Fatal(err)
			}
			if b, err := s.ReadFile("a/b/c/d.txt"); string(b) != "d" {
				t.Error(err)
			}
			if list, err := s.ReadDir("g/h"); len(list) != 1 || err != nil {
				t.Error(list, err)
			}
			_, err = s.ReadFile("g/h/i")
			unread("g/h/i", err, true)
			for _, none := range []string{"a/nowhere/x", "a/b/x", "top/x"} {
				if _, err := s.Stat(none); !errors.Is(err, fs.ErrNotExist) {
					t.Errorf("%s: %v", none, err)
				}
			}

			if err := c.List(t.Context(), r, s); err != nil {
				t.Fatal(err)
			}
			if whole, err := c.Snapshot(t.Context(), r, at); err != nil || names(t, whole) != names(t, s) {
				t.Errorf("%s and %s: %v", names(t, whole), names(t, s), err)
			}
		})
	}
}

func names(t *testing.T, s *Snapshot) (all string) {
	t.Helper()
	if err := fs.WalkDir(s, ".", func(p string, _ fs.DirEntry, err error) error {
		all += p + "\n"
		return err
	}); err != nil {
		t.Error(err)
	}
	return all
}

// A server that can leave out contents and no trees gives all of them.
func TestOpenWhereTreesAreNotLeftOut(t *testing.T) {
	srv := gitrepotest.NewServer(t)
	at := srv.Create("r", map[string]string{"a/b": "1"})
	srv.Git("r", "config", "uploadpackfilter.tree.allow", "false")
	s, err := New(Options{}).Open(t.Context(), remote(srv, "r"), at)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Stat("a/b"); err != nil {
		t.Error(err)
	}
}

// What an edit leads through must be known: whether a link, a submodule or a
// file stands there can't be told otherwise.
func TestCommitOnPartOfATree(t *testing.T) {
	srv := gitrepotest.NewServer(t)
	at := srv.Create("r", map[string]string{"a/b/c": "1", "a/b/d": "1", "e/f": "1"})
	c, r := New(Options{}), remote(srv, "r")
	for _, edits := range [][]transform.Edit{
		{{Path: "a/b/c", Delete: true}},
		{{Path: "a/b/new", Content: []byte("x")}, {Path: "e/f", Delete: true}},
	} {
		s, err := c.Open(t.Context(), r, at)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.Commit(s, edits, someone, say); !errors.Is(err, fleet.ErrUnread) {
			t.Errorf("%s: %v", edits[0].Path, err)
		}
		if err := c.Load(t.Context(), r, s, CommitPaths(edits)); err != nil {
			t.Fatal(err)
		}
		made, err := c.Commit(s, edits, someone, say)
		if err != nil {
			t.Fatal(err)
		}
		whole, err := c.Commit(snapshot(t, r, at, CommitPaths(edits)...), edits, someone, say)
		if err != nil || whole.ID != made.ID {
			t.Errorf("%s: on all of the tree it is another commit: %v", edits[0].Path, err)
		}
	}
}
