package e2e

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/portreeve/portreeve/e2e/published"
	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/forge"
	"github.com/portreeve/portreeve/reconciler/forge/sandbox"
)

// delivery is a webhook as it came.
type delivery struct {
	header http.Header
	body   []byte
}

// name is the event and the action: "pull_request opened".
func (d delivery) name() string {
	var payload struct{ Action string }
	_ = json.Unmarshal(d.body, &payload)
	return strings.TrimSpace(d.header.Get("X-GitHub-Event") + " " + payload.Action)
}

// TestWebhooksAsPublished has every event happen that the sandbox tells of,
// and holds each delivery to what GitHub publishes.
func TestWebhooksAsPublished(t *testing.T) {
	const secret = "secret"
	described, err := published.ReadREST(published.OpenAPIFile)
	must(t, err)
	var mu sync.Mutex
	var got []delivery
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		must(t, err)
		mu.Lock()
		defer mu.Unlock()
		got = append(got, delivery{r.Header.Clone(), body})
		w.WriteHeader(http.StatusAccepted)
	}))
	defer receiver.Close()

	f, err := sandbox.New(sandbox.Options{})
	must(t, err)
	f.AddUser(bot, botToken, true)
	stop, err := f.AddWebhook(sandbox.Webhook{URL: receiver.URL, Secret: secret})
	must(t, err)
	defer stop()
	allEvents(t, f)

	want := []string{
		"check_run completed", "check_run created", "check_suite completed", "issue_comment created", "ping",
		"pull_request auto_merge_disabled", "pull_request auto_merge_enabled", "pull_request closed", "pull_request converted_to_draft",
		"pull_request dequeued", "pull_request edited", "pull_request enqueued", "pull_request labeled",
		"pull_request opened", "pull_request ready_for_review", "pull_request reopened", "pull_request synchronize",
		"pull_request_review submitted", "push", "repository archived", "repository created", "repository deleted",
		"repository edited", "repository unarchived", "status",
	}
	names := func() []string {
		mu.Lock()
		defer mu.Unlock()
		var all []string
		for _, d := range got {
			all = append(all, d.name())
		}
		slices.Sort(all)
		return slices.Compact(all)
	}
	for end := time.Now().Add(20 * time.Second); !slices.Equal(names(), want); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("got %q, want %q", names(), want)
		}
	}
	mu.Lock()
	defer mu.Unlock()
	seen := map[string]bool{}
	for _, d := range got {
		event, action, _ := strings.Cut(d.name(), " ")
		for _, fault := range described.Webhook(event, action, d.header, d.body) {
			t.Error(fault)
		}
		mac := hmac.New(sha256.New, []byte(secret))
		mac.Write(d.body)
		if d.header.Get("X-Hub-Signature-256") != "sha256="+hex.EncodeToString(mac.Sum(nil)) {
			t.Errorf("%s: the signature is wrong", d.name())
		}
		id := d.header.Get("X-GitHub-Delivery")
		if seen[id] || !strings.HasPrefix(d.header.Get("User-Agent"), "GitHub-Hookshot/") {
			t.Errorf("%s: id %s, User-Agent %s", d.name(), id, d.header.Get("User-Agent"))
		}
		seen[id] = true
	}
	t.Logf("%d deliveries of %d sorts", len(got), len(want))
}

// allEvents makes everything happen that the sandbox tells of, most of it in
// more than one way.
func allEvents(t *testing.T, f *sandbox.Forge) {
	t.Helper()
	const repo = fleet.RepoName("acme/ledger")
	must(t, f.CreateRepo(sandbox.Spec{Name: "acme/empty"}))
	must(t, f.CreateRepo(sandbox.Spec{
		Name: repo, Files: map[string]sandbox.File{"README.md": {Content: "# Read me\n"}}, Language: "Go", Topics: []string{"service"},
		CI: []sandbox.CheckSpec{{Name: "test", After: time.Second}, {Name: "lint", Status: true}, {Name: "skip", Conclusion: "skipped"}},
	}))
	you, us := f.Person(person), f.Person(bot)
	commit := func(branch, content string) fleet.CommitID {
		id, err := us.CommitFile(repo, branch, "a.txt", content, "Write "+content)
		must(t, err)
		return id
	}
	open := func(branch string) int {
		commit(branch, branch)
		n, err := us.OpenPull(repo, forge.NewPull{Text: forge.Text{Title: branch, Body: "Why.", Labels: []string{"portreeve"}}, Head: branch})
		must(t, err)
		return n
	}
	n := open("portreeve/a")
	head := commit("portreeve/a", "more")
	must(t, you.Comment(repo, n, "Hello."))
	must(t, you.RequestChanges(repo, n, "No."))
	must(t, you.Approve(repo, n))
	must(t, you.Retitle(repo, n, "Another title"))
	must(t, you.Draft(repo, n, true))
	must(t, you.Draft(repo, n, false))
	must(t, you.Close(repo, n))
	must(t, you.Reopen(repo, n))
	must(t, f.As(bot).EditPull(t.Context(), repo, n, forge.Text{Title: "Third", Body: "Because.", Labels: []string{"new"}}))
	must(t, us.SetStatus(repo, head, "portreeve", fleet.CommitStatus{State: fleet.StatusPending, Description: "reconciling", URL: "https://status.example"}))
	must(t, us.SetStatus(repo, head, "bare", fleet.CommitStatus{State: fleet.StatusSuccess}))
	must(t, you.Merge(repo, n, fleet.MergeSquash))
	must(t, you.DeleteBranch(repo, "portreeve/a"))
	queued := open("portreeve/queued")
	at, err := f.Pull(repo, queued)
	must(t, err)
	must(t, us.SetStatus(repo, at.HeadCommit, "test", fleet.CommitStatus{State: fleet.StatusSuccess})) // CI's own takes a second
	must(t, you.SetRules(repo, sandbox.Rules{RequiredChecks: []string{"test"}, Queue: true}))
	must(t, you.Enqueue(repo, queued))
	must(t, you.Dequeue(repo, queued))
	must(t, you.SetRules(repo, sandbox.Rules{RequiredChecks: []string{"never"}}))
	must(t, you.AutoMerge(repo, queued, true))
	must(t, you.AutoMerge(repo, queued, false))
	open("portreeve/b")
	must(t, you.DeleteBranch(repo, "portreeve/b")) // which closes it
	must(t, you.SetTopics(repo, "service", "tier-1"))
	must(t, you.Archive(repo, true))
	must(t, you.Archive(repo, false))
	must(t, you.DeleteRepo("acme/empty"))
}
