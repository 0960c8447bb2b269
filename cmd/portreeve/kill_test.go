package main

import (
	"context"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"

	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/forge/sandbox"
	"github.com/portreeve/portreeve/reconciler/rollout"
)

// killConfig makes two repos go through the whole life of a pull request:
// one is opened, merged and tidied, one is opened and then withdrawn.
const killConfig = `package fleet

fleet: {repos: ["acme/ledger", "acme/billing"], mode: "merge"}
teams: platform: github: "acme/platform"
migrations: greet: {
	title: "Greet politely"
	why:   "Guests ask for it."
	owner: "platform"
	select: name: %q
	steps: [{do: "file", path: "hello.txt", content: "good day\n"}]
	merge: "no-checks"
}
`

// TestKilled stops the daemon before and after each of its writes, with the
// data directory kept and deleted, and starts it again: there is never a
// second pull request, and never a lost change.
func TestKilled(t *testing.T) {
	for _, lost := range []bool{false, true} {
		for _, after := range []bool{false, true} {
			t.Run(fmt.Sprintf("after=%v,lost=%v", after, lost), func(t *testing.T) {
				t.Parallel()
				point := 1
				for ; killedAt(t, point, after, lost); point++ {
					if point > 60 {
						t.Fatal("more writes than a life of two pull requests has")
					}
				}
				if point < 10 {
					t.Fatalf("only %d writes were killed: the faults did not bite", point-1)
				}
			})
		}
	}
}

// killedAt runs the scenario with a kill at the n-th write, and reports
// whether there was an n-th write.
func killedAt(t *testing.T, n int, after, lost bool) bool {
	dir := t.TempDir()
	f, err := sandbox.New(sandbox.Options{Dir: filepath.Join(dir, "forge")})
	must(t, err)
	f.AddUser("portreeve", "token-of-portreeve", true)
	f.AddUser("kim", "token-of-kim", false)
	must(t, f.CreateRepo(sandbox.Spec{Name: "acme/config", Files: map[string]sandbox.File{
		"fleet.cue": {Content: fmt.Sprintf(killConfig, "*")},
	}}))
	for _, name := range []fleet.RepoName{"acme/ledger", "acme/billing"} {
		must(t, f.CreateRepo(sandbox.Spec{Name: name, Files: map[string]sandbox.File{"main.go": {Content: "package main\n"}}}))
	}
	// billing needs an approval, so it is still open when it is withdrawn.
	must(t, f.Person("kim").SetRules("acme/billing", sandbox.Rules{RequiredApprovals: 1}))
	server := httptest.NewServer(f.Handler())
	defer server.Close()

	var writes atomic.Int64
	var dead atomic.Bool
	f.Fault(func(r sandbox.Request) *sandbox.FaultAnswer {
		switch {
		case r.Login != "portreeve" && r.Kind != "git":
			return nil
		case dead.Load():
			return &sandbox.FaultAnswer{Reset: true}
		case r.Write && writes.Add(1) == int64(n):
			dead.Store(true)
			return &sandbox.FaultAnswer{Reset: true, Done: after}
		}
		return nil
	})
	lives := 0
	// settle makes passes, with a new process after a death, until nothing
	// is left to do.
	settle := func() {
		for range 12 {
			dead.Store(false)
			lives++
			if lost {
				must(t, os.RemoveAll(filepath.Join(dir, "data")))
			}
			if passes(t, server.URL, dir, &dead) {
				return
			}
		}
		t.Fatalf("kill at %d: it does not settle", n)
	}
	settle()
	_, err = f.Person("kim").CommitFile("acme/config", "main", "fleet.cue", fmt.Sprintf(killConfig, "ledger"), "Withdraw")
	must(t, err)
	settle()

	check := func(repo fleet.RepoName, state fleet.PullState) {
		pulls, err := f.Pulls(repo)
		must(t, err)
		if len(pulls) != 1 || pulls[0].State != state {
			t.Errorf("kill at %d: %s has %d pull requests, expected one that is %s: %+v", n, repo, len(pulls), state, pulls)
		}
	}
	check("acme/ledger", fleet.PullMerged)
	check("acme/billing", fleet.PullClosed)
	if content, err := f.ReadFile("acme/ledger", "main", "hello.txt"); content != "good day\n" {
		t.Errorf("kill at %d: the change is lost: %q, %v", n, content, err)
	}
	return writes.Load() >= int64(n)
}

// passes is one life of the daemon; it reports whether the fleet is settled.
func passes(t *testing.T, url, dir string, dead *atomic.Bool) bool {
	t.Helper()
	token := filepath.Join(dir, "token")
	must(t, os.WriteFile(token, []byte("token-of-portreeve"), 0o600))
	c := &connection{forgeURL: url, tokenFile: token, data: filepath.Join(dir, "data"), author: "P <p@noreply.invalid>"}
	e, err := newEngine(c, url+"/acme/config.git", true, true, slog.New(slog.DiscardHandler), &progress{})
	must(t, err)
	defer e.Close()
	for range 10 {
		pass := e.Once(context.Background())
		if dead.Load() {
			return false
		}
		if pass.Err == "" && len(pass.Done) == 0 && pass.Plan.Count(rollout.Waiting) == 0 {
			return true
		}
	}
	return false
}
