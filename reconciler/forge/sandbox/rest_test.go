package sandbox

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-github/v62/github"

	"github.com/portreeve/portreeve/reconciler/fleet"
)

// serve serves a forge and gives a go-github client that acts as portreeve.
func serve(t *testing.T, f *Forge) (*httptest.Server, *github.Client) {
	t.Helper()
	server := httptest.NewServer(f.Handler())
	t.Cleanup(server.Close)
	client, err := github.NewClient(nil).WithAuthToken("bot-token").WithEnterpriseURLs(server.URL, server.URL)
	must(t, err)
	return server, client
}

func statusOf(err error) int {
	if e := (*github.ErrorResponse)(nil); errors.As(err, &e) {
		return e.Response.StatusCode
	}
	return 0
}

func TestRESTLifeOfAPull(t *testing.T) {
	f, c := newForge(t, "", func(s *Spec) { s.CI = []CheckSpec{{Name: "build", After: time.Minute}, {Name: "lint", Status: true}} })
	_, gh := serve(t, f)
	ctx := context.Background()
	head, err := f.Person("you").CommitFile(ledger, "portreeve/x", "x", "x\n", "Add x")
	must(t, err)
	pr, _, err := gh.PullRequests.Create(ctx, "acme", "ledger", &github.NewPullRequest{
		Title: github.String("Add x"), Head: github.String("portreeve/x"), Base: github.String("main"), Body: github.String("Why: x"),
	})
	must(t, err)
	if pr.GetNumber() != 1 || pr.GetUser().GetLogin() != "portreeve" || pr.GetUser().GetType() != "Bot" ||
		pr.Head.GetSHA() != string(head) || pr.GetChangedFiles() != 1 || pr.GetAdditions() != 1 || pr.Mergeable != nil {
		t.Errorf("%+v", pr)
	}
	_, _, err = gh.PullRequests.Create(ctx, "acme", "ledger", &github.NewPullRequest{
		Title: github.String("Add x"), Head: github.String("portreeve/x"), Base: github.String("main"),
	})
	if statusOf(err) != 422 || !strings.Contains(err.Error(), "A pull request already exists for acme:portreeve/x.") {
		t.Error(err)
	}
	labels, _, err := gh.Issues.AddLabelsToIssue(ctx, "acme", "ledger", 1, []string{"portreeve"})
	if err != nil || len(labels) != 1 {
		t.Error(labels, err)
	}
	comment, _, err := gh.Issues.CreateComment(ctx, "acme", "ledger", 1, &github.IssueComment{Body: github.String("hello")})
	if err != nil || comment.GetBody() != "hello" {
		t.Error(comment, err)
	}
	runs, _, err := gh.Checks.ListCheckRunsForRef(ctx, "acme", "ledger", string(head), nil)
	if err != nil || runs.GetTotal() != 1 || runs.CheckRuns[0].GetStatus() != "in_progress" {
		t.Error(runs, err)
	}
	c.advance(time.Minute)
	combined, _, err := gh.Repositories.GetCombinedStatus(ctx, "acme", "ledger", "portreeve/x", nil)
	if err != nil || combined.GetState() != "success" || combined.GetTotalCount() != 1 {
		t.Error(combined, err)
	}
	if pr, _, err = gh.PullRequests.Get(ctx, "acme", "ledger", 1); err != nil || !pr.GetMergeable() || pr.GetMergeableState() != "clean" {
		t.Error(pr, err)
	}
	files, _, err := gh.PullRequests.ListFiles(ctx, "acme", "ledger", 1, nil)
	if err != nil || len(files) != 1 || files[0].GetPatch() != "@@ -0,0 +1 @@\n+x" {
		t.Error(files, err)
	}
	_, _, err = gh.PullRequests.Merge(ctx, "acme", "ledger", 1, "", &github.PullRequestOptions{SHA: strings.Repeat("0", 40)})
	if statusOf(err) != 409 {
		t.Error(err)
	}
	merged, _, err := gh.PullRequests.Merge(ctx, "acme", "ledger", 1, "", &github.PullRequestOptions{SHA: string(head), MergeMethod: "squash"})
	if err != nil || !merged.GetMerged() {
		t.Error(merged, err)
	}
	content, _, _, err := gh.Repositories.GetContents(ctx, "acme", "ledger", "x", nil)
	if err != nil {
		t.Fatal(err)
	}
	if text, _ := content.GetContent(); text != "x\n" {
		t.Error(text)
	}
	_, _, err = gh.PullRequests.Merge(ctx, "acme", "ledger", 1, "", nil)
	if statusOf(err) != 405 {
		t.Error(err)
	}
}

