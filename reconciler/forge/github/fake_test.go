package github

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/portreeve/portreeve/reconciler/fleet"
)

const plantedToken = "ghs_planted0123456789"

// fake is a forge that answers by hand what a real one answers only at times.
type fake struct {
	*httptest.Server
	mux *http.ServeMux

	mu   sync.Mutex
	seen []string // "METHOD /path" without the API's base
}

func newFake(t testing.TB) *fake {
	f := &fake{mux: http.NewServeMux()}
	f.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.URL.Path = strings.TrimPrefix(r.URL.Path, "/api/v3")
		r.URL.RawPath = strings.TrimPrefix(r.URL.RawPath, "/api/v3")
		f.mu.Lock()
		f.seen = append(f.seen, r.Method+" "+r.URL.Path)
		f.mu.Unlock()
		f.mux.ServeHTTP(w, r)
	}))
	t.Cleanup(f.Close)
	return f
}

// count is how often a route was asked.
func (f *fake) count(route string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	n := 0
	for _, s := range f.seen {
		if s == route {
			n++
		}
	}
	return n
}

// on answers a route with a status and a body.
func (f *fake) on(route string, status int, body string) {
	f.mux.HandleFunc(route, func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(status)
		fmt.Fprint(w, body)
	})
}

// asked is a GraphQL request; names are the values of its repos' names.
type asked struct {
	Query     string         `json:"query"`
	Variables map[string]any `json:"variables"`
	Operation string         `json:"operationName"`
}

// graphql answers GraphQL requests; who we are is answered by itself.
func (f *fake) graphql(answer func(w http.ResponseWriter, q asked)) {
	f.mux.HandleFunc("POST /api/graphql", func(w http.ResponseWriter, r *http.Request) {
		var q asked
		if err := json.NewDecoder(r.Body).Decode(&q); err != nil {
			http.Error(w, "not JSON", http.StatusBadRequest)
			return
		}
		if q.Operation == "Self" {
			fmt.Fprint(w, `{"data":{"viewer":{"login":"reeve[bot]"}}}`)
			return
		}
		answer(w, q)
	})
}

// aliases are the aliased repos of a query, by alias.
func (q asked) aliases() map[string]string {
	out := map[string]string{}
	for line := range strings.Lines(q.Query) {
		alias, rest, ok := strings.Cut(line, ":repository(owner:$")
		if !ok {
			continue
		}
		owner, rest, _ := strings.Cut(rest, ",name:$")
		short, _, _ := strings.Cut(rest, ")")
		out[alias] = fmt.Sprintf("%v/%v", q.Variables[owner], q.Variables[short])
	}
	return out
}

// answerEach answers each alias with what repo gives for it; nil is NOT_FOUND.
func answerEach(w http.ResponseWriter, q asked, repo func(name string) any) {
	data, errs := map[string]any{}, []any{}
	for alias, name := range q.aliases() {
		v := repo(name)
		if p, bad := v.(*partError); bad {
			p.Path = []any{alias}
			errs = append(errs, p)
			v = nil
		} else if v == nil {
			errs = append(errs, map[string]any{"type": "NOT_FOUND", "path": []any{alias}, "message": "Could not resolve to a Repository"})
		}
		data[alias] = v
	}
	out := map[string]any{"data": data}
	if len(errs) > 0 {
		out["errors"] = errs
	}
	_ = json.NewEncoder(w).Encode(out)
}

func (f *fake) client(t testing.TB, change ...func(*Options)) *Client {
	o := Options{
		BaseURL: f.URL,
		Token:   func(context.Context) (string, error) { return plantedToken, nil },
		Backoff: func(int) time.Duration { return time.Millisecond },
		Wait:    50 * time.Millisecond,
	}
	for _, c := range change {
		c(&o)
	}
	c, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// wantFailure fails the test unless err is a failure of a class.
func wantFailure(t testing.TB, err error, class fleet.Class) *fleet.Failure {
	t.Helper()
	f, ok := errors.AsType[*fleet.Failure](err)
	if !ok {
		t.Fatalf("got %T %v, want a *fleet.Failure that is %s", err, err, class)
	}
	if f.Class != class {
		t.Fatalf("got %v, which is %s, want %s", f, f.Class, class)
	}
	if strings.Contains(f.Error(), plantedToken) {
		t.Fatalf("the failure holds the token: %v", f)
	}
	return f
}

func repoNames(n int) []fleet.RepoName {
	out := make([]fleet.RepoName, n)
	for i := range out {
		out[i] = fleet.RepoName(fmt.Sprintf("acme/repo-%03d", i))
	}
	return out
}

// canned answers every request with the same body.
type canned []byte

func (c canned) RoundTrip(r *http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(bytes.NewReader(c)), Request: r}, nil
}
