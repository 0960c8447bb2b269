package gitrepo

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/go-git/go-git/v5/plumbing"

	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/gitrepo/gitrepotest"
	"github.com/portreeve/portreeve/reconciler/transform"
)

// snapshotOf reads a commit that has not been pushed, over what its base has.
func snapshotOf(base *Snapshot, made *Commit) *Snapshot {
	s := newSnapshot()
	s.commit, s.root = made.ID, plumbing.NewHash(string(made.Tree))
	if base != nil {
		s.objects.add(base.objects)
	}
	s.objects.add(&objects{have: made.objects})
	return s
}

// flatten lists the files of a snapshot with their contents, and checks the
// shape of its trees.
func flatten(t *testing.T, s *Snapshot) map[string]string {
	t.Helper()
	files := map[string]string{}
	var walk func(id plumbing.Hash, at string)
	walk = func(id plumbing.Hash, at string) {
		data, ok := s.objects.get(id, plumbing.TreeObject)
		entries, err := parseTree(data)
		if !ok || err != nil || len(entries) == 0 && at != "" {
			t.Fatalf("tree of %q: %v, %d entries", at, err, len(entries))
		}
		if !bytes.Equal(encodeTree(entries), data) {
			t.Fatalf("tree of %q does not survive", at)
		}
		for i, e := range entries {
			if i > 0 && !sortsBefore(entries[i-1], e) {
				t.Fatalf("tree of %q: %q before %q", at, entries[i-1].name, e.name)
			}
			if e.is(modeTree) {
				walk(e.id, at+e.name+"/")
				continue
			}
			blob, ok := s.objects.get(e.id, plumbing.BlobObject)
			if !ok {
				t.Fatalf("no content of %s%s", at, e.name)
			}
			files[at+e.name] = string(blob)
		}
	}
	walk(s.root, "")
	return files
}

var elements = []string{"a", "b", "a.b", "a-b", "ab", "a0", "z"}

// randomEdits draws edits over a small set of paths, so that they meet.
func randomEdits(rnd *rand.Rand, n int) []transform.Edit {
	byPath := map[fleet.Path]transform.Edit{}
	for range n {
		var path []string
		for range 1 + rnd.IntN(3) {
			path = append(path, elements[rnd.IntN(len(elements))])
		}
		p := fleet.Path(strings.Join(path, "/"))
		byPath[p] = transform.Edit{Path: p, Delete: rnd.IntN(3) == 0, Content: []byte(fmt.Sprint(rnd.IntN(4)))}
	}
	edits := slices.Collect(maps.Values(byPath))
	transform.Sort(edits)
	return edits
}

// applied is what edits make of a set of files.
func applied(files map[string]string, edits []transform.Edit) map[string]string {
	files = maps.Clone(files)
	for _, e := range edits {
		delete(files, string(e.Path))
		if !e.Delete {
			files[string(e.Path)] = string(e.Content)
		}
	}
	return files
}

func FuzzSplice(f *testing.F) {
	for seed := range uint64(50) {
		f.Add(seed, uint8(seed))
	}
	f.Fuzz(func(t *testing.T, seed uint64, n uint8) {
		rnd := rand.New(rand.NewPCG(seed, 1))
		c, files := New(Options{}), map[string]string{}
		var base *Snapshot
		for range 6 {
			edits := randomEdits(rnd, int(n%24))
			made, err := c.Commit(base, edits, someone, say)
			want := applied(files, edits)
			if errors.Is(err, ErrNoChange) {
				if !maps.Equal(want, files) {
					t.Fatalf("no change: %v to %v", files, want)
				}
				continue
			}
			if err != nil {
				if fleet.ClassOf(err) != fleet.Permanent || !clashes(want) && !deletesDir(files, edits) {
					t.Fatalf("%v: %v and %v", err, files, edits)
				}
				continue
			}
			base, files = snapshotOf(base, made), want
			if got := flatten(t, base); !maps.Equal(got, want) {
				t.Fatalf("edits %v gave\n%v, want\n%v", edits, got, want)
			}
			if _, err := c.Commit(base, edits, someone, say); !errors.Is(err, ErrNoChange) {
				t.Fatalf("applied twice: %v", err)
			}
		}
	})
}

