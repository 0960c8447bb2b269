package e2e

import (
	"encoding/json"
	"net/url"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"github.com/portreeve/portreeve/reconciler/forge/sandbox"
)

// curl is a person's shell with GitHub's REST documentation beside it.
type curl struct {
	t    *testing.T
	base string
}

type curled struct {
	status  string
	headers string
	body    string
}

func (c *curl) run(path string, args ...string) curled {
	c.t.Helper()
	args = append([]string{"-q", "-sS", "-i", "--noproxy", "*", "-H", "Accept: application/vnd.github+json", c.base + path}, args...)
	out, err := exec.Command("curl", args...).CombinedOutput()
	if err != nil {
		c.t.Fatalf("curl %s: %v\n%s", path, err, out)
	}
	text := strings.ReplaceAll(string(out), "\r\n", "\n")
	head, body, _ := strings.Cut(text, "\n\n")
	first, headers, _ := strings.Cut(head, "\n")
	return curled{status: strings.Fields(first + " ? ?")[1], headers: headers, body: body}
}

// field is a top-level field of the answer.
func (c curled) field(name string) any {
	var fields map[string]any
	if json.Unmarshal([]byte(c.body), &fields) != nil {
		return nil
	}
	return fields[name]
}

var etag = regexp.MustCompile(`(?mi)^etag: (.*)$`)

