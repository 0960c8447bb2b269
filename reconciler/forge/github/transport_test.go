package github

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/forge"
)

const commentRoute = "POST /repos/acme/ledger/issues/1/comments"

func TestLimitsOfTheForge(t *testing.T) {
	reset := time.Now().Add(17 * time.Minute).Truncate(time.Second)
	for name, tc := range map[string]struct {
		status  int
		headers map[string]string
		body    string
		until   time.Time
	}{
		"primary":                {403, map[string]string{"X-RateLimit-Limit": "5000", "X-RateLimit-Remaining": "0", "X-RateLimit-Reset": strconv.FormatInt(reset.Unix(), 10)}, `{"message":"API rate limit exceeded"}`, reset},
		"secondary, with a wait": {403, map[string]string{"Retry-After": "1020"}, `{"message":"You have exceeded a secondary rate limit"}`, reset},
		"secondary, 429":         {429, map[string]string{"Retry-After": reset.UTC().Format(http.TimeFormat)}, ``, reset},
		"secondary, words alone": {403, nil, `{"message":"You have exceeded a secondary rate limit. Please wait"}`, time.Now().Add(time.Minute)},
		"secondary, link alone":  {403, nil, `{"message":"no","documentation_url":"https://x/rest#secondary-rate-limits"}`, time.Now().Add(time.Minute)},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFake(t)
			f.mux.HandleFunc(commentRoute, func(w http.ResponseWriter, r *http.Request) {
				for k, v := range tc.headers {
					w.Header().Set(k, v)
				}
				w.WriteHeader(tc.status)
				fmt.Fprint(w, tc.body)
			})
			c := f.client(t)
			failure := wantFailure(t, c.Comment(t.Context(), "acme/ledger", 1, "x"), fleet.Limited)
			if d := failure.Until.Sub(tc.until).Abs(); d > 5*time.Second {
				t.Errorf("until %v, want %v", failure.Until, tc.until)
			}
			wantFailure(t, c.Comment(t.Context(), "acme/ledger", 1, "x"), fleet.Limited)
			if n := f.count(commentRoute); n != 1 {
				t.Errorf("the forge was asked %d times", n)
			}
			if a := c.Allowance(); name != "primary" && left(a, fleet.Creations) != 0 ||
				tc.until.Sub(a.More(limitOf(name))).Abs() > 5*time.Second {
				t.Errorf("allowance: %+v", a)
			}
		})
	}
}

// limitOf is what a refusal is about: a primary limit says so.
func limitOf(name string) fleet.Unit {
	if name == "primary" {
		return fleet.Requests
	}
	return fleet.Creations
}

// Only one budget counts: a forge whose clock is ahead has other resets than
// the machine's clock could wait for.
func TestTheBudgetAloneHearsOfLimits(t *testing.T) {
	f := newFake(t)
	ahead := time.Now().Add(1000 * time.Hour)
	f.mux.HandleFunc(commentRoute, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-RateLimit-Limit", "5000")
		w.Header().Set("X-RateLimit-Remaining", "0")
		w.Header().Set("X-RateLimit-Reset", strconv.FormatInt(ahead.Unix(), 10))
		w.WriteHeader(http.StatusCreated)
		fmt.Fprint(w, `{}`)
	})
	now := ahead
	c := f.client(t, func(o *Options) { o.Now = func() time.Time { return now } })
	for range 3 {
		if err := c.Comment(t.Context(), "acme/ledger", 1, "x"); err != nil {
			t.Fatal(err)
		}
		now = now.Add(time.Hour)
	}
}

func TestLimitOfGraphQL(t *testing.T) {
	f := newFake(t)
	reset := time.Now().Add(9 * time.Minute).Truncate(time.Second)
	f.graphql(func(w http.ResponseWriter, q asked) {
		w.Header().Set("X-RateLimit-Remaining", "0")
		w.Header().Set("X-RateLimit-Reset", strconv.FormatInt(reset.Unix(), 10))
		w.Header().Set("X-RateLimit-Resource", "graphql")
		fmt.Fprint(w, `{"errors":[{"type":"RATE_LIMITED","message":"API rate limit exceeded"}]}`)
	})
	f.on(commentRoute, 201, `{}`)
	c := f.client(t)
	for range 2 {
		failure := wantFailure(t, c.Heads(t.Context(), repoNames(1))["acme/repo-000"].Err, fleet.Limited)
		if !failure.Until.Equal(reset) {
			t.Errorf("until %v", failure.Until)
		}
	}
	if n := f.count("POST /api/graphql"); n != 1 {
		t.Errorf("%d queries", n)
	}
	if err := c.Comment(t.Context(), "acme/ledger", 1, "REST goes on"); err != nil {
		t.Error(err)
	}
}

