package e2e

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/portreeve/portreeve/e2e/binary"
	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/forge/sandbox"
	"github.com/portreeve/portreeve/reconciler/rollout"
	"github.com/portreeve/portreeve/reconciler/store"
)

// declarations are the config repo of a chapter: one migration merges by
// itself, one waits for people, one is changed and one is removed on the way.
func declarations(changed string, removed bool) string {
	text := `package fleet
fleet: {org: "acme", exclude: ["config"], mode: "merge"}
fleet: policies: {"migration-whole-fleet": severity: "off", "migration-merges-untested": severity: "off"}
teams: platform: {title: "Platform", contact: "#platform"}
`
	migration := func(name, content, merge string) {
		text += fmt.Sprintf(`migrations: %q: {
	title: "Add %[1]s", why: "It is missing.", owner: "platform", merge: %q
	steps: [{do: "file", path: "%[1]s.txt", content: %[3]q}]
}
`, name, merge, content)
	}
	migration("merged", "merged\n", "no-checks")
	migration("waiting", "waiting\n", "manual")
	migration("changed", changed, "manual")
	if !removed {
		migration("removed", "removed\n", "manual")
	}
	return text
}

// TestKill kills the daemon again and again, mostly while the forge carries
// out what it asked for and before it hears so, and deletes its data every
// other time. No change may be lost, and none made twice.
func TestKill(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))

	repos := []fleet.RepoName{"acme/a", "acme/b", "acme/c", "acme/d", "acme/e"}
	specs := []sandbox.Spec{{Name: "acme/config", Files: map[string]sandbox.File{"fleet.cue": {Content: declarations("first\n", false)}}}}
	for _, r := range repos {
		specs = append(specs, sandbox.Spec{Name: r, Files: map[string]sandbox.File{"README.md": {Content: "# " + string(r) + "\n"}}})
	}
	w := newWorld(t, specs...)
	d := newDaemon(w)

	var revision fleet.CommitID
	declare := func(text string) {
		var err error
		revision, err = w.you().CommitFile("acme/config", "", "fleet.cue", text, "Declare")
		must(t, err)
	}
	chapters := []struct {
		kills  int
		writes int // that there are, about
		begin  func()
	}{
		{6, 15, func() {}}, // opening, and merging what merges by itself
		{2, 2, func() {
			d.settle("") // so that there is something to close
			// A person closes one pull request and commits to another.
			must(t, w.you().Close("acme/a", w.pull("acme/a", "waiting").Number))
			_, err := w.you().CommitFile("acme/b", "portreeve/migration/waiting", "mine.txt", "mine\n", "Mine")
			must(t, err)
		}},
		{4, 6, func() { declare(declarations("second\n", false)) }},
		{4, 6, func() { declare(declarations("second\n", true)) }},
	}
	for _, chapter := range chapters {
		chapter.begin()
		for j := range chapter.kills {
			d.killSoon(random, chapter.writes)
			if j%2 == 1 {
				must(t, os.RemoveAll(d.data))
			}
		}
	}
	d.settle(fleet.Revision(revision))

	for _, repo := range repos {
		for name, want := range map[string]struct {
			state   fleet.PullState
			content string
		}{
			"merged":  {fleet.PullMerged, ""},
			"waiting": {fleet.PullOpen, "waiting\n"},
			"changed": {fleet.PullOpen, "second\n"},
			"removed": {fleet.PullClosed, ""},
		} {
			if repo == "acme/a" && name == "waiting" {
				want.state, want.content = fleet.PullClosed, ""
			}
			pull := w.pull(repo, name)
			if pull.State != want.state {
				t.Errorf("%s %s: is %s, want %s", repo, name, pull.State, want.state)
			}
			if want.content != "" {
				w.holds(repo, pull.Head, name+".txt", want.content)
			}
		}
		w.holds(repo, "", "merged.txt", "merged\n")
	}
	w.holds("acme/b", "portreeve/migration/waiting", "mine.txt", "mine\n")

	done := map[string]int{}
	for _, write := range w.forge.Counts().WritesBy(bot) {
		if write.Do == "merge" || write.Do == "close" || write.Do == "comment" {
			done[fmt.Sprintf("%s %s#%d", write.Do, write.Repo, write.Number)]++
		}
	}
	for what, times := range done {
		if times > 1 {
			t.Errorf("%s: done %d times", what, times)
		}
	}
	d.Kill()
}

// TestDaemonAsPublished holds all that a daemon says to the forge, and is
// answered, from a fleet's first pass to its rest, to what GitHub publishes.
func TestDaemonAsPublished(t *testing.T) {
	specs := append(fleetOfAllSorts(), sandbox.Spec{
		Name: "acme/config", Files: map[string]sandbox.File{"fleet.cue": {Content: declarations("first\n", false)}},
	})
	for i := range specs {
		for j := range specs[i].CI {
			specs[i].CI[j].After = 0 // so that it comes to rest
		}
	}
	w := newWorld(t, specs...)
	target, err := url.Parse(w.url)
	must(t, err)
	proxy := w.recorder.Proxy(target)
	defer proxy.Close()
	d := newDaemon(w)
	d.url = proxy.URL
	d.settle("")
	_, err = w.you().CommitFile("acme/config", "", "fleet.cue", declarations("second\n", true), "Declare")
	must(t, err)
	d.settle("")
	asPublished(t, &w.recorder)
}

