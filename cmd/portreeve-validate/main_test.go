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
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			var stdout, stderr bytes.Buffer
			if status := run(c.args, &stdout, &stderr); status != c.status {
				t.Errorf("status %d, want %d: %s", status, c.status, &stderr)
			}
			if stdout.String() != c.stdout {
				t.Errorf("stdout:\n%s\nwant:\n%s", &stdout, c.stdout)
			}
		})
	}
}

// TestLean holds that the binary stays what pre-commit builds quickly.
func TestLean(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", ".").Output()
	if err != nil {
		t.Skip(err)
	}
	for _, path := range strings.Fields(string(out)) {
		for _, heavy := range []string{"spf13/cobra", "go-git", "go-github", "fluxcd", "k8s.io", "prometheus/", "graph-gophers"} {
			if strings.Contains(path, heavy) {
				t.Errorf("links %s", path)
			}
		}
	}
}
