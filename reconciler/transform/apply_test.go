package transform_test

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"testing"

	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/transform"
	"github.com/portreeve/portreeve/reconciler/transform/transformtest"
)

// step is a step made of a function.
type step func(tree fs.FS) ([]transform.Edit, error)

func (s step) Edits(tree fs.FS) ([]transform.Edit, error) { return s(tree) }
func (s step) Summary() string                            { return "test" }
func (s step) Reach() transform.Reach                     { return transform.Reach{} }

// write always wants a content, without looking.
func write(p fleet.Path, content string) step {
	return func(fs.FS) ([]transform.Edit, error) {
		return []transform.Edit{{Path: p, Content: []byte(content)}}, nil
	}
}

// swap replaces a text by another in a file.
func swap(p fleet.Path, old, with string) step {
	return func(tree fs.FS) ([]transform.Edit, error) {
		return transform.Rewrite(tree, []fleet.Path{p}, func(_ fleet.Path, content []byte) ([]byte, error) {
			return []byte(strings.ReplaceAll(string(content), old, with)), nil
		})
	}
}

func describe(edits []transform.Edit) string {
	var all []string
	for _, e := range edits {
		if e.Delete {
			all = append(all, fmt.Sprintf("-%s", e.Path))
		} else {
			all = append(all, fmt.Sprintf("%s=%s", e.Path, e.Content))
		}
	}
	return strings.Join(all, " ")
}

func TestApply(t *testing.T) {
	tree := transformtest.Tree{"a": {Content: []byte("1")}, "b": {Content: []byte("2")}, "l": {Link: true}, "d/x": {}}
	fail := step(func(fs.FS) ([]transform.Edit, error) { return nil, errors.New("no such thing") })
	for _, c := range []struct {
		name  string
		steps []transform.Step
		want  string
	}{
		{"nothing", nil, ""},
		{"later sees earlier", []transform.Step{write("b", "1"), swap("b", "1", "3"), write("a", "9")}, "a=9 b=3"},
		{"equal to the base", []transform.Step{write("a", "1")}, ""},
		{"back to the base", []transform.Step{write("a", "5"), write("a", "1")}, ""},
		{"unstable", []transform.Step{write("b", "x"), swap("a", "1", "11")}, "step 2 (test) changes its own result, in a"},
		{"unstable together", []transform.Step{swap("a", "1", "2"), swap("a", "2", "3"), swap("a", "3", "1x")}, "step 1 (test) changes its own result, in a"},
		{"failing", []transform.Step{write("b", "x"), fail}, "step 2 (test): no such thing"},
		{"absolute", []transform.Step{write("/etc/passwd", "")}, `step 1 (test): path "/etc/passwd" is absolute; write it relative to the repo's root`},
		{"through a link", []transform.Step{write("l/x", "")}, "step 1 (test): l/x can't be written: l is a symbolic link"},
		{"over a directory", []transform.Step{write("d", "")}, "step 1 (test): d can't be written: it is a directory"},
	} {
		t.Run(c.name, func(t *testing.T) {
			edits, _, err := transform.Apply(c.steps, tree)
			got := describe(edits)
			if err != nil {
				got = err.Error()
			}
			if got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

// TestApplyAsksAtOnce: all that the steps lack is asked for together, and
// what a step says of a tree that is not the real one is not heard.
func TestApplyAsksAtOnce(t *testing.T) {
	tree := transformtest.Tree{"a": {Content: []byte("1"), Unread: true}, "b": {Content: []byte("2"), Unread: true}}
	fail := step(func(fs.FS) ([]transform.Edit, error) { return nil, errors.New("a is not as expected") })
	edits, _, err := transform.Apply([]transform.Step{swap("a", "1", "3"), fail, swap("b", "2", "3")}, tree)
	if asked := transformtest.Asked(err); !slices.Equal(asked, []fleet.Path{"a", "b"}) || edits != nil {
		t.Errorf("asked for %v, with edits %v: %v", asked, edits, err)
	}
	if !errors.Is(err, fleet.ErrUnread) {
		t.Error("the error does not wrap ErrUnread")
	}
}

// withBlobs knows contents' ids.
type withBlobs struct {
	transformtest.Tree
	ids map[fleet.Path]fleet.BlobID
}

func (w withBlobs) Blob(p fleet.Path) fleet.BlobID { return w.ids[p] }

func TestHoldsByID(t *testing.T) {
	tree := withBlobs{
		transformtest.Tree{"hello": {Unread: true}},
		map[fleet.Path]fleet.BlobID{"hello": "ce013625030ba8dba906f756967f9e9ca394464a"}, // git hash-object of "hello\n"
	}
	for content, want := range map[string]bool{"hello\n": true, "hello": false} {
		got, err := transform.Holds(transform.Overlay(tree, nil), transform.Edit{Path: "hello", Content: []byte(content)})
		if err != nil || got != want {
			t.Errorf("%q: %v, %v", content, got, err)
		}
	}
}

func TestCheckPath(t *testing.T) {
	for _, p := range []string{"a", "a/b.c", ".github/x", ".gitignore", "é/ü", "a b", ".gitx", "x.git", "..a"} {
		if err := transform.CheckPath(p); err != nil {
			t.Error(err)
		}
	}
	for _, p := range []string{
		"", ".", "..", "/a", "a/", "a//b", "./a", "a/./b", "a/../b", "../a", ".git", ".GIT/x", "a/.Git/config", ".git./x", ".git /x",
		"git~1/x", ".g\u200cit/x", ".git::$INDEX_ALLOCATION/x", "a\x00b", "a\nb", "a\\b", "\xff", strings.Repeat("a/", 3000) + "a",
	} {
		if transform.CheckPath(p) == nil {
			t.Errorf("%q is accepted", p)
		}
	}
}

func TestFiles(t *testing.T) {
	tree := transformtest.Tree{"a.go": {}, "d/b.go": {}, "d/e/c.go": {}, "d/f.txt": {}, "l.go": {Link: true}, "m": {Submodule: true}, "d/[x].go": {}}
	for _, c := range []struct{ globs, want string }{
		{"*.go", "a.go"},
		{"**/*.go", "a.go d/[x].go d/b.go d/e/c.go"},
		{"d/*.go", "d/[x].go d/b.go"},
		{"d/**", "d/[x].go d/b.go d/e/c.go d/f.txt"},
		{"d/{b,f}.*", "d/b.go d/f.txt"},
		{`d/\[x\].go`, "d/[x].go"},
		{"a.go", "a.go"},
		{"l.go", ""},
		{"m/**", ""},
		{"l.go/x", ""},
		{"nowhere/**", ""},
		{"d", ""},
		{"a.go *.go", "a.go"},
		{"?.go", "a.go"},
		{"**", "a.go d/[x].go d/b.go d/e/c.go d/f.txt"},
	} {
		paths, err := transform.Files(tree, strings.Fields(c.globs)...)
		if got := strings.Trim(fmt.Sprint(paths), "[]"); err != nil || fmt.Sprint(paths) != "["+c.want+"]" {
			t.Errorf("%s: %s, %v; want %s", c.globs, got, err, c.want)
		}
	}
}