// TestCurl follows GitHub's REST documentation by hand, and holds what comes
// back to the published description.
func TestCurl(t *testing.T) {
	w := newWorld(t, fleetOfAllSorts()...)
	w.branch("acme/plain", "topic", "a.txt", "a\n")
	head := string(w.branch("acme/plain", "topic", "b.txt", "b\n"))
	target, err := url.Parse(w.url)
	must(t, err)
	proxy := w.recorder.Proxy(target)
	defer proxy.Close()
	c := &curl{t, proxy.URL}
	auth := []string{"-H", "Authorization: Bearer " + botToken}
	post := func(body string) []string { return append([]string{"-X", "POST", "-d", body}, auth...) }
	patch := func(body string) []string { return append([]string{"-X", "PATCH", "-d", body}, auth...) }
	put := func(body string) []string { return append([]string{"-X", "PUT", "-d", body}, auth...) }

	for _, ask := range []struct {
		path   string
		args   []string
		status string
		body   string // regular expression
	}{
		{"/api/v3/user", auth, "200", `"login": ?"portreeve`},
		{"/api/v3/user", nil, "401", `"message"`},
		{"/api/v3/user", []string{"-H", "Authorization: token " + botToken}, "200", `"login"`},
		{"/api/v3/repos/acme/ledger", auth, "200", `"full_name": ?"acme/ledger"`},
		{"/api/v3/repos/acme/private", nil, "404", `"Not Found"`},
		{"/api/v3/repos/acme/none", auth, "404", `"Not Found"`},
		{"/api/v3/orgs/acme/repos", auth, "200", `acme/archived`},
		{"/api/v3/repos/acme/plain/pulls", post(`{"title":"By hand","head":"topic","base":"main","body":"See."}`), "201", `"number": ?1`},
		{"/api/v3/repos/acme/plain/pulls", post(`{"title":"Again","head":"topic","base":"main"}`), "422", `A pull request already exists`},
		{"/api/v3/repos/acme/plain/pulls", post(`{"title":"From nothing","head":"none","base":"main"}`), "422", `"Validation Failed"`},
		{"/api/v3/repos/acme/plain/pulls", post(`{"title":`), "400", `"Problems parsing JSON"`},
		{"/api/v3/repos/acme/plain/pulls/1", auth, "200", `"state": ?"open"`},
		{"/api/v3/repos/acme/plain/pulls/9", auth, "404", `"Not Found"`},
		{"/api/v3/repos/acme/plain/pulls?state=all&per_page=1", auth, "200", `"By hand"`},
		{"/api/v3/repos/acme/plain/pulls/1", patch(`{"title":"Better"}`), "200", `"title": ?"Better"`},
		{"/api/v3/repos/acme/plain/issues/1/labels", post(`{"labels":["go"]}`), "200", `"go"`},
		{"/api/v3/repos/acme/plain/issues/1/comments", post(`{"body":"Hello."}`), "201", `"Hello."`},
		{"/api/v3/repos/acme/plain/statuses/" + head, post(`{"state":"success","context":"by-hand"}`), "201", `"by-hand"`},
		{"/api/v3/repos/acme/plain/pulls/1/merge", put(`{"sha":"0123456789012345678901234567890123456789"}`), "409", `"message"`},
		{"/api/v3/repos/acme/plain/pulls/1/merge", put(`{"sha":"` + head + `","merge_method":"squash"}`), "200", `"merged": ?true`},
		{"/api/v3/repos/acme/plain/pulls/1/merge", put(`{}`), "405", `"message"`},
		{"/api/v3/repos/acme/plain/pulls/1", patch(`{"state":"open"}`), "422", `"Validation Failed"`},
		{"/api/graphql", post(`{"query":"{viewer{login}}"}`), "200", `"login": ?"portreeve`},
		{"/api/graphql", post(`{"query":"{repository(owner:\"acme\",name:\"none\"){name}}"}`), "200", `"NOT_FOUND"`},
		// What is not recorded is held to its status alone.
		{"/user", auth, "200", `"login"`},
		{"/repos/acme/ledger", auth, "200", `"full_name"`},
	} {
		got := c.run(ask.path, ask.args...)
		if got.status != ask.status || !regexp.MustCompile(ask.body).MatchString(got.body) {
			t.Errorf("%s: answers %s %s, want %s %s", ask.path, got.status, short([]byte(got.body)), ask.status, ask.body)
		}
		if !has(got.headers, "X-RateLimit-Remaining: ") && ask.status != "401" {
			t.Errorf("%s: answers without x-ratelimit headers: %s", ask.path, got.headers)
		}
	}
	w.holds("acme/plain", "", "b.txt", "b\n")

	page := c.run("/api/v3/orgs/acme/repos?per_page=3&page=2", auth...)
	for _, rel := range []string{`rel="next"`, `rel="last"`, `rel="first"`, `rel="prev"`} {
		if !strings.Contains(page.headers, rel) {
			t.Errorf("the second page has no link %s: %s", rel, page.headers)
		}
	}
	tag := etag.FindStringSubmatch(c.run("/api/v3/repos/acme/ledger", auth...).headers)
	if tag == nil {
		t.Fatal("a repo has no etag")
	}
	if got := c.run("/api/v3/repos/acme/ledger", append(auth, "-H", "If-None-Match: "+tag[1])...); got.status != "304" || got.body != "" {
		t.Errorf("unchanged, but answers %s %s", got.status, got.body)
	}
	asPublished(t, &w.recorder)

	c.base = w.url // what is not published needs no check
	for _, path := range []string{"/api/v3/nothing/at/all", "/api/v3/repos/acme/plain/actions/runs"} {
		if got := c.run(path, auth...); got.status != "404" && got.status != "501" || got.field("message") == nil || got.field("documentation_url") == nil {
			t.Errorf("what it does not support answers %s %s", got.status, got.body)
		}
	}
}

// TestCurlSeesLimits proves that a limit is told as GitHub tells it.
func TestCurlSeesLimits(t *testing.T) {
	w := newWorld(t, sandbox.Spec{Name: "acme/plain"})
	limits := sandbox.GitHubLimits()
	limits.REST = 2
	w.forge.SetLimits(limits)
	c := &curl{t, w.url}
	var last curled
	for range 3 {
		last = c.run("/api/v3/repos/acme/plain", "-H", "Authorization: Bearer "+botToken)
	}
	if last.status != "403" && last.status != "429" || !has(last.headers, "X-RateLimit-Remaining: 0") ||
		!has(last.headers, "X-RateLimit-Reset: ") || last.field("message") == nil {
		t.Errorf("over the limit: %s %s %s", last.status, last.headers, last.body)
	}
}

// has looks for a header, whatever its case.
func has(headers, line string) bool {
	return strings.Contains(strings.ToLower(headers), strings.ToLower(line))
}