func TestRESTReads(t *testing.T) {
	f, _ := newForge(t, "", func(s *Spec) {
		s.Rules = Rules{RequiredChecks: []string{"build"}, UpToDate: true, RequiredApprovals: 1, Ruleset: true}
	})
	for _, name := range []fleet.RepoName{"acme/a", "acme/b", "acme/c"} {
		must(t, f.CreateRepo(Spec{Name: name}))
	}
	_, gh := serve(t, f)
	ctx := context.Background()
	me, _, err := gh.Users.Get(ctx, "")
	if err != nil || me.GetLogin() != "portreeve" {
		t.Error(me, err)
	}
	var names []string
	opt := &github.RepositoryListByOrgOptions{ListOptions: github.ListOptions{PerPage: 2}}
	for {
		repos, resp, err := gh.Repositories.ListByOrg(ctx, "acme", opt)
		must(t, err)
		for _, r := range repos {
			names = append(names, r.GetName())
		}
		if opt.Page = resp.NextPage; opt.Page == 0 {
			break
		}
	}
	if got := strings.Join(names, " "); got != "a b c ledger" {
		t.Error(got)
	}
	rules, _, err := gh.Repositories.GetRulesForBranch(ctx, "acme", "ledger", "main")
	if err != nil || len(rules) != 2 {
		t.Error(rules, err)
	}
	branch, _, err := gh.Repositories.GetBranch(ctx, "acme", "ledger", "main", 0)
	if err != nil || !branch.GetProtected() || branch.GetCommit().GetSHA() == "" {
		t.Error(branch, err)
	}
	ref, _, err := gh.Git.GetRef(ctx, "acme", "ledger", "heads/main")
	if err != nil || ref.GetObject().GetSHA() != branch.GetCommit().GetSHA() {
		t.Error(ref, err)
	}
	limits, _, err := gh.RateLimit.Get(ctx)
	if err != nil || limits.Core.Limit != 5000 || limits.Core.Remaining > 4999 {
		t.Error(limits, err)
	}
	result, _, err := gh.Search.Issues(ctx, "is:pr author:portreeve org:acme created:>=2026-11-01", nil)
	if err != nil || result.GetTotal() != 0 {
		t.Error(result, err)
	}
	if _, _, err := gh.Repositories.Get(ctx, "acme", "none"); statusOf(err) != 404 {
		t.Error(err)
	}
	if _, _, err := gh.Repositories.ListHooks(ctx, "acme", "ledger", nil); statusOf(err) != 501 {
		t.Error(err)
	}
}

