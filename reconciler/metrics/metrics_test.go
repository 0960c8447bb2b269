package metrics

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/portreeve/portreeve/reconciler/fleet"
)

// TestAsk: what a Prometheus answers is had as numbers, and what is no answer is
// told without a word of what was written.
func TestAsk(t *testing.T) {
	const secret = "hunter2"
	vector := func(series string) string {
		return `{"status": "success", "data": {"resultType": "vector", "result": [` + series + `]}}`
	}
	one := `{"metric": {"remote_name": "a"}, "value": [1, "2.5"]}`
	for name, c := range map[string]struct {
		status int
		body   string
		want   string // of the samples, or part of the error
	}{
		"two series":       {200, vector(`{"metric": {"remote_name": "b"}, "value": [1, "+Inf"]}, ` + one), "[{map[remote_name:a] 2.5} {map[remote_name:b] +Inf}]"},
		"none":             {200, vector(""), "[]"},
		"refused":          {400, `{"status": "error", "errorType": "bad_data", "error": "` + secret + `"}`, `it answers with "bad_data"`},
		"down":             {503, secret, `it answers with "server_error"`},
		"a page":           {200, "<html>" + secret, "it answers with"},
		"a matrix":         {200, `{"status": "success", "data": {"resultType": "matrix", "result": []}}`, "expected series with a value each"},
		"elsewhere":        {302, secret, "it leads to another place"},
		"too many":         {200, vector(strings.TrimSuffix(strings.Repeat(one+",", maxSeries+1), ",")), "more than 1000"},
		"without an end":   {200, vector(one) + strings.Repeat(" ", 2*maxBody), "[{map[remote_name:a] 2.5}]"},
		"an endless label": {200, vector(`{"metric": {"a": "` + strings.Repeat("x", 2*maxBody) + `"}, "value": [1, "1"]}`), "it answers with"},
	} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.Header.Get("Authorization") != "" {
					t.Error("a credential was sent")
				}
				w.Header().Set("Location", "http://127.0.0.1:1/")
				w.WriteHeader(c.status)
				_, _ = io.WriteString(w, c.body) // the client may have had enough
			}))
			defer server.Close()
			samples, err := (&Client{}).Ask(t.Context(), fleet.Query{URL: server.URL, Expr: "up"})
			got := fmt.Sprint(samples)
			if err != nil {
				got = err.Error()
			}
			if !strings.Contains(got, c.want) || strings.Contains(got, secret) {
				t.Errorf("got %.300s, expected %s", got, c.want)
			}
		})
	}
	_, err := (&Client{}).Ask(t.Context(), fleet.Query{URL: "http://127.0.0.1:1", Expr: "up"})
	if err == nil || !strings.Contains(err.Error(), "connection refused") {
		t.Errorf("nobody there: %v", err)
	}
	lost := &Client{Carry: failing{}}
	if _, err := lost.Ask(t.Context(), fleet.Query{URL: "http://a.example", Expr: "up"}); err == nil || err.Error() != "no such host" {
		t.Errorf("a host that is not there: %v", err)
	}
}

type failing struct{}

func (failing) RoundTrip(*http.Request) (*http.Response, error) {
	return nil, errors.New("no such host")
}
