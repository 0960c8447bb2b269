package dashboard_test

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/portreeve/portreeve/reconciler/dashboard"
)

const hookSecret = "a secret that only the forge knows"

// woken counts what a server was asked for.
type woken struct{ wake, look int }

// hooked is a server that takes webhooks for acme/ledger and acme/config.
func hooked() (*dashboard.Server, *woken) {
	n := &woken{}
	s := dashboard.New(dashboard.Options{
		Wake: func() { n.wake++ }, Look: func() { n.look++ }, ConfigRepo: "acme/config", WebhookSecret: hookSecret,
	})
	s.Publish(pass(ledger()))
	return s, n
}

func sign(body string) string {
	mac := hmac.New(sha256.New, []byte(hookSecret))
	io.WriteString(mac, body)
	return "sha256=" + hex.EncodeToString(mac.Sum(nil))
}

// hook is a delivery as GitHub sends it. Each has an id of its own.
func hook(event, body string) *http.Request {
	r := httptest.NewRequest("POST", "/webhook", strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("X-GitHub-Event", event)
	r.Header.Set("X-GitHub-Delivery", fmt.Sprintf("%x", time.Now().UnixNano()))
	r.Header.Set("X-Hub-Signature-256", sign(body))
	return r
}

func about(repo, ref string) string {
	return fmt.Sprintf(`{"ref":%q,"repository":{"full_name":%q,"default_branch":"main"}}`, ref, repo)
}

func send(s http.Handler, r *http.Request) int {
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w.Code
}

func TestWebhook(t *testing.T) {
	push := about("acme/ledger", "refs/heads/main")
	payload := url.Values{"payload": {push}}.Encode()
	set := func(key, value string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Set(key, value) }
	}
	body := func(text string) func(*http.Request) {
		return func(r *http.Request) {
			r.Body, r.ContentLength = io.NopCloser(strings.NewReader(text)), -1
			r.Header.Set("X-Hub-Signature-256", sign(text))
		}
	}
	form := func(text string) func(*http.Request) {
		return func(r *http.Request) { body(text)(r); set("Content-Type", "application/x-www-form-urlencoded")(r) }
	}
	for _, c := range []struct {
		name, event string
		change      func(*http.Request)
		code        int
		metric      string // event and result
		want        woken
	}{
		{"push", "push", nil, 202, "push woke", woken{wake: 1}},
		{"other case", "push", body(about("Acme/Ledger", "refs/heads/main")), 202, "push woke", woken{wake: 1}},
		{"our branch", "push", body(about("acme/ledger", "refs/heads/portreeve/migration/x")), 202, "push woke", woken{wake: 1}},
		{"another branch", "push", body(about("acme/ledger", "refs/heads/feature")), 202, "push ignored", woken{}},
		{"tag", "push", body(about("acme/ledger", "refs/tags/main")), 202, "push ignored", woken{}},
		{"config repo", "push", body(about("acme/config", "refs/heads/main")), 202, "push woke", woken{1, 1}},
		{"config repo's branch", "push", body(about("acme/config", "refs/heads/draft")), 202, "push ignored", woken{}},
		{"config repo's checks", "status", body(about("acme/config", "")), 202, "status woke", woken{wake: 1}},
		{"foreign repo", "push", body(about("acme/other", "refs/heads/main")), 202, "push ignored", woken{}},
		{"form", "push", form(payload), 202, "push woke", woken{wake: 1}},
		{"form without payload", "push", form("payloads=1"), 400, "push malformed", woken{}},
		{"form with two", "push", form(payload + "&" + payload), 400, "push malformed", woken{}},
		{"json called a form", "push", form(push), 400, "push malformed", woken{}},
		{"ping", "ping", body(`{"zen":"Keep it logically awesome."}`), 202, "ping ignored", woken{}},
		{"unknown event", "star", body(`{}`), 202, "other ignored", woken{}},
		{"malformed event", "push\nevil", nil, 400, "other malformed", woken{}},
		{"no event", "", nil, 400, "other malformed", woken{}},
		{"no id", "push", set("X-GitHub-Delivery", ""), 400, "push malformed", woken{}},
		{"long id", "push", set("X-GitHub-Delivery", strings.Repeat("a", 65)), 400, "push malformed", woken{}},
		{"content type", "push", set("Content-Type", "text/plain"), 415, "push malformed", woken{}},
		{"no content type", "push", set("Content-Type", ""), 415, "push malformed", woken{}},
		{"no signature", "push", set("X-Hub-Signature-256", ""), 403, "push forged", woken{}},
		{"wrong signature", "push", set("X-Hub-Signature-256", sign(push+" ")), 403, "push forged", woken{}},
		{"half a signature", "push", set("X-Hub-Signature-256", sign(push)[:39]), 403, "push forged", woken{}},
		{"bare signature", "push", set("X-Hub-Signature-256", sign(push)[7:]), 403, "push forged", woken{}},
		{"forged event", "<script>", set("X-Hub-Signature-256", "sha256=00"), 403, "other forged", woken{}},
		{"not JSON", "push", body("acme/ledger"), 400, "push malformed", woken{}},
		{"other types", "push", body(`{"ref":1,"repository":[]}`), 400, "push malformed", woken{}},
		{"no repo", "push", body(`{}`), 400, "push malformed", woken{}},
		{"repo with a slash more", "push", body(about("acme/ledger/x", "refs/heads/main")), 400, "push malformed", woken{}},
		{"deep", "push", body(strings.Repeat("[", 500_000)), 400, "push malformed", woken{}},
		{"longer than is read", "push", body(push + strings.Repeat(" ", 2<<20)), 202, "push woke", woken{wake: 1}},
		{"too long, announced", "push", func(r *http.Request) { r.ContentLength = 25<<20 + 1 }, 413, "push too-large", woken{}},
		{"too long, found out", "push", body(push + strings.Repeat(" ", 25<<20)), 413, "push too-large", woken{}},
	} {
		s, got := hooked()
		r := hook(c.event, push)
		if c.change != nil {
			c.change(r)
		}
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		if w.Code != c.code || *got != c.want {
			t.Errorf("%s: %d %+v, want %d %+v", c.name, w.Code, *got, c.code, c.want)
		}
		event, result, _ := strings.Cut(c.metric, " ")
		if line := fmt.Sprintf("portreeve_webhooks_total{event=%q,result=%q} 1\n", event, result); !strings.Contains(get(t, s, "/metrics", 200), line) {
			t.Errorf("%s: no %s", c.name, line)
		}
		if strings.Contains(w.Body.String(), "acme") || strings.Contains(w.Body.String(), "script") {
			t.Errorf("%s: repeats what was sent: %s", c.name, w.Body)
		}
	}
}

