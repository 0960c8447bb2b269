package sandbox

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"
)

func ask(t *testing.T, f *Forge, query string, variables obj) (int, map[string]any) {
	t.Helper()
	body, err := json.Marshal(obj{"query": query, "variables": variables})
	must(t, err)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://forge/api/graphql", strings.NewReader(string(body)))
	must(t, err)
	req.Header.Set("Authorization", "bearer bot-token")
	resp, err := (&http.Client{Transport: f.RoundTripper()}).Do(req)
	must(t, err)
	defer resp.Body.Close()
	var out map[string]any
	must(t, json.NewDecoder(resp.Body).Decode(&out))
	return resp.StatusCode, out
}

// dig walks into decoded JSON: "data.repository.pullRequests.nodes.0.title".
func dig(v any, path string) any {
	for _, part := range strings.Split(path, ".") {
		switch at := v.(type) {
		case map[string]any:
			v = at[part]
		case []any:
			i := int(part[0] - '0')
			if i >= len(at) {
				return nil
			}
			v = at[i]
		default:
			return nil
		}
	}
	return v
}

const bigQuery = `query($owner: String!, $first: Int!) {
  viewer { login id }
  rateLimit { cost remaining resetAt limit nodeCount used }
  a: repository(owner: $owner, name: "ledger") { ...r }
  gone: repository(owner: $owner, name: "gone") { id }
  search(query: "is:pr is:open author:portreeve org:acme created:>=2026-11-01", type: ISSUE, first: 1) { issueCount nodes { ... on PullRequest { number } } }
}
fragment r on Repository {
  id nameWithOwner isArchived mergeCommitAllowed squashMergeAllowed rebaseMergeAllowed primaryLanguage { name }
  owner { login __typename } repositoryTopics(first: 5) { nodes { topic { name } } }
  defaultBranchRef { name prefix target { oid ... on Commit { tree { oid } statusCheckRollup { state } status { context(name: "portreeve") { state description targetUrl } } } }
    branchProtectionRule { requiredStatusCheckContexts requiresStrictStatusChecks requiresStatusChecks } }
  refs(refPrefix: "refs/heads/portreeve/", first: $first) { totalCount pageInfo { hasNextPage endCursor } nodes { name prefix target { oid ... on Commit { message tree { oid } } } } }
  object(expression: "HEAD:go.mod") { oid __typename ... on Blob { text } }
  pullRequests(headRefName: "portreeve/x", states: [OPEN, CLOSED], first: 1, orderBy: {field: CREATED_AT, direction: DESC}) { totalCount pageInfo { hasNextPage } nodes { ...p } }
}
fragment p on PullRequest {
  id number url state isDraft title body labels(first: 10) { nodes { name } } author { login __typename }
  baseRefName headRefName headRefOid isCrossRepository createdAt updatedAt closedAt mergedAt mergeable reviewDecision mergeStateStatus mergeCommit { oid }
  commits(last: 1) { nodes { commit { oid message committedDate tree { oid } statusCheckRollup { state contexts(first: 100) { totalCount pageInfo { hasNextPage }
    nodes { __typename ... on CheckRun { name status conclusion detailsUrl } ... on StatusContext { context state targetUrl } } } } } } }
  comments(last: 20) { nodes { databaseId fullDatabaseId author { login __typename } body createdAt } }
  timelineItems(last: 1, itemTypes: [CLOSED_EVENT]) { nodes { ... on ClosedEvent { actor { login __typename } createdAt } } }
}`

