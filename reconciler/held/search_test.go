package held_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/portreeve/portreeve/reconciler/declare"
	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/held"
	"github.com/portreeve/portreeve/reconciler/kind"
	"github.com/portreeve/portreeve/reconciler/source"
)

// TestUpgrade has a newer portreeve that takes no old declaration: all of them
// are frozen, and told as that.
func TestUpgrade(t *testing.T) {
	r := newHistory(t, []txtar.File{
		{Name: "1/owners.cue", Data: []byte("package fleet\n\nownership: ledger: {repo: \"acme/ledger\", owner: \"payments\"}\n")},
		{Name: "2/owners.cue", Data: []byte("package fleet\n\nownership: ledger: {repo: \"acme/ledger\", owner: \"platform\"}\n")},
	})
	newer := kinds()
	decode := newer[0].Decode
	newer[0].Decode = func(s kind.Source) (kind.Decoded, []fleet.Problem) {
		d, problems := decode(s)
		return d, append(problems, s.Problem(newer[0], "missing-field", "reviewed", "", "missing required field"))
	}
	h := &held.Reader{Source: source.Dir(r.dir), Kinds: newer, Load: func(fsys fs.FS) *fleet.Config { return declare.Load(fsys, newer) }}
	got := r.read(t, h, 2)
	want := "ownership/ledger: valid in no revision for this version of portreeve; owners.cue"
	if !strings.Contains(got, want) || !strings.Contains(got, "ownership/ledger frozen") {
		t.Errorf("got:\n%s", got)
	}
}

// worded loads a tree whose one declaration is valid if its file says so.
func worded(fsys fs.FS) *fleet.Config {
	text, _ := fs.ReadFile(fsys, "x.cue")
	d := &fleet.Declaration{ID: fleet.ID{Kind: "ownership", Name: "x"}, Pos: fleet.Pos{File: "x.cue", Line: 1}, End: 1}
	if !strings.HasPrefix(string(text), "valid") {
		d.Frozen = []fleet.Problem{{Message: "not valid"}}
	}
	return &fleet.Config{Declarations: []*fleet.Declaration{d}, Teams: map[fleet.TeamName]fleet.Team{}}
}

// steps is a history of n commits of which the first alone is valid.
func steps(t testing.TB, n int) *history {
	files := []txtar.File{{Name: "1/x.cue", Data: []byte("valid\n")}}
	for i := 2; i <= n; i++ {
		files = append(files, txtar.File{Name: fmt.Sprintf("%d/x.cue", i), Data: fmt.Appendf(nil, "no %d\n", i)})
	}
	return newHistory(t, files)
}

// TestBound holds that a search ends after so many revisions, cold or warm.
func TestBound(t *testing.T) {
	r := steps(t, 202)
	s := source.Dir(r.dir)
	warm := &held.Reader{Source: s, Kinds: kinds(), Load: worded}
	for _, n := range []int{150, 201, 202} {
		want := "enforced at 1;"
		if n == 202 {
			want = "valid in none of the last 200 revisions;"
		}
		for _, h := range []*held.Reader{{Source: s, Kinds: kinds(), Load: worded}, warm} {
			if got := r.read(t, h, n); !strings.Contains(got, want) {
				t.Errorf("at %d: got:\n%s", n, got)
			}
		}
	}
}

// TestRemembered holds that a revision is loaded once only, also while new
// ones come in, and that a search which was ended goes on where it was.
func TestRemembered(t *testing.T) {
	r := steps(t, 30)
	loads := 0
	ctx, end := context.WithCancel(t.Context())
	h := &held.Reader{Source: source.Dir(r.dir), Kinds: kinds(), Load: func(fsys fs.FS) *fleet.Config {
		if loads++; loads == 10 {
			end()
		}
		return worded(fsys)
	}}
	if _, err := h.Read(ctx, r.tree(t, h.Source, 20)); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	for n := 20; n <= 30; n++ {
		r.read(t, h, n)
	}
	// Twenty, the newest of them twice, and then each new one.
	if want := 20 + 1 + 10; loads != want {
		t.Errorf("%d loads, want %d", loads, want)
	}
}

// TestHistoryLost damages an old commit: what is looked for there is frozen and
// told so, the rest goes on, and once the commit can be read it is held.
func TestHistoryLost(t *testing.T) {
	r := newHistory(t, []txtar.File{
		{Name: "1/owners.cue", Data: []byte("package fleet\n\nownership: ledger: {repo: \"acme/ledger\", owner: \"payments\"}\n")},
		{Name: "2/owners.cue", Data: []byte("package fleet\n\nownership: ledger: {repo: \"acme/ledger\", owner: 5}\n")},
	})
	var first fleet.Revision
	for rev, n := range r.numbers {
		if n == 1 {
			first = rev
		}
	}
	h := reader(source.Dir(r.dir))
	tree, err := h.Source.Current(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	object := filepath.Join(r.dir, "objects", string(first[:2]), string(first[2:]))
	content, err := os.ReadFile(object)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(os.Chmod(object, 0o600), os.WriteFile(object, []byte("garbled"), 0o600)); err != nil {
		t.Fatal(err)
	}
	config, err := h.Read(t.Context(), tree)
	if err == nil || !strings.Contains(r.say(config), "ownership/ledger: its history can't be read;") || !strings.Contains(r.say(config), "ledger frozen") {
		t.Errorf("damaged: %v\n%s", err, r.say(config))
	}
	if err := os.WriteFile(object, content, 0o600); err != nil {
		t.Fatal(err)
	}
	config, err = h.Read(t.Context(), tree)
	if err != nil || !strings.Contains(r.say(config), "ownership/ledger: enforced at 1;") {
		t.Errorf("mended: %v\n%s", err, r.say(config))
	}
}
