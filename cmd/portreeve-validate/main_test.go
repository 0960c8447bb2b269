package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// folder is a config repo on disk with one mistake, and a symlink that leads
// out of it.
func folder(t *testing.T) string {
	dir := t.TempDir()
	outside := filepath.Join(t.TempDir(), "secret.cue")
	write(t, outside, "package fleet\nownership: secret: 1\n")
	write(t, filepath.Join(dir, "fleet.cue"), "package fleet\nfleet: org: \"acme\"\nteams: a: titel: \"A, B: 100%\"\n")
	write(t, filepath.Join(dir, ".git", "x.cue"), "nothing")
	if err := os.Symlink(outside, filepath.Join(dir, "link.cue")); err != nil {
		t.Skip(err)
	}
	return dir
}

func write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestRun(t *testing.T) {
	t.Chdir(folder(t))
	fine := t.TempDir()
	write(t, filepath.Join(fine, "fleet.cue"), "package fleet\nfleet: org: \"acme\"\n")
	loose := t.TempDir()
	write(t, filepath.Join(loose, "a.cue"), "package fleet\n\nteams:   a: github: \"acme/a\"\n")
	write(t, filepath.Join(loose, "bad.cue"), "package fleet\nteams: a: {\n")
	write(t, filepath.Join(loose, "cue.mod/pkg/x.cue"), "package   x\n")
	if err := os.Chmod(filepath.Join(loose, "a.cue"), 0o600); err != nil {
		t.Fatal(err)
	}
	cases := []struct {
		name   string
		args   []string
		status int
		stdout string
	}{
		{"problems", nil, exitProblems, "fleet.cue:3:11: unknown field \"titel\"; did you mean \"title\"?\nlink.cue: is a symlink, which is not followed; put the file itself here\n"},
		{"github", []string{"--output", "github"}, exitProblems, "::error file=fleet.cue,line=3,col=11,title=unknown-field::unknown field \"titel\"; did you mean \"title\"?\n::error file=link.cue,title=symlink::is a symlink, which is not followed; put the file itself here\n"},
		{"fine", []string{fine}, 0, ""},
		{"fine as json", []string{"--output=json", fine}, 0, "{\n  \"problems\": []\n}\n"},
		{"format", []string{"--output", "xml"}, exitUse, ""},
		{"flag", []string{"--nope"}, exitUse, ""},
		{"two paths", []string{fine, fine}, exitUse, ""},
		{"no folder", []string{filepath.Join(fine, "none")}, exitOutside, ""},
		{"file", []string{filepath.Join(fine, "fleet.cue")}, exitOutside, ""},
		{"fmt", []string{"fmt", "--check", loose}, exitProblems, loose + "/a.cue:3:1: is not formatted; run \"portreeve fmt\"\n" + loose + "/bad.cue:2:13: a \"{\" is not closed; add the missing \"}\"\n"},
		{"fmt github", []string{"fmt", "--check", "--output", "github", loose + "/a.cue"}, exitProblems, "::error file=" + loose + "/a.cue,line=3,col=1,title=format::is not formatted; run \"portreeve fmt\"\n"},
		{"fmt of a file", []string{"fmt", loose + "/a.cue"}, 0, "formatted " + loose + "/a.cue\n"},
		{"fmt again", []string{"fmt", loose + "/a.cue"}, 0, ""},
		{"fmt as json", []string{"fmt", "--output", "json", loose + "/a.cue"}, 0, "{\n  \"changed\": [],\n  \"problems\": []\n}\n"},
		{"fmt of what is vendored", []string{"fmt", loose + "/cue.mod/pkg/x.cue"}, 0, ""},
		{"fmt of another file", []string{"fmt", "main.go"}, exitOutside, ""},
		{"fmt staged", []string{"fmt", "--staged"}, exitUse, ""},
		{"fmt of a link", []string{"fmt", "link.cue"}, exitProblems, "link.cue: is a symlink, which is not followed; put the file itself here\n"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			var stdout, stderr bytes.Buffer
			if status := run(t.Context(), c.args, &stdout, &stderr); status != c.status {
				t.Errorf("status %d, want %d: %s", status, c.status, &stderr)
			}
			if stdout.String() != c.stdout {
				t.Errorf("stdout:\n%s\nwant:\n%s", &stdout, c.stdout)
			}
		})
	}
}

// TestFormatKeeps holds that a formatted file keeps its mode, and that nothing
// is left beside it.
func TestFormatKeeps(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, "a.cue")
	write(t, name, "package   fleet\n")
	if err := os.Chmod(name, 0o640); err != nil {
		t.Fatal(err)
	}
	var stdout, stderr bytes.Buffer
	if status := run(t.Context(), []string{"fmt", dir}, &stdout, &stderr); status != 0 {
		t.Fatal(status, &stderr)
	}
	info, err := os.Stat(name)
	if err != nil || info.Mode().Perm() != 0o640 {
		t.Error(info.Mode(), err)
	}
	if entries, _ := os.ReadDir(dir); len(entries) != 1 {
		t.Error(entries)
	}
}

// TestStaged holds that what is staged is judged, and not what lies about.
func TestStaged(t *testing.T) {
	const good, bad = "package fleet\n\nfleet: org: \"acme\"\n", "package fleet\n\nfleet: org:  3\n"
	dir := t.TempDir()
	t.Setenv("HOME", t.TempDir())
	name := filepath.Join(dir, "config/fleet.cue")
	git := func(args ...string) {
		t.Helper()
		cmd := exec.Command("git", args...)
		cmd.Dir = dir
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}
	git("init", "-q")
	t.Chdir(dir)
	for _, c := range []struct{ staged, lies, problems string }{
		{good, bad, ""},
		{bad, good, "config/fleet.cue:3:14: found number 3, expected string that is not empty; put it in quotes: \"3\"\n"},
	} {
		write(t, name, c.staged)
		git("add", "-A")
		write(t, name, c.lies)
		var stdout, stderr bytes.Buffer
		status := run(t.Context(), []string{"--staged", "config"}, &stdout, &stderr)
		if (status == 0) != (c.problems == "") || stdout.String() != c.problems {
			t.Errorf("status %d: %s%s", status, &stdout, &stderr)
		}
		stdout.Reset()
		status = run(t.Context(), []string{"fmt", "--check", "--staged", "config"}, &stdout, &stderr)
		if (status == 0) != (c.problems == "") {
			t.Errorf("fmt: status %d: %s%s", status, &stdout, &stderr)
		}
	}
}

// TestLean holds that the binary stays what pre-commit builds quickly.
func TestLean(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", ".").Output()
	if err != nil {
		t.Skip(err)
	}
	for _, path := range strings.Fields(string(out)) {
		for _, heavy := range []string{"spf13/cobra", "go-git", "go-github", "fluxcd", "k8s.io", "prometheus/", "graph-gophers", "sqlite"} {
			if strings.Contains(path, heavy) {
				t.Errorf("links %s", path)
			}
		}
	}
}
