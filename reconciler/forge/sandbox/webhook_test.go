package sandbox

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// inbox keeps what was delivered: "push 1", "push 1 again", "forged".
type inbox struct {
	mu   sync.Mutex
	seen map[string]string
	got  []string
}

// hooked is a forge with one repo, and where its webhooks come to.
func hooked(t *testing.T, events ...string) (*Forge, *inbox) {
	t.Helper()
	in := &inbox{seen: map[string]string{}}
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { in.take(r) }))
	t.Cleanup(server.Close)
	f, err := New(Options{})
	must(t, err)
	must(t, f.CreateRepo(Spec{Name: "acme/ledger", Files: map[string]File{"a": {Content: "a"}}}))
	stop, err := f.AddWebhook(Webhook{URL: server.URL, Secret: "s", Events: events})
	must(t, err)
	t.Cleanup(stop)
	return f, in
}

func (in *inbox) take(r *http.Request) {
	in.mu.Lock()
	defer in.mu.Unlock()
	id := r.Header.Get("X-GitHub-Delivery")
	body, err := io.ReadAll(r.Body)
	switch before := in.seen[id]; {
	case err != nil || r.Header.Get("X-Hub-Signature-256") != signature("s", body):
		in.got = append(in.got, "forged")
	case before != "":
		in.got = append(in.got, before+" again")
	default:
		var payload struct {
			Head struct{ Message string } `json:"head_commit"`
		}
		_ = json.Unmarshal(body, &payload)
		in.seen[id] = strings.TrimSpace(r.Header.Get("X-GitHub-Event") + " " + payload.Head.Message)
		in.got = append(in.got, in.seen[id])
	}
}

func (in *inbox) wants(t *testing.T, want ...string) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		in.mu.Lock()
		got := slices.Clone(in.got)
		in.mu.Unlock()
		if slices.Equal(got, want) {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("delivered %q, want %q", got, want)
		}
	}
}

func TestWebhookEvents(t *testing.T) {
	f, in := hooked(t, "issue_comment", "repository")
	you := f.Person("you")
	_, err := you.CommitFile("acme/ledger", "", "b", "b", "Nobody asked for pushes")
	must(t, err)
	must(t, you.SetTopics("acme/ledger", "x"))
	in.wants(t, "ping", "repository")
}

// TestWebhookFaults: deliveries are lost, repeated, forged and come in another
// order, one after the other, as they are told to.
func TestWebhookFaults(t *testing.T) {
	f, in := hooked(t, "push")
	in.wants(t, "ping")
	f.WebhookFault(func(d Delivery) *WebhookFault {
		return map[int]*WebhookFault{
			0: {Lose: true},
			1: {Repeat: 2},
			2: {Forge: true},
			3: {Behind: true}, // sent after 4
			5: {Delay: 300 * time.Millisecond},
			6: {Behind: true},
			7: {Behind: true}, // after a second: there is none that follows
		}[d.N-2]
	})
	for i := range 8 {
		_, err := f.Person("you").CommitFile("acme/ledger", "", "b", fmt.Sprint(i), fmt.Sprint(i))
		must(t, err)
	}
	in.wants(t, "ping", "push 1", "push 1 again", "push 1 again", "forged", "push 2", "push 4", "push 3", "push 6", "push 5", "push 7")
	for end := time.Now().Add(time.Second); ; time.Sleep(time.Millisecond) { // the last answer is on its way
		got := f.Webhooks()
		if maps.Equal(got, map[string]int{"200": 11, "lost": 1}) {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("counted %v", got)
		}
	}
}

// TestWebhookBounds: a receiver that does not answer harms nobody, and stop
// does not wait for it.
func TestWebhookBounds(t *testing.T) {
	f, err := New(Options{})
	must(t, err)
	for _, url := range []string{"http://hooks.example/", "http://localhost/", "http://10.0.0.1/", "https://127.0.0.1/", "::", "http://127.0.0.1.example/"} {
		if _, err := f.AddWebhook(Webhook{URL: url}); err == nil {
			t.Errorf("%s is taken", url)
		}
	}
	hang := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-hang }))
	defer server.Close()
	defer close(hang)
	stop, err := f.AddWebhook(Webhook{URL: server.URL})
	must(t, err)
	must(t, f.CreateRepo(Spec{Name: "acme/ledger", Files: map[string]File{"a": {Content: "a"}}}))
	start := time.Now()
	for i := range 1100 {
		must(t, f.Person("you").SetTopics("acme/ledger", fmt.Sprint(i)))
	}
	if n := f.Webhooks()["dropped"]; n < 99 {
		t.Errorf("%d of 1100 are dropped", n)
	}
	stop()
	if took := time.Since(start); took > 5*time.Second {
		t.Errorf("took %s", took)
	}
	must(t, f.Person("you").SetTopics("acme/ledger")) // of which nobody is told
}
