package source_test

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"testing"

	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/source"
)

func TestLastChanged(t *testing.T) {
	r := newRepo(t)
	one := r.commit("fleet.cue", "a\nb\nc\nd\n")
	two := r.commit("fleet.cue", "a\nB\nc\nd\n")
	r.n = -1 // a clock that went backwards
	three := r.commit("fleet.cue", "a\nB\nc\nD\n")
	r.n = 10
	four := r.commit("other.cue", "x\n")
	r.git("switch", "-q", "-c", "side", string(two))
	side := r.commit("fleet.cue", "a\nB\nc\nd\ne\n")
	r.git("switch", "-q", "trunk")
	r.git("merge", "-q", "--no-commit", "-s", "ours", "side")
	merged := r.commit("fleet.cue", "a\nB\nc\nD\ne\n")
	s := openGit(t, source.GitOptions{URL: serve(t, r, nil), Dir: t.TempDir()})
	tree := current(t, s)
	for _, c := range []struct {
		file     string
		from, to int
		want     fleet.Revision
	}{
		{"fleet.cue", 1, 1, one},
		{"fleet.cue", 1, 2, two},
		{"fleet.cue", 2, 4, three}, // deeper in history, though its clock says less
		{"fleet.cue", 5, 5, side},
		{"fleet.cue", 0, 999, side},
		{"fleet.cue", 7, 6, merged},
		{"other.cue", 1, 1, four},
		{"none.cue", 1, 1, merged},
	} {
		got, err := s.LastChanged(t.Context(), tree, c.file, c.from, c.to)
		if err != nil || got != c.want {
			t.Errorf("%s:%d-%d: %s, %v; want %s", c.file, c.from, c.to, got.Short(), err, c.want.Short())
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.LastChanged(ctx, tree, "fleet.cue", 1, 1); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}

	// What was asked before, and from which source, makes no difference.
	for range 3 {
		r.commit("other.cue", "y\n"+fmt.Sprint(r.n))
	}
	for _, s := range []source.Source{s, source.Dir(r.dir)} {
		tree := current(t, s)
		if got, err := s.LastChanged(t.Context(), tree, "fleet.cue", 2, 4); err != nil || got != three {
			t.Errorf("later: %s, %v; want %s", got.Short(), err, three.Short())
		}
	}
}

func BenchmarkLastChanged(b *testing.B) {
	dir := b.TempDir()
	// fast-import, since a thousand commits by hand take a minute
	var in strings.Builder
	for i := range 1000 {
		file := fmt.Sprintf("f%d.cue", i%20)
		body := strings.Repeat("x\n", i%50) + fmt.Sprint(i) + "\n"
		fmt.Fprintf(&in, "commit refs/heads/trunk\ncommitter A <a@b> %d +0000\ndata 1\nm\nM 644 inline %s\ndata %d\n%s\n",
			1700000000+i, file, len(body), body)
	}
	for _, args := range [][]string{{"init", "-q", "-b", "trunk"}, {"fast-import", "--quiet"}} {
		cmd := exec.Command("git", args...)
		cmd.Dir, cmd.Stdin = dir, strings.NewReader(in.String())
		if out, err := cmd.CombinedOutput(); err != nil {
			b.Fatalf("%v\n%s", err, out)
		}
	}
	for b.Loop() {
		s := source.Dir(dir)
		tree, err := s.Current(b.Context())
		if err != nil {
			b.Fatal(err)
		}
		for i := range 20 {
			if _, err := s.LastChanged(b.Context(), tree, fmt.Sprintf("f%d.cue", i), 1, 50); err != nil {
				b.Fatal(err)
			}
		}
	}
}

// TestWhen tells when revisions were made, and nothing of what it can't know.
func TestWhen(t *testing.T) {
	r := newRepo(t)
	one := r.commit("fleet.cue", "a\n")
	two := r.commit("fleet.cue", "b\n")
	s := openGit(t, source.GitOptions{URL: serve(t, r, nil), Dir: t.TempDir()})
	tree := current(t, s)
	if at := tree.When(two); at.IsZero() || !at.Equal(tree.Time) {
		t.Errorf("the newest: %v", at)
	}
	if at := tree.When(one); at.IsZero() || !at.Before(tree.Time) {
		t.Errorf("an older one: %v", at)
	}
	for _, unknown := range []fleet.Revision{"", "0123", fleet.Revision(strings.Repeat("0", 40))} {
		if at := tree.When(unknown); !at.IsZero() {
			t.Errorf("%q: %v", unknown, at)
		}
	}
}
