package plan_test

import (
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/portreeve/portreeve/reconciler/plan"
)

// missing reports whether a path leads through a directory, or is one, whose
// names are not known.
func (s *snapshot) missing(name string) bool {
	if s.dirs == nil {
		return false
	}
	for at := name; ; at = path.Dir(at) {
		if s.isDir(at) && !s.dirs[at] {
			return true
		}
		if at == "." {
			return false
		}
	}
}

func (s *snapshot) isDir(name string) bool {
	for file := range s.files {
		if name == "." || strings.HasPrefix(file, name+"/") {
			return true
		}
	}
	return false
}

// load makes a path known, with the directories that lead to it.
func (s *snapshot) load(name string) {
	s.loaded[name] = true
	for at := name; s.dirs != nil; at = path.Dir(at) {
		s.dirs[at] = true
		if at == "." {
			return
		}
	}
}

// listed makes directories known: all, or as few as a tree may come with.
func (a *teller) listed(n plan.Need) {
	tree := a.trees[n.Repo]
	switch {
	case n.All:
		tree.dirs = nil
	case a.partly && tree.dirs == nil:
		tree.dirs = map[string]bool{".": true}
	}
}

// TestPartOfATree proves that a plan made on those directories alone that were
// asked for is the one that is made on all, in no more rounds than are given.
func TestPartOfATree(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	parts := 0
	for _, file := range files {
		archive, err := txtar.ParseFile(file)
		if err != nil {
			t.Fatal(err)
		}
		w, a := load(t, slices.DeleteFunc(archive.Files, func(f txtar.File) bool { return f.Name == "plan" }))
		want, _ := settle(w, a, newMemo())
		forget(w, a)
		a.partly = true
		got, asked := settle(w, a, newMemo())
		if inJSON(t, got) != inJSON(t, want) || len(asked) == rounds {
			t.Errorf("%s: %d rounds, and another plan: %s\nand not %s", file, len(asked), inJSON(t, got), inJSON(t, want))
		}
		for _, tree := range a.trees {
			if len(tree.dirs) > 1 {
				parts++
			}
		}
	}
	if parts == 0 {
		t.Error("all trees were read whole")
	}
}
