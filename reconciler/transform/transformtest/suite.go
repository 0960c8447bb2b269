// Package transformtest proves members of package transform: by cases that
// people read, and by what must hold of any member whatever the case.
//
// A case is a txtar file. Its comment says why it is so. Its files are
//
//	step.json    the step, "do" included
//	marks        what text can't say of the tree, a line each: "crlf a.yaml";
//	             see mark
//	before/PATH  a file of the tree
//	after/PATH   a file that the step changes, as it should be then
//	deleted      paths that the step deletes, a line each
//	error        the error of decoding or of the step, instead of a change
//
// The flag -update writes after, deleted and error anew.
package transformtest

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/transform"
)

// Update reports whether goldens are to be written anew.
func Update() bool { return *update }

var update = flag.Bool("update", false, "write what the cases' steps do into the cases")

// Run proves a member by the cases testdata/*.txtar.
func Run(t *testing.T, member transform.Transform) {
	t.Helper()
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no cases in testdata: %v", err)
	}
	if member.Name == "" || member.Doc == "" || member.Decode == nil {
		t.Fatal("a member has a name, a sentence and Decode")
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) { runCase(t, member, file) })
	}
}

func runCase(t *testing.T, member transform.Transform, file string) {
	archive, err := txtar.ParseFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if len(bytes.TrimSpace(archive.Comment)) == 0 {
		t.Error("the case does not say why")
	}
	tree := TreeOf(t, archive)
	got := outcome(t, member, section(archive, "step.json"), tree)
	kept, want := split(archive)
	if Update() {
		out := &txtar.Archive{Comment: archive.Comment, Files: append(kept, got...)}
		if err := os.WriteFile(file, txtar.Format(out), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	g, w := txtar.Format(&txtar.Archive{Files: got}), txtar.Format(&txtar.Archive{Files: want})
	if !bytes.Equal(g, w) {
		t.Errorf("got:\n%s\nwant:\n%s", g, w)
	}
}

// split tells what a case gives from what it expects.
func split(archive *txtar.Archive) (given, expected []txtar.File) {
	for _, f := range archive.Files {
		if f.Name == "error" || f.Name == "deleted" || strings.HasPrefix(f.Name, "after/") {
			expected = append(expected, f)
		} else {
			given = append(given, f)
		}
	}
	return given, expected
}

func section(archive *txtar.Archive, name string) []byte {
	for _, f := range archive.Files {
		if f.Name == name {
			return f.Data
		}
	}
	return nil
}

// TreeOf is the tree that a case's marks and before/PATH files describe.
func TreeOf(t testing.TB, archive *txtar.Archive) Tree {
	tree := Tree{}
	for _, f := range archive.Files {
		if p, ok := strings.CutPrefix(f.Name, "before/"); ok {
			tree[fleet.Path(p)] = File{Content: f.Data}
		}
	}
	for _, line := range lines(section(archive, "marks")) {
		how, p, _ := strings.Cut(line, " ")
		f, err := mark(tree[fleet.Path(p)], how)
		if err != nil {
			t.Fatalf("marks: %v", err)
		}
		tree[fleet.Path(p)] = f
	}
	return tree
}

// mark makes of a file what a line of marks says of it.
func mark(f File, how string) (File, error) {
	switch how {
	case "executable":
		f.Executable = true
	case "link":
		f.Link = true
	case "submodule":
		f.Submodule = true
	case "binary": // a NUL in front
		f.Content = append([]byte{0}, f.Content...)
	case "bom":
		f.Content = append([]byte("\xef\xbb\xbf"), f.Content...)
	case "crlf":
		f.Content = bytes.ReplaceAll(f.Content, []byte("\n"), []byte("\r\n"))
	case "open": // without a final line break
		f.Content = bytes.TrimRight(f.Content, "\r\n")
	default:
		return f, fmt.Errorf("unknown mark %q", how)
	}
	return f, nil
}

// outcome is what a case's step does, as the expected part of a case.
func outcome(t *testing.T, member transform.Transform, fields []byte, tree Tree) []txtar.File {
	step, err := member.Decode(fields)
	if err != nil {
		return []txtar.File{{Name: "error", Data: []byte(worded(err) + "\n")}}
	}
	edits, err := Prove(t, step, tree)
	if err != nil {
		return []txtar.File{{Name: "error", Data: []byte(worded(err) + "\n")}}
	}
	return Files(edits)
}

// Files shows edits as the expected part of a case. Bytes that text can't
// show are shown as escapes.
func Files(edits []transform.Edit) []txtar.File {
	var files []txtar.File
	var deleted []string
	for _, e := range edits {
		if e.Delete {
			deleted = append(deleted, string(e.Path)+"\n")
			continue
		}
		name := "after/" + string(e.Path)
		if e.Executable {
			name += " (executable)"
		}
		files = append(files, txtar.File{Name: name, Data: shown(e.Content)})
	}
	if deleted != nil {
		files = append(files, txtar.File{Name: "deleted", Data: []byte(strings.Join(deleted, ""))})
	}
	return files
}

func worded(err error) string {
	if e, ok := errors.AsType[*transform.FieldError](err); ok && e.Hint != "" {
		return e.Error() + "; " + e.Hint
	}
	return err.Error()
}

func shown(content []byte) []byte {
	s := strings.NewReplacer("\r\n", "\\r\n", "\xef\xbb\xbf", "\\ufeff", "\x00", "\\0").Replace(string(content))
	if s != "" && !strings.HasSuffix(s, "\n") {
		s += "\\open\n"
	}
	return []byte(s)
}

// Prove runs a step as transform.Apply does and holds it to the promises of
// every step: the same tree gives the same edits; they are sorted, valid, and
// changes; contents are asked for all in one go, and having been asked for,
// they give the same edits.
func Prove(t testing.TB, step transform.Step, tree Tree) ([]transform.Edit, error) {
	t.Helper()
	if step.Summary() == "" {
		t.Error("the step has no summary")
	}
	before := fmt.Sprint(tree)
	edits, _, err := transform.Apply([]transform.Step{step}, tree)
	again, _, errAgain := transform.Apply([]transform.Step{step}, tree)
	if !equal(edits, again) || fmt.Sprint(err) != fmt.Sprint(errAgain) {
		t.Errorf("a second run differs: %v, %v", err, errAgain)
	}
	if fmt.Sprint(tree) != before {
		t.Error("the step changed the tree that it was given")
	}
	proveEdits(t, edits, tree)
	proveAsking(t, step, tree)
	return edits, err
}

func proveEdits(t testing.TB, edits []transform.Edit, tree Tree) {
	for i, e := range edits {
		if i > 0 && edits[i-1].Path >= e.Path {
			t.Errorf("edits of %s and %s are out of order", edits[i-1].Path, e.Path)
		}
		if err := transform.CheckPath(string(e.Path)); err != nil {
			t.Error(err)
		}
		old, ok := tree[e.Path]
		switch {
		case old.Link || old.Submodule:
			t.Errorf("%s is no file, and was edited", e.Path)
		case e.Delete && !ok:
			t.Errorf("%s does not exist, and was deleted", e.Path)
		case ok && !e.Delete && bytes.Equal(old.Content, e.Content) && old.Executable == e.Executable:
			t.Errorf("the edit of %s changes nothing", e.Path)
		}
		if p := linkAbove(tree, e.Path); p != "" {
			t.Errorf("the edit of %s goes through %s", e.Path, p)
		}
	}
}

func linkAbove(tree Tree, p fleet.Path) fleet.Path {
	for i := range p {
		if f := tree[p[:i]]; p[i] == '/' && (f.Link || f.Submodule) {
			return p[:i]
		}
	}
	return ""
}

// proveAsking gives the step a tree without contents, then with those that it
// asked for.
func proveAsking(t testing.TB, step transform.Step, tree Tree) {
	want, wantErr := step.Edits(tree)
	got, err := step.Edits(tree.Unfetched())
	if asked := Asked(err); len(asked) > 0 {
		if len(got) > 0 {
			t.Error("the step gave edits although it lacked contents")
		}
		got, err = step.Edits(tree.Unfetched(asked...))
		if more := Asked(err); len(more) > 0 {
			t.Errorf("the step asked for %v, and only then for %v", asked, more)
		}
	}
	if !equal(got, want) || fmt.Sprint(err) != fmt.Sprint(wantErr) {
		t.Errorf("with contents as asked for: %v; with all: %v", err, wantErr)
	}
}

// Spliced reports whether result is text with nothing changed before start and
// from end on, byte for byte.
func Spliced(text, result []byte, start, end int) bool {
	return len(result) >= start+len(text)-end && bytes.HasPrefix(result, text[:start]) && bytes.HasSuffix(result, text[end:])
}

// Inserted reports whether result is text with something put in at one place,
// and nothing else changed.
func Inserted(text, result []byte) bool {
	same := 0
	for same < min(len(text), len(result)) && text[same] == result[same] {
		same++
	}
	return len(result) >= len(text) && bytes.HasSuffix(result, text[same:])
}

func equal(a, b []transform.Edit) bool {
	return slices.EqualFunc(a, b, func(x, y transform.Edit) bool {
		return x.Path == y.Path && x.Delete == y.Delete && x.Executable == y.Executable && bytes.Equal(x.Content, y.Content)
	})
}

// Step decodes a step that must decode.
func Step(t testing.TB, member transform.Transform, fields string) transform.Step {
	t.Helper()
	step, err := member.Decode([]byte(fields))
	if err != nil {
		t.Fatal(worded(err))
	}
	return step
}

var _ fs.ReadDirFS = Tree(nil)
