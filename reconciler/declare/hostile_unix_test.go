//go:build unix

package declare_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/portreeve/portreeve/reconciler/declare"
)

// TestHostileTree holds that nothing that can lie in a folder makes validation
// hang, leave the folder or read without end, and that each is told of.
func TestHostileTree(t *testing.T) {
	outside := t.TempDir()
	write(t, outside, "secret.cue", "package fleet\nownership: secret: {repo: \"s/s\", owner: \"nobody\"}\n")
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	cases := []struct {
		name string
		lay  func(dir string)
		says string // "file: message"
	}{
		{"file linked from outside", func(dir string) { must(os.Symlink(outside+"/secret.cue", dir+"/x.cue")) }, "x.cue: is a symlink"},
		{"folder linked from outside", func(dir string) { must(os.Symlink(outside, dir+"/sub")) }, ""},
		{"folder linked inside", func(dir string) { must(os.Symlink("teams", dir+"/sub")) }, "sub: is a symlink"},
		{"link to itself", func(dir string) { must(os.Symlink("x.cue", dir+"/x.cue")) }, "x.cue: is a symlink"},
		{"folder linked to its parent", func(dir string) { must(os.Symlink("..", dir+"/teams/up")) }, "teams/up: is a symlink"},
		{"pipe", func(dir string) { must(syscall.Mkfifo(dir+"/x.cue", 0o600)) }, "x.cue: is no regular file"},
		{"link to a pipe", func(dir string) {
			must(syscall.Mkfifo(dir+"/pipe", 0o600))
			must(os.Symlink("pipe", dir+"/x"))
		}, ""},
		{"folder called as a file", func(dir string) { must(os.MkdirAll(dir+"/x.cue/y.cue", 0o700)) }, ""},
		{"100 MB", func(dir string) {
			write(t, dir, "x.cue", "package fleet\n")
			must(os.Truncate(dir+"/x.cue", 100<<20))
		}, "x.cue:1:1: is larger than 4 MiB"},
		{"300 KB of nothing", func(dir string) {
			write(t, dir, "x.cue", "package fleet\n")
			must(os.Truncate(dir+"/x.cue", 300<<10))
		}, "x.cue:1:1: takes too much time to evaluate"},
		{"deep folders", func(dir string) {
			deep := dir + strings.Repeat("/d", 60)
			must(os.MkdirAll(deep, 0o700))
			write(t, deep, "x.cue", "package fleet\n")
		}, strings.Repeat("d/", 32) + "d: folders are nested more than 32 deep"},
		{"name with a line end", func(dir string) { write(t, dir, "x\n::error::y.cue", "package flet\n") }, "y.cue:1:9: found package"},
		{"vendored copy that is a link", func(dir string) {
			must(os.MkdirAll(dir+"/cue.mod/pkg/github.com/portreeve/portreeve", 0o700))
			must(os.Symlink(outside, dir+"/cue.mod/pkg/github.com/portreeve/portreeve/schema"))
		}, ""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			write(t, dir, "fleet.cue", "package fleet\nfleet: org: \"acme\"\nteams: a: {members: [\"x\"], contact: \"#a\"}\n")
			write(t, dir, "teams/b.cue", "package fleet\nownership: good: {repo: \"a/b\", owner: \"b\"}\n")
			c.lay(dir)
			problems, err := declare.NewLoader(kinds()).Validate(dir, time.Now())
			if err != nil {
				t.Fatal(err)
			}
			said := strings.ReplaceAll(fmt.Sprint(problems), dir+"/", "")
			if !strings.Contains(said, `teams/b.cue:2:39: unknown team "b"`) {
				t.Errorf("the declaration that is fine but for its owner was not read: %s", said)
			}
			if !strings.Contains(said, c.says) || strings.Contains(said, "nobody") {
				t.Errorf("got %s, want %s", said, c.says)
			}
		})
	}
}

func write(t testing.TB, dir, name, text string) {
	t.Helper()
	name = filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
