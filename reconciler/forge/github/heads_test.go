package github

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/portreeve/portreeve/reconciler/fleet"
)

const fullHead = `{"defaultBranchRef":{"name":"main","target":{"oid":"c1","tree":{"oid":"t1"},"statusCheckRollup":{"contexts":{"totalCount":2}},
"status":{"context":{"state":"FAILURE","description":"2 problems","targetUrl":"https://x/1"}}}},
"refs":{"nodes":[{"name":"ownership/ledger","target":{"oid":"b1","message":"m","tree":{"oid":"bt"}}},{"name":"migration/a--eu","target":{"oid":"b2"}}],
"pageInfo":{"hasNextPage":false}}}`

func TestHeadsMapsWhatTheForgeSays(t *testing.T) {
	f := newFake(t)
	f.graphql(func(w http.ResponseWriter, q asked) {
		answerEach(w, q, func(name string) any {
			switch name {
			case "acme/full":
				return json.RawMessage(fullHead)
			case "acme/empty":
				return json.RawMessage(`{"defaultBranchRef":null,"refs":null}`)
			case "acme/unchecked":
				return json.RawMessage(`{"defaultBranchRef":{"name":"main","target":{"oid":"c2","tree":{"oid":"t2"},"statusCheckRollup":null,"status":null}},"refs":{"nodes":[]}}`)
			}
			return nil
		})
	})
	got := f.client(t).Heads(t.Context(), []fleet.RepoName{"acme/full", "acme/empty", "acme/unchecked", "acme/gone", `acme/"){x`, "acme/full"})

	full := got["acme/full"].Value
	if full.Commit != "c1" || full.Tree != "t1" || !full.Checked {
		t.Errorf("full: %+v", full)
	}
	if want := (fleet.CommitStatus{State: fleet.StatusFailure, Description: "2 problems", URL: "https://x/1"}); full.Status == nil || *full.Status != want {
		t.Errorf("status: %+v", full.Status)
	}
	want := []fleet.Branch{{Name: "portreeve/migration/a--eu", Commit: "b2"}, {Name: "portreeve/ownership/ledger", Commit: "b1", Tree: "bt", Message: "m"}}
	if fmt.Sprint(full.Branches) != fmt.Sprint(want) {
		t.Errorf("branches: %+v", full.Branches)
	}
	if a := got["acme/empty"]; a.Err != nil || a.Value.Commit != "" {
		t.Errorf("empty: %+v", a)
	}
	if a := got["acme/unchecked"]; a.Err != nil || a.Value.Checked || a.Value.Commit != "c2" {
		t.Errorf("unchecked: %+v", a)
	}
	wantFailure(t, got["acme/gone"].Err, fleet.Permanent)
	wantFailure(t, got[`acme/"){x`].Err, fleet.Permanent)
}

func TestHeadsReadsFurtherPagesOfBranches(t *testing.T) {
	f := newFake(t)
	f.graphql(func(w http.ResponseWriter, q asked) {
		answerEach(w, q, func(string) any {
			if q.Operation == "Refs" {
				return json.RawMessage(`{"refs":{"nodes":[{"name":"b","target":{"oid":"2"}}],"pageInfo":{"hasNextPage":false}}}`)
			}
			return json.RawMessage(`{"defaultBranchRef":null,"refs":{"nodes":[{"name":"a","target":{"oid":"1"}}],"pageInfo":{"hasNextPage":true,"endCursor":"x"}}}`)
		})
	})
	a := f.client(t).Heads(t.Context(), []fleet.RepoName{"acme/many"})["acme/many"]
	if a.Err != nil || len(a.Value.Branches) != 2 {
		t.Fatalf("%+v", a)
	}
}

// A query that asks for too much comes in many ways; each is asked again in
// smaller parts, and only what fails alone fails.
func TestHeavyQueriesAreHalved(t *testing.T) {
	refusals := map[string]func(w http.ResponseWriter){
		"502": func(w http.ResponseWriter) { http.Error(w, "<html>", http.StatusBadGateway) },
		"504": func(w http.ResponseWriter) { http.Error(w, `{"message":"timeout"}`, http.StatusGatewayTimeout) },
		"untyped": func(w http.ResponseWriter) {
			fmt.Fprint(w, `{"data":null,"errors":[{"message":"Something went wrong while executing your query."}]}`)
		},
		"nodes": func(w http.ResponseWriter) {
			fmt.Fprint(w, `{"errors":[{"type":"MAX_NODE_LIMIT_EXCEEDED","message":"too many"}]}`)
		},
	}
	for name, refuse := range refusals {
		t.Run(name, func(t *testing.T) {
			f := newFake(t)
			f.graphql(func(w http.ResponseWriter, q asked) {
				all := q.aliases()
				poisoned := strings.Contains(fmt.Sprint(all), "repo-042")
				if len(all) > 13 || poisoned {
					refuse(w)
					return
				}
				answerEach(w, q, func(string) any { return json.RawMessage(fullHead) })
			})
			c := f.client(t)
			got := c.Heads(t.Context(), repoNames(250))
			for repo, a := range got {
				if repo == "acme/repo-042" {
					wantFailure(t, a.Err, fleet.Transient)
				} else if a.Err != nil {
					t.Fatalf("%s: %v", repo, a.Err)
				}
			}
			if len(got) != 250 {
				t.Fatalf("%d answers", len(got))
			}
			if n := f.count("POST /api/graphql"); n > 90 {
				t.Errorf("%d queries", n)
			}
		})
	}
}

