package sandbox

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"
)

// inbox keeps what was delivered: "push 1", "push 1 again", "push 2 forged".
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
		in.seen[id] = fmt.Sprintf("%s %d", r.Header.Get("X-GitHub-Event"), len(in.seen)+1)
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
	in.wants(t, "ping 1", "repository 2")
}

// TestWebhookFaults: deliveries are lost, repeated, forged and come in another
// order, one after the other, as they are told to.
func TestWebhookFaults(t *testing.T) {
	f, in := hooked(t, "push")
	in.wants(t, "ping 1")
	f.WebhookFault(func(d Delivery) *WebhookFault {
		return map[int]*WebhookFault{
			2: {Lose: true},
			3: {Repeat: 2},
			4: {Forge: true},
			5: {Behind: true}, // sent after 6
			7: {Delay: 300 * time.Millisecond},
			9: {Behind: true}, // after a second: there is none that follows
		}[d.N]
	})
	for i := range 8 {
		_, err := f.Person("you").CommitFile("acme/ledger", "", "b", fmt.Sprint(i), "Write")
		must(t, err)
	}
	in.wants(t, "ping 1", "push 2", "push 2 again", "push 2 again", "forged", "push 3", "push 4", "push 5", "push 6", "push 7", "push 8")
	if got := f.Webhooks(); got["200"] != 11 || got["lost"] != 1 || len(got) != 2 {
		t.Errorf("counted %v", got)
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
