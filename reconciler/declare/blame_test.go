package declare

import (
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/portreeve/portreeve/reconciler/fleet"
)

const endless = `_f: [for a in _ten for b in _ten for c in _ten for d in _ten for e in _ten for f in _ten for g in _ten {a+b+c+d+e+f+g}]`

func hurried() *Loader {
	l := NewLoader(nil)
	l.Limits = Limits{Memory: 400 << 20, CPU: 500 * time.Millisecond}
	return l
}

func tree(files map[string]string) fstest.MapFS {
	fsys := fstest.MapFS{}
	for name, text := range files {
		fsys[name] = &fstest.MapFile{Data: []byte("package fleet\n" + text + "\n")}
	}
	return fsys
}

// TestBlame holds that of files which are evaluated together the one is named
// that takes too much, and the others are read without it.
func TestBlame(t *testing.T) {
	files := map[string]string{
		"a.cue":   `_ten: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]`,
		"b.cue":   `_b: len(_ten)`,
		"c.cue":   endless,
		"d.cue":   `_d: _ten`,
		"e/f.cue": `_e: _ten[1]`,
		"x.cue":   `fleet: org: "acme"`,
	}
	config := hurried().Load(tree(files))
	if len(config.Problems) != 1 || config.Problems[0].String() != "c.cue:1:1: takes too much time to evaluate; write it out, or split it" {
		t.Errorf("got %v", config.Problems)
	}
	if strings.Join(config.Unreadable, " ") != "c.cue" {
		t.Errorf("unreadable: %v", config.Unreadable)
	}
}

// TestNotTriedAgain holds that what took too much is not evaluated again until
// it changes: not in this process, and not in the next.
func TestNotTriedAgain(t *testing.T) {
	files := map[string]string{"c.cue": `_ten: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]` + "\n" + endless}
	l := hurried()
	l.Dir = t.TempDir()
	first := l.Load(tree(files)).Problems
	next := hurried()
	next.Dir = l.Dir
	for name, l := range map[string]*Loader{"the same loader": l, "another one": next} {
		r := l.reading(tree(files))
		r.shelf, r.full = &library{&l.memory}, true
		config, _ := r.load()
		again := config.Problems
		if len(again) == 0 || again[0] != first[0] || r.crew.spent > 0 {
			t.Errorf("%s: first %v, then %v, having spent %s", name, first, again, r.crew.spent)
		}
	}
	files["c.cue"] = `fleet: org: "acme"`
	if p := l.Load(tree(files)).Problems; fleet.HasErrors(p) {
		t.Errorf("mended: %v", p)
	}
}
