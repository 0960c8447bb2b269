package metrics

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/portreeve/portreeve/reconciler/fleet"
)

// TestBehind: what something says of its own queues is had as seconds, and what is
// no answer is told without a word of what was written.
func TestBehind(t *testing.T) {
	const secret = "hunter2"
	queue := func(name string, seen, sent, pending int) string {
		labels := fmt.Sprintf(`{remote_name=%q,url="https://x"}`, name)
		text := fmt.Sprintf("prometheus_remote_storage_queue_highest_sent_timestamp_seconds%s %d\nprometheus_remote_storage_samples_pending%s %d\n", labels, sent, labels, pending)
		if seen > 0 {
			text = "# TYPE prometheus_remote_storage_queue_highest_timestamp_seconds gauge\n" + fmt.Sprintf("prometheus_remote_storage_queue_highest_timestamp_seconds%s %d\n", labels, seen) + text
		}
		return text
	}
	for name, c := range map[string]struct {
		status     int
		body, want string
	}{
		"up to date":           {200, queue("a", 100, 99, 1), "[]"},
		"one of two is behind": {200, queue("a", 100, 99, 1) + queue("b", 100, 60, 1), "[{map[remote_name:b] 40}]"},
		"full, and it stands":  {200, queue("a", 60, 60, 5) + "prometheus_remote_storage_highest_timestamp_in_seconds 100\n", "[{map[remote_name:a] 40}]"},
		"nothing waits":        {200, queue("a", 60, 60, 0) + "prometheus_remote_storage_highest_timestamp_in_seconds 100\n", "[]"},
		"an older one":         {200, queue("a", 0, 60, 2) + "prometheus_remote_storage_highest_timestamp_in_seconds 100\n", "[{map[remote_name:a] 40}]"},
		"no queue":             {200, "up 1\n", "it says nothing of its queues"},
		"a page":               {200, "<html>" + secret, "it says nothing of its queues"},
		"no metrics":           {200, "prometheus_remote_storage_x{" + secret + "\n", "its own metrics can't be read"},
		"a long line":          {200, "prometheus_remote_storage_x{a=\"" + strings.Repeat("x", 2000) + "\"} 1\n", "it says nothing of its queues"},
		"forbidden":            {403, secret, "its own metrics can't be read"},
		"elsewhere":            {302, secret, "it leads to another place"},
		"without an end":       {200, queue("b", 100, 60, 1) + strings.Repeat("x 1\n", maxBody/4), "its own metrics are too many"},
	} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path != "/prefix/metrics" || r.Header.Get("Authorization") != "" {
				t.Errorf("it asks for %s", r.URL)
			}
			w.Header().Set("Location", "http://127.0.0.1:1/")
			w.WriteHeader(c.status)
			_, _ = io.WriteString(w, c.body) // the client may have had enough
		}))
		samples, err := (&Client{}).Ask(t.Context(), fleet.Query{URL: server.URL + "/prefix", Behind: 30})
		got := fmt.Sprint(samples)
		if err != nil {
			got = err.Error()
		}
		if got != c.want || strings.Contains(got, secret) {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
		server.Close()
	}
}
