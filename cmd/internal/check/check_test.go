package check_test

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/portreeve/portreeve/cmd/internal/check"
)

// TestConflict holds that a merge that is not done is told as that, and not as
// what the files in it would lack.
func TestConflict(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("HOME", t.TempDir())
	git := func(args ...string) error {
		cmd := exec.Command("git", append([]string{"-c", "user.name=You", "-c", "user.email=you@acme.example", "-c", "init.defaultBranch=main"}, args...)...)
		cmd.Dir = dir
		return cmd.Run()
	}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(git("init", "-q"))
	for _, branch := range []string{"main", "other"} {
		if branch == "other" {
			must(git("switch", "-q", "--orphan", branch))
		}
		must(os.WriteFile(filepath.Join(dir, "teams.cue"), []byte("package fleet\n\n// "+branch+"\nteams: a: github: \"acme/a\"\n"), 0o600))
		must(os.WriteFile(filepath.Join(dir, "fleet.cue"), []byte("package fleet\n\nfleet: org: \"acme\"\nownership: ledger: {repo: \"acme/ledger\", owner: \"a\"}\n"), 0o600))
		must(git("add", "-A"))
		must(git("commit", "-qm", branch))
	}
	if git("merge", "--allow-unrelated-histories", "main") == nil {
		t.Fatal("merged")
	}
	var out bytes.Buffer
	v := check.Validate{Dir: dir, Staged: true, Output: "text"}
	err := v.Run(t.Context(), &out)
	want := dir + "/teams.cue: a merge has left a conflict here; resolve it and add the file\n"
	if !errors.Is(err, check.ErrProblems) || out.String() != want {
		t.Errorf("%v\n%s", err, &out)
	}
}
