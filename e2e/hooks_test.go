package e2e

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/module"
	"golang.org/x/mod/zip"

	"github.com/portreeve/portreeve/e2e/binary"
)

// configRepo is a person's checkout of a config repo that init has made.
type configRepo struct {
	t   *testing.T
	dir string
	env []string
}

// newConfigRepo lays one out, with a hook source to go by.
func newConfigRepo(t *testing.T, hookRepo, hookRev string) *configRepo {
	t.Helper()
	home := t.TempDir()
	c := &configRepo{t: t, dir: filepath.Join(home, "config")}
	path := os.Getenv("PATH")
	c.env = []string{
		"HOME=" + home, "PRE_COMMIT_HOME=" + filepath.Join(home, "pre-commit"), "PATH=" + programs + ":" + path, "TMPDIR=" + home,
		"GIT_CONFIG_NOSYSTEM=1", "GIT_TERMINAL_PROMPT=0", "GOTOOLCHAIN=local", "GIT_CONFIG_COUNT=1",
		"GIT_CONFIG_KEY_0=init.defaultBranch", "GIT_CONFIG_VALUE_0=main",
		"GIT_AUTHOR_NAME=You", "GIT_AUTHOR_EMAIL=you@acme.example", "GIT_COMMITTER_NAME=You", "GIT_COMMITTER_EMAIL=you@acme.example",
	}
	// What this test builds with, the hook's build does, too.
	for _, name := range []string{"GOFLAGS", "GOPROXY", "GONOSUMDB", "GOSUMDB", "GOMODCACHE", "GOCACHE"} {
		value, err := exec.Command("go", "env", name).Output()
		must(t, err)
		c.env = append(c.env, name+"="+strings.TrimSpace(string(value)))
	}
	if _, err := buildPortreeve(); err != nil {
		t.Fatal(err)
	}
	must(t, os.MkdirAll(c.dir, 0o755))
	c.run("portreeve", "init", "--org", "acme", "--hook-repo", hookRepo, "--hook-rev", hookRev, ".")
	c.run("git", "init", "-q")
	c.run("git", "add", "-A")
	c.run("git", "commit", "-qm", "Begin")
	return c
}

