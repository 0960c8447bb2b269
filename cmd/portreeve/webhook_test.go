package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/forge/sandbox"
	"github.com/portreeve/portreeve/reconciler/rollout"
	"github.com/portreeve/portreeve/reconciler/source"
	"github.com/portreeve/portreeve/reconciler/store"
)

// hookConfig changes three repos: one merges by itself, one waits for an
// approval, one is declined. The argument is what is written.
const hookConfig = `package fleet

fleet: {repos: ["acme/billing", "acme/ledger", "acme/web"], mode: "merge"}
fleet: policies: {"migration-whole-fleet": severity: "off", "migration-merges-untested": severity: "off"}
teams: platform: github: "acme/platform"
migrations: greet: {
	title: "Greet politely"
	why:   "Guests ask for it."
	owner: "platform"
	steps: [{do: "file", path: "hello.txt", content: %q}]
	merge: "no-checks"
}
`

// hookWorld is a forge, and a daemon that is told of what happens there.
type hookWorld struct {
	*sandbox.Forge
	t      *testing.T
	passes chan *store.Pass
	took   map[string]time.Duration // to react, by what happened
}

func newHookWorld(t *testing.T, hooks bool, interval time.Duration, fault func(sandbox.Delivery) *sandbox.WebhookFault) *hookWorld {
	dir := t.TempDir()
	f, err := sandbox.New(sandbox.Options{Dir: filepath.Join(dir, "forge")})
	must(t, err)
	f.AddUser("portreeve", "token-of-portreeve", true)
	f.AddUser("kim", "token-of-kim", false)
	must(t, f.CreateRepo(sandbox.Spec{Name: "acme/config", Files: map[string]sandbox.File{
		"fleet.cue": {Content: fmt.Sprintf(hookConfig, "good day\n")},
	}}))
	for _, name := range []fleet.RepoName{"acme/billing", "acme/ledger", "acme/web"} {
		must(t, f.CreateRepo(sandbox.Spec{Name: name, Files: map[string]sandbox.File{"main.go": {Content: "package main\n"}}}))
	}
	for _, name := range []fleet.RepoName{"acme/billing", "acme/web"} {
		must(t, f.Person("kim").SetRules(name, sandbox.Rules{RequiredApprovals: 1}))
	}
	server := httptest.NewServer(f.Handler())
	t.Cleanup(server.Close)
	token := filepath.Join(dir, "token")
	must(t, os.WriteFile(token, []byte("token-of-portreeve"), 0o600))
	c := &connection{forgeURL: server.URL, tokenFile: token, data: filepath.Join(dir, "data"), author: "P <p@noreply.invalid>", poll: interval}
	e, err := newEngine(c, server.URL+"/acme/config.git", true, true, slog.New(slog.DiscardHandler), &progress{})
	must(t, err)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	w := &hookWorld{Forge: f, t: t, passes: make(chan *store.Pass, 1000), took: map[string]time.Duration{}}
	e.Publish = func(p *store.Pass) { w.passes <- p }
	secret := ""
	f.WebhookFault(fault)
	if hooks {
		var stop func()
		secret, stop, err = connect(f, listener.Addr())
		must(t, err)
		t.Cleanup(stop)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- serve(ctx, e, listener, interval, secret) }()
	t.Cleanup(func() {
		cancel()
		must(t, <-done)
		must(t, e.Close())
	})
	return w
}

// await waits for a pass after which the targets are in their states.
func (w *hookWorld) await(what string, want map[fleet.RepoName]rollout.State) {
	w.t.Helper()
	start, end := time.Now(), time.After(30*time.Second)
	var got map[fleet.RepoName]rollout.State
	for {
		select {
		case p := <-w.passes:
			got = map[fleet.RepoName]rollout.State{}
			for _, o := range p.Plan.Outcomes {
				got[o.Target.Repo] = o.State
			}
			fits := len(p.Done) == 0
			for repo, state := range want {
				fits = fits && got[repo] == state
			}
			if fits {
				w.took[what] = time.Since(start)
				return
			}
		case <-end:
			w.t.Fatalf("%s: %v, want %v", what, got, want)
		}
	}
}

// live is a day of the fleet; what is left of it is its writes and its end.
func (w *hookWorld) live() (writes []string, end string) {
	kim := w.Person("kim")
	w.await("start", map[fleet.RepoName]rollout.State{"acme/ledger": rollout.Done, "acme/billing": rollout.Review, "acme/web": rollout.Review})
	must(w.t, kim.Close("acme/web", 1))
	w.await("close", map[fleet.RepoName]rollout.State{"acme/web": rollout.Declined})
	must(w.t, kim.Approve("acme/billing", 1))
	w.await("approve", map[fleet.RepoName]rollout.State{"acme/billing": rollout.Done})
	_, err := kim.CommitFile("acme/config", "main", "fleet.cue", fmt.Sprintf(hookConfig, "good evening\n"), "Greet later")
	must(w.t, err)
	w.await("push", map[fleet.RepoName]rollout.State{"acme/ledger": rollout.Done, "acme/billing": rollout.Review, "acme/web": rollout.Declined})

	counts := w.Counts()
	for _, write := range counts.WritesBy("portreeve") {
		if write.Do == "status" {
			continue // how often "reconciling" is said depends on when one looks
		}
		branch, _, _ := strings.Cut(write.Detail, " ") // without commits, whose time differs
		if write.Do == "close" || write.Do == "merge" {
			branch = ""
		}
		writes = append(writes, fmt.Sprintln(write.Do, write.Repo, write.Number, branch))
	}
	slices.Sort(writes) // repos are worked on at once
	var b strings.Builder
	for _, repo := range []fleet.RepoName{"acme/billing", "acme/ledger", "acme/web"} {
		pulls, err := w.Pulls(repo)
		must(w.t, err)
		content, _ := w.ReadFile(repo, "main", "hello.txt")
		fmt.Fprintf(&b, "%s %q", repo, content)
		for _, p := range pulls {
			fmt.Fprintf(&b, " #%d %s", p.Number, p.State)
		}
		b.WriteString("\n")
	}
	return writes, b.String()
}

