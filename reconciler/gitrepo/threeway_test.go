package gitrepo

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/gitrepo/gitrepotest"
)

// leaf is what stands at a path of a generated tree.
type leaf struct{ mode, content string }

type files map[string]leaf

const (
	plain = "100644"
	exec_ = "100755"
	link  = "120000"
)

// first draws a tree of files whose lines are all different, as lines mostly
// are: where they repeat, Git and others may see another change in the same.
func first(rnd *rand.Rand) files {
	f := files{}
	for _, path := range []string{"a.txt", "b.txt", "dir/c.txt", "dir/sub/d.txt", "dir.txt", "e"} {
		if rnd.IntN(5) == 0 {
			continue
		}
		var b strings.Builder
		for n := range 3 + rnd.IntN(9) {
			fmt.Fprintf(&b, "%s %d\n", path, n)
		}
		f[path] = leaf{[]string{plain, plain, plain, exec_}[rnd.IntN(4)], b.String()}
	}
	f["l"] = leaf{link, "a.txt"}
	f["bin"] = leaf{plain, "\x00\x01\n2\n3\n4\n"}
	return f
}

// change does a few things to a tree, as somebody named.
func (f files) change(rnd *rand.Rand, who string) files {
	f = maps.Clone(f)
	for n := range 1 + rnd.IntN(4) {
		paths := slices.Sorted(maps.Keys(f))
		path := paths[rnd.IntN(len(paths))]
		old := f[path]
		switch what := rnd.IntN(22); {
		case old.mode == link:
			f[path] = leaf{link, who}
		case what < 12: // some lines
			lines := strings.SplitAfter(strings.TrimSuffix(old.content, "\n"), "\n")
			at := rnd.IntN(len(lines))
			switch rnd.IntN(3) {
			case 0:
				lines[at] = fmt.Sprintf("%s %d\n", who, n)
			case 1:
				lines = slices.Insert(lines, at, fmt.Sprintf("%s %d\n", who, n))
			case 2:
				lines = slices.Delete(lines, at, at+1)
			}
			f[path] = leaf{old.mode, strings.Join(lines, "")}
		case what < 14:
			delete(f, path)
		case what < 16:
			f[fmt.Sprintf("dir/%s%d", who, rnd.IntN(2))] = leaf{plain, who + "\n"}
		case what < 17:
			f["both"] = leaf{plain, []string{"same\n", who + "\n"}[rnd.IntN(2)]}
		case what < 18:
			old.mode = map[string]string{plain: exec_, exec_: plain}[old.mode]
			f[path] = old
		case what < 19: // a file makes room for a directory
			if _, ok := f["e"]; ok {
				delete(f, "e")
				f["e/"+who] = leaf{plain, who}
			}
		case old.mode != link: // it is renamed, and may be changed further
			delete(f, path)
			f[fmt.Sprintf("%s%d/%s", []string{"dir/", who}[rnd.IntN(2)], rnd.IntN(2), path)] = old
		}
		if len(f) == 0 {
			f["left"] = leaf{plain, "left\n"}
		}
	}
	return f
}

// write writes a commit of all files for git fast-import.
func (f files) write(b *strings.Builder, branch, from, message string) {
	fmt.Fprintf(b, "commit refs/heads/%s\nauthor Kim <kim@example.com> 1600000000 +0200\ncommitter Test <test@example.com> 1700000000 +0000\ndata %d\n%s\n", branch, len(message), message)
	if from != "" {
		fmt.Fprintf(b, "from refs/heads/%s\n", from)
	}
	b.WriteString("deleteall\n")
	for _, path := range slices.Sorted(maps.Keys(f)) {
		fmt.Fprintf(b, "M %s inline %s\ndata %d\n%s\n", f[path].mode, path, len(f[path].content), f[path].content)
	}
	b.WriteString("\n")
}

// TestThreewayIsGits makes commits of people again as git cherry-pick does,
// over generated trees, and compares whole trees. Git also finds renames by
// likeness, and of directories, which we don't look for: it is told not to.
func TestThreewayIsGits(t *testing.T) {
	const cases = 60
	srv := gitrepotest.NewServer(t)
	srv.Create("ledger", nil)
	var in strings.Builder
	for n := range cases {
		rnd := rand.New(rand.NewPCG(uint64(n), 7))
		base := first(rnd)
		base.write(&in, fmt.Sprintf("o%d", n), "", "Base")
		base.change(rnd, "ours").write(&in, fmt.Sprintf("a%d", n), fmt.Sprintf("o%d", n), "Ours")
		base.change(rnd, "theirs").write(&in, fmt.Sprintf("b%d", n), fmt.Sprintf("o%d", n), "Theirs")
	}
	srv.Import("ledger", "o0", in.String())
	work := filepath.Join(t.TempDir(), "work")
	srv.Git("ledger", "worktree", "add", "-q", "--detach", work, "o0")
	clean := 0
	for n := range cases {
		want := cherryPick(t, work, fmt.Sprintf("a%d", n), fmt.Sprintf("b%d", n))
		got := mergeBranches(t, srv, n)
		if got != want {
			t.Errorf("case %d: got %s, want %s", n, got, want)
		}
		if want != "conflict" {
			clean++
		}
	}
	if clean < cases/4 || clean > cases-4 {
		t.Errorf("%d of %d are without conflict: the cases are no good", clean, cases)
	}
}

// cherryPick gives the tree that Git makes, or "conflict".
func cherryPick(t *testing.T, work, onto, pick string) string {
	t.Helper()
	git := func(args ...string) (string, error) {
		args = append([]string{"-C", work, "-c", "merge.directoryRenames=false", "-c", "user.name=T", "-c", "user.email=t@example.com"}, args...)
		out, err := exec.Command("git", args...).CombinedOutput()
		return strings.TrimSpace(string(out)), err
	}
	if out, err := git("checkout", "-q", "-f", "--detach", onto); err != nil {
		t.Fatal(out)
	}
	if _, err := git("cherry-pick", "-X", "find-renames=100%", "--keep-redundant-commits", pick); err != nil {
		_, _ = git("cherry-pick", "--abort")
		_, _ = git("clean", "-fdq")
		return "conflict"
	}
	tree, err := git("rev-parse", "HEAD^{tree}")
	if err != nil {
		t.Fatal(tree)
	}
	return tree
}

// mergeBranches gives the tree that we make, or "conflict".
func mergeBranches(t *testing.T, srv *gitrepotest.Server, n int) string {
	t.Helper()
	c := New(Options{})
	r := Remote{Name: "acme/ledger", URL: srv.RepoURL("ledger")}
	heads := map[string]fleet.CommitID{}
	for _, side := range []string{"o", "a", "b"} {
		heads[side] = srv.Head("ledger", side+fmt.Sprint(n))
	}
	base, err := c.Snapshot(t.Context(), r, heads["a"])
	if err != nil {
		t.Fatal(err)
	}
	p, err := c.replaying(t.Context(), r, base, nil)
	if err != nil {
		t.Fatal(err)
	}
	picks := []fleet.Pick{{Commit: heads["b"]}}
	if stop, err := p.read(t.Context(), picks); stop != nil || err != nil {
		t.Fatal(stop, err)
	}
	kept, err := p.pick(t.Context(), base.root, picks[0])
	switch clash := (*conflict)(nil); {
	case errors.As(err, &clash):
		return "conflict"
	case err != nil:
		t.Fatal(err)
	}
	return kept.tree.String()
}