func TestGraphQL(t *testing.T) {
	f, c := newForge(t, "", func(s *Spec) {
		s.CI = []CheckSpec{{Name: "build", After: time.Minute}, {Name: "lint", Status: true}}
		s.Rules = Rules{RequiredChecks: []string{"build"}}
	})
	n := propose(t, f, "portreeve/x", "x", "x\n")
	must(t, f.Person("you").Comment(ledger, n, "hello"))
	must(t, f.Person("you").Close(ledger, n))
	must(t, f.Person("you").Reopen(ledger, n))
	status, got := ask(t, f, bigQuery, obj{"owner": "acme", "first": 10})
	if status != 200 {
		t.Fatal(status, got)
	}
	for path, want := range map[string]any{
		"data.viewer.login": "portreeve[bot]", "data.rateLimit.cost": 1.0, "data.search.issueCount": 1.0,
		"data.gone": nil, "errors.0.type": "NOT_FOUND", "errors.0.path.0": "gone",
		"data.a.nameWithOwner": "acme/ledger", "data.a.owner.__typename": "Organization",
		"data.a.defaultBranchRef.name": "main", "data.a.defaultBranchRef.prefix": "refs/heads/",
		"data.a.defaultBranchRef.target.statusCheckRollup.state":                     "PENDING",
		"data.a.defaultBranchRef.target.status.context":                              nil,
		"data.a.defaultBranchRef.branchProtectionRule.requiredStatusCheckContexts.0": "build",
		"data.a.refs.nodes.0.name":                                                   "x", "data.a.refs.nodes.0.prefix": "refs/heads/portreeve/", "data.a.refs.nodes.0.target.message": "Change x",
		"data.a.object.text": "module ledger\n\ngo 1.24\n", "data.a.object.__typename": "Blob",
		"data.a.pullRequests.nodes.0.state": "OPEN", "data.a.pullRequests.nodes.0.author.__typename": "Bot",
		"data.a.pullRequests.nodes.0.mergeStateStatus":                                                 "BLOCKED",
		"data.a.pullRequests.nodes.0.commits.nodes.0.commit.statusCheckRollup.state":                   "PENDING",
		"data.a.pullRequests.nodes.0.commits.nodes.0.commit.statusCheckRollup.contexts.nodes.0.status": "IN_PROGRESS",
		"data.a.pullRequests.nodes.0.commits.nodes.0.commit.statusCheckRollup.contexts.nodes.1.state":  "SUCCESS",
		"data.a.pullRequests.nodes.0.comments.nodes.0.body":                                            "hello",
		"data.a.pullRequests.nodes.0.timelineItems.nodes.0.actor.login":                                "you",
		"data.a.pullRequests.nodes.0.reviewDecision":                                                   nil,
	} {
		// What is asked for first may be read before or after mergeable is.
		if strings.HasSuffix(path, "mergeStateStatus") {
			_, got = ask(t, f, bigQuery, obj{"owner": "acme", "first": 10})
		}
		if have := dig(got, path); have != want {
			t.Errorf("%s: %v, want %v", path, have, want)
		}
	}
	c.advance(time.Minute)
	_, got = ask(t, f, bigQuery, obj{"owner": "acme", "first": 10})
	if have := dig(got, "data.a.pullRequests.nodes.0.mergeStateStatus"); have != "CLEAN" {
		t.Error(have)
	}
	id := dig(got, "data.a.pullRequests.nodes.0.id")
	_, got = ask(t, f, `query($ids: [ID!]!) { nodes(ids: $ids) { id __typename ... on PullRequest { number } } }`, obj{"ids": []any{id, "PR_0_0"}})
	if dig(got, "data.nodes.0.number") != 1.0 || dig(got, "data.nodes.1") != nil {
		t.Error(got)
	}
}

func TestGraphQLRefuses(t *testing.T) {
	f, _ := newForge(t, "", nil)
	for query, want := range map[string]string{
		`{ repository(owner: "acme", name: "ledger") { refs(refPrefix: "refs/heads/") { totalCount } } }`:             "MISSING_PAGINATION_BOUNDARIES",
		`{ repository(owner: "acme", name: "ledger") { refs(refPrefix: "refs/heads/", first: 101) { totalCount } } }`: "EXCESSIVE_PAGINATION",
	} {
		if _, got := ask(t, f, query, nil); dig(got, "errors.0.type") != want {
			t.Error(got)
		}
	}
	limits := GitHubLimits()
	limits.HeavyQuery = 50
	f.SetLimits(limits)
	heavy := `{ repository(owner: "acme", name: "ledger") { refs(refPrefix: "refs/heads/", first: 100) { totalCount } } }`
	if status, got := ask(t, f, heavy, nil); status != 502 || !strings.Contains(dig(got, "errors.0.message").(string), "timeout") {
		t.Error(status, got)
	}
	if status, got := ask(t, f, `{ nonsense }`, nil); status != 200 || dig(got, "errors.0.message") == nil {
		t.Error(status, got)
	}
}

func TestWeigh(t *testing.T) {
	for query, want := range map[string]weight{
		`{ viewer { login } }`: {0, 0},
		`query($n: Int) { viewer { repositories(first: $n) { nodes { issues(first: 50) { nodes { labels(last: 60) { totalCount } } } } } } }`:                                {5101, 100 + 5000 + 300000},
		`{ a: repository(owner: "o", name: "first: 9") { ...f } b: repository(owner: "o", name: "n") { ...f } } fragment f on Repository { refs(first: 10) { totalCount } }`: {2, 20},
		`{ nodes(ids: ["a", "b"]) { ... on Repository { refs(first: 3) { totalCount } } } }`:                                                                                 {3, 8},
		`fragment f on X { ...f } { ...f }`: {0, 0},
		`}{((`:                              {0, 0},
	} {
		if got := weigh(query, map[string]any{"n": 100.0}); got != want {
			t.Errorf("%s: %+v, want %+v", query, got, want)
		}
	}
	if got := (weight{requests: 5101}).points(); got != 51 {
		t.Error(got) // the example of GitHub's documentation
	}
}

func FuzzWeigh(f *testing.F) {
	f.Add(bigQuery)
	f.Add(`{ a(first: 1) { ...f } } fragment f on X { ...f ...f }`)
	f.Fuzz(func(t *testing.T, query string) { weigh(query, nil) })
}
