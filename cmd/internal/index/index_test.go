package index_test

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/portreeve/portreeve/cmd/internal/index"
)

// checkout is a repo with nothing of this machine's configuration.
type checkout struct {
	t   *testing.T
	dir string
}

func newCheckout(t *testing.T) *checkout {
	c := &checkout{t, t.TempDir()}
	t.Setenv("HOME", t.TempDir())
	t.Setenv("GIT_CONFIG_NOSYSTEM", "1")
	for _, who := range []string{"AUTHOR", "COMMITTER"} {
		t.Setenv("GIT_"+who+"_NAME", "You")
		t.Setenv("GIT_"+who+"_EMAIL", "you@acme.example")
	}
	c.git("init", "-q", "-b", "main")
	return c
}

func (c *checkout) git(args ...string) string {
	c.t.Helper()
	cmd := exec.Command("git", args...)
	cmd.Dir = c.dir
	out, err := cmd.CombinedOutput()
	if err != nil {
		c.t.Fatalf("git %v: %v\n%s", args, err, out)
	}
	return strings.TrimSpace(string(out))
}

func (c *checkout) write(name, text string) {
	c.t.Helper()
	path := filepath.Join(c.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		c.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		c.t.Fatal(err)
	}
}

// hold puts a file into the index under any name at all.
func (c *checkout) hold(mode, name, text string) {
	c.t.Helper()
	c.write("tmp-blob", text)
	c.git("update-index", "--add", "--cacheinfo", mode+","+c.git("hash-object", "-w", "tmp-blob")+","+name)
}

func (c *checkout) open(dir string) *index.FS {
	c.t.Helper()
	f, err := index.Open(c.t.Context(), filepath.Join(c.dir, dir))
	if err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(func() { f.Close() })
	return f
}

func names(t *testing.T, f fs.FS) []string {
	t.Helper()
	var all []string
	err := fs.WalkDir(f, ".", func(name string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			all = append(all, name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// TestIndex holds that the index is shown, whatever the work tree holds, from
// the root or from a folder down.
func TestIndex(t *testing.T) {
	c := newCheckout(t)
	c.write("fleet.cue", "staged\n")
	c.write("config/sub/a.cue", "a\n")
	c.write("config/empty.cue", "")
	c.write("config/cue.mod/module.cue", "m\n")
	c.write("src/large.txt", "not kept\n")
	c.write("gone.cue", "gone\n")
	c.git("add", "-A")
	c.write("fleet.cue", "changed since\n")
	c.write("config/untracked.cue", "u\n")
	c.write("config/intended.cue", "i\n")
	c.git("add", "-N", "config/intended.cue")
	c.git("rm", "-q", "--cached", "gone.cue")

	f := c.open(".")
	want := []string{"config/cue.mod/module.cue", "config/empty.cue", "config/sub/a.cue", "fleet.cue"}
	if got := names(t, f); !slices.Equal(got, want) {
		t.Errorf("%v", got)
	}
	if got, err := fs.ReadFile(f, "fleet.cue"); string(got) != "staged\n" {
		t.Errorf("%q, %v", got, err)
	}
	id := c.git("rev-parse", ":fleet.cue")
	if got, ok := f.Fingerprint("fleet.cue"); got != "git:"+id || !ok {
		t.Errorf("fingerprint %q", got)
	}
	if _, ok := f.Fingerprint("config"); ok {
		t.Error("a folder has a fingerprint")
	}

	below := c.open("config")
	if got := names(t, below); !slices.Equal(got, []string{"cue.mod/module.cue", "empty.cue", "sub/a.cue"}) {
		t.Errorf("%v", got)
	}
	if got, err := fs.ReadFile(below, "sub/a.cue"); string(got) != "a\n" {
		t.Errorf("%q, %v", got, err)
	}
}

// TestSymlinks holds that a link is never opened, and that no link leads out.
func TestSymlinks(t *testing.T) {
	c := newCheckout(t)
	c.write("real/a.cue", "a\n")
	for name, to := range map[string]string{"folder": "real", "file.cue": "real/a.cue", "out": "/etc", "up": "../..", "loop": "loop"} {
		if err := os.Symlink(to, filepath.Join(c.dir, name)); err != nil {
			t.Skip(err)
		}
	}
	c.git("add", "-A")
	f := c.open(".")
	if _, err := f.Open("file.cue"); err == nil {
		t.Error("a link was opened")
	}
	if info, err := fs.Stat(f, "folder"); err != nil || !info.IsDir() {
		t.Error(info, err)
	}
	for _, name := range []string{"out", "up", "loop"} {
		if info, err := fs.Stat(f, name); err == nil {
			t.Errorf("%s leads to %v", name, info)
		}
	}
}

// TestHostile holds that an index which no git add makes is refused or bounded.
func TestHostile(t *testing.T) {
	t.Run("name that leads out", func(t *testing.T) {
		c := newCheckout(t)
		c.write("a.cue", "a\n")
		c.git("add", "a.cue")
		raw, err := os.ReadFile(filepath.Join(c.dir, ".git/index"))
		if err != nil {
			t.Fatal(err)
		}
		// The same length, so that the record stays one; the checksum is off.
		bent := strings.Replace(string(raw), "a.cue\x00", "/.cue\x00", 1)
		if err := os.WriteFile(filepath.Join(c.dir, ".git/index"), []byte(bent), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := index.Open(t.Context(), c.dir); err == nil || !strings.Contains(err.Error(), `name can't be one: "/.cue"`) {
			t.Error(err)
		}
	})
	t.Run("large file", func(t *testing.T) {
		c := newCheckout(t)
		c.hold("100644", "large.cue", strings.Repeat("x", 20<<20))
		c.hold("100644", "small.cue", "small\n")
		f := c.open(".")
		if got, err := fs.ReadFile(f, "large.cue"); err != nil || len(got) > 8<<20 {
			t.Error(len(got), err)
		}
		if got, err := fs.ReadFile(f, "small.cue"); string(got) != "small\n" {
			t.Errorf("after it: %q, %v", got, err)
		}
	})
	t.Run("content that is not there", func(t *testing.T) {
		c := newCheckout(t)
		c.git("update-index", "--add", "--cacheinfo", "100644,"+strings.Repeat("1", 40)+",a.cue")
		c.hold("100644", "b.cue", "b\n")
		f := c.open(".")
		if got, err := fs.ReadFile(f, "a.cue"); err == nil {
			t.Errorf("%q", got)
		}
		if got, err := fs.ReadFile(f, "b.cue"); string(got) != "b\n" {
			t.Errorf("after it: %q, %v", got, err)
		}
	})
	t.Run("no repo", func(t *testing.T) {
		t.Setenv("GIT_CEILING_DIRECTORIES", os.TempDir())
		if _, err := index.Open(t.Context(), t.TempDir()); err == nil || !strings.Contains(err.Error(), "not a git repository") {
			t.Error(err)
		}
	})
	t.Run("conflict", func(t *testing.T) {
		c := newCheckout(t)
		for _, side := range []string{"main", "other"} {
			if side == "other" {
				c.git("switch", "-q", "--orphan", "other")
			}
			c.write("a.cue", side+"\n")
			c.git("add", "-A")
			c.git("commit", "-qm", side)
		}
		cmd := exec.Command("git", "merge", "--allow-unrelated-histories", "main")
		cmd.Dir = c.dir
		if out, err := cmd.CombinedOutput(); err == nil {
			t.Fatalf("%s", out)
		}
		if got := c.open(".").Conflicts; !slices.Equal(got, []string{"a.cue"}) {
			t.Error(got)
		}
	})
}
