package plan_test

import (
	"fmt"
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

// deep is a repo whose files lie far below its root, in many directories.
func deep() (files []txtar.File) {
	files = append(files, txtar.File{Name: "deep.cue", Data: []byte(`package fleet

migrations: [string]: {title: "Order", why: "Order.", owner: "platform"}
migrations: all: {select: name: "wide", steps: [{do: "replace", paths: ["**/*.go"], pattern: "old", with: "new"}]}
migrations: one: {select: name: "deep", steps: [{do: "file", path: "a/b/c/d/e/f/g/h/i/j/k/l.txt", content: "x"}]}
`)})
	for i := range 20 {
		name := fmt.Sprintf("acme/wide/d%d/e%d/main.go", i, i)
		files = append(files, txtar.File{Name: name, Data: []byte("old\n")})
		name = fmt.Sprintf("acme/deep/a/b/c/d/e/f/g/h/i/j/k/%d.go", i)
		files = append(files, txtar.File{Name: name, Data: []byte("old\n")})
	}
	return files
}

// TestPartOfATree proves that a plan made on those directories alone that were
// asked for is the one that is made on all, in no more rounds than are given.
func TestPartOfATree(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	cases := map[string][]txtar.File{"deep": deep()}
	for _, file := range files {
		archive, err := txtar.ParseFile(file)
		if err != nil {
			t.Fatal(err)
		}
		cases[file] = slices.DeleteFunc(archive.Files, func(f txtar.File) bool { return f.Name == "plan" })
	}
	parts := 0
	for file, files := range cases {
		w, a := load(t, files)
		if file == "deep" && len(w.Config.Problems) > 0 {
			t.Fatal(w.Config.Problems)
		}
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
