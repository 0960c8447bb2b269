package github

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/forge"
)

const pullsRoute = "POST /repos/acme/ledger/pulls"

var aPull = forge.NewPull{Text: forge.Text{Title: "T", Body: "B"}, Head: "portreeve/a/b", Base: "main"}

const openList = `[{"number":3,"state":"open","html_url":"https://x/3","head":{"ref":"portreeve/a/b","repo":{"full_name":"acme/fork"}},"base":{"ref":"main","repo":{"full_name":"acme/ledger"}}},
{"number":4,"state":"open","html_url":"https://x/4","head":{"ref":"portreeve/a/b","repo":{"full_name":"acme/ledger"}},"base":{"ref":"main","repo":{"full_name":"acme/ledger"}}}]`

func TestOpenPullAnswersTheOneThatIsOpen(t *testing.T) {
	for name, status := range map[string]int{"exists": 422, "broken answer": 502} {
		t.Run(name, func(t *testing.T) {
			f := newFake(t)
			f.on(pullsRoute, status, `{"message":"Validation Failed","errors":[{"resource":"PullRequest","code":"custom","message":"A pull request already exists for acme:portreeve/a/b."}]}`)
			f.mux.HandleFunc("GET /repos/acme/ledger/pulls", func(w http.ResponseWriter, r *http.Request) {
				if q := r.URL.Query(); q.Get("head") != "acme:portreeve/a/b" || q.Get("base") != "main" || q.Get("state") != "open" {
					t.Errorf("asked for %v", q)
				}
				fmt.Fprint(w, openList)
			})
			opened, err := f.client(t).OpenPull(t.Context(), "acme/ledger", aPull)
			if err != nil || opened != (forge.Opened{Number: 4, URL: "https://x/4"}) {
				t.Errorf("%+v, %v", opened, err)
			}
			if n := f.count(pullsRoute); n != 1 {
				t.Errorf("sent %d times", n)
			}
		})
	}
}

func TestOpenPullThatCanNot(t *testing.T) {
	for status, class := range map[int]fleet.Class{422: fleet.Permanent, 502: fleet.Transient, 404: fleet.Permanent} {
		f := newFake(t)
		f.on(pullsRoute, status, `{"message":"Validation Failed","errors":[{"message":"No commits between main and portreeve/a/b"}]}`)
		f.on("GET /repos/acme/ledger/pulls", 200, `[]`)
		_, err := f.client(t).OpenPull(t.Context(), "acme/ledger", aPull)
		if failure := wantFailure(t, err, class); !strings.Contains(failure.Error(), "No commits between main") {
			t.Error(failure)
		}
	}
}

func TestOpenPullWithLabels(t *testing.T) {
	f := newFake(t)
	f.on(pullsRoute, 201, `{"number":5,"html_url":"https://x/5"}`)
	f.on("POST /repos/acme/ledger/issues/5/labels", 403, `{"message":"no"}`)
	labelled := aPull
	labelled.Labels = []string{"portreeve"}
	opened, err := f.client(t).OpenPull(t.Context(), "acme/ledger", labelled)
	wantFailure(t, err, fleet.Permanent)
	if opened.Number != 5 {
		t.Errorf("it is open all the same: %+v", opened)
	}
}

func TestEditPullSendsOnlyWhatIsGiven(t *testing.T) {
	f := newFake(t)
	var mu sync.Mutex
	var sent []map[string]any
	f.mux.HandleFunc("PATCH /repos/acme/ledger/pulls/1", func(w http.ResponseWriter, r *http.Request) {
		var body map[string]any
		_ = json.NewDecoder(r.Body).Decode(&body)
		mu.Lock()
		defer mu.Unlock()
		sent = append(sent, body)
		fmt.Fprint(w, `{}`)
	})
	c := f.client(t)
	for _, text := range []forge.Text{{Title: "T"}, {Body: "B"}, {}} {
		if err := c.EditPull(t.Context(), "acme/ledger", 1, text); err != nil {
			t.Fatal(err)
		}
	}
	if got := fmt.Sprint(sent); got != "[map[title:T] map[body:B]]" {
		t.Error(got)
	}
}