// pull is the one pull request of a migration in a repo.
func (w *world) pull(repo fleet.RepoName, migration string) fleet.PullRequest {
	w.t.Helper()
	all, err := w.forge.Pulls(repo)
	must(w.t, err)
	var found []fleet.PullRequest
	for _, p := range all {
		if p.Head == "portreeve/migration/"+migration {
			found = append(found, p)
		}
	}
	if len(found) != 1 {
		w.t.Fatalf("%s has %d pull requests of %s, want 1", repo, len(found), migration)
	}
	return found[0]
}

func (w *world) holds(repo fleet.RepoName, branch, path, want string) {
	w.t.Helper()
	if got, err := w.forge.ReadFile(repo, branch, path); err != nil || got != want {
		w.t.Errorf("%s %s %s: %q %v, want %q", repo, branch, path, got, err, want)
	}
}

// daemon runs "portreeve run" against a world's forge.
type daemon struct {
	*binary.Process
	w                *world
	url, data, token string
}

func newDaemon(w *world) *daemon {
	dir := w.t.TempDir()
	d := &daemon{w: w, url: w.url, data: filepath.Join(dir, "data"), token: filepath.Join(dir, "token")}
	must(w.t, os.WriteFile(d.token, []byte(botToken), 0o600))
	return d
}

func (d *daemon) run() {
	d.w.t.Helper()
	d.Process = start(d.w.t, "run", "--forge-url", d.url, "--token-file", d.token, "--data", d.data,
		"--listen", "127.0.0.1:0", "--interval", "500ms", "--poll", "200ms", d.url+"/acme/config.git")
}

// killSoon runs the daemon and kills it at one of the first writes that it
// asks of the forge; the forge carries that out or not. When there is little
// to write, it is killed after a moment.
func (d *daemon) killSoon(random *rand.Rand, writes int) {
	d.w.t.Helper()
	at, lost := 1+random.IntN(writes), random.IntN(3) == 0
	moment := time.Duration(500+random.IntN(2500)) * time.Millisecond
	reached := make(chan struct{})
	var mu sync.Mutex
	n := 0
	d.run()
	process := d.Process
	d.w.forge.Fault(func(r sandbox.Request) *sandbox.FaultAnswer {
		if !r.Write || r.Login != bot {
			return nil
		}
		mu.Lock()
		defer mu.Unlock()
		n++
		if n < at {
			return nil
		}
		if n == at {
			process.Kill()
			close(reached)
			d.w.t.Logf("killed at write %d, %s %s %s, lost: %v", n, r.Kind, r.Route, r.Repo, lost)
		}
		if n > at || lost {
			return &sandbox.FaultAnswer{Reset: true} // it comes from a dead client
		}
		return nil
	})
	select {
	case <-reached:
	case <-time.After(moment):
	}
	mu.Lock()
	defer mu.Unlock()
	process.Kill()
	n = at // what still comes is from a dead client
}

var statusPage = regexp.MustCompile(`status page: (http://\S+)`)

// settle runs the daemon until nothing is left to do for a revision; an empty
// one is any.
func (d *daemon) settle(revision fleet.Revision) {
	t := d.w.t
	t.Helper()
	d.w.forge.Fault(nil)
	d.run()
	found, err := d.Await(statusPage, 20*time.Second)
	must(t, err)
	var last string
	for deadline := time.Now().Add(90 * time.Second); time.Now().Before(deadline); time.Sleep(200 * time.Millisecond) {
		var pass store.Pass
		if last = readPass(found[1], &pass); last == "" {
			if last = unsettled(&pass, revision); last == "" {
				d.Kill()
				return
			}
		}
	}
	t.Fatalf("the daemon did not settle: %s\n%s", last, d.Output())
}

func readPass(page string, into *store.Pass) string {
	resp, err := http.Get(strings.TrimSuffix(page, "/") + "/status.json")
	if err != nil {
		return err.Error()
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return resp.Status
	}
	if err := json.NewDecoder(resp.Body).Decode(into); err != nil {
		return err.Error()
	}
	return ""
}

// unsettled says what is still to do after a pass; empty if nothing is.
func unsettled(pass *store.Pass, revision fleet.Revision) string {
	switch {
	case pass.Err != "":
		return pass.Err
	case pass.Plan == nil:
		return "no plan yet"
	case revision != "" && pass.Revision != revision:
		return "at revision " + string(pass.Revision)
	case len(pass.Problems) > 0:
		return fmt.Sprint(pass.Problems)
	case len(pass.Done) > 0 || len(pass.Plan.Steps) > 0:
		return fmt.Sprintf("%d steps done, %d to do", len(pass.Done), len(pass.Plan.Steps))
	}
	for _, o := range pass.Plan.Outcomes {
		if o.State == rollout.Waiting {
			return fmt.Sprintf("%s %s waits: %s; %s", o.Target, o.Declaration, o.Reason, o.Next)
		}
	}
	return ""
}