func TestA403ThatIsNoLimitIsPermanent(t *testing.T) {
	f := newFake(t)
	f.on(commentRoute, 403, `{"message":"Repository was archived so is read-only."}`)
	failure := wantFailure(t, f.client(t).Comment(t.Context(), "acme/ledger", 1, "x"), fleet.Permanent)
	if got := failure.Error(); got != "acme/ledger#1: comment: Repository was archived so is read-only. (403)" {
		t.Error(got)
	}
}

func TestReadsAreTriedAgainAndWritesAreNot(t *testing.T) {
	f := newFake(t)
	var n atomic.Int32
	f.mux.HandleFunc("GET /orgs/acme/repos", func(w http.ResponseWriter, r *http.Request) {
		switch n.Add(1) {
		case 1:
			w.WriteHeader(http.StatusServiceUnavailable)
		case 2:
			fmt.Fprint(w, `[{"full_name":"acme/`) // half an answer
		default:
			fmt.Fprint(w, `[{"full_name":"acme/ledger","id":1}]`)
		}
	})
	f.on(commentRoute, 502, ``)
	c := f.client(t)
	if repos, err := c.Repos(t.Context(), "acme", nil); err != nil || len(repos) != 1 {
		t.Errorf("%v, %v", repos, err)
	}
	wantFailure(t, c.Comment(t.Context(), "acme/ledger", 1, "x"), fleet.Transient)
	if n := f.count(commentRoute); n != 1 {
		t.Errorf("the write was sent %d times", n)
	}
}

func TestUnchangedAnswersComeFromMemory(t *testing.T) {
	f := newFake(t)
	var full atomic.Int32
	f.mux.HandleFunc("GET /orgs/acme/repos", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("ETag", `W/"1"`)
		w.Header().Set("X-RateLimit-Remaining", "0")
		w.Header().Set("X-RateLimit-Reset", "1")
		if r.Header.Get("If-None-Match") == `W/"1"` {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		full.Add(1)
		fmt.Fprint(w, `[{"full_name":"acme/ledger","id":1}]`)
	})
	c := f.client(t)
	for range 3 {
		if repos, err := c.Repos(t.Context(), "acme", nil); err != nil || len(repos) != 1 || repos[0].Name != "acme/ledger" {
			t.Fatalf("%v, %v", repos, err)
		}
	}
	if full.Load() != 1 {
		t.Errorf("%d full answers", full.Load())
	}
}

func TestMemoryIsBounded(t *testing.T) {
	e, nobody := newETags(100), &http.Request{}
	for i := range 10 {
		e.put(strconv.Itoa(i), nobody, http.Header{"Etag": {"x"}}, make([]byte, 30), time.Time{})
		e.get("0")
	}
	if e.get("0") == nil || e.get("9") == nil || e.get("1") != nil || e.size != 90 {
		t.Errorf("%d bytes of %v", e.size, e.byURL)
	}
	e.put("0", nobody, http.Header{}, nil, time.Time{})
	e.put("big", nobody, http.Header{"Etag": {"x"}}, make([]byte, 101), time.Time{})
	if e.get("0") != nil || e.get("big") != nil || e.size != 60 {
		t.Errorf("%d bytes of %v", e.size, e.byURL)
	}
}

// The token goes to the forge alone, and comes back in no text.
func TestTokenStaysSecret(t *testing.T) {
	var leaked atomic.Int32
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { leaked.Add(1) }))
	defer other.Close()
	f := newFake(t)
	echo := func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusUnprocessableEntity)
		fmt.Fprintf(w, `{"message":"bad %s"}`, r.Header.Get("Authorization"))
	}
	f.mux.HandleFunc(commentRoute, echo)
	f.mux.HandleFunc("GET /orgs/acme/repos", echo)
	f.mux.HandleFunc("POST /api/graphql", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, `{"data":{"a0":null},"errors":[{"type":"FORBIDDEN","path":["a0"],"message":"bad %s"}]}`, r.Header.Get("Authorization"))
	})
	f.mux.HandleFunc("GET /orgs/elsewhere/repos", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, other.URL+"/steal", http.StatusMovedPermanently)
	})
	f.mux.HandleFunc("PUT /repos/acme/ledger/pulls/1/merge", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, other.URL+"/steal", http.StatusTemporaryRedirect)
	})
	c := f.client(t)
	_, orgErr := c.Repos(t.Context(), "acme", nil)
	_, elsewhere := c.Repos(t.Context(), "elsewhere", nil)
	for _, err := range []error{
		orgErr, elsewhere,
		c.Comment(t.Context(), "acme/ledger", 1, "x"),
		c.Heads(t.Context(), repoNames(1))["acme/repo-000"].Err,
		c.MergePull(t.Context(), "acme/ledger", 1, "abc", fleet.MergeSquash),
	} {
		failure := wantFailure(t, err, fleet.Permanent)
		for inner := error(failure); inner != nil; inner = errors.Unwrap(inner) {
			if text := fmt.Sprintf("%v %+v %#v", inner, inner, inner); strings.Contains(text, plantedToken) {
				t.Errorf("leaked: %s", text)
			}
		}
	}
	if leaked.Load() != 0 {
		t.Error("another host was asked")
	}
	if _, err := New(Options{BaseURL: "https://user:" + plantedToken + "@ghe.example/"}); err == nil || strings.Contains(err.Error(), plantedToken) {
		t.Errorf("got %v", err)
	}
}

