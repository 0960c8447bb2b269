package source

import (
	"fmt"
	"os/exec"
	"strings"
	"testing"

	"github.com/go-git/go-git/v5"
)

// TestWalkEnds has a history in which nothing is declared for longer than a
// walk may look.
func TestWalkEnds(t *testing.T) {
	dir := t.TempDir()
	in := "commit refs/heads/n\ncommitter A <a@x> 1 +0000\ndata 1\n.\nM 100644 inline a.cue\ndata 1\na\n"
	for n := range 20 {
		in += fmt.Sprintf("commit refs/heads/n\ncommitter A <a@x> %d +0000\ndata 1\n.\nM 100644 inline b.txt\ndata 2\n%2d\n", n+2, n)
	}
	for _, args := range [][]string{{"init", "-q", "--bare"}, {"fast-import", "--quiet"}, {"symbolic-ref", "HEAD", "refs/heads/n"}} {
		cmd := exec.Command("git", args...)
		cmd.Dir, cmd.Stdin = dir, strings.NewReader(in)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("git %s: %v\n%s", args, err, out)
		}
	}
	repo, err := git.PlainOpen(dir)
	if err != nil {
		t.Fatal(err)
	}
	head, err := repo.Head()
	if err != nil {
		t.Fatal(err)
	}
	p := &past{memory: newRecall(), repo: repo}
	for most, want := range map[int]int{5: 5, 19: 19, 100: 20} {
		s, err := p.walk(t.Context(), head.Hash(), most)
		if err != nil || !s.to.IsZero() || s.looked != want {
			t.Errorf("at most %d: %+v, %v", most, s, err)
		}
	}
}
