package published

import (
	"net/http"
	"strings"
	"testing"
)

// TestWebhook proves, on GitHub's own description, that what does not fit is
// found and that what fits is let through.
func TestWebhook(t *testing.T) {
	r, err := ReadREST("../" + OpenAPIFile)
	if err != nil {
		t.Fatal(err)
	}
	headers := func(without string) http.Header {
		h := http.Header{}
		for _, name := range []string{
			"Content-Type", "User-Agent", "X-GitHub-Event", "X-GitHub-Delivery", "X-GitHub-Hook-ID", "X-Hub-Signature-256",
			"X-GitHub-Hook-Installation-Target-ID", "X-GitHub-Hook-Installation-Target-Type",
		} {
			h.Set(name, "application/json")
		}
		h.Del(without)
		return h
	}
	for _, c := range []struct{ name, event, action, without, body, want string }{
		{"right", "ping", "", "", `{"zen":"Keep it.","hook_id":1}`, ""},
		{"type", "ping", "", "", `{"zen":1}`, `"/zen"`},
		{"missing", "push", "", "", `{"ref":"refs/heads/main"}`, `"after" is missing`},
		{"missing below", "check_run", "completed", "", `{"check_run":{},"repository":{},"sender":{}}`, `"/check_run/app"`},
		{"action", "pull_request", "eaten", "", `{}`, "no such event and action"},
		{"event", "tea", "", "", `{}`, "no such event and action"},
		{"not JSON", "ping", "", "", `zen`, "not JSON"},
		{"header", "ping", "", "X-GitHub-Delivery", `{}`, "no header X-GitHub-Delivery"},
		{"media", "ping", "", "Content-Type", `{}`, "is not published"},
	} {
		got := strings.Join(r.Webhook(c.event, c.action, headers(c.without), []byte(c.body)), "\n")
		if c.want == "" && got != "" || !strings.Contains(got, c.want) {
			t.Errorf("%s: found %q, want %q", c.name, got, c.want)
		}
	}
}
