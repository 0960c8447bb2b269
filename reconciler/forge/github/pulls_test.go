package github

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/forge"
)

const pullJSON = `{"number":7,"url":"https://x/7","state":"CLOSED","isDraft":true,"isCrossRepository":false,"title":"T","body":"B",
"labels":{"nodes":[{"name":"z"},{"name":"a"}]},"baseRefName":"main","headRefName":"portreeve/ownership/x","headRefOid":"h0",
"author":{"__typename":"Bot","login":"reeve"},"createdAt":"2026-01-01T00:00:00Z","updatedAt":"2026-01-02T00:00:00Z","closedAt":"2026-01-03T00:00:00Z","mergedAt":null,
"mergeable":"CONFLICTING","mergeStateStatus":"BLOCKED","reviewDecision":"CHANGES_REQUESTED","autoMergeRequest":{"enabledBy":null},
"mergeQueueEntry":{"position":3,"state":"AWAITING_CHECKS","enqueuedAt":"2026-01-02T00:00:00Z","estimatedTimeToMerge":90,"enqueuer":{"__typename":"Bot","login":"reeve"}},
"commits":{"nodes":[{"commit":{"oid":"h1","message":"M\n\nPortreeve-Spec: 1","committedDate":"2026-01-01T10:00:00Z","tree":{"oid":"t1"},"signature":{"isValid":false},"statusCheckRollup":ROLLUP}}]},
"comments":{"nodes":[{"fullDatabaseId":"4000000001","author":null,"body":"one","createdAt":"2026-01-01T01:00:00Z"},
{"fullDatabaseId":"4000000002","author":{"__typename":"User","login":"reeve"},"body":"two","createdAt":"2026-01-01T02:00:00Z"}]},
"timelineItems":{"nodes":[{"actor":{"__typename":"User","login":"ada"}}]}}`

const rollupJSON = `{"state":"FAILURE","contexts":{"pageInfo":{"hasNextPage":true},"nodes":[
{"__typename":"CheckRun","name":"build","status":"COMPLETED","conclusion":"SUCCESS","detailsUrl":"https://x/b","checkSuite":{"app":{"databaseId":15368}}},
{"__typename":"CheckRun","name":"lint","status":"COMPLETED","conclusion":"SKIPPED"},
{"__typename":"CheckRun","name":"e2e","status":"IN_PROGRESS","conclusion":null},
{"__typename":"CheckRun","name":"new","status":"COMPLETED","conclusion":"INVENTED_IN_2027"},
{"__typename":"StatusContext","context":"cla","state":"EXPECTED","targetUrl":null,"creator":{"__typename":"Bot","login":"cla-app"}}]}}`

func pullsAnswer(rollup string, pulls ...string) json.RawMessage {
	return json.RawMessage(`{"defaultBranchRef":{"target":{"oid":"base"}},"pullRequests":{"nodes":[` +
		strings.ReplaceAll(strings.Join(pulls, ","), "ROLLUP", rollup) + `],"pageInfo":{"hasNextPage":false}}}`)
}

var oneBranch = forge.Branch{Repo: "acme/ledger", Name: "portreeve/ownership/x"}

