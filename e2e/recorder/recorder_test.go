package recorder

import (
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

// TestProxy proves that API exchanges are kept as they were said, and that
// all else passes unrecorded.
func TestProxy(t *testing.T) {
	forge := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.Header().Set("Content-Encoding", "gzip")
		w.WriteHeader(http.StatusAccepted)
		z := gzip.NewWriter(w)
		_, _ = io.WriteString(z, "heard "+string(body)+" at "+r.Host)
		_ = z.Close()
	}))
	defer forge.Close()
	target, _ := url.Parse(forge.URL)
	var r Recorder
	proxy := r.Proxy(target)
	defer proxy.Close()

	host := strings.TrimPrefix(proxy.URL, "http://")
	for _, path := range []string{"/acme/ledger.git/info/refs", "/api/v3/user", "/api/graphql"} {
		resp, err := http.Post(proxy.URL+path, "text/plain", strings.NewReader(path))
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		if want := "heard " + path + " at " + host; string(body) != want {
			t.Errorf("%s: got %q, want %q", path, body, want)
		}
	}
	kept := r.Exchanges()
	if len(kept) != 2 || !kept[0].REST() || !kept[1].GraphQL() {
		t.Fatalf("kept %d exchanges, want one of REST and one of GraphQL", len(kept))
	}
	for _, e := range kept {
		if want := "heard " + e.URL.Path + " at " + host; e.Status != http.StatusAccepted ||
			string(e.Request.Body) != e.URL.Path || string(e.Response.Body) != want {
			t.Errorf("%s: kept %d %q, %q", e.URL.Path, e.Status, e.Request.Body, e.Response.Body)
		}
	}
}