// clashes reports whether a file stands where another needs a directory.
func clashes(files map[string]string) bool {
	for path := range files {
		for i, c := range path {
			if _, ok := files[path[:i]]; c == '/' && ok {
				return true
			}
		}
	}
	return false
}

// deletesDir reports whether an edit deletes, or writes, what is a directory.
func deletesDir(files map[string]string, edits []transform.Edit) bool {
	for _, e := range edits {
		for path := range files {
			if strings.HasPrefix(path, string(e.Path)+"/") {
				return true
			}
		}
		for _, other := range edits {
			if e.Delete && !other.Delete && strings.HasPrefix(string(other.Path), string(e.Path)+"/") {
				return true
			}
		}
	}
	return false
}

// The trees are those that git itself makes of the same files.
func TestSpliceMakesGitsTrees(t *testing.T) {
	srv, c, rnd := gitrepotest.NewServer(t), New(Options{}), rand.New(rand.NewPCG(7, 7))
	srv.Create("r", nil)
	var base *Snapshot
	var want []string
	var stream strings.Builder
	for len(want) < 30 {
		edits := randomEdits(rnd, 8)
		made, err := c.Commit(base, edits, someone, say)
		if err != nil {
			continue
		}
		base = snapshotOf(base, made)
		want = append(want, string(made.Tree))
		fmt.Fprintf(&stream, "commit refs/heads/b%d\ncommitter T <t@example.com> 1 +0000\ndata 0\n", len(want))
		for path, content := range flatten(t, base) {
			fmt.Fprintf(&stream, "M 100644 inline %s\ndata %d\n%s\n", path, len(content), content)
		}
	}
	srv.Import("r", "b1", stream.String())
	for i, tree := range want {
		if got := srv.Git("r", "rev-parse", fmt.Sprintf("b%d^{tree}", i+1)); got != tree {
			t.Errorf("%d: %s, git makes %s", i, tree, got)
		}
	}
}

// treeOf is a snapshot of one tree.
func treeOf(data []byte) *Snapshot {
	s := newSnapshot()
	s.root = plumbing.ComputeHash(plumbing.TreeObject, data)
	s.objects.have[s.root] = object{plumbing.TreeObject, data}
	return s
}

func FuzzParseTree(f *testing.F) {
	f.Add([]byte("100644 a\x0012345678901234567890"))
	f.Add([]byte("040000 ..\x0012345678901234567890100644 \x0012345678901234567890"))
	f.Fuzz(func(t *testing.T, data []byte) {
		entries, err := parseTree(data)
		if err != nil {
			return
		}
		if !bytes.Equal(encodeTree(entries), data) {
			t.Fatal("does not survive")
		}
		s := treeOf(data)
		list, err := s.ReadDir(".")
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range list {
			if _, err := s.Stat(d.Name()); err != nil {
				t.Fatal(err)
			}
		}
		made, err := New(Options{}).Commit(s, []transform.Edit{{Path: "zz", Content: []byte("x")}}, someone, say)
		if err != nil {
			return
		}
		after, err := parseTree(made.objects[plumbing.NewHash(string(made.Tree))].data)
		if err != nil {
			t.Fatal(err)
		}
		after = slices.DeleteFunc(after, func(e entry) bool { return e.name == "zz" })
		before := slices.DeleteFunc(entries, func(e entry) bool { return e.name == "zz" })
		if !slices.Equal(before, after) {
			t.Fatal("an entry that is not edited has changed")
		}
	})
}

func FuzzAttributes(f *testing.F) {
	f.Add("*.bin filter=lfs\n\"a b\" -filter", "d/a.bin")
	f.Add("[attr]x x\n* x", "a")
	f.Add("a/ filter=x\n\"\\", "a")
	f.Fuzz(func(t *testing.T, text, file string) {
		filterOf([]*attributes{parseAttributes(text, ".")}, file)
	})
}
