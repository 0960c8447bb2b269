package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/portreeve/portreeve/reconciler/forge/sandbox"
)

// git is a person's plain git, with nothing of this machine's configuration.
type git struct {
	t         *testing.T
	home, dir string
	version   string // of the protocol
}

func (g *git) in(dir string) *git {
	inside := *g
	inside.dir = filepath.Join(g.dir, dir)
	return &inside
}

// try runs git and gives what it wrote.
func (g *git) try(args ...string) (string, error) {
	args = append([]string{"-c", "protocol.version=" + g.version, "-c", "init.defaultBranch=main"}, args...)
	cmd := exec.Command("git", args...)
	cmd.Dir = g.dir
	cmd.Env = []string{
		"HOME=" + g.home, "PATH=" + os.Getenv("PATH"), "GIT_CONFIG_NOSYSTEM=1", "GIT_TERMINAL_PROMPT=0", "NO_PROXY=*",
		"GIT_AUTHOR_NAME=You", "GIT_AUTHOR_EMAIL=you@acme.example", "GIT_COMMITTER_NAME=You", "GIT_COMMITTER_EMAIL=you@acme.example",
	}
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func (g *git) run(args ...string) string {
	g.t.Helper()
	out, err := g.try(args...)
	if err != nil {
		g.t.Fatalf("git %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return out
}

func (g *git) write(path, content string) {
	g.t.Helper()
	must(g.t, os.WriteFile(filepath.Join(g.dir, path), []byte(content), 0o600))
}

// TestGit has a person work on the sandbox with plain git, in both versions
// of the protocol.
func TestGit(t *testing.T) {
	for _, version := range []string{"0", "2"} {
		t.Run("v"+version, func(t *testing.T) {
			w := newWorld(t,
				sandbox.Spec{Name: "acme/ledger", Files: map[string]sandbox.File{
					"README.md": {Content: "# Ledger\n"}, "bin/run.sh": {Content: "#!/bin/sh\n", Executable: true}, "latest": {Content: "README.md", Symlink: true},
				}},
				sandbox.Spec{Name: "acme/secret", Private: true, Files: map[string]sandbox.File{"a": {Content: "a"}}},
				sandbox.Spec{Name: "acme/archived", Archived: true, Files: map[string]sandbox.File{"a": {Content: "a"}}},
				sandbox.Spec{Name: "acme/empty"},
			)
			as := func(user string) string { return strings.Replace(w.url, "://", "://"+user+":"+user+"@", 1) }
			g := &git{t: t, home: t.TempDir(), dir: t.TempDir(), version: version}

			g.run("clone", as(person)+"/acme/ledger.git")
			clone := g.in("ledger")
			if got := clone.run("ls-files", "--format=%(objectmode) %(path)"); got != "100644 README.md\n100755 bin/run.sh\n120000 latest\n" {
				t.Errorf("cloned %q", got)
			}
			clone.run("switch", "-c", "topic")
			clone.write("NOTES.md", "notes\n")
			clone.run("add", ".")
			clone.run("commit", "-m", "Add notes")
			clone.run("push", "-u", "origin", "topic")
			w.holds("acme/ledger", "topic", "NOTES.md", "notes\n")

			clone.run("commit", "--amend", "-m", "Add the notes")
			if out, err := clone.try("push"); err == nil || !strings.Contains(out, "rejected") {
				t.Errorf("a push that loses a commit: %v\n%s", err, out)
			}
			clone.run("push", "--force-with-lease")

			// Another's commit, fetched into the first clone.
			g.run("clone", "--branch", "topic", as(person)+"/acme/ledger", "other")
			other := g.in("other")
			other.write("MORE.md", "more\n")
			other.run("add", ".")
			other.run("commit", "-m", "Add more")
			other.run("push")
			if out, err := clone.try("push", "origin", "main:topic"); err == nil || !strings.Contains(out, "rejected") {
				t.Errorf("a push that lost the race: %v\n%s", err, out)
			}
			clone.run("pull", "--ff-only")
			if got := clone.run("log", "--format=%s", "topic"); !strings.HasPrefix(got, "Add more\nAdd the notes\n") {
				t.Errorf("pulled %q", got)
			}

			g.run("clone", "--depth=1", as(person)+"/acme/ledger.git", "shallow")
			g.run("clone", "--filter=blob:none", "--no-checkout", as(person)+"/acme/ledger.git", "partial")
			g.in("partial").run("checkout", "main")

			clone.run("tag", "v1.0.0")
			clone.run("push", "origin", "v1.0.0", ":topic")
			refs := g.run("ls-remote", as(person)+"/acme/ledger.git")
			if !strings.Contains(refs, "refs/tags/v1.0.0") || strings.Contains(refs, "refs/heads/topic") {
				t.Errorf("refs after a tag and a deletion:\n%s", refs)
			}

			g.run("clone", as(person)+"/acme/empty.git")
			first := g.in("empty")
			first.write("a", "a\n")
			first.run("add", ".")
			first.run("commit", "-m", "Begin")
			first.run("push", "origin", "HEAD:main")
			w.holds("acme/empty", "main", "a", "a\n")

			for what, args := range map[string][]string{
				"reading a secret as nobody": {"ls-remote", w.url + "/acme/secret.git"},
				"a wrong password":           {"ls-remote", strings.Replace(w.url, "://", "://x:wrong@", 1) + "/acme/secret.git"},
				"what is not there":          {"ls-remote", as(person) + "/acme/nothing.git"},
				"pushing as nobody":          {"-C", "ledger", "push", w.url + "/acme/ledger.git", "main:mine"},
				"pushing to the archive":     {"-C", "ledger", "push", as(person) + "/acme/archived.git", "main:mine"},
			} {
				if out, err := g.try(args...); err == nil {
					t.Errorf("%s succeeds:\n%s", what, out)
				}
			}
		})
	}
}