func get(t *testing.T, url string, header ...string) (*http.Response, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	must(t, err)
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	must(t, err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	must(t, err)
	return resp, string(body)
}

func TestRESTIdentityAndETag(t *testing.T) {
	f, _ := newForge(t, "", func(s *Spec) { s.Private = true })
	server, _ := serve(t, f)
	url := server.URL + "/repos/acme/ledger" // as under api.github.com
	if resp, _ := get(t, url); resp.StatusCode != 404 {
		t.Error("a private repo must not be seen by nobody", resp.Status)
	}
	if resp, body := get(t, url, "Authorization", "Bearer wrong"); resp.StatusCode != 401 || !strings.Contains(body, `"message":"Bad credentials"`) {
		t.Error(resp.Status, body)
	}
	resp, _ := get(t, url, "Authorization", "token bot-token")
	tag := resp.Header.Get("ETag")
	left := resp.Header.Get("X-RateLimit-Remaining")
	if resp.StatusCode != 200 || tag == "" || left != "4999" {
		t.Error(resp.Status, tag, left)
	}
	if resp, _ = get(t, url, "Authorization", "token bot-token", "If-None-Match", tag); resp.StatusCode != 304 || resp.Header.Get("X-RateLimit-Remaining") != "4999" {
		t.Error(resp.Status, resp.Header)
	}
	if n := f.Counts().NotModified; n != 1 {
		t.Error(n)
	}
}

func TestRESTLimits(t *testing.T) {
	f, c := newForge(t, "", nil)
	limits := GitHubLimits()
	limits.REST, limits.CreatePerMin = 3, 1
	f.SetLimits(limits)
	n := propose(t, f, "portreeve/x", "x", "x\n")
	_, gh := serve(t, f)
	ctx := context.Background()
	comment := func() error {
		_, _, err := gh.Issues.CreateComment(ctx, "acme", "ledger", n, &github.IssueComment{Body: github.String("hi")})
		return err
	}
	must(t, comment())
	var secondary *github.AbuseRateLimitError
	if err := comment(); !errors.As(err, &secondary) || secondary.GetRetryAfter() != time.Minute {
		t.Errorf("%#v", err)
	}
	c.advance(time.Minute)
	base := gh.BaseURL.String() // a new client, for the old one still waits by the true clock
	gh, err := github.NewClient(nil).WithAuthToken("bot-token").WithEnterpriseURLs(base, base)
	must(t, err)
	must(t, comment())
	var primary *github.RateLimitError
	if err := comment(); !errors.As(err, &primary) || primary.Rate.Remaining != 0 {
		t.Errorf("%#v", err)
	}
}

func TestHTTPFaults(t *testing.T) {
	f, _ := newForge(t, "", nil)
	n := propose(t, f, "portreeve/x", "x", "x\n")
	server, gh := serve(t, f)
	ctx := context.Background()
	for name, c := range map[string]struct {
		fault FaultAnswer
		done  bool
		want  func(error) bool
	}{
		"502":   {FaultAnswer{Status: 502}, false, func(err error) bool { return statusOf(err) == 502 }},
		"reset": {FaultAnswer{Reset: true}, false, func(err error) bool { return err != nil && statusOf(err) == 0 }},
		"lost":  {FaultAnswer{Reset: true, Done: true}, true, func(err error) bool { return err != nil && statusOf(err) == 0 }},
		"half":  {FaultAnswer{Half: true}, true, func(err error) bool { return errors.Is(err, io.ErrUnexpectedEOF) }},
		"slow":  {FaultAnswer{Latency: time.Millisecond}, true, func(err error) bool { return err == nil }},
	} {
		before := len(pullOf(t, f, n).Comments)
		f.Fault(func(q Request) *FaultAnswer {
			if q.Write && q.Repo == ledger && q.Route == "POST /repos/{owner}/{repo}/issues/{number}/comments" {
				return &c.fault
			}
			return nil
		})
		_, _, err := gh.Issues.CreateComment(ctx, "acme", "ledger", n, &github.IssueComment{Body: github.String(name)})
		if !c.want(err) {
			t.Errorf("%s: %v", name, err)
		}
		f.Fault(nil)
		if done := len(pullOf(t, f, n).Comments) > before; done != c.done {
			t.Errorf("%s: carried out: %v", name, done)
		}
	}
	f.Fault(func(Request) *FaultAnswer { return &FaultAnswer{Limit: LimitPrimary, RetryAfter: time.Hour} })
	if resp, body := get(t, server.URL+"/api/v3/user"); resp.StatusCode != 403 || resp.Header.Get("X-RateLimit-Remaining") != "0" {
		t.Error(resp.Status, body)
	}
}