func TestWebhookMethods(t *testing.T) {
	s, _ := hooked()
	for _, method := range []string{"GET", "PUT", "DELETE"} {
		r := hook("push", "")
		if r.Method = method; send(s, r) != http.StatusMethodNotAllowed {
			t.Errorf("%s is taken", method)
		}
	}
	for name, o := range map[string]dashboard.Options{
		"no secret": {Wake: func() { t.Error("woken without a secret") }},
		"no loop":   {WebhookSecret: hookSecret},
	} {
		if code := send(server(o), hook("push", "")); code != http.StatusNotFound {
			t.Errorf("%s: %d", name, code)
		}
	}
}

// TestWebhookSignature: the example of GitHub's documentation is found to be
// signed, if not to be a payload.
func TestWebhookSignature(t *testing.T) {
	s := server(dashboard.Options{Wake: func() {}, WebhookSecret: "It's a Secret to Everybody"})
	r := hook("push", "Hello, World!")
	r.Header.Set("X-Hub-Signature-256", "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17")
	if code := send(s, r); code != http.StatusBadRequest {
		t.Errorf("%d, want 400 as from a known sender", code)
	}
}

// TestWebhookBeforeThePlan: as long as the fleet is not known, any repo may be
// of it.
func TestWebhookBeforeThePlan(t *testing.T) {
	n := 0
	s := server(dashboard.Options{Wake: func() { n++ }, WebhookSecret: hookSecret})
	if code := send(s, hook("pull_request", about("acme/other", ""))); code != 202 || n != 1 {
		t.Errorf("%d, woken %d times", code, n)
	}
}

// TestWebhookRepeated: a redelivery has the id of the delivery, and is one
// only if that was genuine.
func TestWebhookRepeated(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, n := hooked()
		deliver := func(id int, signature string) int {
			time.Sleep(2 * time.Second)
			r := hook("push", about("acme/ledger", "refs/heads/main"))
			r.Header.Set("X-GitHub-Delivery", fmt.Sprint(id))
			if signature != "" {
				r.Header.Set("X-Hub-Signature-256", signature)
			}
			return send(s, r)
		}
		if deliver(0, sign("other")) != 403 || n.wake != 0 {
			t.Error("a forged one is taken")
		}
		for range 3 {
			if deliver(0, "") != 202 || n.wake != 1 {
				t.Errorf("woken %d times", n.wake)
			}
		}
		for id := range 5000 { // more than are remembered
			deliver(id+1, "")
		}
		if deliver(5000, ""); n.wake != 5001 {
			t.Errorf("woken %d times by 5001", n.wake)
		}
		if deliver(0, ""); n.wake != 5002 {
			t.Error("remembers without end")
		}
	})
}

