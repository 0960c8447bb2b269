package transform_test

import (
	"io/fs"
	"maps"
	"math/rand/v2"
	"path"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/transform"
	"github.com/portreeve/portreeve/reconciler/transform/transformtest"
)

// after is what edits make of a tree, by the book.
func after(tree transformtest.Tree, edits []transform.Edit) transformtest.Tree {
	result := maps.Clone(tree)
	for _, e := range edits {
		if e.Delete {
			delete(result, e.Path)
			continue
		}
		for p := range result { // a file has neither files above nor below it
			if strings.HasPrefix(string(p), string(e.Path)+"/") || strings.HasPrefix(string(e.Path), string(p)+"/") {
				delete(result, p)
			}
		}
		result[e.Path] = transformtest.File{Content: e.Content, Executable: e.Executable}
	}
	return result
}

func list(t testing.TB, tree fs.FS) string {
	var b strings.Builder
	err := fs.WalkDir(tree, ".", func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		b.WriteString(d.Type().String() + " " + p)
		if d.Type().IsRegular() {
			content, err := fs.ReadFile(tree, p)
			if err != nil {
				return err
			}
			b.Write(content)
		}
		b.WriteString("\n")
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	return b.String()
}

func randomPath(r *rand.Rand) fleet.Path {
	p := string("abc"[r.IntN(3)])
	for range r.IntN(3) {
		p = path.Join(p, string("abc"[r.IntN(3)]))
	}
	return fleet.Path(p)
}

// TestOverlayIsTheEditedTree compares the view with a tree that was edited
// for good, over random trees and edits.
func TestOverlayIsTheEditedTree(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	for range 3000 {
		var files []transform.Edit
		for range r.IntN(6) {
			files = append(files, transform.Edit{Path: randomPath(r), Content: []byte{'0' + byte(r.IntN(10))}})
		}
		base := after(transformtest.Tree{"a/a/link": {Link: true}}, files)
		var edits []transform.Edit
		seen := transformtest.Tree{}
		for range r.IntN(5) {
			e := transform.Edit{Path: randomPath(r), Content: []byte("new"), Delete: r.IntN(2) == 0}
			if conflicts(seen, e.Path) {
				continue
			}
			seen[e.Path] = transformtest.File{}
			edits = append(edits, e)
		}
		slices.SortStableFunc(edits, func(a, b transform.Edit) int {
			if a.Delete != b.Delete && a.Delete {
				return -1
			}
			return 0
		})
		got, want := list(t, transform.Overlay(base, edits)), list(t, after(base, edits))
		if got != want {
			t.Fatalf("base:\n%s\nedits: %s\ngot:\n%s\nwant:\n%s", list(t, base), describe(edits), got, want)
		}
	}
}

// conflicts: edits of one list never write both a path and one below it.
func conflicts(seen transformtest.Tree, p fleet.Path) bool {
	for q := range seen {
		if q == p || strings.HasPrefix(string(q), string(p)+"/") || strings.HasPrefix(string(p), string(q)+"/") {
			return true
		}
	}
	return false
}

func TestOverlayIsAnFS(t *testing.T) {
	base := transformtest.Tree{"a/b": {Content: []byte("x")}, "a/c": {}, "gone/x": {}}
	tree := transform.Overlay(base, []transform.Edit{{Path: "a/n", Content: []byte("new")}, {Path: "gone/x", Delete: true}, {Path: "d/e/f", Executable: true}})
	if err := fstest.TestFS(tree, "a/b", "a/c", "a/n", "d/e/f"); err != nil {
		t.Error(err)
	}
	if _, err := fs.Stat(tree, "gone"); err == nil {
		t.Error("an empty directory is left")
	}
}

// FuzzQuoteGlob: a path as a glob matches that path, and tells it.
func FuzzQuoteGlob(f *testing.F) {
	for _, p := range []string{"a", "a/[x].go", "{a,b}", `a*?`, "é"} {
		f.Add(p)
	}
	f.Fuzz(func(t *testing.T, p string) {
		if transform.CheckPath(p) != nil {
			return
		}
		glob := transform.QuoteGlob(p)
		if back, one := transform.PathOfGlob(glob); !one || back != p || transform.CheckGlob(glob) != nil || !transform.Match(glob, p) {
			t.Errorf("%q became %q, which is for %q, %v", p, glob, back, one)
		}
	})
}
