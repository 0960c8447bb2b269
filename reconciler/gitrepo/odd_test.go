package gitrepo

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"testing"

	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/gitrepo/gitrepotest"
	"github.com/portreeve/portreeve/reconciler/transform"
)

// oddStream is a commit with what trees can hold besides plain files.
var oddStream = func() string {
	b := "commit refs/heads/main\ncommitter Test <test@example.com> 1700000000 +0000\ndata 3\nodd\n" +
		"M 160000 1111111111111111111111111111111111111111 sub\n"
	for _, f := range [][3]string{
		{"100755", "run.sh", "#!/bin/sh\n"},
		{"100644", "crlf.txt", "a\r\nb\n"},
		{"120000", "out", "../../etc/hosts"},
		{"120000", "dirlink", "dir"},
		{"100644", "dir/Größe.txt", "ok"},
		{"100644", `"dir/bad\377name"`, "raw"},
		{"100644", "lfs/data.bin", "pointer"},
		{"100644", ".gitattributes", "lfs/** filter=lfs diff=lfs merge=lfs -text\n"},
		{"100644", "dir.txt", "x"},
	} {
		b += fmt.Sprintf("M %s inline %s\ndata %d\n%s\n", f[0], f[1], len(f[2]), f[2])
	}
	return b
}()