// What a partial answer refuses as too heavy is asked again, the rest stands.
func TestPartsThatAreTooHeavyAreAskedAgain(t *testing.T) {
	f := newFake(t)
	f.graphql(func(w http.ResponseWriter, q asked) {
		n := 0
		answerEach(w, q, func(string) any {
			if n++; n > 10 {
				return &partError{Type: "RESOURCE_LIMITS_EXCEEDED", Message: "too much"}
			}
			return json.RawMessage(fullHead)
		})
	})
	for repo, a := range f.client(t).Heads(t.Context(), repoNames(40)) {
		if a.Err != nil {
			t.Fatalf("%s: %v", repo, a.Err)
		}
	}
}

// A forge that is down is not asked once for each repo.
func TestOutageIsNotMultiplied(t *testing.T) {
	f := newFake(t)
	f.on("POST /api/graphql", http.StatusBadGateway, "<html>")
	c := f.client(t)
	got := c.Heads(t.Context(), repoNames(2000))
	if len(got) != 2000 {
		t.Fatalf("%d answers", len(got))
	}
	for _, a := range got {
		wantFailure(t, a.Err, fleet.Transient)
	}
	if n := f.count("POST /api/graphql"); n > 3*maxHeavy {
		t.Errorf("%d queries", n)
	}
	if c.heads.next() != 100 {
		t.Errorf("the next pass would ask for %d repos a query", c.heads.next())
	}
}

func TestPacerGrowsBackSlowly(t *testing.T) {
	p := pacer{top: 100}
	p.next()
	p.refused(50)
	if n := p.next(); n != 50 {
		t.Fatalf("after a refusal: %d", n)
	}
	for range 5 {
		p.answered(50)
	}
	if n := p.next(); n != 61 {
		t.Fatalf("after five answers: %d", n)
	}
	for range 100 {
		p.answered(p.next())
	}
	if n := p.next(); n != 100 {
		t.Fatalf("in the end: %d", n)
	}
}

func TestHalfAnAnswerIsAskedAgainOnce(t *testing.T) {
	for _, cure := range []int32{1, 2} {
		f := newFake(t)
		var n atomic.Int32
		f.graphql(func(w http.ResponseWriter, q asked) {
			if n.Add(1) <= cure {
				fmt.Fprint(w, `{"data":{"a0":{"defaultBr`)
				return
			}
			answerEach(w, q, func(string) any { return json.RawMessage(fullHead) })
		})
		a := f.client(t).Heads(t.Context(), repoNames(1))["acme/repo-000"]
		if cure == 1 && a.Err != nil {
			t.Errorf("the second answer was whole: %v", a.Err)
		}
		if cure == 2 {
			wantFailure(t, a.Err, fleet.Transient)
		}
		if n.Load() != 2 {
			t.Errorf("%d queries", n.Load())
		}
	}
}

// An App that may not read checks must not read as "no check has reported".
func TestAPartThatIsForbiddenFailsItsRepo(t *testing.T) {
	f := newFake(t)
	f.graphql(func(w http.ResponseWriter, q asked) {
		fmt.Fprint(w, `{"data":{"a0":`+strings.Replace(fullHead, `{"contexts":{"totalCount":2}}`, "null", 1)+`},"errors":[{"type":"FORBIDDEN",
"path":["a0","defaultBranchRef","target","statusCheckRollup"],"message":"Resource not accessible by integration"}]}`)
	})
	wantFailure(t, f.client(t).Heads(t.Context(), repoNames(1))["acme/repo-000"].Err, fleet.Permanent)
}

func BenchmarkHeadsBatch(b *testing.B) {
	repos := repoNames(100)
	answer := []byte(`{"data":{`)
	for i := range repos {
		answer = fmt.Appendf(answer, `"a%d":%s,`, i, fullHead)
	}
	answer = append(answer, `"rateLimit":{"cost":1,"remaining":4999,"resetAt":"2030-01-01T00:00:00Z"}}}`...)
	f := newFake(b)
	c := f.client(b, func(o *Options) { o.HTTP = canned(answer) })
	b.ReportAllocs()
	for b.Loop() {
		c.budget = newBudget(c.now, 0)
		c.http.Transport.(*transport).budget = c.budget
		if a := c.Heads(b.Context(), repos)[repos[99]]; a.Err != nil {
			b.Fatal(a.Err)
		}
	}
}