func TestPullRequestsMapsWhatTheForgeSays(t *testing.T) {
	f := newFake(t)
	f.graphql(func(w http.ResponseWriter, q asked) {
		answerEach(w, q, func(string) any { return pullsAnswer(rollupJSON, pullJSON) })
	})
	f.on("GET /apps/cla-app", 200, `{"id":42}`)
	c := f.client(t)
	c.PullRequests(t.Context(), []forge.Branch{oneBranch})
	a := c.PullRequests(t.Context(), []forge.Branch{oneBranch})[oneBranch]
	if a.Err != nil || a.Value == nil {
		t.Fatalf("%+v", a)
	}
	if n := f.count("GET /apps/cla-app"); n != 1 {
		t.Errorf("asked %d times which App it is", n)
	}
	p := a.Value
	if p.State != fleet.PullClosed || !p.Draft || p.Number != 7 || p.BaseCommit != "base" || fmt.Sprint(p.Labels) != "[a z]" {
		t.Errorf("%+v", p)
	}
	if p.HeadCommit != "h1" || p.HeadTree != "t1" || !strings.HasSuffix(p.HeadMessage, "Spec: 1") || p.HeadTime.Hour() != 10 {
		t.Errorf("its head is of two commits: %+v", p)
	}
	if p.Mergeable != fleet.MergeableConflict || p.Review != fleet.ReviewChangesRequested {
		t.Errorf("%s, %s", p.Mergeable, p.Review)
	}
	if want := (fleet.Actor{Login: "reeve", Bot: true, Self: true}); p.Author != want {
		t.Errorf("author: %+v", p.Author)
	}
	if want := (fleet.Actor{Login: "ada"}); p.ClosedBy != want {
		t.Errorf("closed by: %+v", p.ClosedBy)
	}
	queued := fleet.QueueEntry{
		Position: 3, State: fleet.QueueChecking, By: fleet.Actor{Login: "reeve", Bot: true, Self: true},
		Since: time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC), Estimate: 90 * time.Second,
	}
	if p.Queued == nil || *p.Queued != queued || !p.Held || p.AutoMerge == nil || p.AutoMerge.Login != "ghost" {
		t.Errorf("%+v, held %v, by itself %+v", p.Queued, p.Held, p.AutoMerge)
	}
	if p.Signature != fleet.SignatureUnverified || p.Checks[0].App != 15368 || p.Checks[1].App != 0 || p.Checks[4].App != 42 {
		t.Errorf("%s, %+v", p.Signature, p.Checks)
	}
	if !p.Closed.Equal(time.Date(2026, 1, 3, 0, 0, 0, 0, time.UTC)) {
		t.Errorf("closed: %v", p.Closed)
	}
	if m := p.Comments; len(m) != 2 || m[0].ID != 4000000001 || m[0].Author.Login != "ghost" || m[1].Author.Self {
		t.Errorf("a person with an App's login is not the App: %+v", m)
	}
	var states []string
	for _, c := range p.Checks {
		states = append(states, c.Name+" "+string(c.State))
	}
	if got := strings.Join(states, ", "); got != "build success, lint neutral, e2e pending, new failure, cla pending, further checks failure" {
		t.Errorf("checks: %s", got)
	}
}

func TestNoCheckReportedIsNotAnEmptyList(t *testing.T) {
	for rollup, want := range map[string]bool{"null": true, `{"state":"SUCCESS","contexts":{"nodes":[]}}`: false} {
		f := newFake(t)
		f.graphql(func(w http.ResponseWriter, q asked) {
			answerEach(w, q, func(string) any { return pullsAnswer(rollup, pullJSON) })
		})
		a := f.client(t).PullRequests(t.Context(), []forge.Branch{oneBranch})[oneBranch]
		if a.Err != nil || (a.Value.Checks == nil) != want {
			t.Errorf("rollup %s: %+v, %v", rollup, a.Value, a.Err)
		}
	}
}

// Anyone can open pull requests from forks whose branch has our name; they
// must not hide the one that a person closed.
func TestPullRequestsOfForksHideNothing(t *testing.T) {
	foreign := strings.Replace(pullJSON, `"isCrossRepository":false`, `"isCrossRepository":true`, 1)
	f := newFake(t)
	f.graphql(func(w http.ResponseWriter, q asked) {
		answerEach(w, q, func(string) any {
			if strings.Contains(q.Query, "after:") {
				return pullsAnswer("null", foreign, foreign, pullJSON)
			}
			return json.RawMessage(strings.Replace(string(pullsAnswer("null", foreign)), `"hasNextPage":false`, `"hasNextPage":true,"endCursor":"x"`, 1))
		})
	})
	a := f.client(t).PullRequests(t.Context(), []forge.Branch{oneBranch})[oneBranch]
	if a.Err != nil || a.Value == nil || a.Value.ClosedBy.Login != "ada" {
		t.Fatalf("%+v", a)
	}
}