// A write that a redirect turns into a read has not been made.
func TestRedirectedWrites(t *testing.T) {
	f := newFake(t)
	f.mux.HandleFunc("PUT /repos/acme/old/pulls/1/merge", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "/api/v3/repos/acme/ledger/pulls/1/merge", http.StatusMovedPermanently)
	})
	f.mux.HandleFunc("PUT /repos/acme/renamed/pulls/1/merge", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "/api/v3/repos/acme/ledger/pulls/1/merge", http.StatusTemporaryRedirect)
	})
	f.mux.HandleFunc("/repos/acme/ledger/pulls/1/merge", func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if r.Method == http.MethodPut && strings.Contains(string(body), `"sha":"abc"`) {
			fmt.Fprint(w, `{"merged":true}`)
		}
	})
	c := f.client(t)
	wantFailure(t, c.MergePull(t.Context(), "acme/old", 1, "abc", fleet.MergeSquash), fleet.Permanent)
	if err := c.MergePull(t.Context(), "acme/renamed", 1, "abc", fleet.MergeSquash); err != nil {
		t.Error(err)
	}
}

func TestAnswersAreBounded(t *testing.T) {
	f := newFake(t)
	f.mux.HandleFunc(commentRoute, func(w http.ResponseWriter, r *http.Request) {
		chunk := make([]byte, 1<<20)
		for range 40 {
			if _, err := w.Write(chunk); err != nil {
				return
			}
		}
	})
	wantFailure(t, f.client(t).Comment(t.Context(), "acme/ledger", 1, "x"), fleet.Permanent)
}

func TestACancelledContextIsToldApart(t *testing.T) {
	f := newFake(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	c := f.client(t)
	_, err := c.OpenPull(ctx, "acme/ledger", forge.NewPull{})
	if wantFailure(t, err, fleet.Transient); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if err := c.Heads(ctx, repoNames(1))["acme/repo-000"].Err; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func TestEndpoints(t *testing.T) {
	for base, want := range map[string]string{
		"":                               "https://api.github.com/ https://api.github.com/graphql",
		"https://api.github.com":         "https://api.github.com/ https://api.github.com/graphql",
		"https://github.com/":            "https://api.github.com/ https://api.github.com/graphql",
		"http://www.GitHub.com":          "https://api.github.com/ https://api.github.com/graphql",
		"https://acme.ghe.com":           "https://api.acme.ghe.com/ https://api.acme.ghe.com/graphql",
		"https://api.acme.ghe.com/":      "https://api.acme.ghe.com/ https://api.acme.ghe.com/graphql",
		"https://api.ghe.example":        "https://api.ghe.example/api/v3/ https://api.ghe.example/api/graphql",
		"https://notghe.com":             "https://notghe.com/api/v3/ https://notghe.com/api/graphql",
		"https://GHE.example:8443":       "https://ghe.example:8443/api/v3/ https://ghe.example:8443/api/graphql",
		"https://ghe.example/api/v3":     "https://ghe.example/api/v3/ https://ghe.example/api/graphql",
		"http://127.0.0.1:99/":           "http://127.0.0.1:99/api/v3/ http://127.0.0.1:99/api/graphql",
		"https://ghe.example/api/v3/":    "https://ghe.example/api/v3/ https://ghe.example/api/graphql",
		"https://ghe.example/deep/below": "https://ghe.example/deep/below/api/v3/ https://ghe.example/deep/below/api/graphql",
	} {
		rest, graphql, err := endpoints(base)
		if err != nil {
			t.Errorf("%s: %v", base, err)
		} else if got := rest.String() + " " + graphql; got != want {
			t.Errorf("%q: got %s", base, got)
		}
	}
	for _, bad := range []string{"ghe.example", "ftp://x/", "https://x/?a=b", "://"} {
		if _, _, err := endpoints(bad); err == nil {
			t.Errorf("%q is no base", bad)
		}
	}
}