func TestOddContent(t *testing.T) {
	srv := gitrepotest.NewServer(t)
	srv.Create("r", nil)
	at := srv.Import("r", "main", oddStream)
	r := remote(srv, "r")
	s := snapshot(t, r, at, "run.sh", "crlf.txt", ".gitattributes", "dir/.gitattributes", "out", "sub")

	modes := map[string]fs.FileMode{}
	if err := fs.WalkDir(s, ".", func(p string, d fs.DirEntry, err error) error {
		if err == nil {
			info, _ := d.Info()
			modes[p] = info.Mode()
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	want := map[string]fs.FileMode{
		".": fs.ModeDir | 0o755, "run.sh": 0o755, "crlf.txt": 0o644, "out": fs.ModeSymlink | 0o777,
		"dirlink": fs.ModeSymlink | 0o777, "sub": fs.ModeIrregular, "dir": fs.ModeDir | 0o755, "dir.txt": 0o644,
		"dir/Größe.txt": 0o644, "lfs": fs.ModeDir | 0o755, "lfs/data.bin": 0o644, ".gitattributes": 0o644,
	}
	if fmt.Sprint(modes) != fmt.Sprint(want) {
		t.Errorf("got %v\nwant %v", modes, want)
	}
	for _, name := range []string{"out", "sub", "dirlink", "dirlink/Größe.txt", "sub/x", "dir/bad\xffname"} {
		if _, err := s.Open(name); err == nil || errors.Is(err, fleet.ErrUnread) {
			t.Errorf("%s opens: %v", name, err)
		}
	}
	if s.Blob("out") != "" || s.Blob("dir") != "" || s.Blob("sub") != "" || s.Blob("crlf.txt") == "" {
		t.Error("Blob")
	}

	edits := []transform.Edit{
		{Path: "run.sh", Content: []byte("#!/bin/sh\nnew")},
		{Path: "crlf.txt", Content: []byte("a\r\nc\n"), Executable: true},
		{Path: "dir/new", Content: []byte("x")},
		{Path: "dirlink", Delete: true},
	}
	made, err := New(Options{}).Commit(s, edits, Signature{Name: "A\nauthor X <x@y>", Email: "<e>\n@x"}, func(tree fleet.TreeID) string {
		return "subject\n\nPortreeve-Tree: " + string(tree) + "\n"
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := New(Options{}).Push(t.Context(), r, made, RefUpdate{Branch: "main", Old: at, New: made.ID}); err != nil {
		t.Fatal(err)
	}
	wantDiff(t, srv, "r", at, made.ID, "M crlf.txt", "A dir/new", "D dirlink", "M run.sh")
	for path, mode := range map[string]string{"run.sh": "100755", "crlf.txt": "100755", "out": "120000", "sub": "160000"} {
		if got := srv.Git("r", "ls-tree", "main", path); !strings.HasPrefix(got, mode) {
			t.Errorf("%s: %s", path, got)
		}
	}
	if got := srv.Git("r", "log", "-1", "--format=%an|%ae|%(trailers)", "main"); got != "Aauthor X x@y|e@x|Portreeve-Tree: "+string(made.Tree) {
		t.Error(got)
	}
}

func write(path string) transform.Edit {
	return transform.Edit{Path: fleet.Path(path), Content: []byte("x")}
}

func remove(path string) transform.Edit { return transform.Edit{Path: fleet.Path(path), Delete: true} }

var refused = []struct {
	why   string
	edits []transform.Edit
}{
	{"symbolic link", []transform.Edit{write("dirlink/x")}},
	{"symbolic link", []transform.Edit{remove("dirlink/Größe.txt")}},
	{"symbolic link", []transform.Edit{write("out")}},
	{"submodule", []transform.Edit{write("sub")}},
	{"submodule", []transform.Edit{write("sub/x")}},
	{"submodule", []transform.Edit{remove("sub")}},
	{"filter", []transform.Edit{write("lfs/new.bin")}},
	{"filter", []transform.Edit{{Path: ".gitattributes", Content: []byte("*.psd filter=lfs\n")}, write("x.psd")}},
	{"letter case", []transform.Edit{write("RUN.sh")}},
	{"letter case", []transform.Edit{write("Dir/x")}},
	{"letter case", []transform.Edit{write("new"), write("New")}},
	{"directory", []transform.Edit{write("dir")}},
	{"directory", []transform.Edit{remove("dir")}},
	{"a file stands", []transform.Edit{write("run.sh/x")}},
	{"directory", []transform.Edit{write("new"), write("new/x")}},
	{"twice", []transform.Edit{write("a"), remove("a")}},
	{"empty", []transform.Edit{write("")}},
	{"..", []transform.Edit{write("a/../b")}},
	{"rooted", []transform.Edit{write("/a")}},
	{"..", []transform.Edit{remove("a//b")}},
	{"Git keeps", []transform.Edit{write(".git/hooks/x")}},
	{"Git keeps", []transform.Edit{write("a/.GIT/config")}},
	{"Git keeps", []transform.Edit{write("a/.g\u200cit")}},
	{"Git keeps", []transform.Edit{write("GIT~1/x")}},
	{"Git keeps", []transform.Edit{write(".git. /x")}},
	{"Git keeps", []transform.Edit{write(".git::$INDEX_ALLOCATION/x")}},
	{"control", []transform.Edit{write("a\x00b")}},
	{"control", []transform.Edit{write("a\nb")}},
	{"backslash", []transform.Edit{write(`a\b`)}},
	{"UTF-8", []transform.Edit{write("dir/bad\xffname")}},
}

func TestRefusedEdits(t *testing.T) {
	srv := gitrepotest.NewServer(t)
	srv.Create("r", nil)
	at := srv.Import("r", "main", oddStream)
	s := snapshot(t, remote(srv, "r"), at, ".gitattributes")
	for _, test := range refused {
		_, err := New(Options{}).Commit(s, test.edits, someone, say)
		if f := (*fleet.Failure)(nil); !errors.As(err, &f) || f.Class != fleet.Permanent || !strings.Contains(err.Error(), test.why) {
			t.Errorf("%q: %v, want %q", test.edits[0].Path, err, test.why)
		}
	}
	for _, edits := range [][]transform.Edit{
		{remove("run.sh"), write("RUN.sh")},
		{remove("run.sh"), write("run.sh/x")},
		{remove("dir.txt"), {Path: "run.sh", Content: []byte("y")}},
		{{Path: ".gitattributes", Delete: true}, write("lfs/data.bin")},
		{remove("lfs/data.bin")},
		{remove("lfs/data.bin"), write("lfs")},
	} {
		if _, err := New(Options{}).Commit(s, edits, someone, say); err != nil {
			t.Errorf("%q: %v", edits[0].Path, err)
		}
	}
	unread := snapshot(t, remote(srv, "r"), at)
	if _, err := New(Options{}).Commit(unread, []transform.Edit{write("a")}, someone, say); !errors.Is(err, fleet.ErrUnread) {
		t.Error(err)
	}
}

// A forged tree is kept as it is, and what can't be meant is refused.
func TestHostileTree(t *testing.T) {
	srv := gitrepotest.NewServer(t)
	srv.Create("r", map[string]string{"good": "1"})
	blob := srv.GitIn("r", "evil", "hash-object", "-w", "--stdin")
	sub := srv.GitIn("r", fmt.Sprintf("100644 blob %s\tx", blob), "mktree")
	var raw strings.Builder
	add := func(mode, name, id string) {
		fmt.Fprintf(&raw, "%s %s\x00", mode, name)
		for i := 0; i < len(id); i += 2 {
			var b byte
			_, _ = fmt.Sscanf(id[i:i+2], "%02x", &b)
			raw.WriteByte(b)
		}
	}
	add("40000", "..", sub)
	add("40000", ".git", sub)
	add("100644", "a/b", blob)
	add("100644", "CASE", blob)
	add("100644", "case", blob)
	add("100644", "dup", blob)
	add("100755", "dup", blob)
	add("100664", "groupwritable", blob)
	add("040000", "zeropadded", sub)
	add("100644", "good", blob) // not in Git's order
	tree := srv.GitIn("r", raw.String(), "hash-object", "-w", "--literally", "-t", "tree", "--stdin")
	at := fleet.CommitID(srv.Git("r", "commit-tree", "-m", "evil", tree))
	srv.Git("r", "update-ref", "refs/heads/evil", string(at))

	r := remote(srv, "r")
	s := snapshot(t, r, at)
	var names []string
	list, err := s.ReadDir(".")
	for _, d := range list {
		names = append(names, d.Name())
	}
	if got := strings.Join(names, " "); err != nil || got != "CASE case dup good groupwritable zeropadded" {
		t.Error(got, err)
	}
	for _, name := range []string{"../x", ".git/x", "a/b", ".git", ".."} {
		if _, err := s.Open(name); err == nil || errors.Is(err, fleet.ErrUnread) {
			t.Errorf("%s opens: %v", name, err)
		}
	}
	if _, err := New(Options{}).Commit(s, []transform.Edit{{Path: "dup", Delete: true}}, someone, say); err == nil || !strings.Contains(err.Error(), "two entries") {
		t.Error(err)
	}
	if _, err := New(Options{}).Commit(s, []transform.Edit{{Path: "Case", Content: []byte("e")}}, someone, say); err == nil || !strings.Contains(err.Error(), "letter case") {
		t.Error(err)
	}
	made, err := New(Options{}).Commit(s, []transform.Edit{
		{Path: "groupwritable", Content: []byte("new")}, {Path: "e", Content: []byte("e")}, {Path: "case", Content: []byte("new")},
	}, someone, say)
	if err != nil {
		t.Fatal(err)
	}
	if err := New(Options{}).Push(t.Context(), r, made, RefUpdate{Branch: "x", New: made.ID}); err != nil {
		t.Fatal(err)
	}
	got := srv.Git("r", "cat-file", "tree", string(made.Tree))
	for _, kept := range []string{"100644 CASE\x00", "100644 case\x00", "40000 ..\x00", "40000 .git\x00", "100644 a/b\x00", "100755 dup\x00", "100664 groupwritable\x00", "040000 zeropadded\x00"} {
		if !strings.Contains(got, kept) {
			t.Errorf("lost %q", kept)
		}
	}
}

func TestFilterAsGitSees(t *testing.T) {
	files := []string{"a.bin", "d/a.bin", "d/e/a.bin", "d/x", "x", "d/{b}", "e/f/g/h", "foo", "foo/bar", "d/e/!neg", "sp ace", "d/e/z.psd", "[x]", "a**b/c"}
	attrs := map[string]string{
		".gitattributes": "[attr]big filter=lfs -text\n*.psd big\n/x filter=lfs\n*.bin filter=lfs\nd/*/a.bin -filter\n" +
			"e/**/h filter=crypt\nfoo/** filter=lfs\n\"sp ace\" filter=lfs\n{b} filter=braces\n!neg filter=lfs\nd/ filter=lfs\n[[]x] filter=lfs\n",
		"d/.gitattributes":   "/x filter=sub\n*.bin !filter\n",
		"d/e/.gitattributes": "# none\n\n*.psd filter=inner\n*.psd -big\n",
	}
	srv := gitrepotest.NewServer(t)
	srv.Create("r", attrs)
	srv.Git("r", "read-tree", "main")
	for _, file := range files {
		var chain []*attributes
		for _, at := range attributesOf(file) {
			dir := strings.TrimSuffix(strings.TrimSuffix(string(at), attributesFile), "/")
			if dir == "" {
				dir = "."
			}
			chain = append(chain, parseAttributes(attrs[string(at)], dir))
		}
		got := filterOf(chain, file)
		want := srv.Git("r", "check-attr", "--cached", "-z", "filter", file)
		fields := strings.Split(want, "\x00")
		want = fields[2]
		if want == "unset" || want == "unspecified" || want == "set" {
			want = ""
		}
		if got != want {
			t.Errorf("%s: got %q, git says %q", file, got, want)
		}
	}
}