// Whoever reopens an older one has it found again, also behind those of forks;
// and forks alone make nobody read on.
func TestAnOlderPullRequestThatIsOpenIsFound(t *testing.T) {
	fork := strings.NewReplacer(`"isCrossRepository":false`, `"isCrossRepository":true`, `"CLOSED"`, `"OPEN"`).Replace(pullJSON)
	older := strings.NewReplacer(`"number":7`, `"number":3`, `"CLOSED"`, `"OPEN"`).Replace(pullJSON)
	for name, test := range map[string]struct {
		open          string // beside the newest, which is closed
		first, second string // pages of those that are open
		number, asked int
	}{
		"reopened":            {`{"nodes":[{"isCrossRepository":false}]}`, older, "", 3, 2},
		"behind forks":        {`{"nodes":[{"isCrossRepository":true}],"pageInfo":{"hasNextPage":true}}`, fork, older, 3, 3},
		"closed meanwhile":    {`{"nodes":[{"isCrossRepository":false}]}`, "", "", 7, 2},
		"of forks alone":      {`{"nodes":[{"isCrossRepository":true}],"pageInfo":{"hasNextPage":false}}`, "", "", 7, 1},
		"of many forks alone": {`{"nodes":[{"isCrossRepository":true}],"pageInfo":{"hasNextPage":true}}`, fork, fork, 7, 3},
	} {
		t.Run(name, func(t *testing.T) {
			f, asks := newFake(t), 0
			page := func(pulls, next string) any {
				var all []string
				if pulls != "" {
					all = append(all, pulls)
				}
				return json.RawMessage(strings.Replace(string(pullsAnswer("null", all...)), `"pageInfo":{"hasNextPage":false}}`, next, 1))
			}
			f.graphql(func(w http.ResponseWriter, q asked) {
				asks++
				answerEach(w, q, func(string) any {
					switch {
					case strings.Contains(q.Query, "open:"):
						return page(pullJSON, `"pageInfo":{"hasNextPage":true,"endCursor":"w"}},"open":`+test.open)
					case strings.Contains(q.Query, "after:"):
						return page(test.second, `"pageInfo":{"hasNextPage":false}}`)
					}
					return page(test.first, fmt.Sprintf(`"pageInfo":{"hasNextPage":%v,"endCursor":"x"}}`, test.second != ""))
				})
			})
			a := f.client(t).PullRequests(t.Context(), []forge.Branch{oneBranch})[oneBranch]
			if a.Err != nil || a.Value == nil || a.Value.Number != test.number || asks != test.asked {
				t.Fatalf("%+v after %d queries", a, asks)
			}
		})
	}
}

func TestNoPullRequestIsNoFailure(t *testing.T) {
	f := newFake(t)
	f.graphql(func(w http.ResponseWriter, q asked) {
		answerEach(w, q, func(name string) any {
			if name == "acme/gone" {
				return nil
			}
			return pullsAnswer("null")
		})
	})
	gone := forge.Branch{Repo: "acme/gone", Name: oneBranch.Name}
	got := f.client(t).PullRequests(t.Context(), []forge.Branch{oneBranch, gone})
	if a := got[oneBranch]; a.Err != nil || a.Value != nil {
		t.Errorf("%+v", a)
	}
	wantFailure(t, got[gone].Err, fleet.Permanent)
}

func TestMergedTellsWhen(t *testing.T) {
	merged := strings.Replace(strings.Replace(pullJSON, `"CLOSED"`, `"MERGED"`, 1), `"mergedAt":null`, `"mergedAt":"2026-01-04T00:00:00Z"`, 1)
	f := newFake(t)
	f.graphql(func(w http.ResponseWriter, q asked) {
		answerEach(w, q, func(string) any { return pullsAnswer("null", merged) })
	})
	p := f.client(t).PullRequests(t.Context(), []forge.Branch{oneBranch})[oneBranch].Value
	if p.State != fleet.PullMerged || p.Closed.Day() != 4 || p.ClosedBy.Login != "" {
		t.Errorf("%+v", p)
	}
}

// Whatever a forge answers, it is an answer or a failure.
func FuzzAnswers(f *testing.F) {
	f.Add([]byte(`{"data":{"a0":` + string(pullsAnswer(rollupJSON, pullJSON)) + `}}`))
	f.Add([]byte(`{"data":{"a0":` + fullHead + `}}`))
	f.Add([]byte(`{"data":{"a0":null},"errors":[null,{"path":["a0",1],"type":"NOT_FOUND"},{"path":[7]}]}`))
	f.Add([]byte(`{"data":{"a0":{"pullRequests":{"nodes":[null]},"refs":{"nodes":[null]}}}}`))
	c, err := New(Options{})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		got, err := c.decode(&http.Response{Body: io.NopCloser(bytes.NewReader(body))})
		if err != nil {
			c.fail("", "", err)
			return
		}
		var pulls branchAnswer
		if got.into("a0", &pulls) == nil {
			for i := range pulls.PullRequests.Nodes {
				pulls.PullRequests.Nodes[i].pull("acme/ledger", &pulls, fleet.Actor{Login: "reeve"}, func(string) int64 { return 0 })
			}
		}
		var head headAnswer
		if got.into("a0", &head) == nil {
			head.head()
		}
		var rules ruleAnswer
		if got.into("a0", &rules) == nil {
			rules.rules()
		}
	})
}