// TestWebhooksChangeOnlySpeed lives one day with good webhooks, with bad ones
// and with none, and compares what was written and what is left.
func TestWebhooksChangeOnlySpeed(t *testing.T) {
	always := func(fault sandbox.WebhookFault) func(sandbox.Delivery) *sandbox.WebhookFault {
		return func(sandbox.Delivery) *sandbox.WebhookFault { return &fault }
	}
	const quick = 200 * time.Millisecond
	var writes []string
	var end string
	for _, c := range []struct {
		name     string
		hooks    bool
		interval time.Duration
		fault    func(sandbox.Delivery) *sandbox.WebhookFault
	}{
		{"none", false, quick, nil},
		{"good", true, time.Hour, nil},
		{"lost", true, quick, always(sandbox.WebhookFault{Lose: true})},
		{"repeated", true, quick, always(sandbox.WebhookFault{Repeat: 5})},
		{"forged", true, quick, always(sandbox.WebhookFault{Forge: true, Lose: true})},
		{"reordered and late", true, quick, func(d sandbox.Delivery) *sandbox.WebhookFault {
			return &sandbox.WebhookFault{Behind: d.N%2 == 0, Delay: time.Duration(d.N%3) * 200 * time.Millisecond}
		}},
		{"all of it", true, quick, func(d sandbox.Delivery) *sandbox.WebhookFault {
			return &sandbox.WebhookFault{Lose: d.N%3 == 0, Repeat: d.N % 2, Forge: d.N%4 == 0, Behind: d.N%5 == 0}
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if writes != nil {
				t.Parallel() // with the others: most of it is waiting
			}
			w := newHookWorld(t, c.hooks, c.interval, c.fault)
			got, left := w.live()
			if writes == nil {
				writes, end = got, left
			}
			if !slices.Equal(got, writes) {
				t.Errorf("other writes:\n%s\nwithout webhooks:\n%s", strings.Join(got, ""), strings.Join(writes, ""))
			}
			if left != end {
				t.Errorf("another end:\n%s\nwithout webhooks:\n%s", left, end)
			}
			if c.name == "good" {
				for what, took := range w.took {
					if took > 10*time.Second { // an hour without them; machines are shared
						t.Errorf("%s took %s", what, took)
					}
				}
			}
			t.Logf("%v; deliveries %v", w.took, w.Webhooks())
		})
	}
}

// watched is a config repo whose Watch waits until it is told to end.
type watched struct {
	source.Source
	end chan struct{}
}

func (w watched) Watch(context.Context, func()) error {
	<-w.end
	return errors.New("gone")
}

// TestToldLooks: a push that a webhook names counts as seen by Watch, and
// Watch ends with what it watches.
func TestToldLooks(t *testing.T) {
	look, end, changed := make(chan struct{}, 1), make(chan struct{}), make(chan struct{})
	done := make(chan error, 1)
	go func() {
		done <- told{watched{end: end}, look}.Watch(t.Context(), func() { changed <- struct{}{} })
	}()
	for range 2 {
		poke(look)
		<-changed
	}
	close(end)
	if err := <-done; err == nil {
		t.Error("an error is lost")
	}
}

// TestWebhookSecret: no secret is no webhooks, and a file that holds none is
// a mistake.
func TestWebhookSecret(t *testing.T) {
	file := filepath.Join(t.TempDir(), "secret")
	t.Setenv("PORTREEVE_WEBHOOK_SECRET", "")
	if secret, err := webhookSecret(""); secret != "" || err != nil {
		t.Error(secret, err)
	}
	for content, ok := range map[string]bool{"": false, "\n": false, "s3cret\n": true} {
		must(t, os.WriteFile(file, []byte(content), 0o600))
		if secret, err := webhookSecret(file); (err == nil) != ok || ok && secret != "s3cret" {
			t.Errorf("%q: %q, %v", content, secret, err)
		}
	}
	if _, err := webhookSecret(file + ".none"); err == nil {
		t.Error("a file that is not there is taken")
	}
	t.Setenv("PORTREEVE_WEBHOOK_SECRET", "from the environment")
	if secret, _ := webhookSecret(""); secret != "from the environment" {
		t.Error(secret)
	}
}
