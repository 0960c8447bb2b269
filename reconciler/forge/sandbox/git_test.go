package sandbox

import (
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-git/go-git/v5"
	"github.com/go-git/go-git/v5/config"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/object"
	"github.com/go-git/go-git/v5/plumbing/transport/client"
	githttp "github.com/go-git/go-git/v5/plumbing/transport/http"
	"github.com/go-git/go-git/v5/storage/memory"

	"github.com/portreeve/portreeve/reconciler/fleet"
)

func refTo(name string, h plumbing.Hash) *plumbing.Reference {
	return plumbing.NewHashReference(plumbing.ReferenceName(name), h)
}

// run runs git in a directory, as portreeve.
func run(t *testing.T, dir string, args ...string) (string, error) {
	t.Helper()
	cmd := exec.Command("git", args...)
	cmd.Dir = dir
	cmd.Env = []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + dir, "GIT_CONFIG_NOSYSTEM=1", "GIT_TERMINAL_PROMPT=0",
		"GIT_AUTHOR_NAME=a", "GIT_AUTHOR_EMAIL=a@b", "GIT_COMMITTER_NAME=a", "GIT_COMMITTER_EMAIL=a@b",
	}
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func mustRun(t *testing.T, dir string, args ...string) string {
	t.Helper()
	out, err := run(t, dir, args...)
	if err != nil {
		t.Fatalf("git %v: %v\n%s", args, err, out)
	}
	return out
}

func TestGitCommand(t *testing.T) {
	for _, mode := range []string{"memory", "disk"} {
		for _, version := range []string{"0", "2"} {
			t.Run(mode+" v"+version, func(t *testing.T) {
				store := ""
				if mode == "disk" {
					store = t.TempDir()
				}
				f, _ := newForge(t, store, nil)
				server, _ := serve(t, f)
				protocol, home := "protocol.version="+version, t.TempDir()
				url := server.URL + "/acme/ledger.git"
				mustRun(t, home, "-c", protocol, "clone", "-q", url, "full")
				mustRun(t, home, "-c", protocol, "clone", "-q", "--depth", "1", "--filter=blob:none", url, "small")
				work := filepath.Join(home, "small")
				if got, _ := os.ReadFile(filepath.Join(work, "a/b.txt")); string(got) != "b\n" {
					t.Errorf("%q", got)
				}
				must(t, os.WriteFile(filepath.Join(work, "new"), []byte("new\n"), 0o644))
				mustRun(t, work, "add", "new")
				mustRun(t, work, "commit", "-qm", "Add new")
				if out, err := run(t, work, "push", "-q", "origin", "HEAD:refs/heads/portreeve/x"); err == nil {
					t.Error("nobody may push: ", out)
				}
				auth := strings.Replace(url, "http://", "http://x-access-token:bot-token@", 1)
				mustRun(t, work, "-c", protocol, "push", "-q", auth, "HEAD:refs/heads/portreeve/x")
				if got, err := f.ReadFile(ledger, "portreeve/x", "new"); got != "new\n" {
					t.Error(got, err)
				}
				n, err := f.Person("portreeve").OpenPull(ledger, pullFrom("portreeve/x"))
				must(t, err)
				mustRun(t, filepath.Join(home, "full"), "-c", protocol, "fetch", "-q", "origin", "refs/pull/1/head")
				mustRun(t, work, "commit", "-q", "--allow-empty", "-m", "More")
				if _, err := run(t, work, "push", "-q", auth, "HEAD:refs/pull/1/head"); err == nil {
					t.Error("nobody may push to refs/pull")
				}
				mustRun(t, work, "push", "-q", auth, "HEAD:refs/heads/portreeve/x")
				mustRun(t, work, "push", "-q", auth, ":refs/heads/portreeve/x")
				if p := pullOf(t, f, n); p.State != fleet.PullClosed || p.ClosedBy.Login != "portreeve" {
					t.Errorf("%+v", p)
				}
				if out, err := run(t, work, "push", "-q", auth, "HEAD~1:refs/heads/main"); err != nil {
					t.Error(out)
				}
				pushes := 0
				for _, w := range f.Counts().WritesBy("portreeve") {
					if w.Do == "push" {
						pushes++
					}
				}
				if pushes != 3 || f.Counts().Git["git-receive-pack"] == 0 {
					t.Errorf("%+v", f.Counts())
				}
			})
		}
	}
}

func TestGitRefuses(t *testing.T) {
	f, _ := newForge(t, t.TempDir(), func(s *Spec) { s.Private = true })
	server, _ := serve(t, f)
	for path, want := range map[string]int{
		"/acme/ledger.git/info/refs?service=git-upload-pack":           401,
		"/acme/none.git/info/refs?service=git-upload-pack":             401,
		"/acme/ledger.git/info/refs":                                   403,
		"/acme/ledger.git/info/refs?service=git-upload-archive":        403,
		"/acme/..%2f..%2fledger.git/info/refs?service=git-upload-pack": 404,
		"/acme/%2e%2e/ledger.git/info/refs?service=git-upload-pack":    404,
		"/acme/ledger.git/objects/info/packs":                          404,
		"/acme/--upload-pack=x.git/info/refs?service=git-upload-pack":  401,
	} {
		if resp, body := get(t, server.URL+path); resp.StatusCode != want {
			t.Errorf("%s: %s %s", path, resp.Status, body)
		}
	}
	limits := GitHubLimits()
	limits.GitBody = 10
	f.SetLimits(limits)
	req, err := http.NewRequest(http.MethodPost, server.URL+"/acme/ledger.git/git-upload-pack", strings.NewReader("0123456789a"))
	must(t, err)
	req.SetBasicAuth("x-access-token", "bot-token")
	resp, err := http.DefaultClient.Do(req)
	must(t, err)
	resp.Body.Close()
	if resp.StatusCode != http.StatusRequestEntityTooLarge {
		t.Error(resp.Status)
	}
}

func TestTransport(t *testing.T) {
	f, _ := newForge(t, "", nil)
	client.InstallProtocol("https", f.Transport())
	defer client.InstallProtocol("https", githttp.DefaultClient)
	repo, err := git.Clone(memory.NewStorage(), nil, &git.CloneOptions{URL: "https://forge/acme/ledger.git"})
	must(t, err)
	head, err := repo.Head()
	must(t, err)
	was, err := repo.CommitObject(head.Hash())
	must(t, err)
	sig := object.Signature{Name: "a", Email: "a@b"}
	h, err := objects{Storer: repo.Storer, reindex: func() {}}.writeCommit(&object.Commit{
		Author: sig, Committer: sig, Message: "More\n", TreeHash: was.TreeHash, ParentHashes: []plumbing.Hash{was.Hash},
	})
	must(t, err)
	must(t, repo.Storer.SetReference(refTo("refs/heads/x", h)))
	must(t, repo.Push(&git.PushOptions{
		RefSpecs: []config.RefSpec{"refs/heads/x:refs/heads/portreeve/x"},
		Auth:     &githttp.BasicAuth{Username: "x-access-token", Password: "bot-token"},
	}))
	if _, err := f.ReadFile(ledger, "portreeve/x", "go.mod"); err != nil {
		t.Error(err)
	}
}