func TestMergeThatWasRefused(t *testing.T) {
	const at, other = `"head":{"sha":"abc"}`, `"head":{"sha":"def"}`
	for name, tc := range map[string]struct {
		status int
		pull   string
		class  fleet.Class // empty: merged
	}{
		"head moved":       {409, `{"state":"open",` + other + `}`, fleet.Moved},
		"forbidden":        {405, `{"state":"open","mergeable_state":"blocked",` + at + `}`, fleet.Permanent},
		"conflict":         {405, `{"state":"open","mergeable_state":"dirty",` + at + `}`, fleet.Permanent},
		"merged before":    {405, `{"state":"closed","merged":true,` + at + `}`, ""},
		"merged elsewhere": {405, `{"state":"closed","merged":true,` + other + `}`, fleet.Moved},
		"closed":           {405, `{"state":"closed",` + at + `}`, fleet.Permanent},
		"no such":          {404, ``, fleet.Permanent},
		"broken answer":    {502, ``, fleet.Transient},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFake(t)
			f.on("PUT /repos/acme/ledger/pulls/1/merge", tc.status, `{"message":"At least 1 approving review is required."}`)
			f.on("GET /repos/acme/ledger/pulls/1", 200, tc.pull)
			err := f.client(t).MergePull(t.Context(), "acme/ledger", 1, "abc", fleet.MergeSquash)
			if tc.class == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			if failure := wantFailure(t, err, tc.class); !strings.Contains(failure.Error(), "approving review") {
				t.Errorf("the forge's words are lost: %v", failure)
			}
		})
	}
}

func TestCloseOfAMergedOne(t *testing.T) {
	f := newFake(t)
	f.on("PATCH /repos/acme/ledger/pulls/1", 422, `{"message":"Validation Failed"}`)
	f.on("GET /repos/acme/ledger/pulls/1", 200, `{"state":"closed","merged":true}`)
	if err := f.client(t).ClosePull(t.Context(), "acme/ledger", 1); err != nil {
		t.Error(err)
	}
}

func TestSetStatusOnceAndCut(t *testing.T) {
	const route = "POST /repos/acme/config/statuses/abc123"
	f := newFake(t)
	var set map[string]string
	f.mux.HandleFunc(route, func(w http.ResponseWriter, r *http.Request) {
		_ = json.NewDecoder(r.Body).Decode(&set)
		w.WriteHeader(http.StatusCreated)
		fmt.Fprint(w, `{}`)
	})
	f.graphql(func(w http.ResponseWriter, q asked) {
		answerEach(w, q, func(string) any {
			if set == nil {
				return json.RawMessage(`{"object":{"status":null}}`)
			}
			return map[string]any{"object": map[string]any{"status": map[string]any{"context": map[string]any{
				"state": strings.ToUpper(set["state"]), "description": set["description"], "targetUrl": nil,
			}}}}
		})
	})
	c := f.client(t)
	for range 2 {
		if err := c.SetStatus(t.Context(), "acme/config", "abc123", fleet.CommitStatus{State: fleet.StatusError, Description: strings.Repeat("é", 200)}); err != nil {
			t.Fatal(err)
		}
	}
	if d := set["description"]; utf8.RuneCountInString(d) != 140 || !strings.HasSuffix(d, "é…") || set["context"] != "portreeve" {
		t.Errorf("%v", set)
	}
	if n := f.count(route); n != 1 {
		t.Errorf("set %d times", n)
	}
}

// 900 reads a minute are fewer than a fleet may have repos: each pass gets
// further, and where it may not ask it uses what it knows.
func TestRulesOfMoreReposThanALimitAllows(t *testing.T) {
	f := newFake(t)
	f.graphql(func(w http.ResponseWriter, q asked) {
		answerEach(w, q, func(string) any {
			return json.RawMessage(`{"squashMergeAllowed":true,"defaultBranchRef":{"name":"main","branchProtectionRule":null}}`)
		})
	})
	f.mux.HandleFunc("GET /repos/acme/{repo}/rules/branches/main", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("ETag", `"1"`)
		fmt.Fprint(w, `[]`)
	})
	now := time.Now()
	c := f.client(t, func(o *Options) { o.Now = func() time.Time { return now } })
	repos := repoNames(1000)
	for pass, want := range []int{900, 1000} {
		answered := 0
		for _, a := range c.Rules(t.Context(), repos) {
			if a.Err == nil {
				answered++
			} else {
				wantFailure(t, a.Err, fleet.Limited)
			}
		}
		if answered != want {
			t.Errorf("pass %d: %d answers, want %d", pass, answered, want)
		}
		now = now.Add(time.Minute)
	}
}