func (c *configRepo) try(command string, args ...string) (string, error) {
	cmd := exec.Command(command, args...)
	if found, err := exec.LookPath(filepath.Join(programs, command)); err == nil {
		cmd = exec.Command(found, args...)
	}
	cmd.Dir, cmd.Env = c.dir, c.env
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func (c *configRepo) run(command string, args ...string) string {
	c.t.Helper()
	out, err := c.try(command, args...)
	if err != nil {
		c.t.Fatalf("%s %s: %v\n%s", command, strings.Join(args, " "), err, out)
	}
	return out
}

func (c *configRepo) write(name, text string) {
	c.t.Helper()
	must(c.t, os.WriteFile(filepath.Join(c.dir, name), []byte(text), 0o600))
}

// commits holds that a commit goes through, or that it is stopped with words.
func (c *configRepo) commits(what, stopped string, args ...string) {
	c.t.Helper()
	out, err := c.try("git", append([]string{"commit", "-qm", "Change"}, args...)...)
	switch {
	case stopped == "" && err != nil:
		c.t.Errorf("%s: stopped:\n%s", what, out)
	case stopped != "" && (err == nil || !strings.Contains(out, stopped)):
		c.t.Errorf("%s: %v, without %q:\n%s", what, err, stopped, out)
	}
}

const (
	goodTeam   = "package fleet\n\nteams: payments: github: \"acme/payments\"\n"
	badTeam    = "package fleet\n\nteams: payments: github: 3\n"
	badTeamIs  = `payments.cue:3:26: found number 3, expected "org/team"`
	looseTeam  = "package fleet\n\nteams:   payments: github: \"acme/payments\"\n"
	ownsLedger = "package fleet\n\nownership: ledger: {repo: \"acme/ledger\", owner: \"payments\"}\n"
)

// TestPreCommit has pre-commit run both hooks in a config repo, with this very
// repo as their source: what is staged is judged, and nothing else.
func TestPreCommit(t *testing.T) {
	version, err := exec.Command("pre-commit", "--version").Output()
	must(t, err)
	c := newConfigRepo(t, hookSource(t), "v0.0.1")
	c.run("pre-commit", "install")
	begin := time.Now()
	c.run("pre-commit", "install-hooks")
	t.Logf("%s built the hooks in %s", bytes.TrimSpace(version), time.Since(begin).Round(time.Second))
	out := c.run("pre-commit", "run", "--all-files")
	if strings.Count(out, "Passed") != 2 {
		t.Errorf("a new config repo:\n%s", out)
	}

	c.write("payments.cue", badTeam)
	c.run("git", "add", "-A")
	c.write("payments.cue", goodTeam)
	c.commits("a mistake that is staged and mended since", badTeamIs)

	c.run("git", "add", "-A")
	c.write("payments.cue", badTeam)
	c.write("untracked.cue", "not even CUE: {")
	c.commits("a mistake that is not staged", "")
	if got, _ := os.ReadFile(filepath.Join(c.dir, "payments.cue")); string(got) != badTeam {
		t.Errorf("the work tree is another:\n%s", got)
	}
	must(t, os.Remove(filepath.Join(c.dir, "untracked.cue")))

	c.write("payments.cue", looseTeam+"\n// More.\n")
	c.run("git", "add", "-A")
	c.commits("a file that is not formatted", "files were modified by this hook")
	c.run("git", "add", "-A")
	c.commits("the same, formatted", "")

	c.write("ledger.cue", ownsLedger)
	c.run("git", "add", "-A")
	c.commits("a reference", "")
	c.run("git", "rm", "-q", "payments.cue")
	c.commits("a file that another needs is gone", `ledger.cue:3:49: unknown team "payments"`)
}

// hookSource is a repo of what lies in the work tree of this one, by a URL.
func hookSource(t *testing.T) string {
	t.Helper()
	g := &git{t: t, home: t.TempDir(), dir: "..", version: "2"}
	dir := filepath.Join(t.TempDir(), "portreeve")
	for _, name := range strings.Split(g.run("ls-files", "-z", "--cached", "--others", "--exclude-standard"), "\x00") {
		data, err := os.ReadFile(filepath.Join("..", name))
		if name == "" || err != nil { // deleted since
			continue
		}
		must(t, os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o700))
		must(t, os.WriteFile(filepath.Join(dir, name), data, 0o600))
	}
	g.dir = dir
	g.run("init", "-q")
	g.run("add", "-A", "-f")
	g.run("commit", "-qm", "All of it")
	g.run("tag", "v0.0.1")
	return "file://" + dir
}

// TestPlainHook has plain Git run the README's hook, which judges what is
// about to be committed also where that is not the index: with git commit -a
// and git commit PATH.
func TestPlainHook(t *testing.T) {
	_, err := binary.Build(programs, "portreeve-validate")
	must(t, err)
	readme, err := os.ReadFile("../README.md")
	must(t, err)
	_, hook, ok := strings.Cut(string(readme), "```sh\n#!/bin/sh\n")
	hook, _, ok2 := strings.Cut(hook, "```")
	if !ok || !ok2 {
		t.Fatal("the README shows no hook")
	}
	c := newConfigRepo(t, "https://git.acme.example/portreeve", "v1.0.0")
	must(t, os.WriteFile(filepath.Join(c.dir, ".git/hooks/pre-commit"), []byte("#!/bin/sh\n"+hook), 0o700))

	c.write("payments.cue", badTeam)
	c.run("git", "add", "-A")
	c.write("payments.cue", goodTeam)
	c.commits("a mistake that is staged", badTeamIs)
	c.commits("all of the work tree", "", "-a")
	c.write("payments.cue", badTeam)
	c.commits("a mistake that -a takes", badTeamIs, "-a")
	c.commits("a mistake by its path", badTeamIs, "payments.cue")
	c.write("payments.cue", looseTeam)
	c.commits("a file that is not formatted", "payments.cue:3:1: is not formatted", "-a")

	// In a linked work tree, too, where Git tells the hook another folder.
	c.run("git", "checkout", "-q", "payments.cue")
	c.run("git", "worktree", "add", "-q", "../linked")
	linked := *c
	linked.dir = filepath.Join(filepath.Dir(c.dir), "linked")
	linked.write("payments.cue", badTeam)
	linked.commits("a mistake in a linked work tree", badTeamIs, "-a")
	linked.write("payments.cue", goodTeam+"\n// More.\n")
	linked.commits("a change in a linked work tree", "", "-a")
}