// TestWebhookBurst: of many in a moment come two passes, the second after the
// last of them.
func TestWebhookBurst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var n atomic.Int64
		s := dashboard.New(dashboard.Options{Wake: func() { n.Add(1) }, WebhookSecret: hookSecret})
		for range 200 {
			if code := send(s, hook("push", about("acme/ledger", "refs/heads/main"))); code != 202 {
				t.Fatal(code)
			}
			time.Sleep(time.Millisecond)
		}
		if n.Load() != 1 {
			t.Errorf("woken %d times at once", n.Load())
		}
		time.Sleep(time.Second)
		synctest.Wait()
		if n.Load() != 2 {
			t.Errorf("woken %d times in all", n.Load())
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if n.Load() != 2 {
			t.Errorf("woken %d times a minute later", n.Load())
		}
		limited := 0
		for range 1000 {
			if send(s, hook("push", about("acme/ledger", "refs/heads/main"))) == http.StatusTooManyRequests {
				limited++
			}
			time.Sleep(time.Microsecond)
		}
		if limited < 400 || limited > 600 {
			t.Errorf("%d of 1000 at once are refused", limited)
		}
		time.Sleep(time.Minute)
	})
}

// TestWebhookSlow: neither a body that never comes, nor as many of them as
// there are places, keep others waiting.
func TestWebhookSlow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, n := hooked()
		ctx, cancel := context.WithCancel(t.Context())
		l := &pipes{conns: make(chan net.Conn), closed: make(chan struct{})}
		done := make(chan error, 1)
		go func() { done <- s.Serve(ctx, l) }()
		start, late := time.Now(), make(chan string, 20)
		for range 20 {
			client, srv := net.Pipe()
			l.conns <- srv
			go func() {
				fmt.Fprintf(client, "POST /webhook HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nX-GitHub-Event: push\r\nX-GitHub-Delivery: 1\r\nX-Hub-Signature-256: %s\r\nContent-Length: 50\r\n\r\n{", sign(""))
				answer, _ := io.ReadAll(client)
				first, _, _ := bytes.Cut(answer, []byte("\r\n"))
				late <- string(first)
			}()
		}
		synctest.Wait()
		if code := send(s, hook("push", about("acme/ledger", "refs/heads/main"))); code != http.StatusServiceUnavailable {
			t.Errorf("%d while all places are taken", code)
		}
		get(t, s, "/", 200)
		count := map[string]int{}
		for range 20 {
			count[<-late]++
		}
		if took := time.Since(start); took > 15*time.Second || count["HTTP/1.1 408 Request Timeout"] != 16 || count["HTTP/1.1 503 Service Unavailable"] != 4 {
			t.Errorf("after %s: %v", took, count)
		}
		if code := send(s, hook("push", about("acme/ledger", "refs/heads/main"))); code != 202 || n.wake != 1 {
			t.Errorf("afterwards: %d", code)
		}
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

// pipes is a listener in memory.
type pipes struct {
	conns  chan net.Conn
	closed chan struct{}
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error   { close(p.closed); return nil }
func (p *pipes) Addr() net.Addr { return &net.TCPAddr{} }

// FuzzWebhook: whatever is signed, the answer is short and not of the sender's
// making, and only what can be read wakes.
func FuzzWebhook(f *testing.F) {
	f.Add(about("acme/ledger", "refs/heads/main"), false, "push")
	f.Add("payload="+url.QueryEscape(about("acme/ledger", "refs/heads/main")), true, "push")
	f.Add(`{"repository":{"full_name":"acme/ledger"}}`, false, "check_run")
	f.Add("payload=%zz", true, "status")
	f.Fuzz(func(t *testing.T, body string, form bool, event string) {
		s, n := hooked()
		r := hook(event, body)
		if form {
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		}
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		if w.Code != 202 && w.Code != 400 || w.Body.Len() > 100 {
			t.Errorf("%d %s", w.Code, w.Body)
		}
		if n.wake > 0 && (w.Code != 202 || !form && !json.Valid([]byte(body))) {
			t.Errorf("woken by %q", body)
		}
	})
}