func TestReposOfManyPagesAndOfUsers(t *testing.T) {
	f := newFake(t)
	f.mux.HandleFunc("GET /users/ada/repos", func(w http.ResponseWriter, r *http.Request) {
		page := r.URL.Query().Get("page")
		if page == "" {
			page = "1"
		}
		w.Header().Set("Link", fmt.Sprintf(`<%s/api/v3/users/ada/repos?page=2&per_page=100>; rel="next", <%s/api/v3/users/ada/repos?page=3&per_page=100>; rel="last"`, f.URL, f.URL))
		fmt.Fprintf(w, `[{"full_name":"ada/r%s","id":%s,"topics":["z","a"]},{"full_name":"ada/twice","id":9}]`, page, page)
	})
	f.graphql(func(http.ResponseWriter, asked) {})
	repos, err := f.client(t).Repos(t.Context(), "ada", nil)
	if err != nil || len(repos) != 4 || repos[2].Name != "ada/r3" || fmt.Sprint(repos[0].Topics) != "[a z]" {
		t.Errorf("%+v, %v", repos, err)
	}
}

// A repo must not seem to be gone because the forge stumbled.
func TestReposByNameFailAsAWhole(t *testing.T) {
	f := newFake(t)
	f.graphql(func(w http.ResponseWriter, q asked) {
		answerEach(w, q, func(name string) any {
			switch name {
			case "acme/a":
				return json.RawMessage(`{"databaseId":1,"nameWithOwner":"acme/a","url":"https://x/acme/a","defaultBranchRef":{"name":"main"}}`)
			case "acme/stumbles":
				return &partError{Type: "INTERNAL", Message: "oops"}
			}
			return nil
		})
	})
	c := f.client(t)
	repos, err := c.Repos(t.Context(), "", []fleet.RepoName{"acme/gone", "acme/a"})
	if err != nil || len(repos) != 1 || repos[0].CloneURL != "https://x/acme/a.git" {
		t.Errorf("%+v, %v", repos, err)
	}
	_, err = c.Repos(t.Context(), "", []fleet.RepoName{"acme/a", "acme/stumbles"})
	wantFailure(t, err, fleet.Transient)
}

func TestOpenedSinceAsksForTheApp(t *testing.T) {
	f := newFake(t)
	f.graphql(func(w http.ResponseWriter, q asked) {
		const search = "is:pr author:app/reeve org:acme created:>=2026-01-02T03:04:05Z sort:created-"
		if q.Variables["v0"] != search+"desc" || q.Variables["v1"] != search+"asc" {
			t.Errorf("%v", q.Variables)
		}
		fmt.Fprint(w, `{"data":{"a0":{"issueCount":5,"nodes":[{"createdAt":"2026-01-02T09:00:00Z","headRefName":"b","repository":{"nameWithOwner":"acme/x"}}]},
			"a1":{"issueCount":2,"nodes":[{"createdAt":"2026-01-02T08:00:00Z","headRefName":"b","repository":{"nameWithOwner":"ada/y"}}]},
			"newest0":{"nodes":[]},"newest1":{"nodes":[]}}}`)
	})
	got, err := f.client(t).OpenedSince(t.Context(), []string{"acme", "ada", "acme"}, time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC))
	if err != nil || got.Count != 7 || len(got.Told) != 2 || got.Told[0].Repo != "ada/y" || got.Told[1].At.Hour() != 9 {
		t.Errorf("%+v, %v", got, err)
	}
}

// Of very many the oldest and the newest are read, and the oldest of several
// owners only up to where all are told.
func TestOpenedSinceIsBounded(t *testing.T) {
	f := newFake(t)
	pages := 0
	f.graphql(func(w http.ResponseWriter, q asked) {
		pages++
		node := func(hour int) string {
			return fmt.Sprintf(`{"createdAt":"2026-01-02T%02d:00:00Z","headRefName":"b","repository":{"nameWithOwner":"acme/x"}}`, hour)
		}
		fmt.Fprintf(w, `{"data":{"a0":{"issueCount":9000,"pageInfo":{"hasNextPage":true,"endCursor":"c"},"nodes":[%s]},
			"a1":{"issueCount":2,"nodes":[%s]},"newest0":{"nodes":[%s]},"newest1":{"nodes":[%s]}}}`, node(pages), node(20), node(23), node(20))
	})
	got, err := f.client(t).OpenedSince(t.Context(), []string{"acme", "ada"}, time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC))
	if err != nil || got.Count != 9002 || pages != openedPages || len(got.Told) != openedPages-1+2 || got.Told[openedPages].At.Hour() != 23 {
		t.Errorf("%d pages, %+v, %v", pages, got, err)
	}
}