// TestPreCommitLean has pre-commit install the small program alone, as a
// module: what the README shows for those to whom the whole takes too long.
func TestPreCommitLean(t *testing.T) {
	readme, err := os.ReadFile("../README.md")
	must(t, err)
	_, config, ok := strings.Cut(string(readme), "```yaml\nrepos:\n  - repo: local\n")
	config, _, ok2 := strings.Cut(config, "```")
	if !ok || !ok2 {
		t.Fatal("the README shows no local hooks")
	}
	c := newConfigRepo(t, "https://git.acme.example/portreeve", "v1.0.0")
	c.write(".pre-commit-config.yaml", "repos:\n  - repo: local\n"+config)
	c.run("git", "add", "-A")
	c.env = append(c.env, downloadable(t)...)
	begin := time.Now()
	c.run("pre-commit", "install", "--install-hooks")
	t.Logf("built the hooks in %s", time.Since(begin).Round(time.Second))
	if installed, err := filepath.Glob(filepath.Join(filepath.Dir(c.dir), "pre-commit/repo*/golangenv*/bin/portreeve*")); err != nil || len(installed) != 1 {
		t.Errorf("installed %v, %v", installed, err)
	}
	c.write("payments.cue", badTeam)
	c.run("git", "add", "-A")
	c.commits("a mistake", badTeamIs)
	c.write("payments.cue", looseTeam)
	c.run("git", "add", "-A")
	c.commits("a file that is not formatted", "files were modified by this hook")
	c.run("git", "add", "-A")
	c.commits("the same, formatted", "")
}

// downloadable is the environment in which this very module is one to
// download. Others come from what was downloaded before, where it is there,
// and was held to its sum then.
func downloadable(t *testing.T) []string {
	t.Helper()
	here := module.Version{Path: "github.com/portreeve/portreeve", Version: "v0.1.0"}
	proxy := t.TempDir()
	dir := filepath.Join(proxy, here.Path, "@v")
	must(t, os.MkdirAll(dir, 0o700))
	mod, err := os.ReadFile("../go.mod")
	must(t, err)
	for name, text := range map[string]string{
		"list": here.Version + "\n", here.Version + ".mod": string(mod), here.Version + ".info": `{"Version":"` + here.Version + `"}`,
	} {
		must(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
	}
	archive, err := os.Create(filepath.Join(dir, here.Version+".zip"))
	must(t, err)
	defer archive.Close()
	must(t, zip.CreateFromDir(archive, here, strings.TrimPrefix(hookSource(t), "file://")))
	known, err := exec.Command("go", "env", "GOMODCACHE", "GOPROXY").Output()
	must(t, err)
	cache, others, _ := strings.Cut(strings.TrimSpace(string(known)), "\n")
	own := filepath.Join(t.TempDir(), "modules")
	t.Cleanup(func() { // its files can't be removed otherwise
		cmd := exec.Command("go", "clean", "-modcache")
		cmd.Env = append(os.Environ(), "GOMODCACHE="+own)
		must(t, cmd.Run())
	})
	return []string{
		"GOMODCACHE=" + own, "GONOSUMDB=*", "GOFLAGS=-mod=mod -trimpath",
		"GOPROXY=file://" + proxy + ",file://" + filepath.Join(cache, "cache/download") + "," + others,
	}
}
